//! The seam between pages and product: who asks may see what, then the same reports as the API.

mod behaviour;
mod explained;
mod listed;
mod seen;
mod segments;
mod settings;
mod table;
mod together;
mod why;

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::HeaderMap;
use chrono::Utc;
use footfall_app::{
    backend::{Backend, DeletedDomain, Explained, ListedDomain, Look, Offered, Refusal, Refusals, Table, Together, Wanted, Why},
    behaviour::{BehaviourQuery, Journeys, Retention},
    filter::AnyOf,
    settings::{Entry, Outcome, Section, Settings},
    types::{AppError, Compare, Note, Series, Site, Viewer},
};
use footfall_meta::{Annotation, DeletedSite, MetaError, Reach};
use footfall_model::{
    Domain, Interval, Period,
    report::{Drops, Kpis, LiveView},
};
use footfall_query::{language, period, question::Metric, range::local};
use serde_json::Value;

use seen::Seen;
pub use seen::shared;

use crate::{
    App,
    analytics::{AnalyticsError, View},
    api::domains::{parse_domain, parse_timezone},
    auth::{SiteScope, csrf, link, origin, session},
    demo,
    import::Imports,
};

/// A domain whose first event is younger than this opens on today.
const YOUNG_MS: i64 = 2 * 24 * 3_600_000;

/// The server's side of the pages.
pub struct ServerBackend {
    app: Arc<App>,
    /// Only where this process captures.
    imports: Option<Arc<Imports>>,
}

impl ServerBackend {
    /// Over the running services.
    #[must_use]
    pub const fn new(app: Arc<App>, imports: Option<Arc<Imports>>) -> Self {
        Self { app, imports }
    }

    async fn scope(&self, viewer: &Viewer, domain: &str) -> Result<SiteScope, AppError> {
        // What no domain can be named is an address that no page has, whoever asks.
        if domain.parse::<Domain>().is_err() {
            return Err(AppError::NotFound);
        }
        let user = viewer.user.ok_or(AppError::NotSignedIn)?;
        SiteScope::of_user(&self.app, user, domain).await.map_err(failed)?.ok_or(AppError::NotFound)
    }

    /// A domain of the viewer's that was deleted.
    async fn deleted(&self, viewer: &Viewer, domain: &str) -> Result<DeletedSite, AppError> {
        let user = viewer.user.ok_or(AppError::NotSignedIn)?;
        SiteScope::deleted_by_name(&self.app, Reach::Owner(user), domain).await.map_err(failed)?.ok_or(AppError::NotFound)
    }

    /// What the domain has configured that a question names, as far as the viewer may use it. Most questions name nothing, and read nothing.
    async fn known(&self, seen: &Seen, look: Look<'_>, field: &str) -> Result<language::Settings, AppError> {
        if look.filters.is_empty() && !seen.is_limited() && !matches!(field, "goal" | "channel") {
            return Ok(language::Settings::default());
        }
        crate::settings::for_questions(&self.app.meta, seen.scope.site(), seen.person).await.map_err(failed)
    }

    /// What reports are about.
    async fn view(&self, seen: &Seen, look: Look<'_>) -> Result<View, AppError> {
        view(look, &seen.filters(look), &self.known(seen, look, "").await?)
    }

    /// A domain as the pages show it, under what stands for it in addresses. With the store away it is shown as one that has events: the panels say what is wrong.
    async fn describe(&self, scope: &SiteScope, address: String) -> Result<Site, AppError> {
        let info = scope.info();
        let first = match self.app.analytics() {
            Ok(analytics) => analytics.first_event(scope).await,
            Err(error) => Err(error),
        };
        let now = Utc::now();
        Ok(Site {
            id: info.id.0,
            domain: address,
            timezone: info.timezone.name().to_owned(),
            today: now.with_timezone(&info.timezone).date_naive().to_string(),
            tracker_url: format!("{}/tracker.js", self.app.config.base_url()),
            has_events: first.as_ref().map_or(true, Option::is_some),
            young: first.is_ok_and(|first| first.is_none_or(|first| first > now.timestamp_millis() - YOUNG_MS)),
            has_demo: demo::is_loaded(&self.app.meta, info.id).await.map_err(other)?,
        })
    }
}

#[async_trait]
impl Backend for ServerBackend {
    async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, AppError> {
        let session = session::of_request(&self.app, headers).await.map_err(failed)?;
        let needs_setup = session.is_none() && !self.app.meta.has_users().await.map_err(failed)?;
        Ok(Viewer {
            user: session.as_ref().map(|session| session.user.id),
            email: session.map(|session| session.user.email.to_string()),
            csrf: csrf::for_form(&self.app, headers).token,
            needs_setup,
            passes: link::passes(headers),
        })
    }

