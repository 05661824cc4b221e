//! The forms that set something more.

use super::{
    form::{Field, Form},
    words::kind,
};
use crate::{
    filter::Op,
    i18n::{Key, fill, t},
    markup::Html,
    parts::filters::field_name,
    settings::{Annotation, Channel, CompletedBy, Entry, Goal, Link, Prop, Property, Route, Segment, Settings, Shield, ShieldOf},
    text::sentence,
    types::AppError,
};

const ACTION: &str = "/api/app/add-setting";

/// The form of an entry: filled with what was typed, and with what is wrong with it.
pub(super) fn form(typed: &Entry, settings: &Settings, csrf: &str, fault: Option<&AppError>) -> Html {
    let class = if matches!(typed, Entry::Goal(_)) { "form goal-form" } else { "form" };
    let mut form = Form::new(class, ACTION, (csrf, &settings.site.domain), fault);
    let button = match typed {
        Entry::Goal(goal) => of_goal(&mut form, goal),
        Entry::Property(property) => of_property(&mut form, property),
        Entry::Route(route) => of_route(&mut form, route),
        Entry::Channel(rule) => of_channel(&mut form, rule, &settings.channels),
        Entry::Shield(shield) => of_shield(&mut form, shield),
        Entry::Annotation(note) => of_annotation(&mut form, note, &settings.site.today),
        Entry::Segment(segment) => of_segment(&mut form, segment, settings),
        Entry::Link(link) => of_link(&mut form, link, settings),
    };
    form.end("button button-main", t(button))
}

