//! Made-up traffic for demo data, `seed` and benchmarks: deterministic for a seed, and shaped like a real small site.
//!
//! Weekdays and hours follow an office-and-evening curve, traffic grows slowly, pages follow a Zipf law, most visits are
//! short, some of them return. Nothing here imitates a real person, and no name belongs to anyone.

use footfall_model::{Hash64, Record, Revenue, SiteId};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

const DAY_MS: i64 = 86_400_000;

/// Share of a day's visits by hour (UTC).
const HOURS: [f64; 24] =
    [1.8, 1.3, 1.0, 0.9, 1.0, 1.6, 2.6, 4.0, 5.2, 5.9, 6.1, 6.0, 5.6, 5.8, 6.1, 6.0, 5.6, 5.2, 5.0, 5.2, 5.4, 5.0, 4.0, 2.8];
/// Weight of a day by weekday, from Thursday (1970-01-01 was one).
const WEEKDAYS: [f64; 7] = [1.12, 0.98, 0.68, 0.72, 1.10, 1.18, 1.15];

const PAGES: &[&str] = &[
    "/",
    "/pricing",
    "/docs",
    "/blog",
    "/blog/why-we-left-the-cloud",
    "/docs/install",
    "/features",
    "/blog/a-year-of-numbers",
    "/about",
    "/docs/api",
    "/changelog",
    "/blog/small-is-fast",
    "/contact",
    "/docs/events",
    "/blog/privacy-by-design",
    "/careers",
    "/docs/cluster",
    "/blog/how-we-measure",
    "/customers",
    "/docs/upgrade",
    "/legal/privacy",
    "/docs/faq",
    "/blog/on-call",
    "/legal/terms",
];
/// (source, referrer, medium, campaign, weight)
const SOURCES: &[(&str, &str, &str, &str, f64)] = &[
    ("", "", "", "", 34.0),
    ("Google", "google.com/", "", "", 27.0),
    ("Hacker News", "news.ycombinator.com/item", "", "", 6.0),
    ("GitHub", "github.com/", "", "", 6.0),
    ("Bing", "bing.com/", "", "", 4.0),
    ("DuckDuckGo", "duckduckgo.com/", "", "", 4.0),
    ("Reddit", "reddit.com/r/selfhosted", "", "", 4.0),
    ("LinkedIn", "linkedin.com/feed", "", "", 3.0),
    ("ChatGPT", "chatgpt.com/", "", "", 3.0),
    ("newsletter", "", "email", "autumn-letter", 4.0),
    ("Google", "google.com/", "cpc", "brand", 3.0),
    ("Mastodon", "mastodon.social/", "", "", 1.5),
    ("YouTube", "youtube.com/watch", "", "", 1.0),
];
const COUNTRIES: &[(&str, f64)] = &[
    ("US", 27.0),
    ("DE", 15.0),
    ("GB", 9.0),
    ("FR", 7.0),
    ("IN", 6.0),
    ("NL", 5.0),
    ("CA", 5.0),
    ("ES", 4.0),
    ("BR", 4.0),
    ("JP", 4.0),
    ("PL", 3.0),
    ("SE", 2.5),
    ("CH", 2.5),
    ("AU", 2.5),
    ("IT", 2.0),
    ("AT", 1.5),
    ("", 0.5),
];
/// (browser, version, os, os version, device, screen, weight)
type Agent = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, f64);
const AGENTS: &[Agent] = &[
    ("Chrome", "141", "Windows", "10", "Desktop", "1920x1080", 24.0),
    ("Chrome", "141", "Android", "16", "Mobile", "412x915", 20.0),
    ("Safari", "26", "iOS", "26", "Mobile", "390x844", 17.0),
    ("Chrome", "141", "macOS", "10.15", "Desktop", "1512x982", 10.0),
    ("Safari", "26", "macOS", "10.15", "Desktop", "1440x900", 7.0),
    ("Firefox", "144", "Windows", "10", "Desktop", "1920x1080", 6.0),
    ("Firefox", "144", "GNU/Linux", "", "Desktop", "2560x1440", 5.0),
    ("Edge", "141", "Windows", "10", "Desktop", "1536x864", 6.0),
    ("Samsung Internet", "28", "Android", "15", "Mobile", "384x854", 3.0),
    ("Safari", "26", "iOS", "26", "Tablet", "820x1180", 2.0),
];