    async fn writer(&self, headers: &HeaderMap, token: &str) -> Result<Viewer, AppError> {
        if !origin::is_own(&self.app, headers) || !csrf::fits(&self.app, headers, token) {
            return Err(AppError::StaleForm);
        }
        self.viewer(headers).await
    }

    fn time_zones(&self) -> Vec<String> {
        // Names such as `EST5EDT` are kept by the database for old programs only.
        let shown = |name: &&str| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("US/");
        let mut names: Vec<String> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).filter(shown).map(str::to_owned).collect();
        names.sort();
        names.insert(0, "UTC".to_owned());
        names
    }

    async fn domains(&self, viewer: &Viewer) -> Result<Vec<ListedDomain>, AppError> {
        let user = viewer.user.ok_or(AppError::NotSignedIn)?;
        let scopes = SiteScope::all_of_user(&self.app, user).await.map_err(failed)?;
        Ok(listed::listed(self.app.analytics().ok(), scopes).await)
    }

    async fn together(&self, viewer: &Viewer, names: &[String], look: Look<'_>, interval: Option<Interval>) -> Result<Together, AppError> {
        self.together_of(viewer, names, look, interval).await
    }

    async fn deleted_domains(&self, viewer: &Viewer) -> Result<Vec<DeletedDomain>, AppError> {
        let user = viewer.user.ok_or(AppError::NotSignedIn)?;
        let deleted = self.app.meta.deleted_sites_of(user).await.map_err(failed)?;
        let shown = |deleted: DeletedSite| DeletedDomain {
            goes: deleted.goes_at.with_timezone(&deleted.site.timezone).date_naive().to_string(),
            domain: deleted.site.domain.to_string(),
        };
        Ok(deleted.into_iter().map(shown).collect())
    }

    async fn domain_names(&self, viewer: &Viewer) -> Result<Vec<String>, AppError> {
        let user = viewer.user.ok_or(AppError::NotSignedIn)?;
        let sites = self.app.meta.sites_of(user).await.map_err(failed)?;
        Ok(sites.into_iter().map(|site| site.domain.to_string()).collect())
    }

    async fn domain(&self, viewer: &Viewer, domain: &str) -> Result<Site, AppError> {
        let Seen { scope, address, .. } = self.seen(viewer, domain).await?;
        self.describe(&scope, address).await
    }

    async fn add_domain(&self, viewer: &Viewer, domain: &str, timezone: &str) -> Result<Site, AppError> {
        let user = viewer.user.ok_or(AppError::NotSignedIn)?;
        let invalid = |field: &str, message: String| AppError::Invalid { field: field.to_owned(), message };
        let name = parse_domain(domain).map_err(|error| invalid("domain", error.message().to_owned()))?;
        let zone = parse_timezone(timezone).map_err(|error| invalid("timezone", error.message().to_owned()))?;
        match self.app.meta.create_site(&name, zone, Some(user)).await {
            Ok(_) => self.domain(viewer, name.as_str()).await,
            Err(MetaError::Taken(message)) => Err(invalid("domain", message.to_string())),
            Err(error) => Err(failed(error)),
        }
    }

    async fn load_demo(&self, viewer: &Viewer, domain: &str) -> Result<(), AppError> {
        let scope = self.scope(viewer, domain).await?;
        let Some(imports) = &self.imports else {
            let text = "demo data is loaded where events are captured; run `footfall seed --domain` with this installation's settings";
            return Err(AppError::Other(text.to_owned()));
        };
        // A task of its own: it goes on to its end though the page that asked is left or loaded again.
        let (imports, site) = (imports.clone(), scope.info().clone());
        tokio::spawn(async move { demo::load(&imports, &site).await }).await.map_err(|fault| other(fault.into()))?.map_err(other)
    }

    async fn remove_demo(&self, viewer: &Viewer, domain: &str) -> Result<(), AppError> {
        let scope = self.scope(viewer, domain).await?;
        let Some(store) = &self.app.store else { return Err(away(AnalyticsError::not_here())) };
        demo::remove(&self.app.meta, store, self.app.live.as_ref(), scope.site()).await.map_err(other)
    }

    async fn kpis(&self, viewer: &Viewer, domain: &str, look: Look<'_>) -> Result<Kpis, AppError> {
        let seen = self.seen(viewer, domain).await?;
        let view = self.view(&seen, look).await?;
        let mut kpis = self.app.analytics().map_err(away)?.kpis(&seen.scope, &view).await.map_err(away)?;
        if seen.is_limited() {
            // Live state knows no filters.
            kpis.current_visitors = 0;
        }
        Ok(kpis)
    }

    async fn timeseries(&self, viewer: &Viewer, domain: &str, look: Look<'_>, interval: Option<Interval>) -> Result<Series, AppError> {
        let seen = self.seen(viewer, domain).await?;
        let view = self.view(&seen, look).await?;
        let (now, then) = self.app.analytics().map_err(away)?.timeseries(&seen.scope, &view, interval).await.map_err(away)?;
        Ok(Series { now, then })
    }

    async fn notes(&self, viewer: &Viewer, domain: &str, period: &Period) -> Result<Vec<Note>, AppError> {
        let scope = self.seen(viewer, domain).await?.scope;
        let zone = scope.info().timezone;
        // All time begins before every note, whenever the first event was.
        let range = period::resolve(period, zone, Utc::now().timestamp_millis(), Some(0));
        let notes = self.app.meta.annotations_of(scope.site()).await.map_err(failed)?;
        let note = |note: Annotation| {
            let at = note.at.timestamp_millis();
            let time = || local(at, zone).format("%Y-%m-%d %H:%M:%S").to_string();
            (range.from..range.to).contains(&at).then(|| Note { time: time(), text: note.note })
        };
        Ok(notes.into_iter().filter_map(note).collect())
    }

    async fn table(&self, viewer: &Viewer, domain: &str, look: Look<'_>, wanted: Wanted<'_>) -> Result<Table, AppError> {
        self.table_of(&self.seen(viewer, domain).await?, look, wanted).await
    }

    async fn offered(&self, viewer: &Viewer, domain: &str, look: Look<'_>) -> Result<Offered, AppError> {
        self.offered_of(&self.seen(viewer, domain).await?, look).await
    }

    async fn save_segment(&self, viewer: &Viewer, domain: &str, name: &str, personal: bool, filters: &[AnyOf]) -> Result<i64, AppError> {
        self.segment_of(viewer, &self.scope(viewer, domain).await?, name, personal, filters).await
    }

    async fn funnel(&self, viewer: &Viewer, domain: &str, look: Look<'_>, query: &BehaviourQuery) -> Result<Vec<u64>, AppError> {
        self.funnel_of(&self.seen(viewer, domain).await?, look, query).await
    }

    async fn journeys(&self, viewer: &Viewer, domain: &str, look: Look<'_>, query: &BehaviourQuery) -> Result<Journeys, AppError> {
        self.journeys_of(&self.seen(viewer, domain).await?, look, query).await
    }

    async fn retention(&self, viewer: &Viewer, domain: &str, look: Look<'_>, query: &BehaviourQuery) -> Result<Retention, AppError> {
        self.retention_of(&self.seen(viewer, domain).await?, look, query).await
    }

    async fn drops(&self, viewer: &Viewer, domain: &str, period: &Period) -> Result<Drops, AppError> {
        let scope = self.scope(viewer, domain).await?;
        self.app.analytics().map_err(away)?.drops(&scope, period).await.map_err(away)
    }

    async fn refusals(&self, viewer: &Viewer, domain: &str) -> Result<Option<Refusals>, AppError> {
        let scope = self.scope(viewer, domain).await?;
        let clock = |ms: i64| local(ms, scope.info().timezone).format("%Y-%m-%d %H:%M:%S").to_string();
        Ok(self.imports.as_ref().map(|imports| {
            let tally = imports.collector.drops();
            let by_reason = tally.of(scope.site()).into_iter().map(|(reason, dropped)| Refusal {
                reason,
                events: dropped.events,
                last: clock(dropped.last_ms),
                field: dropped.field,
            });
            Refusals { since: clock(tally.since_ms()), by_reason: by_reason.collect() }
        }))
    }

    async fn explain(
        &self,
        viewer: &Viewer,
        domain: &str,
        look: Look<'_>,
        metric: footfall_app::metric::Metric,
        by: Option<&str>,
    ) -> Result<Explained, AppError> {
        let seen = self.seen(viewer, domain).await?;
        let metric = Metric::named(metric.code()).ok_or(AppError::NotFound)?;
        let mut explained = explained::explained(&self.app, seen, look, metric, by).await?;
        if let Some(by) = by {
            let places = explained.rows.iter().map(|row| (by.to_owned(), row.label.clone())).collect();
            let mut names = self.names_of(places).await;
            for row in &mut explained.rows {
                row.name = names.remove(&row.label);
            }
        }
        Ok(explained)
    }

    async fn why(
        &self,
        viewer: &Viewer,
        domain: &str,
        look: Look<'_>,
        metric: footfall_app::metric::Metric,
    ) -> Result<Option<Why>, AppError> {
        let seen = self.seen(viewer, domain).await?;
        let metric = Metric::named(metric.code()).ok_or(AppError::NotFound)?;
        self.why_of(&seen, look, metric).await
    }

    async fn live(&self, viewer: &Viewer, domain: &str) -> Result<LiveView, AppError> {
        let seen = self.seen(viewer, domain).await?;
        if seen.is_limited() {
            return Err(AppError::NotFound);
        }
        self.app.analytics().map_err(away)?.live_view(&seen.scope).await.map_err(away)
    }

    async fn link_is_open(&self, viewer: &Viewer, slug: &str, domain: Option<&str>) -> Result<bool, AppError> {
        self.is_open(viewer, slug, domain).await
    }

    async fn settings(&self, viewer: &Viewer, domain: &str, section: Section) -> Result<Settings, AppError> {
        self.settings_of(viewer, &self.scope(viewer, domain).await?, section).await
    }

    async fn add_setting(&self, viewer: &Viewer, domain: &str, entry: &Entry) -> Result<Entry, AppError> {
        self.add(viewer, &self.scope(viewer, domain).await?, entry).await
    }

    async fn remove_setting(&self, viewer: &Viewer, domain: &str, section: Section, key: &str) -> Result<Entry, AppError> {
        self.remove(viewer, &self.scope(viewer, domain).await?, section, key).await
    }

    async fn move_setting(&self, viewer: &Viewer, domain: &str, section: Section, key: &str, earlier: bool) -> Result<Entry, AppError> {
        self.moved(viewer, &self.scope(viewer, domain).await?, section, key, earlier).await
    }

    async fn set_time_zone(&self, viewer: &Viewer, domain: &str, timezone: &str) -> Result<String, AppError> {
        self.change_zone(&self.scope(viewer, domain).await?, timezone).await
    }

    async fn rename_domain(&self, viewer: &Viewer, domain: &str, name: &str) -> Result<String, AppError> {
        self.rename(&self.scope(viewer, domain).await?, name).await
    }

    async fn clear_domain(&self, viewer: &Viewer, domain: &str, confirmed: &str) -> Result<bool, AppError> {
        self.clear(&self.scope(viewer, domain).await?, confirmed).await
    }

    async fn restore_domain(&self, viewer: &Viewer, domain: &str) -> Result<(), AppError> {
        let deleted = self.deleted(viewer, domain).await?;
        self.app.meta.restore_site(deleted.site.id).await.map_err(other_was_faster)
    }

    async fn delete_for_good(&self, viewer: &Viewer, domain: &str, confirmed: &str) -> Result<(), AppError> {
        let deleted = self.deleted(viewer, domain).await?;
        settings::confirm(&deleted.site, confirmed, deleted.site.domain.as_str())?;
        self.app.meta.delete_hidden_site(deleted.site.id).await.map_err(other_was_faster)
    }

    async fn delete_domain(&self, viewer: &Viewer, domain: &str, confirmed: &str) -> Result<(), AppError> {
        self.delete(&self.scope(viewer, domain).await?, confirmed).await
    }

    async fn keep_outcome(&self, viewer: &Viewer, outcome: &Outcome) -> Option<String> {
        self.keep(viewer, outcome).await
    }

    async fn outcome(&self, viewer: &Viewer, key: &str) -> Option<Outcome> {
        self.kept(viewer, key).await
    }
}

