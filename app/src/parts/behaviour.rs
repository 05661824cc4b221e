//! Funnels, journeys and retention, written out. Forms are GET forms and choices are links: each state is an address.

use footfall_model::Interval;

use super::{
    back, carried,
    filters::{chips, field_name},
    label::named,
};
use crate::{
    backend::Offered,
    behaviour::{BehaviourQuery, Branch, Journeys, Kind, MOST_STEPS, Retention, STEP_FIELDS, STEP_OPS, Start, WINDOWS},
    failed::part_failed,
    filter::{Filter, Op},
    format::{self, Label},
    i18n::{Key, fill, t},
    icons::{Icon, icon},
    markup::Html,
    share,
    text::middle,
    types::AppError,
};

/// The answer of one of the pages.
pub enum Behaviour {
    /// Visitors of each step; none where there are too few steps to ask.
    Funnel(Option<Result<Vec<u64>, AppError>>),
    /// Ways from the start.
    Journeys(Result<Journeys, AppError>),
    /// Who came back.
    Retention(Result<Retention, AppError>),
}

impl Behaviour {
    const fn kind(&self) -> Kind {
        match self {
            Self::Funnel(_) => Kind::Funnel,
            Self::Journeys(_) => Kind::Journeys,
            Self::Retention(_) => Kind::Retention,
        }
    }
}

/// The name of a page.
#[must_use]
pub fn behaviour_name(kind: Kind) -> &'static str {
    t(match kind {
        Kind::Funnel => Key::Funnel,
        Kind::Journeys => Key::Journeys,
        Kind::Retention => Key::Retention,
    })
}

/// Where it is.
#[must_use]
pub fn behaviour_page(domain: &str, kind: Kind) -> String {
    format!("/{domain}/{}", kind.code())
}

