//! What no decent client sends. The process never panics, memory stays bounded, the next good event is accepted.

use std::io::Write;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode},
};
use flate2::{Compression, write::GzEncoder};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use super::{event, request, start, with};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut packed, &brotli::enc::BrotliEncoderParams { quality: 5, ..Default::default() }).unwrap();
    packed
}

fn encoded(encoding: &'static str, body: Vec<u8>) -> axum::http::Request<Body> {
    let mut request = request(body);
    request.headers_mut().insert("content-encoding", HeaderValue::from_static(encoding));
    request
}

#[tokio::test]
async fn invalid_utf_8() {
    let bench = start().await;
    bench.assert_refused(request(b"{\"domain\":\"example.org\",\"path\":\"/\xff\"}".to_vec()), 400, "invalid").await;
    bench.assert_refused(request(b"\xff\xfe\x00".to_vec()), 400, "invalid").await;
    // A lone surrogate cannot be text.
    bench.assert_refused(request(r#"{"domain":"example.org","path":"/\ud800"}"#), 400, "invalid").await;
}

#[tokio::test]
async fn nul_and_other_controls_are_neutralised() {
    let bench = start().await;
    bench.assert_refused(request(b"{\"domain\":\"example.org\",\"path\":\"/\0\"}".to_vec()), 400, "invalid").await;
    let bench = start().await;
    let mut event = with("path", "/a\0b%00\u{1b}[31m");
    event["title"] = "t\0\r\n".into();
    event["name"] = "n\0n".into();
    event["props"] = json!({"k\0": "v\0"});
    assert_eq!(bench.post(&event).await.status, StatusCode::ACCEPTED);
    let record = bench.record().await;
    assert_eq!(
        (record.path.as_str(), record.title.as_str(), record.name.as_str(), record.props["k\u{fffd}"].as_str()),
        ("/a\u{fffd}b\u{fffd}\u{fffd}[31m", "t\u{fffd}", "n\u{fffd}n", "v\u{fffd}")
    );
    assert!(!serde_json::to_string(&record).unwrap().contains("\\u0000"));
}

#[tokio::test]
async fn a_path_of_a_megabyte() {
    let bench = start().await;
    let path = "/x".repeat(512 << 10);
    bench.assert_refused(request(with("path", path.clone()).to_string()), 413, "too_large").await;
    let batch = gzip(json!([with("path", path)]).to_string().as_bytes());
    bench.assert_refused(encoded("gzip", batch), 400, "invalid").await;
}

#[tokio::test]
async fn ten_thousand_properties() {
    let bench = start().await;
    let props = |count: usize| -> Value { (0..count).map(|i| (format!("k{i}"), json!(i))).collect::<serde_json::Map<_, _>>().into() };
    let answer = bench.assert_refused(request(with("props", props(31)).to_string()), 400, "invalid").await;
    assert!(answer.json["error"]["fields"]["props"].is_string());
    bench.assert_refused(request(with("props", props(4_000)).to_string()), 400, "invalid").await;
    bench.assert_refused(request(with("props", props(10_000)).to_string()), 413, "too_large").await;
    assert_eq!(bench.post(&with("props", props(30))).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn deep_json() {
    let bench = start().await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for (body, status) in [
        (nested(30_000), 400),
        (nested(500_000), 400),
        ("{\"domain\":".repeat(6_000), 400),
        (format!("{{\"domain\":\"example.org\",\"path\":\"/\",\"props\":{{\"a\":{}}}}}", nested(10_000)), 400),
        (format!("{{\"domain\":\"example.org\",\"path\":{}}}", nested(50)), 400),
    ] {
        bench.assert_refused(request(body), status, "invalid").await;
    }
}

#[tokio::test]
async fn huge_numbers() {
    let bench = start().await;
    for number in ["1e999", "-1e999", "99999999999999999999999999999999999999", "1e308", "-1"] {
        let body = format!("{{\"domain\":\"example.org\",\"path\":\"/\",\"engagementMs\":{number}}}");
        bench.assert_refused(request(body), 400, "invalid").await;
    }
    // Where any number is fine it is kept as text.
    let bench = start().await;
    bench.post(&with("props", json!({"n": 18_446_744_073_709_551_615_u64, "m": -1.5}))).await;
    let record = bench.record().await;
    assert_eq!((record.props["n"].as_str(), record.props["m"].as_str()), ("18446744073709551615", "-1.5"));
}

#[tokio::test]
async fn compression_bombs_stop_at_eight_megabytes() {
    let bench = start().await;
    let zeros = vec![b' '; 200 << 20];
    let (gz, br) = (gzip(&zeros), brotli(&zeros));
    assert!(gz.len() < 1 << 20 && br.len() < 1 << 20);
    bench.assert_refused(encoded("gzip", gz), 413, "too_large").await;
    bench.assert_refused(encoded("br", br), 413, "too_large").await;
    // Bombs in bombs.
    let many: Vec<u8> = std::iter::repeat_n(gzip(&vec![b' '; 1 << 20]), 100).flatten().collect();
    bench.assert_refused(encoded("gzip", many), 413, "too_large").await;
}

#[tokio::test]
async fn compressed_bodies_are_taken_and_broken_ones_refused() {
    let bench = start().await;
    let batch = json!([event(), event()]).to_string();
    for request in
        [encoded("gzip", gzip(batch.as_bytes())), encoded("br", brotli(batch.as_bytes())), encoded("identity", batch.clone().into_bytes())]
    {
        let answer = bench.send(request).await;
        assert_eq!((answer.status, answer.json["accepted"].as_u64()), (StatusCode::ACCEPTED, Some(2)));
    }
    let cut = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() / 2);
        bytes
    };
    bench.assert_refused(encoded("gzip", cut(gzip(batch.as_bytes()))), 400, "invalid").await;
    bench.assert_refused(encoded("br", cut(brotli(batch.as_bytes()))), 400, "invalid").await;
    bench.assert_refused(encoded("gzip", batch.clone().into_bytes()), 400, "invalid").await;
    bench.assert_refused(encoded("br", b"\xff\xff\xff\xff".to_vec()), 400, "invalid").await;
    // One event is small however it is packed.
    bench.assert_refused(encoded("gzip", gzip(with("x", "x".repeat(70_000)).to_string().as_bytes())), 413, "too_large").await;
}

#[tokio::test]
async fn a_malformed_user_agent_counts_all_the_same() {
    let bench = start().await;
    for bytes in [vec![0xff; 10_240], b"\x80\xc3(Mozilla".to_vec(), "é".repeat(5_000).into_bytes(), vec![b'('; 10_240]] {
        let mut request = request(event().to_string());
        request.headers_mut().insert("user-agent", HeaderValue::from_bytes(&bytes).unwrap());
        assert_eq!(bench.send(request).await.status, StatusCode::ACCEPTED);
    }
    let mut none = request(event().to_string());
    none.headers_mut().remove("user-agent");
    assert_eq!(bench.send(none).await.status, StatusCode::ACCEPTED);
    bench.assert_alive().await;
}

#[tokio::test]
async fn a_body_that_breaks_off() {
    let bench = start().await;
    let pieces = futures::stream::iter([Ok(bytes::Bytes::from_static(b"{\"domain\":")), Err(std::io::Error::other("gone"))]);
    bench.assert_refused(request(Body::from_stream(pieces)), 400, "invalid").await;
    let endless = futures::stream::iter((0..20_000).map(|_| Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[b' '; 1_024]))));
    bench.assert_refused(request(Body::from_stream(endless)), 413, "too_large").await;
    let pieces = futures::stream::iter(
        event().to_string().into_bytes().into_iter().map(|byte| Ok::<_, std::io::Error>(bytes::Bytes::from(vec![byte]))),
    );
    assert_eq!(bench.send(request(Body::from_stream(pieces))).await.status, StatusCode::ACCEPTED);
}

