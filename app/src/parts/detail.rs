//! All rows of a breakdown: searched, sorted, page by page.

use super::{
    Page, back, carried,
    explain::beside,
    filters::chips,
    label::{detail_page, label},
    panel::{cells, class, column_name, long_name, nothing, tab_name, widths},
};
use crate::{
    backend::{Offered, Table, Wanted},
    failed::part_failed,
    filter::{self, PROPS},
    format,
    i18n::{Key, fill, t},
    icons::{Icon, icon},
    markup::Html,
    metric::Metric,
    query::{MAP, NAMES_OF_PROPS, PanelId, ViewQuery, decoded_pairs, written},
    share,
    types::AppError,
};

/// Rows of one page.
const ROWS: u32 = 100;

/// What the page of a breakdown shows: what its address says beside the state of the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailQuery {
    /// The state of the dashboard.
    pub view: ViewQuery,
    /// What it is by.
    pub field: String,
    /// Rows that hold this text; empty for all.
    search: String,
    /// The metric that rows are ordered by; none for the labels.
    order: Option<Metric>,
    descending: bool,
    /// Counts from 1.
    page: u32,
}

impl DetailQuery {
    /// From the field in the path and the text after the question mark. None for what nothing can be broken down by.
    #[must_use]
    pub fn parse(field: &str, text: &str) -> Option<Self> {
        if !(filter::is_field(field) || field == NAMES_OF_PROPS) {
            return None;
        }
        let pairs = decoded_pairs(text);
        let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        let sort = get("sort").unwrap_or_default();
        let (descending, sort) = sort.strip_prefix('-').map_or((false, sort), |sort| (true, sort));
        let by_metric = figures(field).iter().copied().find(|metric| metric.code() == sort);
        let (order, descending) =
            if by_metric.is_some() || sort == LABEL { (by_metric, descending) } else { (Some(Metric::Visitors), true) };
        Some(Self {
            view: ViewQuery::parse(text),
            field: field.to_owned(),
            search: get("search").unwrap_or_default().trim().to_owned(),
            order,
            descending,
            page: get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 10_000),
        })
    }

    /// What it asks for.
    #[must_use]
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted {
            field: &self.field,
            metrics: figures(&self.field),
            order: self.order,
            descending: self.descending,
            search: &self.search,
            limit: ROWS,
            page: self.page,
        }
    }

    /// The address of this page of a domain.
    #[must_use]
    pub fn address(&self, domain: &str) -> String {
        detail_page(domain, &self.field)
    }

    /// What rows are filtered by: places that were searched for are known by their names.
    #[must_use]
    pub fn field_of_rows(&self) -> &str {
        match self.field.as_str() {
            "region" if !self.search.is_empty() => "region_name",
            "city" if !self.search.is_empty() => "city_name",
            field => field,
        }
    }

    fn own_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        if !self.search.is_empty() {
            pairs.push(("search", self.search.clone()));
        }
        if (self.order, self.descending) != (Some(Metric::Visitors), true) {
            let sign = if self.descending { "-" } else { "" };
            pairs.push(("sort", format!("{sign}{}", self.order.map_or(LABEL, Metric::code))));
        }
        if self.page > 1 {
            pairs.push(("page", self.page.to_string()));
        }
        pairs
    }

    /// This page of a domain, at its first rows.
    #[must_use]
    pub fn first_page(&self, domain: &str) -> Page {
        Page::with(self.address(domain), Self { page: 1, ..self.clone() }.own_pairs())
    }

    fn href(&self, address: &str) -> String {
        Page::with(address, self.own_pairs()).href(&self.view)
    }

    fn sorted_by(&self, order: Option<Metric>) -> Self {
        let turned = order == self.order;
        // Figures greatest first, labels from A on; a second click turns it round.
        let descending = if turned { !self.descending } else { order.is_some() };
        Self { order, descending, page: 1, ..self.clone() }
    }
}

/// The order by labels, in the address.
const LABEL: &str = "label";

/// The figures of a row.
pub(super) fn figures(field: &str) -> &'static [Metric] {
    use Metric::{
        BounceRate, ConversionRate, Events, ExitRate, Pageviews, Revenue, ScrollDepth, Share, TimeOnPage, ViewsPerVisit, VisitDuration,
        Visitors, Visits,
    };
    match field {
        "page" => &[Visitors, Share, Pageviews, BounceRate, TimeOnPage, ScrollDepth],
        "entry_page" => &[Visitors, Share, Visits, BounceRate, VisitDuration],
        "exit_page" => &[Visitors, Share, Visits, ExitRate],
        "hostname" => &[Visitors, Share, Pageviews, Events],
        "goal" => &[Visitors, Events, ConversionRate, Revenue],
        "name" | NAMES_OF_PROPS => &[Visitors, Share, Events],
        property if property.starts_with(PROPS) => &[Visitors, Share, Events],
        _ => &[Visitors, Share, Visits, ViewsPerVisit, BounceRate, VisitDuration],
    }
}

