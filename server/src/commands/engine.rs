//! `footfall engine`: the embedded ClickHouse alone.

use std::net::SocketAddr;

use clap::Args;
use footfall_engine::EngineOptions;

use super::CommandContext;
use crate::boot;

/// Run the embedded ClickHouse alone, for curl, Grafana or repairs
///
/// `serve` starts it by itself. While it runs, address and password are in DATA/run/engine.json. Run alone it takes the same password each
/// time: the one in DATA/run/engine.password, made at the first start.
#[derive(Args)]
#[command(after_help = "Examples:
  footfall engine
  footfall engine --listen 127.0.0.1:8123")]
pub struct EngineArgs {
    /// Address to listen on; loopback only makes sense, as there is no TLS [default: a free port on 127.0.0.1]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Memory cap in bytes [default: FOOTFALL_ENGINE_MEMORY]
    #[arg(long, value_name = "BYTES")]
    memory_cap: Option<u64>,
    /// Path of libchdb.so [default: FOOTFALL_LIBCHDB, else looked for]
    #[arg(long, value_name = "FILE")]
    library: Option<std::path::PathBuf>,
    /// End when stdin closes, and take the password from it
    #[arg(long, hide = true)]
    supervised: bool,
}

/// Runs until a signal, or until stdin closes where `serve` is the parent.
pub async fn run(args: EngineArgs, context: &CommandContext) -> anyhow::Result<()> {
    let config = &context.config;
    let explicit = args.library.or_else(|| boot::explicit_library(config));
    let library = footfall_engine::find_library(&config.process.data, explicit.as_deref())?;
    let memory_cap = match args.memory_cap {
        Some(bytes) => bytes,
        None => boot::engine_memory(config)?,
    };
    let mut options = EngineOptions::new(&config.process.data);
    options.listen = args.listen.unwrap_or(options.listen);
    options.memory_cap = Some(memory_cap);
    options.library = Some(library);
    options.supervised = args.supervised;
    footfall_engine::run(options).await?;
    Ok(())
}
