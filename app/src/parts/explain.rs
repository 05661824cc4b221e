//! How a figure came about, of the strip or of a table: what it is, how sure it is, what was read for it, and how a program asks the same.

use super::{
    Page, back, detail,
    filters::chips,
    label::named,
    panel::{column_name, long_name, money_or},
};
use crate::{
    backend::{Explained, ExplainedRow, How, Offered},
    failed::part_failed,
    filter,
    format::{compact, number, part, percent},
    i18n::{Key, fill, t},
    icons::{Icon, icon},
    markup::Html,
    metric::Metric,
    query::{NAMES_OF_PROPS, ViewQuery, decoded_pairs, encoded},
    share,
    text::middle,
    types::AppError,
};

/// What is explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The figure.
    pub metric: Metric,
    /// The field of the table that it stands in; none for the strip.
    pub by: Option<String>,
}

impl Asked {
    /// From the name of the figure and the text after the question mark. None for what no page shows.
    #[must_use]
    pub fn parse(metric: &str, text: &str) -> Option<Self> {
        let Some((_, by)) = decoded_pairs(text).into_iter().find(|(key, _)| *key == "by") else {
            return Some(Self { metric: Metric::of_strip(metric)?, by: None });
        };
        let metric = Metric::named(metric)?;
        (is_explained(&by) && detail::figures(&by).contains(&metric)).then_some(Self { metric, by: Some(by) })
    }

    /// Its page.
    #[must_use]
    pub fn page(&self, domain: &str) -> Page {
        let own = self.by.iter().map(|by| ("by", by.clone())).collect();
        Page::with(format!("/{domain}/explain/{}", self.metric.code()), own)
    }

    /// The figures beside it.
    fn others(&self) -> &'static [Metric] {
        self.by.as_deref().map_or(&Metric::STRIP, detail::figures)
    }

    fn name(&self) -> String {
        let name = t(self.metric.name());
        self.by.as_deref().map_or_else(|| name.to_owned(), |by| format!("{name} · {}", long_name(by)))
    }
}

/// Whether programs can ask for the table of a field: which properties there are is no dimension of theirs.
fn is_explained(field: &str) -> bool {
    filter::is_field(field) && field != NAMES_OF_PROPS
}

