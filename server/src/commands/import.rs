//! `footfall import`: a file of events into a domain.

use std::{io::Read, path::PathBuf};

use anyhow::{Context, ensure};
use axum::{body::Body, http::Request};
use clap::{Args, ValueEnum};
use footfall_config::Role;
use futures::TryStreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use tokio_util::io::ReaderStream;

use super::{CommandContext, print};
use crate::import::{Phase, Progress};

/// Import a file of events into a domain; returns once they can be queried
///
/// The file holds one event of the collector's protocol a line, with `timestamp` and, if known, `ip` and `userAgent`. Neither
/// reaches the disk. An import that was cut off goes on when the same file is given again; nothing counts twice.
#[derive(Args)]
#[command(after_help = "Examples:
  footfall import --format ndjson events.ndjson --domain example.org
  zcat old.ndjson.gz | footfall import --format ndjson /dev/stdin --domain example.org")]
pub struct ImportArgs {
    /// The file
    file: PathBuf,
    /// Its format
    #[arg(long, value_enum, default_value = "ndjson")]
    format: Format,
    /// The domain
    #[arg(long)]
    domain: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Ndjson,
}

/// Sends the file to the running server, or does the work here where none runs.
pub async fn run(args: ImportArgs, context: &CommandContext) -> anyhow::Result<()> {
    let Format::Ndjson = args.format;
    let name = args.file.display();
    let file = tokio::fs::File::open(&args.file).await.with_context(|| format!("{name} cannot be read"))?;
    let about = file.metadata().await?;
    let (size, fingerprint) = if about.is_file() {
        (Some(about.len()), tokio::task::block_in_place(|| fingerprint(&args.file)).with_context(|| format!("{name} cannot be read"))?)
    } else {
        // A pipe cannot be read twice: it is never recognised as the same file again.
        (None, format!("pipe:{}", uuid::Uuid::new_v4()))
    };
    let bar = bar(size);
    let reading = bar.clone();
    let body = Body::from_stream(ReaderStream::with_capacity(file, 256 << 10).inspect_ok(move |piece| reading.inc(piece.len() as u64)));
    let query = format!("/import?domain={}&fingerprint={fingerprint}", escape(&args.domain));
    let progress = call(context, Request::post(query).body(body)?, bar).await?;
    report(&progress);
    ensure!(progress.refused < progress.lines || progress.lines == 0, "every line was refused");
    Ok(())
}

/// Runs one request of the control routes with a progress bar.
pub async fn call(context: &CommandContext, request: Request<Body>, bar: ProgressBar) -> anyhow::Result<Progress> {
    let result = context.ask_server(Role::Capture, request, |progress| show(progress, &bar)).await;
    bar.finish_and_clear();
    result
}

/// A bar on a terminal, nothing elsewhere.
pub fn bar(size: Option<u64>) -> ProgressBar {
    let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template("{msg:10} [{bar:40}] {percent:>3} %  {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message("reading");
    bar
}

fn show(progress: &Progress, bar: &ProgressBar) {
    let (label, done) = match progress.phase {
        Phase::Reading => ("making", progress.lines),
        Phase::Appending => ("appending", progress.appended),
        Phase::Storing => ("storing", progress.stored),
        Phase::Done => ("done", progress.stored),
    };
    bar.set_message(label);
    if progress.phase != Phase::Reading {
        bar.set_length((progress.lines - progress.refused).max(1));
    }
    bar.set_position(done);
}

fn report(progress: &Progress) {
    print(&format!("{} lines read, {} events imported, {} lines refused", progress.lines, progress.appended, progress.refused));
    for refusal in &progress.refusals {
        print(&format!("  line {}: {}", refusal.line, refusal.reason));
    }
    let more = progress.refused.saturating_sub(progress.refusals.len() as u64);
    if more > 0 {
        print(&format!("  … and {more} more"));
    }
}

fn fingerprint(file: &std::path::Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(file)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    Ok(hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// Escapes a value of a query string.
pub fn escape(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
