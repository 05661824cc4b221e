//! `footfall config`: what is configured, and what can be.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use footfall_config::Config;

use super::{CommandContext, print};

/// Show, check or explain the configuration
#[derive(Args)]
#[command(after_help = "Examples:
  footfall config print
  footfall config check
  footfall config reference > docs/reference/configuration.md")]
pub struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Every setting with its value and where it came from; secrets are hidden
    Print,
    /// Exit with 0 if the configuration is usable
    Check,
    /// The reference page, as Markdown
    Reference,
}

impl ConfigArgs {
    /// The reference can be shown whatever is configured.
    pub fn is_reference(&self) -> bool {
        matches!(self.action, Action::Reference)
    }
}

/// Prints the reference page.
pub fn reference() -> anyhow::Result<ExitCode> {
    print(Config::reference_page().trim_end());
    Ok(ExitCode::SUCCESS)
}

/// Runs the actions that need a valid configuration.
pub fn run(args: ConfigArgs, context: &CommandContext) -> anyhow::Result<()> {
    match args.action {
        Action::Print => print(Config::print(&context.sources).trim_end()),
        Action::Check => {
            crate::boot::check_roles(&context.config)?;
            print("the configuration is usable");
        }
        Action::Reference => print(Config::reference_page().trim_end()),
    }
    Ok(())
}
