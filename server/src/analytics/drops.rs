//! What was not counted: records that were dropped with a reason, those of bots, and dead letters.

use std::collections::{BTreeMap, HashMap};

use chrono_tz::Tz;
use footfall_model::{
    DropReason, LogName, Period, Position,
    report::{DeadLetter, DropBucket, DroppedRecord, Drops},
};
use footfall_query::{Row, buckets, period, range::local, sql};

use super::{Analytics, AnalyticsError, now_ms};
use crate::auth::SiteScope;

/// Examples of each kind.
const NEWEST: i64 = 20;

impl Analytics {
    /// What of a period does not count.
    ///
    /// # Errors
    /// When the store is away, or there would be too many buckets.
    pub async fn drops(&self, scope: &SiteScope, period: &Period) -> Result<Drops, AnalyticsError> {
        let (now, zone) = (now_ms(), scope.info().timezone);
        let range = self.range(scope, period, now).await?;
        let interval = period::default_interval(period, range);
        let wanted = buckets(range, interval, zone)?;
        let starts: Vec<i64> = wanted.iter().map(|bucket| bucket.from).collect();
        let (fates, newest, letters) = tokio::try_join!(
            async {
                if starts.is_empty() { Ok(Default::default()) } else { self.ask(scope, sql::fates(scope.query(), range, &starts)).await }
            },
            self.ask(scope, sql::last_drops(scope.query(), range, NEWEST)),
            self.ask(scope, sql::last_dead_letters(scope.query(), range, NEWEST)),
        )?;
        let mut fates = Fates::of(&fates);
        let buckets = wanted.into_iter().map(|bucket| DropBucket {
            dropped: fates.dropped.remove(&bucket.from).unwrap_or_default(),
            partial: bucket.to > now,
            time: bucket.label,
        });
        Ok(Drops {
            interval,
            buckets: buckets.collect(),
            counted: fates.counted,
            bots: fates.bots(),
            newest: newest.iter().filter_map(|row| dropped(row, zone)).collect(),
            dead_letters: letters.first().map_or(0, |row| row.total),
            newest_dead_letters: letters.iter().filter_map(|row| dead_letter(row, zone)).collect(),
            meta: self.meta(range, &[("drops", "store")]),
        })
    }
}

/// Rows of [`sql::fates`], sorted out.
#[derive(Default)]
struct Fates {
    counted: u64,
    bots: BTreeMap<String, u64>,
    /// By start of the bucket.
    dropped: HashMap<i64, Vec<(DropReason, u64)>>,
}

impl Fates {
    fn of(rows: &[Row]) -> Self {
        let mut fates = Self::default();
        for row in rows {
            let [bucket, reason, class] = row.labels.as_slice() else { continue };
            let count = row.sums.first().map_or(0, |count| count.unsigned_abs());
            match (DropReason::from_code(reason), class.as_str()) {
                (Some(reason), _) => fates.dropped.entry(bucket.parse().unwrap_or(0)).or_default().push((reason, count)),
                (None, "") => fates.counted += count,
                (None, class) => *fates.bots.entry(class.to_owned()).or_default() += count,
            }
        }
        fates
    }

    /// Most first.
    fn bots(&self) -> Vec<(String, u64)> {
        let mut bots: Vec<_> = self.bots.iter().map(|(class, count)| (class.clone(), *count)).collect();
        bots.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        bots
    }
}

fn clock(ms: &str, zone: Tz) -> String {
    local(ms.parse().unwrap_or(0), zone).format("%Y-%m-%d %H:%M:%S").to_string()
}

fn dropped(row: &Row, zone: Tz) -> Option<DroppedRecord> {
    let [ms, name, hostname, path, reason] = row.labels.as_slice() else { return None };
    Some(DroppedRecord {
        time: clock(ms, zone),
        name: name.clone(),
        hostname: hostname.clone(),
        path: path.clone(),
        reason: DropReason::from_code(reason)?,
    })
}

fn dead_letter(row: &Row, zone: Tz) -> Option<DeadLetter> {
    let ([ms, reason], [log, generation, partition, offset]) = (row.labels.as_slice(), row.sums.as_slice()) else { return None };
    let log = if *log == 0 { LogName::Live } else { LogName::Import };
    let number = |value: &i64| u32::try_from(*value).ok();
    let position = Position { log, generation: number(generation)?, partition: number(partition)?, offset: offset.unsigned_abs() };
    Some(DeadLetter { time: clock(ms, zone), reason: DropReason::from_code(reason)?, position })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(labels: [&str; 3], count: i64) -> Row {
        Row { labels: labels.map(str::to_owned).to_vec(), sums: vec![count], total: 1, whole: Vec::new() }
    }

    #[test]
    fn each_record_has_one_fate() {
        let rows = [
            row(["1000", "", ""], 7),
            row(["1000", "", "ai"], 2),
            row(["1000", "", "crawler"], 3),
            row(["1000", "duplicate_id", ""], 1),
            row(["2000", "", ""], 4),
            row(["2000", "no_visit", ""], 5),
        ];
        let fates = Fates::of(&rows);
        assert_eq!((fates.counted, fates.bots()), (11, vec![("crawler".to_owned(), 3), ("ai".to_owned(), 2)]));
        assert_eq!(fates.dropped[&1000], [(DropReason::DuplicateId, 1)]);
        assert_eq!(fates.dropped[&2000], [(DropReason::NoVisit, 5)]);
    }
}
