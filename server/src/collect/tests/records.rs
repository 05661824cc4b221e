//! What becomes of a good event.

use axum::http::StatusCode;
use chrono::{Duration, Utc};
use footfall_meta::Scope;
use footfall_model::{NO_SCROLL_DEPTH, RECORD_VERSION, Revenue};
use serde_json::json;
use uuid::Uuid;

use super::{FIREFOX, event, request, start, with};
use crate::collect::ImportKeys;

#[tokio::test]
async fn the_least_event() {
    let bench = start().await;
    let before = Utc::now().timestamp_millis();
    assert_eq!(bench.post(&event()).await.status, StatusCode::ACCEPTED);
    let record = bench.record().await;
    assert_eq!((record.v, record.site, record.name.as_str()), (RECORD_VERSION, bench.site.id, "pageview"));
    assert_eq!((record.hostname.as_str(), record.path.as_str()), ("example.org", "/a"));
    assert!(record.ts == record.received && (before..=Utc::now().timestamp_millis()).contains(&record.ts));
    assert_eq!(
        (record.browser.as_str(), record.browser_version.as_str(), record.os.as_str(), record.device.as_str()),
        ("Firefox", "140", "GNU/Linux", "Desktop")
    );
    assert!(record.bot.is_empty() && record.source.is_empty() && record.referrer.is_empty() && record.interactive && !record.id_given);
    assert_eq!((record.session, record.user, record.scroll_depth), (None, None, NO_SCROLL_DEPTH));
}

#[tokio::test]
async fn every_field() {
    let bench = start().await;
    let id = Uuid::new_v4();
    let event = json!({
        "domain": "WWW.example.org", "url": "https://www.Example.org/Shop/caf%C3%A9/?utm_source=News&utm_medium=email&utm_campaign=c&utm_content=d&utm_term=e&gclid=x#f",
        "referrer": "https://www.google.com/search?q=x", "sessionId": "s", "pageId": "p", "viewport": {"width": 390, "height": 800}, "name": "Buy", "title": " Café ",
        "language": "de-de", "screen": {"width": 1920.0, "height": 1080}, "props": {"size": "XL", "count": 2, "gift": true, "none": null},
        "revenue": {"amount": 19.999, "currency": "eur"}, "interactive": false, "engagementMs": 1500.4, "scrollDepth": 80, "id": id, "userId": "u", "unknown": [1],
    });
    let answer = bench.post(&event).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json);
    let record = bench.record().await;
    assert_eq!((record.id, record.id_given, record.name.as_str()), (id, true, "Buy"));
    assert_eq!((record.hostname.as_str(), record.path.as_str(), record.title.as_str()), ("example.org", "/Shop/café", "Café"));
    assert_eq!((record.referrer.as_str(), record.source.as_str(), record.click_id.as_str()), ("google.com/search", "News", "gclid"));
    let utm = [&record.utm_source, &record.utm_medium, &record.utm_campaign, &record.utm_content, &record.utm_term];
    assert_eq!(utm.map(String::as_str), ["News", "email", "c", "d", "e"]);
    assert_eq!((record.language.as_str(), record.screen.as_str()), ("de-DE", "1920x1080"));
    assert_eq!(record.props, [("count", "2"), ("gift", "true"), ("size", "XL")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    assert_eq!(record.revenue, Some(Revenue { amount: "19.999".into(), currency: "EUR".into() }));
    assert_eq!((record.interactive, record.engagement_ms, record.scroll_depth), (false, 1_500, 80));
    assert!(record.session.is_some() && record.user.is_some());
}

#[tokio::test]
async fn neither_address_nor_user_agent_nor_ids_reach_the_disk() {
    let bench = start().await;
    let mut event = with("sessionId", "the-session-id");
    event["userId"] = "the-user-id".into();
    event["pageId"] = "the-page-id".into();
    event["url"] = "https://example.org/?gclid=the-click-id".into();
    bench.post(&event).await;
    let mut files = vec![bench.folder.path().to_owned()];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        seen += bytes.len();
        for secret in ["192.0.2.1", "Gecko", "the-session-id", "the-user-id", "the-page-id", "the-click-id"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {}", path.display());
        }
    }
    assert!(seen > 1_000);
}

#[tokio::test]
async fn a_visitor_is_one_by_address_and_browser_and_differs_by_domain() {
    let bench = start().await;
    bench.meta.create_site(&"other.example".parse().unwrap(), chrono_tz::Tz::UTC, None).await.unwrap();
    bench.post(&event()).await;
    bench.post(&with("path", "/b")).await;
    let mut other_address = request(event().to_string());
    other_address.headers_mut().insert("x-forwarded-for", "192.0.2.2".parse().unwrap());
    bench.send(other_address).await;
    let mut other_browser = request(event().to_string());
    other_browser.headers_mut().insert("user-agent", "Mozilla/5.0 Other".parse().unwrap());
    bench.send(other_browser).await;
    bench.post(&json!({"domain": "other.example", "path": "/"})).await;
    let visitors: Vec<_> = bench.records().await.iter().map(|record| record.visitor).collect();
    assert_eq!(visitors[0], visitors[1]);
    let distinct: std::collections::HashSet<_> = visitors.iter().collect();
    assert_eq!(distinct.len(), 4);
}

