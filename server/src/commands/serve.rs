//! `footfall serve`: the product.

use std::{net::SocketAddr, time::Instant};

use anyhow::Context;
use clap::Args;
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
    let listener = TcpListener::bind(config.http.listen).await.with_context(|| {
        format!("cannot listen on {}; is another server running there? choose another address with --listen", config.http.listen)
    })?;
    config.http.listen = listener.local_addr()?;
    let metrics_address = serve_metrics(config.http.metrics_listen, metrics).await?;

    let services = Services::start(config).await?;
    let closing = services.closing.clone();
    control::serve(&services.config.process.data, services.control_router(), closing.clone())?;
    tokio::spawn(housekeeping::run(services.meta.clone(), services.store.store.clone(), closing.clone()));
    crate::demo::resume(&services).await?;
    let app = router::router(&services).await?;
    let server = tokio::spawn(http::serve(listener, app, closing.clone()));
    banner(&services, metrics_address, begin).await?;

    until_told_to_stop(&closing).await?;
    tracing::info!("stopping: connections drain, what was accepted is settled");
    closing.cancel();
    let _ = server.await;
    services.stop().await;
    Ok(())
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

/// `/metrics` on a listener of its own. On one machine a taken port is a warning: counting goes on without being watched.
async fn serve_metrics(address: SocketAddr, handle: PrometheusHandle) -> anyhow::Result<Option<SocketAddr>> {
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%address, %error, "metrics are not served: the address cannot be used; set FOOTFALL_METRICS_LISTEN");
            return Ok(None);
        }
    };
    let local = listener.local_addr()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    let app = axum::Router::new()
        .route(
            "/metrics",
            axum::routing::get(async move || ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], handle.render())),
        )
        .route("/health", axum::routing::get(async || "ok"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(Some(local))
}

/// What a person needs to know, a line each; the last one says that requests are answered.
async fn banner(services: &Services, metrics: Option<SocketAddr>, begin: Instant) -> anyhow::Result<()> {
    let config = &services.config;
    let base = config.base_url();
    print(&format!("\nFootfall {}\n", env!("CARGO_PKG_VERSION")));
    print(&format!("  open      {base}"));
    if let Some(token) = services.meta.new_setup_token().await? {
        print(&format!("  setup     {base}/setup?token={token}"));
        print("            one-time link: creates the owner of this installation");
    }
    print(&format!("  data      {}", config.process.data.display()));
    let seams = &config.seams;
    print(&format!(
        "  engines   log {} · live {} · store {} · accounts {}",
        seams.event_log_url.scheme(),
        seams.live_url.scheme(),
        seams.store_url.scheme(),
        seams.accounts_url.scheme()
    ));
    if let Some(cap) = services.store.memory_cap {
        print(&format!("  memory    the embedded ClickHouse may take {:.1} GB", cap as f64 / 1e9));
    }
    if let Some(metrics) = metrics {
        print(&format!("  metrics   http://{metrics}/metrics"));
    }
    print(&format!("  ready     after {:.1} s; stop with Ctrl-C\n", begin.elapsed().as_secs_f64()));
    Ok(())
}
