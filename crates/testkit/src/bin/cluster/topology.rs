//! What runs: the services, and the product's processes on them.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use footfall_testkit::{
    App, AppOptions, kafka::Kafka, pgbouncer::PgBouncer, postgres::Postgres, redis::Redis, services::Services, store::StoreServer,
};
use futures::future::{join_all, try_join_all};
use uuid::Uuid;

use crate::{StartArgs, front::Upstreams};

/// The services.
pub struct Trunk {
    // Dropped in this order: PgBouncer before its PostgreSQL.
    pgbouncer: PgBouncer,
    postgres: Postgres,
    redis: Redis,
    store: StoreServer,
    kafka: Kafka,
    brokers: usize,
}

impl Trunk {
    /// Starts them, with so many brokers.
    pub async fn start(brokers: usize, binary: &Path) -> anyhow::Result<Self> {
        let (kafka, redis, postgres, store) =
            tokio::try_join!(Kafka::start(brokers), Redis::start(), Postgres::start(), StoreServer::start(binary))?;
        let pgbouncer = PgBouncer::start(&postgres, "").await?;
        Ok(Self { pgbouncer, postgres, redis, store, kafka, brokers })
    }

    /// Where they are; accounts through PgBouncer.
    pub fn services(&self) -> anyhow::Result<Services> {
        let accounts = self.pgbouncer.url(&format!("{}/", self.postgres.url()));
        Ok(Services {
            kafka: self.kafka.bootstrap().to_owned(),
            brokers: self.brokers,
            redis: self.redis.url(),
            postgres: accounts.trim_end_matches('/').to_owned(),
            store: self.store.url()?,
        })
    }
}

/// A process of the product.
struct Member {
    name: String,
    app: App,
}

/// Everything that runs.
pub struct Topology {
    collectors: Vec<Member>,
    processors: Vec<Member>,
    web: Vec<Member>,
    trunk: Trunk,
    services: Services,
    base: String,
    settings: PathBuf,
}

impl Topology {
    /// Starts it; `front` is where people will reach it.
    pub async fn start(args: &StartArgs, binary: &Path, front: SocketAddr) -> anyhow::Result<Self> {
        let trunk = Trunk::start(args.brokers, binary).await?;
        let services = trunk.services()?;
        let base = format!("http://{front}");
        let settings = settings(&services, &base).await?;
        write_settings(&args.settings, &settings)?;

        let process = async |name: String, roles: &str, is_asked: bool| {
            let mut options = AppOptions::alone(binary);
            // With the limits that tests switch off.
            options.env = settings.clone();
            options = options.env("FOOTFALL_ROLES", roles).env("FOOTFALL_METRICS_LISTEN", "127.0.0.1:0");
            options = options.env("FOOTFALL_LOG_LEVEL", "info,librdkafka=error");
            if is_asked {
                let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                options = options.env("FOOTFALL_LISTEN", &format!("127.0.0.1:{port}"));
            }
            let app = App::start(options).await.with_context(|| name.clone())?;
            anyhow::Ok(Member { name, app })
        };
        let many = |role: &'static str, roles: &'static str, count: u8| {
            let is_asked = roles != "processor";
            try_join_all((1..=count).map(move |nth| process(format!("{role} {nth}"), roles, is_asked)))
        };
        // Schemas and topics are made by whoever comes first.
        let (collectors, processors) =
            tokio::try_join!(many("collector", "capture", args.collectors), many("processor", "processor", args.processors))?;
        // One after the other: only the newest set-up link holds.
        let mut web = Vec::new();
        for nth in 1..=args.web {
            web.push(process(format!("web {nth}"), "query,auth", true).await?);
        }
        Ok(Self { collectors, processors, web, trunk, services, base, settings: args.settings.clone() })
    }

    /// What the front passes requests to.
    pub fn upstreams(&self) -> Upstreams {
        let hosts = |members: &[Member]| members.iter().map(|member| member.app.url("").replacen("http://", "", 1)).collect();
        Upstreams { collectors: hosts(&self.collectors), web: hosts(&self.web) }
    }

