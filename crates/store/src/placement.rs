//! On which shard a domain lives.
//!
//! A pin decides, else the jump consistent hash (Lamping and Veach, 2014) of the domain's id. Both depend on nothing but the configuration, so all
//! processes agree without asking anybody.
//!
//! **Adding a shard.** It goes to the end of the list. One domain in (new number) then belongs to the new shard, the others stay where they are.
//! Their rows do not move by themselves: pin every domain to the shard it is on, start with the longer list, and then move domains one at a time
//! (copy, change the pin, delete), or leave them pinned and let new domains fill the new shard. Shards are never taken from the list or reordered.

use footfall_model::SiteId;

/// The shard of a domain among `shards`, counted from 0.
#[must_use]
pub fn shard_of(site: SiteId, shards: usize) -> usize {
    let (high, low) = site.0.as_u64_pair();
    jump(mixed(high ^ mixed(low)), shards)
}

/// The finaliser of SplitMix64: ids need not be random.
const fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn jump(mut key: u64, buckets: usize) -> usize {
    let (mut bucket, mut next) = (0_u64, 0_u64);
    while next < buckets as u64 {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        // (bucket + 1) · 2³¹ / (top 31 bits of the key + 1), in whole numbers, so that every machine computes the same.
        next = u64::try_from((u128::from(bucket) + 1) * (1 << 31) / (u128::from(key >> 33) + 1)).unwrap_or(u64::MAX);
    }
    usize::try_from(bucket).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn sites() -> impl Iterator<Item = SiteId> {
        (0..10_000_u128).map(|n| SiteId(Uuid::from_u128(n)))
    }

    #[test]
    fn domains_spread_evenly_and_never_move_between_old_shards() {
        for shards in 1..8_usize {
            let mut counts = vec![0_usize; shards];
            for site in sites() {
                let now = shard_of(site, shards);
                let then = shard_of(site, shards + 1);
                assert!(then == now || then == shards, "{site} moved from {now} to {then} of {}", shards + 1);
                counts[now] += 1;
            }
            let fair = 10_000 / shards;
            assert!(counts.iter().all(|count| count.abs_diff(fair) < fair / 8), "{counts:?}");
        }
        assert_eq!(shard_of(SiteId(Uuid::nil()), 0), 0);
    }

    #[test]
    fn the_function_is_fixed_for_ever() {
        let some: Vec<usize> = (0..12_u128).map(|n| shard_of(SiteId(Uuid::from_u128(n << 64 | 77)), 5)).collect();
        assert_eq!(some, FIXED);
    }

    /// Another value here means that every installation with several shards loses sight of its rows.
    const FIXED: [usize; 12] = [4, 4, 3, 4, 3, 0, 4, 3, 0, 3, 3, 3];
}
