//! The text of every kind of statement. A change here is a change of what is asked of the store: read it as such.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed expectation is how a test fails")]

use footfall_model::SiteId;
use footfall_query::{
    Param, Range, Scope, Sql,
    behaviour::{Funnel, Identity, Journey, Retention, Start, funnel, journey, retention},
    language::channel_rule,
    question::{Condition, Contrast, Dimension, Goal, Key, Leaf, Metric, Op, Place, Question, contrast, goal::CompletedBy, statement},
    sql,
};
use uuid::Uuid;

const RANGE: Range = Range { from: 1_790_812_800_000, to: 1_793_404_800_000 };
const STRIP: [Metric; 6] =
    [Metric::Visitors, Metric::Visits, Metric::Pageviews, Metric::ViewsPerVisit, Metric::BounceRate, Metric::VisitDuration];
const PANEL: [Metric; 3] = [Metric::Visitors, Metric::Pageviews, Metric::Percentage];

fn scope() -> Scope {
    Scope::authorised(SiteId(Uuid::from_u128(7)))
}

fn show(sql: &Sql) -> String {
    let params: Vec<String> = sql
        .params
        .iter()
        .map(|(name, value)| match value {
            Param::Texts(list) if list.len() > 6 => format!("{name} = {} texts", list.len()),
            Param::Ints(list) if list.len() > 6 => format!("{name} = {} numbers", list.len()),
            other => format!("{name} = {other:?}"),
        })
        .collect();
    // One select a line reads better; the store does not mind.
    let text = sql.text.replace(" FROM (SELECT", "\n FROM (SELECT").replace(" UNION ALL SELECT", "\n UNION ALL SELECT");
    format!("{text}\n\n{}", params.join("\n"))
}

fn of(question: &Question) -> String {
    show(&statement(scope(), question).unwrap().sql)
}

fn dimension(name: &str) -> Dimension {
    Dimension::named(name).unwrap()
}

fn is(name: &str, value: &str) -> Condition {
    Condition::Leaf(Leaf { op: Op::Is, dimension: dimension(name), values: vec![value.to_owned()], case_sensitive: true })
}

fn signup() -> Goal {
    Goal { name: "Sign-up".to_owned(), by: CompletedBy::Event("signup".to_owned()), props: Vec::new(), currency: Some("EUR".to_owned()) }
}

#[test]
fn what_changed_most() {
    let now = Question { condition: is("visit:country", "DE"), ..Question::totals([Metric::Visitors], RANGE) };
    let now = now.by(Key::By(dimension("visit:source")), 1, 0);
    let then = Question { range: Range { from: RANGE.from - RANGE.length(), to: RANGE.from }, ..now.clone() };
    let asked = Contrast { now: &now, then: &then, least: 3, limit: 20 };
    insta::assert_snapshot!("what_changed_most", show(&contrast(scope(), &asked).unwrap()));
    let rate = Question { metrics: vec![Metric::BounceRate], ..now.clone() };
    assert!(contrast(scope(), &Contrast { now: &rate, ..asked.clone() }).is_err());
    assert!(contrast(scope(), &Contrast { then: &Question::totals([Metric::Visitors], RANGE), ..asked }).is_err());
}

#[test]
fn of_a_domain() {
    insta::assert_snapshot!("event_count", show(&sql::event_count(scope(), RANGE)));
    insta::assert_snapshot!("first_event", show(&sql::first_event(scope())));
    insta::assert_snapshot!("left_out", show(&sql::left_out(scope(), RANGE)));
}

#[test]
fn of_what_does_not_count() {
    insta::assert_snapshot!("fates", show(&sql::fates(scope(), RANGE, &[RANGE.from, RANGE.from + 86_400_000])));
    insta::assert_snapshot!("last_drops", show(&sql::last_drops(scope(), RANGE, 20)));
    insta::assert_snapshot!("last_dead_letters", show(&sql::last_dead_letters(scope(), RANGE, 20)));
}

#[test]
fn totals() {
    let cut = Some(RANGE.to - 1_800_000);
    insta::assert_snapshot!("strip", of(&Question::totals(STRIP, RANGE)));
    insta::assert_snapshot!("strip_cut", of(&Question { cut, ..Question::totals(STRIP, RANGE) }));
    insta::assert_snapshot!("events_cut", of(&Question { cut, ..Question::totals([Metric::Pageviews, Metric::Events], RANGE) }));
    insta::assert_snapshot!("visits", of(&Question::totals([Metric::Visits], RANGE)));
}

