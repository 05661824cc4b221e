//! How a figure of the strip came about: what it is, how sure it is, what was read for it, and how a program asks the same.

use super::{Page, back, filters::chips};
use crate::{
    backend::{Explained, How, PlaceNames},
    failed::part_failed,
    format::{compact, number, part, percent},
    i18n::{Key, fill, t},
    icons::{Icon, icon},
    markup::Html,
    metric::Metric,
    query::ViewQuery,
    share,
    types::AppError,
};

/// The page of a figure. `query` is the state of the dashboard that it belongs to.
#[must_use]
pub fn explain(domain: &str, metric: Metric, query: &ViewQuery, names: &PlaceNames, explained: Result<Explained, AppError>) -> Html {
    let name = t(metric.name());
    let mut html = Html::new();
    back(&mut html, domain, query);
    html.raw(r#"<h1 class="title">"#).text(fill(Key::ExplainTitle, &[("figure", name)])).raw("</h1>");
    others(&mut html, domain, metric, query);
    match explained {
        Ok(explained) => shown(&mut html, domain, metric, (query, names), &explained),
        Err(error) => {
            html.raw(r#"<div class="sheet-part">"#).html(&part_failed(&error, "explain")).raw("</div>");
        }
    }
    html
}

/// The other figures of the strip.
fn others(html: &mut Html, domain: &str, metric: Metric, query: &ViewQuery) {
    html.raw(r#"<nav class="tabs sheet-tabs""#).attr("aria-label", t(Key::Figures)).raw(">");
    for other in Metric::STRIP {
        let (code, name, chosen) = (other.code(), other.name(), other == metric);
        html.raw(r#"<a class="tab""#).attr("href", query.href(&format!("/{domain}/explain/{code}"))).attr_if(
            chosen,
            "aria-current",
            "page",
        );
        html.raw(">").text(t(name)).raw("</a>");
    }
    html.raw("</nav>");
}

fn shown(html: &mut Html, domain: &str, metric: Metric, (query, names): (&ViewQuery, &PlaceNames), explained: &Explained) {
    let is_own = share::of_request().is_none();
    html.raw(r#"<section class="sheet-part"><p class="sheet-text">"#).text(explained.definition).raw(" ");
    html.text(fill(Key::ExplainUnit, &[("unit", explained.unit)])).raw(r#"</p><p class="kpi-figure">"#);
    if explained.how.as_ref().is_some_and(|how| !how.exact) {
        html.raw("≈ ");
    }
    html.text(explained.figure.map_or_else(|| "–".to_owned(), |figure| metric.text(figure))).raw(r#"</p><p class="note">"#);
    let period = [("from", minute(&explained.from)), ("to", minute(&explained.to)), ("timezone", explained.timezone.as_str())];
    html.text(fill(Key::ExplainPeriod, &period)).raw("</p>");
    html.html(&chips(&Page::new(format!("/{domain}/explain/{}", metric.code())), query, names));
    match &explained.how {
        None => {
            html.raw(r#"<p class="sheet-text">"#).text(t(Key::ExplainNothing)).raw("</p></section>");
        }
        Some(how) => {
            if metric == Metric::Pageviews && query.filters.is_empty() {
                html.raw(r#"<p class="note">"#).text(t(Key::ExplainLive)).raw("</p>");
            }
            facts(html, domain, query, how);
            html.raw("</section>");
            if is_own {
                asked(html, how);
            }
        }
    }
    if is_own {
        program(html, domain, explained);
    }
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
        Some(at) => fact(html, Key::ExplainFresh, &utc(at), t(Key::ExplainFreshText)),
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

/// `2026-11-21T14:05:30.123Z` → `2026-11-21 14:05:30 UTC`
fn utc(time: &str) -> String {
    time.get(..19).map_or_else(|| time.to_owned(), |time| format!("{} UTC", time.replace('T', " ")))
}

fn asked(html: &mut Html, how: &How) {
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
            from: "2026-10-23 00:00:00".to_owned(),
            to: "2026-11-21 14:06:00".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            endpoint: "https://stats.example/api/v2/query".to_owned(),
            question: r#"{"filters":[["is","visit:source",["O'Hara <b>"]]]}"#.to_owned(),
            how,
        }
    }

    fn page(explained: Result<Explained, AppError>) -> String {
        explain("a.org", Metric::BounceRate, &ViewQuery::parse("period=7d&f=is,country,DE"), &PlaceNames::new(), explained).into_string()
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
}
