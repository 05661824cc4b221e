//! The settings of a domain for its pages: the same checks and changes as the API's.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use footfall_app::{
    parts::settings::CLEARED,
    settings::{
        Annotation, Channel, CompletedBy, Entry, Goal, Link, Listed, MadeLink, Outcome, Prop, Property, Route, Section, Segment, Settings,
        Shield, ShieldOf,
    },
    types::{AppError, Viewer},
};
use footfall_enrich::channel;
use footfall_meta::{GoalKind, List, Meta, MetaError, SharedLink, ShieldKind, Site, SiteChange, token::random_token};
use serde_json::json;

use super::{ServerBackend, failed, segments};
use crate::{
    api::domains::{parse_domain, parse_timezone},
    auth::SiteScope,
    links::{self, AskedLink, NotMade},
    removal,
    settings::{self, AskedGoal, AskedRule, Wrong},
};

/// How long it is known what came of a form. Whoever follows a redirect is there at once; this is for who comes back to the page.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// Bytes of what is kept: more than any form that is not refused has.
const MOST_KEPT: usize = 64 << 10;

impl ServerBackend {
    pub(super) async fn settings_of(&self, viewer: &Viewer, scope: &SiteScope, section: Section) -> Result<Settings, AppError> {
        let site = scope.info();
        let channels = match section {
            Section::Channels => channel::Channel::ALL.iter().map(|channel| channel.name().to_owned()).collect(),
            _ => Vec::new(),
        };
        let segments = match section {
            Section::Sharing => segments_of(&self.app.meta, scope).await?,
            _ => Vec::new(),
        };
        Ok(Settings {
            site: self.describe(scope, site.domain.to_string()).await?,
            former: site
                .former
                .as_ref()
                .map(|former| (former.domain.to_string(), former.until.with_timezone(&site.timezone).format("%Y-%m-%d %H:%M").to_string())),
            added: site.created_at.with_timezone(&site.timezone).date_naive().to_string(),
            entries: self.entries(viewer, scope, section).await?,
            channels,
            segments,
        })
    }

    async fn shared_links(&self, scope: &SiteScope) -> Result<Vec<Listed>, AppError> {
        let links = self.app.meta.links_of(scope.site()).await.map_err(failed)?;
        let segments = segments_of(&self.app.meta, scope).await?;
        let listed = |link: SharedLink| {
            let number = link.segment.map(|number| number.to_string()).unwrap_or_default();
            let made = MadeLink {
                address: links::address(&self.app, &link),
                has_password: link.password_hash.is_some(),
                is_over: link.is_over(Utc::now()),
                segment: segments.iter().find(|(known, _)| *known == number).map(|(_, name)| name.clone()),
            };
            let until = links::until(&link, scope.info().timezone).unwrap_or_default();
            let shown = Link { name: link.name, password: String::new(), until, segment: number, public: link.is_public, made };
            Listed { key: link.id.to_string(), entry: Entry::Link(shown) }
        };
        Ok(links.into_iter().map(listed).collect())
    }

