//! `footfall migrate`: bring schemas up to date without serving.

use clap::Args;

use super::{CommandContext, print};
use crate::boot;

/// Bring the schemas of accounts and analytics store up to date
///
/// `serve` does so at its start. Migrations are numbered, resumable and only go up.
#[derive(Args)]
#[command(after_help = "Examples:
  footfall migrate
  footfall migrate --check")]
pub struct MigrateArgs {
    /// Change nothing; exit with 1 if anything is pending
    #[arg(long)]
    check: bool,
}

/// Runs or checks migrations.
pub async fn run(args: MigrateArgs, context: &CommandContext) -> anyhow::Result<()> {
    if args.check {
        let pending = boot::pending_migrations(&context.config).await?;
        for name in &pending {
            print(name);
        }
        anyhow::ensure!(pending.is_empty(), "{} migrations are pending; run `footfall migrate`", pending.len());
        return Ok(());
    }
    let meta = context.meta().await?;
    let service = boot::open_store(&context.config, &meta, boot::Purpose::Once).await?;
    if let Some(engine) = service.engine {
        engine.shutdown().await;
    }
    print("accounts and analytics store are up to date");
    Ok(())
}
