//! Configuration as a process sees it: flags, variables, files in; values or faults out.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something that it needs is missing")]

use std::path::PathBuf;

use footfall_config::{Config, KafkaSasl, Sources};

fn load(variables: &[(&str, &str)]) -> Result<Config, String> {
    let sources = Sources::from_parts([], variables.iter().copied(), None).unwrap();
    Config::load(&sources).map_err(|error| error.to_string())
}

fn fault(variables: &[(&str, &str)]) -> String {
    load(variables).expect_err("this was accepted")
}

fn file(text: &str) -> (tempfile::NamedTempFile, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    (file, path)
}

#[test]
fn defaults_are_valid() {
    let config = load(&[]).unwrap();
    assert_eq!(config.base_url(), "http://127.0.0.1:8080");
    assert_eq!(config.local_path(&config.seams.event_log_url, "log"), PathBuf::from("./data/log"));
    assert_eq!(config.seams.log_max_bytes.0, 10 << 30);
    assert!(config.servers.is_empty());
    assert_eq!(config.kafka.kafka_partitions.get(), 12);
}

#[test]
fn the_first_source_decides() {
    let file = "listen = \"127.0.0.1:1\"\nrate_limit_client = 7\n";
    let variables = [("FOOTFALL_LISTEN", "127.0.0.1:2"), ("PORT", "4")];
    let port = |flags: &[(&'static str, &'static str)], variables: &[(&'static str, &'static str)], file| {
        let sources = Sources::from_parts(flags.iter().copied(), variables.iter().copied(), file).unwrap();
        Config::load(&sources).unwrap().http.listen.to_string()
    };
    assert_eq!(port(&[("listen", "127.0.0.1:3")], &variables, Some(file)), "127.0.0.1:3");
    assert_eq!(port(&[], &variables, Some(file)), "127.0.0.1:2");
    assert_eq!(port(&[], &variables[1..], Some(file)), "0.0.0.0:4");
    assert_eq!(port(&[], &[], Some(file)), "127.0.0.1:1");
}

