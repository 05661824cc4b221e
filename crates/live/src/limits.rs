//! Token buckets. A bucket that has filled up again is the same as none, so it can be forgotten.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{Allowance, Limit};

/// The state of one key.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Below zero: debt.
    tokens: f64,
    /// When the tokens were counted, UTC ms.
    counted_ms: i64,
    limit: Limit,
}

impl Bucket {
    /// The bucket as of now. A clock that went back refills nothing.
    fn at(self, now_ms: i64, limit: Limit) -> Self {
        let seconds = now_ms.saturating_sub(self.counted_ms).max(0) as f64 / 1_000.0;
        Self { tokens: (self.tokens + seconds * limit.rate).min(limit.burst), counted_ms: now_ms, limit }
    }

    /// How much is missing, as a share of the burst: what has least to tell goes first.
    fn missing(self, now_ms: i64) -> f64 {
        1.0 - self.at(now_ms, self.limit).tokens / self.limit.burst.max(f64::MIN_POSITIVE)
    }

    fn allowance(self) -> Allowance {
        if self.tokens > 0.0 {
            return Allowance::Pass;
        }
        // Just above zero, so that the next try passes; a day at most, whatever the rate.
        let seconds = (-self.tokens / self.limit.rate + 0.001).min(86_400.0);
        Allowance::Wait(Duration::from_millis((seconds * 1_000.0).ceil() as u64))
    }
}

/// All buckets, bounded in number.
pub(crate) struct Buckets {
    most: usize,
    buckets: Mutex<HashMap<String, Bucket>>,
}

impl Buckets {
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), buckets: Mutex::new(HashMap::new()) }
    }

    /// See [`crate::Limits::take`].
    pub fn take(&self, keys: &[(String, Limit)], cost: u32, now_ms: i64) -> Vec<Allowance> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let now: Vec<Option<Bucket>> = keys
            .iter()
            .map(|(key, limit)| {
                let full = Bucket { tokens: limit.burst, counted_ms: now_ms, limit: *limit };
                (limit.rate > 0.0).then(|| buckets.get(key).map_or(full, |bucket| bucket.at(now_ms, *limit)))
            })
            .collect();
        let answers: Vec<Allowance> = now.iter().map(|bucket| bucket.map_or(Allowance::Pass, Bucket::allowance)).collect();
        if answers.iter().any(|answer| *answer != Allowance::Pass) {
            return answers;
        }
        for ((key, _), bucket) in keys.iter().zip(now) {
            let Some(mut bucket) = bucket else { continue };
            bucket.tokens -= f64::from(cost);
            match buckets.get_mut(key) {
                Some(known) => *known = bucket,
                None => {
                    make_room(&mut buckets, self.most, now_ms);
                    buckets.insert(key.clone(), bucket);
                }
            }
        }
        answers
    }

    /// Puts a level in the place of what is known of a key; below zero is debt.
    pub fn set(&self, key: &str, limit: Limit, tokens: f64, now_ms: i64) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = buckets.get_mut(key) {
            *known = Bucket { tokens: tokens.min(limit.burst), counted_ms: now_ms, limit };
        }
    }
}

/// When the map is full: forgets the buckets that are full again, and at least a tenth, those with the least missing first.
fn make_room(buckets: &mut HashMap<String, Bucket>, most: usize, now_ms: i64) {
    if buckets.len() < most {
        return;
    }
    let mut missing: Vec<f64> = buckets.values().map(|bucket| bucket.missing(now_ms)).collect();
    let nth = missing.len() / 10;
    let (_, least_kept, _) = missing.select_nth_unstable_by(nth, f64::total_cmp);
    let least_kept = *least_kept;
    buckets.retain(|_, bucket| bucket.missing(now_ms) > least_kept.max(0.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(buckets: &Buckets, key: &str, limit: Limit, cost: u32, now_ms: i64) -> Allowance {
        buckets.take(&[(key.to_owned(), limit)], cost, now_ms)[0]
    }

    #[test]
    fn refills_by_time_and_never_beyond_the_burst() {
        let (buckets, limit) = (Buckets::new(10), Limit { rate: 2.0, burst: 3.0 });
        for _ in 0..3 {
            assert_eq!(take(&buckets, "a", limit, 1, 0), Allowance::Pass);
        }
        assert_eq!(take(&buckets, "a", limit, 1, 0), Allowance::Wait(Duration::from_millis(1)));
        assert_eq!(take(&buckets, "a", limit, 1, 500), Allowance::Pass);
        assert!(matches!(take(&buckets, "a", limit, 1, 500), Allowance::Wait(_)));
        for _ in 0..3 {
            assert_eq!(take(&buckets, "a", limit, 1, 1_000_000), Allowance::Pass);
        }
        assert!(matches!(take(&buckets, "a", limit, 1, 1_000_000), Allowance::Wait(_)));
        assert!(matches!(take(&buckets, "a", limit, 1, 0), Allowance::Wait(_)), "a clock set back gives nothing");
    }

    #[test]
    fn a_debt_is_waited_for_as_long_as_told() {
        let (buckets, limit) = (Buckets::new(10), Limit { rate: 10.0, burst: 5.0 });
        assert_eq!(take(&buckets, "a", limit, 105, 0), Allowance::Pass);
        let Allowance::Wait(wait) = take(&buckets, "a", limit, 1, 0) else { panic!("100 tokens in debt") };
        let wait_ms = i64::try_from(wait.as_millis()).unwrap();
        assert_eq!(wait_ms, 10_001);
        assert!(matches!(take(&buckets, "a", limit, 1, wait_ms - 10), Allowance::Wait(_)));
        assert_eq!(take(&buckets, "a", limit, 1, wait_ms), Allowance::Pass);
    }

    #[test]
    fn a_flood_of_keys_does_not_free_who_is_in_debt() {
        let (buckets, limit) = (Buckets::new(100), Limit { rate: 1.0, burst: 10.0 });
        assert_eq!(take(&buckets, "debtor", limit, 1_000, 0), Allowance::Pass);
        for n in 0..10_000 {
            take(&buckets, &n.to_string(), limit, 1, n);
        }
        assert!(matches!(take(&buckets, "debtor", limit, 1, 10_000), Allowance::Wait(_)));
        assert!(buckets.buckets.lock().unwrap().len() <= 100);
    }

    #[test]
    fn a_map_of_equal_buckets_makes_room_too() {
        let (buckets, limit) = (Buckets::new(20), Limit { rate: 1.0, burst: 10.0 });
        for n in 0..1_000 {
            assert_eq!(take(&buckets, &n.to_string(), limit, 100, 0), Allowance::Pass);
            assert!(buckets.buckets.lock().unwrap().len() <= 20);
        }
    }
}
