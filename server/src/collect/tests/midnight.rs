//! Which salt keys what, around midnight.

use std::net::IpAddr;

use footfall_enrich::visitor::{DAY_MS, Previous, Salt, UserKey};
use footfall_model::{Record, SiteId};
use uuid::Uuid;

use super::enricher;
use crate::collect::{
    domains::CollectSite,
    metrics::Metrics,
    pipeline::{self, Draft, Keying, Sender},
    salts::Salts3,
    shields::Shields,
    wire,
};

const SITE: SiteId = SiteId(Uuid::from_u128(1));
const DAY: i64 = 20_000;
const YESTERDAY: Salt = Salt::new([1; 16]);
const TODAY: Salt = Salt::new([2; 16]);
const TOMORROW: Salt = Salt::new([3; 16]);
const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn salts() -> Salts3 {
    Salts3 { day: DAY, today: TODAY, yesterday: Some(YESTERDAY), tomorrow: Some(TOMORROW) }
}

/// A record made `minutes` after midnight from an event with this time, by a sender that is allowed to give one.
fn record(now_minutes: i64, ts: Option<i64>, keying: Keying<'_>) -> Record {
    let (enricher, user_key) = (enricher(), UserKey::derive(b"x"));
    let sender = Sender {
        now_ms: DAY * DAY_MS + now_minutes * 60_000,
        address: ADDRESS,
        user_agent: b"ua",
        key: None,
        keying,
        enricher: &enricher,
        user_key: &user_key,
        // Imports may give a time; which salts are used is decided by `keying` alone.
        import: ts.map(|_| Uuid::nil()),
    };
    let stamp =
        ts.map_or(String::new(), |ts| format!(",\"timestamp\":\"{}\"", chrono::DateTime::from_timestamp_millis(ts).unwrap().to_rfc3339()));
    let text = format!("{{\"path\":\"/\",\"sessionId\":\"s\"{stamp}}}");
    let event = wire::parse_one(&text).unwrap();
    let site = CollectSite { id: SITE, domain: "example.org".into(), shields: Shields::default() };
    pipeline::run(Draft::new(&event, &sender, Some(&site)), &Metrics::default()).unwrap()
}

fn previous(of: Salt) -> Option<Previous> {
    Some(Previous { visitor: of.visitor(SITE, ADDRESS, b"ua"), session: Some(of.session(SITE, "s")) })
}

fn open(record: &Record, seal: Salt) -> Option<Previous> {
    seal.unseal_previous(SITE, record.visitor, record.previous.as_deref()?)
}

#[test]
fn the_first_half_hour_carries_yesterday_sealed_under_today() {
    for minutes in [0, 29] {
        let record = record(minutes, None, Keying::Daily(&salts()));
        assert_eq!(record.visitor, TODAY.visitor(SITE, ADDRESS, b"ua"));
        assert_eq!(record.session, Some(TODAY.session(SITE, "s")));
        assert_eq!(open(&record, TODAY), previous(YESTERDAY));
        assert_eq!(open(&record, YESTERDAY), None);
    }
    assert_eq!(record(30, None, Keying::Daily(&salts())).previous, None);
    let first_day = Salts3 { yesterday: None, ..salts() };
    assert_eq!(record(5, None, Keying::Daily(&first_day)).previous, None);
}

#[test]
fn an_event_of_just_before_midnight_belongs_to_yesterday() {
    let record = record(10, Some(DAY * DAY_MS - 60_000), Keying::Daily(&salts()));
    assert_eq!((record.visitor, record.previous), (YESTERDAY.visitor(SITE, ADDRESS, b"ua"), None));
}

#[test]
fn a_clock_ahead_of_midnight_uses_tomorrows_salt_and_seals_under_the_day_of_receipt() {
    let record = record(24 * 60 - 2, Some((DAY + 1) * DAY_MS + 60_000), Keying::Daily(&salts()));
    assert_eq!(record.visitor, TOMORROW.visitor(SITE, ADDRESS, b"ua"));
    assert_eq!(open(&record, TODAY), previous(TODAY));
}

#[test]
fn a_backdated_event_uses_the_salt_of_receipt_with_its_own_day() {
    let same_day = record(12 * 60, Some(DAY * DAY_MS + 3_600_000), Keying::Daily(&salts()));
    assert_eq!(same_day.visitor, TODAY.visitor(SITE, ADDRESS, b"ua"));
    let long_ago = record(12 * 60, Some((DAY - 100) * DAY_MS + 60_000), Keying::Daily(&salts()));
    assert_eq!(long_ago.visitor, TODAY.on_day(DAY - 100).visitor(SITE, ADDRESS, b"ua"));
    assert_eq!(open(&long_ago, TODAY), previous(TODAY.on_day(DAY - 101)));
}

#[test]
fn an_import_has_days_of_its_own() {
    let job = Salt::new([9; 16]);
    let record = record(12 * 60, Some((DAY - 100) * DAY_MS + 60_000), Keying::Import(job));
    assert_eq!(record.visitor, job.on_day(DAY - 100).visitor(SITE, ADDRESS, b"ua"));
    assert_eq!(open(&record, job), previous(job.on_day(DAY - 101)));
}
