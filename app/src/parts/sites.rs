//! The list of all domains: a table that is sorted and narrowed by its address.

use footfall_model::report::Month;

use super::{
    change::{self, Tone},
    together::TOGETHER,
};
use crate::{
    backend::{ListedDomain, Missing},
    chart::svg::spark,
    format,
    i18n::{Key, fill, t},
    markup::Html,
    query::{decoded_pairs, encoded},
};

/// What the rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Column {
    #[default]
    Name,
    Live,
    Visitors,
    Change,
}

impl Column {
    const ALL: [Self; 4] = [Self::Name, Self::Live, Self::Visitors, Self::Change];

    const fn code(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Live => "live",
            Self::Visitors => "visitors",
            Self::Change => "change",
        }
    }

    fn name(self) -> &'static str {
        t(match self {
            Self::Name => Key::Domain,
            Self::Live => Key::SitesLive,
            Self::Visitors => Key::Visitors,
            Self::Change => Key::SitesChange,
        })
    }
}

/// What the address of the list says. Unknown values are the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ListQuery {
    column: Column,
    /// Against the order that suits the column: names from A on, figures from the greatest on.
    turned: bool,
    /// Part of the names that are shown.
    search: String,
}

impl ListQuery {
    fn parse(text: &str) -> Self {
        let pairs = decoded_pairs(text);
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        let column = get("sort").and_then(|code| Column::ALL.into_iter().find(|column| column.code() == code)).unwrap_or_default();
        Self { column, turned: get("order") == Some("turned"), search: get("q").unwrap_or_default().trim().to_owned() }
    }

    /// The address of the list sorted by a column: chosen again, it turns round.
    fn sorted_by(&self, column: Column) -> String {
        let turned = column == self.column && !self.turned;
        let mut address = format!("/sites?sort={}{}", column.code(), if turned { "&order=turned" } else { "" });
        if !self.search.is_empty() {
            address += &format!("&q={}", encoded(&self.search));
        }
        address
    }

    fn shows(&self, domain: &str) -> bool {
        domain.to_lowercase().contains(&self.search.to_lowercase())
    }

    /// In order. What is missing comes last, whichever way.
    fn sort(&self, sites: &mut [ListedDomain]) {
        let value = |site: &ListedDomain| -> Option<i64> {
            let month = site.month.as_ref().ok().and_then(Option::as_ref);
            match self.column {
                Column::Name => None,
                Column::Live => site.live.map(u64::cast_signed),
                Column::Visitors => month.map(|month| month.visitors.cast_signed()),
                Column::Change => month.and_then(Month::change),
            }
        };
        sites.sort_by(|a, b| match (value(a), value(b)) {
            (Some(one), Some(other)) if one != other => {
                if self.turned {
                    one.cmp(&other)
                } else {
                    other.cmp(&one)
                }
            }
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            _ if self.column == Column::Name && self.turned => b.domain.cmp(&a.domain),
            _ => a.domain.cmp(&b.domain),
        });
    }
}

