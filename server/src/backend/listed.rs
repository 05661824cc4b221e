//! The list of all domains: figures of many domains at once, as far as they come in time.

use std::time::Duration;

use footfall_app::backend::{ListedDomain, Missing};
use futures::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::{
    analytics::{Analytics, AnalyticsError},
    auth::SiteScope,
};

/// Domains that are asked about at once. Each asks the store three things, and the store has its own bounds.
const AT_ONCE: usize = 8;
/// What has not come by then is left out: a list that says so is better than none.
const PATIENCE: Duration = Duration::from_secs(4);

/// The domains, in this order. Without reports in this process their figures are away.
pub(super) async fn listed(analytics: Option<&Analytics>, scopes: Vec<SiteScope>) -> Vec<ListedDomain> {
    let deadline = Instant::now() + PATIENCE;
    let asked = scopes.into_iter().map(|scope| one(analytics.cloned(), scope, deadline));
    stream::iter(asked).buffered(AT_ONCE).collect().await
}

async fn one(analytics: Option<Analytics>, scope: SiteScope, deadline: Instant) -> ListedDomain {
    let info = scope.info();
    let (domain, timezone) = (info.domain.to_string(), info.timezone.name().to_owned());
    let Some(analytics) = analytics else { return ListedDomain { domain, timezone, live: None, month: Err(Missing::Away) } };
    let (live, month) =
        tokio::join!(timeout_at(deadline, analytics.current_visitors(&scope)), timeout_at(deadline, analytics.month(&scope)));
    let month = month.map_err(|_| Missing::Slow).and_then(|month| month.map_err(|error| missing(&error)));
    ListedDomain { domain, timezone, live: live.ok().and_then(Result::ok), month }
}

fn missing(error: &AnalyticsError) -> Missing {
    if error.is_away() {
        return Missing::Away;
    }
    tracing::warn!(%error, "the list of domains lacks one");
    Missing::Failed
}
