//! Removing what a domain or an import brought. Rows are rewritten, not only hidden: what is deleted is gone from the disk.

use std::sync::Arc;

use footfall_model::SiteId;
use footfall_query::range::DAY_MS;
use uuid::Uuid;

use crate::{Store, StoreError, bounds::UPKEEP, ddl, node::Node};

impl Store {
    /// Removes everything of a domain, dead letters included. Returns when it is gone.
    ///
    /// # Errors
    /// When the store does not answer; then repeat it.
    pub async fn delete_site(&self, site: SiteId) -> Result<(), StoreError> {
        for table in ["rolled_days", "day_figures", "events", "sessions", "dead_letters", "day_changes"] {
            self.erase(site, table, "").await?;
        }
        Ok(())
    }

    /// Removes everything of a domain that arrived before a second (since 1970). Returns when it is gone. To be repeated while records that arrived
    /// before may still be on their way to the store.
    ///
    /// A visit that goes on keeps what its later events say of it.
    ///
    /// # Errors
    /// When the store does not answer; then repeat it.
    pub async fn clear_site(&self, site: SiteId, until_s: i64) -> Result<(), StoreError> {
        let begun = format!("session_start < fromUnixTimestamp64Milli({})", until_s * 1_000);
        // A day before the last two can be changed by what comes later only, which is read row by row then.
        let old_days = (until_s * 1_000).div_euclid(DAY_MS) - 2;
        for (table, more) in [
            ("rolled_days", String::new()),
            ("day_figures", String::new()),
            ("events", format!(" AND appended_s < {until_s}")),
            ("sessions", format!(" AND {begun}")),
            ("dead_letters", format!(" AND created < fromUnixTimestamp64Milli({})", until_s * 1_000)),
            ("day_changes", format!(" AND day < {old_days}")),
        ] {
            self.erase(site, table, &more).await?;
        }
        self.push_visits(site, &begun).await?;
        self.touch_days(site).await
    }

    /// Makes the visits of a domain that meet a condition what their events say. What they say already does not change.
    async fn push_visits(&self, site: SiteId, condition: &str) -> Result<(), StoreError> {
        let text = ddl::sessions::push(&format!("site_id = toUUID('{site}') AND {condition}"));
        let (group, text) = (self.of(site), text.as_str());
        let push = |node: Arc<Node>| async move {
            group.fetch_missing(&node, &["events"]).await?;
            node.insert(text, &[], UPKEEP).await
        };
        group.call(push).await
    }

    /// Hours (start, UTC ms) in which a domain has rows: to recompute after [`Store::clear_site`].
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn hours_of_site(&self, site: SiteId) -> Result<Vec<i64>, StoreError> {
        let text = format!(
            "SELECT DISTINCT intDiv(toUnixTimestamp64Milli(ts), 3600000) * 3600000 AS hour FROM events \
             WHERE site_id = toUUID('{site}') ORDER BY hour"
        );
        self.of(site).all_whole::<i64>(&["events"], &text).await
    }

    /// Removes what an import brought to a domain. Returns when it is gone.
    ///
    /// # Errors
    /// When the store does not answer; then repeat it.
    pub async fn delete_import(&self, site: SiteId, import: Uuid) -> Result<(), StoreError> {
        // Before, so that nobody uses figures of the days; and after, so that none are kept that were worked out between the two tables.
        self.touch_days(site).await?;
        for table in ["events", "sessions"] {
            self.erase(site, table, &format!(" AND import_id = toUUID('{import}')")).await?;
        }
        self.touch_days(site).await
    }

    /// `more` holds UUIDs only. Any replica will do: all carry it out, and the answer comes when they have.
    async fn erase(&self, site: SiteId, table: &str, more: &str) -> Result<(), StoreError> {
        let text = format!("ALTER TABLE {table} DELETE WHERE site_id = toUUID('{site}'){more} SETTINGS mutations_sync = 2");
        self.of(site).execute(&text, UPKEEP).await
    }

    /// All days of a domain count as changed.
    async fn touch_days(&self, site: SiteId) -> Result<(), StoreError> {
        let text = ddl::days::touch(site);
        let (group, text) = (self.of(site), text.as_str());
        let touch = |node: Arc<Node>| async move {
            group.fetch_missing(&node, &["day_changes"]).await?;
            node.insert(text, &[], UPKEEP).await
        };
        group.call(touch).await
    }

    /// Hours (start, UTC ms) in which a domain has rows of an import: to recompute after [`Store::delete_import`].
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn hours_of_import(&self, site: SiteId, import: Uuid) -> Result<Vec<i64>, StoreError> {
        let text = format!(
            "SELECT DISTINCT intDiv(toUnixTimestamp64Milli(ts), 3600000) * 3600000 AS hour FROM events \
             WHERE site_id = toUUID('{site}') AND import_id = toUUID('{import}') ORDER BY hour"
        );
        self.of(site).all_whole::<i64>(&["events"], &text).await
    }
}