/// The page below its bar.
#[must_use]
pub fn behaviour(domain: &str, query: &BehaviourQuery, offered: &Offered, answer: Behaviour) -> Html {
    let (kind, page) = (answer.kind(), behaviour_page(domain, answer.kind()));
    let mut html = Html::new();
    back(&mut html, domain, &query.view);
    html.raw(r#"<header class="detail-head"><h1 class="title">"#)
        .text(fill(Key::DetailOf, &[("what", behaviour_name(kind)), ("domain", &share::name(domain))]))
        .raw(r#"</h1><nav class="tabs""#)
        .attr("aria-label", t(Key::Behaviour))
        .raw(">");
    for other in Kind::ALL {
        html.raw(r#"<a class="tab""#)
            .attr("href", query.href(&behaviour_page(domain, other)))
            .attr_if(other == kind, "aria-current", "page")
            .raw(">")
            .text(behaviour_name(other))
            .raw("</a>");
    }
    html.raw("</nav></header>").html(&chips(&query.page(&page), &query.view, offered));
    html.raw(r#"<section class="panel behaviour">"#);
    match answer {
        Behaviour::Funnel(answer) => funnel(&mut html, &page, query, answer),
        Behaviour::Journeys(answer) => journeys(&mut html, &page, query, answer),
        Behaviour::Retention(answer) => retention(&mut html, &page, query, answer),
    }
    html.raw("</section>");
    html
}

/// A choice of one of several, as links.
fn choice<T: PartialEq>(html: &mut Html, label: Key, chosen: &T, choices: impl IntoIterator<Item = (T, String, String)>) {
    html.raw(r#"<nav class="tabs""#).attr("aria-label", t(label)).raw(">");
    for (value, name, href) in choices {
        html.raw(r#"<a class="tab""#).attr("href", href).attr_if(value == *chosen, "aria-current", "true").raw(">").text(name).raw("</a>");
    }
    html.raw("</nav>");
}

/// What a step says.
fn step_text(step: &Filter) -> String {
    let value = step.values.first().map_or("", String::as_str);
    format!("{} {} {}", field_name(&step.field), t(step.op.text()), named(&step.field, value, None))
}

fn funnel(html: &mut Html, page: &str, query: &BehaviourQuery, answer: Option<Result<Vec<u64>, AppError>>) {
    html.raw(r#"<p class="note">"#).text(t(Key::FunnelText)).raw(r#"</p><div class="behaviour-choices">"#);
    let orders = [(false, Key::FunnelLoose), (true, Key::FunnelStrict)];
    let orders = orders.map(|(strict, name)| (strict, t(name).to_owned(), BehaviourQuery { strict, ..query.clone() }.href(page)));
    choice(html, Key::FunnelOrder, &query.strict, orders);
    let window = |window: &'static str| (window, window_name(window), BehaviourQuery { window, ..query.clone() }.href(page));
    choice(html, Key::FunnelWindow, &query.window, WINDOWS.map(window));
    html.raw("</div>");
    match answer {
        None if query.steps.is_empty() => {}
        None => steps(html, page, query, &[]),
        Some(Ok(visitors)) => steps(html, page, query, &visitors),
        Some(Err(error)) => {
            steps(html, page, query, &[]);
            html.html(&part_failed(&error, "funnel"));
        }
    }
    if query.steps.len() < 2 {
        html.raw(r#"<p class="note">"#).text(t(Key::FunnelNeeds)).raw("</p>");
    }
    if query.steps.len() < MOST_STEPS {
        step_form(html, page, query);
    }
}

fn window_name(window: &str) -> String {
    t(match window {
        "30m" => Key::Window30m,
        "1h" => Key::Window1h,
        "6h" => Key::Window6h,
        _ => Key::Window1d,
    })
    .to_owned()
}

fn steps(html: &mut Html, page: &str, query: &BehaviourQuery, visitors: &[u64]) {
    let first = visitors.first().copied().unwrap_or(0);
    html.raw(r#"<ol class="funnel">"#);
    for (at, step) in query.steps.iter().enumerate() {
        let text = step_text(step);
        html.raw(r#"<li class="funnel-step"><div class="funnel-head"><span class="funnel-name">"#);
        middle(html, &text);
        html.raw("</span>");
        let mut others = query.clone();
        others.steps.remove(at);
        html.raw(r#"<a class="row-action funnel-remove""#)
            .attr("href", others.href(page))
            .attr("aria-label", fill(Key::FunnelRemove, &[("step", &text)]))
            .raw(">")
            .html(&icon(Icon::Cross))
            .raw("</a></div>");
        if let Some(count) = visitors.get(at) {
            funnel_bar(html, *count, first, at.checked_sub(1).and_then(|before| visitors.get(before)).copied());
        }
        html.raw("</li>");
    }
    html.raw("</ol>");
}

/// Visitors of a step, in percent of the first, and who did not get here.
fn funnel_bar(html: &mut Html, count: u64, first: u64, before: Option<u64>) {
    let share = percent(count, first);
    html.raw(r#"<div class="funnel-bar"><span class="row-bar""#)
        .attr("style", format_args!("width:{share:.1}%"))
        .raw(r#"></span><span class="funnel-figures"><strong>"#)
        .text(format::number(count))
        .raw("</strong> · ")
        .text(format::share(share))
        .raw("</span>");
    if let Some(lost) = before.map(|before| before.saturating_sub(count)).filter(|lost| *lost > 0) {
        let (n, of) = (format::number(lost), format::share(percent(lost, before.unwrap_or(0))));
        html.raw(r#"<span class="note">"#).text(fill(Key::FunnelLost, &[("n", &n), ("share", &of)])).raw("</span>");
    }
    html.raw("</div>");
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// Adds a step.
fn step_form(html: &mut Html, page: &str, query: &BehaviourQuery) {
    html.raw(r#"<form class="behaviour-form" method="get""#).attr("action", page).raw(">");
    carried(html, &query.page(page), &query.view, &[]);
    options(html, "step_field", Key::FilterField, STEP_FIELDS.map(|field| (field, field_name(field))));
    options(html, "step_op", Key::FilterHow, STEP_OPS.map(|op: Op| (op.code(), t(op.text()))));
    value_field(html, "step_value");
    html.raw(r#"<button class="button">"#).text(t(Key::FunnelAdd)).raw("</button></form>");
}

fn options<const N: usize>(html: &mut Html, name: &'static str, label: Key, options: [(&'static str, &str); N]) {
    html.raw(r#"<label class="range-field"><span>"#).text(t(label)).raw(r#"</span><select class="input""#).attr("name", name).raw(">");
    for (code, text) in options {
        html.raw("<option").attr("value", code).raw(">").text(text).raw("</option>");
    }
    html.raw("</select></label>");
}

fn value_field(html: &mut Html, name: &'static str) {
    html.raw(r#"<label class="range-field filter-value"><span>"#)
        .text(t(Key::FilterValue))
        .raw(r#"</span><input class="input" required autocomplete="off" spellcheck="false""#)
        .attr("name", name)
        .raw("></label>");
}

fn journeys(html: &mut Html, page: &str, query: &BehaviourQuery, answer: Result<Journeys, AppError>) {
    let from = |start: Start, backward: bool| BehaviourQuery { start, backward, ..query.clone() }.href(page);
    html.raw(r#"<div class="behaviour-choices">"#);
    let mut starts = vec![
        (Start::Entry, t(Key::JourneyEntry).to_owned(), from(Start::Entry, false)),
        (Start::Exit, t(Key::JourneyExit).to_owned(), from(Start::Exit, true)),
    ];
    if let Start::At(filter) = &query.start {
        starts.push((query.start.clone(), step_text(filter), from(query.start.clone(), query.backward)));
    }
    choice(html, Key::JourneyStart, &query.start, starts);
    if let Start::At(_) = &query.start {
        let ways = [(false, Key::JourneyForward), (true, Key::JourneyBackward)];
        choice(
            html,
            Key::JourneyDirection,
            &query.backward,
            ways.map(|(way, name)| (way, t(name).to_owned(), from(query.start.clone(), way))),
        );
    }
    html.raw("</div>");
    match answer {
        Err(error) => {
            html.html(&part_failed(&error, "journeys"));
        }
        Ok(Journeys { visits: 0, .. }) => {
            html.raw(r#"<div class="nothing"><p>"#).text(t(Key::NoVisitsInPeriod)).raw("</p></div>");
        }
        Ok(journeys) => {
            html.raw(r#"<p class="note">"#)
                .text(fill(if query.backward { Key::JourneyBefore } else { Key::JourneyAfter }, &[("n", &format::number(journeys.visits))]))
                .raw("</p>");
            let least = journeys.branches.iter().map(|branch| branch.things.len()).min().unwrap_or(1);
            branches(html, page, query, &journeys, &[], least);
        }
    }
    html.raw(r#"<form class="behaviour-form" method="get""#).attr("action", page).raw(">");
    let start = BehaviourQuery { start: Start::Entry, ..query.clone() };
    carried(html, &start.page(page), &query.view, &[]);
    options(html, "start_field", Key::JourneyStart, STEP_FIELDS.map(|field| (field, field_name(field))));
    value_field(html, "start_value");
    html.raw(r#"<button class="button">"#).text(t(Key::Apply)).raw("</button></form>");
}

/// Branches of one length that go on from where `way` has come to, and below each what follows.
fn branches(html: &mut Html, page: &str, query: &BehaviourQuery, journeys: &Journeys, way: &[String], length: usize) {
    let next: Vec<&Branch> =
        journeys.branches.iter().filter(|branch| branch.things.len() == length && branch.things.starts_with(way)).collect();
    if next.is_empty() {
        return;
    }
    html.raw(r#"<ul class="journey">"#);
    for branch in next {
        let Some(thing) = branch.things.last() else { continue };
        let width = percent(branch.visits, journeys.visits);
        html.raw(r#"<li><div class="journey-step"><span class="row-bar""#).attr("style", format_args!("width:{width:.1}%"));
        html.raw(r#"></span><span class="row-text"><a class="row-filter""#);
        // An event's name stands after a `!`.
        let (field, name) = thing.strip_prefix('!').map_or(("page", thing.as_str()), |name| ("name", name));
        let start = Filter::new(Op::Is, field, name);
        if let Some(start) = start {
            html.attr("href", BehaviourQuery { start: Start::At(start), backward: query.backward, ..query.clone() }.href(page));
        }
        html.attr("aria-label", fill(Key::JourneyFrom, &[("thing", name)])).raw(">");
        middle(html, name);
        html.raw(r#"</a></span><span class="journey-figures"><strong>"#)
            .text(format::number(branch.visits))
            .raw("</strong><span>")
            .text(format::share(width))
            .raw(r#"</span><span class="note">"#);
        if branch.ended > 0 {
            let key = if query.backward { Key::JourneyBegan } else { Key::JourneyEnded };
            html.text(fill(key, &[("n", &format::number(branch.ended))]));
        }
        html.raw("</span>");
        html.raw("</span></div>");
        branches(html, page, query, journeys, &branch.things, length + 1);
        html.raw("</li>");
    }
    html.raw("</ul>");
}

fn retention(html: &mut Html, page: &str, query: &BehaviourQuery, answer: Result<Retention, AppError>) {
    html.raw(r#"<div class="behaviour-choices">"#);
    let intervals = [(Interval::Day, Key::IntervalDay), (Interval::Week, Key::IntervalWeek), (Interval::Month, Key::IntervalMonth)];
    let intervals =
        intervals.map(|(interval, name)| (interval, t(name).to_owned(), BehaviourQuery { interval, ..query.clone() }.href(page)));
    choice(html, Key::IntervalLabel, &query.interval, intervals);
    html.raw("</div>");
    let retention = match answer {
        Ok(retention) if retention.periods.iter().all(|(_, people)| people.first().is_none_or(|all| *all == 0)) => {
            html.raw(r#"<div class="nothing"><p>"#).text(t(Key::NoVisitsInPeriod)).raw("</p></div>");
            return;
        }
        Ok(retention) => retention,
        Err(error) => {
            html.html(&part_failed(&error, "retention"));
            return;
        }
    };
    html.raw(r#"<p class="note">"#)
        .text(t(if retention.by_user { Key::RetentionByUser } else { Key::RetentionByVisitor }))
        .raw(r#"</p><div class="detail-scroll" tabindex="0" role="region""#)
        .attr("aria-label", t(Key::Retention))
        .raw(r#"><table class="cohorts"><thead><tr><th scope="col">"#)
        .text(t(Key::RetentionPeriod))
        .raw(r#"</th><th scope="col">"#)
        .text(t(Key::RetentionPeople))
        .raw("</th>");
    let columns = retention.periods.iter().map(|(_, people)| people.len()).max().unwrap_or(1).saturating_sub(1);
    for column in 1..=columns {
        html.raw(r#"<th scope="col">"#);
        if retention.by_user { html.text(format_args!("+{column}")) } else { html.text(t(Key::RetentionAgain)) }.raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    // The shade is relative to the greatest share: most are small.
    let share = |people: &[u64], came: u64| percent(came, people.first().copied().unwrap_or(0));
    let shares = retention.periods.iter().flat_map(|(_, people)| people.iter().skip(1).map(|came| share(people, *came)));
    let greatest = shares.fold(0.0, f64::max).max(1.0);
    for (label, people) in &retention.periods {
        let day = Label::parse(label).map_or_else(|| label.clone(), |label| label.day());
        html.raw(r#"<tr><th scope="row">"#)
            .text(day)
            .raw("</th><td>")
            .text(format::number(people.first().copied().unwrap_or(0)))
            .raw("</td>");
        for came in people.iter().skip(1) {
            let share = share(people, *came);
            html.raw(r#"<td class="cohort""#).attr("style", format_args!("--share:{:.0}%", 100.0 * share / greatest)).raw("><strong>");
            html.text(format::share(share)).raw(r#"</strong> <span class="note">"#).text(format::number(*came)).raw("</span></td>");
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, answer: Behaviour) -> String {
        behaviour("a.org", &BehaviourQuery::parse(text), &Offered::default(), answer).into_string()
    }

    #[test]
    fn a_funnel_says_who_was_lost() {
        let html = written("step=is,page,/&step=is,name,%3Cb%3E", Behaviour::Funnel(Some(Ok(vec![200, 50]))));
        assert!(html.contains("150 lost (75%)") && html.contains("25%") && !html.contains("<b>"), "{html}");
        assert!(html.contains(r#"href="/a.org/funnel?step=is,page,/""#), "without the second step: {html}");
        let html = written("step=is,page,/", Behaviour::Funnel(None));
        assert!(html.contains("Add at least two steps"), "{html}");
    }

    #[test]
    fn a_journey_is_a_tree() {
        let branch =
            |things: &[&str], visits, ended| Branch { things: things.iter().map(|thing| (*thing).to_owned()).collect(), visits, ended };
        let branches = vec![branch(&["/"], 10, 2), branch(&["/", "/a"], 5, 5), branch(&["/", "!Signup"], 3, 0)];
        let html = written("", Behaviour::Journeys(Ok(Journeys { visits: 10, branches })));
        assert!(
            html.contains("2 left here") && html.contains("start=is,name,Signup") && html.matches("<ul class=\"journey\">").count() == 2,
            "{html}"
        );
    }

    #[test]
    fn retention_says_by_what_people_are_known() {
        let periods = vec![("2026-11-02".to_owned(), vec![8, 2]), ("2026-11-09".to_owned(), vec![0])];
        let html = written("", Behaviour::Retention(Ok(Retention { by_user: true, periods })));
        assert!(html.contains("25%") && html.contains(t(Key::RetentionByUser)), "{html}");
    }
}
