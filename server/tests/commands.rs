//! The command line, from outside: what it prints, what it refuses, and what a running server sees of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something that it needs is missing")]

use std::time::Duration;

use footfall_testkit::{App, AppOptions, Totals, eventually};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_footfall");

async fn start() -> App {
    App::start(AppOptions::new(BINARY)).await.unwrap()
}

/// Without what tells the tests where services are: it is no setting.
fn program() -> std::process::Command {
    let mut program = std::process::Command::new(BINARY);
    program.env_remove(footfall_testkit::services::VARIABLE);
    program
}

fn run(args: &[&str], data: &std::path::Path) -> std::process::Output {
    program().args(args).arg("--data").arg(data).env_remove("FOOTFALL_DATA").output().unwrap()
}

#[test]
fn every_command_has_help_with_examples() {
    let data = tempfile::tempdir().unwrap();
    for command in
        ["serve", "engine", "migrate", "doctor", "seed", "import", "promote", "query", "user", "site", "token", "healthcheck", "config"]
    {
        let output = run(&[command, "--help"], data.path());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && text.contains("Examples:") && text.contains(&format!("footfall {command}")),
            "{command}: {text}"
        );
    }
}

#[test]
fn wrong_usage_is_2_and_a_failure_is_1() {
    let data = tempfile::tempdir().unwrap();
    assert_eq!(run(&["dance"], data.path()).status.code(), Some(2));
    assert_eq!(run(&["site"], data.path()).status.code(), Some(2));
    let refused = run(&["site", "add", "not a host"], data.path());
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not a host name"));
    let output = program().args(["config", "check"]).env("FOOTFALL_LISTEN", "here").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ADDRESS:PORT"));
}

#[test]
fn the_reference_page_is_up_to_date() {
    let data = tempfile::tempdir().unwrap();
    let printed = String::from_utf8(run(&["config", "reference"], data.path()).stdout).unwrap();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/configuration.md")).unwrap();
    assert_eq!(page.trim(), printed.trim(), "run: footfall config reference > docs/reference/configuration.md");
}

