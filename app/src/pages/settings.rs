//! The settings of a domain: a section on each page. Plain forms, no script.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::not_found::NotFoundPage;
use crate::{api::settings, components::sheet::WrittenPage, dom, i18n::t, settings::Section};

/// Leads to the first section.
#[component]
pub fn SettingsEntrance() -> impl IntoView {
    dom::lead_to(&Section::General.address(&domain()));
}

/// A section.
#[component]
pub fn SettingsPage() -> impl IntoView {
    let section = use_params_map().get_untracked().get("section").unwrap_or_default();
    match Section::from_code(&section) {
        Some(section) => view! { <Known section /> }.into_any(),
        None => view! { <NotFoundPage /> }.into_any(),
    }
}

#[component]
fn Known(section: Section) -> impl IntoView {
    let domain = domain();
    let address = section.address(&domain);
    let title = format!("{} · {domain}", t(section.title()));
    let query = use_query_map().get_untracked();
    let [platform, said, fault] = ["for", "said", "__err"].map(|name| query.get(name));
    let page =
        Resource::new_blocking(|| (), move |()| settings::settings(domain.clone(), section, platform.clone(), said.clone(), fault.clone()));
    view! { <WrittenPage title address class="wide settings" page /> }.into_any()
}

fn domain() -> String {
    use_params_map().get_untracked().get("domain").unwrap_or_default()
}