#[test]
fn by_keys() {
    let by = |name: &str| of(&Question::totals(PANEL, RANGE).by(Key::By(dimension(name)), 10, 20));
    insta::assert_snapshot!("by_page", by("event:page"));
    let routes = Key::By(Dimension::Route(vec!["/blog/:slug".to_owned(), "/docs/*".to_owned()]));
    insta::assert_snapshot!("by_route", of(&Question::totals([Metric::Visitors, Metric::BounceRate], RANGE).by(routes, 10, 0)));
    insta::assert_snapshot!("by_source", by("visit:source"));
    insta::assert_snapshot!("by_channel", by("visit:channel"));
    let partners = channel_rule("Partners", &[serde_json::json!(["contains", "visit:referrer", ["acme."]])]).unwrap();
    let channels = Key::By(Dimension::Channel(vec![partners]));
    insta::assert_snapshot!("by_channel_of_the_domain", of(&Question::totals(PANEL, RANGE).by(channels, 10, 20)));
    let cities = Key::By(Dimension::PlaceName(Place::City, vec![("2950159".to_owned(), "Berlin".to_owned())]));
    insta::assert_snapshot!("by_city_name", of(&Question::totals([Metric::Visitors], RANGE).by(cities, 10, 0)));
    insta::assert_snapshot!("by_entry_page", by("visit:entry_page"));
    insta::assert_snapshot!("by_property", by("event:props:plan"));
    let time = Key::Time(vec![RANGE.from, RANGE.from + 3_600_000]);
    insta::assert_snapshot!("by_time", of(&Question::totals([Metric::Visitors, Metric::Visits], RANGE).by(time.clone(), 1_000, 0)));
    let mut by_two = Question::totals([Metric::Events, Metric::Percentage], RANGE).by(Key::By(dimension("visit:country")), 10, 0);
    by_two.keys.push(time);
    insta::assert_snapshot!("by_country_and_time", of(&by_two));
    let goals = Key::Goal(vec![signup()]);
    insta::assert_snapshot!("by_goal", of(&Question::totals([Metric::ConversionRate, Metric::TotalRevenue], RANGE).by(goals, 10, 0)));
    let pages = [Metric::BounceRate, Metric::TimeOnPage, Metric::ScrollDepth];
    insta::assert_snapshot!("figures_of_pages", of(&Question::totals(pages, RANGE).by(Key::By(Dimension::Page), 10, 0)));
    insta::assert_snapshot!("exit_rate", of(&Question::totals([Metric::ExitRate], RANGE).by(Key::By(dimension("visit:exit_page")), 10, 0)));
}

#[test]
fn filtered() {
    let filtered = |condition| of(&Question { condition, approximate: true, ..Question::totals(STRIP, RANGE) });
    let of_visits = Condition::Any(vec![is("visit:country", "DE"), Condition::Not(Box::new(is("visit:exit_page", "/")))]);
    insta::assert_snapshot!("filtered_by_visits", filtered(of_visits));
    insta::assert_snapshot!("filtered_by_page", filtered(is("event:page", "/")));
    insta::assert_snapshot!("filtered_by_property", filtered(is("event:props:plan", "pro")));
    insta::assert_snapshot!("filtered_by_goal", filtered(Condition::Goal(vec![signup()])));
    insta::assert_snapshot!("filtered_by_deed", filtered(Condition::HasDone(Box::new(is("event:name", "signup")))));
}

#[test]
fn of_behaviour() {
    let funnel = Funnel {
        steps: vec![is("event:page", "/"), Condition::Goal(vec![signup()])],
        strict: false,
        window_ms: 86_400_000,
        condition: is("visit:country", "DE"),
        by: Some(dimension("visit:source")),
        limit: 10,
    };
    insta::assert_snapshot!("funnel", show(&funnel::statement(scope(), RANGE, &funnel).unwrap()));
    let journey = Journey { start: Start::At(is("event:page", "/")), backward: false, steps: 3, condition: Condition::none(), limit: 10 };
    insta::assert_snapshot!("journey", show(&journey::statement(scope(), RANGE, &journey)));
    for (name, identity) in [("retention_of_users", Identity::User), ("retention_of_visitors", Identity::Visitor)] {
        let retention = Retention { range: RANGE, starts: vec![RANGE.from], identity, condition: Condition::none() };
        insta::assert_snapshot!(name, show(&retention::statement(scope(), &retention)));
    }
    insta::assert_snapshot!("has_users", show(&retention::has_users(scope(), RANGE, &Condition::none())));
}

#[test]
fn what_does_not_go_together_says_so() {
    let by_name = Question::totals([Metric::BounceRate], RANGE).by(Key::By(Dimension::Name), 10, 0);
    assert_eq!(
        statement(scope(), &by_name).unwrap_err().to_string(),
        "figures of visits do not go with dimensions of events other than the page; ask for one of them at a time"
    );
    assert!(statement(scope(), &Question::totals([Metric::TimeOnPage], RANGE)).is_err());
    assert!(statement(scope(), &Question::totals([Metric::ExitRate], RANGE)).is_err());
    assert!(statement(scope(), &Question::totals([Metric::ConversionRate], RANGE)).is_err());
}
