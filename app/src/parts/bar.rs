//! What the bar offers: filters, comparison, period. Menus are `<details>`, choices are links or a GET form, so all of it works without script.

use footfall_model::Period;

use super::{
    Page, carried,
    filters::{chips, filter_menu},
    leads,
    step::{Way, beside},
};
use crate::{
    backend::PlaceNames,
    format::Label,
    i18n::{Key, t},
    icons::{Icon, icon},
    markup::Html,
    query::{ViewQuery, WITH_PERIOD},
    types::{Bar, Compare, Face},
};

/// The bar of a page of a domain.
#[must_use]
pub fn bar(page: &Page, face: &Face, query: &ViewQuery, names: &PlaceNames) -> Bar {
    let mut menus = filter_menu(page, query);
    menus.html(&compare_menu(page, query));
    let period = query.period_or_default(face.young);
    Bar {
        menus: menus.into_string(),
        period: period_menu(page, &face.today, query, &period).into_string(),
        chips: chips(page, query, names).into_string(),
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

fn item(html: &mut Html, page: &Page, (from, to): (&ViewQuery, &ViewQuery), chosen: bool, name: &str, letter: Option<&'static str>) {
    html.raw(r#"<li><a class="menu-item" data-noscroll"#);
    leads(html, page, from, to).attr_if(chosen, "aria-current", "true");
    if let Some(letter) = letter {
        html.attr("data-key", letter).attr("aria-keyshortcuts", letter);
    }
    html.raw(">").text(name);
    if let Some(letter) = letter {
        html.raw(r#" <kbd aria-hidden="true">"#).text(letter.to_uppercase()).raw("</kbd>");
    }
    html.raw("</a></li>");
}

/// The letter that leads to a period.
const fn letter(period: &Period) -> Option<&'static str> {
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

fn compare_menu(page: &Page, query: &ViewQuery) -> Html {
    let short = match query.compare {
        Compare::Previous => Key::CompareShortPrevious,
        Compare::Year => Key::CompareShortYear,
        Compare::Off => Key::CompareShortOff,
    };
    let mut html = Html::new();
    menu(&mut html, Key::Compare);
    html.html(&icon(Icon::Compare)).raw(r#"<span class="menu-text">"#).text(t(short));
    html.raw(r#"</span></summary><div class="menu-layer"><ul class="menu-list">"#);
    for choice in Compare::ALL {
        let name = t(match choice {
            Compare::Previous => Key::ComparePrevious,
            Compare::Year => Key::CompareYear,
            Compare::Off => Key::CompareOff,
        });
        item(&mut html, page, (query, &query.with_compare(choice)), choice == query.compare, name, None);
    }
    html.raw("</ul></div></details>");
    html
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
    for (label, name, value) in [(Key::From, "from", from), (Key::To, "to", to)] {
        html.raw(r#"<label class="range-field"><span>"#).text(t(label)).raw(r#"</span><input class="input" type="date" required"#);
        html.attr("name", name).attr("max", today).attr("value", value).raw("></label>");
    }
    html.raw(r#"<button class="button">"#).text(t(Key::Apply)).raw("</button></form></div></details>");
    html
}
