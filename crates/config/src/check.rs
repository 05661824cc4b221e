//! What only several settings together can have wrong, and what a form alone does not say.

use std::collections::BTreeSet;

use crate::{
    Sources,
    seams::{KafkaConfig, SeamConfig, StoreConfig},
    store::{self, Login, Replica},
    urls::{KafkaUrl, SeamUrl, without_passwords},
};

const LIVE_SCHEMES: &[&str] = &["memory", "redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster"];

/// Faults of the seams' URLs and of what belongs to them.
pub(crate) fn seams(sources: &Sources, seams: &SeamConfig, kafka: &KafkaConfig, faults: &mut Vec<String>) {
    let fault = |key: &str, url: &SeamUrl, why: &str| format!("{key} is `{url}` (from {}): {why}", sources.source(key));
    let log = &seams.event_log_url;
    match log.scheme() {
        "file" => {}
        "kafka" | "kafka+tls" if log.expose().contains('@') => {
            faults.push(fault("event_log_url", log, "user and password belong in FOOTFALL_KAFKA_USER and FOOTFALL_KAFKA_PASSWORD"));
        }
        "kafka" | "kafka+tls" if log.expose().parse::<KafkaUrl>().is_err() => {
            faults.push(fault("event_log_url", log, "wanted: kafka://HOST:PORT,HOST:PORT/TOPIC"));
        }
        "kafka" | "kafka+tls" => {}
        _ => faults.push(fault("event_log_url", log, "use file:, kafka:// or kafka+tls://")),
    }
    if let Err(why) = live(&seams.live_url) {
        faults.push(fault("live_url", &seams.live_url, &why));
    }
    if !["sqlite", "postgres", "postgresql"].contains(&seams.accounts_url.scheme()) {
        faults.push(fault("accounts_url", &seams.accounts_url, "use sqlite: or postgres://"));
    }
    let prefix_is_fine = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !prefix_is_fine(&seams.live_prefix) {
        faults.push("live_prefix may hold letters, digits, dots, hyphens and underscores, at least one".to_owned());
    }
    let tls = log.scheme() == "kafka+tls";
    let named = |text: &str| !text.is_empty();
    if named(&kafka.kafka_user) == kafka.kafka_password.expose().is_empty() {
        faults.push("kafka_user and kafka_password belong together: set both or none".to_owned());
    }
    if named(&kafka.kafka_cert) != named(&kafka.kafka_key) {
        faults.push("kafka_cert and kafka_key belong together: set both or none".to_owned());
    }
    let has_pem = named(&kafka.kafka_ca) || named(&kafka.kafka_cert);
    if has_pem && log.scheme() == "kafka" {
        faults.push(fault("event_log_url", log, "certificates are configured, which only kafka+tls:// uses"));
    }
    if named(&kafka.kafka_user) && !tls && log.scheme() == "kafka" && kafka.kafka_sasl == crate::KafkaSasl::Plain {
        faults.push(fault(
            "event_log_url",
            log,
            "kafka_sasl `plain` would send the password in the clear; use kafka+tls:// or scram-sha-512",
        ));
    }
}

fn live(url: &SeamUrl) -> Result<(), String> {
    let scheme = url.scheme();
    if !LIVE_SCHEMES.contains(&scheme) {
        return Err(format!("use one of {}", LIVE_SCHEMES.join(", ")));
    }
    if scheme == "memory" {
        return Ok(());
    }
    let several =
        url.expose().split_once("://").is_some_and(|(_, rest)| rest.split(['/', '?']).next().is_some_and(|hosts| hosts.contains(',')));
    if several {
        return Err("further hosts are written ?node=HOST:PORT&node=HOST:PORT; a comma in the password is written %2C".to_owned());
    }
    let parsed = url::Url::parse(url.expose()).map_err(|error| format!("{error}; wanted: {scheme}://:PASSWORD@HOST:PORT"))?;
    if parsed.host_str().is_none_or(str::is_empty) {
        return Err(format!("names no host; wanted: {scheme}://:PASSWORD@HOST:PORT"));
    }
    if scheme.ends_with("-sentinel") && !parsed.query_pairs().any(|(name, _)| name == "sentinelServiceName") {
        return Err("name what Sentinel watches: ?sentinelServiceName=NAME".to_owned());
    }
    Ok(())
}

