//! Rows of panels and of their details, with the names of places.

use footfall_app::{
    backend::{Look, PlaceNames, Table, TableRow, Wanted},
    filter, parts,
    query::NAMES_OF_PROPS,
    text,
    types::AppError,
};
use footfall_model::report::{Breakdown, BreakdownRow, Dimension};
use footfall_query::{
    language,
    question::{self, Direction, Key, Labels, Metric, Order, Place},
};

use super::{ServerBackend, away, seen::Seen, view};
use crate::analytics::{AskedRows, ComparedRow, Rows, View};

impl ServerBackend {
    pub(super) async fn table_of(&self, seen: &Seen, look: Look<'_>, wanted: Wanted<'_>) -> Result<Table, AppError> {
        let known = self.known(seen, look, wanted.field).await?;
        let view = view(look, &seen.filters(look), &known)?;
        let scope = &seen.scope;
        let analytics = self.app.analytics().map_err(away)?;
        let asked = asked(known, &view, wanted)?;
        // What the panel of pages shows, and nothing that the hourly aggregates cannot say.
        let is_panel = wanted.field == "page" && wanted.metrics == parts::figures(wanted.field);
        let rows = match analytics.table(scope, &view, asked).await {
            // The hourly aggregates know pages.
            Err(error) if error.is_away() && is_panel && view.is_unfiltered() => {
                let pages = analytics.breakdown(scope, &view, Dimension::Page, wanted.limit, wanted.page).await;
                return Ok(of_pages(pages.map_err(|_| away(error))?, wanted.metrics));
            }
            rows => rows.map_err(away)?,
        };
        let Rows { rows, total, is_compared, approximate } = rows;
        let places: Vec<(String, String)> = rows.iter().map(|row| (wanted.field.to_owned(), row.label.clone())).collect();
        let mut names = self.names_of(places).await;
        let row = |row: ComparedRow| {
            let ComparedRow { label, mut figures, change, currency } = row;
            figures.resize(wanted.metrics.len(), None);
            TableRow { name: names.remove(&label), label, figures, change, currency }
        };
        Ok(Table { rows: rows.into_iter().map(row).collect(), total, is_compared, approximate })
    }

    pub(super) async fn names_of(&self, places: Vec<(String, String)>) -> PlaceNames {
        let place = |(field, code): (String, String)| place_of(&field).map(|place| (place, code));
        let places: Vec<(Place, String)> = places.into_iter().filter_map(place).collect();
        let Some(analytics) = self.app.analytics().ok().filter(|_| !places.is_empty()) else { return PlaceNames::new() };
        let names = analytics.place_names(places.clone()).await;
        places.into_iter().zip(names).filter_map(|((_, code), name)| Some((code, name?))).collect()
    }
}

/// Rows as the query engine is asked for them.
fn asked(known: language::Settings, view: &View, wanted: Wanted<'_>) -> Result<AskedRows, AppError> {
    let key = match (wanted.field, place_of(wanted.field)) {
        (NAMES_OF_PROPS, _) => Key::PropName,
        ("goal", _) => Key::Goal(known.goals),
        // Who searches types a name.
        (_, Some(place)) if !wanted.search.is_empty() => Key::By(question::Dimension::PlaceName(place, Vec::new())),
        (field, _) => Key::By(known.dimension(&filter::dimension(field)).ok_or(AppError::NotFound)?),
    };
    let labels = match wanted.search {
        "" => Labels::All,
        text if wanted.field == "country" => Labels::Among(text::country_codes(text)),
        text => Labels::Holding(text.to_owned()),
    };
    let metric = |metric: &footfall_app::metric::Metric| Metric::named(metric.code());
    // Exits are counted by visits: where events decide which count, there are none.
    let goes = |metric: &Metric| *metric != Metric::ExitRate || !view.condition.looks_at_events();
    let order = wanted.order.as_ref().and_then(metric).filter(goes).map_or(Order::Key(0), Order::Metric);
    let direction = if wanted.descending { Direction::Descending } else { Direction::Ascending };
    let limit = u64::from(wanted.limit);
    Ok(AskedRows {
        key,
        metrics: wanted.metrics.iter().filter_map(metric).filter(goes).collect(),
        order: (order, direction),
        labels,
        limit,
        offset: limit * u64::from(wanted.page.max(1) - 1),
    })
}

/// Places whose codes have names.
fn place_of(field: &str) -> Option<Place> {
    match field {
        "region" => Some(Place::Region),
        "city" => Some(Place::City),
        _ => None,
    }
}

/// Pages as the hourly aggregates know them, which do not count their visitors.
fn of_pages(pages: Breakdown, metrics: &[footfall_app::metric::Metric]) -> Table {
    use footfall_app::metric::Metric;
    let figure = |metric: &Metric, row: &BreakdownRow| match metric {
        Metric::Share => Some(row.share),
        Metric::Pageviews => Some(row.pageviews as f64),
        _ => None,
    };
    let row = |row: BreakdownRow| TableRow {
        figures: metrics.iter().map(|metric| figure(metric, &row)).collect(),
        label: row.label,
        ..TableRow::default()
    };
    Table { rows: pages.rows.into_iter().map(row).collect(), total: pages.total, ..Table::default() }
}
