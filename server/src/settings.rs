//! What is configured of a domain beside its name and zone: goals, segments, annotations, custom properties, routes, channels, shields.
//! Checked here for every way in.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use footfall_app::text::country_code;
use footfall_config::Proxies;
use footfall_enrich::url::bare_host;
use footfall_meta::{Goal, GoalKind, List, Meta, MetaError, NewGoal, Shield, ShieldKind};
use footfall_model::SiteId;
use footfall_query::{
    language::{self, Segment, Settings},
    question::{self, goal::CompletedBy},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// Characters of a name.
const NAME_CHARS: usize = 120;
/// Bytes of a path, as the collector takes them.
const PATH_BYTES: usize = 2_000;
/// Characters of a note.
const NOTE_CHARS: usize = 1_000;
/// Goals of a domain.
const MOST_GOALS: usize = 200;
/// Property filters of a goal.
const MOST_PROPS: usize = 3;
/// Custom properties of a domain.
const MOST_PROPERTIES: usize = 300;
/// Bytes of a property's name, as the collector takes them.
const PROPERTY_BYTES: usize = 300;
/// Routes of a domain: each is a regular expression that every path may meet.
const MOST_ROUTES: usize = 100;
/// Bytes of a route.
const ROUTE_BYTES: usize = 300;
/// Rules of channels of a domain: each is asked of every visit.
const MOST_CHANNEL_RULES: usize = 100;
/// Bytes of a rule's filters.
const RULE_BYTES: usize = 10_000;
/// Segments that one person can choose from.
const MOST_SEGMENTS: usize = 200;
/// Shields of a domain: each is asked of every event.
const MOST_SHIELDS: usize = 500;
/// Bytes of a host name.
const HOST_BYTES: usize = 253;

/// Why a setting is refused: the field, and what is wrong with it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {text}")]
pub struct Wrong {
    /// Its name.
    pub field: &'static str,
    /// The rest of a sentence that begins with it.
    pub text: String,
}

fn wrong<T>(field: &'static str, text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { field, text: text.into() })
}

/// What questions about a domain may name, for one person.
///
/// # Errors
/// When the accounts cannot be read.
pub async fn for_questions(meta: &Meta, site: SiteId, person: Option<Uuid>) -> Result<Settings, MetaError> {
    let (goals, segments, routes, channels) =
        tokio::try_join!(meta.goals_of(site), meta.segments_of(site, person), meta.list_of(site, List::Routes), channel_rules(meta, site))?;
    let segments = segments.into_iter().map(|segment| Segment { id: segment.id, filters: segment.filters });
    Ok(Settings { goals: goals.iter().map(in_questions).collect(), segments: segments.collect(), routes, channels })
}

/// The rules of a domain's channels, for questions.
///
/// # Errors
/// When the accounts cannot be read.
pub async fn channel_rules(meta: &Meta, site: SiteId) -> Result<Vec<question::ChannelRule>, MetaError> {
    let rules = stored_rules(&meta.list_of(site, List::Channels).await?)?;
    let read = |rule: AskedRule| {
        language::channel_rule(&rule.channel, &rule.filters)
            .map_err(|text| MetaError::corrupt(format!("a rule of the channel {}: {text}", rule.channel)))
    };
    rules.into_iter().map(read).collect()
}

/// A rule of channels: visits for which all filters hold come by this channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedRule {
    /// The channel's name in reports, also one of those that everybody has.
    pub channel: String,
    /// Filters of `POST /api/v2/query` about where a visit came from; at least one, and none that names a segment.
    #[schema(value_type = Vec<Object>)]
    pub filters: Vec<Value>,
}

/// A list of rules as it is kept.
///
/// # Errors
/// When it cannot be read.
pub fn stored_rules(list: &[String]) -> Result<Vec<AskedRule>, MetaError> {
    let read = |text: &String| serde_json::from_str(text).map_err(|fault| MetaError::corrupt(format!("a rule of channels: {fault}")));
    list.iter().map(read).collect()
}

