//! Server functions of the settings. Their pages load no WASM: the forms are plain ones. What came of a form is kept for a moment, and the
//! page that follows it is told by which key.

use leptos::{prelude::*, server_fn::codec::GetUrl};

use super::{
    PlainPage,
    forms::{follow, outcome},
    reader, writer,
};
use crate::{
    parts,
    settings::{Entry, Outcome, Section, Typed},
    types::AppError,
};

/// A section of a domain's settings. `platform` is the tab of the snippet; `said` the key of what came of a form, `fault` a form's fault
/// that could not be kept.
#[server(name = GetSettings, prefix = "/api/app", endpoint = "settings", input = GetUrl)]
pub async fn settings(
    domain: String,
    section: Section,
    platform: Option<String>,
    said: Option<String>,
    fault: Option<String>,
) -> Result<PlainPage, AppError> {
    let (backend, viewer) = reader().await?;
    let settings = backend.settings(&viewer, &domain, section).await?;
    let outcome = outcome(backend.as_ref(), &viewer, said, fault).await;
    let zones = if section == Section::General { backend.time_zones() } else { Vec::new() };
    let asked = parts::settings::Asked {
        settings: &settings,
        section,
        csrf: &viewer.csrf,
        outcome: outcome.as_ref(),
        zones: &zones,
        platform: platform.as_deref().unwrap_or_default(),
    };
    let body = parts::settings::page(&asked).into_string();
    Ok(PlainPage { viewer, body })
}

/// Sets something more.
#[server(prefix = "/api/app", endpoint = "add-setting")]
pub async fn add_setting(csrf: String, domain: String, entry: Entry) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    let outcome = match backend.add_setting(&viewer, &domain, &entry).await {
        Ok(added) => Outcome::Added(added),
        Err(error) => Outcome::Failed { error, typed: Typed::Entry(entry.clone().without_secrets()) },
    };
    follow(backend.as_ref(), &viewer, &entry.section().address(&domain), outcome).await
}

/// Removes what is set.
#[server(prefix = "/api/app", endpoint = "remove-setting")]
pub async fn remove_setting(csrf: String, domain: String, section: Section, key: String) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    let outcome = match backend.remove_setting(&viewer, &domain, section, &key).await {
        Ok(removed) => Outcome::Removed(removed),
        Err(error) => Outcome::Failed { error, typed: Typed::Nothing },
    };
    follow(backend.as_ref(), &viewer, &section.address(&domain), outcome).await
}

/// Moves a route or a rule of channels by one place.
#[server(prefix = "/api/app", endpoint = "move-setting")]
pub async fn move_setting(csrf: String, domain: String, section: Section, key: String, earlier: bool) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    let outcome = match backend.move_setting(&viewer, &domain, section, &key, earlier).await {
        Ok(moved) => Outcome::Moved(moved),
        Err(error) => Outcome::Failed { error, typed: Typed::Nothing },
    };
    follow(backend.as_ref(), &viewer, &section.address(&domain), outcome).await
}

/// Moves the domain to another time zone.
#[server(prefix = "/api/app", endpoint = "set-time-zone")]
pub async fn set_time_zone(csrf: String, domain: String, timezone: String) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    let outcome = match backend.set_time_zone(&viewer, &domain, &timezone).await {
        Ok(before) => Outcome::TimeZoneWas(before),
        Err(error) => Outcome::Failed { error, typed: Typed::Text(timezone) },
    };
    follow(backend.as_ref(), &viewer, &Section::General.address(&domain), outcome).await
}

/// Gives the domain another name, then leads to its page under that name.
#[server(prefix = "/api/app", endpoint = "rename-domain")]
pub async fn rename_domain(csrf: String, domain: String, name: String) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    match backend.rename_domain(&viewer, &domain, &name).await {
        Ok(now) if now == domain => {
            leptos_axum::redirect(&Section::General.address(&domain));
            Ok(())
        }
        Ok(now) => follow(backend.as_ref(), &viewer, &Section::General.address(&now), Outcome::Renamed(domain)).await,
        Err(error) => {
            let outcome = Outcome::Failed { error, typed: Typed::Text(name) };
            follow(backend.as_ref(), &viewer, &Section::General.address(&domain), outcome).await
        }
    }
}

/// Removes all data of a domain whose name was typed as `confirmed`.
#[server(prefix = "/api/app", endpoint = "clear-domain")]
pub async fn clear_domain(csrf: String, domain: String, confirmed: String) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    let outcome = match backend.clear_domain(&viewer, &domain, &confirmed).await {
        Ok(is_done) => Outcome::Cleared(is_done),
        Err(error) => Outcome::Failed { error, typed: Typed::Text(confirmed) },
    };
    follow(backend.as_ref(), &viewer, &Section::Danger.address(&domain), outcome).await
}

/// Brings a deleted domain back.
#[server(prefix = "/api/app", endpoint = "restore-domain")]
pub async fn restore_domain(csrf: String, domain: String) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    let outcome = match backend.restore_domain(&viewer, &domain).await {
        Ok(()) => Outcome::Restored(domain),
        Err(error) => Outcome::Failed { error, typed: Typed::Nothing },
    };
    follow(backend.as_ref(), &viewer, "/sites", outcome).await
}

/// Deletes a deleted domain for good whose name was typed as `confirmed`.
#[server(prefix = "/api/app", endpoint = "delete-for-good")]
pub async fn delete_for_good(csrf: String, domain: String, confirmed: String) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    let outcome = match backend.delete_for_good(&viewer, &domain, &confirmed).await {
        Ok(()) => Outcome::DeletedForGood(domain),
        Err(error @ AppError::Invalid { .. }) => Outcome::Failed { error, typed: Typed::Named { domain, text: confirmed } },
        Err(error) => Outcome::Failed { error, typed: Typed::Nothing },
    };
    follow(backend.as_ref(), &viewer, "/sites", outcome).await
}

/// Deletes a domain whose name was typed as `confirmed`, then leads to the others.
#[server(prefix = "/api/app", endpoint = "delete-domain")]
pub async fn delete_domain(csrf: String, domain: String, confirmed: String) -> Result<(), AppError> {
    let (backend, viewer) = writer(&csrf).await?;
    match backend.delete_domain(&viewer, &domain, &confirmed).await {
        Ok(()) => follow(backend.as_ref(), &viewer, "/sites", Outcome::Deleted(domain)).await,
        Err(error) => {
            let outcome = Outcome::Failed { error, typed: Typed::Text(confirmed) };
            follow(backend.as_ref(), &viewer, &Section::Danger.address(&domain), outcome).await
        }
    }
}
