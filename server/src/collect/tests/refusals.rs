//! Every refusal of `docs/reference/events.md`, each on its own.

use std::io::Write;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use chrono::{Duration, Utc};
use footfall_live::Limit;
use footfall_meta::{Scope, ShieldKind};
use footfall_model::DropReason;
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{NO_LIMIT, event, options, request, start, start_with, with};

#[rstest]
#[case("path", json!(7))]
#[case("path", json!({}))]
#[case("path", json!(format!("/{}", "a".repeat(2_000))))]
#[case("url", json!("not a url"))]
#[case("url", json!(format!("https://example.org/{}", "a".repeat(2_000))))]
#[case("referrer", json!(1))]
#[case("sessionId", json!(1))]
#[case("sessionId", json!("s".repeat(301)))]
#[case("pageId", json!([]))]
#[case("userId", json!(false))]
#[case("viewport", json!("1x1"))]
#[case("viewport", json!({"width": -1, "height": 5}))]
#[case("screen", json!({"width": 1e300, "height": 5}))]
#[case("name", json!(""))]
#[case("name", json!("n".repeat(301)))]
#[case("title", json!(1))]
#[case("language", json!(1))]
#[case("props", json!([]))]
#[case("props", json!({"a": {"b": 1}}))]
#[case("props", json!({"a": "v".repeat(2_001)}))]
#[case("props", json!({"": "v"}))]
#[case("revenue", json!(5))]
#[case("revenue", json!({"amount": 5}))]
#[case("revenue", json!({"amount": 5, "currency": "EURO"}))]
#[case("revenue", json!({"amount": "much", "currency": "EUR"}))]
#[case("revenue", json!({"amount": 5, "currency": "EUR"}))]
#[case("interactive", json!("yes"))]
#[case("engagementMs", json!(-1))]
#[case("engagementMs", json!(1e12))]
#[case("scrollDepth", json!(101))]
#[case("id", json!("7"))]
#[case("id", json!("00000000-0000-0000-0000-000000000000"))]
#[case("hash", json!(1))]
#[tokio::test]
async fn a_wrong_field_is_named(#[case] field: &str, #[case] value: Value) {
    let bench = start().await;
    let answer = bench.assert_refused(request(with(field, value).to_string()), 400, "invalid").await;
    assert!(answer.json["error"]["fields"][field].is_string(), "{}", answer.json);
}

#[rstest]
#[case(json!({"path": "/"}), "domain")]
#[case(json!({"domain": "", "path": "/"}), "domain")]
#[case(json!({"domain": 5, "path": "/"}), "domain")]
#[case(json!({"domain": "example.org"}), "path")]
#[tokio::test]
async fn a_missing_field_is_named(#[case] event: Value, #[case] field: &str) {
    let bench = start().await;
    let answer = bench.assert_refused(request(event.to_string()), 400, "invalid").await;
    assert!(answer.json["error"]["fields"][field].is_string(), "{}", answer.json);
}

#[rstest]
#[case("")]
#[case("{")]
#[case("7")]
#[case("null")]
#[case("\"example.org\"")]
#[case("{\"domain\":\"example.org\",\"path\":\"/\"}}")]
#[case("[{\"domain\":\"example.org\",\"path\":\"/\"}")]
#[tokio::test]
async fn what_is_no_event_is_400(#[case] body: &'static str) {
    start().await.assert_refused(request(body), 400, "invalid").await;
}

#[tokio::test]
async fn an_unknown_domain_is_404_until_it_is_added() {
    let bench = start().await;
    let unknown = json!({"domain": "new.example", "path": "/"});
    bench.assert_refused(request(unknown.to_string()), 404, "unknown_domain").await;
    bench.assert_refused(request(json!({"domain": "not a host", "path": "/"}).to_string()), 404, "unknown_domain").await;
    bench.meta.create_site(&"new.example".parse().unwrap(), chrono_tz::Tz::UTC, None).await.unwrap();
    assert_eq!(bench.post(&unknown).await.status, StatusCode::ACCEPTED);
}

