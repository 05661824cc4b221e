//! `footfall doctor`: what is wrong with this installation, and what to do.

use std::{os::unix::fs::PermissionsExt, path::Path};

use clap::Args;
use serde::Serialize;

use super::{CommandContext, print};
use crate::{boot, control::Control};

/// Check this installation and say what to do about each fault
///
/// Works whether the server runs or not and changes nothing. Exit status 1 if anything is broken.
#[derive(Args)]
#[command(after_help = "Examples:
  footfall doctor
  footfall doctor --json")]
pub struct DoctorArgs {
    /// Print an array of {check, ok, detail}
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
}

/// Looks at everything, then reports.
pub async fn run(args: DoctorArgs, context: &CommandContext) -> anyhow::Result<()> {
    let config = &context.config;
    let data = &config.process.data;
    let mut findings = vec![check("roles", boot::check_roles(config).map(|()| "one process has all it needs".to_owned()))];
    findings.push(check("data folder", folder(data)));
    findings.push(check("disk space", space(data)));
    if config.seams.store_url.scheme() == "engine" {
        let cap = boot::engine_memory(config).map(|cap| format!("the embedded ClickHouse may take {} MB", cap >> 20));
        findings.push(check("memory", cap));
        let library = footfall_engine::find_library(data, boot::explicit_library(config).as_deref());
        findings.push(check("engine library", library.map(|path| path.display().to_string()).map_err(Into::into)));
    }
    let running = Control::running(data).await.is_some();
    findings.push(Finding {
        check: "server",
        ok: true,
        detail: if running { "runs on this data folder" } else { "does not run" }.to_owned(),
    });
    if data.exists() {
        let pending = boot::pending_migrations(config).await.map(|pending| {
            if pending.is_empty() {
                "up to date".to_owned()
            } else {
                format!("{} pending; the next `footfall serve` runs them", pending.len())
            }
        });
        findings.push(check("schemas", pending));
    }
    if args.json {
        print(&serde_json::to_string_pretty(&findings)?);
    } else {
        for finding in &findings {
            print(&format!("{}  {:<16}{}", if finding.ok { "ok  " } else { "FAIL" }, finding.check, finding.detail));
        }
    }
    let broken = findings.iter().filter(|finding| !finding.ok).count();
    anyhow::ensure!(broken == 0, "{broken} of {} checks failed", findings.len());
    Ok(())
}

fn check(name: &'static str, result: anyhow::Result<String>) -> Finding {
    match result {
        Ok(detail) => Finding { check: name, ok: true, detail },
        Err(error) => Finding { check: name, ok: false, detail: format!("{error:#}") },
    }
}

fn folder(data: &Path) -> anyhow::Result<String> {
    if !data.exists() {
        return Ok(format!("{} does not exist yet; `footfall serve` makes it", data.display()));
    }
    anyhow::ensure!(data.is_dir(), "{} is not a folder; choose another with --data", data.display());
    let mode = std::fs::metadata(data)?.permissions().mode();
    anyhow::ensure!(mode & 0o002 == 0, "{} can be written by everyone; run: chmod o-w {}", data.display(), data.display());
    Ok(data.display().to_string())
}

/// Less than this, and merges of the store may stop.
const LEAST_FREE: u64 = 2 << 30;

fn space(data: &Path) -> anyhow::Result<String> {
    let existing = data.ancestors().find(|folder| folder.exists() && folder.is_dir()).unwrap_or(Path::new("."));
    let free = free_bytes(existing)?;
    anyhow::ensure!(
        free >= LEAST_FREE,
        "{} MB are free; events are refused when the disk is full: make room or move the data folder",
        free >> 20
    );
    Ok(format!("{} GB free", free >> 30))
}

fn free_bytes(folder: &Path) -> anyhow::Result<u64> {
    let stat = rustix::fs::statvfs(folder)?;
    Ok(stat.f_bavail * stat.f_frsize)
}
