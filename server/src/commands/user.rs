//! `footfall user`: who can sign in.

use std::io::BufRead;

use anyhow::Context;
use clap::{Args, Subcommand};
use footfall_meta::{Email, Meta, Password, Role, User, token::random_token};
use serde_json::json;

use super::{CommandContext, print};

/// Add, list and remove users
#[derive(Args)]
#[command(after_help = "Examples:
  footfall user add ada@example.org
  echo \"$PASSWORD\" | footfall user add ada@example.org --password-stdin
  footfall user add guest@example.org --role viewer
  footfall user reset-password ada@example.org
  footfall user list --json")]
pub struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Add a user; without --password-stdin a random password is made and printed alone on stdout
    Add {
        /// E-mail address, which is also the name to sign in with
        email: String,
        /// owner: adds and manages domains; viewer: only reads what is shared
        #[arg(long, default_value = "owner", value_parser = ["owner", "viewer"])]
        role: String,
        /// Read the password from the first line of stdin (10 to 200 characters)
        #[arg(long)]
        password_stdin: bool,
    },
    /// List all users
    List {
        /// As a JSON array of {id, email, role, createdAt}
        #[arg(long)]
        json: bool,
    },
    /// Set a new password and sign the user out everywhere
    ResetPassword {
        /// E-mail address
        email: String,
        /// Read the password from the first line of stdin; else a random one is made and printed
        #[arg(long)]
        password_stdin: bool,
    },
    /// Remove a user; their domains pass to the longest-standing other owner
    Remove {
        /// E-mail address
        email: String,
    },
}

/// Runs a sub-command.
pub async fn run(args: UserArgs, context: &CommandContext) -> anyhow::Result<()> {
    match args.command {
        UserCommand::Add { email, role, password_stdin } => {
            let email: Email = email.parse()?;
            let role: Role = role.parse().map_err(anyhow::Error::msg)?;
            let (password, made) = password(password_stdin)?;
            context.meta().await?.create_user(&email, &password, role).await?;
            show_if_made(made);
        }
        UserCommand::List { json } => list(&context.meta().await?.users().await?, json)?,
        UserCommand::ResetPassword { email, password_stdin } => {
            let meta = context.meta().await?;
            let user = find(&meta, &email).await?;
            let (password, made) = password(password_stdin)?;
            meta.set_password(user.id, &password).await?;
            show_if_made(made);
        }
        UserCommand::Remove { email } => {
            let meta = context.meta().await?;
            let user = find(&meta, &email).await?;
            meta.remove_user(user.id).await?;
        }
    }
    Ok(())
}

/// The user with this address.
pub async fn find(meta: &Meta, email: &str) -> anyhow::Result<User> {
    let email: Email = email.parse()?;
    meta.user_by_email(&email).await?.context("no such user; `footfall user list` shows all")
}

/// From stdin, or a random one, which is also answered in the clear.
fn password(from_stdin: bool) -> anyhow::Result<(Password, Option<String>)> {
    if !from_stdin {
        let made = random_token();
        return Ok((Password::new(made.as_str())?, Some(made)));
    }
    Ok((Password::new(password_of_stdin()?)?, None))
}

/// The first line of stdin.
///
/// # Errors
/// When it cannot be read.
pub fn password_of_stdin() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("the password cannot be read from stdin")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn show_if_made(password: Option<String>) {
    if let Some(password) = password {
        print(&password);
    }
}

fn list(users: &[User], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let entry = |user: &User| json!({ "id": user.id, "email": user.email, "role": user.role, "createdAt": user.created_at });
        print(&serde_json::to_string_pretty(&users.iter().map(entry).collect::<Vec<_>>())?);
        return Ok(());
    }
    for user in users {
        print(&format!("{}  {:<7}  {}  {}", user.id, user.role.code(), user.created_at.format("%Y-%m-%d"), user.email));
    }
    Ok(())
}
