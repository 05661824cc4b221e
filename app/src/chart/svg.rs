//! The chart as the server draws it: a stretched SVG for the marks, HTML for the labels, so that text keeps its size.

use super::model::ChartModel;
use crate::markup::Html;

/// Width and height of the SVG's own coordinates.
const BOX: (f64, f64) = (1000.0, 240.0);

/// The drawing. It fills its container.
#[must_use]
pub fn draw(model: &ChartModel) -> Html {
    let top = model.top();
    let mut html = Html::new();
    html.raw(r#"<div class="plot-labels-y" aria-hidden="true">"#);
    for tick in &model.ticks {
        let at = format!("bottom:{:.2}%", percent(*tick, top));
        html.raw("<span").attr("style", at).raw(">").text(model.metric.short_text(*tick)).raw("</span>");
    }
    html.raw(r#"</div><svg class="plot" viewBox="0 0 1000 240" preserveAspectRatio="none" aria-hidden="true" focusable="false">"#);
    for tick in &model.ticks {
        let height = format!("{:.1}", y(*tick, top));
        html.raw(r#"<line class="plot-grid" x1="0" x2="1000""#).attr("y1", &height).attr("y2", &height).raw("/>");
    }
    if model.bars {
        bars(model, &mut html)
    } else {
        line(model, &mut html)
    }
    for mark in &model.marks {
        let x = format!("{:.1}", center(mark.at, model));
        html.raw(r#"<line class="plot-mark" y1="0" y2="240""#).attr("x1", &x).attr("x2", &x).raw("/>");
    }
    html.raw(r#"</svg><div class="plot-labels-x" aria-hidden="true">"#);
    for (i, label) in model.labels.iter().enumerate().step_by(model.label_step) {
        let at = format!("left:{:.2}%", center(i, model) / BOX.0 * 100.0);
        html.raw("<span").attr("style", at).raw(">").text(label).raw("</span>");
    }
    html.raw("</div>");
    if !model.marks.is_empty() {
        html.raw(r#"<div class="plot-signs" aria-hidden="true">"#);
        for mark in &model.marks {
            html.raw("<span").attr("style", format_args!("left:{:.2}%", center(mark.at, model) / BOX.0 * 100.0)).raw("></span>");
        }
        html.raw("</div>");
    }
    html
}

fn percent(value: f64, top: f64) -> f64 {
    100.0 * value / top
}

fn y(value: f64, top: f64) -> f64 {
    BOX.1 * (1.0 - percent(value, top) / 100.0)
}

/// Bars stand in the middle of their slot, points of a line reach from edge to edge.
#[expect(clippy::cast_precision_loss, reason = "coordinates")]
fn center(i: usize, model: &ChartModel) -> f64 {
    let n = model.values.len();
    if model.bars { BOX.0 * (i as f64 + 0.5) / n as f64 } else { BOX.0 * i as f64 / (n - 1).max(1) as f64 }
}

/// A line through the points that there are.
fn path(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let mut path = String::new();
    let mut goes_on = false;
    for point in points {
        if let Some((x, y)) = point {
            path.push_str(&format!("{}{x:.1} {y:.1}", if goes_on { 'L' } else { 'M' }));
        }
        goes_on = point.is_some();
    }
    path
}

fn then_path(model: &ChartModel) -> Option<String> {
    let then = model.then.as_ref()?;
    Some(path(then.iter().enumerate().map(|(i, value)| Some((center(i, model), y((*value)?, model.top()))))))
}

fn line(model: &ChartModel, html: &mut Html) {
    let at = |i: usize| Some((center(i, model), y(model.values[i]?, model.top())));
    let count = model.values.len();
    let whole = count - usize::from(model.partial && count > 0);
    if model.values.iter().all(Option::is_some) {
        html.raw(r#"<path class="plot-area""#).attr("d", format_args!("{}L1000 240L0 240Z", path((0..count).map(at)))).raw("/>");
    }
    if let Some(then) = then_path(model) {
        html.raw(r#"<path class="plot-then""#).attr("d", then).raw("/>");
    }
    html.raw(r#"<path class="plot-line""#).attr("d", path((0..whole).map(at))).raw("/>");
    if model.partial {
        let running = path((whole.saturating_sub(1)..count).map(at));
        html.raw(r#"<path class="plot-line plot-partial""#).attr("d", running).raw("/>");
    }
}

/// A line in a few words: how a figure went, without scale or labels. Nothing where there are not two points.
#[must_use]
pub fn spark(values: &[Option<f64>]) -> Html {
    let mut html = Html::new();
    let top = values.iter().flatten().copied().fold(0.0, f64::max);
    if top <= 0.0 || values.iter().flatten().count() < 2 {
        return html;
    }
    #[expect(clippy::cast_precision_loss, reason = "coordinates")]
    let x = |i: usize| 100.0 * i as f64 / (values.len() - 1) as f64;
    let line = path(values.iter().enumerate().map(|(i, value)| Some((x(i), 23.0 - 22.0 * (*value)? / top))));
    html.raw(r#"<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true" focusable="false"><path"#);
    html.attr("d", line).raw("/></svg>");
    html
}

#[expect(clippy::cast_precision_loss, reason = "coordinates")]
fn bars(model: &ChartModel, html: &mut Html) {
    let width = BOX.0 / model.values.len().max(1) as f64 * 0.6;
    for (i, value) in model.values.iter().enumerate().filter_map(|(i, value)| Some((i, (*value)?))) {
        let running = model.partial && i + 1 == model.values.len();
        let top = y(value, model.top());
        html.raw("<rect")
            .attr("class", if running { "plot-bar plot-bar-partial" } else { "plot-bar" })
            .attr("x", format_args!("{:.1}", center(i, model) - width / 2.0))
            .attr("y", format_args!("{top:.1}"))
            .attr("width", format_args!("{width:.1}"))
            .attr("height", format_args!("{:.1}", BOX.1 - top))
            .raw("/>");
    }
    if let Some(then) = then_path(model) {
        html.raw(r#"<path class="plot-then""#).attr("d", then).raw("/>");
    }
}