/// Search and table. `view` is the page's query string.
#[must_use]
pub fn sites(view: &str, mut sites: Vec<ListedDomain>) -> Html {
    let query = ListQuery::parse(view);
    query.sort(&mut sites);
    let mut html = Html::new();
    search(&mut html, &query);
    html.raw(r#"<form method="get""#)
        .attr("action", TOGETHER)
        .raw(r#"><div class="sheet-scroll sites" tabindex="0" role="region""#)
        .attr("aria-label", t(Key::DomainsTitle))
        .raw(r#"><table><thead><tr><td class="pick"></td>"#);
    for column in Column::ALL {
        // Figures begin with the greatest.
        let order = match (column == query.column, (column == Column::Name) != query.turned) {
            (false, _) => "none",
            (true, true) => "ascending",
            (true, false) => "descending",
        };
        html.raw(r#"<th scope="col""#).attr("class", column.code()).attr("aria-sort", order).raw("><a");
        html.attr("href", query.sorted_by(column)).raw(">").text(column.name()).raw("</a></th>");
    }
    html.raw(r#"<th scope="col" class="days">"#).text(t(Key::SitesDays)).raw("</th></tr></thead><tbody>");
    for site in &sites {
        row(&mut html, site, query.shows(&site.domain));
    }
    let none = sites.iter().all(|site| !query.shows(&site.domain));
    html.raw("</tbody>");
    total(&mut html, &sites);
    html.raw(r#"</table></div><p class="note sites-none" role="status" data-none"#).attr_if(!none, "hidden", "").raw(">");
    html.text(t(Key::SitesNone)).raw("</p>");
    if sites.len() > 1 {
        html.raw(r#"<button class="button sites-together">"#).text(t(Key::TogetherShow)).raw("</button>");
    }
    html.raw("</form>");
    html
}

fn search(html: &mut Html, query: &ListQuery) {
    html.raw(r#"<form class="search" role="search" method="get" action="/sites"><label><span class="sr-only">"#).text(t(Key::SitesSearch));
    html.raw(
        r#"</span><input class="input" type="search" name="q" data-search data-key="/" autocomplete="off" autocapitalize="none" spellcheck="false""#,
    );
    html.attr("placeholder", t(Key::SitesSearchHint)).attr("value", &query.search).raw("></label>");
    if query.column != Column::default() {
        html.raw(r#"<input type="hidden" name="sort""#).attr("value", query.column.code()).raw(">");
    }
    if query.turned {
        html.raw(r#"<input type="hidden" name="order" value="turned">"#);
    }
    html.raw(r#"<button class="button">"#).text(t(Key::SitesSearch)).raw(r#"</button><p class="note">"#).text(t(Key::SitesPeriod));
    html.raw("</p></form>");
}

fn row(html: &mut Html, site: &ListedDomain, is_shown: bool) {
    let why = match &site.month {
        Ok(Some(_)) => None,
        Ok(None) => Some(Key::NoEventsYet),
        Err(Missing::Away) => Some(Key::SitesAway),
        Err(Missing::Slow) => Some(Key::SitesSlow),
        Err(Missing::Failed) => Some(Key::SitesFailed),
    };
    html.raw("<tr").attr("data-name", &site.domain).attr_if(!is_shown, "hidden", "");
    html.raw(r#"><td class="pick"><input type="checkbox" name="d""#).attr("value", &site.domain);
    html.attr("aria-label", fill(Key::TogetherChoose, &[("domain", &site.domain)])).raw(r#"></td><th scope="row" class="name"><a"#);
    html.attr("href", format_args!("/{}", site.domain)).raw(">").text(&site.domain).raw(r#"</a> <span class="note">"#);
    html.text(why.map_or_else(|| site.timezone.as_str(), |why| t(why))).raw("</span></th>");
    live(html, site.live);
    match &site.month {
        Ok(Some(month)) => {
            let about = if month.approximate { "≈ " } else { "" };
            html.raw(r#"<td class="visitors">"#).raw(about).text(format::number(month.visitors)).raw("</td>");
            changed(html, month.change());
            html.raw(r#"<td class="days">"#);
            sparkline(html, &month.days);
            html.raw("</td>");
        }
        _ => {
            html.raw(r#"<td class="visitors">–</td><td class="change">–</td><td class="days"></td>"#);
        }
    }
    html.raw("</tr>");
}

fn live(html: &mut Html, live: Option<u64>) {
    html.raw(r#"<td class="live">"#);
    match live {
        Some(0) => html.text("0"),
        Some(now) => html.raw(r#"<span class="pill-dot" aria-hidden="true"></span> "#).text(format::number(now)),
        None => html
            .raw("<span")
            .attr("title", t(Key::SitesLiveAway))
            .raw(r#">–<span class="sr-only"> "#)
            .text(t(Key::SitesLiveAway))
            .raw("</span></span>"),
    };
    html.raw("</td>");
}

/// The sums of all domains, whatever the search.
fn total(html: &mut Html, sites: &[ListedDomain]) {
    let months: Vec<&Month> = sites.iter().filter_map(|site| site.month.as_ref().ok()?.as_ref()).collect();
    let missing = sites.iter().filter(|site| site.month.is_err()).count() as u64;
    let compared: Vec<&&Month> = months.iter().filter(|month| month.before.is_some()).collect();
    let now: u64 = compared.iter().map(|month| month.visitors).sum();
    let then: u64 = compared.iter().filter_map(|month| month.before).sum();
    let mut days = vec![0; months.iter().map(|month| month.days.len()).max().unwrap_or(0)];
    for month in &months {
        // Domains of other zones may be a day ahead: the last day of each is its today.
        for (sum, visitors) in days.iter_mut().rev().zip(month.days.iter().rev()) {
            *sum += visitors;
        }
    }
    html.raw(r#"<tfoot><tr><td class="pick"></td><th scope="row" class="name">"#)
        .text(fill(Key::SitesTotal, &[("n", &format::number(sites.len() as u64))]));
    if missing > 0 {
        html.raw(r#" <span class="note">"#).text(fill(Key::SitesTotalWithout, &[("n", &format::number(missing))])).raw("</span>");
    }
    html.raw("</th>");
    live(html, sites.iter().filter_map(|site| site.live).reduce(|a, b| a + b));
    let about = if months.iter().any(|month| month.approximate) { "≈ " } else { "" };
    let sum = format::number(months.iter().map(|month| month.visitors).sum());
    let is_unknown = months.is_empty() && missing > 0;
    html.raw(r#"<td class="visitors">"#).raw(about).text(if is_unknown { "–" } else { &sum }).raw("</td>");
    let sums = Month { visitors: now, before: (!compared.is_empty()).then_some(then), ..Month::default() };
    changed(html, sums.change());
    html.raw(r#"<td class="days">"#);
    sparkline(html, &days);
    html.raw("</td></tr></tfoot>");
}

/// The cell of a change.
fn changed(html: &mut Html, percent: Option<i64>) {
    html.raw(r#"<td class="change">"#);
    change::change(html, percent, Tone::UpIsGood, "–", None);
    html.raw("</td>");
}

/// The days as a line; the figures beside it say what it shows.
#[expect(clippy::cast_precision_loss, reason = "coordinates")]
fn sparkline(html: &mut Html, days: &[u64]) {
    html.html(&spark(&days.iter().map(|visitors| Some(*visitors as f64)).collect::<Vec<_>>()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(domain: &str, live: Option<u64>, month: Result<Option<Month>, Missing>) -> ListedDomain {
        ListedDomain { domain: domain.to_owned(), timezone: "UTC".to_owned(), live, month }
    }

    fn month(visitors: u64, before: Option<u64>) -> Result<Option<Month>, Missing> {
        Ok(Some(Month { visitors, before, days: vec![1, visitors], approximate: false }))
    }

    fn list() -> Vec<ListedDomain> {
        vec![
            site("a.org", Some(0), month(10, Some(20))),
            site("b.org", Some(3), Err(Missing::Slow)),
            site("c.org", None, month(1_500, None)),
            site("d.org", Some(1), Ok(None)),
            site("e.org", Some(2), month(40, Some(20))),
        ]
    }

    fn order(view: &str) -> String {
        let text = sites(view, list()).into_string();
        text.split(r#"data-name=""#).skip(1).map(|rest| &rest[..1]).collect()
    }

    #[test]
    fn any_column_sorts_and_what_is_missing_comes_last() {
        assert_eq!([order(""), order("sort=name&order=turned"), order("sort=x")], ["abcde", "edcba", "abcde"]);
        assert_eq!([order("sort=visitors"), order("sort=visitors&order=turned")], ["ceabd", "aecbd"]);
        assert_eq!([order("sort=live"), order("sort=change")], ["bedac", "eabcd"]);
    }

    #[test]
    fn the_head_says_the_order_and_turns_it() {
        let text = sites("sort=visitors&q=%C3%BC&order=turned", list()).into_string();
        assert!(text.contains(r#"class="visitors" aria-sort="ascending"><a href="/sites?sort=visitors&amp;q=%C3%BC">"#), "{text}");
        let text = sites("sort=visitors", list()).into_string();
        assert!(text.contains(r#"class="visitors" aria-sort="descending"><a href="/sites?sort=visitors&amp;order=turned">"#), "{text}");
        let text = sites("", list()).into_string();
        assert!(text.contains(r#"class="name" aria-sort="ascending""#), "{text}");
    }

    #[test]
    fn what_is_away_is_a_dash_that_says_why() {
        let away = || site("a.org", None, Err(Missing::Away));
        let text = sites("", vec![away()]).into_string();
        assert!(text.contains("the store is away") && text.contains("live figures are away"), "{text}");
        assert_eq!(text.matches(r#"<td class="visitors">–</td>"#).count(), 2, "{text}");
        let text = sites("", vec![away(), site("b.org", Some(0), Ok(None))]).into_string();
        assert!(text.contains("no events yet") && text.contains("without 1"), "{text}");
    }

    #[test]
    fn the_search_hides_rows_and_the_total_stays() {
        let text = sites("q=C.o", list()).into_string();
        assert_eq!(text.matches(r#" hidden="""#).count(), 4 + 1, "{text}");
        assert!(text.contains("1,550") && text.contains("All 5 domains") && text.contains("without 1"), "{text}");
        assert!(text.contains("↓ 50%") && text.contains("↑ 25%"), "of those that can be compared: 50 after 40");
        let text = sites("q=%22%3E%3Cscript%3E", list()).into_string();
        assert!(!text.contains("<script>") && !text.contains(r#"data-none hidden"#), "{text}");
    }
}
