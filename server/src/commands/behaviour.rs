//! `footfall funnel`, `footfall journey` and `footfall retention`: what people do one thing after another.

use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    CommandContext, print,
    query::{date_range, parse_filter},
    table::{figure, label, table},
};
use crate::api::operator::Kind;

/// What all of these questions have.
#[derive(Args)]
struct Common {
    /// The domain
    #[arg(long)]
    domain: String,
    /// day, 7d, 30d, 12mo, month, year, all …, or two days or instants joined by a comma
    #[arg(long, default_value = "30d")]
    period: String,
    /// A filter in JSON; several must all hold
    #[arg(long, value_name = "JSON", value_parser = parse_filter)]
    filter: Vec<Value>,
    /// The whole answer as JSON
    #[arg(long)]
    json: bool,
}

impl Common {
    /// Asks, with what this kind of question has beside; an answer as JSON is printed at once.
    async fn ask(&self, context: &CommandContext, kind: Kind, own: Value) -> anyhow::Result<Option<Value>> {
        let mut question = Map::from_iter([
            ("site_id".to_owned(), json!(self.domain)),
            ("date_range".to_owned(), date_range(&self.period)),
            ("filters".to_owned(), json!(self.filter)),
        ]);
        let own = own.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        question.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        let answer = context.ask(kind, &Value::Object(question)).await?;
        if self.json {
            print(&serde_json::to_string_pretty(&answer)?);
            return Ok(None);
        }
        Ok(Some(answer))
    }
}

/// How far visitors come through a series of steps
///
/// docs/reference/behaviour.md describes what counts.
#[derive(Args)]
#[command(after_help = "Example:
  footfall funnel --domain example.org --step '[\"is\",\"event:page\",[\"/pricing\"]]' --step '[\"is\",\"event:name\",[\"Signup\"]]' --window 7d")]
pub struct FunnelArgs {
    #[command(flatten)]
    common: Common,
    /// A step: a filter in JSON; 2 to 32 of them, in their order
    #[arg(long, required = true, value_name = "JSON", value_parser = parse_filter)]
    step: Vec<Value>,
    /// From the first step to the last at most, such as 30m, 24h or 7d
    #[arg(long, default_value = "1d")]
    window: String,
    /// Nothing else may come between two steps
    #[arg(long)]
    strict: bool,
    /// A dimension to group by
    #[arg(long, value_name = "DIMENSION")]
    by: Option<String>,
    /// Rows at most, with --by
    #[arg(long, default_value_t = 10)]
    limit: u64,
}

/// What visits do after something, or did before it
///
/// docs/reference/behaviour.md describes what counts.
#[derive(Args)]
#[command(after_help = "Examples:
  footfall journey --domain example.org
  footfall journey --domain example.org --start '[\"is\",\"event:page\",[\"/pricing\"]]' --backward")]
pub struct JourneyArgs {
    #[command(flatten)]
    common: Common,
    /// Where journeys start: entry, exit, or a filter in JSON
    #[arg(long, default_value = "entry", value_name = "START", value_parser = parse_start)]
    start: Value,
    /// What came before, instead of what came next
    #[arg(long)]
    backward: bool,
    /// Things after the start
    #[arg(long, default_value_t = 3)]
    steps: u64,
    /// Branches at most of each length
    #[arg(long, default_value_t = 10)]
    limit: u64,
}

/// Who comes back
///
/// docs/reference/behaviour.md says how people are known again.
#[derive(Args)]
#[command(after_help = "Example:
  footfall retention --domain example.org --period 12mo --interval month")]
pub struct RetentionArgs {
    #[command(flatten)]
    common: Common,
    /// day, week or month
    #[arg(long, default_value = "week")]
    interval: String,
    /// user or visitor; by default by user ids, where there are any
    #[arg(long)]
    identity: Option<String>,
}

fn parse_start(text: &str) -> Result<Value, String> {
    if matches!(text, "entry" | "exit") { Ok(json!(text)) } else { parse_filter(text) }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Asks and prints.
pub async fn funnel(args: FunnelArgs, context: &CommandContext) -> anyhow::Result<()> {
    let order = if args.strict { "strict" } else { "loose" };
    let by = args.by.map(|by| vec![by]);
    let own = json!({ "steps": args.step, "window": args.window, "order": order, "dimensions": by, "limit": args.limit });
    let Some(answer) = args.common.ask(context, Kind::Funnel, own).await? else { return Ok(()) };
    let row = |of: String, number: usize, step: &Value| {
        let figures = ["visitors", "conversion_rate", "step_rate", "dropped"].map(|name| figure(&step[name]));
        [vec![of, (number + 1).to_string()], figures.to_vec()].concat()
    };
    let mut rows: Vec<Vec<String>> = list(&answer["steps"]).enumerate().map(|(number, step)| row("all".to_owned(), number, step)).collect();
    for result in list(&answer["results"]) {
        let of = list(&result["dimensions"]).map(label).collect::<Vec<_>>().join(", ");
        rows.extend(list(&result["steps"]).enumerate().map(|(number, step)| row(of.clone(), number, step)));
    }
    let names = ["of", "step", "visitors", "conversion_rate", "step_rate", "dropped"].map(str::to_owned).to_vec();
    print(&table(1, names, rows));
    Ok(())
}

/// Asks and prints.
pub async fn journey(args: JourneyArgs, context: &CommandContext) -> anyhow::Result<()> {
    let direction = args.backward.then_some("backward");
    let own = json!({ "start": args.start, "direction": direction, "steps": args.steps, "limit": args.limit });
    let Some(answer) = args.common.ask(context, Kind::Journey, own).await? else { return Ok(()) };
    // A page is its path, an event its name in brackets.
    let thing = |thing: &Value| if thing["page"].is_string() { label(&thing["page"]) } else { format!("[{}]", label(&thing["event"])) };
    let rows = list(&answer["results"]).map(|branch| {
        let path = list(&branch["path"]).map(thing).collect::<Vec<_>>().join(" > ");
        vec![path, figure(&branch["visits"]), figure(&branch["ended"])]
    });
    print(&table(1, ["path", "visits", "ended"].map(str::to_owned).to_vec(), rows));
    Ok(())
}

/// Asks and prints.
pub async fn retention(args: RetentionArgs, context: &CommandContext) -> anyhow::Result<()> {
    let own = json!({ "interval": args.interval, "identity": args.identity });
    let Some(answer) = args.common.ask(context, Kind::Retention, own).await? else { return Ok(()) };
    // The first figure of those who returned is everybody.
    let longest = list(&answer["results"]).map(|period| list(&period["returned"]).skip(1).count()).max().unwrap_or(0);
    let rows = list(&answer["results"]).map(|period| {
        let mut cells = vec![label(&period["period"]), figure(&period["people"])];
        cells.extend(list(&period["returned"]).skip(1).map(figure));
        cells.resize(longest + 2, String::new());
        cells
    });
    let by_user = answer["identity"] == "user";
    let returned = (1..=longest).map(|later| if by_user { format!("+{later}") } else { "more than once".to_owned() });
    let names = ["period", "people"].map(str::to_owned).into_iter().chain(returned).collect();
    print(&table(1, names, rows));
    print(answer["explanation"].as_str().unwrap_or_default());
    Ok(())
}
