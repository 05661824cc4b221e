//! How a figure came about: one of the strip, or those of a table.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

use crate::{
    api,
    components::sheet::{SheetPage, own_address},
    i18n::{Key, fill, t},
    metric::Metric,
};

/// The page.
#[component]
pub fn ExplainPage() -> impl IntoView {
    let params = use_params_map().get_untracked();
    let of = |name: &str| params.get(name).unwrap_or_default();
    let (domain, metric) = (of("domain"), of("metric"));
    let view = use_location().search.get_untracked();
    let address = own_address();
    let title = match Metric::named(&metric) {
        Some(metric) => format!("{} · {domain}", fill(Key::ExplainLink, &[("figure", t(metric.name()))])),
        None => t(Key::NotFoundTitle).to_owned(),
    };
    let sheet = Resource::new_blocking(|| (), move |()| api::sheets::explain(domain.clone(), metric.clone(), view.clone()));
    view! { <SheetPage title address sheet /> }.into_any()
}
