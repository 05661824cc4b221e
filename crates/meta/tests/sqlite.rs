//! What holds for the file alone: who may read it, that several processes may open it, and that salts leave no trace.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;

use chrono::{Duration, Utc};
use chrono_tz::Tz;
use footfall_meta::{ImportStart, ImportState, Meta, MetaError, NewImport};
use uuid::Uuid;

#[tokio::test]
async fn makes_its_folder_and_is_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new folder/100% ours.db");
    let meta = Meta::open(&format!("sqlite:{}", path.display())).await.unwrap();
    meta.installation_secret().await.unwrap();
    for name in ["100% ours.db", "100% ours.db-wal"] {
        let mode = std::fs::metadata(path.with_file_name(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} is open to others: {mode:o}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_start_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("accounts.db").display());
    let opened: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Meta::open(&url).await.map(drop) })
        })
        .collect();
    for one in opened {
        one.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn nothing_is_migrated_by_looking() {
    let folder = tempfile::tempdir().unwrap();
    let meta = Meta::connect(&format!("sqlite:{}", folder.path().join("accounts.db").display())).await.unwrap();
    let all = ["m0001_accounts", "m0002_figures", "m0003_generations", "m0004_settings", "m0005_domain_changes", "m0006_shared_links"];
    assert_eq!(meta.pending_migrations().await.unwrap(), all);
    assert_eq!(meta.pending_migrations().await.unwrap().len(), all.len());
    meta.migrate().await.unwrap();
    assert!(meta.pending_migrations().await.unwrap().is_empty());
}

#[tokio::test]
async fn other_urls_are_refused_with_the_accepted_form() {
    for url in ["", "footfall.db", "mysql://x/y", "sqlite:", "sqlite::memory:", "sqlite:a.db?mode=ro"] {
        let Err(MetaError::Url(text)) = Meta::open(url).await else { panic!("{url} was accepted") };
        assert!(text.contains("sqlite:"), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a database, and longer than the header that tells one from another").unwrap();
    for path in [folder.path(), text.as_path()] {
        let Err(MetaError::Url(message)) = Meta::open(&format!("sqlite:{}", path.display())).await else {
            panic!("{} was opened", path.display())
        };
        assert!(message.contains(&*path.to_string_lossy()), "{message}");
    }
}

#[tokio::test]
async fn destroyed_salts_leave_no_trace_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let meta = Meta::open(&format!("sqlite:{}", folder.path().join("accounts.db").display())).await.unwrap();
    let traces = |needle: &[u8]| {
        std::fs::read_dir(folder.path())
            .unwrap()
            .any(|entry| std::fs::read(entry.unwrap().path()).unwrap().windows(needle.len()).any(|part| part == needle))
    };
    let now = Utc::now();
    let salt = meta.salt_for(now.date_naive()).await.unwrap();
    let site = meta.create_site(&"example.org".parse().unwrap(), Tz::UTC, None).await.unwrap();
    let new = NewImport { site: site.id, fingerprint: "file".into(), lease_owner: Uuid::new_v4(), lease: Duration::minutes(1) };
    let ImportStart::New(job) = meta.start_import(new, now).await.unwrap() else { panic!("not new") };
    assert!(traces(&salt) && traces(&job.salt.unwrap()), "the test looks in the wrong place");

    meta.purge_salts(now + Duration::days(3)).await.unwrap();
    assert!(!traces(&salt), "the daily salt can be read from the disk");
    meta.end_import(job.id, ImportState::Done, now).await.unwrap();
    assert!(!traces(&job.salt.unwrap()), "the import's salt can be read from the disk");
}
