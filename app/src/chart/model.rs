//! What the chart shows, decided once: values, labels, scale, and which bucket is still running.

use footfall_model::{Interval, report::Point};

use crate::{
    format::{Label, number},
    i18n::{Key, fill, t},
    query::Metric,
    types::Series,
};

/// Below this many buckets the chart shows bars.
const BARS_BELOW: usize = 15;
/// Labels below the axis at most; more would touch each other on a phone.
const MAX_LABELS: usize = 7;

/// Everything either drawing needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartModel {
    /// Name of the figure.
    pub name: &'static str,
    /// Value per bucket.
    pub values: Vec<u64>,
    /// Values of the period compared to, cut or padded to the same length.
    pub then: Option<Vec<Option<u64>>>,
    /// Short label per bucket.
    pub labels: Vec<String>,
    /// Label in full per bucket.
    pub long_labels: Vec<String>,
    /// Every how many buckets a label is shown.
    pub label_step: usize,
    /// The last bucket is still running.
    pub partial: bool,
    /// Draw bars, not a line.
    pub bars: bool,
    /// The scale's lines, 0 first.
    pub ticks: Vec<u64>,
}

impl ChartModel {
    /// From an answer.
    #[must_use]
    pub fn new(series: &Series, metric: Metric) -> Self {
        let pick = |point: &Point| match metric {
            Metric::Visitors => point.visitors,
            Metric::Pageviews => point.pageviews,
        };
        let buckets: Vec<_> = series.now.points.iter().map(|point| (point.time.as_str(), pick(point), point.partial)).collect();
        let mut model = Self::of(metric_name(metric), series.now.interval, &buckets);
        if let Some(then) = &series.then {
            let then: Vec<_> = (0..buckets.len()).map(|i| then.get(i).map(pick)).collect();
            model.ticks = ticks(model.values.iter().chain(then.iter().flatten()).copied().max().unwrap_or(0));
            model.then = Some(then);
        }
        model
    }

    /// Of one figure: the label of each bucket, its value, and whether it is still running.
    #[must_use]
    pub fn of(name: &'static str, interval: Interval, buckets: &[(&str, u64, bool)]) -> Self {
        let values: Vec<u64> = buckets.iter().map(|(_, value, _)| *value).collect();
        let days = buckets.iter().map(|(time, ..)| time.get(..10)).collect::<std::collections::BTreeSet<_>>().len();
        let (labels, long_labels) = buckets.iter().map(|(time, ..)| bucket_labels(time, interval, days > 1)).unzip();
        Self {
            name,
            bars: values.len() < BARS_BELOW,
            label_step: values.len().div_ceil(MAX_LABELS).max(1),
            partial: buckets.last().is_some_and(|(.., partial)| *partial),
            ticks: ticks(values.iter().copied().max().unwrap_or(0)),
            then: None,
            values,
            labels,
            long_labels,
        }
    }

    /// The end of the scale.
    #[must_use]
    pub fn top(&self) -> u64 {
        self.ticks.last().copied().unwrap_or(1).max(1)
    }

    /// The chart in one sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let most = self.values.iter().enumerate().max_by_key(|(i, value)| (**value, std::cmp::Reverse(*i)));
        match most {
            Some((at, value)) if *value > 0 => fill(
                Key::ChartSummary,
                &[
                    ("figure", self.name),
                    ("total", &number(self.values.iter().sum())),
                    ("most", &number(*value)),
                    ("when", &self.long_labels[at]),
                ],
            ),
            _ => fill(Key::ChartSummaryEmpty, &[("figure", self.name)]),
        }
    }

    /// The exact figures of a bucket: when, now, then and the change.
    #[must_use]
    pub fn tip(&self, at: usize) -> Tip {
        let now = self.values[at];
        let then = self.then.as_ref().and_then(|then| then[at]);
        let running = self.partial && at + 1 == self.values.len();
        Tip {
            when: if running { format!("{} ({})", self.long_labels[at], t(Key::ChartPartial)) } else { self.long_labels[at].clone() },
            now: number(now),
            then: then.map(number),
            change: then.filter(|then| *then > 0).map(|then| {
                #[expect(clippy::cast_precision_loss, reason = "a rounded percentage")]
                let change = 100.0 * (now as f64 - then as f64) / then as f64;
                format!("{}{change:.0}%", if change >= 0.5 { "+" } else { "" })
            }),
        }
    }
}

