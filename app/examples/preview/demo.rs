//! Made-up figures.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use footfall_app::{
    backend::{Backend, Explained, How, Listed, Look, Missing, Month, Refusal, Refusals},
    types::{AppError, Compare, Series, Site, Viewer},
};
use footfall_model::{
    DropReason, Interval, LogName, Period, Position,
    report::{
        Breakdown, BreakdownRow, Changes, Comparison, DeadLetter, Dimension, DropBucket, DroppedRecord, Drops, Figures, Kpis, LiveEvent,
        LivePage, LiveView, Meta, Point, Timeseries,
    },
};
use http::HeaderMap;
use uuid::Uuid;

/// `empty.example` gets its first event a few ticks after somebody listens.
static BEGUN: AtomicBool = AtomicBool::new(false);

const DOMAINS: [&str; 5] = ["empty.example", "example.org", "failed.example", "long.example", "quiet.example"];

/// Answers everything at once, from nothing.
pub struct Demo;

fn site(domain: &str) -> Result<Site, AppError> {
    let at = DOMAINS.iter().position(|known| *known == domain).ok_or(AppError::NotFound)?;
    Ok(Site {
        id: Uuid::from_u128(at as u128 + 1),
        domain: domain.to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        today: "2026-11-21".to_owned(),
        tracker_url: "http://127.0.0.1:8080/tracker.js".to_owned(),
        has_events: domain != "empty.example",
        young: false,
        has_demo: domain == "example.org",
    })
}

fn away(domain: &str) -> Result<(), AppError> {
    if domain == "failed.example" { Err(AppError::StoreAway { detail: "preview".to_owned() }) } else { Ok(()) }
}

/// What the live stream says after `n` ticks.
pub fn live_view(domain: Uuid, n: u64) -> LiveView {
    if domain == Uuid::from_u128(1) {
        let begun = BEGUN.fetch_or(n > 3, Ordering::Relaxed);
        return LiveView { minutes: vec![0; 30], has_events: begun, ..LiveView::default() };
    }
    let mut minutes: Vec<u64> = (0..30_u64).map(|i| (i * i * 7 + i * 3) % 23).collect();
    minutes[29] += n;
    let paths = [
        "/",
        "/blog/counting-people-not-profiles",
        "/pricing",
        "/docs/install",
        "/blog/a-very-long-title-that-goes-on-and-on-until-it-has-to-be-cut",
    ];
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.as_millis());
    let start = i64::try_from(now).unwrap_or(0) / 2_000 * 2_000;
    let newest = (0..8_i64)
        .map(|i| {
            let at = usize::try_from(start / 2_000 - i).unwrap_or(0);
            LiveEvent {
                ts: start - i * 2_000,
                name: if at % 5 == 0 { "signup".to_owned() } else { "pageview".to_owned() },
                path: paths[at % 5].to_owned(),
                country: ["DE", "US", "", "FR"][at % 4].to_owned(),
                source: ["Google", "", "Hacker News"][at % 3].to_owned(),
                device: "Desktop".to_owned(),
            }
        })
        .collect();
    LiveView {
        current_visitors: 12 + n % 5,
        pageviews: minutes.iter().sum(),
        visitors: 141 + n / 2,
        minutes,
        pages: vec![LivePage { path: "/".to_owned(), pageviews: 40 }],
        newest,
        has_events: true,
    }
}

fn meta() -> Meta {
    Meta { crosses_days: true, ..Meta::default() }
}

fn points(period: &Period, interval: Interval, salt: u64) -> Vec<Point> {
    let n: u64 = match (period, interval) {
        (Period::Last30Minutes, _) => 30,
        (Period::Today, _) => 15,
        (_, Interval::Minute) => 240,
        (Period::Last7Days, Interval::Day) => 7,
        (_, Interval::Hour) => 24,
        (_, Interval::Month) => 12,
        (_, Interval::Week) => 5,
        _ => 30,
    };
    (0..n)
        .map(|i| {
            let wave = 420 + (i * 9_301 + salt * 49_297 + i * i * 233) % 260 + i * 9;
            let visitors = if i % 7 > 4 { wave * 6 / 10 } else { wave };
            let time = match interval {
                Interval::Minute => format!("2026-11-21 {:02}:{:02}:00", i / 60, i % 60),
                Interval::Hour => format!("2026-11-{:02} {:02}:00:00", 20 + i / 24, i % 24),
                Interval::Month => format!("2026-{:02}-01", i + 1),
                Interval::Week => format!("2026-11-{:02}", i * 7 + 1),
                Interval::Day => format!("2026-11-{:02}", i % 30 + 1),
            };
            Point { time, pageviews: visitors * 5 / 2, visitors, partial: i + 1 == n }
        })
        .collect()
}

