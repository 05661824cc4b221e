//! Several domains as one: the six figures, one of them over time, and what each domain has of them.

use footfall_model::report::Figures;

use super::{
    Page,
    bar::compare_menu,
    change::{self, Tone},
    chart::still,
    period_menu, strip,
};
use crate::{
    backend::{Together, TogetherRow},
    failed::part_failed,
    format,
    i18n::{Key, fill, t},
    icons::{Icon, icon},
    markup::Html,
    query::{ViewQuery, decoded_pairs},
    text::middle,
    types::AppError,
};

/// Domains that are looked at together, at most: each asks the store some things.
pub const MOST_TOGETHER: usize = 50;

/// Where the page is.
pub const TOGETHER: &str = "/sites/together";

/// What the address of the page says: the names, and the state that it shares with dashboards. Filters are of one domain.
#[must_use]
pub fn together_query(text: &str) -> (Vec<String>, ViewQuery) {
    let mut names: Vec<String> = Vec::new();
    for (_, name) in decoded_pairs(text).into_iter().filter(|(key, _)| *key == "d") {
        if names.len() < MOST_TOGETHER && !names.contains(&name) {
            names.push(name);
        }
    }
    (names, ViewQuery::parse(text).with_filters(Vec::new()))
}

/// The page below its bar.
#[must_use]
pub fn together(query: &ViewQuery, answer: Result<Together, AppError>) -> Html {
    let mut html = Html::new();
    html.raw(r#"<p class="back"><a href="/sites">"#).html(&icon(Icon::Back)).raw("<span>").text(t(Key::AllDomains)).raw("</span></a></p>");
    match answer {
        Ok(answer) if answer.rows.is_empty() && answer.missing.is_empty() => {
            html.raw(r#"<h1 class="title">"#).text(t(Key::TogetherName)).raw(r#"</h1><div class="nothing"><p>"#);
            html.text(t(Key::TogetherNone)).raw(r#"</p><a class="button" href="/sites">"#).text(t(Key::AllDomains)).raw("</a></div>");
        }
        Ok(answer) => shown(&mut html, query, answer),
        Err(error) => {
            html.raw(r#"<h1 class="title">"#).text(t(Key::TogetherName)).raw("</h1>").html(&part_failed(&error, "together"));
        }
    }
    html
}

fn shown(html: &mut Html, query: &ViewQuery, answer: Together) {
    // Names that are not the viewer's are not carried on either.
    let names = answer.rows.iter().map(|row| &row.domain).chain(&answer.missing);
    let page = Page::with(TOGETHER, names.map(|name| ("d", name.clone())).collect());
    let period = query.period_or_default(false);
    let n = (answer.rows.len() + answer.missing.len()) as u64;
    let title = if n > 1 { fill(Key::TogetherTitle, &[("n", &format::number(n))]) } else { t(Key::TogetherName).to_owned() };
    html.raw(r#"<header class="together-head"><h1 class="title">"#).text(title);
    html.raw(r#"</h1><nav class="bar-choices""#).attr("aria-label", t(Key::Period)).raw(">").html(&compare_menu(
        &page,
        &answer.today,
        query,
        &[],
    ));
    html.html(&period_menu(&page, &answer.today, query, &period)).raw("</nav></header>");
    html.raw(r#"<p class="lead">"#).text(t(Key::TogetherText)).raw("</p>");
    if !answer.missing.is_empty() {
        html.raw(r#"<p class="notice notice-warn" role="status">"#);
        html.text(fill(Key::TogetherMissing, &[("domains", &answer.missing.join(", "))])).raw("</p>");
    }
    if answer.rows.is_empty() {
        return;
    }
    html.raw(r#"<section class="strip""#).attr("aria-label", t(Key::Figures)).raw(r#"><ul class="strip-items">"#);
    for (metric, figure, changed) in strip::plain(&answer.kpis) {
        let name = t(metric.name());
        html.raw(r#"<li><a class="kpi" data-noscroll"#).attr("title", fill(Key::ShowInChart, &[("figure", name)]));
        html.attr("href", page.href(&query.with_metric(metric))).attr_if(metric == query.metric, "aria-current", "true");
        html.raw(r#"><span class="kpi-name">"#).text(name).raw(r#"</span><span class="kpi-figure">"#).text(figure);
        html.raw(r#"</span><span class="kpi-foot"><span class="kpi-change">"#).html(&changed).raw("</span></span></a></li>");
    }
    html.raw(r#"</ul></section><p class="note figure-notes">"#).text(strip::notes(&answer.kpis)).raw("</p>");
    html.html(&still(&page, query, &period, &answer.series));
    rows(html, query, &answer.kpis.figures, &answer.rows);
}

fn rows(html: &mut Html, query: &ViewQuery, all: &Figures, rows: &[TogetherRow]) {
    html.raw(r#"<section class="sheet-part"><h2 class="panel-title">"#).text(t(Key::DomainsTitle));
    html.raw(r#"</h2><div class="sheet-scroll" tabindex="0" role="region""#).attr("aria-label", t(Key::DomainsTitle));
    html.raw(r#"><table class="sheet-table sheet-lines"><thead><tr><th scope="col">"#).text(t(Key::Domain)).raw("</th>");
    let is_compared = rows.iter().any(|row| row.change.is_some());
    let columns = [Key::Visitors, Key::Share, Key::Change, Key::Visits, Key::Pageviews, Key::BounceRate, Key::VisitDuration];
    for column in columns.into_iter().filter(|column| is_compared || *column != Key::Change) {
        html.raw(r#"<th scope="col" class="figure">"#).text(t(column)).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    for TogetherRow { domain, figures, change: changed } in rows {
        html.raw(r#"<tr><th scope="row"><a class="more""#).attr("href", query.href(&format!("/{domain}"))).raw(">");
        middle(html, domain);
        html.raw("</a></th>");
        let cell = |html: &mut Html, text: &str| {
            html.raw(r#"<td class="figure">"#).text(text).raw("</td>");
        };
        cell(html, &format::number(figures.visitors));
        cell(html, &format::part(figures.visitors, all.visitors));
        if is_compared {
            html.raw(r#"<td class="figure">"#);
            change::change(html, *changed, Tone::UpIsGood, "–", None);
            html.raw("</td>");
        }
        cell(html, &format::number(figures.visits));
        cell(html, &format::number(figures.pageviews));
        let of_visits = |text: Option<String>| text.filter(|_| figures.visits > 0).unwrap_or_else(|| "–".to_owned());
        cell(html, &of_visits(figures.bounce_rate.map(format::percent)));
        cell(html, &of_visits(figures.visit_duration.map(format::duration)));
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div></section>");
}

#[cfg(test)]
mod tests {
    use footfall_model::{
        Interval,
        report::{Kpis, Meta, Timeseries},
    };

    use super::*;
    use crate::types::Series;

    fn answer(rows: &[(&str, u64)]) -> Together {
        let row = |(domain, visitors): &(&str, u64)| TogetherRow {
            domain: (*domain).to_owned(),
            figures: Figures { visitors: *visitors, visits: *visitors, bounce_rate: Some(40), ..Figures::default() },
            change: None,
        };
        let visitors = rows.iter().map(|(_, visitors)| visitors).sum();
        Together {
            today: "2026-11-22".to_owned(),
            kpis: Kpis { figures: Figures { visitors, ..Figures::default() }, ..Kpis::default() },
            series: Series { now: Timeseries { interval: Interval::Day, points: Vec::new(), meta: Meta::default() }, then: None },
            rows: rows.iter().map(row).collect(),
            missing: Vec::new(),
        }
    }

    #[test]
    fn the_address_names_domains_once_and_has_no_filters() {
        let (names, query) = together_query("?d=a.org&d=b.org&d=a.org&period=7d&f=is,page,/");
        assert_eq!((names, query.write()), (vec!["a.org".to_owned(), "b.org".to_owned()], "period=7d".to_owned()));
        let many: String = (0..80).map(|n| format!("d=a{n}.org&")).collect();
        assert_eq!(together_query(&many).0.len(), MOST_TOGETHER);
    }

    #[test]
    fn domains_have_a_share_and_the_address_keeps_them() {
        let (_, query) = together_query("period=7d");
        let html = together(&query, Ok(answer(&[("a.org", 30), ("b.org", 10)]))).into_string();
        assert!(
            html.contains("2 domains as one") && html.contains("75.0%") && html.contains("25.0%") && html.contains("added up"),
            "{html}"
        );
        assert!(html.contains("metric=pageviews&amp;d=a.org&amp;d=b.org") && html.contains(r#"href="/a.org?period=7d""#), "{html}");
        let none = together(&query, Ok(answer(&[]))).into_string();
        assert!(none.contains("No domain is chosen") && !none.contains("<table"), "{none}");
    }

    #[test]
    fn what_could_not_be_counted_is_named() {
        let away = Together { missing: vec!["b.org".to_owned()], ..answer(&[("a.org", 30)]) };
        let html = together(&ViewQuery::default(), Ok(away)).into_string();
        assert!(html.contains("Without b.org") && html.contains("2 domains as one"), "{html}");
    }
}