#[tokio::test]
async fn bots_are_stored_with_their_class() {
    let bench = start().await;
    let mut bot = request(event().to_string());
    bot.headers_mut().insert("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)".parse().unwrap());
    assert_eq!(bench.send(bot).await.status, StatusCode::ACCEPTED);
    assert_eq!(bench.record().await.bot, "crawler");
}

#[tokio::test]
async fn a_key_speaks_for_visitors() {
    let bench = start().await;
    let key = bench.key(&[Scope::EventsWrite], None).await;
    let mut plain = request(event().to_string());
    plain.headers_mut().insert("user-agent", "curl/8.5.0".parse().unwrap());
    plain.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    assert_eq!(bench.send(plain).await.status, StatusCode::ACCEPTED);
    let mut event = with("ip", "8.8.8.8");
    event["userAgent"] = FIREFOX.into();
    event["timestamp"] = (Utc::now() - Duration::minutes(10)).to_rfc3339().into();
    assert_eq!(bench.post_with_key(&event, &key).await.status, StatusCode::ACCEPTED);
    let records = bench.records().await;
    assert_eq!((records[0].bot.as_str(), records[0].browser.as_str()), ("", ""), "a server describes itself, not the visitor");
    assert_eq!((records[1].country.as_str(), records[1].browser.as_str()), ("US", "Firefox"));
    assert!((590_000..=700_000).contains(&(records[1].received - records[1].ts)));
}

#[tokio::test]
async fn events_older_than_half_an_hour_go_to_the_import_log() {
    let bench = start().await;
    let key = bench.key(&[Scope::EventsWrite], None).await;
    let old = with("timestamp", (Utc::now() - Duration::days(400)).to_rfc3339());
    let answer = bench.post_with_key(&json!([old, event()]), &key).await;
    assert_eq!((answer.status, answer.json["accepted"].as_u64()), (StatusCode::ACCEPTED, Some(2)));
    let backdated = bench.backdated().await;
    assert_eq!((backdated.len(), bench.records().await.len()), (1, 1));
    assert_eq!(backdated[0].import, None);
    assert!(backdated[0].received - backdated[0].ts > 399 * 86_400_000);
    assert_ne!(backdated[0].visitor, bench.record().await.visitor, "another day is another visitor");
}

#[tokio::test]
async fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
    let mut options = super::options();
    options.trusted_proxies = "10.0.0.0/8".parse().unwrap();
    let bench = super::start_with(options, 1 << 30).await;
    for address in ["8.8.8.8", "9.9.9.9"] {
        let mut request = request(event().to_string());
        request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
        bench.send(request).await;
    }
    let records = bench.records().await;
    assert_eq!(records[0].visitor, records[1].visitor);
    assert_eq!(records[0].country, "");
}

#[tokio::test]
async fn import_lines_are_the_same_events() {
    let bench = start().await;
    let job = Uuid::new_v4();
    let keys = ImportKeys::new(job, bench.site.id, [7; 16]);
    let line = br#"{"path":"/a","timestamp":"2024-03-01T12:00:00Z","ip":"8.8.8.8","userAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}"#;
    let record = bench.collector.import_line(&keys, 1, line).unwrap();
    assert_eq!((record.site, record.import, record.ts), (bench.site.id, Some(job), 1_709_294_400_000));
    assert_eq!((record.country.as_str(), record.browser.as_str(), record.hostname.as_str()), ("US", "Firefox", "example.org"));
    // Read again it is the same event; another line, job or day is not.
    let again = bench.collector.import_line(&keys, 1, line).unwrap();
    assert!(again.id == record.id && again.visitor == record.visitor && record.id_given);
    assert_ne!(bench.collector.import_line(&keys, 2, line).unwrap().id, record.id);
    let other_job = ImportKeys::new(Uuid::new_v4(), bench.site.id, [8; 16]);
    let other = bench.collector.import_line(&other_job, 1, line).unwrap();
    assert!(other.id != record.id && other.visitor != record.visitor);
    let next_day = String::from_utf8_lossy(line).replace("03-01", "03-02");
    assert_ne!(bench.collector.import_line(&keys, 1, next_day.as_bytes()).unwrap().visitor, record.visitor);

    for (line, part) in [
        ("{\"path\":\"/a\"}", "timestamp is missing"),
        ("{\"path\":\"/a\",\"timestamp\":\"1990-01-01T00:00:00Z\"}", "2000-01-01"),
        ("{\"domain\":\"other.example\",\"path\":\"/a\",\"timestamp\":\"2024-03-01T12:00:00Z\"}", "the import is for example.org"),
        ("rubbish", "not JSON"),
    ] {
        let refusal = bench.collector.import_line(&keys, 1, line.as_bytes()).unwrap_err();
        assert!(refusal.contains(part), "{refusal}");
    }
    assert!(bench.collector.import_line(&keys, 1, b"\xff").is_err());
}