#[rstest]
#[case("application/x-www-form-urlencoded")]
#[case("multipart/form-data; boundary=x")]
#[case("application/jsonx")]
#[case("text/html")]
#[tokio::test]
async fn another_media_type_is_415(#[case] media_type: &str) {
    let bench = start().await;
    let mut wrong = request(event().to_string());
    wrong.headers_mut().insert("content-type", media_type.parse().unwrap());
    bench.assert_refused(wrong, 415, "unsupported_media_type").await;
    let mut encoded = request(event().to_string());
    encoded.headers_mut().insert("content-encoding", "zstd".parse().unwrap());
    bench.assert_refused(encoded, 415, "unsupported_media_type").await;
}

#[rstest]
#[case("text/plain")]
#[case("Application/JSON; charset=utf-8")]
#[tokio::test]
async fn both_media_types_are_taken(#[case] media_type: &str) {
    let bench = start().await;
    let mut good = request(event().to_string());
    good.headers_mut().insert("content-type", media_type.parse().unwrap());
    assert_eq!(bench.send(good).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn sizes_have_limits() {
    let bench = start().await;
    let padded = |bytes: usize| {
        let mut text = with("zz", "").to_string();
        text.insert_str(text.len() - 2, &"x".repeat(bytes - text.len()));
        assert_eq!(text.len(), bytes);
        text
    };
    assert_eq!(bench.send(request(padded(64 << 10))).await.status, StatusCode::ACCEPTED);
    bench.assert_refused(request(padded((64 << 10) + 1)), 413, "too_large").await;
    bench.assert_refused(request(padded((1 << 20) + 1)), 413, "too_large").await;

    let many = |events: usize| Value::from(vec![event(); events]).to_string();
    let answer = bench.send(request(many(1_000))).await;
    assert_eq!((answer.status, answer.json["accepted"].as_u64()), (StatusCode::ACCEPTED, Some(1_000)));
    bench.assert_refused(request(many(1_001)), 413, "too_large").await;
    bench.assert_refused(request(format!("[{}]", padded((1 << 20) - 1))), 413, "too_large").await;
}

#[rstest]
#[case("timestamp", json!("2020-01-01T00:00:00Z"))]
#[case("timestamp", json!("rubbish"))]
#[case("ip", json!("192.0.2.9"))]
#[case("userAgent", json!("curl"))]
#[tokio::test]
async fn what_only_a_key_may_set_is_403_before_it_is_checked(#[case] field: &str, #[case] value: Value) {
    let bench = start().await;
    let event = with(field, value);
    bench.assert_refused(request(event.to_string()), 403, "key_required").await;
    let other = bench.meta.create_site(&"other.example".parse().unwrap(), chrono_tz::Tz::UTC, None).await.unwrap();
    let foreign = footfall_meta::NewKey {
        name: "foreign".into(),
        scopes: vec![Scope::EventsWrite],
        reach: footfall_meta::Reach::Site(other.id),
        rate_limit_per_hour: None,
    };
    let foreign = bench.meta.create_key(foreign).await.unwrap().1;
    let reading = bench.key(&[Scope::StatsRead], None).await;
    for key in [foreign.as_str(), reading.as_str(), "ff_wrong", ""] {
        let answer = bench.post_with_key(&event, key).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "key_required"), "{key}");
    }
}

#[rstest]
#[case("timestamp", json!("rubbish"))]
#[case("timestamp", json!("2020-01-01"))]
#[case("timestamp", json!(1_700_000_000))]
#[case("ip", json!("300.1.1.1"))]
#[case("userAgent", json!(5))]
#[tokio::test]
async fn with_a_key_they_are_checked(#[case] field: &str, #[case] value: Value) {
    let bench = start().await;
    let key = bench.key(&[Scope::EventsWrite], None).await;
    let answer = bench.post_with_key(&with(field, value), &key).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "invalid"));
    assert!(answer.json["error"]["fields"][field].is_string());
}

#[tokio::test]
async fn a_clock_far_off_is_refused() {
    let bench = start().await;
    let key = bench.key(&[Scope::EventsWrite], None).await;
    let now = Utc::now();
    for wrong in [now + Duration::days(3_650), now + Duration::minutes(6), "1999-12-31T23:59:59Z".parse().unwrap()] {
        let answer = bench.post_with_key(&with("timestamp", wrong.to_rfc3339()), &key).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "timestamp_out_of_range"), "{wrong}");
    }
    for right in [now + Duration::minutes(4), "2000-01-01T00:00:00Z".parse().unwrap(), now - Duration::days(3_650)] {
        assert_eq!(bench.post_with_key(&with("timestamp", right.to_rfc3339()), &key).await.status, StatusCode::ACCEPTED, "{right}");
    }
    assert_eq!((bench.records().await.len(), bench.backdated().await.len()), (1, 2));
}

