//! What happens right now: the figure, the half hour, the newest events, and where they come from. Each part has an id; the page's script
//! (`tools/page/realtime.js`) asks for them again when something happens, and changes what differs. Rows have keys, so that they can slide.

use footfall_model::{
    Period,
    report::{LiveEvent, LiveView},
};

use super::{
    back,
    label::named,
    map::map,
    no_visits_yet,
    panel::{ROWS, cells, class, column_name, figures, long_name, widths},
};
use crate::{
    backend::{Table, TableRow},
    components::live::{ago, minutes},
    failed::part_failed,
    filter::{Filter, Op},
    format,
    i18n::{Key, fill, t},
    markup::Html,
    metric::Metric,
    query::ViewQuery,
    text::{country, middle},
    types::{AppError, Face, Site},
};

/// Newest events on the page: as high as nine rows with their head.
const EVENTS: usize = 12;

/// What is known of the last half hour.
pub struct Now {
    /// As of when, UTC milliseconds.
    pub at: i64,
    /// What live state knows.
    pub live: Result<LiveView, AppError>,
    /// What the store knows, if it was asked.
    pub stored: Option<Stored>,
}

/// What the store knows of the last half hour.
pub struct Stored {
    /// By source.
    pub sources: Result<Table, AppError>,
    /// All countries.
    pub countries: Result<Table, AppError>,
}

