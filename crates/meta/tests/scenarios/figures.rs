use chrono::Duration;
use chrono_tz::Tz;
use footfall_meta::{Figures, HourFigures, ImportStart, ImportState, Meta, NewImport, RollupCursor};
use footfall_model::{LogName, SiteId};
use uuid::Uuid;

use super::{at, domain};

pub async fn replicas_agree_on_salts(meta: Meta) {
    let day = at("2026-03-01T00:00:00Z").date_naive();
    let asked: Vec<_> = (0..12)
        .map(|_| {
            let meta = meta.clone();
            tokio::spawn(async move { meta.salt_for(day).await.unwrap() })
        })
        .collect();
    let mut salts = Vec::new();
    for one in asked {
        salts.push(one.await.unwrap());
    }
    salts.dedup();
    assert_eq!(salts.len(), 1);
    assert_ne!(salts[0], [0; 16]);
    assert_ne!(meta.salt_for(day.succ_opt().unwrap()).await.unwrap(), salts[0]);
}

pub async fn salts_are_made_ahead_and_destroyed(meta: Meta) {
    let day = |text: &str| at(text).date_naive();
    let (first, second, third) = (day("2026-03-01T00:00:00Z"), day("2026-03-02T00:00:00Z"), day("2026-03-03T00:00:00Z"));
    meta.ensure_salts(at("2026-03-01T11:59:59Z")).await.unwrap();
    let salt = meta.salt_if_kept(first).await.unwrap().unwrap();
    assert!(meta.salt_if_kept(second).await.unwrap().is_none());
    meta.ensure_salts(at("2026-03-01T12:00:00Z")).await.unwrap();
    assert!(meta.salt_if_kept(second).await.unwrap().is_some());
    assert_eq!(meta.salt_for(first).await.unwrap(), salt);

    meta.ensure_salts(at("2026-03-02T23:59:59Z")).await.unwrap();
    assert_eq!(meta.purge_salts(at("2026-03-02T23:59:59Z")).await.unwrap(), 0, "yesterday's salt is still needed");
    assert_eq!(meta.purge_salts(at("2026-03-03T00:00:00Z")).await.unwrap(), 1);
    assert!(meta.salt_if_kept(first).await.unwrap().is_none());
    assert!(meta.salt_if_kept(second).await.unwrap().is_some() && meta.salt_if_kept(third).await.unwrap().is_some());
}

pub async fn replicas_agree_on_the_installation_secret(meta: Meta) {
    let asked: Vec<_> = (0..6)
        .map(|_| {
            let meta = meta.clone();
            tokio::spawn(async move { meta.installation_secret().await.unwrap() })
        })
        .collect();
    let mut secrets = Vec::new();
    for one in asked {
        secrets.push(one.await.unwrap());
    }
    secrets.dedup();
    assert_eq!(secrets.len(), 1);
}

pub async fn cursors_only_rise(meta: Meta) {
    assert_eq!(meta.cursor("x").await.unwrap(), None);
    for (set, then) in [(5, 5), (3, 5), (7, 7)] {
        meta.raise_cursor("x", set).await.unwrap();
        assert_eq!(meta.cursor("x").await.unwrap(), Some(then));
    }
    meta.remove_cursor("x").await.unwrap();
    assert_eq!(meta.cursor("x").await.unwrap(), None);

    assert_eq!(meta.log_generation(LogName::Live, 2).await.unwrap(), 0);
    assert_eq!(meta.raise_log_generation(LogName::Live, 2, 0).await.unwrap(), 1);
    assert_eq!(meta.raise_log_generation(LogName::Live, 2, 0).await.unwrap(), 1, "two replicas found the same new topic");
    assert_eq!(meta.log_generation(LogName::Import, 2).await.unwrap(), 0);
    assert_eq!(meta.log_generation(LogName::Live, 1).await.unwrap(), 0, "each partition has its own");
}

fn views(pageviews: u64) -> Figures {
    Figures { pageviews, visitors: pageviews / 2, visits: pageviews / 3 }
}

fn hour(site: SiteId, hour_ms: i64, version: i64, paths: &[(&str, u64)]) -> HourFigures {
    let total = paths.iter().map(|(_, n)| n).sum();
    let paths = paths.iter().map(|(path, n)| ((*path).to_owned(), views(*n))).collect();
    HourFigures { site, hour_ms, version, total: views(total), paths }
}