#[async_trait]
impl Backend for Demo {
    async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, AppError> {
        let cookies = headers.get("cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (needs_setup, signed_out) = (cookies.contains("needs_setup"), cookies.contains("signed_out"));
        let email = (!needs_setup && !signed_out).then(|| "owner@example.org".to_owned());
        Ok(Viewer { user: None, email, csrf: "token".to_owned(), needs_setup })
    }

    async fn writer(&self, headers: &HeaderMap, _: &str) -> Result<Viewer, AppError> {
        self.viewer(headers).await
    }

    fn time_zones(&self) -> Vec<String> {
        ["UTC", "America/New_York", "Asia/Tokyo", "Europe/Berlin", "Europe/London"].map(str::to_owned).to_vec()
    }

    async fn domains(&self, viewer: &Viewer) -> Result<Vec<Listed>, AppError> {
        if viewer.email.is_none() {
            return Err(AppError::NotSignedIn);
        }
        let listed = |(at, domain): (usize, &&str)| Listed {
            domain: (*domain).to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            live: away(domain).is_ok().then_some(12 >> at),
            month: match *domain {
                "empty.example" => Ok(None),
                "failed.example" => Err(Missing::Away),
                _ => Ok(Some(Month {
                    visitors: 17_284 >> at,
                    before: Some(15_100 >> (at / 2)),
                    days: points(&Period::Last30Days, Interval::Day, at as u64).into_iter().map(|point| point.visitors).collect(),
                    approximate: false,
                })),
            },
        };
        Ok(DOMAINS.iter().enumerate().map(listed).collect())
    }

    async fn domain_names(&self, _: &Viewer) -> Result<Vec<String>, AppError> {
        Ok(DOMAINS.map(str::to_owned).to_vec())
    }

    async fn domain(&self, viewer: &Viewer, domain: &str) -> Result<Site, AppError> {
        if viewer.email.is_none() {
            return Err(AppError::NotSignedIn);
        }
        site(domain)
    }

    async fn add_domain(&self, _: &Viewer, domain: &str, _: &str) -> Result<Site, AppError> {
        if domain.contains('.') {
            return site("empty.example");
        }
        Err(AppError::Invalid { field: "domain".to_owned(), message: format!("`{domain}` is not a host name; write it as example.org") })
    }

    async fn load_demo(&self, _: &Viewer, _: &str) -> Result<(), AppError> {
        Ok(())
    }

    async fn remove_demo(&self, _: &Viewer, _: &str) -> Result<(), AppError> {
        Ok(())
    }

    async fn kpis(&self, _: &Viewer, domain: &str, Look { period, compare, .. }: Look<'_>) -> Result<Kpis, AppError> {
        away(domain)?;
        if domain == "quiet.example" && *period != Period::All {
            return Ok(Kpis::default());
        }
        let figures = Figures {
            visitors: 17_284,
            visits: 20_118,
            pageviews: 48_930,
            views_per_visit: Some(2.43),
            bounce_rate: Some(47),
            visit_duration: Some(163),
        };
        let change = Changes {
            visitors: Some(12),
            visits: Some(9),
            pageviews: Some(-4),
            views_per_visit: Some(0),
            bounce_rate: Some(3),
            visit_duration: None,
        };
        let comparison = (compare != Compare::Off).then(|| Comparison { figures: figures.clone(), change, incomplete: false });
        Ok(Kpis { figures, current_visitors: 12, comparison, meta: Meta { degraded: domain == "long.example", ..meta() } })
    }

    async fn timeseries(
        &self,
        _: &Viewer,
        domain: &str,
        Look { period, compare, .. }: Look<'_>,
        interval: Option<Interval>,
    ) -> Result<Series, AppError> {
        away(domain)?;
        let interval = interval.unwrap_or(match period {
            Period::Last30Minutes => Interval::Minute,
            Period::Last24Hours | Period::Today => Interval::Hour,
            Period::Last12Months => Interval::Month,
            _ => Interval::Day,
        });
        let mut now = points(period, interval, 3);
        if domain == "quiet.example" {
            for point in &mut now {
                (point.visitors, point.pageviews) = (0, 0);
            }
        }
        let then = (compare != Compare::Off).then(|| points(period, interval, 11));
        Ok(Series { now: Timeseries { interval, points: now, meta: meta() }, then })
    }

    async fn breakdown(
        &self,
        _: &Viewer,
        domain: &str,
        _: Look<'_>,
        dimension: Dimension,
        limit: u32,
        page: u32,
    ) -> Result<Breakdown, AppError> {
        away(domain)?;
        let labels: &[&str] = match dimension {
            Dimension::Page | Dimension::EntryPage | Dimension::ExitPage => &[
                "/",
                "/blog/counting-people-not-profiles",
                "/pricing",
                "/docs/install",
                "/docs",
                "/blog/why-we-count-each-event-exactly-once-and-how-we-test-it",
                "/about",
                "/changelog",
                "/docs/api/timeseries",
                "/contact",
            ],
            Dimension::Source | Dimension::Referrer => {
                &["Google", "Direct / None", "Hacker News", "GitHub", "Mastodon", "DuckDuckGo", "Bing", "reddit.com", "lobste.rs"]
            }
            Dimension::Channel => &["Organic Search", "Direct", "Referral", "Organic Social", "Email"],
            Dimension::Campaign => &[],
            Dimension::Country => &["US", "DE", "GB", "FR", "NL", "JP", "(unknown)", "BR", "IN"],
            Dimension::Browser => &["Chrome", "Safari", "Firefox", "Edge", "Samsung Internet", "Opera"],
            Dimension::Os => &["Windows", "macOS", "iOS", "Android", "GNU/Linux"],
            Dimension::Device => &["Desktop", "Mobile", "Tablet"],
        };
        let rows = labels
            .iter()
            .enumerate()
            .skip(((page - 1) * limit) as usize)
            .take(limit as usize)
            .filter(|_| domain != "quiet.example")
            .map(|(i, label)| {
                let label = if domain == "long.example" { format!("{label}{}", "-and-more-of-it".repeat(12)) } else { (*label).to_owned() };
                let visitors = 6_420 / (i as u64 + 1);
                #[expect(clippy::cast_precision_loss, reason = "a made-up share")]
                let share = visitors as f64 / 172.84;
                BreakdownRow { label, visitors, pageviews: visitors * 2, share }
            })
            .collect::<Vec<_>>();
        let total = if rows.is_empty() { 0 } else { labels.len() as u64 };
        Ok(Breakdown { dimension, rows, total, meta: meta() })
    }

    async fn explain(&self, _: &Viewer, domain: &str, _: Look<'_>, metric: &str) -> Result<Explained, AppError> {
        away(domain)?;
        let how = How {
            exact: true,
            watermark: Some("2026-11-21T14:05:30.000Z".to_owned()),
            rows: 812_300,
            bytes: 48_200_000,
            elapsed_ms: 12.5,
            counted: 120_000,
            bots: 3_100,
            dropped: 40,
            late: 7,
            confidence: (metric == "bounce_rate").then_some((45.2, 48.9)),
            sql: "SELECT uniqExact(visitor_id)\nFROM events\nWHERE site_id = {p0:UUID}".to_owned(),
            parameters: vec![("p0".to_owned(), "\"00000000-0000-0000-0000-000000000002\"".to_owned())],
        };
        Ok(Explained {
            unit: "visitors",
            definition: "Distinct visitor ids of the events that pass.",
            figure: (domain != "quiet.example").then_some(47.0),
            from: "2026-10-23 00:00:00".to_owned(),
            to: "2026-11-21 14:06:00".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            endpoint: "http://127.0.0.1:8080/api/v2/query".to_owned(),
            question: format!("{{\n  \"site_id\": \"{domain}\"\n}}"),
            how: (domain != "quiet.example").then_some(how),
        })
    }

    async fn drops(&self, _: &Viewer, domain: &str, period: &Period) -> Result<Drops, AppError> {
        away(domain)?;
        let some = domain != "quiet.example";
        let buckets = points(period, Interval::Day, 5).into_iter().enumerate().map(|(i, point)| DropBucket {
            time: point.time,
            partial: point.partial,
            dropped: if some && i % 4 == 1 { vec![(DropReason::DuplicateId, 3), (DropReason::NoVisit, i as u64)] } else { Vec::new() },
        });
        let record = |i: usize| DroppedRecord {
            time: format!("2026-11-21 14:{:02}:00", 59 - i),
            name: "engagement".to_owned(),
            hostname: domain.to_owned(),
            path: "/blog/a-very-long-title-that-goes-on-and-on-until-it-has-to-be-cut".to_owned(),
            reason: DropReason::NoVisit,
        };
        let letter = DeadLetter {
            time: "2026-11-20 08:12:00".to_owned(),
            reason: DropReason::RefusedByStore,
            position: Position { log: LogName::Live, generation: 1, partition: 0, offset: 48_211 },
        };
        Ok(Drops {
            interval: Interval::Day,
            buckets: buckets.collect(),
            counted: if some { 48_930 } else { 0 },
            bots: if some { vec![("crawler".to_owned(), 812), ("ai".to_owned(), 240)] } else { Vec::new() },
            newest: (0..8).filter(|_| some).map(record).collect(),
            dead_letters: u64::from(some),
            newest_dead_letters: if some { vec![letter] } else { Vec::new() },
            meta: meta(),
        })
    }

    async fn refusals(&self, _: &Viewer, domain: &str) -> Result<Option<Refusals>, AppError> {
        let refusal = Refusal { reason: DropReason::Invalid, events: 14, last: "2026-11-21 13:58:00".to_owned(), field: Some("path") };
        let by_reason = if domain == "example.org" { vec![refusal] } else { Vec::new() };
        Ok((domain != "long.example").then(|| Refusals { since: "2026-11-19 07:30:00".to_owned(), by_reason }))
    }

    async fn live(&self, _: &Viewer, domain: &str) -> Result<LiveView, AppError> {
        away(domain)?;
        Ok(live_view(site(domain)?.id, 0))
    }
}
