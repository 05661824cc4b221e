//! The first minutes in three steps: owner, domain, snippet. Each step is an address; all work without script.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    api::{self, Setup},
    components::forms::{CredentialFields, DomainForm, PlainBar},
    failed::PageFailed,
    i18n::{Key, fill, t},
    parts,
    types::Site,
};

/// The setup page: shows the step that is due.
#[component]
pub fn SetupPage() -> impl IntoView {
    let map = use_query_map();
    let domain = Memo::new(move |_| map.with(|map| map.get("domain")));
    let setup = Resource::new_blocking(move || domain.get(), api::setup);
    view! {
        <Title text=t(Key::SetupTitle) />
        <Transition>
            {move || Suspend::new(async move {
                match setup.await {
                    Ok(setup) => view! { <Steps setup /> }.into_any(),
                    Err(error) => view! { <PageFailed error address="/setup".to_owned() /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Steps(setup: Setup) -> impl IntoView {
    let Setup { viewer, site, time_zones } = setup;
    let csrf = viewer.csrf.clone();
    let (step, body) = if viewer.needs_setup {
        (1, view! { <OwnerStep csrf /> }.into_any())
    } else if let Some(site) = site {
        (3, view! { <SnippetStep csrf site /> }.into_any())
    } else {
        (2, view! { <DomainStep csrf time_zones /> }.into_any())
    };
    view! {
        <PlainBar viewer />
        <main id="content" class=if step == 3 { "column column-wide" } else { "column" }>
            <p class="steps" aria-hidden="true">
                {(1..=3).map(|n| view! { <span class="steps-dot" class:steps-done=n <= step></span> }).collect::<Vec<_>>()}
            </p>
            <p class="label">{fill(Key::SetupStep, &[("n", &step.to_string())])}</p>
            {body}
        </main>
    }
    .into_any()
}

#[component]
fn OwnerStep(csrf: String) -> impl IntoView {
    let token = use_query_map().get_untracked().get("token");
    let Some(token) = token else {
        return view! {
            <h1 class="title">{t(Key::SetupOwnerTitle)}</h1>
            <p class="lead">{t(Key::SetupNoToken)}</p>
        }
        .into_any();
    };
    view! {
        <h1 class="title">{t(Key::SetupOwnerTitle)}</h1>
        <p class="lead">{t(Key::SetupOwnerText)}</p>
        <form class="form" method="post" action="/api/setup">
            <input type="hidden" name="token" value=token />
            <input type="hidden" name="csrfToken" value=csrf />
            <CredentialFields new=true />
            <button class="button button-main">{t(Key::SetupOwnerButton)}</button>
        </form>
    }
    .into_any()
}

#[component]
fn DomainStep(csrf: String, time_zones: Vec<String>) -> impl IntoView {
    view! {
        <h1 class="title">{t(Key::SetupDomainTitle)}</h1>
        <p class="lead">{t(Key::SetupDomainText)}</p>
        <DomainForm csrf time_zones />
    }
    .into_any()
}

#[component]
fn SnippetStep(csrf: String, site: Site) -> impl IntoView {
    let mut html = parts::snippet(&site);
    html.html(&parts::waiting(&site));
    let demo = (!site.has_demo).then(|| parts::demo_form(&site, &csrf).into_string());
    view! {
        <h1 class="title">{t(Key::SetupSnippetTitle)}</h1>
        <p class="lead">{fill(Key::SetupSnippetText, &[("domain", &site.domain)])}</p>
        <div inner_html=html.into_string()></div>
        <p>
            <a class="button" class:button-main=site.has_events data-when-done="" href=format!("/{}", site.domain)>
                {t(Key::GoToDashboard)}
            </a>
        </p>
        <div inner_html=demo.unwrap_or_default()></div>
    }
    .into_any()
}
