//! An installation moves from SQLite to PostgreSQL and back; interrupted, repeated, and while it changes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Mutex;

use chrono::{Duration, Utc};
use chrono_tz::Tz;
use footfall_meta::{
    Figures, GoalKind, HourFigures, ImportStart, List, Meta, MetaError, NewGoal, NewImport, NewKey, NewLink, Password, Reach, Role, Scope,
    ShieldKind, Site,
};
use footfall_model::SiteId;
use footfall_testkit::{pgbouncer::PgBouncer, postgres::Postgres};
use uuid::Uuid;

const HOUR: i64 = 3_600_000;

async fn sqlite(folder: &tempfile::TempDir, name: &str) -> Meta {
    Meta::open(&format!("sqlite:{}", folder.path().join(name).display())).await.unwrap()
}

/// Something in every table; months of hours.
async fn furnish(meta: &Meta) -> Vec<Site> {
    let now = Utc::now();
    let password = Password::new("correct horse battery").unwrap();
    let owner = meta.create_user(&"owner@example.org".parse().unwrap(), &password, Role::Owner).await.unwrap();
    meta.create_user(&"other@example.org".parse().unwrap(), &password, Role::Viewer).await.unwrap();
    meta.start_session(owner.id, now).await.unwrap();
    let mut sites = Vec::new();
    for name in ["one.example", "two.example", "three.example"] {
        sites.push(meta.create_site(&name.parse().unwrap(), Tz::Europe__Berlin, Some(owner.id)).await.unwrap());
    }
    meta.create_shield(sites[0].id, ShieldKind::Country, "DE").await.unwrap();
    let goal = |name: &str| NewGoal {
        name: name.to_owned(),
        kind: GoalKind::Scroll { path: "/ü/*".to_owned(), depth: 60 },
        props: [("b".to_owned(), "2".to_owned()), ("a".to_owned(), "it's".to_owned())].into(),
        currency: Some("EUR".to_owned()),
    };
    meta.create_goal(sites[0].id, goal("one")).await.unwrap();
    let filters = vec![serde_json::json!(["is", "event:page", ["/ü"]])];
    meta.create_segment(sites[0].id, Some(owner.id), "mine", filters).await.unwrap();
    meta.create_annotation(sites[1].id, now, "a note").await.unwrap();
    let link = NewLink { name: "a link".to_owned(), expires_at: Some(now), segment: Some(1), ..NewLink::default() };
    meta.create_link(sites[1].id, link).await.unwrap();
    meta.change_list(sites[1].id, List::Properties, |_| Ok(vec!["plan".to_owned(), "size".to_owned()])).await.unwrap();
    let key = NewKey {
        name: "a key".to_owned(),
        scopes: vec![Scope::StatsRead, Scope::EventsWrite],
        reach: Reach::Site(sites[1].id),
        rate_limit_per_hour: Some(7),
    };
    meta.create_key(key).await.unwrap();
    meta.ensure_salts(now).await.unwrap();
    meta.raise_cursor("some", i64::MAX).await.unwrap();
    let new = NewImport { site: sites[0].id, fingerprint: "file".to_owned(), lease_owner: Uuid::new_v4(), lease: Duration::minutes(1) };
    let ImportStart::New(_) = meta.start_import(new, now).await.unwrap() else { panic!("not new") };
    let gone = meta.create_site(&"gone.example".parse().unwrap(), Tz::UTC, None).await.unwrap();
    meta.delete_site(gone.id).await.unwrap();
    for site in &sites {
        meta.apply_rollup(&(0..60).map(|n| hour(site.id, n, 50)).collect::<Vec<_>>(), None).await.unwrap();
    }
    sites
}

fn hour(site: SiteId, n: i64, paths: u64) -> HourFigures {
    let figures = |n: u64| Figures { pageviews: n, visitors: n / 2, visits: n / 3 };
    HourFigures {
        site,
        hour_ms: 1_792_800_000_000 + n * 20 * HOUR,
        version: n,
        total: figures(1_000),
        paths: (0..paths).map(|path| (format!("/ü/{path}"), figures(path))).collect(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let source = sqlite(&folder, "a.db").await;
    let sites = furnish(&source).await;
    let server = Postgres::start().await.unwrap();
    let bouncer = PgBouncer::start(&server, "").await.unwrap();
    let target = Meta::open(&bouncer.url(&server.database().await.unwrap())).await.unwrap();
    let heard = Mutex::new(Vec::new());
    source.copy_to(&target, &|table, rows| heard.lock().unwrap().push((table.to_owned(), rows))).await.unwrap();

    let sums = source.checksums().await.unwrap();
    assert!(sums.values().all(|sum| sum.rows > 0), "every table is tried: {sums:?}");
    assert_eq!(target.checksums().await.unwrap(), sums);
    assert_eq!(heard.lock().unwrap().last(), Some(&("hourly_aggregates".to_owned(), 3 * 60 * 51)));

    // The source goes on: changes, removals, and names that come to belong to others.
    source.delete_site(sites[2].id).await.unwrap();
    source.create_site(&"three.example".parse().unwrap(), Tz::UTC, None).await.unwrap();
    source.raise_cursor("later", 9).await.unwrap();
    source.apply_rollup(&[HourFigures { version: 1_000, ..hour(sites[0].id, 3, 2) }], None).await.unwrap();
    assert_ne!(source.checksums().await.unwrap(), target.checksums().await.unwrap());
    source.copy_to(&target, &|_, _| ()).await.unwrap();
    let sums = source.checksums().await.unwrap();
    assert_eq!(target.checksums().await.unwrap(), sums);

    // What was copied works, and goes back as it came.
    assert!(target.verify_login("owner@example.org", "correct horse battery").await.unwrap().is_some());
    assert_eq!(target.site_list().await.unwrap().sites.len(), 3);
    let back = sqlite(&folder, "b.db").await;
    target.copy_to(&back, &|_, _| ()).await.unwrap();
    assert_eq!(back.checksums().await.unwrap(), sums);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_copy_is_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let source = sqlite(&folder, "a.db").await;
    furnish(&source).await;
    let server = Postgres::start().await.unwrap();
    let target = Meta::open(&server.database().await.unwrap()).await.unwrap();
    for stop in ["users", "domains", "cursors", "hourly_aggregates"] {
        let reached = tokio::sync::Notify::new();
        let progress = |table: &str, _| {
            if table == stop {
                reached.notify_one();
            }
        };
        let copy = source.copy_to(&target, &progress);
        tokio::select! {
            biased;
            () = reached.notified() => {}
            done = copy => done.unwrap(),
        }
    }
    source.copy_to(&target, &|_, _| ()).await.unwrap();
    assert_eq!(target.checksums().await.unwrap(), source.checksums().await.unwrap());
}

#[tokio::test]
async fn another_installation_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (source, other) = (sqlite(&folder, "a.db").await, sqlite(&folder, "b.db").await);
    furnish(&source).await;
    other.create_site(&"other.example".parse().unwrap(), Tz::UTC, None).await.unwrap();
    for _ in 0..2 {
        let Err(MetaError::Refused(text)) = source.copy_to(&other, &|_, _| ()).await else { panic!("not refused") };
        assert!(text.contains("empty"), "{text}");
        other.installation_secret().await.unwrap();
    }
    assert_eq!(other.site_list().await.unwrap().sites.len(), 1);
}
