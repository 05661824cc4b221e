//! What the bar offers: filters, comparison, period. Menus are `<details>`, choices are links or a GET form, so all of it works without script.

use footfall_model::Period;

use super::{
    Page, carried,
    filters::{chips, filter_menu},
    leads,
    step::{Way, beside},
};
use crate::{
    backend::Offered,
    format::Label,
    i18n::{Key, t},
    icons::{Icon, icon},
    markup::Html,
    query::{ViewQuery, WITH_COMPARE, WITH_PERIOD},
    types::{Bar, Compare, Face},
};

/// The bar of a page of a domain.
#[must_use]
pub fn bar(page: &Page, face: &Face, query: &ViewQuery, offered: &Offered, csrf: &str) -> Bar {
    let mut menus = filter_menu(page, query, offered, csrf);
    menus.html(&compare_menu(page, &face.today, query, &offered.compared));
    let period = query.period_or_default(face.young);
    Bar {
        menus: menus.into_string(),
        period: period_menu(page, &face.today, query, &period).into_string(),
        chips: chips(page, query, offered).into_string(),
    }
}

/// The name of a period in the picker.
#[must_use]
pub fn period_name(period: &Period) -> String {
    let key = match period {
        Period::Last30Minutes => Key::Period30m,
        Period::Last24Hours => Key::Period24h,
        Period::Today => Key::PeriodDay,
        Period::Last7Days => Key::Period7d,
        Period::Last30Days => Key::Period30d,
        Period::Month => Key::PeriodMonth,
        Period::Last6Months => Key::Period6mo,
        Period::Last12Months => Key::Period12mo,
        Period::Year => Key::PeriodYear,
        Period::All => Key::PeriodAll,
        Period::Custom { from, to } => {
            let day = |date: &str| Label::parse(date).map_or_else(|| date.to_owned(), |label| label.day());
            return if from == to { day(from) } else { format!("{} – {}", day(from), day(to)) };
        }
    };
    t(key).to_owned()
}