/// Leads from the head of a column to how its figures come about. With script it carries the page's state along, as it is by then.
pub(super) fn beside(html: &mut Html, domain: &str, query: &ViewQuery, metric: Metric, field: &str) {
    if !is_explained(field) {
        return;
    }
    let asked = Asked { metric, by: Some(field.to_owned()) };
    let said = fill(Key::ExplainLink, &[("figure", &asked.name())]);
    html.raw(r#"<a class="rows-why" rel="external""#).attr("data-set", format_args!("by={}", encoded(field)));
    html.attr("href", asked.page(domain).href(query)).attr("title", &said).attr("aria-label", &said).raw(">i</a>");
}

/// The page of a figure. `query` is the state of the dashboard that it belongs to.
#[must_use]
pub fn explain(domain: &str, asked: &Asked, query: &ViewQuery, offered: &Offered, explained: Result<Explained, AppError>) -> Html {
    let name = asked.name();
    let mut html = Html::new();
    back(&mut html, domain, query);
    html.raw(r#"<h1 class="title">"#).text(fill(Key::ExplainTitle, &[("figure", &name)])).raw("</h1>");
    others(&mut html, domain, asked, query);
    match explained {
        Ok(explained) => shown(&mut html, domain, asked, (query, offered), &explained),
        Err(error) => {
            html.raw(r#"<div class="sheet-part">"#).html(&part_failed(&error, "explain")).raw("</div>");
        }
    }
    html
}

/// The other figures of the strip or of the table.
fn others(html: &mut Html, domain: &str, asked: &Asked, query: &ViewQuery) {
    html.raw(r#"<nav class="tabs sheet-tabs""#).attr("aria-label", t(Key::Figures)).raw(">");
    for metric in asked.others() {
        let page = Asked { metric: *metric, ..asked.clone() }.page(domain);
        html.raw(r#"<a class="tab""#).attr("href", page.href(query)).attr_if(*metric == asked.metric, "aria-current", "page");
        html.raw(">").text(t(metric.name())).raw("</a>");
    }
    html.raw("</nav>");
}

fn shown(html: &mut Html, domain: &str, asked: &Asked, (query, offered): (&ViewQuery, &Offered), explained: &Explained) {
    let is_own = share::of_request().is_none();
    html.raw(r#"<section class="sheet-part"><p class="sheet-text">"#).text(explained.definition).raw(" ");
    html.text(fill(Key::ExplainUnit, &[("unit", explained.unit)])).raw("</p>");
    let about = if explained.how.as_ref().is_some_and(|how| !how.exact) { "≈ " } else { "" };
    match &asked.by {
        Some(by) => table(html, asked.metric, by, &explained.rows, about),
        None => {
            let figure = explained.figure.map_or_else(|| "–".to_owned(), |figure| asked.metric.text(figure));
            html.raw(r#"<p class="kpi-figure">"#).raw(about).text(figure).raw("</p>");
        }
    }
    html.raw(r#"<p class="note">"#);
    let period = [("from", minute(&explained.from)), ("to", minute(&explained.to)), ("timezone", explained.timezone.as_str())];
    html.text(fill(Key::ExplainPeriod, &period)).raw("</p>");
    html.html(&chips(&asked.page(domain), query, offered));
    match &explained.how {
        None => {
            html.raw(r#"<p class="sheet-text">"#).text(t(Key::ExplainNothing)).raw("</p></section>");
        }
        Some(how) => {
            if asked.metric == Metric::Pageviews && asked.by.is_none() && query.filters.is_empty() {
                html.raw(r#"<p class="note">"#).text(t(Key::ExplainLive)).raw("</p>");
            }
            facts(html, domain, query, how);
            html.raw("</section>");
            if is_own {
                statement(html, how);
            }
        }
    }
    if is_own {
        program(html, domain, explained);
    }
}

/// The first rows of a table.
fn table(html: &mut Html, metric: Metric, by: &str, rows: &[ExplainedRow], about: &'static str) {
    if rows.is_empty() {
        return;
    }
    html.raw(r#"<table class="sheet-table explained"><thead><tr><th scope="col">"#).text(column_name(by));
    html.raw(r#"</th><th scope="col" class="figure">"#).text(t(metric.name())).raw("</th></tr></thead><tbody>");
    for row in rows {
        html.raw(r#"<tr><th scope="row">"#);
        middle(html, named(by, &row.label, row.name.as_deref()));
        html.raw(r#"</th><td class="figure">"#).raw(about);
        money_or(html, metric, row.figure, row.currency.as_ref());
        html.raw("</td></tr>");
    }
    html.raw("</tbody></table>");
}

/// `2026-11-21 14:05:00` → `2026-11-21 14:05`
fn minute(time: &str) -> &str {
    time.get(..16).unwrap_or(time)
}

fn facts(html: &mut Html, domain: &str, query: &ViewQuery, how: &How) {
    let arrived = how.counted + how.bots + how.dropped;
    let of_events = |count: u64| fill(Key::ExplainOfEvents, &[("share", &part(count, arrived))]);
    html.raw(r#"<dl class="how-facts">"#);
    let (exact, why) =
        if how.exact { (Key::ExplainExact, Key::ExplainExactText) } else { (Key::ExplainEstimated, Key::ExplainEstimatedText) };
    fact(html, Key::ExplainHow, t(exact), t(why));
    match &how.watermark {
        Some(at) => fact(html, Key::ExplainFresh, at, t(Key::ExplainFreshText)),
        None => fact(html, Key::ExplainFresh, "–", t(Key::ExplainNotFresh)),
    }
    if let Some((from, to)) = how.confidence {
        fact(html, Key::ExplainConfidence, &percent(format_args!("{from}–{to}")), t(Key::ExplainConfidenceText));
    }
    // These are of all that came, whatever a shared link is limited to.
    if share::of_request().is_some() {
        html.raw("</dl>");
        return;
    }
    let (bytes, elapsed) = (format!("{}B", compact(how.bytes)), format!("{:.0}", how.elapsed_ms.ceil()));
    let read = fill(Key::ExplainReadText, &[("bytes", &bytes), ("elapsed", &elapsed)]);
    fact(html, Key::ExplainRead, &fill(Key::ExplainRows, &[("n", &number(how.rows))]), &read);
    fact(html, Key::ExplainEvents, &number(how.counted), t(Key::ExplainEventsText));
    fact(html, Key::ExplainBots, &number(how.bots), &of_events(how.bots));
    html.raw("<div><dt>")
        .text(t(Key::ExplainDropped))
        .raw("</dt><dd>")
        .text(number(how.dropped))
        .raw(r#"</dd><dd class="note"><a class="more""#);
    html.attr("href", query.href(&format!("/{domain}/drops"))).raw(">").text(t(Key::ExplainDroppedText)).raw("</a></dd></div>");
    fact(html, Key::ExplainLate, &number(how.late), t(Key::ExplainLateText));
    html.raw("</dl>");
}

fn fact(html: &mut Html, name: Key, value: &str, text: &str) {
    html.raw("<div><dt>").text(t(name)).raw("</dt><dd>").text(value).raw(r#"</dd><dd class="note">"#).text(text).raw("</dd></div>");
}

fn statement(html: &mut Html, how: &How) {
    html.raw(r#"<section class="sheet-part"><h2 class="panel-title">"#).text(t(Key::ExplainSql)).raw("</h2>");
    code(html, Key::ExplainSql, &how.sql);
    html.raw(r#"<h3 class="label">"#)
        .text(t(Key::ExplainParameters))
        .raw(r#"</h3><div class="sheet-scroll parameters" tabindex="0" role="region""#);
    html.attr("aria-label", t(Key::ExplainParameters)).raw(r#"><table class="sheet-table"><tbody>"#);
    for (name, value) in &how.parameters {
        html.raw(r#"<tr><th scope="row"><code>"#).text(name).raw("</code></th><td><code>").text(value).raw("</code></td></tr>");
    }
    html.raw("</tbody></table></div></section>");
}

fn program(html: &mut Html, domain: &str, explained: &Explained) {
    html.raw(r#"<section class="sheet-part"><h2 class="panel-title">"#).text(t(Key::ExplainApi)).raw(r#"</h2><p class="sheet-text">"#);
    html.text(fill(Key::ExplainApiText, &[("domain", domain)])).raw("</p>");
    code(html, Key::ExplainApi, &curl(&explained.endpoint, &explained.question));
    html.raw("</section>");
}

/// A block of code that scrolls and can be copied.
fn code(html: &mut Html, name: Key, text: &str) {
    html.raw(r#"<div class="snippet code-block"><pre class="snippet-line" tabindex="0" role="region""#)
        .attr("aria-label", t(name))
        .raw("><code>");
    html.text(text).raw(r#"</code></pre><button class="button script-only" type="button""#).attr("data-copy", text);
    html.attr("data-copied", t(Key::Copied)).raw(">").html(&icon(Icon::Copy)).raw(r#"<span aria-live="polite">"#).text(t(Key::Copy));
    html.raw("</span></button></div>");
}

/// The question for a shell. What stands between single quotes means itself, but for the quote.
fn curl(endpoint: &str, question: &str) -> String {
    format!(
        "curl {endpoint} \\\n  -H \"Authorization: Bearer $FOOTFALL_KEY\" \\\n  -H 'Content-Type: application/json' \\\n  -d '{}'",
        question.replace('\'', r"'\''")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(how: Option<How>) -> Explained {
        Explained {
            unit: "percent",
            definition: "Visits that bounced.",
            figure: how.is_some().then_some(47.0),
            rows: Vec::new(),
            from: "2026-10-23 00:00:00".to_owned(),
            to: "2026-11-21 14:06:00".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            endpoint: "https://stats.example/api/v2/query".to_owned(),
            question: r#"{"filters":[["is","visit:source",["O'Hara <b>"]]]}"#.to_owned(),
            how,
        }
    }

    fn page(explained: Result<Explained, AppError>) -> String {
        let asked = Asked { metric: Metric::BounceRate, by: None };
        explain("a.org", &asked, &ViewQuery::parse("period=7d&f=is,country,DE"), &Offered::default(), explained).into_string()
    }

    #[test]
    fn a_figure_says_how_sure_it_is_and_what_it_was_made_of() {
        let how = How { exact: false, confidence: Some((45.2, 48.9)), counted: 90, bots: 10, bytes: 48_200_000, ..How::default() };
        let text = page(Ok(explained(Some(how))));
        for part in ["≈ 47%", "45.2–48.9%", "48.2MB", "10.0% of all events", "2026-10-23 00:00 to 2026-11-21 14:06", "Country is Germany"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains(r#"href="/a.org/drops?period=7d&amp;f=is,country,DE""#), "{text}");
        assert!(text.contains(r#"href="/a.org/explain/visits?period=7d&amp;f=is,country,DE""#), "{text}");
    }

    #[test]
    fn nothing_is_a_dash_and_the_question_stays() {
        let text = page(Ok(explained(None)));
        assert!(text.contains("There is nothing in this period.") && text.contains(">–<") && !text.contains("What the store was asked"));
        assert!(text.contains("O&#39;\\&#39;&#39;Hara &lt;b&gt;"), "{text}");
        assert!(page(Err(AppError::Unreachable)).contains("Try again"));
    }

    #[test]
    fn a_table_has_its_first_rows_and_the_figures_beside() {
        let asked = Asked::parse("time_on_page", "by=page&period=7d").unwrap();
        let row = |label: &str, figure| ExplainedRow { label: label.to_owned(), figure, ..ExplainedRow::default() };
        let rows = vec![row("/<b>", Some(90.0)), row("/a", None)];
        let explained = Explained { rows, ..explained(Some(How { exact: true, ..How::default() })) };
        let html = explain("a.org", &asked, &ViewQuery::parse("period=7d"), &Offered::default(), Ok(explained)).into_string();
        assert!(html.contains("1m 30s") && html.contains(r#"<td class="figure">–</td>"#) && !html.contains("<b>"), "{html}");
        assert!(html.contains(r#"href="/a.org/explain/scroll_depth?period=7d&amp;by=page""#), "{html}");
        for (metric, text) in
            [("exit_rate", "by=page"), ("visitors", "by=nonsense"), ("visitors", "by=props"), ("events", ""), ("x", "by=page")]
        {
            assert_eq!(Asked::parse(metric, text), None, "{metric} {text}");
        }
    }
}
