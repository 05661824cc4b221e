//! `footfall query`: figures of a domain.

use axum::{body::Body, http::Request};
use clap::Args;
use footfall_config::Role;
use serde_json::{Value, json};

use super::{CommandContext, print};
use crate::api::query_v2::OperatorsAnswer;

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
    let range = match args.period.split_once(',') {
        Some((from, to)) => json!([from.trim(), to.trim()]),
        None => json!(args.period),
    };
    let question = json!({
        "site_id": args.domain, "metrics": args.metrics, "date_range": range, "dimensions": args.by, "filters": args.filter,
        "pagination": { "limit": args.limit },
    });
    let request = Request::post("/query").body(Body::from(question.to_string()))?;
    let answer = context.ask_server(Role::Query, request, |_: &OperatorsAnswer| {}).await?.answer.unwrap_or_default();
    print(&if args.json { serde_json::to_string_pretty(&answer)? } else { table(&args.by, &args.metrics, &answer) });
    Ok(())
}

/// Columns of dimensions to the left, of figures to the right.
fn table(dimensions: &[String], metrics: &[String], answer: &Value) -> String {
    let mut rows = vec![dimensions.iter().chain(metrics).cloned().collect::<Vec<_>>()];
    for result in answer["results"].as_array().into_iter().flatten() {
        let labels = result["dimensions"].as_array().into_iter().flatten().map(|label| printable(label.as_str().unwrap_or_default()));
        let figures = result["metrics"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|figure| if figure.is_null() { "-".to_owned() } else { figure.to_string() });
        rows.push(labels.chain(figures).collect());
    }
    let columns = dimensions.len() + metrics.len();
    let width = |column: usize| rows.iter().map(|row| row.get(column).map_or(0, |cell| cell.chars().count())).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells =
            row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                if column < dimensions.len() { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What visitors sent may hold characters that a terminal obeys.
fn printable(label: &str) -> String {
    label.chars().map(|character| if character.is_control() { '\u{FFFD}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_obeys_nobody() {
        let answer =
            json!({ "results": [{ "dimensions": ["/\u{1b}[31mred"], "metrics": [1.5] }, { "dimensions": ["é"], "metrics": [null] }] });
        let shown = table(&["event:page".to_owned()], &["visitors".to_owned()], &answer);
        assert_eq!(shown, "event:page  visitors\n/\u{FFFD}[31mred        1.5\né                  -");
    }
}
