//! What holds for PostgreSQL alone: replicas that start together, PgBouncer, a server that was away, and partitions.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use footfall_meta::{Figures, HourFigures, Meta};
use footfall_model::SiteId;
use footfall_testkit::{eventually, pgbouncer::PgBouncer, postgres::Postgres};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_start_together_on_an_empty_database() {
    let server = Postgres::start().await.unwrap();
    let refusing = PgBouncer::start(&server, "").await.unwrap();
    let ignoring = PgBouncer::start(&server, "extra_float_digits, options").await.unwrap();
    let direct = server.database().await.unwrap();
    let (first, second) = (server.database().await.unwrap(), server.database().await.unwrap());
    for url in [direct, refusing.url(&first), ignoring.url(&second)] {
        let opened: Vec<_> = (0..8)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { Meta::open(&url).await })
            })
            .collect();
        let mut replicas = Vec::new();
        for one in opened {
            replicas.push(one.await.unwrap().unwrap());
        }
        // All at once over few sessions: nothing that one prepared may reach another.
        let used: Vec<_> = replicas
            .into_iter()
            .map(|meta| {
                tokio::spawn(async move {
                    let mut names: Vec<String> = Vec::new();
                    for n in 0..20 {
                        let name = format!("{}-{n}", Uuid::new_v4());
                        meta.raise_cursor(&name, n).await.unwrap();
                        assert_eq!(meta.cursor(&name).await.unwrap(), Some(n));
                        meta.site_list().await.unwrap();
                        names.push(name);
                    }
                    (meta.installation_secret().await.unwrap(), meta.pending_migrations().await.unwrap())
                })
            })
            .collect();
        let mut secrets = Vec::new();
        for one in used {
            let (secret, pending) = one.await.unwrap();
            assert!(pending.is_empty());
            secrets.push(secret);
        }
        secrets.dedup();
        assert_eq!(secrets.len(), 1, "replicas disagree on the secret");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_hear_soon_that_it_is_away_and_go_on_when_it_is_back() {
    let mut server = Postgres::start().await.unwrap();
    let bouncer = PgBouncer::start(&server, "").await.unwrap();
    let database = server.database().await.unwrap();
    let metas = [Meta::open(&database).await.unwrap(), Meta::open(&bouncer.url(&database)).await.unwrap()];
    for (n, meta) in metas.iter().enumerate() {
        meta.raise_cursor(&format!("before {n}"), 1).await.unwrap();
    }
    for frozen in [true, false] {
        if frozen {
            server.signal_all("STOP").await.unwrap();
        } else {
            server.kill().await.unwrap();
        }
        all_fail(&metas).await;
        if frozen {
            server.signal_all("CONT").await.unwrap();
        } else {
            server.start_again().await.unwrap();
        }
        for meta in &metas {
            let back = eventually(Duration::from_secs(60), async || meta.cursor("before 1").await.ok()).await;
            assert_eq!(back, Some(Some(1)));
            meta.raise_cursor("after", 2).await.unwrap();
        }
    }
}

async fn all_fail(metas: &[Meta]) {
    let asked = async {
        for meta in metas {
            assert!(meta.cursor("before 0").await.unwrap_err().is_outage());
            assert!(meta.ping().await.is_err());
        }
    };
    tokio::time::timeout(Duration::from_secs(90), asked).await.unwrap_or_else(|_| panic!("a call hangs while the database is away"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hours_lie_in_partitions_by_month() {
    let server = Postgres::start().await.unwrap();
    let url = server.database().await.unwrap();
    let meta = Meta::open(&url).await.unwrap();
    let site = SiteId(Uuid::from_u128(5));
    let day = 24 * 3_600_000_i64;
    let hour = |n: i64| HourFigures {
        site,
        hour_ms: 1_792_800_000_000 + n * 30 * day,
        version: 1,
        total: Figures { pageviews: 1, visitors: 1, visits: 1 },
        paths: vec![("/".to_owned(), Figures { pageviews: 1, visitors: 1, visits: 1 })],
    };
    let hours: Vec<HourFigures> = (0..3).map(hour).collect();
    meta.apply_rollup(&hours, None).await.unwrap();
    let db = Database::connect(url).await.unwrap();
    let text = "SELECT count(*) AS n FROM pg_inherits WHERE inhparent = 'hourly_aggregates'::regclass";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, text)).await.unwrap().unwrap();
    assert_eq!(row.try_get::<i64>("", "n").unwrap(), 3);
    assert_eq!(meta.hourly_totals(site, 0, i64::MAX).await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_with_certificates_of_both_sides() {
    let server = Postgres::start_with_tls().await.unwrap();
    let url = server.database().await.unwrap();
    let file = |name: &str| server.file(name).display().to_string();
    let client = format!("sslcert={}&sslkey={}", file("client.pem"), file("client.key"));
    let whole = format!("{url}?sslmode=verify-full&sslrootcert={}&{client}", file("ca.pem"));
    Meta::open(&whole).await.unwrap().installation_secret().await.unwrap();
    for refused in [
        format!("{url}?sslmode=disable"),
        format!("{url}?sslmode=verify-full&sslrootcert={}", file("ca.pem")),
        format!("{url}?sslmode=verify-full&sslrootcert={}&{client}", file("client.pem")),
        whole.replace("127.0.0.1", "localhost"),
    ] {
        assert!(Meta::connect(&refused).await.unwrap_err().is_outage(), "{refused}");
    }
}