#[test]
fn a_missing_engine_library_says_how_to_get_it() {
    let data = tempfile::tempdir().unwrap();
    let output = program()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .env("FOOTFALL_LIBCHDB", "/nowhere/libchdb.so")
        .env("FOOTFALL_METRICS_LISTEN", "127.0.0.1:0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("@chdb/lib-linux-x64-gnu") && message.contains("FOOTFALL_LIBCHDB"), "{message}");
}

#[test]
fn a_subset_of_roles_names_the_url_to_set() {
    let data = tempfile::tempdir().unwrap();
    let output = run(&["serve", "--roles", "capture", "--listen", "127.0.0.1:0"], data.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("FOOTFALL_LIVE_URL"));
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused() {
    let app = start().await;
    if app.is_on_services() {
        // The folder holds nothing that only one process can have: a second server is welcome.
        return;
    }
    let output = app.command(&["serve"], None).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("another"), "{message}");
    assert_eq!(app.http.get(app.url("/ready")).send().await.unwrap().status(), 200, "the first one is not disturbed");
}

#[tokio::test]
async fn domains_users_and_keys_are_managed_while_the_server_runs() {
    let app = start().await;
    let added = app.command(&["user", "add", "Owner@Example.org", "--password-stdin"], Some("a long enough password\n")).await.unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    assert!(app.run(&["user", "list"]).await.unwrap().contains("owner@example.org"));
    let site = app.site("example.org", "Asia/Kolkata").await.unwrap();
    let list: Value = serde_json::from_str(&app.run(&["site", "list", "--json"]).await.unwrap()).unwrap();
    assert_eq!(list, json!([{ "id": site.id, "domain": "example.org", "timezone": "Asia/Kolkata" }]));

    // What a command changes, a running server sees at its next request.
    assert_eq!(app.post(&json!({ "domain": "example.org", "path": "/" })).await.unwrap().status(), 202);
    app.run(&["site", "rename", "example.org", "example.net"]).await.unwrap();
    let renamed = eventually(Duration::from_secs(6), async || {
        let new = app.post(&json!({ "domain": "example.net", "path": "/" })).await.ok()?.status();
        let old = app.post(&json!({ "domain": "example.org", "path": "/" })).await.ok()?.status();
        (new == 202 && old == 202).then_some(())
    })
    .await;
    assert!(renamed.is_some(), "both names count for a while");

    app.run(&["site", "remove", "example.net"]).await.unwrap();
    assert!(app.run(&["site", "remove", "example.net"]).await.is_err());
    let removed: Value = serde_json::from_str(&app.run(&["site", "list", "--removed", "--json"]).await.unwrap()).unwrap();
    assert_eq!((&removed[0]["id"], &removed[0]["domain"]), (&json!(site.id), &json!("example.net")));
    assert!(app.run(&["site", "list", "--removed"]).await.unwrap().contains("example.net  goes 2"));
    app.run(&["site", "restore", "example.net"]).await.unwrap();
    assert!(app.run(&["site", "restore", "example.net"]).await.is_err());
    assert!(app.run(&["site", "clear", "example.net"]).await.unwrap().contains("within a minute"));

    let key = app.key("example.net", "stats:read").await.unwrap();
    assert!(app.totals(&key, "example.net").await.is_ok());
    let id = app.run(&["token", "list"]).await.unwrap();
    let id = id.split_whitespace().find(|word| uuid::Uuid::parse_str(word).is_ok()).expect("the list shows ids").to_owned();
    app.run(&["token", "revoke", &id]).await.unwrap();
    let revoked = eventually(Duration::from_secs(6), async || app.totals(&key, "example.net").await.is_err().then_some(())).await;
    assert!(revoked.is_some(), "a revoked key is refused");
}

#[tokio::test]
async fn settings_are_managed_while_the_server_runs() {
    let app = start().await;
    app.site("example.org", "Europe/Berlin").await.unwrap();
    let run = async |args: &[&str]| {
        let args: Vec<&str> = args[..2].iter().chain(&["--domain", "example.org"]).chain(&args[2..]).copied().collect();
        app.run(&args).await.unwrap().trim_end().to_owned()
    };
    run(&["goal", "add", "--event", "Signup", "--prop", "plan=pro", "--currency", "eur"]).await;
    let deep = run(&["goal", "add", "--page", "/blog/*", "--scroll", "75", "--name", "Read"]).await;
    let listed = run(&["goal", "list"]).await;
    assert!(listed.contains("Signup  event Signup, plan=pro, EUR") && listed.contains("Read    75% of page /blog/*"), "{listed}");
    let goals: Value = serde_json::from_str(&run(&["goal", "list", "--json"]).await).unwrap();
    assert_eq!((&goals[1]["id"].to_string(), &goals[1]["scroll"]), (&deep, &json!(75)));
    run(&["goal", "remove", "Signup"]).await;
    run(&["goal", "remove", &deep]).await;
    assert_eq!(run(&["goal", "list"]).await, "");
    for (args, says) in [
        (vec!["goal", "add", "--page", "blog"], "page `blog` does not begin with `/` or `*`"),
        (vec!["goal", "add"], "event is missing"),
        (vec!["goal", "remove", "Nothing"], "has no goal `Nothing`"),
        (vec!["segment", "add", "--name", "x", "--filter", "[\"is\",\"visit:moon\",[\"full\"]]"], "filters Invalid filter"),
        (vec!["segment", "remove", "77"], "has no segment 77"),
        (vec!["annotation", "add", "--at", "noon", "x"], "at is a time such as"),
        (vec!["channel", "add", "x", "--filter", "[\"is\",\"event:page\",[\"/\"]]"], "filters must be about where a visit came from"),
        (vec!["channel", "remove", "x"], "has no rule of the channel x"),
    ] {
        let args: Vec<&str> = args[..2].iter().chain(&["--domain", "example.org"]).chain(&args[2..]).copied().collect();
        let output = app.command(&args, None).await.unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), message.contains(says)), (Some(1), true), "{args:?}: {message}");
    }

    let segment = run(&["segment", "add", "--name", "Front page", "--filter", "[\"is\",\"event:page\",[\"/\"]]"]).await;
    assert!(run(&["segment", "list"]).await.ends_with("Front page  [[\"is\",\"event:page\",[\"/\"]]]"));
    let by_segment = format!("[\"is\",\"segment\",[{segment}]]");
    let answer: Value =
        serde_json::from_str(&app.run(&["query", "--domain", "example.org", "--filter", &by_segment, "--json"]).await.unwrap()).unwrap();
    assert_eq!(answer["results"][0]["metrics"], json!([0, 0]));
    run(&["segment", "remove", &segment]).await;

    let note = run(&["annotation", "add", "--at", "2026-05-04T10:00:00Z", "Release"]).await;
    assert!(run(&["annotation", "list"]).await.ends_with("2026-05-04T12:00:00+02:00  Release"));
    run(&["annotation", "remove", &note]).await;
    run(&["route", "add", "/blog/:slug"]).await;
    run(&["route", "add", "/docs/*"]).await;
    assert_eq!(run(&["route", "list"]).await, "/blog/:slug\n/docs/*");
    run(&["route", "remove", "/blog/:slug"]).await;
    assert_eq!(run(&["route", "list"]).await, "/docs/*");
    run(&["channel", "add", "Partners", "--filter", "[\"is\",\"visit:source\",[\"acme\"]]"]).await;
    assert_eq!(run(&["channel", "list"]).await, "Partners  [\"is\",\"visit:source\",[\"acme\"]]");
    run(&["channel", "remove", "Partners"]).await;
    assert_eq!(run(&["channel", "list"]).await, "");
    run(&["property", "add", "plan"]).await;
    run(&["property", "add", "plan"]).await;
    assert_eq!(run(&["property", "list"]).await, "plan");
    run(&["property", "remove", "plan"]).await;
    assert_eq!(run(&["property", "list"]).await, "");
}

