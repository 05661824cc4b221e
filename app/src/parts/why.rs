//! Why a figure changed: the values whose own change makes up most of it, each with a click to look closer and one to note it.

use super::{
    Page, back,
    filters::field_name,
    hidden,
    label::{filters, named},
    leads,
};
use crate::{
    backend::{Moved, TableRow, Why},
    failed::part_failed,
    format::{self, Label, number},
    i18n::{Key, fill, t},
    markup::Html,
    metric::Metric,
    query::ViewQuery,
    settings::{Annotation, Entry},
    types::{AppError, Compare},
};

/// Figures whose change is that of their parts.
pub(super) const COUNTED: [Metric; 3] = [Metric::Visitors, Metric::Pageviews, Metric::Visits];
/// Letters of a value in a note.
const NOTE_LETTERS: usize = 200;

/// The figure that the page of a state is about.
#[must_use]
pub fn reason_of(metric: Metric) -> Metric {
    if COUNTED.contains(&metric) { metric } else { Metric::Visitors }
}

/// The address of the page.
pub(super) fn why_page(domain: &str) -> String {
    format!("/{domain}/why")
}

/// The page of a state of the dashboard.
#[must_use]
pub fn why(domain: &str, query: &ViewQuery, csrf: &str, why: Result<Option<Why>, AppError>) -> Html {
    let metric = reason_of(query.metric);
    let mut html = Html::new();
    back(&mut html, domain, query);
    html.raw(r#"<h1 class="title">"#).text(fill(Key::WhyTitle, &[("figure", t(metric.name()))])).raw("</h1>");
    others(&mut html, domain, metric, query);
    html.raw(r#"<section class="sheet-part">"#);
    match why {
        Ok(Some(why)) => shown(&mut html, &Shown { domain, query, csrf, metric, why: &why }),
        Ok(None) => not_compared(&mut html, domain, query),
        Err(error) => {
            html.html(&part_failed(&error, "why"));
        }
    }
    html.raw("</section>");
    html
}

/// What all rows have in common.
struct Shown<'a> {
    domain: &'a str,
    query: &'a ViewQuery,
    csrf: &'a str,
    metric: Metric,
    why: &'a Why,
}

/// The other figures.
fn others(html: &mut Html, domain: &str, metric: Metric, query: &ViewQuery) {
    html.raw(r#"<nav class="tabs sheet-tabs""#).attr("aria-label", t(Key::Figures)).raw(">");
    for other in COUNTED {
        html.raw(r#"<a class="tab""#).attr("href", query.with_metric(other).href(&why_page(domain)));
        html.attr_if(other == metric, "aria-current", "page").raw(">").text(t(other.name())).raw("</a>");
    }
    html.raw("</nav>");
}

fn not_compared(html: &mut Html, domain: &str, query: &ViewQuery) {
    let is_off = query.compare == Compare::Off;
    html.raw(r#"<div class="nothing"><p>"#).text(t(if is_off { Key::WhyNotCompared } else { Key::WhyNoEarlier })).raw("</p>");
    if is_off {
        html.raw(r#"<a class="button""#);
        leads(html, &Page::new(why_page(domain)), query, &query.with_compare(Compare::Previous))
            .raw(">")
            .text(t(Key::WhyCompare))
            .raw("</a>");
    }
    html.raw("</div>");
}

fn shown(html: &mut Html, page: &Shown<'_>) {
    let Why { figures: [now, then], moved, failed, .. } = page.why;
    summary(html, page);
    if (*now, *then) == (0, 0) && moved.is_empty() {
        html.raw(r#"<div class="nothing"><p>"#).text(t(Key::WhyNothing)).raw("</p></div>");
    } else if moved.is_empty() && failed.is_empty() {
        html.raw(r#"<div class="nothing"><p>"#).text(t(Key::WhyNoise)).raw("</p></div>");
    } else if !moved.is_empty() {
        html.raw(r#"<p class="sheet-text">"#).text(t(Key::WhyText)).raw("</p>");
        rows(html, page);
    }
    if !failed.is_empty() {
        let fields: Vec<&str> = failed.iter().map(|field| field_name(field)).collect();
        html.raw(r#"<p class="notice notice-warn" role="status">"#).text(fill(Key::WhyFailed, &[("fields", &fields.join(", "))]));
        html.raw(" <a class=\"more\"").attr("href", page.query.href(&why_page(page.domain))).raw(">").text(t(Key::Retry)).raw("</a></p>");
    }
}

fn summary(html: &mut Html, page: &Shown<'_>) {
    let Why { now, then, timezone, figures: [is, was], incomplete, approximate, .. } = page.why;
    let change = if *was > 0 { signed_percent(100.0 * difference(*is, *was) / *was as f64) } else { t(Key::NoEarlierData).to_owned() };
    let figure = t(page.metric.name());
    let key = match is.cmp(was) {
        std::cmp::Ordering::Greater => Key::WhyRose,
        std::cmp::Ordering::Less => Key::WhyFell,
        std::cmp::Ordering::Equal => Key::WhySame,
    };
    let said = fill(key, &[("figure", figure), ("then", &number(*was)), ("now", &number(*is)), ("change", &change)]);
    html.raw(r#"<p class="lead why-lead">"#).text(said).raw(r#"</p><p class="note">"#);
    let minute = |time: &'_ String| time.get(..16).unwrap_or(time).to_owned();
    let ([from, to], [then_from, then_to]) = (now.each_ref().map(minute), then.each_ref().map(minute));
    let values: [(&str, &str); 5] =
        [("from", &from), ("to", &to), ("then_from", &then_from), ("then_to", &then_to), ("timezone", timezone)];
    html.text(fill(Key::WhyPeriods, &values)).raw("</p>");
    for (holds, key) in [(*incomplete, Key::IncompleteComparison), (*approximate, Key::Approximate)] {
        if holds {
            html.raw(r#"<p class="note">"#).text(t(key)).raw("</p>");
        }
    }
}

/// As rows of panels are filtered by.
fn row_of(moved: &Moved) -> TableRow {
    TableRow { label: moved.label.clone(), name: moved.name.clone(), ..TableRow::default() }
}

fn rows(html: &mut Html, page: &Shown<'_>) {
    let figure = t(page.metric.name());
    let title = fill(Key::WhyTitle, &[("figure", figure)]);
    html.raw(r#"<div class="sheet-scroll" tabindex="0" role="region""#)
        .attr("aria-label", &title)
        .raw(r#"><table class="sheet-table why">"#);
    html.raw("<thead><tr>");
    let heads = [Key::WhyDimension, Key::FilterValue, Key::WhyNow, Key::WhyThen, Key::Change, Key::WhyContribution];
    for (at, head) in heads.into_iter().enumerate() {
        html.raw(r#"<th scope="col""#)
            .attr("class", ["", "", "figure", "figure", "figure", "why-part"][at])
            .raw(">")
            .text(t(head))
            .raw("</th>");
    }
    html.raw(r#"<th scope="col"><span class="sr-only">"#).text(t(Key::WhyNote)).raw("</span></th></tr></thead><tbody>");
    let shares: Vec<Option<f64>> = page.why.moved.iter().map(|moved| share(moved, page.why.figures)).collect();
    let widest = page.why.moved.iter().map(|moved| difference(moved.figures[0], moved.figures[1]).abs()).fold(1.0, f64::max);
    for (moved, share) in page.why.moved.iter().zip(shares) {
        let [now, then] = moved.figures;
        let change = difference(now, then);
        let against = change * difference(page.why.figures[0], page.why.figures[1]) < 0.0;
        html.raw(r#"<tr><td class="why-field">"#).text(field_name(moved.field)).raw(r#"</td><th scope="row"><span class="row-text">"#);
        let name = named(moved.field, &moved.label, moved.name.as_deref());
        filters(html, page.domain, page.query, moved.field, &row_of(moved), name);
        html.raw(r#"</span></th><td class="figure">"#).text(number(now)).raw(r#"</td><td class="figure">"#).text(number(then));
        html.raw(r#"</td><td class="figure">"#).text(signed(change)).raw(r#"</td><td class="why-part"><span class="row-bar"#);
        html.raw(if against { " why-against\"" } else { "\"" }).attr("style", format_args!("width:{:.1}%", 100.0 * change.abs() / widest));
        html.raw(r#"></span><span class="why-share">"#).text(share.map_or_else(|| "–".to_owned(), signed_share)).raw("</span></td><td>");
        if crate::share::of_request().is_none() {
            note(html, page, moved, (name, share));
        }
        html.raw("</td></tr>");
    }
    html.raw("</tbody></table></div>");
}

/// Notes the row on the chart.
fn note(html: &mut Html, page: &Shown<'_>, moved: &Moved, (name, share): (&str, Option<f64>)) {
    let shortened: String = name.chars().take(NOTE_LETTERS).collect();
    let [now, then] = moved.figures.map(number);
    let (figure, field) = (t(page.metric.name()), field_name(moved.field));
    let share = share.map(signed_share).unwrap_or_default();
    let key = if share.is_empty() { Key::WhyNoteAlone } else { Key::WhyNoteText };
    let values = [("field", field), ("value", &shortened), ("figure", figure), ("then", &then), ("now", &now), ("share", &share)];
    let text = fill(key, &values);
    let (day, time) = page.why.moment.clone();
    let when = Label::parse(&day).map_or_else(|| day.clone(), |label| label.day());
    let said = fill(Key::WhyNoteLong, &[("day", &when), ("note", &text)]);
    html.raw(r#"<form method="post" action="/api/app/add-setting">"#);
    hidden(html, "csrf", page.csrf.to_owned());
    hidden(html, "domain", page.domain.to_owned());
    for (name, value) in Entry::Annotation(Annotation { day, time, note: text }).fields() {
        hidden(html, &name, value);
    }
    html.raw(r#"<button class="button why-note""#).attr("aria-label", &said).attr("title", &said).raw(">").text(t(Key::WhyNote));
    html.raw("</button></form>");
}

#[expect(clippy::cast_precision_loss, reason = "figures below 2^53")]
fn difference(now: u64, then: u64) -> f64 {
    now as f64 - then as f64
}

/// The change of a value in percent of that of the whole; none where the whole did not change.
fn share(moved: &Moved, [now, then]: [u64; 2]) -> Option<f64> {
    let whole = difference(now, then);
    (whole != 0.0).then(|| 100.0 * difference(moved.figures[0], moved.figures[1]) / whole)
}

/// With its sign, a true minus.
fn signed(change: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number that is not negative")]
    let text = number(change.abs() as u64);
    format!("{}{text}", if change < 0.0 { "−" } else { "+" })
}

fn signed_percent(percent: f64) -> String {
    format!("{}{}", if percent < 0.0 { "−" } else { "+" }, format::share(percent.abs()))
}

/// A share says a minus alone: it is of the change, whichever way that went.
fn signed_share(percent: f64) -> String {
    format!("{}{}", if percent < 0.0 { "−" } else { "" }, format::share(percent.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(figures: [u64; 2]) -> Why {
        let moved = |field, label: &str, figures| Moved { field, label: label.to_owned(), name: None, figures };
        Why {
            now: ["2026-11-15 00:00:00".to_owned(), "2026-11-22 00:00:00".to_owned()],
            then: ["2026-11-08 00:00:00".to_owned(), "2026-11-15 00:00:00".to_owned()],
            timezone: "Europe/Berlin".to_owned(),
            figures,
            moved: vec![moved("source", "<News>", [90, 10]), moved("country", "DE", [5, 25])],
            moment: ("2026-11-15".to_owned(), String::new()),
            ..Why::default()
        }
    }

    fn page(state: &str, answer: Result<Option<Why>, AppError>) -> String {
        why("a.org", &ViewQuery::parse(state), "token", answer).into_string()
    }

    #[test]
    fn a_change_is_said_with_what_accounts_for_it() {
        let text = page("period=7d", Ok(Some(some([200, 100]))));
        assert!(text.contains("Visitors rose from 100 to 200, +100%."), "{text}");
        assert!(text.contains("2026-11-15 00:00 to 2026-11-22 00:00, compared with 2026-11-08 00:00 to 2026-11-15 00:00, Europe/Berlin"));
        assert!(
            text.contains(r#"<span class="why-share">80%</span>"#) && text.contains(r#"<span class="why-share">−20%</span>"#),
            "{text}"
        );
        assert!(text.contains("+80") && text.contains("−20") && text.matches("why-against").count() == 1, "{text}");
        assert!(text.contains(r#"href="/a.org?period=7d&amp;f=is,country,DE""#) && text.contains("Show only Germany"), "{text}");
        assert!(!text.contains("<News>") && text.contains("Source &lt;News&gt;: Visitors 10 → 90, 80% of the change"), "{text}");
        assert!(text.contains(r#"name="entry[annotation][day]" value="2026-11-15""#), "{text}");
    }

    #[test]
    fn a_fall_and_a_stand_are_said_too() {
        let text = page("metric=visits", Ok(Some(some([100, 200]))));
        assert!(text.contains("Visits fell from 200 to 100, −50%.") && text.contains(r#"<span class="why-share">−80%</span>"#), "{text}");
        let text = page("metric=bounce_rate", Ok(Some(some([100, 100]))));
        assert!(text.contains("Visitors did not change") && text.contains(r#"<span class="why-share">–</span>"#), "{text}");
        assert!(text.contains("Germany: Visitors 25 → 5\""), "{text}");
        assert!(page("", Ok(Some(some([7, 0])))).contains("no earlier data"));
    }

    #[test]
    fn what_is_missing_is_said() {
        let text = page("compare=off", Ok(None));
        assert!(text.contains("Nothing is compared") && text.contains(r#"href="/a.org/why""#), "{text}");
        assert!(page("period=all", Ok(None)).contains("All time has no earlier period"));
        assert!(page("", Ok(Some(Why { moved: Vec::new(), ..some([0, 0]) }))).contains("nothing in either period"));
        assert!(page("", Ok(Some(Why { moved: Vec::new(), ..some([9, 8]) }))).contains("No value changed by 1%"));
        let text = page("", Ok(Some(Why { failed: vec!["country", "os"], ..some([9, 8]) })));
        assert!(text.contains("Country, System") && text.contains("&lt;News&gt;"), "{text}");
        assert!(page("", Err(AppError::StoreAway { detail: String::new() })).contains("The analytics store is away"));
    }
}