/// A list of rules of channels with one more, at its end.
///
/// # Errors
/// When it makes no sense, or there are too many.
pub fn with_channel_rule(mut rules: Vec<String>, rule: &AskedRule) -> Result<Vec<String>, Wrong> {
    let rule =
        AskedRule { channel: name(&rule.channel).map_err(|wrong| Wrong { field: "channel", ..wrong })?, filters: rule.filters.clone() };
    language::channel_rule(&rule.channel, &rule.filters).map_err(|text| Wrong { field: "filters", text })?;
    let text = json!(rule).to_string();
    if text.len() > RULE_BYTES {
        return wrong("filters", format!("are longer than {RULE_BYTES} bytes"));
    }
    if !rules.contains(&text) {
        rules.push(text);
    }
    if rules.len() > MOST_CHANNEL_RULES {
        wrong("channel", format!("has a rule too many: there are {MOST_CHANNEL_RULES} at most"))
    } else {
        Ok(rules)
    }
}

fn in_questions(goal: &Goal) -> question::Goal {
    let goal = &goal.goal;
    question::Goal {
        name: goal.name.clone(),
        by: match &goal.kind {
            GoalKind::Event(name) => CompletedBy::Event(name.clone()),
            GoalKind::Page(path) => CompletedBy::Page(path.clone()),
            GoalKind::Scroll { path, depth } => CompletedBy::Scroll { path: path.clone(), depth: *depth },
        },
        props: goal.props.clone().into_iter().collect(),
        currency: goal.currency.clone(),
    }
}

/// A goal as it is asked for: exactly one of event and page.
#[derive(Debug, Default)]
pub struct AskedGoal {
    /// By default made of the rest.
    pub name: Option<String>,
    /// Name of the event.
    pub event: Option<String>,
    /// Pattern of the path.
    pub page: Option<String>,
    /// Percent of the page.
    pub scroll: Option<u64>,
    /// Properties that the event must have.
    pub props: BTreeMap<String, String>,
    /// Of its revenue.
    pub currency: Option<String>,
}

/// Makes a goal of what was asked for.
///
/// # Errors
/// The first thing that is wrong.
pub fn goal(asked: AskedGoal) -> Result<NewGoal, Wrong> {
    let some = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let kind = match (some(asked.event), some(asked.page), asked.scroll) {
        (Some(_), Some(_), _) => return wrong("page", "is given beside an event; a goal is one of both"),
        (Some(_), None, Some(_)) => return wrong("scroll", "needs a page; an event is not scrolled"),
        (Some(event), None, None) if event.len() > NAME_CHARS => return wrong("event", format!("is longer than {NAME_CHARS} bytes")),
        (Some(event), None, None) if event == "engagement" => {
            return wrong("event", "is no goal: engagement carries time and depth of pages alone");
        }
        (Some(event), None, None) => GoalKind::Event(event),
        (None, Some(page), _) if !page.starts_with(['/', '*']) => {
            return wrong("page", format!("`{}` does not begin with `/` or `*`; write for example /blog/*", shortened(&page)));
        }
        (None, Some(page), _) if page.len() > PATH_BYTES => return wrong("page", format!("is longer than {PATH_BYTES} bytes")),
        (None, Some(page), None) => GoalKind::Page(page),
        (None, Some(path), Some(depth)) => match u8::try_from(depth).ok().filter(|depth| (1..=100).contains(depth)) {
            Some(depth) => GoalKind::Scroll { path, depth },
            None => return wrong("scroll", "is a percentage from 1 to 100"),
        },
        (None, None, _) => return wrong("event", "is missing: name an event, or a page"),
    };
    if asked.props.len() > MOST_PROPS {
        return wrong("props", format!("are more than {MOST_PROPS}"));
    }
    if asked.props.keys().any(|key| key.is_empty() || key.len() > PROPERTY_BYTES) {
        return wrong("props", format!("have a name that is empty or longer than {PROPERTY_BYTES} bytes"));
    }
    let currency = match some(asked.currency) {
        Some(code) if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) => Some(code.to_ascii_uppercase()),
        Some(other) => return wrong("currency", format!("`{}` is no three-letter code; write for example EUR", shortened(&other))),
        None => None,
    };
    let name = some(asked.name).unwrap_or_else(|| match &kind {
        GoalKind::Event(name) => name.clone(),
        GoalKind::Page(path) => format!("Visit {path}"),
        GoalKind::Scroll { path, depth } => format!("Scroll {depth}% on {path}"),
    });
    let name: String =
        if name.chars().count() > NAME_CHARS { return wrong("name", format!("is longer than {NAME_CHARS} characters")) } else { name };
    Ok(NewGoal { name, kind, props: asked.props, currency })
}

