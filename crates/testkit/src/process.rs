//! Signals by process id, through the system's `kill`, so that no unsafe code is needed.

use anyhow::ensure;

/// Sends a signal (`TERM`, `KILL`, `STOP`, `CONT`) to one process.
///
/// # Errors
/// When it cannot be sent, except to a process that has already ended.
pub async fn kill(pid: u32, signal: &str) -> anyhow::Result<()> {
    send(&pid.to_string(), signal).await
}

/// Sends a signal to every process of a group.
///
/// # Errors
/// As [`kill`].
pub async fn kill_group(leader: u32, signal: &str) -> anyhow::Result<()> {
    send(&format!("-{leader}"), signal).await
}

async fn send(target: &str, signal: &str) -> anyhow::Result<()> {
    let output = tokio::process::Command::new("kill").args(["-s", signal, "--", target]).output().await?;
    let message = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() || message.contains("No such process"), "kill -s {signal} {target}: {message}");
    Ok(())
}

/// [`kill_group`] with SIGKILL for destructors.
pub fn kill_group_now(leader: u32) {
    let _ = std::process::Command::new("kill").args(["-s", "KILL", "--", &format!("-{leader}")]).output();
}

/// Child processes of a process whose command line holds a word.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn children(parent: u32, word: &str) -> anyhow::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else { continue };
        let Ok(command) = std::fs::read_to_string(format!("/proc/{pid}/cmdline")) else { continue };
        let is_child = status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|id| id.trim() == parent.to_string()));
        if is_child && command.split('\0').any(|part| part == word) {
            found.push(pid);
        }
    }
    Ok(found)
}
