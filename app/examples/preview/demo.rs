//! Made-up figures.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use footfall_app::{
    backend::{
        Backend, DeletedDomain, Explained, ExplainedRow, How, ListedDomain, Look, Missing, Moved, Offered, Refusal, Refusals, Segment,
        Table, TableRow, Together, TogetherRow, Wanted, Why,
    },
    behaviour::{BehaviourQuery, Branch, Journeys, Retention},
    filter::AnyOf,
    metric::Metric,
    settings::{CompletedBy, Entry, Goal, Listed, Outcome, Route, Section, Settings, Shield, ShieldOf},
    types::{AppError, Compare, Note, Series, Site, Viewer},
};
use footfall_model::{
    DropReason, Interval, LogName, Period, Position,
    report::{
        Changes, Comparison, DeadLetter, DropBucket, DroppedRecord, Drops, Figures, Kpis, LiveEvent, LivePage, LiveView, Meta, Month,
        Point, Timeseries,
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
            Point {
                time,
                pageviews: visitors * 5 / 2,
                visitors,
                visits: visitors,
                bounce_rate: Some(40),
                partial: i + 1 == n,
                ..Point::default()
            }
        })
        .collect()
}

#[async_trait]
impl Backend for Demo {
    async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, AppError> {
        let cookies = headers.get("cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (needs_setup, signed_out) = (cookies.contains("needs_setup"), cookies.contains("signed_out"));
        let email = (!needs_setup && !signed_out).then(|| "owner@example.org".to_owned());
        Ok(Viewer { user: None, email, csrf: "token".to_owned(), needs_setup, passes: Vec::new() })
    }

    async fn writer(&self, headers: &HeaderMap, _: &str) -> Result<Viewer, AppError> {
        self.viewer(headers).await
    }

    fn time_zones(&self) -> Vec<String> {
        ["UTC", "America/New_York", "Asia/Tokyo", "Europe/Berlin", "Europe/London"].map(str::to_owned).to_vec()
    }

    async fn domains(&self, viewer: &Viewer) -> Result<Vec<ListedDomain>, AppError> {
        if viewer.email.is_none() {
            return Err(AppError::NotSignedIn);
        }
        let listed = |(at, domain): (usize, &&str)| ListedDomain {
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

    async fn together(&self, viewer: &Viewer, names: &[String], look: Look<'_>, interval: Option<Interval>) -> Result<Together, AppError> {
        let first = names.first().map_or("example.org", String::as_str);
        let kpis = self.kpis(viewer, first, look).await?;
        let series = self.timeseries(viewer, first, look, interval).await?;
        let row = |(at, domain): (usize, &String)| {
            let figures = Figures { visitors: 17_284 >> at, ..kpis.figures.clone() };
            TogetherRow { domain: domain.clone(), figures, change: Some(12) }
        };
        let rows = names.iter().filter(|name| site(name).is_ok()).enumerate().map(row).collect();
        Ok(Together { today: "2026-11-21".to_owned(), rows, kpis, series, missing: Vec::new() })
    }

    async fn deleted_domains(&self, _: &Viewer) -> Result<Vec<DeletedDomain>, AppError> {
        Ok(vec![DeletedDomain { domain: "gone.example".to_owned(), goes: "2026-11-28".to_owned() }])
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

    async fn link_is_open(&self, _: &Viewer, _: &str, _: Option<&str>) -> Result<bool, AppError> {
        Err(AppError::NotFound)
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
        let comparison = (*compare != Compare::Off).then(|| Comparison { figures: figures.clone(), change, incomplete: false });
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
        let then = (*compare != Compare::Off).then(|| points(period, interval, 11));
        Ok(Series { now: Timeseries { interval, points: now, meta: meta() }, then })
    }

    async fn notes(&self, _: &Viewer, domain: &str, _: &Period) -> Result<Vec<Note>, AppError> {
        let note = |time: &str, text: &str| Note { time: time.to_owned(), text: text.to_owned() };
        let notes = vec![note("2026-11-04 00:00:00", "Release 2.0"), note("2026-11-18 09:30:00", "Front page of Hacker News")];
        Ok(if domain == "example.org" { notes } else { Vec::new() })
    }

    async fn table(&self, _: &Viewer, domain: &str, look: Look<'_>, wanted: Wanted<'_>) -> Result<Table, AppError> {
        away(domain)?;
        let labels: &[&str] = match wanted.field {
            "page" | "entry_page" | "exit_page" => &[
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
            "source" | "referrer" => {
                &["Google", "Direct / None", "Hacker News", "GitHub", "Mastodon", "DuckDuckGo", "Bing", "reddit.com", "lobste.rs"]
            }
            "channel" => &["Organic Search", "Direct", "Referral", "Organic Social", "Email"],
            "country" => &["US", "DE", "GB", "FR", "NL", "JP", "(unknown)", "BR", "IN"],
            "browser" => &["Chrome", "Safari", "Firefox", "Edge", "Samsung Internet", "Opera"],
            "os" => &["Windows", "macOS", "iOS", "Android", "GNU/Linux"],
            "device" => &["Desktop", "Mobile", "Tablet"],
            "goal" => &["Signup", "Visit /pricing", "Purchase"],
            _ => &[],
        };
        let shown = labels.iter().enumerate().filter(|(_, label)| domain != "quiet.example" && label.contains(wanted.search));
        let rows: Vec<TableRow> = shown
            .map(|(i, label)| {
                let label = if domain == "long.example" { format!("{label}{}", "-and-more-of-it".repeat(12)) } else { (*label).to_owned() };
                #[expect(clippy::cast_precision_loss, reason = "a made-up figure")]
                let visitors = (6_420.0 / (i + 1) as f64).round();
                let figure = |metric: &Metric| match metric {
                    Metric::Share | Metric::ConversionRate => Some((visitors / 17.284).round() / 10.0),
                    Metric::BounceRate => Some(40.0),
                    _ => Some(visitors),
                };
                let figures = wanted.metrics.iter().map(figure).collect();
                TableRow { label, figures, change: Some(i64::try_from(i).unwrap_or(0) * 7 - 20), ..TableRow::default() }
            })
            .collect();
        let (limit, total) = (wanted.limit as usize, rows.len() as u64);
        let rows = rows.into_iter().skip((wanted.page as usize - 1) * limit).take(limit).collect();
        Ok(Table { rows, total, is_compared: *look.compare != Compare::Off, approximate: false })
    }

    async fn funnel(&self, _: &Viewer, domain: &str, _: Look<'_>, query: &BehaviourQuery) -> Result<Vec<u64>, AppError> {
        away(domain)?;
        Ok((0..query.steps.len()).map(|step| 1_200 / (step as u64 + 1)).collect())
    }

    async fn journeys(&self, _: &Viewer, domain: &str, _: Look<'_>, _: &BehaviourQuery) -> Result<Journeys, AppError> {
        away(domain)?;
        Ok(Journeys { visits: 10, branches: vec![Branch { things: vec!["/".to_owned()], visits: 10, ended: 4 }] })
    }

    async fn retention(&self, _: &Viewer, domain: &str, _: Look<'_>, _: &BehaviourQuery) -> Result<Retention, AppError> {
        away(domain)?;
        Ok(Retention { by_user: true, periods: vec![("2026-11-02".to_owned(), vec![80, 20]), ("2026-11-09".to_owned(), vec![60])] })
    }

    async fn offered(&self, _: &Viewer, domain: &str, _: Look<'_>) -> Result<Offered, AppError> {
        let segment = |id, name: &str, personal| Segment {
            id,
            name: name.to_owned(),
            personal,
            filters: vec![serde_json::json!(["is", "visit:country", ["DE", "AT", "CH"]])],
        };
        let segments = vec![segment(1, "German-speaking countries", false), segment(2, "Mine", true)];
        let dates = |from: &str, to: &str| [from, to].map(|day| format!("{day} 00:00:00"));
        let compared = vec![(Compare::Previous, dates("2026-10-23", "2026-11-21")), (Compare::Year, dates("2025-10-23", "2025-11-21"))];
        let segments = if domain == "empty.example" { Vec::new() } else { segments };
        Ok(Offered { segments, props: vec!["plan".to_owned()], compared, ..Offered::default() })
    }

    async fn save_segment(&self, _: &Viewer, _: &str, _: &str, _: bool, _: &[AnyOf]) -> Result<i64, AppError> {
        Ok(1)
    }

    async fn explain(&self, _: &Viewer, domain: &str, _: Look<'_>, metric: Metric, by: Option<&str>) -> Result<Explained, AppError> {
        away(domain)?;
        let how = How {
            exact: true,
            watermark: Some("2026-11-21 15:05:30".to_owned()),
            rows: 812_300,
            bytes: 48_200_000,
            elapsed_ms: 12.5,
            counted: 120_000,
            bots: 3_100,
            dropped: 40,
            late: 7,
            confidence: (metric == Metric::BounceRate).then_some((45.2, 48.9)),
            sql: "SELECT uniqExact(visitor_id)\nFROM events\nWHERE site_id = {p0:UUID}".to_owned(),
            parameters: vec![("p0".to_owned(), "\"00000000-0000-0000-0000-000000000002\"".to_owned())],
        };
        Ok(Explained {
            unit: "visitors",
            definition: "Distinct visitor ids of the events that pass.",
            figure: (domain != "quiet.example").then_some(47.0),
            rows: by.map(|_| ExplainedRow { label: "/".to_owned(), figure: Some(47.0), ..ExplainedRow::default() }).into_iter().collect(),
            from: "2026-10-23 00:00:00".to_owned(),
            to: "2026-11-21 14:06:00".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            endpoint: "http://127.0.0.1:8080/api/v2/query".to_owned(),
            question: format!("{{\n  \"site_id\": \"{domain}\"\n}}"),
            how: (domain != "quiet.example").then_some(how),
        })
    }

    async fn why(&self, _: &Viewer, domain: &str, Look { period, compare, .. }: Look<'_>, _: Metric) -> Result<Option<Why>, AppError> {
        away(domain)?;
        if *compare == Compare::Off || *period == Period::All {
            return Ok(None);
        }
        let moved = [
            ("source", "Hacker News", [4_210, 310]),
            ("channel", "Organic Social", [4_630, 700]),
            ("page", "/blog/a-very-long-title-that-goes-on-and-on-until-it-has-to-be-cut", [3_940, 12]),
            ("country", "US", [7_120, 5_080]),
            ("browser", "Safari", [2_010, 2_940]),
            ("city", "2950159", [1_240, 880]),
        ];
        let moved = moved.map(|(field, label, figures)| Moved { field, label: label.to_owned(), name: None, figures });
        Ok(Some(Why {
            now: ["2026-11-15 00:00:00", "2026-11-21 14:06:00"].map(str::to_owned),
            then: ["2026-11-08 00:00:00", "2026-11-14 14:06:00"].map(str::to_owned),
            timezone: "Europe/Berlin".to_owned(),
            figures: [17_284, 13_120],
            incomplete: false,
            approximate: false,
            moved: if domain == "quiet.example" { Vec::new() } else { moved.to_vec() },
            failed: if domain == "long.example" { vec!["referrer", "screen"] } else { Vec::new() },
            moment: ("2026-11-15".to_owned(), String::new()),
        }))
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

    async fn settings(&self, viewer: &Viewer, domain: &str, section: Section) -> Result<Settings, AppError> {
        let site = self.domain(viewer, domain).await?;
        let entries = if domain == "empty.example" { Vec::new() } else { entries(section) };
        let channels = vec!["Email".to_owned()];
        Ok(Settings { site, added: "2026-02-11".to_owned(), former: None, entries, channels, segments: Vec::new() })
    }

    async fn add_setting(&self, _: &Viewer, _: &str, entry: &Entry) -> Result<Entry, AppError> {
        Ok(entry.clone())
    }

    async fn remove_setting(&self, _: &Viewer, _: &str, section: Section, key: &str) -> Result<Entry, AppError> {
        self.move_setting(&Viewer::default(), "", section, key, true).await
    }

    async fn move_setting(&self, _: &Viewer, _: &str, section: Section, key: &str, _: bool) -> Result<Entry, AppError> {
        entries(section).into_iter().find(|listed| listed.key == key).map(|listed| listed.entry).ok_or(AppError::NotFound)
    }

    async fn set_time_zone(&self, _: &Viewer, _: &str, _: &str) -> Result<String, AppError> {
        Ok("UTC".to_owned())
    }

    async fn rename_domain(&self, _: &Viewer, _: &str, name: &str) -> Result<String, AppError> {
        Ok(name.to_owned())
    }

    async fn clear_domain(&self, _: &Viewer, _: &str, _: &str) -> Result<bool, AppError> {
        Ok(true)
    }

    async fn restore_domain(&self, _: &Viewer, _: &str) -> Result<(), AppError> {
        Ok(())
    }

    async fn delete_for_good(&self, _: &Viewer, _: &str, _: &str) -> Result<(), AppError> {
        Ok(())
    }

    async fn delete_domain(&self, _: &Viewer, _: &str, confirmed: &str) -> Result<(), AppError> {
        let message = format!("`{confirmed}` stays: nothing is deleted here");
        Err(AppError::Invalid { field: "confirmed".to_owned(), message })
    }

    async fn keep_outcome(&self, _: &Viewer, _: &Outcome) -> Option<String> {
        None
    }

    async fn outcome(&self, _: &Viewer, _: &str) -> Option<Outcome> {
        None
    }
}

fn entries(section: Section) -> Vec<Listed> {
    let entries = match section {
        Section::Goals => vec![
            Entry::Goal(Goal { name: "Signup".to_owned(), event: "Signup".to_owned(), ..Goal::default() }),
            Entry::Goal(Goal { name: "Prices".to_owned(), by: CompletedBy::Page, page: "/pricing*".to_owned(), ..Goal::default() }),
        ],
        Section::Routes => ["/blog/:slug", "/docs/*"].map(|pattern| Entry::Route(Route { pattern: pattern.to_owned(), at: None })).to_vec(),
        Section::Shields => vec![Entry::Shield(Shield { of: ShieldOf::Country, value: "AQ".to_owned() })],
        _ => Vec::new(),
    };
    entries.into_iter().enumerate().map(|(at, entry)| Listed { key: at.to_string(), entry }).collect()
}