    /// What is set in a section, in its order.
    async fn entries(&self, viewer: &Viewer, scope: &SiteScope, section: Section) -> Result<Vec<Listed>, AppError> {
        let (meta, site) = (&self.app.meta, scope.site());
        let listed = |key: String, entry| Listed { key, entry };
        Ok(match section {
            Section::General | Section::Snippet | Section::Danger => Vec::new(),
            Section::Sharing => self.shared_links(scope).await?,
            Section::Goals => {
                let goals = meta.goals_of(site).await.map_err(failed)?;
                goals.into_iter().map(|goal| listed(goal.id.to_string(), Entry::Goal(shown_goal(goal.goal)))).collect()
            }
            Section::Shields => {
                let shields = meta.shields_of(site).await.map_err(failed)?;
                let entry = |shield: footfall_meta::Shield| Entry::Shield(Shield { of: shown_kind(shield.kind), value: shield.value });
                shields.into_iter().map(|shield| listed(shield.id.to_string(), entry(shield))).collect()
            }
            Section::Annotations => {
                let notes = meta.annotations_of(site).await.map_err(failed)?;
                let zone = scope.info().timezone;
                notes
                    .into_iter()
                    .rev()
                    .map(|note| listed(note.id.to_string(), Entry::Annotation(shown_note(note.at, zone, note.note))))
                    .collect()
            }
            Section::Properties => {
                let names = meta.list_of(site, List::Properties).await.map_err(failed)?;
                names.into_iter().map(|name| listed(name.clone(), Entry::Property(Property { name }))).collect()
            }
            Section::Routes => {
                let patterns = meta.list_of(site, List::Routes).await.map_err(failed)?;
                let entry = |(at, pattern): (usize, &String)| Entry::Route(Route { pattern: pattern.clone(), at: Some(at) });
                patterns.iter().enumerate().map(|(at, pattern)| listed(pattern.clone(), entry((at, pattern)))).collect()
            }
            Section::Segments => {
                let segments = meta.segments_of(site, viewer.user).await.map_err(failed)?;
                segments.into_iter().map(|segment| listed(segment.id.to_string(), Entry::Segment(segments::listed(segment)))).collect()
            }
            Section::Channels => {
                let texts = meta.list_of(site, List::Channels).await.map_err(failed)?;
                let rules = settings::stored_rules(&texts).map_err(failed)?;
                let entry = |at, rule: &AskedRule| {
                    Entry::Channel(Channel {
                        channel: rule.channel.clone(),
                        filters: json!(rule.filters).to_string(),
                        at: Some(at),
                        ..Channel::default()
                    })
                };
                texts.iter().zip(&rules).enumerate().map(|(at, (text, rule))| listed(text.clone(), entry(at, rule))).collect()
            }
        })
    }

    pub(super) async fn add(&self, viewer: &Viewer, scope: &SiteScope, entry: &Entry) -> Result<Entry, AppError> {
        let (meta, site) = (&self.app.meta, scope.site());
        match entry {
            Entry::Goal(asked) => {
                let goal = settings::goal(asked_goal(asked)?).map_err(invalid)?;
                let added = settings::add_goal(meta, site, goal).await.map_err(|error| refused("name", error))?;
                Ok(Entry::Goal(shown_goal(added.goal)))
            }
            Entry::Shield(Shield { of, value }) => {
                let kind = stored_kind(*of);
                let value = settings::shield(kind, value).map_err(invalid)?;
                let added = settings::add_shield(meta, site, kind, &value).await.map_err(|error| refused("value", error))?;
                Ok(Entry::Shield(Shield { of: *of, value: added.value }))
            }
            Entry::Annotation(Annotation { day, time, note }) => {
                let zone = scope.info().timezone;
                let (note, at) = (settings::note(note).map_err(invalid)?, settings::noted_moment(day, time, zone).map_err(invalid)?);
                let added = meta.create_annotation(site, at, &note).await.map_err(failed)?;
                Ok(Entry::Annotation(shown_note(added.at, zone, added.note)))
            }
            Entry::Segment(asked) => Ok(Entry::Segment(self.set_segment(viewer, scope, asked).await?)),
            Entry::Link(asked) => {
                let Link { name, password, until, segment, public, .. } = asked.clone();
                let none = |segment: &str| of_field("segment", format!("`{segment}` is none of the domain's segments"));
                let number = match segment.trim() {
                    "" => None,
                    text => Some(text.parse().map_err(|_| none(text))?),
                };
                let asked = AskedLink { name, password: Some(password), until: Some(until), segment: number, public };
                let added = links::add(meta, scope.info(), asked).await.map_err(|fault| match fault {
                    NotMade::Wrong(wrong) => invalid(wrong),
                    NotMade::Meta(error) => refused("name", error),
                })?;
                Ok(Entry::Link(Link { name: added.name, ..Link::default() }))
            }
            Entry::Property(Property { name }) => {
                self.change_list(scope, List::Properties, |known| {
                    one_more(already("property"), known, None, |known| settings::with_property(known, name))
                })
                .await?;
                Ok(entry.clone())
            }
            Entry::Route(Route { pattern, at }) => {
                self.change_list(scope, List::Routes, |known| {
                    one_more(already("route"), known, *at, |known| settings::with_route(known, pattern))
                })
                .await?;
                Ok(entry.clone())
            }
            Entry::Channel(asked) => {
                let filters = asked.condition().map_err(|text| invalid(Wrong { field: "filters", text }))?;
                let rule = AskedRule { channel: asked.channel.clone(), filters };
                self.change_list(scope, List::Channels, |known| {
                    one_more(already("channel"), known, asked.at, |known| settings::with_channel_rule(known, &rule))
                })
                .await?;
                Ok(entry.clone())
            }
        }
    }

