//! `footfall serve`: the product.

use std::{net::SocketAddr, time::Instant};

use anyhow::Context;
use clap::Args;
use footfall_config::{Config, Role};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use super::{CommandContext, print};
use crate::{boot, control, housekeeping, http, router, services::Services};

/// Run the product: collector, processor, dashboard and API
#[derive(Args)]
#[command(after_help = "Examples:
  footfall serve
  footfall serve --listen 0.0.0.0:8080 --base-url https://stats.example.org
  FOOTFALL_DATA=/var/lib/footfall footfall serve")]
pub struct ServeArgs {
    /// Address to listen on [env: FOOTFALL_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Roles of this process [env: FOOTFALL_ROLES] [default: capture,query,auth,processor]
    #[arg(long, value_name = "LIST")]
    roles: Option<String>,
    /// Address under which browsers reach the server [env: FOOTFALL_BASE_URL] [default: http://LISTEN]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

impl ServeArgs {
    /// The flags as settings.
    pub fn flags(&self) -> impl Iterator<Item = (&'static str, String)> {
        [("listen", &self.listen), ("roles", &self.roles), ("base_url", &self.base_url)]
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.clone()?)))
    }
}

/// Serves until SIGTERM or SIGINT.
pub async fn run(context: CommandContext) -> anyhow::Result<()> {
    let begin = Instant::now();
    let mut config = context.config;
    boot::check_roles(&config)?;
    http::raise_open_files();
    let metrics = PrometheusBuilder::new().install_recorder().context("metrics cannot be recorded")?;
    let listener = if is_asked_by_others(&config) { Some(listen(&mut config).await?) } else { None };
    let watched = listen_for_metrics(&config, listener.is_none()).await?;

    let roles = config.http.roles.clone();
    let services = Services::start(config, &roles).await?;
    let closing = services.closing.clone();
    if !boot::is_shared(&services.config.seams.event_log_url) {
        control::serve(&services.config.process.data, services.control_router(), closing.clone())?;
    }
    tokio::spawn(housekeeping::run(services.meta.clone(), services.remover(), closing.clone()));
    crate::demo::resume(&services).await?;
    let metrics_address = watched.as_ref().map(TcpListener::local_addr).transpose()?;
    if let Some(watched) = watched {
        serve_metrics(watched, metrics, router::ops_router(&services));
    }
    let server = match listener {
        Some(listener) => Some(tokio::spawn(http::serve(listener, router::router(&services).await?, closing.clone()))),
        None => None,
    };
    banner(&services, metrics_address, begin).await?;

    until_told_to_stop(&closing).await?;
    tracing::info!("stopping: connections drain, what was accepted is settled");
    closing.cancel();
    let drained = async {
        if let Some(server) = server {
            let _ = server.await;
        }
    };
    services.stop(drained).await;
    Ok(())
}

/// Whether anybody but who watches metrics talks to this process.
fn is_asked_by_others(config: &Config) -> bool {
    [Role::Capture, Role::Query, Role::Auth].into_iter().any(|role| config.http.roles.has(role))
}

async fn listen(config: &mut Config) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(config.http.listen).await.with_context(|| {
        format!("cannot listen on {}; is another server running there? choose another address with --listen", config.http.listen)
    })?;
    config.http.listen = listener.local_addr()?;
    Ok(listener)
}

async fn until_told_to_stop(closing: &CancellationToken) -> anyhow::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        () = closing.cancelled() => {}
    }
    Ok(())
}

/// Metrics have a listener of their own. Where it is the only one of the process a taken port is a fault; else counting goes on without being
/// watched.
async fn listen_for_metrics(config: &Config, is_the_only_one: bool) -> anyhow::Result<Option<TcpListener>> {
    let address = config.http.metrics_listen;
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if is_the_only_one => {
            Err(error).with_context(|| format!("cannot listen on {address} for metrics and health; set FOOTFALL_METRICS_LISTEN"))
        }
        Err(error) => {
            tracing::warn!(%address, %error, "metrics are not served: the address cannot be used; set FOOTFALL_METRICS_LISTEN");
            Ok(None)
        }
    }
}

/// `/metrics`, `/health` and `/ready`.
fn serve_metrics(listener: TcpListener, handle: PrometheusHandle, ops: axum::Router) {
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    let metrics = axum::routing::get(async move || ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], handle.render()));
    let app = ops.route("/metrics", metrics);
    tokio::spawn(async move { axum::serve(listener, app).await });
}

/// What a person needs to know, a line each; the last one says that requests are answered.
async fn banner(services: &Services, metrics: Option<SocketAddr>, begin: Instant) -> anyhow::Result<()> {
    let config = &services.config;
    let roles = &config.http.roles;
    let base = config.base_url();
    print(&format!("\nFootfall {}\n", env!("CARGO_PKG_VERSION")));
    if is_asked_by_others(config) {
        print(&format!("  open      {base}"));
    }
    if (roles.has(Role::Query) || roles.has(Role::Auth))
        && let Some(token) = services.meta.new_setup_token().await?
    {
        print(&format!("  setup     {base}/setup?token={token}"));
        print("            one-time link: creates the owner of this installation");
    }
    print(&format!("  roles     {roles}"));
    print(&format!("  data      {}", config.process.data.display()));
    let seams = &config.seams;
    print(&format!(
        "  engines   log {} · live {} · store {} · accounts {}",
        seams.event_log_url.scheme(),
        seams.live_url.scheme(),
        seams.store_url.scheme(),
        seams.accounts_url.scheme()
    ));
    if let Some(cap) = services.store.as_ref().and_then(|service| service.memory_cap) {
        print(&format!("  memory    the embedded ClickHouse may take {:.1} GB", cap as f64 / 1e9));
    }
    if let Some(metrics) = metrics {
        print(&format!("  metrics   http://{metrics}/metrics"));
    }
    print(&format!("  ready     after {:.1} s; stop with Ctrl-C\n", begin.elapsed().as_secs_f64()));
    Ok(())
}
