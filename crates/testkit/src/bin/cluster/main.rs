//! A whole cluster on this machine, for development: `make cluster`.
//!
//! `cluster` starts what the compose file's profile `cluster` does, as plain processes: brokers, Redis, PostgreSQL behind PgBouncer, the
//! analytics store, several processes of each role, and one address before them. `cluster run -- COMMAND` starts the services alone and runs a
//! command that finds them through `FOOTFALL_TEST_CLUSTER`: so the black-box tests run on the engines of a cluster.
//!
//! What is started runs in a process group of its own, so that Ctrl-C reaches this program alone and everything ends in order: front, collectors,
//! processors, pages, services. The group's first process watches its standard input: it also ends when this program is killed.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table for the person who started it")]

mod front;
mod topology;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, process::Stdio};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use tokio::{
    net::TcpListener,
    process::Command,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use topology::{Topology, Trunk};

/// A whole cluster of Footfall as local processes
#[derive(Parser)]
#[command(name = "cluster", args_conflicts_with_subcommands = true, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    start: StartArgs,
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Start the services alone, with one broker, and run a command on them; its status is the answer
    Run {
        /// The command and its words
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
}

/// How large the cluster is.
#[derive(Args, Clone)]
pub struct StartArgs {
    /// Brokers of Kafka
    #[arg(long, value_name = "1|3", default_value_t = 3, value_parser = brokers)]
    brokers: usize,
    /// Processes with the role capture
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    collectors: u8,
    /// Processes with the role processor
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    processors: u8,
    /// Processes with the roles query and auth
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    web: u8,
    /// The one address before all of them
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the settings are written that a command needs to work with this cluster
    #[arg(long, value_name = "FILE", default_value = "data/cluster/footfall.toml")]
    settings: PathBuf,
    /// The program `footfall`; the one beside this program if not given
    #[arg(long, value_name = "FILE", global = true)]
    binary: Option<PathBuf>,
    /// Be the process group's first process.
    #[arg(long, hide = true)]
    inner: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Task::Run { command }) => run(&cli.start, &command).await,
        None if cli.start.inner => start(&cli.start).await.map(|()| ExitCode::SUCCESS),
        None => guard().await,
    };
    done.unwrap_or_else(|error| {
        eprintln!("cluster: {error:#}");
        ExitCode::FAILURE
    })
}

fn brokers(text: &str) -> Result<usize, &'static str> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err("use 1 or 3"),
    }
}

impl StartArgs {
    fn binary(&self) -> anyhow::Result<PathBuf> {
        let beside = || Some(std::env::current_exe().ok()?.parent()?.join("footfall"));
        let binary = self.binary.clone().or_else(beside).context("the program footfall is not found; name it with --binary")?;
        binary.canonicalize().with_context(|| format!("{} is not there; build it, or name another one with --binary", binary.display()))
    }
}

/// Runs the rest in a group of its own until Ctrl-C.
async fn guard() -> anyhow::Result<ExitCode> {
    let mut inner = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .arg("--inner")
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()?;
    // Kept apart, as waiting would close it.
    let open = inner.stdin.take();
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let early = tokio::select! {
        status = inner.wait() => Some(status?),
        _ = int.recv() => None,
        _ = term.recv() => None,
    };
    drop(open);
    let status = match early {
        Some(status) => status,
        None => inner.wait().await?,
    };
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts everything and serves until standard input closes.
async fn start(args: &StartArgs) -> anyhow::Result<()> {
    let begin = std::time::Instant::now();
    let binary = args.binary()?;
    let (end, mut ended) = oneshot::channel();
    // A thread of its own: a read of standard input cannot be broken off, and the runtime would wait for it.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = end.send(());
    });
    let taken = || format!("cannot listen on {}; is another server running there? choose another address with --listen", args.listen);
    let listener = TcpListener::bind(args.listen).await.with_context(taken)?;
    println!("\nstarting Kafka, Redis, PostgreSQL, the analytics store, and Footfall in its roles …");
    let topology = tokio::select! {
        topology = Topology::start(args, &binary, listener.local_addr()?) => topology?,
        _ = &mut ended => return Ok(()),
    };
    let front = tokio::spawn(front::serve(listener, topology.upstreams()));
    topology.print();
    println!("  ready     after {:.0} s; Ctrl-C ends everything and removes its data\n", begin.elapsed().as_secs_f64());
    let _ = ended.await;
    println!("stopping: front, collectors, processors, pages, services");
    front.abort();
    topology.stop().await;
    Ok(())
}

/// Runs a command on services of its own.
async fn run(args: &StartArgs, command: &[String]) -> anyhow::Result<ExitCode> {
    let trunk = Trunk::start(1, &args.binary()?).await?;
    let file = tempfile::Builder::new().prefix("footfall-cluster-").suffix(".json").tempfile()?;
    serde_json::to_writer(file.as_file(), &trunk.services()?)?;
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .env(footfall_testkit::services::VARIABLE, file.path())
        .spawn()
        .with_context(|| format!("{} cannot be started", command[0]))?;
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let status = tokio::select! {
        status = child.wait() => status?,
        // The terminal tells the command too.
        _ = int.recv() => child.wait().await?,
        _ = term.recv() => {
            child.start_kill()?;
            child.wait().await?
        }
    };
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}