/// The ClickHouse servers by shard; empty where the engine is embedded.
pub(crate) fn servers(sources: &Sources, seams: &SeamConfig, config: &StoreConfig, faults: &mut Vec<String>) -> Vec<Vec<Replica>> {
    let url = &seams.store_url;
    let (key, text) = match (config.store_shards.expose(), url.scheme()) {
        ("", "engine") => return no_servers(config, faults),
        ("", _) => ("store_url", url.expose()),
        (shards, "engine") => ("store_shards", shards),
        _ => {
            faults.push(format!(
                "store_shards (from {}) and store_url (from {}) are both set; keep one of them",
                sources.source("store_shards"),
                sources.source("store_url")
            ));
            return Vec::new();
        }
    };
    check_login(sources, key, text, config, faults);
    let login = Login { user: &config.store_user, password: config.store_password.expose() };
    let shards = match store::shards(text, login) {
        Ok(shards) => shards,
        Err(fault) => {
            faults.push(format!("{key} is `{}` (from {}): {fault}", without_passwords(text), sources.source(key)));
            return Vec::new();
        }
    };
    for (domain, index) in &config.store_pins.0 {
        if *index >= shards.len() {
            faults.push(format!("store_pins puts {domain} on shard {}, but there are {}", index + 1, shards.len()));
        }
    }
    if shards.iter().any(|shard| shard.len() > 1) && config.store_cluster.is_empty() {
        faults.push(format!(
            "{key} names several replicas; set store_cluster to the cluster's name in the servers' remote_servers, or their tables would differ"
        ));
    }
    let fewest = shards.iter().map(Vec::len).min().unwrap_or_default();
    if !config.store_cluster.is_empty() && usize::try_from(config.store_quorum).is_ok_and(|quorum| quorum > fewest) {
        faults.push(format!(
            "store_quorum is `{}` (from {}), more than the replicas of a shard ({fewest}), which could take no insert; lower it, or name all of them in {key}",
            config.store_quorum,
            sources.source("store_quorum")
        ));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = shards.iter().flatten().find(|replica| !seen.insert(replica.url.as_str())) {
        faults.push(format!("{key} (from {}) names {} twice; name each server once", sources.source(key), twice.url));
    }
    shards
}

fn no_servers(config: &StoreConfig, faults: &mut Vec<String>) -> Vec<Vec<Replica>> {
    if !config.store_cluster.is_empty() || !config.store_pins.0.is_empty() {
        faults.push("store_cluster and store_pins are for ClickHouse servers; set store_url or store_shards".to_owned());
    }
    Vec::new()
}

/// A login in the URL and one beside it have to agree, unless the URL was meant more directly: then it decides.
fn check_login(sources: &Sources, key: &str, text: &str, config: &StoreConfig, faults: &mut Vec<String>) {
    let rank = |key: &str| sources.look_up(key).ok().flatten().map(|found| found.rank);
    let Ok(nobody) = store::shards(text, Login { user: "", password: "" }) else { return };
    let configured = [("store_user", config.store_user.as_str(), true), ("store_password", config.store_password.expose(), false)];
    for (setting, value, is_user) in configured {
        let says = |replica: &Replica| if is_user { replica.user.clone() } else { replica.password.expose().to_owned() };
        let unsaid = if is_user { "default" } else { "" };
        let differs = !value.is_empty() && nobody.iter().flatten().map(says).any(|said| said != unsaid && said != value);
        if differs && rank(key) >= rank(setting) {
            faults.push(format!(
                "{setting} (from {}) and the login in {key} (from {}) differ; keep one of them",
                sources.source(setting),
                sources.source(key)
            ));
        }
    }
}