async fn pages(meta: &Meta, site: SiteId, hour_ms: i64) -> Vec<(String, i64)> {
    let (pages, total) = meta.hourly_pages(site, hour_ms, hour_ms + 3_600_000, 100, 0).await.unwrap();
    assert_eq!(pages.len() as u64, total);
    pages.into_iter().map(|page| (page.path, page.pageviews)).collect()
}

pub async fn hours_are_absolute_and_newer_wins(meta: Meta) {
    let site = SiteId(Uuid::now_v7());
    let (ten, eleven) = (at("2026-03-31T22:00:00Z").timestamp_millis(), at("2026-03-31T23:00:00Z").timestamp_millis());
    let cursor = |next| Some(RollupCursor { log: LogName::Live, generation: 1, partition: 0, next });
    assert_eq!(meta.rollup_cursor(LogName::Live, 1, 0).await.unwrap(), None);

    meta.apply_rollup(&[hour(site, ten, 100, &[("/", 6), ("/a", 3)]), hour(site, eleven, 100, &[("/", 1)])], cursor(10)).await.unwrap();
    meta.apply_rollup(&[hour(site, ten, 100, &[("/", 6), ("/a", 3)])], cursor(10)).await.unwrap();
    assert_eq!(meta.hourly_totals(site, ten, eleven + 1).await.unwrap(), [(ten, views(9)), (eleven, views(1))]);
    assert_eq!(meta.hourly_totals(site, i64::MIN, i64::MAX).await.unwrap().len(), 2);
    assert_eq!(pages(&meta, site, ten).await, [("/".to_owned(), 6), ("/a".to_owned(), 3)]);

    meta.apply_rollup(&[hour(site, ten, 90, &[("/", 1), ("/old", 8)])], cursor(20)).await.unwrap();
    assert_eq!(pages(&meta, site, ten).await, [("/".to_owned(), 6), ("/a".to_owned(), 3)], "an older computation changed the hour");
    meta.apply_rollup(&[hour(site, ten, 110, &[("/", 2)])], cursor(15)).await.unwrap();
    assert_eq!(pages(&meta, site, ten).await, [("/".to_owned(), 2)], "a path that the hour no longer has was kept");
    assert_eq!(meta.hourly_totals(site, ten, ten + 1).await.unwrap(), [(ten, views(2))]);
    assert_eq!(meta.rollup_cursor(LogName::Live, 1, 0).await.unwrap(), Some(20));
    assert_eq!(meta.rollup_cursor(LogName::Live, 2, 0).await.unwrap(), None);

    // The same hour twice in one call: the newer counts.
    meta.apply_rollup(&[hour(site, ten, 130, &[("/", 4), ("/", 9)]), hour(site, ten, 120, &[("/z", 1)])], None).await.unwrap();
    assert_eq!(pages(&meta, site, ten).await, [("/".to_owned(), 4)]);
    meta.apply_rollup(&[hour(site, ten, 140, &[])], None).await.unwrap();
    assert!(pages(&meta, site, ten).await.is_empty());
    assert_eq!(meta.hourly_totals(site, ten, ten + 1).await.unwrap(), [(ten, views(0))]);
}

