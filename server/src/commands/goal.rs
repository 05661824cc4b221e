//! `footfall goal`: what visitors can complete.

use std::collections::BTreeMap;

use anyhow::bail;
use clap::{Args, Subcommand};
use footfall_meta::{Goal, GoalKind};
use serde_json::json;

use super::{CommandContext, print, site};
use crate::settings::{self, AskedGoal};

/// Add, list and remove goals of a domain
#[derive(Args)]
#[command(after_help = "Examples:
  footfall goal add --domain example.org --event Signup
  footfall goal add --domain example.org --event Purchase --prop plan=pro --currency EUR
  footfall goal add --domain example.org --page '/blog/*' --scroll 75 --name 'Read to the end'
  footfall goal list --domain example.org")]
pub struct GoalArgs {
    #[command(subcommand)]
    command: GoalCommand,
}

#[derive(Subcommand)]
enum GoalCommand {
    /// Add a goal and print its number; it counts in all of history at once
    Add(AddArgs),
    /// List the goals of a domain
    List {
        /// The domain
        #[arg(long)]
        domain: String,
        /// As a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Remove a goal
    Remove {
        /// The domain
        #[arg(long)]
        domain: String,
        /// Its name or number
        goal: String,
    },
}

#[derive(Args)]
struct AddArgs {
    /// The domain
    #[arg(long)]
    domain: String,
    /// The event that completes it
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// The page that completes it; * stands for any characters
    #[arg(long, value_name = "PATH")]
    page: Option<String>,
    /// How far that page must be scrolled, 1 to 100
    #[arg(long, value_name = "PERCENT")]
    scroll: Option<u64>,
    /// A property that the event must have as well
    #[arg(long, value_name = "KEY=VALUE", value_parser = property)]
    prop: Vec<(String, String)>,
    /// Currency of its revenue, for example EUR
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// What reports call it
    #[arg(long)]
    name: Option<String>,
}

fn property(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it is KEY=VALUE, for example plan=pro")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Runs a sub-command.
pub async fn run(args: GoalArgs, context: &CommandContext) -> anyhow::Result<()> {
    let meta = context.meta().await?;
    match args.command {
        GoalCommand::Add(AddArgs { domain, event, page, scroll, prop, currency, name }) => {
            let site = site::find(&meta, &domain).await?;
            let props: BTreeMap<String, String> = prop.into_iter().collect();
            let goal = settings::goal(AskedGoal { name, event, page, scroll, props, currency })?;
            print(&settings::add_goal(&meta, site.id, goal).await?.id.to_string());
        }
        GoalCommand::List { domain, json } => {
            let site = site::find(&meta, &domain).await?;
            list(&meta.goals_of(site.id).await?, json)?;
        }
        GoalCommand::Remove { domain, goal } => {
            let site = site::find(&meta, &domain).await?;
            let goals = meta.goals_of(site.id).await?;
            let found = goals.iter().find(|known| known.goal.name == goal || known.id.to_string() == goal);
            let Some(found) = found else { bail!("{domain} has no goal `{goal}`; `footfall goal list --domain {domain}` shows all") };
            meta.delete_goal(site.id, found.id).await?;
        }
    }
    Ok(())
}

fn list(goals: &[Goal], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let entry = |Goal { id, goal }: &Goal| {
            let mut entry = json!({ "id": id, "name": goal.name, "props": goal.props, "currency": goal.currency });
            match &goal.kind {
                GoalKind::Event(name) => entry["event"] = json!(name),
                GoalKind::Page(path) => entry["page"] = json!(path),
                GoalKind::Scroll { path, depth } => (entry["page"], entry["scroll"]) = (json!(path), json!(depth)),
            }
            entry
        };
        print(&serde_json::to_string_pretty(&goals.iter().map(entry).collect::<Vec<_>>())?);
        return Ok(());
    }
    let widest = goals.iter().map(|known| known.goal.name.chars().count()).max().unwrap_or(0);
    for Goal { id, goal } in goals {
        let mut by = match &goal.kind {
            GoalKind::Event(name) => format!("event {name}"),
            GoalKind::Page(path) => format!("page {path}"),
            GoalKind::Scroll { path, depth } => format!("{depth}% of page {path}"),
        };
        goal.props.iter().for_each(|(key, value)| by.push_str(&format!(", {key}={value}")));
        by.extend(goal.currency.iter().map(|currency| format!(", {currency}")));
        print(&format!("{id:>4}  {:<widest$}  {by}", goal.name));
    }
    Ok(())
}
