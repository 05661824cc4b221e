//! `footfall query`: figures of a domain.

use clap::Args;
use serde_json::{Value, json};

use super::{
    CommandContext, print,
    table::{figure, label, table},
};
use crate::api::operator::Kind;

/// Figures of a domain, by anything, under any conditions
///
/// The question is that of `POST /api/v2/query`; docs/reference/query.md describes metrics, dimensions, ranges and filters.
#[derive(Args)]
#[command(after_help = "Examples:
  footfall query --domain example.org
  footfall query --domain example.org --metrics visitors,bounce_rate --period 7d --by event:page --limit 20
  footfall query --domain example.org --by time:day --period 2026-01-01,2026-01-31
  footfall query --domain example.org --filter '[\"is\",\"visit:country\",[\"DE\"]]' --by visit:source --json")]
pub struct QueryArgs {
    /// The domain
    #[arg(long)]
    domain: String,
    /// Metrics, joined by commas
    #[arg(long, default_value = "visitors,pageviews", value_delimiter = ',')]
    metrics: Vec<String>,
    /// day, 7d, 30d, 12mo, month, year, all …, or two days or instants joined by a comma
    #[arg(long, default_value = "30d")]
    period: String,
    /// Dimensions to group by, joined by commas
    #[arg(long, value_delimiter = ',', value_name = "DIMENSIONS")]
    by: Vec<String>,
    /// A filter in JSON; several must all hold
    #[arg(long, value_name = "JSON", value_parser = parse_filter)]
    filter: Vec<Value>,
    /// Rows at most
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    limit: u64,
    /// The whole answer as JSON
    #[arg(long)]
    json: bool,
}

/// Reads a filter.
pub fn parse_filter(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|fault| format!("it is not JSON: {fault}"))
}

/// Asks and prints.
pub async fn run(args: QueryArgs, context: &CommandContext) -> anyhow::Result<()> {
    let question = json!({
        "site_id": args.domain, "metrics": args.metrics, "date_range": date_range(&args.period), "dimensions": args.by, "filters": args.filter,
        "pagination": { "limit": args.limit },
    });
    let answer = context.ask(Kind::Query, &question).await?;
    if args.json {
        print(&serde_json::to_string_pretty(&answer)?);
        return Ok(());
    }
    let rows = answer["results"].as_array().into_iter().flatten().map(|result| {
        let cells = |name: &str, show: fn(&Value) -> String| result[name].as_array().into_iter().flatten().map(show).collect::<Vec<_>>();
        [cells("dimensions", label), cells("metrics", figure)].concat()
    });
    let names: Vec<String> = args.by.iter().chain(&args.metrics).cloned().collect();
    print(&table(args.by.len(), names, rows));
    Ok(())
}

/// The range of a `--period`.
pub fn date_range(period: &str) -> Value {
    match period.split_once(',') {
        Some((from, to)) => json!([from.trim(), to.trim()]),
        None => json!(period),
    }
}