#[rstest]
#[case(ShieldKind::Host, "other.example", DropReason::ShieldHost)]
#[case(ShieldKind::Ip, "192.0.2.0/24", DropReason::ShieldIp)]
#[case(ShieldKind::Path, "/a*", DropReason::ShieldPath)]
#[case(ShieldKind::Country, "US", DropReason::ShieldCountry)]
#[tokio::test]
async fn a_shielded_event_is_202_with_its_reason(#[case] kind: ShieldKind, #[case] value: &str, #[case] reason: DropReason) {
    let bench = start().await;
    bench.meta.create_shield(bench.site.id, kind, value).await.unwrap();
    // A domain that is unknown makes the collector look at the database now.
    bench.post(&json!({"domain": "unknown.example", "path": "/"})).await;
    let mut shielded = request(event().to_string());
    if kind == ShieldKind::Country {
        shielded.headers_mut().insert("x-forwarded-for", "8.8.8.8".parse().unwrap());
    }
    let answer = bench.send(shielded).await;
    assert_eq!(
        (answer.status, answer.json),
        (StatusCode::ACCEPTED, json!({"accepted": 0, "dropped": [{"index": 0, "reason": reason.code()}]}))
    );
    assert!(bench.records().await.is_empty());
    assert_eq!(bench.collector.drops().snapshot(), [(bench.site.id, reason, 1)]);
}

#[tokio::test]
async fn too_many_events_are_429_with_a_time_to_come_again() {
    let limited = |client, domain| {
        let mut options = options();
        (options.client_limit, options.domain_limit) = (client, domain);
        options
    };
    let limit = Limit { rate: 0.5, burst: 1.0 };
    for options in [limited(limit, NO_LIMIT), limited(NO_LIMIT, limit)] {
        let bench = start_with(options, 1 << 30).await;
        // A batch passes while the bucket is above zero and puts it in debt.
        assert_eq!(bench.post(&json!([event(), event(), event()])).await.status, StatusCode::ACCEPTED);
        let answer = bench.post(&event()).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::TOO_MANY_REQUESTS, "rate_limited"));
        let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=5).contains(&wait), "{wait}");
        assert_eq!(bench.collector.drops().snapshot(), [(bench.site.id, DropReason::RateLimited, 1)]);
    }
}

#[tokio::test]
async fn limits_are_per_client_and_a_key_has_its_own() {
    let mut options = options();
    options.client_limit = Limit { rate: 0.001, burst: 1.0 };
    let bench = start_with(options, 1 << 30).await;
    // Two events for one token: in debt, however long the test takes.
    let from = |address: &str| {
        let mut request = request(json!([event(), event()]).to_string());
        request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
        request
    };
    assert_eq!(bench.send(from("192.0.2.1")).await.status, 202);
    assert_eq!(bench.send(from("192.0.2.1")).await.status, 429);
    assert_eq!(bench.send(from("192.0.2.2")).await.status, 202);
    let unlimited = bench.key(&[Scope::EventsWrite], Some(0)).await;
    let narrow = bench.key(&[Scope::EventsWrite], Some(1)).await;
    for _ in 0..3 {
        assert_eq!(bench.post_with_key(&event(), &unlimited).await.status, 202);
    }
    assert_eq!(bench.post_with_key(&json!([event(), event()]), &narrow).await.status, 202);
    assert_eq!(bench.post_with_key(&event(), &narrow).await.status, 429);
}

