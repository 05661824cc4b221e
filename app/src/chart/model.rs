//! What the chart shows, decided once: values, labels, scale, and which bucket is still running.

use footfall_model::{Interval, report::Point};

use crate::{
    format::{Label, percent},
    i18n::{Key, fill, t},
    metric::Metric,
    types::{Note, Series},
};

/// Below this many buckets the chart shows bars.
const BARS_BELOW: usize = 15;
/// Labels below the axis at most; more would touch each other on a phone.
const MAX_LABELS: usize = 7;

/// Everything either drawing needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartModel {
    /// The figure.
    pub metric: Metric,
    /// Its name.
    pub name: &'static str,
    /// Value per bucket; none where there was nothing to say it of.
    pub values: Vec<Option<f64>>,
    /// Values of the period compared to, cut or padded to the same length.
    pub then: Option<Vec<Option<f64>>>,
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
    pub ticks: Vec<f64>,
    /// Notes, by the bucket that they are in; in order.
    pub marks: Vec<Mark>,
}

/// What is noted of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its place.
    pub at: usize,
    /// The notes, in order of time.
    pub notes: Vec<String>,
}

impl ChartModel {
    /// From an answer.
    #[must_use]
    pub fn new(series: &Series, metric: Metric) -> Self {
        let pick = |point: &Point| value(point, metric);
        let buckets: Vec<_> = series.now.points.iter().map(|point| (point.time.as_str(), pick(point), point.partial)).collect();
        let mut model = Self::of(metric, t(metric.name()), series.now.interval, &buckets);
        if let Some(then) = &series.then {
            let then: Vec<_> = (0..buckets.len()).map(|i| then.get(i).and_then(pick)).collect();
            model.ticks = ticks(greatest(model.values.iter().chain(&then)), metric.is_time());
            model.then = Some(then);
        }
        model
    }

    /// Of one figure: the label of each bucket, its value, and whether it is still running. Values are written as those of `metric`.
    #[must_use]
    pub fn of(metric: Metric, name: &'static str, interval: Interval, buckets: &[(&str, Option<f64>, bool)]) -> Self {
        let values: Vec<Option<f64>> = buckets.iter().map(|(_, value, _)| *value).collect();
        let days = buckets.iter().map(|(time, ..)| time.get(..10)).collect::<std::collections::BTreeSet<_>>().len();
        let (labels, long_labels) = buckets.iter().map(|(time, ..)| bucket_labels(time, interval, days > 1)).unzip();
        Self {
            metric,
            name,
            bars: values.len() < BARS_BELOW,
            label_step: values.len().div_ceil(MAX_LABELS).max(1),
            partial: buckets.last().is_some_and(|(.., partial)| *partial),
            ticks: ticks(greatest(&values), metric.is_time()),
            then: None,
            marks: Vec::new(),
            values,
            labels,
            long_labels,
        }
    }

    /// With notes, which are in order of time. A note is in the last bucket that began by then; one that is before all of them is left out.
    #[must_use]
    pub fn with_notes(mut self, series: &Series, notes: &[Note]) -> Self {
        for note in notes {
            // Texts of one form are in the order of their times; that of a day is the beginning of those of its hours.
            let began = |point: &Point| point.time.as_str() <= note.time.as_str();
            let Some(at) = series.now.points.iter().rposition(began) else { continue };
            match self.marks.last_mut().filter(|mark| mark.at == at) {
                Some(mark) => mark.notes.push(note.text.clone()),
                None => self.marks.push(Mark { at, notes: vec![note.text.clone()] }),
            }
        }
        self
    }

    /// What is noted of a bucket, in one line.
    fn note(&self, at: usize) -> Option<String> {
        self.marks.iter().find(|mark| mark.at == at).map(|mark| mark.notes.join("; "))
    }

    /// The end of the scale.
    #[must_use]
    pub fn top(&self) -> f64 {
        self.ticks.last().copied().unwrap_or(1.0).max(1.0)
    }

    /// The chart in one sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let known = self.values.iter().enumerate().filter_map(|(at, value)| Some((at, (*value)?)));
        let most = known.reduce(|most, other| if other.1 > most.1 { other } else { most });
        let Some((at, value)) = most.filter(|(_, value)| *value > 0.0) else {
            return fill(Key::ChartSummaryEmpty, &[("figure", self.name)]);
        };
        let (most, when) = (self.metric.text(value), self.long_labels[at].as_str());
        if !self.metric.adds_up() {
            return fill(Key::ChartSummaryRate, &[("figure", self.name), ("most", &most), ("when", when)]);
        }
        let total = self.metric.text(self.values.iter().flatten().sum());
        fill(Key::ChartSummary, &[("figure", self.name), ("total", &total), ("most", &most), ("when", when)])
    }

    /// The exact figures of a bucket: when, now, then and the change.
    #[must_use]
    pub fn tip(&self, at: usize) -> Tip {
        let now = self.values[at];
        let then = self.then.as_ref().and_then(|then| then[at]);
        let running = self.partial && at + 1 == self.values.len();
        let text = |figure: f64| self.metric.text(figure);
        Tip {
            when: if running { format!("{} ({})", self.long_labels[at], t(Key::ChartPartial)) } else { self.long_labels[at].clone() },
            now: now.map_or_else(|| "–".to_owned(), text),
            note: self.note(at),
            then: then.map(text),
            change: now.zip(then.filter(|then| *then > 0.0)).map(|(now, then)| {
                let change = 100.0 * (now - then) / then;
                percent(format_args!("{}{change:.0}", if change >= 0.5 { "+" } else { "" }))
            }),
        }
    }
}

