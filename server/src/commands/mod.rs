//! The command line: one file per command.
//!
//! Results go to stdout, progress and logs to stderr. Exit status: 0 done, 1 failed, 2 wrong usage.

mod annotation;
mod behaviour;
mod channel;
mod config;
mod doctor;
mod engine;
mod goal;
mod healthcheck;
mod import;
mod lists;
mod migrate;
mod promote;
mod property;
mod query;
mod route;
mod seed;
mod segment;
mod serve;
mod share;
mod shield;
mod site;
mod table;
mod token;
mod user;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use axum::{body::Body, http::Request};
use clap::{Args, Parser, Subcommand};
use footfall_config::{Config, LogFormat, Role, Sources};
use footfall_meta::Meta;
use serde_json::Value;
use tracing_subscriber::EnvFilter;

use crate::{
    api::operator::{Kind, OperatorsAnswer},
    control::{Control, Line},
    services::Services,
};

/// Calls that block are left after this: one that waits for brokers that are away would hold up the end of the process. Nothing rests on them.
const LAST_CALLS: Duration = Duration::from_secs(1);
/// The engine's own are waited for: it ends them itself, by force in the end.
const ENGINE_CALLS: Duration = Duration::from_secs(30);

/// Web analytics on your own machine: real-time, private, nothing lost.
#[derive(Parser)]
#[command(
    name = "footfall",
    version,
    max_term_width = 110,
    after_help = "Settings are variables too: `footfall config reference` lists them all."
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Global {
    /// The folder that holds all state [env: FOOTFALL_DATA] [default: ./data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration file (TOML)
    #[arg(long, global = true, value_name = "FILE", env = "FOOTFALL_CONFIG")]
    config: Option<PathBuf>,
    /// How log lines look: json or pretty [env: FOOTFALL_LOG_FORMAT] [default: pretty]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Engine(engine::EngineArgs),
    Migrate(migrate::MigrateArgs),
    Doctor(doctor::DoctorArgs),
    Seed(seed::SeedArgs),
    Import(import::ImportArgs),
    Promote(promote::PromoteArgs),
    Query(query::QueryArgs),
    Funnel(behaviour::FunnelArgs),
    Journey(behaviour::JourneyArgs),
    Retention(behaviour::RetentionArgs),
    User(user::UserArgs),
    Site(site::SiteArgs),
    Goal(goal::GoalArgs),
    Segment(segment::SegmentArgs),
    Property(property::PropertyArgs),
    Route(route::RouteArgs),
    Channel(channel::ChannelArgs),
    Annotation(annotation::AnnotationArgs),
    Shield(shield::ShieldArgs),
    Share(share::ShareArgs),
    Token(token::TokenArgs),
    Healthcheck(healthcheck::HealthcheckArgs),
    Config(config::ConfigArgs),
}

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

    /// Asks about a domain: the body of `POST /api/v2/{kind}`, and its answer.
    ///
    /// # Errors
    /// When the question makes no sense, or the store does not answer.
    pub async fn ask(&self, kind: Kind, question: &Value) -> anyhow::Result<Value> {
        let request = Request::post(kind.path()).body(Body::from(question.to_string()))?;
        let answered = self.ask_server(Role::Query, request, |_: &OperatorsAnswer| {}).await?;
        answered.answer.context("the server gave no answer")
    }

    /// Has the server that runs on the data folder do some work, or does it here with this role where none runs; `see` hears of each line of the answer.
    ///
    /// # Errors
    /// When the work fails, or the server breaks off.
    pub async fn ask_server<L: Line>(&self, role: Role, request: Request<Body>, see: impl FnMut(&L)) -> anyhow::Result<L> {
        let mut here = None;
        let control = match Control::running(&self.config.process.data).await {
            Some(control) => control,
            None => {
                let services = Services::start_for_command(self.config.clone(), role).await?;
                let router = services.control_router();
                here = Some(services);
                Control::Here(router)
            }
        };
        let result = control.call(request, see).await;
        if let Some(services) = here {
            services.stop(std::future::ready(())).await;
        }
        result
    }
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            fail(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let mut flags: Vec<(&'static str, String)> = Vec::new();
    if let Some(data) = &cli.global.data {
        flags.push(("data", data.display().to_string()));
    }
    if let Some(format) = &cli.global.log_format {
        flags.push(("log_format", format.clone()));
    }
    match &cli.command {
        Command::Serve(args) => flags.extend(args.flags()),
        Command::Config(args) if args.is_reference() => return config::reference(),
        _ => {}
    }
    let sources = Sources::read(flags, cli.global.config.as_deref())?;
    let config = Config::load(&sources)?;
    start_logging(&config)?;
    let context = CommandContext { config, sources };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let last_calls = if matches!(cli.command, Command::Engine(_)) { ENGINE_CALLS } else { LAST_CALLS };
    let outcome = runtime.block_on(async move {
        match cli.command {
            Command::Serve(_) => serve::run(context).await,
            Command::Engine(args) => engine::run(args, &context).await,
            Command::Migrate(args) => migrate::run(args, &context).await,
            Command::Doctor(args) => doctor::run(args, &context).await,
            Command::Seed(args) => seed::run(args, &context).await,
            Command::Import(args) => import::run(args, &context).await,
            Command::Promote(args) => promote::run(args, &context).await,
            Command::Query(args) => query::run(args, &context).await,
            Command::Funnel(args) => behaviour::funnel(args, &context).await,
            Command::Journey(args) => behaviour::journey(args, &context).await,
            Command::Retention(args) => behaviour::retention(args, &context).await,
            Command::User(args) => user::run(args, &context).await,
            Command::Site(args) => site::run(args, &context).await,
            Command::Goal(args) => goal::run(args, &context).await,
            Command::Segment(args) => segment::run(args, &context).await,
            Command::Property(args) => property::run(args, &context).await,
            Command::Route(args) => route::run(args, &context).await,
            Command::Channel(args) => channel::run(args, &context).await,
            Command::Annotation(args) => annotation::run(args, &context).await,
            Command::Shield(args) => shield::run(args, &context).await,
            Command::Share(args) => share::run(args, &context).await,
            Command::Token(args) => token::run(args, &context).await,
            Command::Healthcheck(args) => healthcheck::run(args, &context).await,
            Command::Config(args) => config::run(args, &context),
        }
        .map(|()| ExitCode::SUCCESS)
    });
    runtime.shutdown_timeout(last_calls);
    outcome
}

fn start_logging(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.process.log_level)
        .map_err(|error| anyhow::anyhow!("FOOTFALL_LOG_LEVEL is `{}`: {error}", config.process.log_level))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    match config.process.log_format {
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Pretty => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
    }
    Ok(())
}

/// Prints a result on stdout. A reader that has gone is no fault of the command.
pub fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
}

fn fail(error: &anyhow::Error) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "footfall: {error:#}");
}