#[test]
fn arbitrary_bytes_and_fields_never_end_in_a_500() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bench = runtime.block_on(start());
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<Vec<u8>>().prop_map(Value::from),
        proptest::collection::hash_map(any::<String>(), any::<String>(), 0..4).prop_map(|map| json!(map)),
    ];
    let field = prop_oneof![
        Just("path"),
        Just("url"),
        Just("referrer"),
        Just("name"),
        Just("props"),
        Just("viewport"),
        Just("screen"),
        Just("revenue"),
        Just("id"),
        Just("language"),
        Just("title"),
        Just("sessionId"),
        Just("pageId"),
        Just("userId"),
        Just("engagementMs"),
        Just("scrollDepth"),
        Just("interactive"),
        Just("timestamp"),
        Just("ip"),
        Just("userAgent"),
        Just("hash"),
        Just("domain"),
    ];
    let events = proptest::collection::vec((field, value), 0..6).prop_map(|fields| {
        let mut event = event();
        for (name, value) in fields {
            event[name] = value;
        }
        event.to_string().into_bytes()
    });
    let bodies = prop_oneof![events, any::<Vec<u8>>()];
    let mut runner = TestRunner::new(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() });
    runner
        .run(&bodies, |body| {
            let status = runtime.block_on(bench.send(request(body))).status;
            prop_assert!(matches!(status.as_u16(), 202 | 400 | 403 | 404 | 413), "{status}");
            Ok(())
        })
        .unwrap();
    runtime.block_on(bench.assert_alive());
}