    pub(super) async fn remove(&self, viewer: &Viewer, scope: &SiteScope, section: Section, key: &str) -> Result<Entry, AppError> {
        let (meta, site) = (&self.app.meta, scope.site());
        let found = self.entries(viewer, scope, section).await?.into_iter().find(|listed| listed.key == key).ok_or_else(gone)?;
        let was_there = match section {
            Section::General | Section::Snippet | Section::Danger => false,
            Section::Segments => meta.delete_segment(site, viewer.user, key.parse().map_err(|_| gone())?).await.map_err(failed)?,
            Section::Sharing => meta.delete_link(site, key.parse().map_err(|_| gone())?).await.map_err(failed)?,
            Section::Goals => meta.delete_goal(site, key.parse().map_err(|_| gone())?).await.map_err(failed)?,
            Section::Shields => meta.delete_shield(site, key.parse().map_err(|_| gone())?).await.map_err(failed)?,
            Section::Annotations => meta.delete_annotation(site, key.parse().map_err(|_| gone())?).await.map_err(failed)?,
            Section::Properties | Section::Routes | Section::Channels => {
                let without = |known: Vec<String>| Ok(known.into_iter().filter(|known| known != key).collect());
                self.change_list(scope, list_of(section)?, without).await?;
                true
            }
        };
        if !was_there {
            return Err(gone());
        }
        // Added again a segment is another one.
        Ok(match found.entry {
            Entry::Segment(segment) => Entry::Segment(Segment { id: String::new(), ..segment }),
            entry => entry,
        })
    }

    pub(super) async fn moved(
        &self,
        viewer: &Viewer,
        scope: &SiteScope,
        section: Section,
        key: &str,
        earlier: bool,
    ) -> Result<Entry, AppError> {
        let found = self.entries(viewer, scope, section).await?.into_iter().find(|listed| listed.key == key).ok_or_else(gone)?;
        self.change_list(scope, list_of(section)?, |mut known| {
            if let Some(at) = known.iter().position(|known| known == key) {
                let to = if earlier { at.saturating_sub(1) } else { (at + 1).min(known.len() - 1) };
                known.swap(at, to);
            }
            Ok(known)
        })
        .await?;
        Ok(found.entry)
    }

    /// Changes a list, unless what is asked for is wrong.
    async fn change_list(
        &self,
        scope: &SiteScope,
        list: List,
        change: impl FnOnce(Vec<String>) -> Result<Vec<String>, Wrong> + Send,
    ) -> Result<(), AppError> {
        let mut fault = None;
        let changed = self.app.meta.change_list(scope.site(), list, |known| {
            change(known).map_err(|wrong| {
                let refused = MetaError::refused(wrong.to_string());
                fault = Some(wrong);
                refused
            })
        });
        match (changed.await, fault) {
            (_, Some(wrong)) => Err(invalid(wrong)),
            (Err(error), None) => Err(failed(error)),
            (Ok(_), None) => Ok(()),
        }
    }

    pub(super) async fn change_zone(&self, scope: &SiteScope, timezone: &str) -> Result<String, AppError> {
        let zone = parse_timezone(timezone).map_err(|error| of_field("timezone", error.message()))?;
        let before = scope.info().timezone.name().to_owned();
        let change = SiteChange { domain: None, timezone: Some(zone) };
        self.app.meta.change_site(scope.site(), change).await.map_err(failed)?;
        Ok(before)
    }

    pub(super) async fn delete(&self, scope: &SiteScope, confirmed: &str) -> Result<(), AppError> {
        confirm(scope.info(), confirmed, "confirmed")?;
        self.app.meta.hide_site(scope.site(), Utc::now()).await.map_err(failed).map(drop)
    }

    pub(super) async fn clear(&self, scope: &SiteScope, confirmed: &str) -> Result<bool, AppError> {
        confirm(scope.info(), confirmed, CLEARED)?;
        removal::clear(&self.app, scope.site()).await.map_err(|error| match error {
            MetaError::Refused(text) => of_field(CLEARED, text),
            other => failed(other),
        })
    }

