//! A panel: what the visitors are broken down by, as rows with a bar behind the label.

use footfall_model::{
    Period,
    report::{Breakdown, BreakdownRow, Dimension},
};
use leptos::prelude::*;

use super::{
    failed::part_failed,
    icons::{Icon, icon},
    state::State,
    text::{country, middle, page_address},
};
use crate::{
    format,
    i18n::{Key, fill, t},
    query::{PanelId, PanelView},
};

fn title(panel: PanelId) -> &'static str {
    t(match panel {
        PanelId::Pages => Key::PanelPages,
        PanelId::Sources => Key::PanelSources,
        PanelId::Countries => Key::PanelCountries,
        PanelId::Devices => Key::PanelDevices,
    })
}

/// Name of a tab, and of its first column.
fn names(dimension: Dimension) -> (&'static str, &'static str) {
    let (tab, column) = match dimension {
        Dimension::Page => (Key::TabPages, Key::ColumnPage),
        Dimension::EntryPage => (Key::TabEntry, Key::ColumnPage),
        Dimension::ExitPage => (Key::TabExit, Key::ColumnPage),
        Dimension::Source => (Key::TabSources, Key::ColumnSource),
        Dimension::Channel => (Key::TabChannels, Key::ColumnChannel),
        Dimension::Referrer => (Key::TabReferrers, Key::ColumnReferrer),
        Dimension::Campaign => (Key::TabCampaigns, Key::ColumnCampaign),
        Dimension::Country => (Key::TabCountries, Key::ColumnCountry),
        Dimension::Browser => (Key::TabBrowsers, Key::ColumnBrowser),
        Dimension::Os => (Key::TabSystems, Key::ColumnSystem),
        Dimension::Device => (Key::TabDevices, Key::ColumnDevice),
    };
    (t(tab), t(column))
}