/// The page below its bar.
#[must_use]
pub fn detail(domain: &str, query: &DetailQuery, offered: &Offered, answer: Result<Table, AppError>) -> Html {
    let mut html = Html::new();
    back(&mut html, domain, &query.view);
    html.raw(r#"<header class="detail-head"><h1 class="title">"#)
        .text(fill(Key::DetailOf, &[("what", long_name(&query.field)), ("domain", &share::name(domain))]))
        .raw("</h1>");
    siblings(&mut html, domain, query);
    html.raw("</header>").html(&chips(&query.first_page(domain), &query.view, offered));
    tools(&mut html, domain, query);
    match answer {
        Err(error) => {
            html.html(&part_failed(&error, "detail"));
        }
        Ok(table) if table.rows.is_empty() => empty(&mut html, domain, query),
        Ok(table) => {
            rows(&mut html, domain, query, &table);
            pager(&mut html, domain, query, &table);
        }
    }
    html
}

/// What is beside it in its panel.
fn siblings(html: &mut Html, domain: &str, query: &DetailQuery) {
    let Some(panel) = PanelId::ALL.into_iter().find(|panel| panel.tabs().contains(&query.field.as_str())) else { return };
    html.raw(r#"<nav class="tabs""#).attr("aria-label", super::panel::title(panel)).raw(">");
    for field in panel.tabs().iter().filter(|field| **field != MAP) {
        html.raw(r#"<a class="tab""#)
            .attr("href", query.view.href(&detail_page(domain, field)))
            .attr_if(*field == query.field, "aria-current", "page")
            .raw(">")
            .text(tab_name(field))
            .raw("</a>");
    }
    html.raw("</nav>");
}

/// Search and download.
fn tools(html: &mut Html, domain: &str, query: &DetailQuery) {
    let address = query.address(domain);
    let named = fill(Key::SearchFor, &[("what", long_name(&query.field))]);
    html.raw(r#"<div class="detail-tools"><form class="detail-search" method="get" role="search""#).attr("action", &address).raw(">");
    let searched = DetailQuery { page: 1, search: String::new(), ..query.clone() };
    carried(html, &searched.first_page(domain), &query.view, &[]);
    html.raw(r#"<input class="input" type="search" name="search" data-key="/" autocomplete="off" spellcheck="false""#)
        .attr("value", &query.search)
        .attr("aria-label", &named)
        .attr("placeholder", &named)
        .raw(r#"><button class="button">"#)
        .text(t(Key::Search))
        .raw(r#"</button></form><a class="button" download"#)
        .attr("href", csv_address(domain, query))
        .raw(">")
        .html(&icon(Icon::Download))
        .text(t(Key::Download))
        .raw("</a></div>");
}

/// Where the rows are as CSV.
fn csv_address(domain: &str, query: &DetailQuery) -> String {
    let all = DetailQuery { page: 1, ..query.clone() };
    let own = written(&[("domain", domain.to_owned()), ("by", query.field.clone())]);
    let rest = all.href("");
    format!("/api/app/table.csv?{own}{}", rest.replacen('?', "&", 1))
}

fn empty(html: &mut Html, domain: &str, query: &DetailQuery) {
    if query.search.is_empty() && query.page == 1 {
        html.html(&nothing(&Page::new(query.address(domain)), domain, &query.view, &query.field));
        return;
    }
    let (text, label, to) = if query.page > 1 {
        (t(Key::PagerBeyond).to_owned(), Key::PagerFirst, DetailQuery { page: 1, ..query.clone() })
    } else {
        let text = fill(Key::SearchNothing, &[("text", &query.search.chars().take(100).collect::<String>())]);
        (text, Key::SearchClear, DetailQuery { search: String::new(), ..query.clone() })
    };
    html.raw(r#"<div class="nothing"><p>"#)
        .text(text)
        .raw(r#"</p><a class="button""#)
        .attr("href", to.href(&query.address(domain)))
        .raw(">")
        .text(t(label))
        .raw("</a></div>");
}

fn rows(html: &mut Html, domain: &str, query: &DetailQuery, table: &Table) {
    let figures = figures(&query.field);
    html.raw(r#"<div class="detail-scroll" tabindex="0" role="region""#)
        .attr("aria-label", long_name(&query.field))
        .raw(r#"><table class="rows rows-detail"><thead><tr>"#);
    head(html, domain, query, None, "rows-label-head");
    for metric in figures {
        head(html, domain, query, Some(*metric), class(*metric));
    }
    if table.is_compared {
        html.raw(r#"<th scope="col" class="rows-change">"#).text(t(Key::Change)).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    let (field, width) = (query.field_of_rows(), widths(table, 0));
    for row in &table.rows {
        html.raw("<tr>");
        label(html, domain, &query.view, field, row, width(row));
        cells(html, figures, table, row);
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div>");
}

/// The head of a column, which sorts by it.
fn head(html: &mut Html, domain: &str, query: &DetailQuery, order: Option<Metric>, class: &'static str) {
    let address = &query.address(domain);
    let name = order.map_or_else(|| column_name(&query.field), |metric| t(metric.name()));
    html.raw(r#"<th scope="col""#).attr("class", class);
    let mut arrow = "";
    if order == query.order {
        html.attr("aria-sort", if query.descending { "descending" } else { "ascending" });
        arrow = if query.descending { " ↓" } else { " ↑" };
    }
    html.raw(">");
    if let Some(metric) = order {
        beside(html, domain, &query.view, metric, &query.field);
    }
    html.raw(r#"<a class="rows-sort""#)
        .attr("href", query.sorted_by(order).href(address))
        .attr("title", fill(Key::SortBy, &[("figure", name)]))
        .raw(">")
        .text(name)
        .raw(r#"<span aria-hidden="true">"#)
        .raw(arrow)
        .raw("</span></a></th>");
}

fn pager(html: &mut Html, domain: &str, query: &DetailQuery, table: &Table) {
    let (address, first) = (query.address(domain), u64::from(query.page - 1) * u64::from(ROWS));
    let last = first + table.rows.len() as u64;
    let (from, to, n) = (format::number(first + 1), format::number(last), format::number(table.total));
    html.raw(r#"<nav class="panel-foot""#).attr("aria-label", t(Key::PagerLabel)).raw(r#"><span class="pager-at">"#);
    html.text(fill(Key::PagerAt, &[("from", &from), ("to", &to), ("n", &n)])).raw("</span>");
    let mut link = |page: u32, label: Key, rel: &'static str| {
        html.raw(r#"<a class="more""#)
            .attr("href", DetailQuery { page, ..query.clone() }.href(&address))
            .attr("rel", rel)
            .raw(">")
            .text(t(label))
            .raw("</a>");
    };
    if query.page > 1 {
        link(query.page - 1, Key::PagerPrevious, "prev");
    }
    if last < table.total {
        link(query.page + 1, Key::PagerNext, "next");
    }
    html.raw("</nav>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::TableRow;

    fn query(text: &str) -> DetailQuery {
        DetailQuery::parse("page", text).unwrap()
    }

    #[test]
    fn every_state_reads_back() {
        for text in ["", "period=7d&f=is,country,DE&search=a%20%26b&sort=pageviews&page=3", "sort=label", "sort=-label&page=2"] {
            let href = query(text).href("");
            assert_eq!(href.trim_start_matches('?'), text);
        }
        assert_eq!(query("sort=nonsense&page=-1"), query(""));
        assert_eq!(DetailQuery::parse("visitor_id", ""), None);
    }

    #[test]
    fn a_second_click_turns_the_order_round() {
        let by_views = query("").sorted_by(Some(Metric::Pageviews));
        assert_eq!(by_views.href("/x"), "/x?sort=-pageviews");
        assert_eq!(by_views.sorted_by(Some(Metric::Pageviews)).href("/x"), "/x?sort=pageviews");
        assert_eq!(by_views.sorted_by(None).href("/x"), "/x?sort=label");
    }

    #[test]
    fn what_is_searched_for_is_text() {
        let html = detail("a.org", &query("search=%3Cb%3E&page=2"), &Offered::default(), Ok(Table::default())).into_string();
        assert!(!html.contains("<b>"), "{html}");
        let row = TableRow { label: "<i>".to_owned(), figures: vec![Some(1.0); 6], ..TableRow::default() };
        let table = Table { rows: vec![row], total: 900, ..Table::default() };
        let html = detail("a.org", &query("search=x&page=2"), &Offered::default(), Ok(table)).into_string();
        assert!(!html.contains("<i>") && html.contains("101–101 of 900"), "{html}");
        assert!(html.contains("/api/app/table.csv?domain=a.org&amp;by=page&amp;search=x"), "{html}");
    }
}
