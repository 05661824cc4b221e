//! The chart as the server draws it: a stretched SVG for the marks, HTML for the labels, so that text keeps its size.

use leptos::prelude::*;

use super::model::ChartModel;
use crate::format::compact;

/// Width and height of the SVG's own coordinates.
const BOX: (f64, f64) = (1000.0, 240.0);

/// The drawing. It fills its container.
#[must_use]
pub fn draw(model: &ChartModel) -> impl IntoView + use<> {
    let top = model.top();
    let ticks: Vec<_> = model.ticks.iter().map(|tick| (compact(*tick), percent(*tick, top))).collect();
    let lines = ticks.clone();
    let labels: Vec<_> = model
        .labels
        .iter()
        .enumerate()
        .step_by(model.label_step)
        .map(|(i, label)| (label.clone(), (center(i, model) / BOX.0) * 100.0))
        .collect();
    let marks = if model.bars { bars(model).into_any() } else { line(model).into_any() };
    view! {
        <div class="plot-labels-y" aria-hidden="true">
            {ticks
                .into_iter()
                .map(|(text, at)| view! { <span style=format!("bottom:{at:.2}%")>{text}</span> })
                .collect::<Vec<_>>()}
        </div>
        <svg class="plot" viewBox="0 0 1000 240" preserveAspectRatio="none" aria-hidden="true" focusable="false">
            {lines
                .into_iter()
                .map(|(_, at)| {
                    let y = BOX.1 * (1.0 - at / 100.0);
                    view! { <line class="plot-grid" x1="0" x2="1000" y1=format!("{y:.1}") y2=format!("{y:.1}") /> }
                })
                .collect::<Vec<_>>()}
            {marks}
        </svg>
        <div class="plot-labels-x" aria-hidden="true">
            {labels
                .into_iter()
                .map(|(text, at)| view! { <span style=format!("left:{at:.2}%")>{text}</span> })
                .collect::<Vec<_>>()}
        </div>
    }
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

fn line(model: &ChartModel) -> impl IntoView + use<> {
    let at = |i: usize| (center(i, model), y(model.values[i], model.top()));
    let whole = model.values.len() - usize::from(model.partial);
    let solid = path((0..whole).map(at));
    let dashed = path((whole.saturating_sub(1)..model.values.len()).map(at));
    let area = format!("{}L1000 240L0 240Z", path((0..model.values.len()).map(at)));
    let then = then_path(model);
    view! {
        <path class="plot-area" d=area />
        {then.map(|then| view! { <path class="plot-then" d=then /> })}
        <path class="plot-line" d=solid />
        {model.partial.then(|| view! { <path class="plot-line plot-partial" d=dashed /> })}
    }
}

#[expect(clippy::cast_precision_loss, reason = "coordinates")]
fn bars(model: &ChartModel) -> impl IntoView + use<> {
    let n = model.values.len().max(1);
    let width = BOX.0 / n as f64 * 0.6;
    let last = model.values.len().saturating_sub(1);
    let bars: Vec<_> = model
        .values
        .iter()
        .enumerate()
        .map(|(i, value)| {
            let top = y(*value, model.top());
            let class = if model.partial && i == last { "plot-bar plot-bar-partial" } else { "plot-bar" };
            view! {
                <rect
                    class=class
                    x=format!("{:.1}", center(i, model) - width / 2.0)
                    y=format!("{top:.1}")
                    width=format!("{width:.1}")
                    height=format!("{:.1}", BOX.1 - top)
                />
            }
        })
        .collect();
    let then = then_path(model);
    view! {
        {bars}
        {then.map(|then| view! { <path class="plot-then" d=then /> })}
    }
}