/// Adds a goal of what was asked for, unless there are too many.
///
/// # Errors
/// When the domain has one of this name, or the most.
pub async fn add_goal(meta: &Meta, site: SiteId, goal: NewGoal) -> Result<Goal, MetaError> {
    if meta.goals_of(site).await?.len() >= MOST_GOALS {
        return Err(MetaError::refused(format!("the domain has {MOST_GOALS} goals, the most there may be; remove one first")));
    }
    meta.create_goal(site, goal).await
}

/// Whether filters may be saved: questions of the domain understand them.
///
/// # Errors
/// What is wrong.
pub fn filters(filters: &[Value], goals: &Settings) -> Result<(), Wrong> {
    if filters.is_empty() {
        return wrong("filters", "are none; a segment has at least one");
    }
    let question = json!({ "site_id": "", "metrics": ["visitors"], "date_range": "day", "filters": filters });
    let known = Settings { goals: goals.goals.clone(), ..Settings::default() };
    match question.as_object().map(|question| language::parse(question, &known, |_| Ok(()))) {
        Some(Err(text)) => wrong("filters", text),
        _ => Ok(()),
    }
}

/// Saves filters that were checked, unless there are too many.
///
/// # Errors
/// When those who may use it have the most.
pub async fn add_segment(
    meta: &Meta,
    site: SiteId,
    owner: Option<Uuid>,
    name: &str,
    filters: Vec<Value>,
) -> Result<footfall_meta::Segment, MetaError> {
    if meta.segments_of(site, owner).await?.len() >= MOST_SEGMENTS {
        return Err(MetaError::refused(format!("there are {MOST_SEGMENTS} segments, the most there may be; remove one first")));
    }
    meta.create_segment(site, owner, name, filters).await
}

/// A name of a segment, without space around it.
///
/// # Errors
/// When it is empty or too long.
pub fn name(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    match text.chars().count() {
        0 => wrong("name", "is empty"),
        1..=NAME_CHARS => Ok(text.to_owned()),
        _ => wrong("name", format!("is longer than {NAME_CHARS} characters")),
    }
}

/// A note.
///
/// # Errors
/// When it is empty or too long.
pub fn note(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    match text.chars().count() {
        0 => wrong("note", "is empty"),
        1..=NOTE_CHARS => Ok(text.to_owned()),
        _ => wrong("note", format!("is longer than {NOTE_CHARS} characters")),
    }
}

/// A moment, RFC 3339.
///
/// # Errors
/// When it is none.
pub fn moment(text: &str) -> Result<DateTime<Utc>, Wrong> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => within_reason(at.with_timezone(&Utc), "at"),
        Err(_) => wrong("at", "is a time such as 2026-05-04T12:00:00+02:00"),
    }
}