#[tokio::test]
async fn a_log_that_is_full_is_503_and_never_202() {
    let bench = start_with(options(), 600 << 10).await;
    let large = json!(vec![with("title", "t".repeat(1_000)); 400]);
    let mut refused = None;
    for _ in 0..50 {
        let answer = bench.post(&large).await;
        if answer.status != StatusCode::ACCEPTED {
            refused = Some(answer);
            break;
        }
    }
    let answer = refused.expect("600 KB hold 20 MB");
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn without_the_accounts_known_domains_go_on_and_unknown_ones_are_503() {
    let bench = start().await;
    // Rubbish over the database, its log and the index of that. In place, as the index is mapped into memory.
    for file in ["accounts.db", "accounts.db-wal", "accounts.db-shm"] {
        let mut file = std::fs::OpenOptions::new().write(true).open(bench.folder.path().join(file)).unwrap();
        let length = file.metadata().unwrap().len();
        file.write_all(&vec![0x55; usize::try_from(length).unwrap()]).unwrap();
    }
    assert!(bench.meta.config_version().await.is_err(), "the accounts still answer");
    bench.assert_alive().await;
    let answer = bench.post(&json!({"domain": "unknown.example", "path": "/"})).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(bench.post_with_key(&with("ip", "192.0.2.7"), "ff_whatever").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(bench.post_with_key(&event(), "ff_whatever").await.status, StatusCode::ACCEPTED);
    bench.assert_alive().await;
}

#[tokio::test]
async fn a_good_array_tells_what_it_dropped() {
    let bench = start().await;
    bench.meta.create_shield(bench.site.id, ShieldKind::Path, "/secret").await.unwrap();
    let batch = json!([
        event(),
        {"domain": "unknown.example", "path": "/"},
        7,
        with("scrollDepth", 500),
        with("path", "/secret"),
        with("timestamp", "2020-01-01T00:00:00Z"),
        event(),
    ]);
    let answer = bench.post(&batch).await;
    assert_eq!((answer.status, answer.json["accepted"].as_u64()), (StatusCode::ACCEPTED, Some(2)));
    let dropped: Vec<_> = answer.json["dropped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|drop| (drop["index"].as_u64().unwrap(), drop["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(dropped, [(1, "unknown_domain"), (2, "invalid"), (3, "invalid"), (4, "shield_path"), (5, "key_required")]);
    assert_eq!(bench.records().await.len(), 2);
    assert_eq!(bench.collector.drops().snapshot(), [(bench.site.id, DropReason::Invalid, 2), (bench.site.id, DropReason::ShieldPath, 1)]);
    // The last that was not valid lacked a key; no field was at fault.
    let of_domain = bench.collector.drops().of(bench.site.id);
    let shown: Vec<_> = of_domain.iter().map(|(reason, dropped)| (*reason, dropped.events, dropped.field)).collect();
    assert_eq!(shown, [(DropReason::Invalid, 2, None), (DropReason::ShieldPath, 1, None)]);
    assert!(of_domain.iter().all(|(_, dropped)| dropped.last_ms >= bench.collector.drops().since_ms()));
}

#[tokio::test]
async fn an_array_of_bad_events_has_the_status_of_the_first_fault() {
    let bench = start().await;
    let unknown = json!({"domain": "unknown.example", "path": "/"});
    let batch = |items: Value| request(items.to_string());
    bench.assert_refused(batch(json!([unknown, 7])), 404, "unknown_domain").await;
    bench.assert_refused(batch(json!([7, unknown])), 400, "invalid").await;
    let empty = bench.send(batch(json!([]))).await;
    assert_eq!((empty.status, empty.json), (StatusCode::ACCEPTED, json!({"accepted": 0, "dropped": []})));
}

#[tokio::test]
async fn a_preflight_is_answered_for_any_origin_without_credentials() {
    let bench = start().await;
    for path in ["/api/events", "/api/events/pixel.gif"] {
        let preflight = Request::options(path)
            .header("origin", "https://example.org")
            .header("access-control-request-method", "POST")
            .body(Body::empty())
            .unwrap();
        let answer = bench.send(preflight).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        assert!(answer.headers["access-control-allow-methods"].to_str().unwrap().contains("POST"));
        assert!(answer.headers["access-control-allow-headers"].to_str().unwrap().contains("content-type"));
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    }
    let wrong = Request::get("/api/events").body(Body::empty()).unwrap();
    assert_eq!(bench.send(wrong).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_same_id_is_accepted_again() {
    let bench = start().await;
    let event = with("id", Uuid::new_v4().to_string());
    for _ in 0..2 {
        assert_eq!(bench.post(&event).await.status, StatusCode::ACCEPTED);
    }
    let records = bench.records().await;
    assert!(records[0].id == records[1].id && records[0].id_given);
}
