//! `footfall healthcheck`: ask a running server whether it is ready, for container health checks.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use footfall_config::Role;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, body::Bytes};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use super::{CommandContext, print};

/// Ask a running server whether it is ready: exit status 0 or 1
#[derive(Args)]
#[command(after_help = "Examples:
  footfall healthcheck
  footfall healthcheck http://127.0.0.1:8080/health")]
pub struct HealthcheckArgs {
    /// What to ask [default: /ready at the configured address]
    url: Option<String>,
}

/// Asks once.
pub async fn run(args: HealthcheckArgs, context: &CommandContext) -> anyhow::Result<()> {
    let http = &context.config.http;
    // A processor alone has no other listener.
    let only_processes = ![Role::Capture, Role::Query, Role::Auth].into_iter().any(|role| http.roles.has(role));
    let mut listen = if only_processes { http.metrics_listen } else { http.listen };
    if listen.ip().is_unspecified() {
        listen.set_ip([127, 0, 0, 1].into());
    }
    let url = args.url.unwrap_or_else(|| format!("http://{listen}/ready"));
    let request = Request::get(&url).body(Empty::<Bytes>::new()).with_context(|| format!("`{url}` is not a URL"))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = tokio::time::timeout(Duration::from_secs(5), client.request(request))
        .await
        .with_context(|| format!("{url} did not answer within 5 s"))?
        .with_context(|| format!("{url} cannot be reached"))?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), 1 << 20).collect().await.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
    let text = String::from_utf8_lossy(&body);
    if !status.is_success() {
        bail!("{url} answered {status}: {text}");
    }
    print(&text);
    Ok(())
}
