//! The sticky bar: domain, live pill, comparison, period, theme, account. Menus are `<details>`, choices are links.

use footfall_model::Period;
use leptos::prelude::*;

use super::{live::LivePill, state::State};
use crate::{
    format::Label,
    i18n::{Key, t},
    icons::{Icon, icon},
    markup::Html,
    query::ViewQuery,
    types::Compare,
};

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

/// The bar of the domain page.
#[component]
pub fn DomainBar(
    /// The domain switcher, HTML.
    switcher: String,
    /// Theme and account, HTML.
    account: String,
) -> impl IntoView {
    let state = expect_context::<State>();
    let compare = Memo::new(move |_| state.query.with(|query| compare_menu(&state.domain(), query).into_string()));
    let period = Memo::new(move |_| {
        let period = state.period.get();
        let today = state.face.with_value(|face| face.today.clone());
        state.query.with(|query| period_menu(&state.domain(), &today, query, &period).into_string())
    });
    view! {
        <header class="bar">
            <div class="bar-inner">
                <a class="mark" href="/sites" rel="external" aria-label=t(Key::AllDomains) inner_html=icon(Icon::Mark).into_string()></a>
                <div class="bar-switcher" inner_html=switcher></div>
                <LivePill />
                <nav class="bar-choices" aria-label=t(Key::MainNavigation)>
                    <div inner_html=move || compare.get()></div>
                    <div class="bar-period" inner_html=move || period.get()></div>
                    <div class="bar-account" inner_html=account></div>
                </nav>
            </div>
        </header>
    }
    .into_any()
}

fn menu(html: &mut Html, label: Key) {
    html.raw(r#"<details class="menu"><summary class="menu-button""#).attr("title", t(label)).raw(r#"><span class="sr-only">"#);
    html.text(t(label)).raw(": </span>");
}

fn item(html: &mut Html, href: &str, chosen: bool, name: &str) {
    html.raw(r#"<li><a class="menu-item" data-noscroll"#).attr("href", href).attr_if(chosen, "aria-current", "true").raw(">");
    html.text(name).raw("</a></li>");
}

fn compare_menu(domain: &str, query: &ViewQuery) -> Html {
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
        item(&mut html, &query.with_compare(choice).href(domain), choice == query.compare, name);
    }
    html.raw("</ul></div></details>");
    html
}

/// Named periods as links; any range as a GET form, which works without script, as the address says it all.
fn period_menu(domain: &str, today: &str, query: &ViewQuery, period: &Period) -> Html {
    let mut html = Html::new();
    menu(&mut html, Key::Period);
    html.html(&icon(Icon::Calendar)).raw("<span>").text(period_name(period)).raw("</span>").html(&icon(Icon::Chevron));
    html.raw(r#"</summary><div class="menu-layer"><ul class="menu-list">"#);
    for named in Period::NAMED {
        item(&mut html, &query.with_period(named.clone()).href(domain), named == period, &period_name(named));
    }
    html.raw(r#"</ul><form class="range" method="get""#).attr("action", format_args!("/{domain}")).raw(r#"><p class="label">"#);
    html.text(t(Key::PeriodCustom)).raw(r#"</p><input type="hidden" name="period" value="custom">"#);
    for (name, value) in query.pairs_without(&["period", "from", "to", "interval", "more", "page"]) {
        html.raw(r#"<input type="hidden""#).attr("name", name).attr("value", value).raw(">");
    }
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