/// What hovering a bucket says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Tip {
    /// The bucket.
    pub when: String,
    /// Its figure.
    pub now: String,
    /// The figure of the period compared to.
    pub then: Option<String>,
    /// From then to now.
    pub change: Option<String>,
}

/// The figure's name in the language of the page.
#[must_use]
pub fn metric_name(metric: Metric) -> &'static str {
    t(match metric {
        Metric::Visitors => Key::Visitors,
        Metric::Pageviews => Key::Pageviews,
    })
}

fn bucket_labels(time: &str, interval: Interval, several_days: bool) -> (String, String) {
    let Some(label) = Label::parse(time) else { return (time.to_owned(), time.to_owned()) };
    match (interval, label.clock()) {
        (Interval::Minute | Interval::Hour, Some(clock)) => {
            let short = if several_days && interval == Interval::Hour && clock == "00:00" { label.day() } else { clock.to_owned() };
            (short, format!("{}, {clock}", label.long_day()))
        }
        (Interval::Week, _) => (label.day(), label.week()),
        (Interval::Month, _) => (label.month(), label.month()),
        _ => (label.day(), label.long_day()),
    }
}

/// Three or four even steps that hold the greatest value, whole numbers only.
fn ticks(greatest: u64) -> Vec<u64> {
    let raw = greatest.max(1).div_ceil(4);
    let mut size = 1_u64;
    let step = loop {
        // 1, 2, 2.5 and 5 times a power of ten; a quarter only where it is whole.
        let heads = [size, 2 * size, if size >= 10 { size / 2 * 5 } else { 0 }, 5 * size];
        match heads.into_iter().find(|step| *step >= raw) {
            Some(step) => break step,
            None if size > u64::MAX / 100 => break raw,
            None => size *= 10,
        }
    };
    let count = greatest.max(1).div_ceil(step);
    (0..=count).map(|i| i * step).collect()
}

#[cfg(test)]
mod tests {
    use footfall_model::report::{Meta, Timeseries};

    use super::*;

    fn series(visitors: &[u64]) -> Series {
        let points = visitors
            .iter()
            .enumerate()
            .map(|(i, n)| Point { time: format!("2026-11-{:02}", i + 1), pageviews: n * 2, visitors: *n, partial: i + 1 == visitors.len() })
            .collect();
        Series { now: Timeseries { interval: Interval::Day, points, meta: Meta::default() }, then: None }
    }

    #[test]
    fn the_scale_holds_the_greatest_value_in_few_even_steps() {
        for greatest in [0, 1, 3, 4, 5, 9, 10, 99, 101, 4_321, 1_000_001, u64::MAX / 4] {
            let ticks = ticks(greatest);
            assert!((2..=5).contains(&ticks.len()), "{greatest}: {ticks:?}");
            assert!(*ticks.last().unwrap() >= greatest);
        }
        assert_eq!(ticks(915), [0, 250, 500, 750, 1_000]);
    }

    #[test]
    fn few_buckets_are_bars() {
        let model = ChartModel::new(&series(&[1, 2, 3]), Metric::Pageviews);
        assert!(model.bars && model.partial);
        assert_eq!(model.values, [2, 4, 6]);
        assert_eq!(model.summary(), "Pageviews: 12 in all. Most: 6 (Tue 3 Nov 2026).");
        assert!(!ChartModel::new(&series(&[1; 15]), Metric::Visitors).bars);
    }

    #[test]
    fn an_empty_series_draws_and_says_so() {
        let model = ChartModel::new(&series(&[]), Metric::Visitors);
        assert_eq!((model.top(), model.summary().as_str()), (1, "Visitors: none in this period."));
    }
}
