//! Starting by hand, finding a running engine, and failing with a reason.

use std::path::Path;
use std::time::Duration;

use footfall_engine::{Endpoint, EngineError, EngineOptions, SuperviseOptions, Supervisor, run};

use crate::support::{EXE, TestEngine, command, eventually, library, signal};

#[tokio::test]
async fn a_running_engine_is_found_by_its_folder() {
    let engine = TestEngine::start().await;
    assert_eq!(Endpoint::discover(engine.data.path()).await, Some(engine.endpoint()));
    assert_eq!(Endpoint::discover_independent(engine.data.path()).await, None, "it ends with who started it");
    let other = tempfile::tempdir().unwrap();
    assert_eq!(Endpoint::discover(other.path()).await, None);
}

#[tokio::test]
async fn started_by_hand_it_is_silent_and_ends_on_sigterm() {
    let data = tempfile::tempdir().unwrap();
    let child = command(data.path()).spawn().unwrap();
    let pid = child.id().unwrap();
    eventually("the engine answers", async || Endpoint::discover(data.path()).await.is_some()).await;
    let endpoint = Endpoint::discover(data.path()).await.unwrap();
    assert_eq!(Endpoint::discover_independent(data.path()).await.as_ref(), Some(&endpoint));
    let client = crate::support::client(&endpoint);
    client.query("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a").execute().await.unwrap();
    signal(pid, "TERM");
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b""[..], &b""[..]));
    assert!(!data.path().join("run/engine.json").exists());

    // What it stored is there for the next one.
    let child = command(data.path()).spawn().unwrap();
    eventually("the engine answers", async || Endpoint::discover(data.path()).await.is_some()).await;
    let next = Endpoint::discover(data.path()).await.unwrap();
    assert_eq!(next.password, endpoint.password, "others are configured with it");
    let tables =
        crate::support::client(&next).query("SELECT count() FROM system.tables WHERE name = 't'").fetch_one::<u64>().await.unwrap();
    assert_eq!(tables, 1);
    signal(child.id().unwrap(), "INT");
    assert!(child.wait_with_output().await.unwrap().status.success());
}

#[tokio::test]
async fn code_of_the_start_is_let_go_of_and_the_engine_goes_on() {
    let engine = TestEngine::start().await;
    let pid = engine.supervisor.pid().unwrap();
    let kilobytes = |name: &str| -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let peak = kilobytes("VmHWM:");
    assert!(peak > 150_000, "{peak} kB");
    eventually("most of the code has left", async || kilobytes("RssFile:") < peak / 3).await;
    assert_eq!(engine.ok("SELECT uniqExact(number % 1000) FROM numbers(100000)").await, "1000\n");
    assert_eq!(engine.supervisor.pid(), Some(pid), "it did not end");
}

#[tokio::test]
async fn a_folder_in_use_is_named_with_its_holder() {
    let engine = TestEngine::start().await;
    let pid = engine.supervisor.pid().unwrap();
    let mut options = EngineOptions::new(engine.data.path());
    options.library = Some(library());
    options.lock_wait = Duration::from_millis(100);
    let error = run(options).await.unwrap_err();
    assert!(matches!(error, EngineError::Locked { holder: Some(holder), .. } if holder == pid), "{error}");
    let text = error.to_string();
    assert!(text.contains("in use by another engine process") && text.contains("--data"), "{text}");
    assert_eq!(engine.ok("SELECT 1").await, "1\n");
}

#[tokio::test]
async fn a_folder_that_becomes_free_is_waited_for() {
    let engine = TestEngine::start().await;
    let mut child = command(engine.data.path()).spawn().unwrap();
    let own = std::fs::read_to_string(engine.data.path().join("run/engine.lock")).unwrap();
    assert_eq!(own.parse::<u32>().unwrap(), engine.supervisor.pid().unwrap());
    let TestEngine { supervisor, data } = engine;
    supervisor.shutdown().await;
    eventually("the second engine answers", async || Endpoint::discover(data.path()).await.is_some()).await;
    assert!(child.try_wait().unwrap().is_none());
    child.kill().await.unwrap();
}

#[tokio::test]
async fn a_missing_library_says_how_to_get_it() {
    let data = tempfile::tempdir().unwrap();
    let output = command(data.path()).env("FOOTFALL_LIBCHDB", "/nowhere/libchdb.so").output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    for part in ["/nowhere/libchdb.so", "make setup", "npm install @chdb/lib-linux-x64-gnu@26.7.3-stable.1", "FOOTFALL_LIBCHDB"] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_child_that_cannot_start_is_an_error_with_its_last_words() {
    let data = tempfile::tempdir().unwrap();
    let options = |exe: &str, library: &Path| SuperviseOptions {
        exe: exe.into(),
        data: data.path().to_owned(),
        library: library.to_owned(),
        memory_cap: None,
    };
    let no_library = data.path().join("libchdb.so");
    std::fs::write(&no_library, "no library").unwrap();
    let error = Supervisor::start(options(EXE, &no_library)).await.unwrap_err().to_string();
    assert!(error.contains("cannot load") && error.contains("exit status: 1"), "{error}");
    let error = Supervisor::start(options("/nowhere/footfall", &no_library)).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot start /nowhere/footfall"), "{error}");
}
