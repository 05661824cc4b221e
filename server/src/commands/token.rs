//! `footfall token`: API keys.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use footfall_meta::{ApiKey, Meta, NewKey, Reach, Scope};
use serde_json::json;
use uuid::Uuid;

use super::{CommandContext, print, site, user};

/// Add, list and revoke API keys
#[derive(Args)]
#[command(after_help = "Examples:
  footfall token add --domain example.org --scopes stats:read
  footfall token add --domain example.org --scopes events:write --name \"shop backend\"
  footfall token add --team ada@example.org --scopes stats:read,sites:manage --rate-limit 0
  footfall token list
  footfall token revoke 01989b1c-7e1d-7c80-a0b4-6f2a5c3d9e10")]
pub struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Make a key and print it alone on stdout; it is shown only once
    Add(AddArgs),
    /// List all keys, without their secret part
    List {
        /// As a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key for good
    Revoke {
        /// Its id, or its first characters as the list shows them
        key: String,
    },
}

#[derive(Args)]
struct AddArgs {
    #[command(flatten)]
    opens: Opens,
    /// What it allows: stats:read, events:write, sites:manage, separated by commas
    #[arg(long, required = true, value_delimiter = ',', value_parser = ["stats:read", "events:write", "sites:manage"])]
    scopes: Vec<String>,
    /// Requests an hour; 0 for no limit [default: 600]
    #[arg(long, value_name = "N")]
    rate_limit: Option<u32>,
    /// What it is for, to tell keys apart
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Opens {
    /// The one domain that it opens
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// All domains of one owner, later ones included: the owner's e-mail address
    #[arg(long, value_name = "OWNER")]
    team: Option<String>,
}

/// Runs a sub-command.
pub async fn run(args: TokenArgs, context: &CommandContext) -> anyhow::Result<()> {
    match args.command {
        TokenCommand::Add(args) => add(args, &context.meta().await?).await,
        TokenCommand::List { json } => list(&context.meta().await?, json).await,
        TokenCommand::Revoke { key } => revoke(&key, &context.meta().await?).await,
    }
}

async fn add(args: AddArgs, meta: &Meta) -> anyhow::Result<()> {
    let reach = match (&args.opens.domain, &args.opens.team) {
        (Some(domain), _) => Reach::Site(site::find(meta, domain).await?.id),
        (None, Some(owner)) => Reach::Owner(user::find(meta, owner).await?.id),
        (None, None) => bail!("say what the key opens: --domain or --team"),
    };
    let mut scopes: Vec<Scope> = Vec::new();
    for text in &args.scopes {
        let scope = text.parse().map_err(anyhow::Error::msg)?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    let new = NewKey { name: args.name, scopes, reach, rate_limit_per_hour: args.rate_limit };
    let (_, text) = meta.create_key(new).await?;
    print(&text);
    Ok(())
}

async fn list(meta: &Meta, as_json: bool) -> anyhow::Result<()> {
    let mut entries = Vec::new();
    for key in meta.keys().await? {
        let opens = match key.reach {
            Reach::Site(id) => meta.site(id).await?.map_or_else(|| id.to_string(), |site| site.domain.to_string()),
            Reach::Owner(id) => meta.user(id).await?.map_or_else(|| id.to_string(), |user| user.email.to_string()),
        };
        entries.push((key, opens));
    }
    if as_json {
        let entry = |(key, opens): &(ApiKey, String)| {
            json!({ "id": key.id, "prefix": key.prefix, "name": key.name, "opens": opens, "scopes": key.scopes, "rateLimitPerHour": key.rate_limit_per_hour,
                "createdAt": key.created_at, "lastUsedAt": key.last_used_at, "revokedAt": key.revoked_at })
        };
        print(&serde_json::to_string_pretty(&entries.iter().map(entry).collect::<Vec<_>>())?);
        return Ok(());
    }
    for (key, opens) in &entries {
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.code()).collect();
        let state = if key.revoked_at.is_some() { "revoked" } else { "active" };
        print(format!("{}  {}…  {state:<7}  {opens}  {}  {}", key.id, key.prefix, scopes.join(","), key.name).trim_end());
    }
    Ok(())
}

async fn revoke(which: &str, meta: &Meta) -> anyhow::Result<()> {
    let start = which.trim_end_matches('…');
    let id = match Uuid::parse_str(start) {
        Ok(id) => id,
        Err(_) => {
            let keys = meta.keys().await?;
            let mut found = keys.iter().filter(|key| !start.is_empty() && key.prefix == start && key.revoked_at.is_none());
            let first = found.next().context("no such key; `footfall token list` shows ids and first characters")?;
            anyhow::ensure!(found.next().is_none(), "several keys begin like this; name one by its id");
            first.id
        }
    };
    anyhow::ensure!(meta.revoke_key(id).await?, "no such key, or it was revoked before; `footfall token list` shows all");
    Ok(())
}
