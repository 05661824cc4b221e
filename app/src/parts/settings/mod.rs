//! The settings of a domain: the list of sections, and the section that is open.

mod add;
mod danger;
mod deleted;
mod form;
mod links;
mod snippet;
mod words;

pub use danger::CLEARED;
use danger::danger;
pub use deleted::{deleted_domains, domains_notice};
use form::{Field, Form, begin, hidden};
use words::{detail, title};

use crate::{
    i18n::{Key, fill, t},
    icons::{Icon, icon},
    markup::Html,
    settings::{Annotation, Channel, Entry, Goal, Link, Listed, Outcome, Property, Route, Section, Segment, Settings, Shield, Typed},
    text::{middle, sentence},
    types::AppError,
};

/// What a page of the settings shows.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What is set.
    pub settings: &'a Settings,
    /// Which section.
    pub section: Section,
    /// The viewer's token.
    pub csrf: &'a str,
    /// What came of the form that led here.
    pub outcome: Option<&'a Outcome>,
    /// IANA names to choose from.
    pub zones: &'a [String],
    /// The tab of the snippet.
    pub platform: &'a str,
}

impl Asked<'_> {
    fn domain(&self) -> &str {
        &self.settings.site.domain
    }

    /// The fault of the last form.
    fn fault(&self) -> Option<&AppError> {
        match self.outcome {
            Some(Outcome::Failed { error, .. }) => Some(error),
            _ => None,
        }
    }

    /// What was typed into the only field of the last form.
    fn text(&self) -> Option<&str> {
        match self.outcome {
            Some(Outcome::Failed { typed: Typed::Text(text), .. }) => Some(text),
            _ => None,
        }
    }
}

