//! The sticky bar: domain, live pill, comparison, period, theme, account. Menus are `<details>`, choices are links.

use footfall_model::Period;
use leptos::prelude::*;

use super::{
    icons::{Icon, icon},
    live::LivePill,
    state::State,
};
use crate::{
    format::Label,
    i18n::{Key, t},
    theme::{Theme, ThemeState},
    types::{Compare, Viewer},
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

/// A menu that opens below its button, and as a sheet from the bottom where the screen is narrow.
#[component]
pub fn Menu(
    /// What the menu is for, for those who do not see it.
    label: &'static str,
    /// Further class names.
    #[prop(default = "")]
    class: &'static str,
    /// What stands on the button.
    button: AnyView,
    /// The choices.
    children: Children,
) -> impl IntoView {
    view! {
        <details class=format!("menu {class}")>
            <summary class="menu-button" aria-label=label title=label>
                {button}
            </summary>
            <div class="menu-layer">{children()}</div>
        </details>
    }
    .into_any()
}

/// The bar of the domain page.
#[component]
pub fn DomainBar(
    /// Who looks.
    viewer: Viewer,
    /// Names for the switcher.
    domains: Vec<String>,
) -> impl IntoView {
    let state = expect_context::<State>();
    view! {
        <header class="bar">
            <div class="bar-inner">
                <a class="mark" href="/sites" aria-label=t(Key::AllDomains)>
                    {icon(Icon::Mark)}
                </a>
                <DomainMenu current=state.domain() domains />
                <LivePill />
                <nav class="bar-choices" aria-label=t(Key::MainNavigation)>
                    <CompareMenu />
                    <PeriodMenu />
                    <ThemeButton />
                    <AccountMenu viewer />
                </nav>
            </div>
        </header>
    }
    .into_any()
}

/// The bar of all other pages: the mark, and the account of who is signed in.
#[component]
pub fn PlainBar(
    /// Who looks.
    viewer: Viewer,
) -> impl IntoView {
    let signed_in = viewer.email.is_some();
    view! {
        <header class="bar">
            <div class="bar-inner">
                <a class="brand" href="/" rel="external">
                    {icon(Icon::Mark)}
                    <span>{t(Key::AppName)}</span>
                </a>
                <nav class="bar-choices" aria-label=t(Key::MainNavigation)>
                    <ThemeButton />
                    {signed_in.then(|| view! { <AccountMenu viewer /> })}
                </nav>
            </div>
        </header>
    }
    .into_any()
}

#[component]
fn DomainMenu(current: String, domains: Vec<String>) -> impl IntoView {
    let button = view! {
        <span class="menu-domain">{current.clone()}</span>
        {icon(Icon::Chevron)}
    };
    view! {
        <Menu label=t(Key::SwitchDomain) class="menu-left" button=button.into_any()>
            <ul class="menu-list">
                {domains
                    .into_iter()
                    .map(|domain| {
                        let chosen = domain == current;
                        view! {
                            <li>
                                <a class="menu-item" href=format!("/{domain}") aria-current=chosen.then_some("page")>
                                    {domain.clone()}
                                </a>
                            </li>
                        }
                    })
                    .collect::<Vec<_>>()}
                <li class="menu-rule">
                    <a class="menu-item" href="/sites">
                        {t(Key::AllDomains)}
                    </a>
                </li>
            </ul>
        </Menu>
    }
    .into_any()
}

#[component]
fn CompareMenu() -> impl IntoView {
    let state = expect_context::<State>();
    let current = Memo::new(move |_| state.query.with(|query| query.compare));
    let short = move || {
        t(match current.get() {
            Compare::Previous => Key::CompareShortPrevious,
            Compare::Year => Key::CompareShortYear,
            Compare::Off => Key::CompareShortOff,
        })
    };
    let name = |choice| {
        t(match choice {
            Compare::Previous => Key::ComparePrevious,
            Compare::Year => Key::CompareYear,
            Compare::Off => Key::CompareOff,
        })
    };
    let button = view! {
        {icon(Icon::Compare)}
        <span class="menu-text">{short}</span>
    };
    view! {
        <Menu label=t(Key::Compare) button=button.into_any()>
            <ul class="menu-list">
                {Compare::ALL
                    .map(|choice| {
                        view! {
                            <li>
                                <a
                                    class="menu-item"
                                    data-noscroll=""
                                    href=move || state.href_with(|query| query.with_compare(choice))
                                    aria-current=move || (current.get() == choice).then_some("true")
                                >
                                    {name(choice)}
                                </a>
                            </li>
                        }
                    })
                    .to_vec()}
            </ul>
        </Menu>
    }
    .into_any()
}

#[component]
fn PeriodMenu() -> impl IntoView {
    let state = expect_context::<State>();
    let name = move || period_name(&state.period.get());
    let button = view! {
        {icon(Icon::Calendar)}
        <span class="menu-period">{name}</span>
        {icon(Icon::Chevron)}
    };
    view! {
        <Menu label=t(Key::Period) button=button.into_any()>
            <ul class="menu-list">
                {Period::NAMED
                    .iter()
                    .map(|period| {
                        view! {
                            <li>
                                <a
                                    class="menu-item"
                                    data-noscroll=""
                                    href=move || state.href_with(|query| query.with_period(period.clone()))
                                    aria-current=move || (state.period.get() == *period).then_some("true")
                                >
                                    {period_name(period)}
                                </a>
                            </li>
                        }
                    })
                    .collect::<Vec<_>>()}
            </ul>
            <CustomRange />
        </Menu>
    }
    .into_any()
}

/// A GET form: it works without script, and the address says it all.
#[component]
fn CustomRange() -> impl IntoView {
    let state = expect_context::<State>();
    let today = state.site.with_value(|site| site.today.clone());
    let dates = move || match state.period.get() {
        Period::Custom { from, to } => (from, to),
        _ => (String::new(), String::new()),
    };
    let kept = move || {
        state
            .query
            .with(|query| query.pairs_without(&["period", "from", "to", "interval", "more", "page"]))
            .into_iter()
            .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
            .collect::<Vec<_>>()
    };
    let action = state.site.with_value(|site| format!("/{}", site.domain));
    view! {
        <form class="range" method="get" action=action>
            <p class="label">{t(Key::PeriodCustom)}</p>
            <input type="hidden" name="period" value="custom" />
            {kept}
            <label class="range-field">
                <span>{t(Key::From)}</span>
                <input class="input" type="date" name="from" required max=today.clone() value=move || dates().0 />
            </label>
            <label class="range-field">
                <span>{t(Key::To)}</span>
                <input class="input" type="date" name="to" required max=today value=move || dates().1 />
            </label>
            <button class="button">{t(Key::Apply)}</button>
        </form>
    }
    .into_any()
}

/// System, light, dark, in turn. Only a browser with script can turn it; without, the page follows the system.
#[component]
pub fn ThemeButton() -> impl IntoView {
    let theme = expect_context::<ThemeState>();
    let label = move || {
        t(match theme.choice.get() {
            Theme::System => Key::ThemeSystem,
            Theme::Light => Key::ThemeLight,
            Theme::Dark => Key::ThemeDark,
        })
    };
    view! {
        <button class="menu-button script-only" type="button" aria-label=label title=label on:click=move |_| theme.turn()>
            {icon(Icon::Contrast)}
        </button>
    }
    .into_any()
}

#[component]
fn AccountMenu(viewer: Viewer) -> impl IntoView {
    let button = icon(Icon::Person).into_any();
    view! {
        <Menu label=t(Key::Account) button=button>
            <p class="menu-head">{viewer.email.unwrap_or_default()}</p>
            <form method="post" action="/api/auth/signout">
                <input type="hidden" name="csrfToken" value=viewer.csrf />
                <input type="hidden" name="callbackUrl" value="/" />
                <button class="menu-item">{t(Key::SignOut)}</button>
            </form>
        </Menu>
    }
    .into_any()
}
