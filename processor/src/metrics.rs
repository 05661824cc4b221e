//! What the processor counts. Labels: `log` (`page_views`, `page_views_import`) and closed sets only.

use footfall_model::LogName;
use metrics::{counter, gauge, histogram};

/// Every metric of the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// Rows of `events` written.
    Rows,
    /// Inserts that succeeded.
    Inserts,
    /// Inserts that failed and were tried again.
    InsertRetries,
    /// Rows written with a drop reason (label `reason`).
    Drops,
    /// Dead letters written (label `reason`).
    DeadLetters,
    /// Records that were removed from the log before they were read.
    ExpiredUnread,
    /// Records between the stored position and the end of the log.
    LagRecords,
    /// Age of the oldest record that is not stored.
    LagSeconds,
    /// Everything appended up to here is stored, seconds since 1970.
    Watermark,
    /// Visits kept in memory.
    Visits,
    /// Ids kept in memory.
    Ids,
    /// Time of one insert.
    InsertSeconds,
    /// Events applied to the live state.
    LiveEvents,
    /// Times the live state was built anew.
    LiveRebuilds,
    /// Hours recomputed.
    RollupHours,
    /// Age of the oldest touched hour that is not recomputed.
    RollupLagSeconds,
    /// Days worked out, see `days.rs`.
    RolledDays,
}

impl Name {
    /// The name on the metrics page.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rows => "footfall_processor_rows_total",
            Self::Inserts => "footfall_processor_inserts_total",
            Self::InsertRetries => "footfall_processor_insert_retries_total",
            Self::Drops => "footfall_processor_drops_total",
            Self::DeadLetters => "footfall_processor_dead_letters_total",
            Self::ExpiredUnread => "footfall_processor_expired_unread_total",
            Self::LagRecords => "footfall_processor_lag_records",
            Self::LagSeconds => "footfall_processor_lag_seconds",
            Self::Watermark => "footfall_processor_watermark_seconds",
            Self::Visits => "footfall_processor_visits",
            Self::Ids => "footfall_processor_ids",
            Self::InsertSeconds => "footfall_processor_insert_seconds",
            Self::LiveEvents => "footfall_live_events_total",
            Self::LiveRebuilds => "footfall_live_rebuilds_total",
            Self::RollupHours => "footfall_rollup_hours_total",
            Self::RollupLagSeconds => "footfall_rollup_lag_seconds",
            Self::RolledDays => "footfall_rolled_days_total",
        }
    }

    /// Counts.
    pub fn add(self, log: LogName, count: u64) {
        counter!(self.as_str(), "log" => log.topic()).increment(count);
    }

    /// Counts with a reason from a closed set.
    pub fn add_reason(self, log: LogName, reason: &'static str, count: u64) {
        counter!(self.as_str(), "log" => log.topic(), "reason" => reason).increment(count);
    }

    /// Sets a gauge.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts stay far below 2^52")]
    pub fn set(self, log: LogName, value: u64) {
        gauge!(self.as_str(), "log" => log.topic()).set(value as f64);
    }

    /// Records a duration.
    pub fn time(self, log: LogName, took: std::time::Duration) {
        histogram!(self.as_str(), "log" => log.topic()).record(took.as_secs_f64());
    }
}