/// A moment by the clocks of a zone: `YYYY-MM-DD`, and `HH:MM` with or without seconds; without a time the day's beginning. Of an hour
/// that comes twice it is the first.
///
/// # Errors
/// When it is none, or the clocks skip it.
pub fn local_moment(day: &str, time: &str, zone: Tz) -> Result<DateTime<Utc>, Wrong> {
    let (day, time) = (day.trim(), time.trim());
    let Some(date) = day.parse::<NaiveDate>().ok().filter(|_| day.len() == "2026-05-04".len()) else {
        return wrong("day", format!("`{}` is no date; write it as 2026-05-04", shortened(day)));
    };
    if time.is_empty() {
        // Where midnight is skipped the day begins with the first minute that there is.
        let begins = (0..24 * 60).filter_map(|minute| NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0));
        let begins = begins.filter_map(|time| zone.from_local_datetime(&date.and_time(time)).earliest()).next();
        return begins
            .map(|at| at.to_utc())
            .ok_or_else(|| Wrong { field: "day", text: format!("`{day}` never was in {zone}; choose another day") });
    }
    let Some(clock) = ["%H:%M", "%H:%M:%S%.f"].iter().find_map(|form| NaiveTime::parse_from_str(time, form).ok()) else {
        return wrong("time", format!("`{}` is no time; write it as 14:30", shortened(time)));
    };
    match zone.from_local_datetime(&date.and_time(clock)).earliest() {
        Some(at) => Ok(at.to_utc()),
        None => wrong("time", format!("`{time}` is skipped by the clocks of {zone} on that day; choose another time")),
    }
}

/// A moment of a note, by the clocks of a zone, as [`local_moment`].
///
/// # Errors
/// When it is none, or one at which nothing was measured.
pub fn noted_moment(day: &str, time: &str, zone: Tz) -> Result<DateTime<Utc>, Wrong> {
    within_reason(local_moment(day, time, zone)?, "day")
}

/// The first year that a note may be of: nothing was measured before.
const FIRST_YEAR: i32 = 2000;

/// A moment that a note may stand at: from 2000 to a year from now.
fn within_reason(at: DateTime<Utc>, field: &'static str) -> Result<DateTime<Utc>, Wrong> {
    if at.year() >= FIRST_YEAR && at <= Utc::now() + TimeDelta::days(366) {
        return Ok(at);
    }
    wrong(field, format!("{} is out of reach; choose a day from {FIRST_YEAR} to a year from now", at.date_naive()))
}

/// What a shield looks for, in the form in which it is kept.
///
/// # Errors
/// When it cannot be of this kind.
pub fn shield(kind: ShieldKind, value: &str) -> Result<String, Wrong> {
    let value = value.trim();
    let got = shortened(value);
    match kind {
        ShieldKind::Ip => match value.parse::<Proxies>() {
            Ok(networks) if networks.0.len() == 1 && !value.contains(',') => Ok(value.to_owned()),
            _ => wrong("value", format!("`{got}` is no address; write one such as 203.0.113.7, or a network such as 203.0.113.0/24")),
        },
        ShieldKind::Country => match country_code(value) {
            Some(code) => Ok(code),
            None => wrong("value", format!("`{got}` is no country; write its name or its code of two letters, such as Germany or DE")),
        },
        ShieldKind::Path if !value.starts_with(['/', '*']) || value.len() > PATH_BYTES => {
            wrong("value", format!("`{got}` is no path; begin with / or *, for example /admin*, in at most {PATH_BYTES} bytes"))
        }
        // The paths of events end without a slash.
        ShieldKind::Path => Ok(if value.len() > 1 { value.trim_end_matches('/') } else { value }.to_owned()),
        ShieldKind::Host => {
            let host = bare_host(value);
            let goes = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte);
            if host.is_empty() || value.len() > HOST_BYTES || !host.bytes().all(goes) {
                wrong("value", format!("`{got}` is no host name; write one such as example.org, or *.example.org for all below"))
            } else {
                Ok(host)
            }
        }
    }
}