#[tokio::test]
async fn an_import_counts_each_line_once_and_reports_the_others() {
    let app = start().await;
    app.site("example.org", "UTC").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let agent = footfall_testkit::FIREFOX;
    let mut lines: Vec<String> = (0..50)
        .map(|i| {
            json!({ "domain": "example.org", "path": format!("/{}", i % 5), "timestamp": format!("2026-03-0{}T10:{:02}:00Z", 1 + i % 2, i), "ip": "192.0.2.7", "userAgent": agent })
                .to_string()
        })
        .collect();
    lines.push("{ not json".to_owned());
    lines.push(json!({ "domain": "example.org", "path": "/", "timestamp": "1999-01-01T00:00:00Z" }).to_string());
    std::fs::write(file.path(), lines.join("\n")).unwrap();
    let path = file.path().to_str().unwrap();
    let args = ["import", "--format", "ndjson", path, "--domain", "example.org"];
    let report = app.run(&args).await.unwrap();
    assert!(report.contains("52 lines read, 50 events imported, 2 lines refused"), "{report}");
    assert!(report.contains("line 51:") && report.contains("line 52:"), "{report}");
    // It returns once its rows are queryable.
    let totals = app.totals(&key, "example.org").await.unwrap();
    assert_eq!(totals, Totals { visitors: 2, visits: 2, pageviews: 50, events: 50 });
    // The same file again adds nothing.
    let again = app.command(&args, None).await.unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("imported before"));
    assert_eq!(app.totals(&key, "example.org").await.unwrap(), totals);
    // No address reached the disk.
    for entry in walk(&app.data()) {
        let bytes = std::fs::read(&entry).unwrap_or_default();
        assert!(!bytes.windows(9).any(|window| window == b"192.0.2.7"), "{} holds the address", entry.display());
    }
}

#[tokio::test]
async fn seed_makes_the_same_traffic_again_and_works_without_a_server() {
    let mut app = start().await;
    for domain in ["a.example", "b.example"] {
        app.site(domain, "UTC").await.unwrap();
    }
    let (a, b) = (app.key("a.example", "stats:read").await.unwrap(), app.key("b.example", "stats:read").await.unwrap());
    app.run(&["seed", "--domain", "a.example", "--days", "10", "--events", "3000", "--seed", "7"]).await.unwrap();
    // On services the command leaves the work to the processors, so one has to run.
    if !app.is_on_services() {
        app.stop().await.unwrap();
    }
    app.run(&["seed", "--domain", "b.example", "--days", "10", "--events", "3000", "--seed", "7"]).await.unwrap();
    if !app.is_on_services() {
        app.resume().await.unwrap();
    }
    let (left, right) = (app.totals(&a, "a.example").await.unwrap(), app.totals(&b, "b.example").await.unwrap());
    assert!(left.pageviews > 1_000 && left.visits > 300, "{left:?}");
    // The end of the traffic is the moment of the command, so the two differ by what falls off the edges.
    assert!(left.pageviews.abs_diff(right.pageviews) * 50 < left.pageviews, "{left:?} and {right:?}");
}

#[tokio::test]
async fn doctor_and_healthcheck_tell_the_truth() {
    let mut app = start().await;
    let findings: Value = serde_json::from_str(&app.run(&["doctor", "--json"]).await.unwrap()).unwrap();
    assert!(findings.as_array().unwrap().iter().all(|finding| finding["ok"] == true), "{findings}");
    let url = app.url("/ready");
    assert!(app.run(&["healthcheck", &url]).await.unwrap().contains("\"ready\":true"));
    app.stop().await.unwrap();
    let output = app.command(&["healthcheck", &url], None).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(app.run(&["migrate", "--check"]).await.is_ok(), "nothing is pending after a start");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files
}

