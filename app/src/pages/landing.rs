//! The entrance. Signed out: what this is. Signed in: on to the domains. Plain HTML, no script.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    api::{self, Entrance},
    components::forms::PlainBar,
    dom,
    failed::PageFailed,
    i18n::{Key, t},
};

/// Leads those who are signed in to their only domain, their list, or the setup.
#[component]
pub fn LandingPage() -> impl IntoView {
    let entrance = Resource::new_blocking(|| (), |()| api::entrance());
    view! {
        <Title text=t(Key::AppName) />
        <Suspense>
            {move || Suspend::new(async move {
                match entrance.await {
                    Ok(entrance) => {
                        if let Some(address) = way_on(&entrance) {
                            dom::lead_to(&address);
                        }
                        view! { <Landing entrance /> }.into_any()
                    }
                    Err(error) => view! { <PageFailed error address="/".to_owned() /> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
}

fn way_on(entrance: &Entrance) -> Option<String> {
    entrance.viewer.email.as_ref()?;
    Some(match entrance.domains.as_slice() {
        [] => "/setup".to_owned(),
        [only] => format!("/{only}"),
        _ => "/sites".to_owned(),
    })
}

#[component]
fn Landing(entrance: Entrance) -> impl IntoView {
    let needs_setup = entrance.viewer.needs_setup;
    let points = [
        (Key::LandingPointLossTitle, Key::LandingPointLossText),
        (Key::LandingPointPrivacyTitle, Key::LandingPointPrivacyText),
        (Key::LandingPointLightTitle, Key::LandingPointLightText),
    ];
    view! {
        <PlainBar viewer=entrance.viewer />
        <main id="content" class="landing">
            <h1 class="promise">{t(Key::LandingPromise)}</h1>
            <p class="promise-sub">{t(Key::LandingSub)}</p>
            {needs_setup
                .then(|| {
                    view! {
                        <div class="notice">
                            <span>
                                <strong>{t(Key::NeedsSetupTitle)}</strong>
                                ". "
                                {t(Key::NeedsSetupText)}
                            </span>
                        </div>
                    }
                })}
            {(!needs_setup)
                .then(|| {
                    view! {
                        <p>
                            <a class="button button-main" href="/login" rel="external">
                                {t(Key::SignIn)}
                            </a>
                        </p>
                    }
                })}
            <div class="landing-command">
                <p class="label">{t(Key::LandingCommandLabel)}</p>
                <pre class="snippet-line" tabindex="0" role="region" aria-label=t(Key::LandingCommandLabel)>
                    <code>{t(Key::LandingCommand)}</code>
                </pre>
                <p class="note">{t(Key::LandingCommandHint)}</p>
            </div>
            <ul class="points">
                {Vec::from(points
                    .map(|(title, text)| {
                        view! {
                            <li>
                                <h2 class="point-title">{t(title)}</h2>
                                <p>{t(text)}</p>
                            </li>
                        }
                    }))}
            </ul>
        </main>
    }
    .into_any()
}