pub(super) fn menu(html: &mut Html, label: Key) {
    html.raw(r#"<details class="menu"><summary class="menu-button""#).attr("title", t(label)).raw(r#"><span class="sr-only">"#);
    html.text(t(label)).raw(": </span>");
}

/// What a period is compared with.
pub(super) fn compare_name(compare: &Compare) -> String {
    let key = match compare {
        Compare::Previous => Key::ComparePrevious,
        Compare::Weekdays => Key::CompareWeekdays,
        Compare::Year => Key::CompareYear,
        Compare::Off => Key::CompareOff,
        Compare::Custom { from, to } => return period_name(&Period::Custom { from: from.clone(), to: to.clone() }),
    };
    t(key).to_owned()
}

/// A period to the minute: days where it has whole ones. The end is exclusive.
fn exactly([from, to]: &[String; 2]) -> Option<String> {
    const MIDNIGHT: &str = "00:00";
    let (first, end) = (Label::parse(from)?, Label::parse(to)?);
    let (begins, ends) = (first.clock()?, end.clock()?);
    let day_before = |date: &str| Some(date.get(..10)?.parse::<chrono::NaiveDate>().ok()?.pred_opt()?.to_string());
    let last = if ends == MIDNIGHT { day_before(to)? } else { to.clone() };
    let last = Label::parse(&last)?;
    let is_one_day = first.date() == last.date();
    Some(match (begins == MIDNIGHT, ends == MIDNIGHT) {
        (true, true) if is_one_day => first.date(),
        (true, true) => format!("{} – {}", first.date(), last.date()),
        _ if is_one_day => format!("{}, {begins} – {ends}", first.date()),
        _ => format!("{}, {begins} – {}, {ends}", first.date(), last.date()),
    })
}

fn item(html: &mut Html, page: &Page, states: (&ViewQuery, &ViewQuery), chosen: bool, name: &str, letter: Option<&'static str>) {
    item_of(html, page, states, chosen, (name, None), letter);
}

/// A choice, and what else there is to say of it.
fn item_of(
    html: &mut Html,
    page: &Page,
    (from, to): (&ViewQuery, &ViewQuery),
    chosen: bool,
    (name, more): (&str, Option<&str>),
    letter: Option<&'static str>,
) {
    html.raw(r#"<li><a class="menu-item" data-noscroll"#);
    leads(html, page, from, to).attr_if(chosen, "aria-current", "true");
    if let Some(letter) = letter {
        html.attr("data-key", letter).attr("aria-keyshortcuts", letter);
    }
    html.raw(">").text(name);
    if let Some(letter) = letter {
        html.raw(r#" <kbd aria-hidden="true">"#).text(letter.to_uppercase()).raw("</kbd>");
    }
    if let Some(more) = more {
        html.raw(r#" <span class="menu-more">"#).text(more).raw("</span>");
    }
    html.raw("</a></li>");
}

/// The letter that leads to a period.
pub(super) const fn letter(period: &Period) -> Option<&'static str> {
    match period {
        Period::Last30Minutes => Some("r"),
        Period::Today => Some("d"),
        Period::Last7Days => Some("w"),
        Period::Last30Days => Some("t"),
        Period::Month => Some("m"),
        Period::Last12Months => Some("l"),
        Period::Year => Some("y"),
        Period::All => Some("a"),
        _ => None,
    }
}

pub(super) fn compare_menu(page: &Page, today: &str, query: &ViewQuery, compared: &[(Compare, [String; 2])]) -> Html {
    let short = match query.compare {
        Compare::Previous => Key::CompareShortPrevious,
        Compare::Weekdays => Key::CompareShortWeekdays,
        Compare::Year => Key::CompareShortYear,
        Compare::Custom { .. } => Key::CompareShortCustom,
        Compare::Off => Key::CompareShortOff,
    };
    let mut html = Html::new();
    menu(&mut html, Key::Compare);
    html.html(&icon(Icon::Compare)).raw(r#"<span class="menu-text">"#).text(t(short));
    html.raw(r#"</span></summary><div class="menu-layer"><ul class="menu-list">"#);
    // The letter turns the comparison off, and on again.
    let turned = if query.compare == Compare::Off { Compare::default() } else { Compare::Off };
    let custom = Some(&query.compare).filter(|chosen| matches!(chosen, Compare::Custom { .. }));
    for choice in Compare::NAMED.iter().take(3).chain(custom).chain([&Compare::Off]) {
        let range = compared.iter().find(|(known, _)| known == choice).and_then(|(_, range)| exactly(range));
        let letter = (*choice == turned).then_some("x");
        let to = query.with_compare(choice.clone());
        let name = if custom == Some(choice) { t(Key::CompareCustom).to_owned() } else { compare_name(choice) };
        item_of(&mut html, page, (query, &to), *choice == query.compare, (&name, range.as_deref()), letter);
    }
    html.raw(r#"</ul><form class="range" method="get""#).attr("action", &page.path).raw(r#"><p class="label">"#);
    html.text(t(Key::CompareCustom)).raw(r#"</p><input type="hidden" name="compare" value="custom">"#);
    carried(&mut html, page, query, &WITH_COMPARE);
    let (from, to) = match &query.compare {
        Compare::Custom { from, to } => (from.as_str(), to.as_str()),
        _ => ("", ""),
    };
    dates(&mut html, today, [("compare_from", from), ("compare_to", to)], None);
    html.raw("</form></div></details>");
    html
}

/// Two dates and the button of their form. The letter leads to the first.
fn dates(html: &mut Html, today: &str, [from, to]: [(&'static str, &str); 2], letter: Option<&'static str>) {
    for (label, (name, value), letter) in [(Key::From, from, letter), (Key::To, to, None)] {
        html.raw(r#"<label class="range-field"><span>"#).text(t(label)).raw(r#"</span><input class="input" type="date" required"#);
        html.attr("name", name).attr("max", today).attr("value", value);
        if let Some(letter) = letter {
            html.attr("data-key", letter).attr("aria-keyshortcuts", letter);
        }
        html.raw("></label>");
    }
    html.raw(r#"<button class="button">"#).text(t(Key::Apply)).raw("</button>");
}

/// Named periods as links; any range as a GET form, which works without script, as the address says it all.
#[must_use]
pub fn period_menu(page: &Page, today: &str, query: &ViewQuery, period: &Period) -> Html {
    let mut html = Html::new();
    for (way, key, label, sign) in [(Way::Back, "arrowleft", Key::PeriodBefore, "‹"), (Way::On, "arrowright", Key::PeriodAfter, "›")] {
        if let Some(beside) = beside(period, way, today) {
            html.raw(r#"<a class="menu-button step" data-noscroll"#);
            leads(&mut html, page, query, &query.with_period(beside))
                .attr("data-key", key)
                .attr("title", t(label))
                .attr("aria-label", t(label));
            html.raw(">").text(sign).raw("</a>");
        }
    }
    menu(&mut html, Key::Period);
    html.html(&icon(Icon::Calendar)).raw("<span>").text(period_name(period)).raw("</span>").html(&icon(Icon::Chevron));
    html.raw(r#"</summary><div class="menu-layer"><ul class="menu-list">"#);
    for named in Period::NAMED {
        item(&mut html, page, (query, &query.with_period(named.clone())), named == period, &period_name(named), letter(named));
    }
    html.raw(r#"</ul><form class="range" method="get""#).attr("action", &page.path).raw(r#"><p class="label">"#);
    html.text(t(Key::PeriodCustom)).raw(r#"</p><input type="hidden" name="period" value="custom">"#);
    carried(&mut html, page, query, &WITH_PERIOD);
    let (from, to) = match period {
        Period::Custom { from, to } => (from.as_str(), to.as_str()),
        _ => ("", ""),
    };
    dates(&mut html, today, [("from", from), ("to", to)], Some("c"));
    html.raw("</form></div></details>");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_said_to_the_minute() {
        let said = |from: &str, to: &str| exactly(&[from.to_owned(), to.to_owned()]).unwrap_or_default();
        assert_eq!(said("2026-11-09 00:00:00", "2026-11-16 00:00:00"), "9 Nov 2026 – 15 Nov 2026");
        assert_eq!(said("2026-02-28 00:00:00", "2026-03-01 00:00:00"), "28 Feb 2026");
        assert_eq!(said("2026-11-21 00:00:00", "2026-11-21 14:06:00"), "21 Nov 2026, 00:00 – 14:06");
        assert_eq!(said("2025-11-20 14:06:00", "2025-11-21 14:06:00"), "20 Nov 2025, 14:06 – 21 Nov 2025, 14:06");
        assert_eq!(said("2025-11-20 14:06:00", "2025-11-21 00:00:00"), "20 Nov 2025, 14:06 – 00:00");
        assert_eq!(exactly(&[String::new(), "2025".to_owned()]), None);
    }

    #[test]
    fn a_comparison_says_its_days_and_the_letter_turns_it() {
        let offered = vec![(Compare::Weekdays, ["2026-11-09 00:00:00".to_owned(), "2026-11-10 00:00:00".to_owned()])];
        let written = |text: &str| compare_menu(&Page::dashboard("a.org"), "2026-11-22", &ViewQuery::parse(text), &offered).into_string();
        let html = written("f=is,source,x&compare=custom&compare_from=2026-01-01&compare_to=2026-01-31");
        assert!(html.contains("9 Nov 2026") && html.contains(r#"name="compare_from" max="2026-11-22" value="2026-01-01""#), "{html}");
        assert!(
            html.contains(r#"<input type="hidden" name="f" value="is,source,x">"#) && !html.contains(r#"type="hidden" name="compare_"#)
        );
        assert!(html.contains(r#"data-set="compare=off&amp;compare_from=&amp;compare_to=&amp;page=" data-key="x""#), "{html}");
        assert!(written("compare=off").contains(r#"data-set="compare=&amp;compare_from=&amp;compare_to=&amp;page=" data-key="x""#));
    }
}