#[tokio::test]
async fn figures_are_asked_for_with_and_without_a_server() {
    let mut app = start().await;
    app.site("example.org", "Europe/Berlin").await.unwrap();
    let key = app.key("example.org", "stats:read").await.unwrap();
    for (path, visitor) in [("/", 1), ("/a", 1), ("/", 2)] {
        app.pageview("example.org", path, visitor).await.unwrap();
    }
    let all = Totals { visitors: 2, visits: 2, pageviews: 3, events: 3 };
    let stored = eventually(Duration::from_secs(20), async || (app.totals(&key, "example.org").await.ok()? == all).then_some(())).await;
    assert!(stored.is_some(), "{}", app.log());
    let pages =
        ["query", "--domain", "example.org", "--period", "24h", "--by", "event:page", "--metrics", "visitors,pageviews,bounce_rate"];
    let found = app.run(&pages).await.unwrap();
    assert_eq!(
        found.trim_end(),
        "event:page  visitors  pageviews  bounce_rate\n/                  2          2           50\n/a                 1          1            -"
    );
    let json: Value = serde_json::from_str(&app.run(&[&pages[..], &["--json"]].concat()).await.unwrap()).unwrap();
    assert_eq!(json["results"][0], json!({ "dimensions": ["/"], "metrics": [2, 2, 50] }));
    let filtered =
        ["query", "--domain", "example.org", "--period", "24h", "--filter", r#"["is","event:page",["/"]]"#, "--metrics", "pageviews"];
    assert_eq!(app.run(&filtered).await.unwrap().trim(), "pageviews\n        2");
    let today = ["--domain", "example.org", "--period", "24h"];
    let run = async |args: &[&str]| app.run(&[&args[..1], &today, &args[1..]].concat()).await.unwrap().trim_end().to_owned();
    let [home, a] = ["/", "/a"].map(|path| format!("[\"is\",\"event:page\",[\"{path}\"]]"));
    assert_eq!(
        run(&["funnel", "--step", &home, "--step", &a, "--by", "visit:device"]).await,
        "of       step  visitors  conversion_rate  step_rate  dropped\n\
         all         1         2            100.0      100.0        0\n\
         all         2         1             50.0       50.0        1\n\
         Desktop     1         2            100.0      100.0        0\n\
         Desktop     2         1             50.0       50.0        1"
    );
    assert_eq!(run(&["journey", "--steps", "1"]).await, "path    visits  ended\n/            2      1\n/ > /a       1      0");
    assert_eq!(
        run(&["journey", "--start", &a, "--backward", "--steps", "1"]).await,
        "path    visits  ended\n/a           1      0\n/a > /       1      0"
    );
    let retention = run(&["retention", "--interval", "month"]).await;
    assert!(retention.starts_with("period      people  more than once\n20"), "{retention}");
    assert!(retention.contains("Visitor ids change with the UTC day"), "{retention}");
    let whole: Value = serde_json::from_str(&run(&["funnel", "--step", &home, "--step", &a, "--strict", "--json"]).await).unwrap();
    assert_eq!(whole["steps"][1]["visitors"], 1);
    for (args, says) in [
        (vec!["funnel", "--step", &home], "Expected 2 to 32 filters"),
        (vec!["funnel", "--step", &home, "--step", &a, "--window", "soon"], "#/window"),
        (vec!["journey", "--start", "middle"], "it is not JSON"),
        (vec!["retention", "--interval", "year"], "#/interval"),
    ] {
        let refused = app.run(&[&args[..1], &today, &args[1..]].concat()).await.unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
    app.stop().await.unwrap();
    assert_eq!(app.run(&filtered).await.unwrap().trim(), "pageviews\n        2", "no server runs");
    for (args, says) in [
        (vec!["--metrics", "x"], "Unknown metric 'x'."),
        (vec!["--period", "x"], "Invalid date_range"),
        (vec!["--filter", "x"], "it is not JSON"),
    ] {
        let refused = app.run(&[&["query", "--domain", "example.org"][..], &args].concat()).await.unwrap_err().to_string();
        assert!(refused.contains(says), "{refused}");
    }
    let unknown = app.run(&["query", "--domain", "nobody.example"]).await.unwrap_err().to_string();
    assert!(unknown.contains("not measured here"), "{unknown}");
}
