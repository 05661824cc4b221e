//! A process that appends, for tests that kill it or fill its disk. It is driven by its arguments and standard input, and
//! tells every answer on standard output.
//!
//! - `load DIR CALLERS`: appends without end; `ack OFFSET TEXT` per acknowledged entry.
//! - `fill DIR`: puts a ballast file into DIR and appends until it is refused: `refused …`; after a line on standard input
//!   frees the disk, appends again until accepted: `accepted`; then reads all back: `read COUNT`.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use footfall_log::{
    Entry, EventLog, FetchLimit, Polled, StartAt,
    file::{FileLog, FileLogOptions},
};
use footfall_model::{LogName, SiteId};
use uuid::Uuid;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["load", dir, callers] => load(dir.into(), callers.parse().unwrap_or(1)).await,
        ["fill", dir] => fill(Path::new(dir)).await,
        _ => Err("load DIR CALLERS | fill DIR".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn entry(text: &str) -> Entry {
    Entry { key: SiteId(Uuid::nil()), payload: Bytes::copy_from_slice(text.as_bytes()) }
}

fn say(line: &str) -> Result<(), Failure> {
    // One write per line: a killed process leaves no half line that looks whole.
    std::io::stdout().write_all(format!("{line}\n").as_bytes())?;
    Ok(std::io::stdout().flush()?)
}

async fn load(dir: PathBuf, callers: usize) -> Result<(), Failure> {
    let log = FileLog::open(FileLogOptions::new(dir, LogName::Live)).await?;
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let log = Arc::clone(&log);
        tasks.push(tokio::spawn(async move {
            for call in 0_u64.. {
                let text = format!("{caller}/{call}/{}", "x".repeat((call % 700) as usize));
                let position = log.append(vec![entry(&text)]).await.remove(0)?;
                say(&format!("ack {} {text}", position.offset))?;
            }
            Ok::<(), Failure>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn fill(dir: &Path) -> Result<(), Failure> {
    let ballast = dir.join("ballast");
    std::fs::write(&ballast, vec![1; 2 << 20])?;
    let log = FileLog::open(FileLogOptions::new(dir.join("log"), LogName::Live)).await?;
    let text = "y".repeat(10_000);
    let mut acknowledged = 0_u64;
    let why = loop {
        match log.append(vec![entry(&text)]).await.remove(0) {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    say(&format!("refused {why:?}"))?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    std::fs::remove_file(&ballast)?;
    while log.append(vec![entry(&text)]).await.remove(0).is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    acknowledged += 1;
    say("accepted")?;

    let mut sub = log.subscribe("stored", StartAt::Offset(0)).await?;
    sub.follow(&[0].into()).await?;
    let mut read = 0;
    loop {
        match sub.poll(Duration::ZERO, FetchLimit { entries: 1_000, bytes: 1 << 20 }).await? {
            Polled::Entries { entries, .. } => {
                for entry in entries {
                    if entry.offset != read || entry.payload != text.as_bytes() {
                        return Err(format!("offset {} where {read} was expected", entry.offset).into());
                    }
                    read += 1;
                }
            }
            Polled::Idle { .. } => break,
            Polled::Assigned(_) | Polled::Revoked(_) => {}
        }
    }
    if read < acknowledged {
        return Err(format!("{acknowledged} were acknowledged, {read} are there").into());
    }
    say(&format!("read {read}"))
}