    /// What a person needs to know.
    pub fn print(&self) {
        println!("\n  open      {}", self.base);
        if let Some(link) = self.web.last().and_then(|member| member.app.setup_link()) {
            println!("  setup     {link}");
        }
        println!("  commands  footfall --config {} …\n", self.settings.display());
        let row = |name: &str, place: &str, watched: &str, pid: Option<u32>, log: &Path| {
            let pid = pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
            println!("  {name:<12} {place:<24} {watched:<37} {pid:>7}  {}", log.display());
        };
        println!("  {:<12} {:<24} {:<37} {:>7}  log", "process", "listens on", "/metrics, /ready", "pid");
        for member in self.collectors.iter().chain(&self.processors).chain(&self.web) {
            let app = &member.app;
            let place = if app.url("").starts_with(app.metrics_url().trim_end_matches("/metrics")) { "-".to_owned() } else { app.url("") };
            row(&member.name, &place, app.metrics_url(), app.pid(), &app.log_file());
        }
        let trunk = &self.trunk;
        for broker in 0..trunk.brokers {
            let place = format!("127.0.0.1:{}", trunk.kafka.port(broker));
            row(&format!("broker {}", broker + 1), &place, "", trunk.kafka.pid(broker).ok(), &trunk.kafka.log_file(broker));
        }
        row("redis", &format!("127.0.0.1:{}", trunk.redis.port()), "", trunk.redis.pid(), &trunk.redis.log_file());
        row("postgresql", &format!("127.0.0.1:{}", trunk.postgres.port()), "", Some(trunk.postgres.pid()), &trunk.postgres.log_file());
        row("pgbouncer", &format!("127.0.0.1:{}", trunk.pgbouncer.port()), "", Some(trunk.pgbouncer.pid()), &trunk.pgbouncer.log_file());
        row("store", &format!("http://127.0.0.1:{}", trunk.store.port()), "", trunk.store.pid(), &trunk.store.log_file());
        let Services { redis, postgres, store, .. } = &self.services;
        println!("\n  redis     {redis}\n  accounts  {postgres}/{NAME}\n  store     {store}\n  brokers   {}\n", self.services.kafka);
    }

    /// Ends everything in the order of the way of an event.
    pub async fn stop(mut self) {
        for members in [&mut self.collectors, &mut self.processors, &mut self.web] {
            let ends = members.iter_mut().map(async |member| (member.app.stop().await, &member.name));
            for (end, name) in join_all(ends).await {
                if let Err(error) = end {
                    let text = format!("{error:#}");
                    eprintln!("{name}: {}", text.lines().next().unwrap_or_default());
                }
            }
        }
    }
}

/// Databases and prefix are called so.
const NAME: &str = "footfall";

/// The variables of every process, and of commands that work with this cluster.
async fn settings(services: &Services, base: &str) -> anyhow::Result<Vec<(String, String)>> {
    let installation = services.installation_called(NAME).await?;
    let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let others = [
        ("FOOTFALL_EVENT_LOG_URL", format!("kafka://{}/page_views", services.kafka)),
        ("FOOTFALL_KAFKA_PARTITIONS", "12".to_owned()),
        ("FOOTFALL_SECRET", secret),
        ("FOOTFALL_BASE_URL", base.to_owned()),
    ];
    let mut settings = installation.env();
    settings.retain(|(known, _)| others.iter().all(|(name, _)| known != name));
    settings.extend(others.map(|(name, value)| (name.to_owned(), value)));
    Ok(settings)
}

/// The same as a configuration file, for its owner alone, as it holds passwords.
fn write_settings(file: &Path, settings: &[(String, String)]) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut out = std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(file)?;
        writeln!(out, "# Of the running `make cluster`; void when it ends.")?;
        for (name, value) in settings {
            let key = name.trim_start_matches("FOOTFALL_").to_lowercase();
            writeln!(out, "{key} = {}", serde_json::Value::from(value.as_str()))?;
        }
        Ok(())
    };
    write().with_context(|| format!("{} cannot be written", file.display()))
}