fn greatest<'a>(values: impl IntoIterator<Item = &'a Option<f64>>) -> f64 {
    values.into_iter().flatten().copied().fold(0.0, f64::max)
}

/// A figure of a bucket; none where there was nothing to say it of.
#[expect(clippy::cast_precision_loss, reason = "coordinates, and figures below 2^53")]
pub fn value(point: &Point, metric: Metric) -> Option<f64> {
    match metric {
        Metric::Visitors => Some(point.visitors as f64),
        Metric::Pageviews => Some(point.pageviews as f64),
        Metric::Visits => Some(point.visits as f64),
        Metric::ViewsPerVisit => point.views_per_visit,
        Metric::BounceRate => point.bounce_rate.map(|rate| rate as f64),
        Metric::VisitDuration => point.visit_duration.map(|seconds| seconds as f64),
        _ => None,
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
    /// What is noted.
    pub note: Option<String>,
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

/// Even steps, four at most, that hold the greatest value: whole numbers, or times as clocks have them.
fn ticks(greatest: f64, is_time: bool) -> Vec<f64> {
    const TIMES: [f64; 14] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0];
    let greatest = greatest.max(1.0);
    let of_clocks = TIMES.into_iter().filter(|_| is_time);
    // 1, 2, 2.5 and 5 times a power of ten; a quarter only where it is whole.
    let decimal = (0..24).flat_map(|power| {
        let size = 10_f64.powi(power);
        [size, 2.0 * size, if power > 0 { 2.5 * size } else { 2.0 }, 5.0 * size]
    });
    let step = of_clocks.chain(decimal).find(|step| *step * 4.0 >= greatest).unwrap_or(greatest);
    let mut ticks = vec![0.0];
    while ticks.last().is_some_and(|last| *last < greatest) {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        ticks.push(step * ticks.len() as f64);
    }
    ticks
}

#[cfg(test)]
mod tests {
    use footfall_model::report::{Meta, Timeseries};

    use super::*;

    fn series(visitors: &[u64]) -> Series {
        let points = visitors
            .iter()
            .enumerate()
            .map(|(i, n)| Point {
                time: format!("2026-11-{:02}", i + 1),
                pageviews: n * 2,
                visitors: *n,
                partial: i + 1 == visitors.len(),
                ..Point::default()
            })
            .collect();
        Series { now: Timeseries { interval: Interval::Day, points, meta: Meta::default() }, then: None }
    }

    #[test]
    fn the_scale_holds_the_greatest_value_in_few_even_steps() {
        for greatest in [0.0, 0.3, 1.0, 3.0, 4.0, 5.0, 9.0, 10.0, 99.0, 101.0, 4_321.0, 1_000_001.0, 1e18] {
            for is_time in [false, true] {
                let ticks = ticks(greatest, is_time);
                assert!((2..=5).contains(&ticks.len()), "{greatest}: {ticks:?}");
                assert!(*ticks.last().unwrap() >= greatest);
            }
        }
        assert_eq!(ticks(915.0, false), [0.0, 250.0, 500.0, 750.0, 1_000.0]);
        assert_eq!(ticks(170.0, true), [0.0, 60.0, 120.0, 180.0]);
    }

    #[test]
    fn few_buckets_are_bars() {
        let model = ChartModel::new(&series(&[1, 2, 3]), Metric::Pageviews);
        assert!(model.bars && model.partial);
        assert_eq!(model.values, [2.0, 4.0, 6.0].map(Some));
        assert_eq!(model.summary(), "Pageviews: 12 in all. Most: 6 (Tue 3 Nov 2026).");
        assert!(!ChartModel::new(&series(&[1; 15]), Metric::Visitors).bars);
    }

    #[test]
    fn a_rate_has_gaps_and_no_total() {
        let mut series = series(&[1, 2, 3]);
        series.now.points[1].bounce_rate = Some(40);
        let model = ChartModel::new(&series, Metric::BounceRate);
        assert_eq!(model.values, [None, Some(40.0), None]);
        assert_eq!((model.tip(0).now.as_str(), model.tip(1).now.as_str()), ("–", "40%"));
        assert_eq!(model.summary(), "Bounce rate. Most: 40% (Mon 2 Nov 2026).");
    }

    #[test]
    fn a_note_is_in_the_bucket_of_its_time() {
        let series = series(&[1, 2, 3]);
        let note = |time: &str, text: &str| Note { time: time.to_owned(), text: text.to_owned() };
        let notes = [
            note("2026-10-31 23:59:59", "too early"),
            note("2026-11-02 00:00:00", "Release"),
            note("2026-11-02 23:59:59", "Sale"),
            note("2026-11-03 12:00:00", "Post"),
        ];
        let model = ChartModel::new(&series, Metric::Visitors).with_notes(&series, &notes);
        let marks: Vec<(usize, Vec<&str>)> =
            model.marks.iter().map(|mark| (mark.at, mark.notes.iter().map(String::as_str).collect())).collect();
        assert_eq!(marks, [(1, vec!["Release", "Sale"]), (2, vec!["Post"])]);
        assert_eq!((model.tip(0).note, model.tip(1).note.as_deref()), (None, Some("Release; Sale")));
    }

    #[test]
    fn an_empty_series_draws_and_says_so() {
        let model = ChartModel::new(&series(&[]), Metric::Visitors);
        assert_eq!((model.top(), model.summary().as_str()), (1.0, "Visitors: none in this period."));
    }
}
