//! What the engine must not do for anybody.

use crate::support::{TestEngine, url};

#[tokio::test]
async fn wrong_and_missing_passwords() {
    let engine = TestEngine::start().await;
    let endpoint = engine.endpoint();
    let http = reqwest::Client::new();
    let none = http.post(url(&endpoint, &[])).body("SELECT 1").send().await.unwrap();
    assert_eq!((none.status().as_u16(), none.headers()["x-clickhouse-exception-code"].to_str().unwrap()), (401, "194"));
    for (user, password) in [("footfall", "wrong"), ("footfall", ""), ("default", ""), ("default", endpoint.password.as_str())] {
        let wrong = http.post(url(&endpoint, &[("user", user), ("password", password)])).body("SELECT 1").send().await.unwrap();
        assert_eq!((wrong.status().as_u16(), wrong.headers()["x-clickhouse-exception-code"].to_str().unwrap()), (403, "516"));
    }
    let text = engine.client().with_password("wrong").query("SELECT 1").fetch_one::<u8>().await.unwrap_err().to_string();
    assert!(text.contains("AUTHENTICATION_FAILED"), "{text}");
}

#[tokio::test]
async fn files_addresses_and_programs() {
    let engine = TestEngine::start().await;
    let secret = engine.data.path().join("secret.csv");
    std::fs::write(&secret, "1\n").unwrap();
    let secret = secret.display().to_string();
    engine.ok("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a").await;
    for sql in [
        format!("SELECT * FROM file('{secret}', 'CSV', 'a UInt8')"),
        format!("SELECT file('{secret}')"),
        format!("SELECT * APPLY(file) FROM (SELECT '{secret}')"),
        format!("SELECT * FROM format(JSONEachRow, 'a String DEFAULT file(\\'{secret}\\')', '{{}}')"),
        format!("INSERT INTO FUNCTION file('{secret}', 'CSV', 'a UInt8') VALUES (1)"),
        format!("INSERT INTO t FROM INFILE '{secret}' FORMAT CSV"),
        format!("CREATE TABLE f (a UInt8) ENGINE = File(CSV, '{secret}')"),
        format!("CREATE DATABASE f ENGINE = Filesystem('{}')", engine.data.path().display()),
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a UInt8')".to_owned(),
        "CREATE TABLE u (a UInt8) ENGINE = URL('http://127.0.0.1:1/', 'CSV')".to_owned(),
        "SELECT * FROM remote('127.0.0.1', 'system.one')".to_owned(),
        "SELECT * FROM s3('http://bucket.s3.amazonaws.com/a.csv')".to_owned(),
        "SELECT * FROM executable('x.sh', 'CSV', 'a UInt8')".to_owned(),
        "CREATE TABLE e (a UInt8) ENGINE = Executable('x.sh', 'CSV')".to_owned(),
        "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'id' FORMAT 'CSV')) LAYOUT(FLAT()) LIFETIME(0)".to_owned(),
        "CREATE TABLE w (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = web, endpoint = 'http://127.0.0.1:1/')"
            .to_owned(),
        "CREATE USER u".to_owned(),
        "SYSTEM SHUTDOWN".to_owned(),
        "BACKUP TABLE t TO File('/tmp/never')".to_owned(),
    ] {
        assert_eq!(engine.fails(&sql).await, (403, "497".to_owned()), "{sql}");
    }
    assert_eq!(engine.ok("SELECT 1").await, "1\n");
}

#[tokio::test]
async fn statements_that_leave_their_request() {
    let engine = TestEngine::start().await;
    let target = engine.data.path().join("out.csv");
    let target = target.display();
    for (sql, code) in [
        (format!("SELECT 1 INTO OUTFILE '{target}'"), "358"),
        (format!("SELECT 1 INTO OUTFILE '{target}' FORMAT CSV"), "358"),
        (format!("(SELECT 1) INTO/**/OUTFILE '{target}'"), "358"),
        ("SELECT 1; SELECT 2".to_owned(), "62"),
        ("CREATE DATABASE a; CREATE DATABASE b".to_owned(), "62"),
        ("  -- nothing".to_owned(), "62"),
        ("SELEC 1".to_owned(), "62"),
    ] {
        assert_eq!(engine.fails(&sql).await, (400, code.to_owned()), "{sql}");
    }
    assert!(!engine.data.path().join("out.csv").exists());
    // Quotes hide semicolons; a trailing one is fine.
    assert_eq!(engine.ok("SELECT ';', '\\';' /* ; */ -- ;\n;").await, ";\t\\';\n");
    let (status, code, _) = engine.post(&[("readonly", "1"), ("max_threads", "1")], "CREATE DATABASE x").await;
    assert_eq!((status, code.as_deref()), (400, Some("164")));
    let (status, code, _) = engine.post(&[("max_threads', readonly='0", "1")], "SELECT 1").await;
    assert_eq!((status, code.as_deref()), (404, Some("115")));
}
