//! Imports that are cut off: nothing is lost and nothing counts twice when the same file is given again.

use std::{io::Write, time::Duration};

use footfall_testkit::{App, AppOptions, Totals, eventually};
use serde_json::json;

const LINES: u32 = 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_after_a_kill() {
    let mut app = App::start(AppOptions::new(env!("CARGO_BIN_EXE_footfall"))).await.unwrap();
    app.site("example.org", "UTC").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let start = chrono::DateTime::parse_from_rfc3339("2026-05-01T00:00:00Z").unwrap();
    for i in 0..LINES {
        // One view a minute apart for each of 2,000 people, so that visits cannot hide a view that counts twice.
        let at = start + chrono::Duration::seconds(i64::from(i) * 30);
        let line = json!({ "path": format!("/{}", i % 50), "timestamp": at.to_rfc3339(), "ip": format!("10.0.{}.{}", i % 2_000 / 250, i % 250), "userAgent": footfall_testkit::FIREFOX });
        writeln!(file, "{line}").unwrap();
    }
    let path = file.path().to_str().unwrap().to_owned();
    let args = ["import", "--format", "ndjson", path.as_str(), "--domain", "example.org"];

    for _ in 0..2 {
        let arrives = async || {
            let before: u64 = app.sql("SELECT count() FROM footfall.events").await.unwrap().parse().unwrap();
            let some = eventually(Duration::from_secs(60), async || {
                let stored: u64 = app.sql("SELECT count() FROM footfall.events").await.ok()?.parse().ok()?;
                (stored > before || stored >= u64::from(LINES)).then_some(())
            });
            some.await.expect("the import arrives in the store");
        };
        if app.is_on_services() {
            // There the command itself writes to the log, and waits for the processors: so it is the one that dies.
            tokio::select! {
                output = app.command(&args, None) => drop(output.unwrap()),
                () = arrives() => {}
            }
            continue;
        }
        let (output, ()) = tokio::join!(app.command(&args, None), async {
            arrives().await;
            footfall_testkit::process::kill_group(app.pid().unwrap(), "KILL").await.unwrap();
        });
        // The command may have ended just before the kill.
        let output = output.unwrap();
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            assert!(message.contains("run the command again") || message.contains("imported before"), "{message}");
        }
        app.kill().await.unwrap();
        app.resume().await.unwrap();
    }
    let last = app.command(&args, None).await.unwrap();
    let message = String::from_utf8_lossy(&last.stderr);
    assert!(last.status.success() || message.contains("imported before"), "{message}; server log:\n{}", app.log());
    let totals = app.totals(&key, "example.org").await.unwrap();
    assert_eq!(totals.pageviews, u64::from(LINES), "{totals:?}; server log:\n{}", app.log());
    let expected = Totals { events: u64::from(LINES), ..totals };
    assert_eq!(totals, expected);
}
