//! A record and what became of it → the row of `events`.

use std::sync::Arc;

use footfall_model::{Hash64, Position, Record, Revenue};
use footfall_store::{Attributes, EventRow, PackedAttributes, VisitAfter, event_id};

use crate::assign::Verdict;

/// The first-touch attributes that a visit would take from this record.
#[must_use]
pub fn attributes_of(record: &Record) -> PackedAttributes {
    let attributes = Attributes {
        referrer: &record.referrer,
        source: &record.source,
        utm_source: &record.utm_source,
        utm_medium: &record.utm_medium,
        utm_campaign: &record.utm_campaign,
        utm_content: &record.utm_content,
        utm_term: &record.utm_term,
        click_id: &record.click_id,
        browser: &record.browser,
        browser_version: &record.browser_version,
        os: &record.os,
        os_version: &record.os_version,
        device: &record.device,
        screen: &record.screen,
        country: &record.country,
        region: &record.region,
        language: &record.language,
        city: record.city,
    };
    attributes.into()
}

/// Where and when the log took a record.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its position.
    pub position: Position,
    /// When the log took it, UTC milliseconds.
    pub appended: i64,
    /// Lowest offset that anything kept after the record rests on.
    pub rebuild_from: u64,
}

/// The row of a record. `alias` is the visit's alias, sealed; empty where it has none.
#[must_use]
pub fn event_row(place: Place, record: Record, verdict: &Verdict, alias: Arc<str>) -> EventRow {
    let (visitor, visit, drop_reason) = match verdict {
        Verdict::Counted(state) => {
            let visit = VisitAfter {
                id: state.id,
                start: state.start,
                key: if state.key.session { state.key.hash.0 } else { 0 },
                alias,
                attributes: Arc::clone(&state.attributes),
                entry_page: Arc::default(),
                pageviews: state.pageviews,
                interactive: state.interactive,
                first: state.first_active,
                last: state.last_active,
                seen: state.last,
            };
            (state.visitor, visit, None)
        }
        Verdict::Dropped(reason) => (record.visitor, VisitAfter::none(record.ts, Arc::new(attributes_of(&record))), Some(*reason)),
    };
    let (revenue_milli, currency) = record.revenue.map_or((0, String::new()), |revenue| (thousandths(&revenue), revenue.currency));
    EventRow {
        position: place.position,
        appended: place.appended,
        event_id: event_id(record.id),
        id_given: record.id_given,
        site: record.site,
        ts: record.ts,
        name: record.name,
        hostname: record.hostname,
        path: record.path,
        title: record.title,
        user_id: record.user.map_or(0, |Hash64(hash)| hash),
        interactive: record.interactive,
        engagement_ms: record.engagement_ms,
        scroll_depth: record.scroll_depth,
        props: record.props,
        revenue_milli,
        currency,
        bot: record.bot,
        import: record.import,
        h3: record.h3,
        drop_reason,
        visitor,
        visit,
        rebuild_from: place.rebuild_from,
    }
}

/// An amount of at most 3 decimal places in thousandths. The edge has checked its form; what cannot be held counts as nothing.
fn thousandths(revenue: &Revenue) -> i64 {
    let (negative, text) = match revenue.amount.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, revenue.amount.as_str()),
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    let whole = if whole.is_empty() { Ok(0) } else { whole.parse::<i64>() };
    let amount = match (whole, part.parse::<i64>()) {
        (Ok(whole), Ok(part)) => whole.checked_mul(1_000).and_then(|milli| milli.checked_add(part)).unwrap_or(0),
        _ => 0,
    };
    if negative { -amount } else { amount }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revenue_is_kept_in_thousandths() {
        for (amount, milli) in
            [("12", 12_000), ("12.3", 12_300), ("0.005", 5), ("-1.25", -1_250), (".5", 500), ("", 0), ("99999999999999999999", 0)]
        {
            let revenue = Revenue { amount: amount.to_owned(), currency: "EUR".to_owned() };
            assert_eq!(thousandths(&revenue), milli, "{amount}");
        }
    }
}