/// A panel with its tabs.
#[component]
pub fn Panel(
    /// Which one.
    panel: PanelId,
) -> impl IntoView {
    let state = expect_context::<State>();
    let part = state.panel(panel);
    let heading = format!("{}-title", panel.code());
    let labelled_by = heading.clone();
    let open = Memo::new(move |_| state.query.with(|query| query.is_open(panel)));
    view! {
        <section id=panel.code() class="panel" class:panel-open=move || open.get() aria-labelledby=labelled_by>
            <header class="panel-head">
                <h2 id=heading class="panel-title">
                    {title(panel)}
                </h2>
                <Tabs panel />
            </header>
            <div class="panel-body" class:busy=move || part.busy.get()>
                {move || {
                    let view = state.query.with_untracked(|query| query.panel(panel));
                    part.value
                        .with(|answer| match answer {
                            Err(error) => part_failed(error, move || state.load_panel(panel, false)).into_any(),
                            Ok(answer) if answer.rows.is_empty() => nothing(state, answer.dimension).into_any(),
                            Ok(answer) => rows(state, panel, view, answer).into_any(),
                        })
                }}
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Tabs(panel: PanelId) -> impl IntoView {
    let state = expect_context::<State>();
    let tabs = panel.tabs();
    (tabs.len() > 1).then(|| {
        view! {
            <nav class="tabs" aria-label=title(panel)>
                {tabs
                    .iter()
                    .enumerate()
                    .map(|(at, tab)| {
                        let tab = *tab;
                        let chosen = move || state.query.with(|query| query.panel(panel).dimension == tab);
                        view! {
                            <a
                                class="tab"
                                data-noscroll=""
                                href=move || state.href_with(|query| query.with_tab(panel, at))
                                aria-current=move || chosen().then_some("true")
                            >
                                {names(tab).0}
                            </a>
                        }
                    })
                    .collect::<Vec<_>>()}
            </nav>
        }
    })
}

fn nothing(state: State, dimension: Dimension) -> impl IntoView + use<> {
    let key = if dimension == Dimension::Campaign { Key::NoCampaigns } else { Key::NoVisitsInPeriod };
    let all = state.period.get_untracked() == Period::All;
    view! {
        <div class="nothing">
            <p>{t(key)}</p>
            {(!all)
                .then(|| {
                    view! {
                        <a class="button" href=state.href_with(|query| query.with_period(Period::All))>
                            {t(Key::LookAtAll)}
                        </a>
                    }
                })}
        </div>
    }
    .into_any()
}

fn rows(state: State, panel: PanelId, view: PanelView, answer: &Breakdown) -> impl IntoView + use<> {
    let greatest = answer.rows.iter().map(|row| row.visitors).max().unwrap_or(1).max(1);
    let dimension = answer.dimension;
    let rows: Vec<_> = answer.rows.iter().map(|row| one_row(state, dimension, row, greatest)).collect();
    view! {
        <table class="rows">
            <caption class="sr-only">{title(panel)}</caption>
            <thead>
                <tr>
                    <th scope="col">{names(dimension).1}</th>
                    <th scope="col" class="rows-figure">{t(Key::Visitors)}</th>
                    <th scope="col" class="rows-share">{t(Key::Share)}</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        {pager(state, panel, view, answer.rows.len(), answer.total)}
    }
}

fn one_row(state: State, dimension: Dimension, row: &BreakdownRow, greatest: u64) -> impl IntoView + use<> {
    #[expect(clippy::cast_precision_loss, reason = "the width of a bar")]
    let width = 100.0 * row.visitors as f64 / greatest as f64;
    let is_page = matches!(dimension, Dimension::Page | Dimension::EntryPage | Dimension::ExitPage);
    let address = if is_page { state.site.with_value(|site| page_address(&site.domain, &row.label)) } else { None };
    let views = format!("{} {}", format::number(row.pageviews), t(Key::Pageviews));
    let label = if dimension == Dimension::Country {
        let name = country(&row.label).to_owned();
        let code = (name != row.label).then(|| row.label.clone());
        view! {
            {code.map(|code| view! { <span class="code" aria-hidden="true">{code}</span> })}
            {middle(name)}
        }
        .into_any()
    } else {
        middle(row.label.clone()).into_any()
    };
    let open = address.map(|address| {
        view! {
            <a
                class="row-action"
                href=address
                target="_blank"
                rel="noopener noreferrer external"
                aria-label=fill(Key::OpenPage, &[("path", &row.label)])
            >
                {icon(Icon::Out)}
            </a>
        }
    });
    view! {
        <tr>
            <th scope="row" class="rows-label">
                <span class="row-bar" style=format!("width:{width:.1}%")></span>
                <span class="row-text">{label} {open}</span>
            </th>
            <td class="rows-figure" title=views>
                {format::number(row.visitors)}
            </td>
            <td class="rows-share">{format::share(row.share)}</td>
        </tr>
    }
}

/// "Show all", and when opened up the way through the pages and back.
fn pager(state: State, panel: PanelId, view: PanelView, shown: usize, total: u64) -> impl IntoView + use<> {
    let open = state.query.with_untracked(|query| query.is_open(panel));
    let link = move |more: Option<(PanelId, u32)>, label: String| {
        view! {
            <a class="more" data-noscroll="" href=state.href_with(|query| query.with_more(more))>
                {label}
            </a>
        }
    };
    if !open {
        let hidden = total > shown as u64;
        return hidden
            .then(|| view! { <p class="panel-foot">{link(Some((panel, 1)), fill(Key::ShowAll, &[("n", &format::number(total))]))}</p> })
            .into_any();
    }
    let first = u64::from(view.page - 1) * u64::from(view.limit);
    let last = first + shown as u64;
    let at = fill(Key::PagerAt, &[("from", &format::number(first + 1)), ("to", &format::number(last)), ("n", &format::number(total))]);
    view! {
        <p class="panel-foot">
            {link(None, t(Key::ShowFewer).to_owned())}
            {(total > u64::from(view.limit)).then(|| view! { <span class="pager-at">{at}</span> })}
            {(view.page > 1).then(|| link(Some((panel, view.page - 1)), t(Key::PagerPrevious).to_owned()))}
            {(last < total).then(|| link(Some((panel, view.page + 1)), t(Key::PagerNext).to_owned()))}
        </p>
    }
    .into_any()
}