/// The page of a domain. `query` is the state that leads back to the dashboard.
#[must_use]
pub fn realtime(site: &Site, query: &ViewQuery, csrf: &str, now: &Now) -> Html {
    let begun = site.has_events || now.live.as_ref().is_ok_and(|live| live.has_events);
    let mut html = Html::new();
    back(&mut html, &site.domain, query);
    html.raw(r#"<div class="realtime""#)
        .attr("data-realtime", &site.domain)
        .attr("data-stream", format_args!("/api/analytics/live?domainId={}", Face::from(site).id))
        .attr("data-seconds", t(Key::SecondsAgo))
        .attr("data-minutes", t(Key::MinutesAgo))
        .attr("data-hours", t(Key::HoursAgo))
        .attr_if(!begun, "data-empty", "")
        .raw(r#"><h1 class="title">"#)
        .text(t(Key::RealtimeTitle))
        .raw(r#"</h1><p class="notice notice-warn" role="status" id="now-away" hidden>"#)
        .text(t(Key::LiveAway))
        .raw("</p>");
    if begun {
        html.raw(r#"<noscript><p class="notice">"#)
            .text(t(Key::RealtimeReload))
            .raw(r#"</p></noscript><p class="sr-only" role="status" id="now-said"></p><div class="realtime-parts">"#)
            .html(&realtime_parts(&site.domain, now))
            .raw("</div>");
    } else {
        html.html(&no_visits_yet(site, csrf));
    }
    html.raw("</div>");
    html
}

/// The parts as of now. Those of the store are left out where it was not asked.
#[must_use]
pub fn realtime_parts(domain: &str, now: &Now) -> Html {
    let mut html = Html::new();
    part(&mut html, "now-figure", t(Key::RightNow), |html| match &now.live {
        Ok(live) => figure(html, live),
        Err(error) => failed(html, error),
    });
    if let Some(stored) = &now.stored {
        part(&mut html, "now-map", t(Key::TabMap), |html| match &stored.countries {
            Ok(table) => {
                html.html(&map(table, |html, filter| {
                    html.attr("href", looked_at().with_filter(filter).href(&format!("/{domain}")));
                }));
            }
            Err(error) => failed(html, error),
        });
    }
    part(&mut html, "now-feed", t(Key::NewestEvents), |html| match &now.live {
        Ok(live) => feed(html, live, now.at),
        Err(error) => failed(html, error),
    });
    part(&mut html, "now-pages", long_name("page"), |html| match &now.live {
        Ok(live) => rows(html, domain, "page", &[Metric::Pageviews], &pages(live)),
        Err(error) => failed(html, error),
    });
    if let Some(Stored { sources, countries }) = &now.stored {
        for (id, field, answer) in [("now-sources", "source", sources), ("now-countries", "country", countries)] {
            part(&mut html, id, long_name(field), |html| match answer {
                Ok(table) => rows(html, domain, field, figures(field), table),
                Err(error) => failed(html, error),
            });
        }
    }
    html
}

/// The dashboard of the half hour, to which rows lead.
fn looked_at() -> ViewQuery {
    ViewQuery::default().with_period(Period::Last30Minutes)
}

fn part(html: &mut Html, id: &'static str, title: &str, write: impl FnOnce(&mut Html)) {
    html.raw(r#"<section class="panel""#)
        .attr("id", id)
        .attr("aria-labelledby", format_args!("{id}-title"))
        .raw(r#"><header class="panel-head"><h2 class="panel-title""#)
        .attr("id", format_args!("{id}-title"))
        .raw(">")
        .text(title)
        .raw("</h2></header>");
    write(html);
    html.raw("</section>");
}

fn failed(html: &mut Html, error: &AppError) {
    html.html(&part_failed(error, "realtime"));
}

fn figure(html: &mut Html, live: &LiveView) {
    let now = format::number(live.current_visitors);
    let (views, visitors) = (format::number(live.pageviews), format::number(live.visitors));
    let summary = fill(Key::LiveBarsSummary, &[("n", &views), ("visitors", &visitors)]);
    html.raw(r#"<p class="now" id="now""#)
        .attr("data-said", fill(Key::NowOnline, &[("n", &now)]))
        .raw(r#"><span class="pill-dot" aria-hidden="true"></span><span class="roll"><span class="now-count" data-roll>"#)
        .text(&now)
        .raw(r#"</span></span> <span class="now-text">"#)
        .text(t(Key::RealtimeCurrent))
        .raw(r#"</span></p><div class="minutes" role="img""#)
        .attr("aria-label", format_args!("{}. {summary}", t(Key::LiveBars)))
        .raw(">")
        .html(&minutes(live))
        .raw(r#"</div><p class="minutes-axis" aria-hidden="true"><span>"#)
        .text(t(Key::Minus30))
        .raw("</span><span>")
        .text(t(Key::NowLabel))
        .raw(r#"</span></p><p class="note">"#)
        .text(summary)
        .raw("</p>");
}

/// Place, page, source and age of the newest events: nothing of who it was.
fn feed(html: &mut Html, live: &LiveView, now: i64) {
    html.raw(r#"<ol class="feed now-feed""#).attr("data-now", now).raw(">");
    if live.newest.is_empty() {
        html.raw(r#"<li class="nothing">"#).text(t(Key::NothingYet)).raw("</li>");
    }
    for LiveEvent { ts, name, path, country: code, source, .. } in live.newest.iter().take(EVENTS) {
        html.raw(r#"<li class="feed-row""#).attr("data-key", format_args!("{ts} {path}")).raw(r#"><span class="feed-place">"#);
        if !code.is_empty() {
            let place = country(code);
            html.raw(r#"<span class="code" aria-hidden="true">"#)
                .text(code)
                .raw(r#"</span><span class="feed-country""#)
                .attr("title", place)
                .raw(">")
                .text(place)
                .raw("</span>");
        }
        html.raw(r#"</span><span class="feed-path">"#);
        if name != "pageview" {
            html.raw(r#"<span class="tag">"#).text(name).raw("</span>");
        }
        middle(html, path);
        html.raw(r#"</span><span class="feed-source">"#)
            .text(if source.is_empty() { t(Key::DirectSource) } else { source })
            .raw(r#"</span><span class="feed-ago""#)
            .attr("data-ts", ts)
            .raw(">")
            .text(ago(now - ts))
            .raw("</span></li>");
    }
    html.raw("</ol>");
}

/// Pages as live state knows them.
fn pages(live: &LiveView) -> Table {
    let row = |page: &footfall_model::report::LivePage| TableRow {
        label: page.path.clone(),
        figures: vec![Some(page.pageviews as f64)],
        ..TableRow::default()
    };
    Table { rows: live.pages.iter().map(row).collect(), total: live.pages.len() as u64, ..Table::default() }
}

/// The first rows, each of which leads to the dashboard of the half hour, filtered by it.
fn rows(html: &mut Html, domain: &str, field: &str, figures: &[Metric], table: &Table) {
    if table.rows.is_empty() {
        html.raw(r#"<p class="nothing">"#).text(t(Key::NothingYet)).raw("</p>");
        return;
    }
    html.raw(r#"<table class="rows"><caption class="sr-only">"#)
        .text(long_name(field))
        .raw(r#"</caption><thead><tr><th scope="col">"#)
        .text(column_name(field))
        .raw("</th>");
    for metric in figures {
        html.raw(r#"<th scope="col""#).attr("class", class(*metric)).raw(">").text(t(metric.name())).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    let width = widths(table, 0);
    for row in table.rows.iter().take(ROWS as usize) {
        html.raw("<tr").attr("data-key", &row.label).raw(r#"><th scope="row" class="rows-label"><span class="row-bar""#);
        html.attr("style", format_args!("width:{:.1}%", width(row))).raw(r#"></span><span class="row-text">"#);
        text(html, domain, field, row);
        html.raw("</span></th>");
        cells(html, figures, table, row);
        html.raw("</tr>");
    }
    html.raw("</tbody></table>");
}

fn text(html: &mut Html, domain: &str, field: &str, row: &TableRow) {
    let name = named(field, &row.label, row.name.as_deref());
    if field == "country" && name != row.label {
        html.raw(r#"<span class="code" aria-hidden="true">"#).text(&row.label).raw("</span>");
    }
    // What has no value, or did not fit, cannot be filtered by.
    let filter = Filter::new(Op::Is, field, &row.label).filter(|_| field == "source" || !row.label.starts_with('('));
    let Some(filter) = filter else {
        middle(html, name);
        return;
    };
    html.raw(r#"<a class="row-filter""#)
        .attr("href", looked_at().with_filter(filter).href(&format!("/{domain}")))
        .attr("aria-label", fill(Key::FilterBy, &[("value", name)]))
        .attr("title", name)
        .raw(">");
    middle(html, name);
    html.raw("</a>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(path: &str) -> Now {
        let event =
            LiveEvent { ts: 1_000, name: "<i>".to_owned(), path: path.to_owned(), source: "<s>".to_owned(), ..LiveEvent::default() };
        let pages = vec![footfall_model::report::LivePage { path: path.to_owned(), pageviews: 3 }];
        let live =
            LiveView { current_visitors: 1_234, minutes: vec![1; 30], newest: vec![event], pages, has_events: true, ..LiveView::default() };
        Now { at: 13_000, live: Ok(live), stored: None }
    }

    #[test]
    fn what_visitors_send_is_text() {
        let html = realtime_parts("a.org", &now("/<b>\"x")).into_string();
        assert!(!html.contains("<b>") && !html.contains("<i>") && !html.contains("<s>"), "{html}");
        assert!(html.contains("12 s ago") && html.contains(">1,234<"), "{html}");
        assert!(html.contains(r#"href="/a.org?period=30m&amp;f=is,page,/%3Cb%3E%22x""#), "{html}");
    }

    #[test]
    fn the_store_is_shown_only_where_it_was_asked() {
        let mut now = now("/");
        assert!(!realtime_parts("a.org", &now).into_string().contains("now-map"));
        now.stored = Some(Stored { sources: Err(AppError::Unreachable), countries: Ok(Table::default()) });
        let html = realtime_parts("a.org", &now).into_string();
        assert!(html.contains("now-map") && html.contains("Nothing in the last 30 minutes."), "{html}");
        assert!(html.contains("This could not be loaded."), "one part that fails leaves the others: {html}");
    }

    #[test]
    fn a_domain_without_events_says_what_to_do() {
        let nothing = Now { at: 0, live: Ok(LiveView::default()), stored: None };
        let html = realtime(&Site::default(), &ViewQuery::parse("period=7d"), "token", &nothing).into_string();
        assert!(html.contains("data-empty") && html.contains("data-copy") && html.contains("?period=7d"), "{html}");
    }
}
