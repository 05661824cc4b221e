//! The command line: one file per command.
//!
//! Results go to stdout, progress and logs to stderr. Exit status: 0 done, 1 failed, 2 wrong usage.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use footfall_config::{Config, Sources};
use footfall_meta::Meta;

/// Web analytics on your own machine: real-time, private, nothing lost.
#[derive(Parser)]
#[command(name = "footfall", version, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Global {
    /// The folder that holds all state [default: ./data] [env: FOOTFALL_DATA]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE", env = "FOOTFALL_CONFIG")]
    config: Option<PathBuf>,
    /// How log lines look: json or pretty [default: pretty] [env: FOOTFALL_LOG_FORMAT]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
}

#[derive(Subcommand)]
enum Command {}

/// What every command starts from.
pub struct CommandContext {
    /// Configuration.
    pub config: Config,
    /// Where each value came from, for `config print`.
    pub sources: Sources,
}

impl CommandContext {
    /// Opens the accounts database (creating and migrating it on one machine).
    ///
    /// # Errors
    /// When it cannot be opened; the message says why.
    pub async fn meta(&self) -> anyhow::Result<Meta> {
        crate::boot::open_accounts(&self.config).await
    }
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let _ = (cli.global, cli.command);
    ExitCode::SUCCESS
}
