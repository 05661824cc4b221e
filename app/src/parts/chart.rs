//! The chart: legend, choice of the interval, the first drawing, its twin as a table, and the option for the browser.

use footfall_model::{Interval, Period};

use super::{Page, bar::compare_name, leads};
use crate::{
    chart::{
        model::{ChartModel, value},
        option::{self, Words},
        svg, zoom,
    },
    failed::part_failed,
    i18n::{Key, t},
    markup::Html,
    metric::Metric,
    query::{ViewQuery, intervals},
    types::{AppError, ChartView, Compare, Note, Series},
};

/// The chart of the chosen figure, or why there is none.
#[must_use]
pub fn chart(
    page: &Page,
    query: &ViewQuery,
    period: &Period,
    series: Result<Series, AppError>,
    notes: Result<Vec<Note>, AppError>,
) -> ChartView {
    let (series, notes) = match series.and_then(|series| Ok((series, notes?))) {
        Ok(answers) => answers,
        Err(error) => return ChartView { drawing: part_failed(&error, "chart").into_string(), ..ChartView::default() },
    };
    let model = ChartModel::new(&series, query.metric).with_notes(&series, &notes);
    let mut head = Html::new();
    legend(&mut head, &model, &query.compare);
    choices(&mut head, page, query, period, series.now.interval);
    noted(&mut head, &model);
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
        words: serde_json::to_string(&Words::new(&model, zoom::days(&series))).unwrap_or_default(),
        sparks: sparks.into(),
    }
}

/// The same on a page that nothing takes over: the drawing and its twin.
#[must_use]
pub fn still(page: &Page, query: &ViewQuery, period: &Period, series: &Series) -> Html {
    let model = ChartModel::new(series, query.metric);
    let mut html = Html::new();
    html.raw(r#"<section class="chart""#).attr("aria-label", model.summary()).raw(r#"><header class="chart-head">"#);
    legend(&mut html, &model, &query.compare);
    choices(&mut html, page, query, period, series.now.interval);
    html.raw(r#"</header><div class="chart-frame"><div class="chart-drawing">"#).html(&svg::draw(&model));
    html.raw(r#"</div></div><details class="twin"><summary>"#).text(t(Key::ChartTable));
    html.raw(r#"</summary><div class="twin-scroll" tabindex="0" role="region""#).attr("aria-label", t(Key::ChartTable)).raw(">");
    html.html(&table(&model)).raw("</div></details></section>");
    html
}

fn legend(html: &mut Html, model: &ChartModel, compare: &Compare) {
    html.raw(r#"<ul class="legend"><li class="legend-now">"#).text(model.name).raw("</li>");
    if model.then.is_some() {
        html.raw(r#"<li class="legend-then">"#).text(compare_name(compare)).raw("</li>");
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

/// What is noted, as a list: the drawing shows where, this says what.
fn noted(html: &mut Html, model: &ChartModel) {
    if model.marks.is_empty() {
        return;
    }
    html.raw(r#"<ul class="chart-notes""#).attr("aria-label", t(Key::SetAnnotations)).raw(">");
    for mark in &model.marks {
        for note in &mark.notes {
            html.raw(r#"<li><span class="chart-note-when">"#).text(&model.labels[mark.at]).raw("</span> ").text(note).raw("</li>");
        }
    }
    html.raw("</ul>");
}

/// For those who cannot or would not look at a drawing.
fn table(model: &ChartModel) -> Html {
    let mut html = Html::new();
    html.raw(r#"<table><thead><tr><th scope="col">"#).text(t(Key::ChartTime)).raw(r#"</th><th scope="col">"#).text(model.name);
    html.raw("</th>");
    if model.then.is_some() {
        html.raw(r#"<th scope="col">"#).text(t(Key::ChartThen)).raw(r#"</th><th scope="col">±</th>"#);
    }
    if !model.marks.is_empty() {
        html.raw(r#"<th scope="col">"#).text(t(Key::SetAnnotations)).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    for at in 0..model.values.len() {
        let tip = model.tip(at);
        html.raw(r#"<tr><th scope="row">"#).text(tip.when).raw("</th><td>").text(tip.now).raw("</td>");
        if model.then.is_some() {
            html.raw("<td>").text(tip.then.as_deref().unwrap_or("–")).raw("</td><td>");
            html.text(tip.change.as_deref().unwrap_or("–")).raw("</td>");
        }
        if !model.marks.is_empty() {
            html.raw(r#"<td class="twin-note">"#).text(tip.note.unwrap_or_default()).raw("</td>");
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table>");
    html
}

#[cfg(test)]
mod tests {
    use footfall_model::report::{Meta, Point, Timeseries};

    use super::*;

    fn view(notes: Result<Vec<Note>, AppError>) -> ChartView {
        let point = |day: &str| Point { time: day.to_owned(), visitors: 3, ..Point::default() };
        let now = Timeseries { interval: Interval::Day, points: vec![point("2026-11-01"), point("2026-11-02")], meta: Meta::default() };
        chart(&Page::dashboard("a.org"), &ViewQuery::default(), &Period::Last7Days, Ok(Series { now, then: None }), notes)
    }

    #[test]
    fn a_note_is_drawn_said_and_in_the_table() {
        let view = view(Ok(vec![Note { time: "2026-11-02 14:00:00".to_owned(), text: "Release <2>".to_owned() }]));
        assert!(view.head.contains(r#"<span class="chart-note-when">2 Nov</span> Release &lt;2&gt;</li>"#), "{}", view.head);
        assert!(view.drawing.contains(r#"class="plot-mark" y1="0" y2="240" x1="750.0""#), "{}", view.drawing);
        assert!(view.table.contains(r#"<td class="twin-note">Release &lt;2&gt;</td>"#), "{}", view.table);
        assert!(view.option.contains(r#""markLine""#) && view.option.contains(r#""xAxis":1.0"#), "{}", view.option);
        assert!(view.words.contains("Release <2>"));
    }

    #[test]
    fn without_notes_there_is_no_more_than_the_figures() {
        let plain = view(Ok(Vec::new()));
        assert!(!plain.head.contains("chart-notes") && !plain.option.contains("markLine") && !plain.table.contains("twin-note"));
        assert!(view(Err(AppError::Unreachable)).drawing.contains("data-retry=\"chart\""));
    }
}
