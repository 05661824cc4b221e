//! Salts of yesterday, today and tomorrow, kept in memory while they are needed.
//!
//! Tomorrow's exists twelve hours ahead, so midnight passes even while the accounts are away. A salt leaves memory with the first request of
//! the day on which it is destroyed on disk.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use footfall_enrich::visitor::{DAY_MS, Day, Salt, day_of};
use footfall_meta::{Meta, MetaError};
use tokio::sync::Mutex;

use super::fault::Fault;

/// After this, what was missing is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(300);

/// The salts around one UTC day.
#[derive(Clone, Debug)]
pub struct Salts3 {
    /// The UTC day.
    pub day: Day,
    /// Its salt.
    pub today: Salt,
    /// The salt of the day before, if there is one.
    pub yesterday: Option<Salt>,
    /// The salt of the day after, from noon on.
    pub tomorrow: Option<Salt>,
}

impl Salts3 {
    /// The salt of a day, if it is one of the three.
    pub const fn of(&self, day: Day) -> Option<Salt> {
        match day - self.day {
            -1 => self.yesterday,
            0 => Some(self.today),
            1 => self.tomorrow,
            _ => None,
        }
    }
}

pub struct Salts {
    shared: Arc<Shared>,
}

struct Shared {
    meta: Meta,
    known: RwLock<Option<(Arc<Salts3>, Instant)>>,
    loading: Mutex<()>,
}

impl Salts {
    pub fn new(meta: Meta) -> Self {
        Self { shared: Arc::new(Shared { meta, known: RwLock::new(None), loading: Mutex::new(()) }) }
    }

    /// Reads them, making today's where it is missing.
    pub async fn load(&self, now: DateTime<Utc>) -> Result<(), MetaError> {
        self.shared.load(now).await.map(drop)
    }

    /// The salts around now.
    pub async fn at(&self, now: DateTime<Utc>) -> Result<Arc<Salts3>, Fault> {
        let day = day_of(now.timestamp_millis());
        let known = self.shared.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((salts, loaded)) = known {
            if salts.day == day {
                if loaded.elapsed() > LOOK_AGAIN && self.shared.loading.try_lock().is_ok() {
                    let shared = Arc::clone(&self.shared);
                    tokio::spawn(async move {
                        if let Err(error) = shared.load(now).await {
                            tracing::warn!(%error, "salts cannot be read; those in memory go on");
                        }
                    });
                }
                return Ok(salts);
            }
            if let Some(turned) = turn(&salts, day) {
                // Old enough to be looked up again at the next request.
                self.shared.keep(&turned, Instant::now().checked_sub(LOOK_AGAIN * 2));
                return Ok(turned);
            }
        }
        self.shared.load(now).await.map_err(|error| {
            tracing::warn!(%error, "today's salt cannot be read");
            Fault::Unavailable("visitors cannot be told apart at the moment")
        })
    }
}

/// The day after: tomorrow's salt is today's.
fn turn(salts: &Salts3, day: Day) -> Option<Arc<Salts3>> {
    let today = salts.tomorrow.filter(|_| day == salts.day + 1)?;
    Some(Arc::new(Salts3 { day, today, yesterday: Some(salts.today), tomorrow: None }))
}

impl Shared {
    fn keep(&self, salts: &Arc<Salts3>, loaded: Option<Instant>) {
        let loaded = loaded.unwrap_or_else(Instant::now);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(salts), loaded));
    }

    async fn load(&self, now: DateTime<Utc>) -> Result<Arc<Salts3>, MetaError> {
        let _one_at_a_time = self.loading.lock().await;
        let date = |offset: i64| DateTime::from_timestamp_millis(now.timestamp_millis() + offset * DAY_MS).unwrap_or(now).date_naive();
        let salts = Arc::new(Salts3 {
            day: day_of(now.timestamp_millis()),
            today: Salt::new(self.meta.salt_for(date(0)).await?),
            yesterday: self.meta.salt_if_kept(date(-1)).await?.map(Salt::new),
            tomorrow: self.meta.salt_if_kept(date(1)).await?.map(Salt::new),
        });
        self.keep(&salts, Some(Instant::now()));
        Ok(salts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_turns_the_salts_and_drops_the_oldest() {
        let salts = Salts3 { day: 10, today: Salt::new([1; 16]), yesterday: Some(Salt::new([0; 16])), tomorrow: Some(Salt::new([2; 16])) };
        let turned = turn(&salts, 11).unwrap();
        assert_eq!(
            (turned.of(10), turned.of(11), turned.of(12), turned.of(9)),
            (Some(Salt::new([1; 16])), Some(Salt::new([2; 16])), None, None)
        );
        assert!(turn(&salts, 12).is_none());
        assert!(turn(&turned, 12).is_none());
    }
}