    pub(super) async fn rename(&self, scope: &SiteScope, name: &str) -> Result<String, AppError> {
        let domain = parse_domain(name).map_err(|error| of_field("domain", error.message()))?;
        let change = SiteChange { domain: Some(domain), timezone: None };
        let site = self.app.meta.change_site(scope.site(), change).await.map_err(|error| refused("domain", error))?;
        Ok(site.domain.to_string())
    }

    pub(super) async fn keep(&self, viewer: &Viewer, outcome: &Outcome) -> Option<String> {
        let key = random_token();
        let text = serde_json::to_vec(outcome).ok().filter(|text| text.len() <= MOST_KEPT)?;
        self.app.live.put(&place(viewer, &key)?, text.into(), KEPT).await.ok()?;
        Some(key)
    }

    pub(super) async fn kept(&self, viewer: &Viewer, key: &str) -> Option<Outcome> {
        // Keys of the cache are ours alone.
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
            return None;
        }
        let text = self.app.live.get(&place(viewer, key)?).await.ok()??;
        serde_json::from_slice(&text).ok()
    }
}

/// Whether the name of a domain was typed; else the fault of a field.
pub(super) fn confirm(site: &Site, typed: &str, field: &str) -> Result<(), AppError> {
    let name = site.domain.as_str();
    if typed.trim().eq_ignore_ascii_case(name) {
        return Ok(());
    }
    let got: String = typed.trim().chars().take(100).collect();
    Err(of_field(field, format!("`{got}` is not the name of this domain; type {name} to go on")))
}

/// Number and name of the domain's segments.
async fn segments_of(meta: &Meta, scope: &SiteScope) -> Result<Vec<(String, String)>, AppError> {
    let segments = meta.segments_of(scope.site(), None).await.map_err(failed)?;
    Ok(segments.into_iter().map(|segment| (segment.id.to_string(), segment.name)).collect())
}

/// Where it is kept what came of a viewer's form.
fn place(viewer: &Viewer, key: &str) -> Option<String> {
    Some(format!("outcome:{}:{key}", viewer.user?))
}

/// A list with one more, at its place; what it holds already is refused.
fn one_more(
    already: Wrong,
    known: Vec<String>,
    at: Option<usize>,
    with: impl FnOnce(Vec<String>) -> Result<Vec<String>, Wrong>,
) -> Result<Vec<String>, Wrong> {
    let before = known.len();
    let mut values = with(known)?;
    match values.pop() {
        Some(last) if values.len() == before => {
            values.insert(at.unwrap_or(before).min(before), last);
            Ok(values)
        }
        _ => Err(already),
    }
}

fn already(field: &'static str) -> Wrong {
    Wrong { field, text: "is in the list already, just like this; change it, or leave it at that".to_owned() }
}

fn list_of(section: Section) -> Result<List, AppError> {
    match section {
        Section::Properties => Ok(List::Properties),
        Section::Routes => Ok(List::Routes),
        Section::Channels => Ok(List::Channels),
        _ => Err(gone()),
    }
}

