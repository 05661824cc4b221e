//! The chart: legend, choice of the interval, the first drawing, its twin as a table, and the option for the browser.

use footfall_model::{Interval, Period};

use super::{Page, leads};
use crate::{
    chart::{
        model::{ChartModel, value},
        option::{self, Words},
        svg,
    },
    failed::part_failed,
    i18n::{Key, t},
    markup::Html,
    metric::Metric,
    query::{ViewQuery, intervals},
    types::{AppError, ChartView, Compare, Series},
};

/// The chart of the chosen figure, or why there is none.
#[must_use]
pub fn chart(page: &Page, query: &ViewQuery, period: &Period, series: Result<Series, AppError>) -> ChartView {
    let series = match series {
        Ok(series) => series,
        Err(error) => return ChartView { drawing: part_failed(&error, "chart").into_string(), ..ChartView::default() },
    };
    let model = ChartModel::new(&series, query.metric);
    let mut head = Html::new();
    legend(&mut head, &model, query.compare);
    choices(&mut head, page, query, period, series.now.interval);
    let sparks = Metric::STRIP.map(|metric| {
        let values: Vec<_> = series.now.points.iter().map(|point| value(point, metric)).collect();
        svg::spark(&values).into_string()
    });
    ChartView {
        head: head.into_string(),
        drawing: svg::draw(&model).into_string(),
        table: table(&model).into_string(),
        summary: model.summary(),
        option: serde_json::to_string(&option::build(&model)).unwrap_or_default(),
        words: serde_json::to_string(&Words::new(&model)).unwrap_or_default(),
        sparks: sparks.into(),
    }
}

fn legend(html: &mut Html, model: &ChartModel, compare: Compare) {
    html.raw(r#"<ul class="legend"><li class="legend-now">"#).text(model.name).raw("</li>");
    if model.then.is_some() {
        let then = t(if compare == Compare::Year { Key::CompareYear } else { Key::ComparePrevious });
        html.raw(r#"<li class="legend-then">"#).text(then).raw("</li>");
    }
    html.raw("</ul>");
}

fn choices(html: &mut Html, page: &Page, query: &ViewQuery, period: &Period, current: Interval) {
    let choices = intervals(period);
    if choices.len() < 2 {
        return;
    }
    html.raw(r#"<nav class="tabs""#).attr("aria-label", t(Key::IntervalLabel)).raw(">");
    for choice in choices {
        let name = t(match choice {
            Interval::Minute => Key::IntervalMinute,
            Interval::Hour => Key::IntervalHour,
            Interval::Day => Key::IntervalDay,
            Interval::Week => Key::IntervalWeek,
            Interval::Month => Key::IntervalMonth,
        });
        html.raw(r#"<a class="tab" data-noscroll"#);
        leads(html, page, query, &query.with_interval(*choice))
            .attr_if(*choice == current, "aria-current", "true")
            .raw(">")
            .text(name)
            .raw("</a>");
    }
    html.raw("</nav>");
}

/// For those who cannot or would not look at a drawing.
fn table(model: &ChartModel) -> Html {
    let mut html = Html::new();
    html.raw(r#"<table><thead><tr><th scope="col">"#).text(t(Key::ChartTime)).raw(r#"</th><th scope="col">"#).text(model.name);
    html.raw("</th>");
    if model.then.is_some() {
        html.raw(r#"<th scope="col">"#).text(t(Key::ChartThen)).raw(r#"</th><th scope="col">±</th>"#);
    }
    html.raw("</tr></thead><tbody>");
    for at in 0..model.values.len() {
        let tip = model.tip(at);
        html.raw(r#"<tr><th scope="row">"#).text(tip.when).raw("</th><td>").text(tip.now).raw("</td>");
        if model.then.is_some() {
            html.raw("<td>").text(tip.then.as_deref().unwrap_or("–")).raw("</td><td>");
            html.text(tip.change.as_deref().unwrap_or("–")).raw("</td>");
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table>");
    html
}
