//! The chart as the server draws it: a stretched SVG for the marks, HTML for the labels, so that text keeps its size.

use super::model::ChartModel;
use crate::{format::compact, markup::Html};

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
        html.raw("<span").attr("style", at).raw(">").text(compact(*tick)).raw("</span>");
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
    html.raw(r#"</svg><div class="plot-labels-x" aria-hidden="true">"#);
    for (i, label) in model.labels.iter().enumerate().step_by(model.label_step) {
        let at = format!("left:{:.2}%", center(i, model) / BOX.0 * 100.0);
        html.raw("<span").attr("style", at).raw(">").text(label).raw("</span>");
    }
    html.raw("</div>");
    html
}

#[expect(clippy::cast_precision_loss, reason = "coordinates")]
fn percent(value: u64, top: u64) -> f64 {
    100.0 * value as f64 / top as f64
}

fn y(value: u64, top: u64) -> f64 {
    BOX.1 * (1.0 - percent(value, top) / 100.0)
}

/// Bars stand in the middle of their slot, points of a line reach from edge to edge.
#[expect(clippy::cast_precision_loss, reason = "coordinates")]
fn center(i: usize, model: &ChartModel) -> f64 {
    let n = model.values.len();
    if model.bars { BOX.0 * (i as f64 + 0.5) / n as f64 } else { BOX.0 * i as f64 / (n - 1).max(1) as f64 }
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    points.enumerate().map(|(i, (x, y))| format!("{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' })).collect()
}

fn then_path(model: &ChartModel) -> Option<String> {
    let then = model.then.as_ref()?;
    Some(path(then.iter().enumerate().filter_map(|(i, value)| Some((center(i, model), y((*value)?, model.top()))))))
}

fn line(model: &ChartModel, html: &mut Html) {
    let at = |i: usize| (center(i, model), y(model.values[i], model.top()));
    let count = model.values.len();
    let whole = count - usize::from(model.partial && count > 0);
    html.raw(r#"<path class="plot-area""#).attr("d", format_args!("{}L1000 240L0 240Z", path((0..count).map(at)))).raw("/>");
    if let Some(then) = then_path(model) {
        html.raw(r#"<path class="plot-then""#).attr("d", then).raw("/>");
    }
    html.raw(r#"<path class="plot-line""#).attr("d", path((0..whole).map(at))).raw("/>");
    if model.partial {
        let running = path((whole.saturating_sub(1)..count).map(at));
        html.raw(r#"<path class="plot-line plot-partial""#).attr("d", running).raw("/>");
    }
}

#[expect(clippy::cast_precision_loss, reason = "coordinates")]
fn bars(model: &ChartModel, html: &mut Html) {
    let width = BOX.0 / model.values.len().max(1) as f64 * 0.6;
    for (i, value) in model.values.iter().enumerate() {
        let running = model.partial && i + 1 == model.values.len();
        let top = y(*value, model.top());
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
