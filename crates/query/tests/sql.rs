//! The text of every kind of statement. A change here is a change of what is asked of the store: read it as such.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed expectation is how a test fails")]

use footfall_model::{SiteId, report::Dimension};
use footfall_query::{Filter, Group, Param, Query, Range, Scope, Sql, filter::Op, sql};
use uuid::Uuid;

const RANGE: Range = Range { from: 1_790_812_800_000, to: 1_793_404_800_000 };

fn scope() -> Scope {
    Scope::authorised(SiteId(Uuid::from_u128(7)))
}

fn show(sql: &Sql) -> String {
    let params: Vec<String> = sql
        .params
        .iter()
        .map(|(name, value)| match value {
            Param::Texts(list) if list.len() > 6 => format!("{name} = {} texts", list.len()),
            other => format!("{name} = {other:?}"),
        })
        .collect();
    format!("{}\n\n{}", sql.text, params.join("\n"))
}

#[test]
fn totals() {
    let query = Query::totals(RANGE);
    insta::assert_snapshot!("events_totals", show(&sql::events(scope(), &query).unwrap()));
    let cut = Query { cut: Some(RANGE.to - 1_800_000), ..query.clone() };
    insta::assert_snapshot!("events_totals_cut", show(&sql::events(scope(), &cut).unwrap()));
    insta::assert_snapshot!("visits_totals", show(&sql::visits(scope(), &query).unwrap()));
    insta::assert_snapshot!("overview_cut", show(&sql::overview(scope(), &cut).unwrap()));
    insta::assert_snapshot!("event_count", show(&sql::event_count(scope(), &query)));
    insta::assert_snapshot!("first_event", show(&sql::first_event(scope())));
}

#[test]
fn by_time() {
    let query = Query::totals(RANGE).by(Group::Time(vec![RANGE.from, RANGE.from + 3_600_000]), 1_000, 0);
    insta::assert_snapshot!("events_by_time", show(&sql::events(scope(), &query).unwrap()));
    insta::assert_snapshot!("visits_by_time", show(&sql::visits(scope(), &query).unwrap()));
}

#[test]
fn by_dimension() {
    let by = |dimension| Query::totals(RANGE).by(Group::By(dimension), 10, 20);
    insta::assert_snapshot!("events_by_page", show(&sql::events(scope(), &by(Dimension::Page)).unwrap()));
    insta::assert_snapshot!("events_by_source", show(&sql::events(scope(), &by(Dimension::Source)).unwrap()));
    insta::assert_snapshot!("events_by_channel", show(&sql::events(scope(), &by(Dimension::Channel)).unwrap()));
    insta::assert_snapshot!("events_by_entry_page", show(&sql::events(scope(), &by(Dimension::EntryPage)).unwrap()));
    insta::assert_snapshot!("visits_by_exit_page", show(&sql::visits(scope(), &by(Dimension::ExitPage)).unwrap()));
}

#[test]
fn filtered() {
    let query = Query { approximate: true, ..Query::totals(RANGE) }
        .only(Filter::new(Op::Is, Dimension::Country, ["DE".to_owned(), "AT".to_owned(), "DE".to_owned()]))
        .only(Filter::new(Op::IsNot, Dimension::Source, ["Direct / None".to_owned()]))
        .normalised();
    insta::assert_snapshot!("events_filtered", show(&sql::events(scope(), &query).unwrap()));
    insta::assert_snapshot!("visits_filtered", show(&sql::visits(scope(), &query).unwrap()));
}

#[test]
fn what_comes_from_outside_is_never_text() {
    let evil = "'; DROP TABLE events; --{p0:UUID}";
    let query =
        Query::totals(RANGE).by(Group::By(Dimension::Channel), 5, 0).only(Filter::new(Op::Is, Dimension::Browser, [evil.to_owned()]));
    for sql in [sql::events(scope(), &query).unwrap(), sql::visits(scope(), &query).unwrap()] {
        assert!(!sql.text.contains("DROP TABLE"));
        assert!(sql.params.iter().any(|(_, value)| *value == Param::Texts(vec![evil.to_owned()])));
    }
}

#[test]
fn what_is_not_offered_yet_says_so() {
    let by_page = Query::totals(RANGE).by(Group::By(Dimension::Page), 10, 0);
    assert_eq!(
        sql::visits(scope(), &by_page).unwrap_err().to_string(),
        "visit figures by page follow other rules; ask for one of them at a time"
    );
    let mixed = Query::totals(RANGE).only(Filter::new(Op::Is, Dimension::Page, ["/".to_owned()]));
    assert!(sql::visits(scope(), &mixed).is_err());
    assert!(sql::events(scope(), &mixed).is_ok());
    assert!(sql::overview(scope(), &mixed).is_err());
    assert!(sql::overview(scope(), &by_page).is_err());
}
