//! The reports of `footfall_model::report` in the OpenAPI document. That crate is part of the pages as well and knows no OpenAPI; a test
//! below holds both to the same shape.

#![allow(dead_code, reason = "these types are never made; their fields are the documentation")]

use utoipa::ToSchema;

/// The six figures, the current visitors and, if asked for, the same of another period.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Kpis {
    /// Distinct visitor ids.
    visitors: u64,
    /// Visits that began in the range.
    visits: u64,
    /// Pageviews in the range.
    pageviews: u64,
    /// 2 decimals; null, as the two below, where a filter names pages that no visit entered on, and while `degraded`.
    views_per_visit: Option<f64>,
    /// Whole percent.
    bounce_rate: Option<u64>,
    /// Mean, whole seconds.
    visit_duration: Option<u64>,
    /// Distinct visitors of the last 5 minutes.
    current_visitors: u64,
    /// Null unless `compare` was sent.
    comparison: Option<Comparison>,
    meta: Meta,
}

/// The figures of the period compared to.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Comparison {
    visitors: u64,
    visits: u64,
    pageviews: u64,
    views_per_visit: Option<f64>,
    bounce_rate: Option<u64>,
    visit_duration: Option<u64>,
    change: Changes,
    /// That period begins before the domain's first event.
    incomplete: bool,
}

/// 100 × (now − then) / then, whole percent; null where there is nothing earlier to compare with.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Changes {
    visitors: Option<i64>,
    visits: Option<i64>,
    pageviews: Option<i64>,
    views_per_visit: Option<i64>,
    bounce_rate: Option<i64>,
    visit_duration: Option<i64>,
}

/// One bucket of a time series.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Point {
    /// In the domain's zone: `YYYY-MM-DD HH:MM:SS` for minutes and hours, `YYYY-MM-DD` for the rest.
    time: String,
    pageviews: u64,
    visitors: u64,
    /// Begun in the bucket.
    visits: u64,
    /// Of these visits; null where there are none, and while the store is away. So are the two below.
    views_per_visit: Option<f64>,
    /// Percent.
    bounce_rate: Option<u64>,
    /// Seconds.
    visit_duration: Option<u64>,
    /// Not over yet.
    partial: bool,
}

/// One row of a breakdown.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct BreakdownRow {
    /// The value, or the text for a missing one.
    label: String,
    visitors: u64,
    pageviews: u64,
    /// Percent of the visitors of the whole period, 1 decimal.
    share: f64,
}

/// Rows by visitors, greatest first.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Breakdown {
    /// As it was asked for.
    dimension: String,
    rows: Vec<BreakdownRow>,
    /// Number of rows over all pages.
    total: u64,
    meta: Meta,
}

/// Where the figures come from and how fresh they are.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Meta {
    engines: Vec<EnginePart>,
    /// Everything up to here is in the store, RFC 3339; null before the first event.
    watermark: Option<String>,
    /// The store is away: hourly aggregates and the live half hour only.
    degraded: bool,
    /// Visitors are estimated.
    approximate: bool,
    /// Resolved range, RFC 3339, inclusive.
    from: String,
    /// Resolved range, RFC 3339, exclusive.
    to: String,
    /// The range crosses a UTC midnight: one person counts once per day.
    crosses_days: bool,
}

/// Which engine answered a figure.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct EnginePart {
    /// `pageviews`, `visitors`, …
    figure: String,
    /// `live`, `store` or `hourly`.
    engine: String,
}

#[cfg(test)]
mod tests {
    use footfall_model::report;
    use serde::Serialize;
    use serde_json::Value;
    use utoipa::PartialSchema;

    /// The documented names are exactly those of the answer.
    fn same<Schema: PartialSchema>(answer: impl Serialize) {
        let schema = serde_json::to_value(Schema::schema()).unwrap();
        let answer = serde_json::to_value(answer).unwrap();
        let names = |object: &Value| -> Vec<String> {
            let mut names: Vec<String> = object.as_object().unwrap().keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(&schema["properties"]), names(&answer));
    }

    #[test]
    fn the_document_says_what_reports_are() {
        same::<super::Kpis>(report::Kpis::default());
        same::<super::Comparison>(report::Comparison::default());
        same::<super::Changes>(report::Changes::default());
        same::<super::Point>(report::Point::default());
        same::<super::BreakdownRow>(report::BreakdownRow::default());
        let breakdown = report::Breakdown { dimension: report::Dimension::Page, rows: vec![], total: 0, meta: report::Meta::default() };
        same::<super::Breakdown>(breakdown);
        same::<super::Meta>(report::Meta::default());
        same::<super::EnginePart>(report::EnginePart::default());
    }
}