#[test]
fn faults_name_key_value_source_and_form() {
    let variables = [("FOOTFALL_LISTEN", "here"), ("FOOTFALL_LISTENN", "x"), ("FOOTFALL_LIVE_URL", "mysql://u:hunter2@h")];
    let sources = Sources::from_parts([], variables, Some("roles = \"capture,cook\"\n")).unwrap();
    let text = Config::load(&sources).unwrap_err().to_string();
    for part in
        ["FOOTFALL_LISTEN", "`here`", "ADDRESS:PORT", "FOOTFALL_LISTENN", "`capture,cook`", "configuration file", "mysql", "rediss-cluster"]
    {
        assert!(text.contains(part), "{part} is missing in: {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn every_name_that_others_use_is_understood() {
    let config = load(&[
        ("PORT", "3000"),
        ("CONSUMER_METRICS_PORT", "9191"),
        ("KAFKA_BROKERS", "b1:9092,b2"),
        ("KAFKA_TOPIC", "views"),
        ("CONSUMER_KAFKA_GROUP_ID", "g"),
        ("REDIS_URL", "rediss://default:x@r:6379"),
        ("CLICKHOUSE_HOST", "ch"),
        ("CLICKHOUSE_PORT", "8443"),
        ("CLICKHOUSE_USER", "u"),
        ("CLICKHOUSE_PASSWORD", "p"),
        ("CLICKHOUSE_DATABASE", "web"),
        ("POSTGRES_DSN", "host=db user=u password=p dbname=f"),
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("AWS_REGION", "eu-central-1"),
        ("S3_BUCKET", "b"),
    ])
    .unwrap();
    assert_eq!(config.http.listen.to_string(), "0.0.0.0:3000");
    assert_eq!(config.http.metrics_listen.to_string(), "0.0.0.0:9191");
    let kafka = config.seams.event_log_url.kafka().unwrap();
    assert_eq!((kafka.brokers.as_str(), kafka.topic.as_str(), kafka.tls), ("b1:9092,b2:9092", "views", false));
    assert_eq!(config.kafka.kafka_group, "g");
    assert_eq!(config.seams.live_url.scheme(), "rediss");
    let server = &config.servers[0][0];
    assert_eq!((server.url.as_str(), server.user.as_str(), server.database.as_str()), ("https://ch:8443", "u", "web"));
    assert_eq!(server.password.expose(), "p");
    assert_eq!(config.seams.accounts_url.expose(), "postgres://u:p@db/f");
    assert_eq!(config.secrets.secret.expose().len(), 32);
    assert_eq!((config.objects.aws_region.as_str(), config.objects.s3_bucket.as_str()), ("eu-central-1", "b"));
}

#[test]
fn the_programs_own_name_decides_over_every_other() {
    let config = load(&[
        ("FOOTFALL_ACCOUNTS_URL", "postgres://a/f"),
        ("DATABASE_URL", "postgres://b/f"),
        ("FOOTFALL_EVENT_LOG_URL", "kafka://a"),
        ("KAFKA_BROKERS", "b"),
        ("FOOTFALL_STORE_URL", "http://me:own@a:8123/x"),
        ("CLICKHOUSE_HOST", "b"),
        ("CLICKHOUSE_USER", "other"),
        ("CLICKHOUSE_PASSWORD", "other"),
    ])
    .unwrap();
    assert_eq!(config.seams.accounts_url.expose(), "postgres://a/f");
    assert_eq!(config.seams.event_log_url.kafka().unwrap().brokers, "a:9092");
    assert_eq!((config.servers[0][0].user.as_str(), config.servers[0][0].password.expose()), ("me", "own"));
}

#[test]
fn two_names_that_say_different_things_refuse_to_start() {
    for (one, other, names) in [
        (("DATABASE_URL", "postgres://a/f"), ("POSTGRES_DSN", "host=b dbname=f"), ["DATABASE_URL", "POSTGRES_DSN"]),
        (("KAFKA_BROKERS", "a"), ("CAPTURE_KAFKA_BOOTSTRAP_SERVERS", "b"), ["KAFKA_BROKERS", "CAPTURE_KAFKA_BOOTSTRAP_SERVERS"]),
        (("KAFKA_BROKERS", "kafka://a/x"), ("KAFKA_TOPIC", "y"), ["KAFKA_BROKERS", "KAFKA_TOPIC"]),
        (("CLICKHOUSE_URL", "http://a:8123/x"), ("CLICKHOUSE_HOST", "b"), ["CLICKHOUSE_URL", "CLICKHOUSE_HOST"]),
        (("CLICKHOUSE_URL", "http://a:8123/x"), ("CLICKHOUSE_PORT", "8124"), ["CLICKHOUSE_URL", "CLICKHOUSE_PORT"]),
        (("CLICKHOUSE_URL", "http://a:8123/x"), ("CLICKHOUSE_DATABASE", "y"), ["CLICKHOUSE_URL", "CLICKHOUSE_DATABASE"]),
        (("CLICKHOUSE_URL", "http://u:p@a/x"), ("CLICKHOUSE_USER", "v"), ["CLICKHOUSE_URL", "CLICKHOUSE_USER"]),
        (("CLICKHOUSE_HOST", "a"), ("QUERY_CLICKHOUSE_HOST", "b"), ["CLICKHOUSE_HOST", "QUERY_CLICKHOUSE_HOST"]),
        (("CLICKHOUSE_HOST", "a,b"), ("QUERY_CLICKHOUSE_HOST", "b"), ["CLICKHOUSE_HOST", "QUERY_CLICKHOUSE_HOST"]),
        (("CLICKHOUSE_URL", "http://a,b/x"), ("CLICKHOUSE_HOST", "a"), ["CLICKHOUSE_URL", "CLICKHOUSE_HOST"]),
        (("FOOTFALL_STORE_URL", "http://a/x"), ("FOOTFALL_STORE_SHARDS", "http://b/x"), ["FOOTFALL_STORE_URL", "FOOTFALL_STORE_SHARDS"]),
    ] {
        let text = fault(&[one, other]);
        for name in names {
            assert!(text.contains(name), "{name} is missing in: {text}");
        }
    }
    let (_file, path) = file("b");
    assert!(fault(&[("KAFKA_BROKERS", "a"), ("KAFKA_BROKERS_FILE", &path)]).contains("KAFKA_BROKERS_FILE"));
}

#[test]
fn two_names_may_say_the_same() {
    let sources = Sources::from_parts(
        [],
        [
            ("DATABASE_URL", "postgres://u:p@db/f"),
            ("POSTGRES_DSN", "host=db user=u password=p dbname=f"),
            ("KAFKA_BROKERS", "b1:9092,b2:9092"),
            ("CAPTURE_KAFKA_BOOTSTRAP_SERVERS", "b2,b1"),
            ("CLICKHOUSE_URL", "http://a"),
            ("CLICKHOUSE_HOST", "a"),
            ("QUERY_CLICKHOUSE_HOST", "a:8124"),
            ("CLICKHOUSE_PORT", "8124"),
            ("CLICKHOUSE_DATABASE", "x"),
            ("REDIS_URL", ""),
        ],
        None,
    )
    .unwrap();
    let config = Config::load(&sources).unwrap();
    assert_eq!((config.servers[0][0].url.as_str(), config.servers[0][0].database.as_str()), ("http://a:8124", "x"));
    assert_eq!(config.seams.live_url.scheme(), "memory");
    let shown = Config::print(&sources);
    assert!(shown.contains("# DATABASE_URL") && shown.contains("# KAFKA_BROKERS") && shown.contains("# CLICKHOUSE_URL"), "{shown}");
}

#[test]
fn a_list_of_hosts_is_one_of_replicas() {
    let urls = |variables: &[(&str, &str)]| {
        let config = load(&[variables, &[("FOOTFALL_STORE_CLUSTER", "main")]].concat()).unwrap();
        assert_eq!(config.servers.len(), 1, "{:?}", config.servers);
        config.servers[0].iter().map(|replica| replica.url.clone()).collect::<Vec<_>>()
    };
    assert_eq!(urls(&[("CLICKHOUSE_HOST", "a, b:8124")]), ["http://a:8123", "http://b:8124"]);
    assert_eq!(urls(&[("CLICKHOUSE_HOST", "a:8443,b:8443")]), ["https://a:8443", "https://b:8443"]);
    assert_eq!(urls(&[("CLICKHOUSE_HOST", "a,b"), ("CLICKHOUSE_PORT", "8443")]), ["https://a:8443", "https://b:8443"]);
    assert_eq!(urls(&[("CLICKHOUSE_HOST", "a,b"), ("QUERY_CLICKHOUSE_HOST", "b:8123,a")]), ["http://a:8123", "http://b:8123"]);
    assert_eq!(urls(&[("CLICKHOUSE_URL", "http://a,b/x"), ("CLICKHOUSE_HOST", "b,a")]), ["http://a", "http://b"]);
    assert!(fault(&[("CLICKHOUSE_HOST", "a,b")]).contains("store_cluster"));
    let mixed = fault(&[("CLICKHOUSE_HOST", "a:8443,b")]);
    assert!(mixed.contains("CLICKHOUSE_HOST mixes") && mixed.contains("CLICKHOUSE_URL="), "{mixed}");
}

#[test]
fn a_host_holds_no_login() {
    for variables in [
        &[("CLICKHOUSE_HOST", "u@a")][..],
        &[("QUERY_CLICKHOUSE_HOST", "u:hunter2@a:8123")],
        &[("CLICKHOUSE_HOST", "http://u:hunter2@a")],
        &[("CLICKHOUSE_URL", "http://u:hunter2@a/x"), ("CLICKHOUSE_HOST", "u:hunter2@a")],
    ] {
        let text = fault(variables);
        for part in ["CLICKHOUSE_HOST takes hosts alone", "CLICKHOUSE_USER", "CLICKHOUSE_PASSWORD", "CLICKHOUSE_URL="] {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_part_of_nothing_says_what_is_missing() {
    for (part, missing) in [
        (("KAFKA_TOPIC", "views"), "KAFKA_BROKERS"),
        (("CLICKHOUSE_PORT", "8123"), "CLICKHOUSE_HOST"),
        (("CLICKHOUSE_DATABASE", "web"), "CLICKHOUSE_HOST"),
    ] {
        let text = fault(&[part]);
        assert!(text.contains(&format!("{} is set, but not", part.0)) && text.contains(missing), "{text}");
        // Not where the program's own name decides, and not where it says nothing.
        load(&[part, ("FOOTFALL_EVENT_LOG_URL", "kafka://b"), ("FOOTFALL_STORE_URL", "http://a/x")]).unwrap();
        load(&[(part.0, "")]).unwrap();
    }
    load(&[("CLICKHOUSE_DATABASE", "web"), ("FOOTFALL_STORE_SHARDS", "http://a/web;http://b/web")]).unwrap();
}

#[test]
fn what_kubernetes_sets_for_a_service_is_no_port() {
    let made_up = [("CLICKHOUSE_PORT", "tcp://10.0.0.11:8123"), ("CONSUMER_METRICS_PORT", "tcp://10.0.0.12:9090")];
    let config = load(&made_up).unwrap();
    assert!(config.servers.is_empty());
    assert_eq!(config.http.metrics_listen.to_string(), "127.0.0.1:9090");
    let config = load(&[&made_up[..], &[("CLICKHOUSE_HOST", "clickhouse")]].concat()).unwrap();
    assert_eq!(config.servers[0][0].url, "http://clickhouse:8123");
}

#[test]
fn native_ports_are_answered_with_the_http_port() {
    for (variables, port) in [
        (vec![("CLICKHOUSE_URL", "http://h:9000/db")], "8123"),
        (vec![("CLICKHOUSE_URL", "clickhouse://h:9000/db")], "8123"),
        (vec![("CLICKHOUSE_HOST", "h"), ("CLICKHOUSE_PORT", "9000")], "8123"),
        (vec![("QUERY_CLICKHOUSE_HOST", "h:9440")], "8443"),
        (vec![("FOOTFALL_STORE_URL", "https://h:9440")], "8443"),
        (vec![("FOOTFALL_STORE_SHARDS", "http://a:8123;http://b:9000")], "8123"),
    ] {
        let text = fault(&variables);
        assert!(text.contains(port) && text.contains("native"), "{text}");
    }
}

#[test]
fn redis_in_every_form() {
    for url in [
        "redis://h",
        "rediss://:p@h:6380/1",
        "redis-sentinel://h:26379/0?sentinelServiceName=m&node=i:26379",
        "rediss-cluster://h:6379?node=i:6379",
    ] {
        load(&[("REDIS_URL", url)]).unwrap();
    }
    for (url, part) in [
        ("redis://a:1,b:2/0", "node="),
        ("redis-sentinel://h:26379", "sentinelServiceName"),
        ("redis://:hunter2@h:port", "HOST:PORT"),
        ("redis:", "host"),
        ("valkey://h", "rediss-cluster"),
    ] {
        let text = fault(&[("REDIS_URL", url)]);
        assert!(text.contains(part) && text.contains("REDIS_URL") && !text.contains("hunter2"), "{url}: {text}");
    }
}

#[test]
fn kafka_with_certificates_or_a_password() {
    let certificates = [("FOOTFALL_KAFKA_CA", "/ca.pem"), ("FOOTFALL_KAFKA_CERT", "/c.pem"), ("FOOTFALL_KAFKA_KEY", "/k.pem")];
    let mut variables = certificates.to_vec();
    variables.push(("KAFKA_BROKERS", "b:1"));
    assert!(load(&variables).unwrap().seams.event_log_url.kafka().unwrap().tls);
    variables.pop();
    variables.push(("FOOTFALL_EVENT_LOG_URL", "kafka://b:1"));
    assert!(fault(&variables).contains("kafka+tls://"));
    assert!(fault(&certificates[1..2]).contains("kafka_key"));

    let login = [("FOOTFALL_KAFKA_USER", "u"), ("FOOTFALL_KAFKA_PASSWORD", "short"), ("FOOTFALL_EVENT_LOG_URL", "kafka://b:1")];
    assert!(fault(&login).contains("in the clear"));
    let mut scram = login.to_vec();
    scram.push(("FOOTFALL_KAFKA_SASL", "SCRAM-SHA-512"));
    assert_eq!(load(&scram).unwrap().kafka.kafka_sasl, KafkaSasl::ScramSha512);
    assert!(fault(&login[..1]).contains("kafka_password"));
    assert!(fault(&[("FOOTFALL_EVENT_LOG_URL", "kafka://u:hunter2@b/t")]).contains("FOOTFALL_KAFKA_USER"));
}

#[test]
fn a_cluster_of_clickhouse() {
    let shards = "http://a1:8123,a2:8123/web;http://b1:8123,b2:8123/web";
    let config = load(&[
        ("FOOTFALL_STORE_SHARDS", shards),
        ("FOOTFALL_STORE_CLUSTER", "main"),
        ("FOOTFALL_STORE_PINS", "example.org=2"),
        ("FOOTFALL_STORE_USER", "footfall"),
        ("FOOTFALL_STORE_PASSWORD", "x"),
    ])
    .unwrap();
    assert_eq!((config.servers.len(), config.servers[1][1].url.as_str()), (2, "http://b2:8123"));
    assert_eq!(config.servers[0][0].user, "footfall");
    assert_eq!(config.seams.store_url.scheme(), "http");
    assert_eq!(config.store.store_quorum, 0);
    assert_eq!(config.store.store_pins.0.get("example.org"), Some(&1));
    assert!(fault(&[("FOOTFALL_STORE_SHARDS", shards)]).contains("store_cluster"));
    assert!(fault(&[("FOOTFALL_STORE_URL", "http://a"), ("FOOTFALL_STORE_PINS", "x.example=2")]).contains("x.example"));
    assert!(fault(&[("FOOTFALL_STORE_CLUSTER", "main")]).contains("store_url"));
    let quorum = |quorum| {
        let shards = [("FOOTFALL_STORE_SHARDS", "http://a1,a2;http://b1"), ("FOOTFALL_STORE_CLUSTER", "main")];
        load(&[shards[0], shards[1], ("FOOTFALL_STORE_QUORUM", quorum)])
    };
    assert!(quorum("1").is_ok());
    let too_many = quorum("2").unwrap_err().to_string();
    assert!(too_many.contains("store_quorum is `2` (from FOOTFALL_STORE_QUORUM)") && too_many.contains("of a shard (1)"), "{too_many}");
    let twice = fault(&[("FOOTFALL_STORE_SHARDS", "http://A:8123/web;http://u:p@a:8123/web")]);
    assert!(twice.contains("http://a:8123 twice") && !twice.contains("u:p"), "{twice}");
}

#[test]
fn secrets_are_read_from_files_and_never_shown() {
    let (_secret, secret_path) = file("0123456789abcdef0123456789abcdef\n");
    let (_url, url_path) = file("postgres://u:hunter2@h/db\n");
    let variables = [
        ("JWT_SECRET_FILE", secret_path.as_str()),
        ("DATABASE_URL_FILE", &url_path),
        ("FOOTFALL_KAFKA_USER", "u"),
        ("FOOTFALL_KAFKA_PASSWORD", "hunter2"),
        ("FOOTFALL_LIVE_PASSWORD", "hunter2"),
        ("REDIS_URL", "redis-sentinel://:hunter2@a:1/0?sentinelServiceName=m&node=b:2&sentinelPassword=hunter2"),
        ("FOOTFALL_STORE_SHARDS", "http://u:hunter2@a,b/x;http://u:hunter2@c/x"),
        ("FOOTFALL_STORE_CLUSTER", "main"),
    ];
    let sources = Sources::from_parts([], variables, None).unwrap();
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.secrets.secret.expose(), "0123456789abcdef0123456789abcdef");
    assert_eq!(config.seams.accounts_url.expose(), "postgres://u:hunter2@h/db");
    let shown = format!("{}{config:?}", Config::print(&sources));
    assert!(!shown.contains("0123456789abcdef") && !shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("# JWT_SECRET_FILE"), "{shown}");
    let missing = fault(&[("POSTGRES_DSN_FILE", "/nowhere/dsn")]);
    assert!(missing.contains("POSTGRES_DSN_FILE") && missing.contains("/nowhere/dsn"), "{missing}");
}

#[test]
fn the_reference_page_is_the_committed_one() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/configuration.md")).unwrap();
    assert_eq!(committed.trim(), Config::reference_page().trim(), "run: footfall config reference > docs/reference/configuration.md");
    for setting in Config::reference() {
        assert!(!setting.doc.contains('|') && !setting.form.contains('|'), "{} would break its table", setting.key);
    }
}