/// What reports are about.
fn view(look: Look<'_>, filters: &[Value], known: &language::Settings) -> Result<View, AppError> {
    let compare = compared_with(look.compare);
    let condition = language::condition(filters, known).map_err(asked_wrongly)?;
    Ok(View { period: look.period.clone(), compare, condition })
}

/// What it is compared with. Days that no month has are its last, as in periods.
fn compared_with(compare: &Compare) -> Option<period::Compare> {
    match compare {
        Compare::Off => None,
        Compare::Previous => Some(period::Compare::Previous { match_weekdays: false }),
        Compare::Weekdays => Some(period::Compare::Previous { match_weekdays: true }),
        Compare::Year => Some(period::Compare::Year),
        Compare::Custom { from, to } => Some(period::Compare::Custom { from: period::date(from)?, to: period::date(to)? }),
    }
}

/// The language refuses a filter, in its own words.
fn asked_wrongly(message: String) -> AppError {
    AppError::Invalid { field: "filters".to_owned(), message }
}

/// Filters of the page in the language of questions.
fn filters(filters: &[AnyOf]) -> Vec<Value> {
    filters.iter().map(AnyOf::in_language).collect()
}

/// Of two who restore or delete a domain at once one finds nothing any more.
fn other_was_faster(error: MetaError) -> AppError {
    if matches!(error, MetaError::NotFound(_)) { AppError::NotFound } else { failed(error) }
}

fn failed(error: MetaError) -> AppError {
    tracing::error!(%error, "the accounts database failed");
    AppError::Other("the accounts database does not answer; try again in a moment".to_owned())
}

fn other(error: anyhow::Error) -> AppError {
    AppError::Other(format!("{error:#}"))
}

fn away(error: AnalyticsError) -> AppError {
    if error.is_away() { AppError::StoreAway { detail: error.to_string() } } else { AppError::Other(error.to_string()) }
}