/// Adds a shield, unless there are too many.
///
/// # Errors
/// When the domain has it already, or the most.
pub async fn add_shield(meta: &Meta, site: SiteId, kind: ShieldKind, value: &str) -> Result<Shield, MetaError> {
    if meta.shields_of(site).await?.len() >= MOST_SHIELDS {
        return Err(MetaError::refused(format!("the domain has {MOST_SHIELDS} shields, the most there may be; remove one first")));
    }
    meta.create_shield(site, kind, value).await
}

/// The beginning of what was sent, to be shown in a fault.
fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

/// A list of custom properties with one more.
///
/// # Errors
/// When its name cannot be, or there are too many.
pub fn with_property(mut properties: Vec<String>, name: &str) -> Result<Vec<String>, Wrong> {
    let name = name.trim();
    if name.is_empty() || name.len() > PROPERTY_BYTES {
        return wrong("property", format!("is empty or longer than {PROPERTY_BYTES} bytes"));
    }
    if !properties.iter().any(|known| known == name) {
        properties.push(name.to_owned());
    }
    if properties.len() > MOST_PROPERTIES {
        wrong("property", format!("would be one of more than {MOST_PROPERTIES}"))
    } else {
        Ok(properties)
    }
}

/// A list of routes with one more, at its end.
///
/// # Errors
/// When it is none, or there are too many.
pub fn with_route(mut routes: Vec<String>, pattern: &str) -> Result<Vec<String>, Wrong> {
    let pattern = pattern.trim();
    let is_name = |part: &str| {
        let name = part.strip_prefix(':').unwrap_or_default();
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if !pattern.starts_with('/') || pattern.len() > ROUTE_BYTES {
        return wrong("route", format!("`{}` must begin with / and have at most {ROUTE_BYTES} bytes", shortened(pattern)));
    }
    if !pattern.contains('*') && !pattern.split('/').any(is_name) {
        return wrong(
            "route",
            format!(
                "`{}` stands for one page only; write /blog/:slug for all pages of one kind, or /docs/* for all below",
                shortened(pattern)
            ),
        );
    }
    if let Some(part) = pattern.split('/').find(|part| part.starts_with(':') && !is_name(part)) {
        return wrong("route", format!("has the part {part}; a name is made of letters, digits and _"));
    }
    if !routes.iter().any(|known| known == pattern) {
        routes.push(pattern.to_owned());
    }
    if routes.len() > MOST_ROUTES { wrong("route", format!("would be one of more than {MOST_ROUTES}")) } else { Ok(routes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_stands_for_many_pages() {
        let with = |pattern| with_route(vec!["/a/:b".to_owned()], pattern).map_err(|wrong| wrong.text);
        assert_eq!(with(" /blog/:slug "), Ok(vec!["/a/:b".to_owned(), "/blog/:slug".to_owned()]));
        assert_eq!(with("/a/:b").map(|routes| routes.len()), Ok(1), "once is enough");
        assert!(with("/docs/*").is_ok());
        for (pattern, says) in [
            ("blog/:slug", "must begin with /"),
            ("/about", "stands for one page only"),
            ("/", "stands for one page only"),
            ("/a/:", "stands for one page only"),
            ("/*/:", "a name is made of letters"),
            ("/:a-b/:c", "a name is made of letters"),
            (&format!("/:a/{}", "x".repeat(ROUTE_BYTES)), "at most 300 bytes"),
        ] {
            let text = with(pattern).unwrap_err();
            assert!(text.contains(says), "{pattern}: {text}");
        }
        let full: Vec<String> = (0..MOST_ROUTES).map(|index| format!("/{index}/:a")).collect();
        assert_eq!(with_route(full, "/more/:a").unwrap_err().text, "would be one of more than 100");
    }

    #[test]
    fn a_goal_is_one_thing() {
        let asked = |event: Option<&str>, page: Option<&str>, scroll| AskedGoal {
            event: event.map(str::to_owned),
            page: page.map(str::to_owned),
            scroll,
            ..AskedGoal::default()
        };
        let field = |asked| goal(asked).map(|goal| goal.name).map_err(|wrong| wrong.field);
        assert_eq!(field(asked(Some(" Signup "), None, None)), Ok("Signup".to_owned()));
        assert_eq!(field(asked(None, Some("/blog/*"), None)), Ok("Visit /blog/*".to_owned()));
        assert_eq!(field(asked(None, Some("/blog/*"), Some(60))), Ok("Scroll 60% on /blog/*".to_owned()));
        assert_eq!(field(asked(Some("a"), Some("/b"), None)), Err("page"));
        assert_eq!(field(asked(Some("a"), None, Some(5))), Err("scroll"));
        assert_eq!(field(asked(None, Some("/b"), Some(101))), Err("scroll"));
        assert_eq!(field(asked(None, Some("b"), None)), Err("page"));
        assert_eq!(field(asked(Some(" "), None, None)), Err("event"));
        assert_eq!(field(asked(Some("engagement"), None, None)), Err("event"));
        let paid = AskedGoal { currency: Some("euro".to_owned()), ..asked(Some("Buy"), None, None) };
        assert_eq!(field(paid), Err("currency"));
    }

    #[test]
    fn a_shield_is_kept_in_the_form_in_which_it_is_asked() {
        for (kind, value, kept) in [
            (ShieldKind::Ip, " 203.0.113.7 ", "203.0.113.7"),
            (ShieldKind::Ip, "2001:db8::/32", "2001:db8::/32"),
            (ShieldKind::Country, "germany", "DE"),
            (ShieldKind::Country, "de", "DE"),
            (ShieldKind::Path, "/admin/", "/admin"),
            (ShieldKind::Path, "/", "/"),
            (ShieldKind::Path, "*/edit", "*/edit"),
            (ShieldKind::Host, "WWW.Example.org", "example.org"),
            (ShieldKind::Host, "*.example.org", "*.example.org"),
        ] {
            assert_eq!(shield(kind, value).as_deref(), Ok(kept));
        }
        for (kind, value) in [
            (ShieldKind::Ip, ""),
            (ShieldKind::Ip, "10.0.0.1,10.0.0.2"),
            (ShieldKind::Ip, "10.0.0.0/33"),
            (ShieldKind::Country, "Atlantis"),
            (ShieldKind::Path, "admin"),
            (ShieldKind::Host, ""),
            (ShieldKind::Host, "https://example.org"),
            (ShieldKind::Host, "a b"),
        ] {
            let text = shield(kind, value).unwrap_err().to_string();
            assert!(text.starts_with(&format!("value `{value}` is no ")), "{text}");
        }
    }

    #[test]
    fn a_moment_is_by_the_clocks_of_its_zone() {
        let at = |day, time| noted_moment(day, time, Tz::Europe__Berlin).map(|at| at.to_rfc3339()).map_err(|wrong| wrong.field);
        assert_eq!(at("2026-05-04", "12:00"), Ok("2026-05-04T10:00:00+00:00".to_owned()));
        assert_eq!(at("2026-05-04", ""), Ok("2026-05-03T22:00:00+00:00".to_owned()));
        assert_eq!(at("2026-10-25", "02:30"), Ok("2026-10-25T00:30:00+00:00".to_owned()), "the first of two");
        assert_eq!(at("2026-03-29", "02:30"), Err("time"), "skipped");
        assert_eq!(at("2026-05-04", "noon"), Err("time"));
        assert_eq!([at("0001-01-01", ""), at("1999-12-31", "12:00"), at("9999-01-01", "")], [Err("day"), Err("day"), Err("day")]);
        assert_eq!(at("4.5.2026", "12:00"), Err("day"));
        let skipped = local_moment("2018-11-04", "", Tz::America__Sao_Paulo).map(|at| at.to_rfc3339());
        assert_eq!(skipped, Ok("2018-11-04T03:00:00+00:00".to_owned()), "a day without midnight");
    }
}
