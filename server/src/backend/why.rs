//! What accounts for a change: the values of all panels whose figure moved most.

use footfall_app::{
    backend::{Look, Moved, Why},
    filter,
    query::PanelId,
    types::AppError,
};
use footfall_query::{
    Range,
    question::{Dimension, Key, Metric},
    range::local,
};

use super::{ServerBackend, away, failed, seen::Seen};
use crate::{analytics::Shift, auth::SiteScope};

impl ServerBackend {
    pub(super) async fn why_of(&self, seen: &Seen, look: Look<'_>, metric: Metric) -> Result<Option<Why>, AppError> {
        let view = self.view(seen, look).await?;
        let scope = &seen.scope;
        let known = crate::settings::for_questions(&self.app.meta, scope.site(), seen.person).await.map_err(failed)?;
        let panels = PanelId::ALL.into_iter().filter(|panel| *panel != PanelId::Goals);
        let fields = panels.flat_map(|panel| panel.tabs()).copied();
        let fields: Vec<(&'static str, Dimension)> =
            fields.filter_map(|field| Some((field, known.dimension(&filter::dimension(field))?))).collect();
        let keys = fields.iter().map(|(_, dimension)| Key::By(dimension.clone())).collect();
        // One more of each: the one without a value is left out.
        let most = Why::MOST as u64 + 1;
        let Some(shift) = self.app.analytics().map_err(away)?.shift(scope, &view, metric, keys, most).await.map_err(away)? else {
            return Ok(None);
        };
        let mut why = about(&shift, scope);
        for ((field, dimension), moved) in fields.into_iter().zip(shift.moved) {
            match moved {
                Ok(moved) => {
                    // What is missing is no segment, save that visitors came by themselves.
                    let is_value = |label: &str| label != dimension.missing() || !label.starts_with('(');
                    let moved = moved.into_iter().filter(|moved| is_value(&moved.label));
                    why.moved.extend(moved.map(|moved| Moved {
                        field,
                        label: moved.label,
                        name: None,
                        figures: moved.figures.map(i64::unsigned_abs),
                    }));
                }
                Err(error) => {
                    tracing::warn!(%error, field, "what changed by a dimension is not known");
                    why.failed.push(field);
                }
            }
        }
        why.moved.sort_by_key(|moved| std::cmp::Reverse(moved.figures[0].abs_diff(moved.figures[1])));
        why.moved.truncate(Why::MOST);
        let places = why.moved.iter().map(|moved| (moved.field.to_owned(), moved.label.clone())).collect();
        let names = self.names_of(places).await;
        for moved in &mut why.moved {
            moved.name = names.get(&moved.label).filter(|_| matches!(moved.field, "region" | "city")).cloned();
        }
        Ok(Some(why))
    }
}

/// The change as a whole.
fn about(shift: &Shift, scope: &SiteScope) -> Why {
    let zone = scope.info().timezone;
    let clocks = |range: Range| [range.from, range.to].map(|ms| local(ms, zone).to_string());
    Why {
        now: clocks(shift.now),
        then: clocks(shift.then),
        timezone: zone.name().to_owned(),
        figures: shift.figures.map(i64::unsigned_abs),
        incomplete: shift.incomplete,
        approximate: shift.approximate,
        moved: Vec::new(),
        failed: Vec::new(),
        moment: moment(shift.now, zone),
    }
}

/// Where a note of the change stands: at the beginning of the first day that begins in the period, or of a period without one.
fn moment(range: Range, zone: chrono_tz::Tz) -> (String, String) {
    let (from, last) = (local(range.from, zone), local((range.to - 1).max(range.from), zone));
    if from.date() < last.date() && from.time() != chrono::NaiveTime::MIN {
        return (from.date().succ_opt().unwrap_or(from.date()).to_string(), String::new());
    }
    let time = from.time();
    (from.date().to_string(), if time == chrono::NaiveTime::MIN { String::new() } else { time.format("%H:%M").to_string() })
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    #[test]
    fn a_note_stands_where_a_day_begins() {
        const HOUR: i64 = 3_600_000;
        let of = |from: i64, to: i64| moment(Range::new(from * HOUR, to * HOUR), Tz::UTC);
        let day = |day: &str, time: &str| (day.to_owned(), time.to_owned());
        assert_eq!(of(0, 48), day("1970-01-01", ""));
        assert_eq!(of(14, 38), day("1970-01-02", ""));
        assert_eq!(of(14, 15), day("1970-01-01", "14:00"));
        assert_eq!(of(14, 24), day("1970-01-01", "14:00"));
    }
}