fn asked_goal(asked: &Goal) -> Result<AskedGoal, AppError> {
    let text = |text: &String| Some(text.clone());
    let mut goal = AskedGoal { name: text(&asked.name), currency: text(&asked.currency), ..AskedGoal::default() };
    match asked.by {
        CompletedBy::Event => goal.event = text(&asked.event),
        CompletedBy::Page | CompletedBy::Scroll if asked.page.trim().is_empty() => {
            return Err(of_field("page", "the page is missing; write a path such as /thanks, or * for all pages"));
        }
        CompletedBy::Page => goal.page = text(&asked.page),
        CompletedBy::Scroll => {
            let depth = asked.scroll.trim().trim_end_matches('%').trim_end();
            let wrong = || of_field("scroll", format!("`{depth}` is no scroll depth; write a percentage from 1 to 100"));
            goal.page = text(&asked.page);
            goal.scroll = Some(depth.parse().map_err(|_| wrong())?);
        }
    }
    for Prop { name, value } in &asked.props {
        match (name.trim(), value.trim()) {
            ("", "") => {}
            ("", value) => return Err(of_field("props", format!("the value `{value}` has no property; name the property that has it"))),
            (name, value) => {
                goal.props.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    Ok(goal)
}

fn shown_goal(goal: footfall_meta::NewGoal) -> Goal {
    let mut shown = Goal {
        name: goal.name,
        props: goal.props.into_iter().map(|(name, value)| Prop { name, value }).collect(),
        currency: goal.currency.unwrap_or_default(),
        ..Goal::default()
    };
    match goal.kind {
        GoalKind::Event(event) => shown.event = event,
        GoalKind::Page(page) => (shown.by, shown.page) = (CompletedBy::Page, page),
        GoalKind::Scroll { path, depth } => (shown.by, shown.page, shown.scroll) = (CompletedBy::Scroll, path, depth.to_string()),
    }
    shown
}

fn shown_note(at: DateTime<Utc>, zone: Tz, note: String) -> Annotation {
    let at = at.with_timezone(&zone);
    let time = if at.timestamp_subsec_millis() > 0 { at.format("%H:%M:%S%.3f") } else { at.format("%H:%M:%S") }.to_string();
    Annotation { day: at.date_naive().to_string(), time: time.strip_suffix(":00").map(str::to_owned).unwrap_or(time), note }
}

const fn shown_kind(kind: ShieldKind) -> ShieldOf {
    match kind {
        ShieldKind::Host => ShieldOf::Host,
        ShieldKind::Ip => ShieldOf::Ip,
        ShieldKind::Path => ShieldOf::Path,
        ShieldKind::Country => ShieldOf::Country,
    }
}

const fn stored_kind(of: ShieldOf) -> ShieldKind {
    match of {
        ShieldOf::Host => ShieldKind::Host,
        ShieldOf::Ip => ShieldKind::Ip,
        ShieldOf::Path => ShieldKind::Path,
        ShieldOf::Country => ShieldKind::Country,
    }
}

fn of_field(field: &str, message: impl Into<String>) -> AppError {
    AppError::Invalid { field: field.to_owned(), message: message.into() }
}

pub(super) fn invalid(wrong: Wrong) -> AppError {
    of_field(wrong.field, wrong.to_string())
}

/// What the accounts refuse: a name that is in use is a fault of its field, a limit one of the form.
pub(super) fn refused(field: &str, error: MetaError) -> AppError {
    match error {
        MetaError::Taken(text) => of_field(field, text),
        MetaError::Refused(text) => of_field("", text),
        other => failed(other),
    }
}

/// Somebody else was faster.
fn gone() -> AppError {
    of_field("", "that is no longer set; the list is up to date now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_goes_back_to_its_place() {
        let known = || vec!["a".to_owned(), "b".to_owned()];
        let with = |mut list: Vec<String>| {
            list.push("c".to_owned());
            Ok(list)
        };
        assert_eq!(one_more(already("route"), known(), Some(1), with).unwrap(), ["a", "c", "b"]);
        assert_eq!(one_more(already("route"), known(), Some(9), with).unwrap(), ["a", "b", "c"]);
        assert_eq!(one_more(already("route"), known(), None, with).unwrap(), ["a", "b", "c"]);
        assert!(one_more(already("route"), known(), None, Ok).unwrap_err().text.contains("already"));
    }

    #[test]
    fn a_goal_takes_what_its_kind_needs() {
        let typed = Goal { event: "Buy".to_owned(), page: "/a".to_owned(), scroll: "75 %".to_owned(), ..Goal::default() };
        let of = |by| asked_goal(&Goal { by, ..typed.clone() }).map(|goal| (goal.event, goal.page, goal.scroll)).unwrap();
        assert_eq!(of(CompletedBy::Event), (Some("Buy".to_owned()), None, None));
        assert_eq!(of(CompletedBy::Page), (None, Some("/a".to_owned()), None));
        assert_eq!(of(CompletedBy::Scroll), (None, Some("/a".to_owned()), Some(75)));
        let wrong = asked_goal(&Goal { by: CompletedBy::Scroll, scroll: "deep".to_owned(), ..typed }).unwrap_err();
        assert_eq!(wrong, of_field("scroll", "`deep` is no scroll depth; write a percentage from 1 to 100"));
    }

    #[test]
    fn a_note_reads_back_to_the_millisecond() {
        for text in ["2026-05-04T12:00:00Z", "2026-05-04T12:00:07Z", "2026-05-04T12:00:07.008Z", "2026-05-04T22:30:00Z"] {
            let at: DateTime<Utc> = text.parse().unwrap();
            let zone = Tz::Europe__Berlin;
            let Annotation { day, time, .. } = shown_note(at, zone, String::new());
            assert_eq!(settings::local_moment(&day, &time, zone).unwrap(), at, "{day} {time}");
        }
    }
}
