//! What processes take, as the kernel counts it.

use std::{path::Path, time::Duration};

use anyhow::Context;

/// User and system time since the process began, in steps of a hundredth of a second.
pub fn cpu(pid: u32) -> anyhow::Result<Duration> {
    Ok(Duration::from_millis(10 * times(pid, &[11, 12])?))
}

/// The same with all processes that it started, living or ended.
pub fn cpu_of_all(parent: u32) -> anyhow::Result<Duration> {
    let mut sum = Duration::from_millis(10 * times(parent, &[11, 12, 13, 14])?);
    let line = format!("PPid:\t{parent}\n");
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that ends meanwhile is counted by its parent.
        let is_child = std::fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| status.contains(&line));
        if is_child {
            sum += cpu(pid).unwrap_or_default();
        }
    }
    Ok(sum)
}

fn times(pid: u32, places: &[usize]) -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    places.iter().map(|at| Ok(fields.get(*at).context("an odd stat file")?.parse::<u64>()?)).sum()
}

/// Bytes in memory now.
pub fn resident(pid: u32) -> anyhow::Result<u64> {
    memory(pid, "VmRSS:")
}

/// The most bytes that were in memory at a time.
pub fn peak(pid: u32) -> anyhow::Result<u64> {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, label: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(label)).context("an odd status file")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
}

/// Bytes of a folder's files with this ending; 0 where there is no folder.
pub fn on_disk(folder: &Path, ending: &str) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .filter(|file| file.path().extension().is_some_and(|found| found == ending))
        .filter_map(|file| Some(file.metadata().ok()?.len()))
        .sum()
}
