//! Several domains as one, for the pages.

use std::time::Duration;

use chrono::Utc;
use footfall_app::{
    backend::{Look, Together, TogetherRow},
    types::{AppError, Series, Viewer},
};
use footfall_model::{
    Interval,
    report::{Comparison, Kpis, Meta, Timeseries},
};
use footfall_query::{figures::changes, language};
use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::{ServerBackend, away, failed, view};
use crate::{
    analytics::{
        Analytics, AnalyticsError, View,
        together::{Added, Part, points},
    },
    auth::SiteScope,
};

/// Domains that are asked about at once, as on the list of all.
const AT_ONCE: usize = 8;
/// What has not come by then is left out.
const PATIENCE: Duration = Duration::from_secs(15);

impl ServerBackend {
    pub(super) async fn together_of(
        &self,
        viewer: &Viewer,
        names: &[String],
        look: Look<'_>,
        interval: Option<Interval>,
    ) -> Result<Together, AppError> {
        let user = viewer.user.ok_or(AppError::NotSignedIn)?;
        let own = SiteScope::all_of_user(&self.app, user).await.map_err(failed)?;
        let is_named = |scope: &SiteScope| names.iter().any(|name| name == scope.info().domain.as_str());
        let scopes: Vec<SiteScope> = own.into_iter().filter(is_named).collect();
        // Filters name things of one domain.
        let view = view(look, &[], &language::Settings::default())?;
        let analytics = self.app.analytics().map_err(away)?;
        let interval = match interval {
            Some(interval) => interval,
            None => analytics.common_interval(&scopes, &view).await.map_err(away)?,
        };
        let deadline = Instant::now() + PATIENCE;
        let asked: Vec<_> = scopes.iter().map(|scope| one(analytics.clone(), scope.clone(), view.clone(), interval, deadline)).collect();
        let mut found: Vec<(String, Part)> = Vec::new();
        let (mut missing, mut fault) = (Vec::new(), None);
        for (scope, answer) in scopes.iter().zip(stream::iter(asked).buffered(AT_ONCE).collect::<Vec<_>>().await) {
            match answer {
                Some(Ok(part)) => found.push((scope.info().domain.to_string(), part)),
                Some(Err(error)) => {
                    fault = Some(error);
                    missing.push(scope.info().domain.to_string());
                }
                None => missing.push(scope.info().domain.to_string()),
            }
        }
        if let (true, Some(fault)) = (found.is_empty(), fault) {
            return Err(away(fault));
        }
        let zone = scopes.first().map_or(chrono_tz::Tz::UTC, |scope| scope.info().timezone);
        Ok(joined(found, missing, interval, Utc::now().with_timezone(&zone).date_naive().to_string()))
    }
}

async fn one(
    analytics: Analytics,
    scope: SiteScope,
    view: View,
    interval: Interval,
    deadline: Instant,
) -> Option<Result<Part, AnalyticsError>> {
    timeout_at(deadline, analytics.part(&scope, &view, interval)).await.ok()
}

fn joined(found: Vec<(String, Part)>, missing: Vec<String>, interval: Interval, today: String) -> Together {
    let (mut now, mut then) = (Added::default(), None::<(Added, bool)>);
    for (_, part) in &found {
        now.add(&part.now);
        if let Some((before, incomplete)) = &part.then {
            let (sum, is_incomplete) = then.get_or_insert_default();
            sum.add(before);
            *is_incomplete |= incomplete;
        }
    }
    let figures = now.figures();
    let comparison = then.map(|(then, incomplete)| {
        let then = then.figures();
        Comparison { change: changes(&figures, &then), figures: then, incomplete }
    });
    let meta = Meta { approximate: found.iter().any(|(_, part)| part.approximate), ..Meta::default() };
    let (names, parts): (Vec<String>, Vec<Part>) = found.into_iter().unzip();
    let (now, then) = points(&parts);
    let row = |(domain, part): (String, &Part)| {
        let figures = part.now.figures();
        let then = part.then.as_ref().filter(|(_, incomplete)| !incomplete).map(|(then, _)| then.figures());
        TogetherRow { domain, change: then.and_then(|then| changes(&figures, &then).visitors), figures }
    };
    let mut rows: Vec<TogetherRow> = names.into_iter().zip(&parts).map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.figures.visitors));
    let kpis = Kpis { figures, comparison, meta: meta.clone(), ..Kpis::default() };
    Together { today, kpis, series: Series { now: Timeseries { interval, points: now, meta }, then }, rows, missing }
}