fn of_goal(form: &mut Form<'_>, goal: &Goal) -> Key {
    let html = form.body();
    html.raw(r#"<fieldset class="field"><legend class="label">"#).text(t(Key::SetGoalBy)).raw(r#"</legend><div class="choices">"#);
    let choices = [
        (CompletedBy::Event, "event", Key::SetGoalByEvent),
        (CompletedBy::Page, "page", Key::SetGoalByPage),
        (CompletedBy::Scroll, "scroll", Key::SetGoalByScroll),
    ];
    for (by, code, label) in choices {
        html.raw(r#"<label class="choice"><input type="radio" name="entry[goal][by]""#).attr("value", code);
        html.attr_if(goal.by == by, "checked", "").raw("><span>").text(t(label)).raw("</span></label>");
    }
    html.raw("</div></fieldset>");
    let event = Field::new("entry[goal][event]", "event", Key::SetGoalEvent, &goal.event);
    form.input(&event.class("field of-event").example("Signup").hint(Key::SetGoalEventHint));
    let page = Field::new("entry[goal][page]", "page", Key::SetGoalPage, &goal.page);
    form.input(&page.class("field of-page").example("/thanks*").hint(Key::SetGoalPageHint));
    let scroll = Field::new("entry[goal][scroll]", "scroll", Key::SetGoalScroll, &goal.scroll);
    form.input(&scroll.class("field of-scroll").example("75").hint(Key::SetGoalScrollHint));

    let more = ["name", "props", "currency"];
    let has_prop = goal.props.iter().any(|prop| !prop.name.is_empty() || !prop.value.is_empty());
    let filled = has_prop || !goal.name.is_empty() || !goal.currency.is_empty();
    let open = filled || more.iter().any(|field| form.wrong(field).is_some());
    form.body().raw(r#"<details class="further""#).attr_if(open, "open", "").raw(r#"><summary class="further-head">"#);
    form.body().text(t(Key::SetGoalMore)).raw(r#"</summary><div class="further-body">"#);
    form.input(&Field::new("entry[goal][name]", "name", Key::SetGoalName, &goal.name).hint(Key::SetGoalNameHint));
    let none = Prop::default();
    let first = goal.props.first().unwrap_or(&none);
    form.body().raw(r#"<div class="pair">"#);
    form.input(
        &Field::new("entry[goal][props][0][name]", "props", Key::SetGoalProp, &first.name).example("plan").hint(Key::SetGoalPropHint),
    );
    form.input(&Field::new("entry[goal][props][0][value]", "prop-value", Key::FilterValue, &first.value).example("pro"));
    form.body().raw("</div>");
    form.input(
        &Field::new("entry[goal][currency]", "currency", Key::SetGoalCurrency, &goal.currency)
            .example("EUR")
            .hint(Key::SetGoalCurrencyHint),
    );
    form.body().raw("</div></details>");
    Key::SetGoalAdd
}

fn of_property(form: &mut Form<'_>, property: &Property) -> Key {
    let name = Field::new("entry[property][name]", "property", Key::SetPropertyName, &property.name);
    form.input(&name.example("plan").hint(Key::SetPropertyHint).required());
    Key::SetPropertyAdd
}

fn of_route(form: &mut Form<'_>, route: &Route) -> Key {
    let pattern = Field::new("entry[route][pattern]", "route", Key::SetRoutePattern, &route.pattern);
    form.input(&pattern.example("/blog/:slug").hint(Key::SetRouteHint).required());
    Key::SetRouteAdd
}

fn of_channel(form: &mut Form<'_>, rule: &Channel, known: &[String]) -> Key {
    let html = form.body();
    html.raw(r#"<datalist id="known-channels">"#);
    for name in known {
        html.raw("<option").attr("value", name).raw("></option>");
    }
    html.raw("</datalist>");
    let channel = Field::new("entry[channel][channel]", "channel", Key::ColumnChannel, &rule.channel);
    form.input(&channel.example("Partners").hint(Key::SetChannelHint).list("known-channels").required());
    form.body().raw(r#"<div class="pair">"#);
    let field = Field::new("entry[channel][field]", "field", Key::FilterField, &rule.field);
    form.select(&field, Channel::FIELDS.into_iter().map(|name| (name, field_name(name))));
    let op = Field::new("entry[channel][op]", "op", Key::FilterHow, &rule.op);
    form.select(&op, Op::ALL.into_iter().map(|op| (op.code(), t(op.text()))));
    form.body().raw("</div>");
    let values = Field::new("entry[channel][values]", "filters", Key::SetChannelValues, &rule.values);
    form.area(&values.hint(Key::SetChannelValuesHint).required());
    Key::SetChannelAdd
}

fn of_shield(form: &mut Form<'_>, shield: &Shield) -> Key {
    let of = Field::new("entry[shield][of]", "of", Key::SetShieldOf, shield.of.code());
    form.select(&of, ShieldOf::ALL.into_iter().map(|of| (of.code(), t(kind(of)))));
    let value = Field::new("entry[shield][value]", "value", Key::FilterValue, &shield.value);
    form.input(&value.example("203.0.113.0/24").hint(Key::SetShieldHint).required());
    Key::SetShieldAdd
}

fn of_segment(form: &mut Form<'_>, segment: &Segment, settings: &Settings) -> Key {
    let known = settings.entries.iter().filter_map(|listed| match &listed.entry {
        Entry::Segment(segment) => Some((segment.id.as_str(), segment.name.as_str())),
        _ => None,
    });
    form.select(&Field::new("entry[segment][id]", "id", Key::Segment, &segment.id), known);
    form.input(&Field::new("entry[segment][name]", "name", Key::SetSegmentName, &segment.name).required());
    Key::SetSegmentRename
}

fn of_annotation(form: &mut Form<'_>, note: &Annotation, today: &str) -> Key {
    let text = Field::new("entry[annotation][note]", "note", Key::SetNote, &note.note);
    form.input(&text.example("Release 2.0").required());
    form.body().raw(r#"<div class="pair">"#);
    let day = if note.day.is_empty() { today } else { &note.day };
    form.input(&Field::new("entry[annotation][day]", "day", Key::SetDay, day).kind("date").required());
    form.input(&Field::new("entry[annotation][time]", "time", Key::SetTime, &note.time).kind("time").hint(Key::SetTimeHint));
    form.body().raw("</div>");
    Key::SetNoteAdd
}

fn of_link(form: &mut Form<'_>, link: &Link, settings: &Settings) -> Key {
    let name = Field::new("entry[link][name]", "name", Key::SetLinkName, &link.name);
    form.input(&name.hint(Key::SetLinkNameHint).required());
    // What was typed is not sent back.
    let password = Field::new("entry[link][password]", "password", Key::SetLinkPassword, "");
    form.input(&password.kind("password").hint(Key::SetLinkPasswordHint));
    form.body().raw(r#"<div class="pair">"#);
    let until = Field::new("entry[link][until]", "until", Key::SetLinkUntil, &link.until);
    form.input(&until.kind("date").hint(Key::SetLinkUntilHint));
    let segment = Field::new("entry[link][segment]", "segment", Key::SetLinkSegment, &link.segment).hint(Key::SetLinkSegmentHint);
    let segments = settings.segments.iter().map(|(number, name)| (number.as_str(), name.as_str()));
    form.select(&segment, std::iter::once(("", t(Key::SetLinkAll))).chain(segments));
    form.body().raw(r#"</div><div class="field"><label class="choice"><input type="checkbox" name="entry[link][public]" value="true""#);
    let wrong = form.wrong_here("public");
    let html = form.body();
    html.attr("aria-describedby", "wrong-public").attr_if(link.public, "checked", "").attr_if(wrong.is_some(), "aria-invalid", "true");
    html.raw("><span>").text(fill(Key::SetLinkPublic, &[("domain", &settings.site.domain)]));
    html.raw(r#"</span></label><span class="field-error" role="alert" id="wrong-public">"#);
    html.text(wrong.map(sentence).unwrap_or_default()).raw("</span></div>");
    Key::SetLinkAdd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_further_down_is_opened() {
        let goal = Entry::Goal(Goal { event: "Buy".to_owned(), ..Goal::default() });
        let settings = Settings::default();
        let of = |field: &str| {
            let fault = AppError::Invalid { field: field.to_owned(), message: "it is wrong".to_owned() };
            form(&goal, &settings, "token", Some(&fault)).into_string()
        };
        assert!(of("name").contains(r#"<details class="further" open="""#));
        assert!(!of("event").contains(r#"<details class="further" open"#));
    }

    #[test]
    fn every_form_shows_what_was_typed() {
        let typed = [
            Entry::Goal(Goal { page: "typed<".to_owned(), ..Goal::default() }),
            Entry::Property(Property { name: "typed<".to_owned() }),
            Entry::Route(Route { pattern: "typed<".to_owned(), at: None }),
            Entry::Channel(Channel { values: "typed<".to_owned(), ..Channel::default() }),
            Entry::Shield(Shield { of: ShieldOf::Path, value: "typed<".to_owned() }),
            Entry::Annotation(Annotation { note: "typed<".to_owned(), ..Annotation::default() }),
            Entry::Segment(Segment { name: "typed<".to_owned(), ..Segment::default() }),
            Entry::Link(Link { name: "typed<".to_owned(), ..Link::default() }),
        ];
        for entry in typed {
            let html = form(&entry, &Settings::default(), "token", None).into_string();
            assert!(html.contains("typed&lt;") && !html.contains("typed<"), "{html}");
        }
    }
}
