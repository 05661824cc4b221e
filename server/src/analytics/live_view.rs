//! The live panels.

use footfall_model::report::LiveView;

use super::{Analytics, AnalyticsError, now_ms};
use crate::auth::SiteScope;

/// Pages shown in the live panel.
const PAGES: usize = 10;

impl Analytics {
    /// The live panels as of now.
    ///
    /// # Errors
    /// When live state fails.
    pub async fn live_view(&self, scope: &SiteScope) -> Result<LiveView, AnalyticsError> {
        let mut view = self.deps.live.view(scope.site(), now_ms(), PAGES).await?;
        if !view.has_events {
            // Live state looks back a month at most; the store being away is no reason to say that nothing ever came.
            view.has_events = self.first_event(scope).await.is_ok_and(|first| first.is_some());
        }
        Ok(view)
    }
}
