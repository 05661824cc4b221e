//! How a figure of the strip came about.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use crate::{
    api,
    components::sheet::SheetPage,
    i18n::{Key, fill, t},
    parts,
};

/// The page.
#[component]
pub fn ExplainPage() -> impl IntoView {
    let params = use_params_map().get_untracked();
    let of = |name: &str| params.get(name).unwrap_or_default();
    let (domain, metric) = (of("domain"), of("metric"));
    let view = use_location().search.get_untracked();
    let address = format!("/{domain}/explain/{metric}");
    let name = parts::name_of(&metric).map_or_else(String::new, |name| fill(Key::ExplainLink, &[("figure", t(name))]));
    let title = format!("{name} · {domain}");
    let sheet = Resource::new_blocking(|| (), move |()| api::explain(domain.clone(), metric.clone(), view.clone()));
    view! { <SheetPage title address sheet /> }.into_any()
}