/// All below the bar.
#[must_use]
pub fn page(asked: &Asked<'_>) -> Html {
    let mut html = Html::new();
    html.raw(r#"<div class="settings-side"><a class="settings-back""#).attr("href", format_args!("/{}", asked.domain()));
    html.attr("aria-label", fill(Key::SetBack, &[("domain", asked.domain())])).raw(">").html(&icon(Icon::Back)).raw("<span>");
    html.text(asked.domain()).raw(r#"</span></a><nav class="settings-sections""#).attr("aria-label", t(Key::SetSections)).raw("><ul>");
    for section in Section::ALL {
        html.raw(r#"<li><a class="settings-section""#).attr("href", section.address(asked.domain()));
        html.attr_if(section == asked.section, "aria-current", "page").raw(">").text(t(section.title())).raw("</a></li>");
    }
    html.raw(r#"</ul></nav></div><div class="settings-body"><h1 class="title">"#).text(t(asked.section.title()));
    html.raw(r#"</h1><p class="lead">"#).text(t(lead(asked.section))).raw("</p>");
    status(&mut html, asked);
    match asked.section {
        Section::General => general(&mut html, asked),
        Section::Snippet => {
            html.html(&snippet::body(&asked.settings.site, asked.platform));
        }
        Section::Danger => danger(&mut html, asked),
        Section::Goals => entries(&mut html, asked, Entry::Goal(Goal::default())),
        Section::Properties => entries(&mut html, asked, Entry::Property(Property::default())),
        Section::Routes => entries(&mut html, asked, Entry::Route(Route::default())),
        Section::Channels => entries(&mut html, asked, Entry::Channel(Channel::default())),
        Section::Shields => entries(&mut html, asked, Entry::Shield(Shield::default())),
        Section::Annotations => entries(&mut html, asked, Entry::Annotation(Annotation::default())),
        Section::Segments => entries(&mut html, asked, Entry::Segment(Segment::default())),
        Section::Sharing => entries(&mut html, asked, Entry::Link(Link::default())),
    }
    html.raw("</div>");
    html
}

/// What a section is for.
const fn lead(section: Section) -> Key {
    match section {
        Section::General => Key::SetGeneralText,
        Section::Snippet => Key::SetSnippetText,
        Section::Goals => Key::SetGoalsText,
        Section::Properties => Key::SetPropertiesText,
        Section::Routes => Key::SetRoutesText,
        Section::Channels => Key::SetChannelsText,
        Section::Shields => Key::SetShieldsText,
        Section::Annotations => Key::SetAnnotationsText,
        Section::Segments => Key::SetSegmentsText,
        Section::Sharing => Key::SetSharingText,
        Section::Danger => Key::SetDangerText,
    }
}

/// What came of the last form, and the way back from it. A fault that belongs to a form stands in that form.
fn status(html: &mut Html, asked: &Asked<'_>) {
    let named = |key, entry: &Entry| fill(key, &[("what", &title(entry))]);
    let undo = |html: &mut Html, class: &'static str, action: &'static str| begin(html, class, action, asked.csrf, asked.domain());
    match asked.outcome {
        Some(Outcome::Added(entry @ Entry::Segment(Segment { id, .. }))) if !id.is_empty() => {
            said(html, &named(Key::SetSegmentRenamed, entry))
        }
        Some(Outcome::Added(entry)) => said(html, &named(Key::SetAdded, entry)),
        Some(Outcome::Moved(entry)) => said(html, &named(Key::SetMoved, entry)),
        // A link that comes back would open again for everybody who was shut out.
        Some(Outcome::Removed(entry @ Entry::Link(_))) => said(html, &named(Key::SetRemoved, entry)),
        Some(Outcome::Removed(entry)) => {
            html.raw(r#"<div class="notice"><p role="status">"#).text(named(Key::SetRemoved, entry)).raw("</p>");
            undo(html, "", "/api/app/add-setting");
            entry.fields().iter().for_each(|(name, value)| hidden(html, name, value));
            html.raw(r#"<button class="button">"#).text(t(Key::SetUndo)).raw("</button></form></div>");
        }
        Some(Outcome::TimeZoneWas(before)) => {
            let now = &asked.settings.site.timezone;
            html.raw(r#"<div class="notice"><p role="status">"#).text(fill(Key::SetZoneChanged, &[("zone", now)])).raw("</p>");
            undo(html, "", "/api/app/set-time-zone");
            hidden(html, "timezone", before);
            html.raw(r#"<button class="button">"#).text(fill(Key::SetZoneUndo, &[("zone", before)])).raw("</button></form></div>");
        }
        Some(Outcome::Failed { error, typed: Typed::Nothing }) => {
            html.raw(r#"<p class="notice notice-warn" role="alert">"#).text(sentence(&error.to_string())).raw("</p>");
        }
        Some(Outcome::Renamed(before)) => {
            let now = &asked.settings.site.domain;
            html.raw(r#"<div class="notice"><p role="status">"#).text(fill(Key::SetRenamed, &[("domain", now)])).raw("</p>");
            undo(html, "", "/api/app/rename-domain");
            hidden(html, "name", before);
            html.raw(r#"<button class="button">"#).text(fill(Key::SetZoneUndo, &[("zone", before)])).raw("</button></form></div>");
        }
        Some(Outcome::Cleared(is_done)) => said(html, t(if *is_done { Key::SetCleared } else { Key::SetClearing })),
        Some(Outcome::Failed { .. } | Outcome::Deleted(_) | Outcome::Restored(_) | Outcome::DeletedForGood(_)) | None => {}
    }
}

fn said(html: &mut Html, text: &str) {
    html.raw(r#"<p class="notice" role="status">"#).text(text).raw("</p>");
}

fn general(html: &mut Html, asked: &Asked<'_>) {
    let site = &asked.settings.site;
    html.raw(r#"<dl class="facts">"#);
    for (name, value) in [(Key::Domain, &site.domain), (Key::SetAddedOn, &asked.settings.added), (Key::SetId, &site.id.to_string())] {
        html.raw(r#"<div><dt class="label">"#).text(t(name)).raw("</dt><dd>").text(value).raw("</dd></div>");
    }
    html.raw("</dl>");
    let is_of_name = |error: &AppError| matches!(error, AppError::Invalid { field, .. } if field == "domain");
    let fault = asked.fault().filter(|_| asked.text().is_some());
    let (of_name, of_zone) = (fault.filter(|error| is_of_name(error)), fault.filter(|error| !is_of_name(error)));
    rename(html, asked, of_name);
    let chosen = asked.text().filter(|_| of_zone.is_some()).unwrap_or(&site.timezone);
    let mut form = Form::new("form", "/api/app/set-time-zone", (asked.csrf, &site.domain), of_zone);
    // A domain may have a zone that is not among those that are offered.
    let other = (!asked.zones.contains(&site.timezone)).then_some(&site.timezone);
    let zones = other.into_iter().chain(asked.zones).map(|zone| (zone, zone));
    form.select(&Field::new("timezone", "timezone", Key::TimeZone, chosen).hint(Key::SetZoneHint), zones);
    html.html(&form.end("button button-main", t(Key::SetSave)));
}

/// The form that gives the domain another name, and which one it had.
fn rename(html: &mut Html, asked: &Asked<'_>, fault: Option<&AppError>) {
    let typed = asked.text().filter(|_| fault.is_some()).unwrap_or(asked.domain());
    let mut form = Form::new("form", "/api/app/rename-domain", (asked.csrf, asked.domain()), fault);
    form.input(&Field::new("name", "domain", Key::Domain, typed).hint(Key::SetNameHint).required());
    html.html(&form.end("button", t(Key::SetRename)));
    if let Some((domain, time)) = &asked.settings.former {
        html.raw(r#"<p class="note settings-former">"#).text(fill(Key::SetFormer, &[("domain", domain), ("time", time)])).raw("</p>");
    }
}

/// What is set, and the form that sets more.
fn entries(html: &mut Html, asked: &Asked<'_>, empty: Entry) {
    let Settings { entries, .. } = asked.settings;
    if entries.is_empty() {
        html.raw(r#"<p class="entries-none">"#).text(t(none(asked.section))).raw("</p>");
    } else {
        html.raw(r#"<ul class="entries""#).attr("aria-label", t(asked.section.title())).raw(">");
        for (at, listed) in entries.iter().enumerate() {
            row(html, asked, listed, (at > 0, at + 1 < entries.len()));
        }
        html.raw("</ul>");
    }
    // Segments are made where they are used; here they are named anew.
    if asked.section == Section::Segments && entries.is_empty() {
        return;
    }
    let (typed, fault) = match asked.outcome {
        Some(Outcome::Failed { error, typed: Typed::Entry(entry) }) if entry.section() == asked.section => (entry, Some(error)),
        _ => (&empty, None),
    };
    html.raw(r#"<h2 class="settings-more">"#).text(t(more(asked.section))).raw("</h2>");
    html.html(&add::form(typed, asked.settings, asked.csrf, fault));
}

const fn none(section: Section) -> Key {
    match section {
        Section::Goals => Key::SetNoGoals,
        Section::Properties => Key::SetNoProperties,
        Section::Routes => Key::SetNoRoutes,
        Section::Channels => Key::SetNoChannels,
        Section::Shields => Key::SetNoShields,
        Section::Segments => Key::SetNoSegments,
        Section::Sharing => Key::SetNoLinks,
        _ => Key::SetNoAnnotations,
    }
}

const fn more(section: Section) -> Key {
    match section {
        Section::Goals => Key::SetMoreGoals,
        Section::Properties => Key::SetMoreProperties,
        Section::Routes => Key::SetMoreRoutes,
        Section::Channels => Key::SetMoreChannels,
        Section::Shields => Key::SetMoreShields,
        Section::Segments => Key::SetMoreSegments,
        Section::Sharing => Key::SetMoreLinks,
        _ => Key::SetMoreAnnotations,
    }
}

/// One line: what it is, and what can be done with it. `moves`: it can go up, it can go down.
fn row(html: &mut Html, asked: &Asked<'_>, Listed { key, entry }: &Listed, moves: (bool, bool)) {
    if let Entry::Link(link) = entry {
        return links::row(html, asked, key, link);
    }
    let name = title(entry);
    html.raw(r#"<li class="entry"><div class="entry-text"><p class="entry-name">"#);
    middle(html, &name);
    html.raw("</p>");
    let detail = detail(entry);
    if !detail.is_empty() {
        html.raw(r#"<p class="note entry-detail">"#).text(&detail).raw("</p>");
    }
    html.raw(r#"</div><div class="entry-acts">"#);
    if matches!(asked.section, Section::Routes | Section::Channels) {
        for (goes, earlier, label, sign) in [(moves.0, "true", Key::SetUp, Icon::Up), (moves.1, "false", Key::SetDown, Icon::Down)] {
            if !goes {
                html.raw(r#"<span class="entry-act" aria-hidden="true"></span>"#);
                continue;
            }
            act(html, asked, "/api/app/move-setting", key);
            hidden(html, "earlier", earlier);
            button(html, &fill(label, &[("what", &name)]), sign);
        }
    }
    act(html, asked, "/api/app/remove-setting", key);
    button(html, &fill(Key::SetRemove, &[("what", &name)]), Icon::Cross);
    html.raw("</div></li>");
}

fn act(html: &mut Html, asked: &Asked<'_>, action: &'static str, key: &str) {
    begin(html, "", action, asked.csrf, asked.domain());
    hidden(html, "section", asked.section.code());
    hidden(html, "key", key);
}

fn button(html: &mut Html, label: &str, sign: Icon) {
    html.raw(r#"<button class="entry-act""#)
        .attr("aria-label", label)
        .attr("title", label)
        .raw(">")
        .html(&icon(sign))
        .raw("</button></form>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Site;

    fn written(section: Section, entries: Vec<Listed>, outcome: Option<&Outcome>) -> String {
        let site = Site { domain: "a.org".to_owned(), timezone: "US/Pacific".to_owned(), ..Site::default() };
        let settings = Settings { site, entries, ..Settings::default() };
        let zones = ["UTC".to_owned()];
        page(&Asked { settings: &settings, section, csrf: "token", outcome, zones: &zones, platform: "" }).into_string()
    }

    fn route(pattern: &str) -> Entry {
        Entry::Route(Route { pattern: pattern.to_owned(), at: Some(1) })
    }

    #[test]
    fn what_was_removed_can_be_added_again() {
        let html = written(Section::Routes, Vec::new(), Some(&Outcome::Removed(route("/<b>/:id"))));
        assert!(html.contains("<p role=\"status\">Removed “/&lt;b&gt;/:id”.</p>"), "{html}");
        for field in [r#"name="entry[route][pattern]" value="/&lt;b&gt;/:id""#, r#"name="entry[route][at]" value="1""#] {
            assert!(html.contains(field), "{field}: {html}");
        }
    }

    #[test]
    fn the_ends_of_a_list_move_one_way() {
        let listed = |pattern: &str| Listed { key: pattern.to_owned(), entry: route(pattern) };
        let html = written(Section::Routes, vec![listed("/a/:b"), listed("/c/:d")], None);
        for (label, is_there) in
            [("Move “/a/:b” up", false), ("Move “/a/:b” down", true), ("Move “/c/:d” up", true), ("Move “/c/:d” down", false)]
        {
            assert_eq!(html.contains(label), is_there, "{label}: {html}");
        }
    }

    #[test]
    fn a_zone_that_is_not_offered_stays_chosen() {
        assert!(written(Section::General, Vec::new(), None).contains(r#"<option value="US/Pacific" selected="">"#));
    }

    #[test]
    fn a_fault_stands_with_the_form_it_came_from() {
        let fault =
            |typed| Outcome::Failed { error: AppError::Invalid { field: "route".to_owned(), message: "it is none".to_owned() }, typed };
        let at_field = written(Section::Routes, Vec::new(), Some(&fault(Typed::Entry(route("x")))));
        assert!(at_field.contains(r#"value="x""#) && at_field.contains(r#"id="wrong-route">It is none."#) && !at_field.contains("notice"));
        let on_top = written(Section::Routes, Vec::new(), Some(&fault(Typed::Nothing)));
        assert!(on_top.contains(r#"<p class="notice notice-warn" role="alert">It is none.</p>"#));
    }
}
