//! The chart as an ECharts option, built by charming. No functions in it: a page's security policy forbids to evaluate text.

use charming::{
    Chart,
    component::{Axis, Grid},
    datatype::{CompositeValue, DataPoint, DataPointItem},
    element::{
        AreaStyle, AxisLabel, AxisLine, AxisPointer, AxisPointerType, AxisTick, AxisType, ItemStyle, Label, LineStyle, LineStyleType,
        MarkLine, MarkLineData, MarkLineVariant, SplitLine, Symbol, Tooltip, Trigger,
    },
    series::{Bar, Line},
};

use super::{
    FRAME,
    model::{ChartModel, Mark, Tip},
};

/// Colours by name: the bundle puts in what the style sheet says (`--chart-accent` and so on), and does so again when the theme changes.
const ACCENT: &str = "$accent";
const LABEL: &str = "$label";
const GRID: &str = "$grid";
const CROSS: &str = "$cross";
/// The earlier period across bars, which have the accent already.
const THEN: &str = "$then";
/// Notes.
const MARK: &str = "$mark";

/// ECharts' sign for "no value here".
const GAP: &str = "-";

/// The texts of the chart.
#[derive(Debug, serde::Serialize)]
pub struct Words {
    /// What hovering each bucket says.
    tips: Vec<Tip>,
    /// The scale.
    axis: Vec<String>,
    /// First and last day of each bucket, for dragging over them.
    days: Vec<[String; 2]>,
}

impl Words {
    /// Of a chart. `days` are those of its buckets.
    #[must_use]
    pub fn new(model: &ChartModel, days: Vec<[String; 2]>) -> Self {
        let axis = model.ticks.iter().map(|tick| model.metric.short_text(*tick)).collect();
        Self { tips: (0..model.values.len()).map(|at| model.tip(at)).collect(), axis, days }
    }
}

/// The option. What stands at the vertical axis and in the tooltip is given to the chart bundle as text ([`Words`]).
#[must_use]
pub fn build(model: &ChartModel) -> Chart {
    let [left, top, right, bottom] = FRAME;
    let whole = model.values.len() - usize::from(model.partial && !model.values.is_empty());
    let mut chart = Chart::new()
        .animation(false)
        .grid(Grid::new().left(f64::from(left)).top(f64::from(top)).right(f64::from(right)).bottom(f64::from(bottom)))
        .tooltip(
            Tooltip::new()
                .trigger(Trigger::Axis)
                .axis_pointer(AxisPointer::new().type_(AxisPointerType::Line).line_style(LineStyle::new().color(CROSS).width(1.0))),
        )
        .x_axis(x_axis(model))
        .y_axis(y_axis(model));
    if model.bars {
        chart = chart.series(bars(model));
    } else {
        let solid = (0..model.values.len()).map(|i| value(model.values[i].filter(|_| i < whole)));
        let line = main_line(model.name).area_style(AreaStyle::new().color(ACCENT).opacity(0.08)).data(solid.collect::<Vec<_>>());
        chart = chart.series(if model.marks.is_empty() { line } else { line.mark_line(marks(model)) });
        if model.partial {
            let from = whole.saturating_sub(1);
            let dashed = (0..model.values.len()).map(|i| value(model.values[i].filter(|_| i >= from)));
            chart = chart.series(
                main_line(model.name)
                    .line_style(LineStyle::new().color(ACCENT).width(2.0).type_(LineStyleType::Dashed))
                    .area_style(AreaStyle::new().color(ACCENT).opacity(0.08))
                    .data(dashed.collect::<Vec<_>>()),
            );
        }
    }
    if let Some(then) = &model.then {
        let colour = if model.bars { THEN } else { ACCENT };
        chart = chart.series(
            Line::new()
                .show_symbol(false)
                .symbol(Symbol::None)
                .silent(true)
                .line_style(
                    LineStyle::new().color(colour).width(1.0).opacity(if model.bars { 1.0 } else { 0.7 }).type_(LineStyleType::Dashed),
                )
                .data(then.iter().copied().map(value).collect::<Vec<_>>()),
        );
    }
    chart
}

fn main_line(name: &str) -> Line {
    Line::new()
        .name(name)
        .show_symbol(false)
        .symbol(Symbol::Circle)
        .symbol_size(7.0)
        .item_style(ItemStyle::new().color(ACCENT))
        .line_style(LineStyle::new().color(ACCENT).width(2.0))
}

fn bars(model: &ChartModel) -> Bar {
    let last = model.values.len().saturating_sub(1);
    let data = model.values.iter().enumerate().map(|(i, n)| match n {
        Some(n) if model.partial && i == last => {
            DataPoint::from(DataPointItem::new(*n).item_style(ItemStyle::new().color(ACCENT).opacity(0.45)))
        }
        n => DataPoint::from(value(*n)),
    });
    let bars = Bar::new().name(model.name).bar_width("60%").item_style(ItemStyle::new().color(ACCENT)).data(data.collect::<Vec<_>>());
    if model.marks.is_empty() { bars } else { bars.mark_line(marks(model)) }
}

/// A line at each bucket with notes, from the axis to a sign at the top.
fn marks(model: &ChartModel) -> MarkLine {
    #[expect(clippy::cast_precision_loss, reason = "a count of buckets")]
    let at = |mark: &Mark| MarkLineVariant::Simple(MarkLineData::new().x_axis(mark.at as f64));
    MarkLine::new()
        .silent(true)
        .symbol(vec![Symbol::None, Symbol::Diamond])
        .label(Label::new().show(false))
        .line_style(LineStyle::new().color(MARK).width(1.0).type_(LineStyleType::Dashed))
        .data(model.marks.iter().map(at).collect())
}

fn x_axis(model: &ChartModel) -> Axis {
    #[expect(clippy::cast_precision_loss, reason = "a count of labels")]
    let skipped = (model.label_step - 1) as f64;
    Axis::new()
        .type_(AxisType::Category)
        .boundary_gap(model.bars)
        .axis_line(AxisLine::new().show(false))
        .axis_tick(AxisTick::new().show(false))
        .axis_label(AxisLabel::new().interval(skipped).color(LABEL).font_size(12.0))
        .axis_pointer(AxisPointer::new().label(Label::new().show(false)))
        .data(model.labels.clone())
}

fn y_axis(model: &ChartModel) -> Axis {
    let (top, step) = (model.top(), model.ticks.get(1).copied().unwrap_or(1.0));
    Axis::new()
        .type_(AxisType::Value)
        .min(0.0)
        .max(top)
        .interval(step)
        .axis_label(AxisLabel::new().color(LABEL).font_size(12.0))
        .split_line(SplitLine::new().line_style(LineStyle::new().color(GRID)))
}

fn value(value: Option<f64>) -> CompositeValue {
    value.map_or_else(|| GAP.into(), CompositeValue::from)
}