/// What to make.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Whose traffic.
    pub site: SiteId,
    /// Host name on every event.
    pub hostname: String,
    /// Whole days before `until_ms` that the events spread over, at least 1.
    pub days: u32,
    /// Events to make, engagements included.
    pub events: u64,
    /// The same seed, days, events and end make the same events.
    pub seed: u64,
    /// The end, UTC milliseconds; no event is later.
    pub until_ms: i64,
}

impl Traffic {
    /// The records, visit by visit (not sorted by time).
    pub fn records(self) -> impl Iterator<Item = Record> + Send {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let hours = Cumulative::new(HOURS.iter().copied());
        let begin = self.until_ms - i64::from(self.days.max(1)) * DAY_MS;
        let midnight = begin.div_euclid(DAY_MS) * DAY_MS;
        let days = Cumulative::new((0..=i64::from(self.days.max(1))).map(|day| {
            let weekday = (midnight / DAY_MS + day).rem_euclid(7);
            let growth = 0.6 + 0.4 * day as f64 / f64::from(self.days.max(1));
            WEEKDAYS[usize::try_from(weekday).unwrap_or(0)] * growth * rng.random_range(0.9..1.1)
        }));
        let pages = Cumulative::new((0..PAGES.len()).map(|rank| 1.0 / (rank + 1) as f64));
        let sources = Cumulative::new(SOURCES.iter().map(|source| source.4));
        let countries = Cumulative::new(COUNTRIES.iter().map(|country| country.1));
        let agents = Cumulative::new(AGENTS.iter().map(|agent| agent.6));
        let people = (self.events / 12).max(20);
        let mut left = self.events;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            // The first and the last day are clipped: what falls outside is drawn again.
            let start = loop {
                let (day, hour) = (days.pick(&mut rng) as i64, hours.pick(&mut rng) as i64);
                let start = midnight + day * DAY_MS + hour * 3_600_000 + rng.random_range(0..3_600_000);
                if (begin..=self.until_ms).contains(&start) {
                    break start;
                }
            };
            // A person keeps country, device and source habits.
            let person = (rng.random::<f64>().powi(2) * people as f64) as u64;
            let mut habits = StdRng::seed_from_u64(self.seed ^ person.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let agent = AGENTS[agents.pick(&mut habits)];
            let country = COUNTRIES[countries.pick(&mut habits)].0;
            let source = SOURCES[sources.pick(if rng.random_bool(0.5) { &mut habits } else { &mut rng })];
            let utc_day = start.div_euclid(DAY_MS);
            let visitor = Hash64(mix(self.seed, person, utc_day.cast_unsigned()));
            let visit = Visit { site: self.site, hostname: &self.hostname, agent, country, source, visitor };
            let records = visit.records(start, self.until_ms, left, &pages, &mut rng);
            left -= records.len() as u64;
            Some(records)
        })
        .flatten()
    }
}

struct Visit<'a> {
    site: SiteId,
    hostname: &'a str,
    agent: Agent,
    country: &'static str,
    source: (&'static str, &'static str, &'static str, &'static str, f64),
    visitor: Hash64,
}