pub async fn writers_of_one_hour_do_not_mix(meta: Meta) {
    let site = SiteId(Uuid::now_v7());
    let first = at("2026-03-31T20:00:00Z").timestamp_millis();
    let writers: Vec<_> = (1..=8_i64)
        .map(|version| {
            let meta = meta.clone();
            tokio::spawn(async move {
                let path = format!("/only-in-{version}");
                let mut hours: Vec<_> =
                    (0..6).map(|n| hour(site, first + n * 3_600_000, version, &[("/", version.unsigned_abs()), (&path, 1)])).collect();
                if version % 2 == 0 {
                    hours.reverse();
                }
                meta.apply_rollup(&hours, None).await.unwrap();
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for n in 0..6 {
        assert_eq!(pages(&meta, site, first + n * 3_600_000).await, [("/".to_owned(), 8), ("/only-in-8".to_owned(), 1)]);
    }
}

pub async fn a_large_rollup_over_months_fits(meta: Meta) {
    let site = SiteId(Uuid::now_v7());
    let first = at("2025-11-30T23:00:00Z").timestamp_millis();
    let long = format!("/{}", "x".repeat(1_990));
    let names: Vec<String> = (0..1_000).map(|n| format!("{long}/{n}")).collect();
    let paths: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 2)).collect();
    let hours: Vec<_> = (0..4).map(|n| hour(site, first + n * 40 * 86_400_000, 1, &paths)).collect();
    meta.apply_rollup(&hours, None).await.unwrap();
    let (top, total) = meta.hourly_pages(site, first, first + 366 * 86_400_000, 3, 1).await.unwrap();
    assert_eq!((total, top.len(), top[0].pageviews), (1_000, 3, 8));
    assert_eq!(meta.hourly_totals(site, first, first + 366 * 86_400_000).await.unwrap().len(), 4);
}

fn import(site: SiteId, file: &str, owner: Uuid) -> NewImport {
    NewImport { site, fingerprint: file.to_owned(), lease_owner: owner, lease: Duration::seconds(60) }
}

pub async fn one_import_at_a_time_resumed_or_abandoned(meta: Meta) {
    let site = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap().id;
    let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
    let now = at("2026-03-01T12:00:00Z");
    let ImportStart::New(job) = meta.start_import(import(site, "a", one), now).await.unwrap() else { panic!("not new") };
    let salt = job.salt.unwrap();
    assert!(matches!(meta.start_import(import(site, "a", two), now + Duration::seconds(30)).await.unwrap(), ImportStart::Busy(_)));
    assert!(meta.renew_import(job.id, one, now + Duration::seconds(120), 500, 2).await.unwrap());
    assert!(matches!(meta.start_import(import(site, "b", two), now + Duration::seconds(119)).await.unwrap(), ImportStart::Busy(_)));

    let later = now + Duration::seconds(121);
    let ImportStart::Resumed(resumed) = meta.start_import(import(site, "a", two), later).await.unwrap() else { panic!("not resumed") };
    assert_eq!((resumed.id, resumed.lines_done, resumed.lines_refused, resumed.salt), (job.id, 500, 2, Some(salt)));
    assert!(
        !meta.renew_import(job.id, one, later + Duration::hours(1), 501, 2).await.unwrap(),
        "the first process no longer holds the lease"
    );

    let ImportStart::New(other) = meta.start_import(import(site, "b", one), later + Duration::seconds(61)).await.unwrap() else {
        panic!("not new")
    };
    let abandoned = meta.import(job.id).await.unwrap().unwrap();
    assert_eq!((abandoned.state, abandoned.salt), (ImportState::Abandoned, None));
    meta.end_import(other.id, ImportState::Done, later + Duration::seconds(62)).await.unwrap();
    let done = meta.import(other.id).await.unwrap().unwrap();
    assert_eq!((done.state, done.salt, done.ended_at), (ImportState::Done, None, Some(later + Duration::seconds(62))));
    assert!(!meta.renew_import(other.id, one, later + Duration::hours(1), 1, 0).await.unwrap());
    assert!(matches!(meta.start_import(import(site, "b", one), later + Duration::hours(1)).await.unwrap(), ImportStart::AlreadyDone(_)));
    meta.end_import(other.id, ImportState::Undone, later + Duration::hours(2)).await.unwrap();
    assert!(matches!(meta.start_import(import(site, "b", one), later + Duration::hours(3)).await.unwrap(), ImportStart::New(_)));
    assert_eq!(meta.imports_of(site).await.unwrap().len(), 3);
    assert!(!format!("{job:?}").contains("salt"), "a salt must not reach a log");
}

pub async fn simultaneous_imports_start_once(meta: Meta) {
    let site = meta.create_site(&domain("example.org"), Tz::UTC, None).await.unwrap().id;
    let now = at("2026-03-01T12:00:00Z");
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let meta = meta.clone();
            tokio::spawn(async move { meta.start_import(import(site, "a", Uuid::new_v4()), now).await })
        })
        .collect();
    let mut new = 0;
    for start in starts {
        if matches!(start.await.unwrap(), Ok(ImportStart::New(_))) {
            new += 1;
        }
    }
    assert_eq!(new, 1);
    assert_eq!(meta.imports_of(site).await.unwrap().len(), 1);
}

pub async fn migrations_are_complete_and_repeatable(meta: Meta) {
    meta.ping().await.unwrap();
    assert!(meta.pending_migrations().await.unwrap().is_empty());
    meta.migrate().await.unwrap();
}