impl Visit<'_> {
    fn records(&self, start: i64, until: i64, left: u64, pages: &Cumulative, rng: &mut StdRng) -> Vec<Record> {
        let views = match rng.random_range(0..100) {
            0..46 => 1,
            46..68 => 2,
            68..82 => 3,
            82..92 => rng.random_range(4..7),
            _ => rng.random_range(7..16),
        };
        let mut records = Vec::new();
        let mut ts = start;
        for _ in 0..views {
            let path = PAGES[pages.pick(rng)];
            records.push(self.event("pageview", ts, path, rng));
            let stay = rng.random_range(4_000..150_000_i64);
            if rng.random_bool(0.55) {
                let engaged = u32::try_from(stay * 3 / 4).unwrap_or(0);
                let depth = rng.random_range(10..=100);
                let report = self.event("engagement", ts + stay, path, rng);
                records.push(Record { engagement_ms: engaged, scroll_depth: depth, ..report });
            }
            ts += stay;
            if path == "/pricing" && rng.random_bool(0.12) {
                let amount = ["9.00", "29.00", "99.00"][rng.random_range(0..3)].to_owned();
                let props = [("plan".to_owned(), amount.clone())].into();
                let revenue = Some(Revenue { amount, currency: "EUR".to_owned() });
                records.push(Record { props, revenue, ..self.event("Signup", ts, path, rng) });
            }
        }
        records.retain(|record| record.ts <= until);
        records.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        records
    }

    fn event(&self, name: &str, ts: i64, path: &str, rng: &mut StdRng) -> Record {
        let (browser, browser_version, os, os_version, device, screen, _) = self.agent;
        let (source, referrer, medium, campaign, _) = self.source;
        Record {
            id: Uuid::from_u128(rng.random()),
            id_given: true,
            name: name.to_owned(),
            hostname: self.hostname.to_owned(),
            source: source.to_owned(),
            referrer: referrer.to_owned(),
            utm_source: if medium.is_empty() { String::new() } else { source.to_lowercase() },
            utm_medium: medium.to_owned(),
            utm_campaign: campaign.to_owned(),
            browser: browser.to_owned(),
            browser_version: browser_version.to_owned(),
            os: os.to_owned(),
            os_version: os_version.to_owned(),
            device: device.to_owned(),
            screen: screen.to_owned(),
            country: self.country.to_owned(),
            ..Record::pageview(self.site, self.visitor, ts, path)
        }
    }
}

/// Picks an index by weight.
struct Cumulative(Vec<f64>);

impl Cumulative {
    fn new(weights: impl Iterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        Self(
            weights
                .map(|weight| {
                    sum += weight;
                    sum
                })
                .collect(),
        )
    }

    fn pick(&self, rng: &mut impl Rng) -> usize {
        let total = self.0.last().copied().unwrap_or(1.0);
        let at = rng.random::<f64>() * total;
        self.0.partition_point(|sum| *sum <= at).min(self.0.len().saturating_sub(1))
    }
}

/// Spreads three numbers over 64 bits (the finaliser of SplitMix64).
const fn mix(a: u64, b: u64, c: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ c.wrapping_mul(0x94d0_49bb_1331_11eb);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(seed: u64) -> Vec<Record> {
        let site = SiteId(Uuid::nil());
        Traffic { site, hostname: "example.org".into(), days: 30, events: 5_000, seed, until_ms: 1_760_000_000_000 }.records().collect()
    }

    #[test]
    fn is_the_same_for_the_same_seed_and_another_for_another() {
        assert_eq!(traffic(7), traffic(7));
        assert_ne!(traffic(7), traffic(8));
    }

    #[test]
    fn keeps_to_its_bounds_and_looks_like_a_site() {
        let records = traffic(7);
        assert_eq!(records.len(), 5_000);
        assert!(records.iter().all(|r| r.ts <= 1_760_000_000_000 && r.ts >= 1_760_000_000_000 - 31 * DAY_MS));
        let visitors: std::collections::HashSet<_> = records.iter().map(|r| r.visitor).collect();
        assert!(visitors.len() > 500, "{} visitors", visitors.len());
        let home = records.iter().filter(|r| r.is_pageview() && r.path == "/").count();
        let rare = records.iter().filter(|r| r.is_pageview() && r.path == "/legal/terms").count();
        assert!(home > 5 * rare, "{home} views of / and {rare} of the least page");
    }
}
