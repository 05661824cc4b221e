//! The document around the pages: head, security policy, and the script that takes over.
//!
//! Only the domain page loads the WASM; the others are plain HTML with a kilobyte of conveniences.

use leptos::{
    nonce::{Nonce, use_nonce},
    prelude::*,
};
use leptos_meta::MetaTags;
use percent_encoding::percent_decode_str;

use crate::{
    App, Foot, Pages, SkipLink, api,
    assets::Assets,
    failed::PageFailed,
    i18n::{in_script, lang, texts_of_browser},
    query::{ViewQuery, decoded_pairs},
    share::{self, Handle},
    theme,
    types::{AppError, Dashboard},
};

/// The other pages with one word in their path. What is left is a domain's dashboard.
const PLAIN: [&str; 3] = ["login", "setup", "sites"];

/// Under `make dev`, which restarts the server when it has built a change: a script that loads the page anew once another process answers.
fn reload() -> Option<String> {
    let watched = cfg!(debug_assertions) && std::env::var_os("LEPTOS_WATCH").is_some();
    let of_process = format!("of process {}", std::process::id());
    watched.then(|| {
        format!("setInterval(()=>fetch('/login').then(page=>page.text()).then(text=>text.includes('{of_process}')||location.reload(),()=>{{}}),500)")
    })
}

/// A page in its document. `assets` are the hashed names of the built files.
#[must_use]
pub fn shell(assets: Assets) -> impl IntoView {
    let uri = use_context::<http::request::Parts>().map(|parts| parts.uri).unwrap_or_default();
    let domain = percent_decode_str(uri.path().trim_matches('/')).decode_utf8_lossy().into_owned();
    let query = uri.query().unwrap_or_default().to_owned();
    if domain.is_empty() || domain.contains('/') || PLAIN.contains(&domain.as_str()) {
        return document(assets, (None, None), || view! { <Pages /> }.into_any()).into_any();
    }
    Suspend::new(async move {
        let title = Some(share::name(&domain));
        match dashboard(&domain, &query).await {
            Ok(first) => {
                let text = in_script(&first);
                document(assets, (title, Some(text)), || view! { <App first /> }.into_any())
            }
            Err(error) => {
                let address = ViewQuery::parse(&query).href(&format!("/{domain}"));
                document(assets, (title, None), move || view! { <SkipLink /> <PageFailed error address /> <Foot /> }.into_any())
            }
        }
    })
    .into_any()
}

/// What the dashboard of a domain shows in a state, and what came of a form that led there.
async fn dashboard(domain: &str, query: &str) -> Result<Dashboard, AppError> {
    let get = |name| decoded_pairs(query).into_iter().find_map(|(key, value)| (key == name).then_some(value));
    api::dashboard(domain.to_owned(), query.to_owned(), get("said"), get("__err")).await
}

/// The title is that of a page that does not say its own; `first` is, as JSON, what the browser takes a dashboard over with.
fn document(assets: Assets, (title, first): (Option<String>, Option<String>), body: impl FnOnce() -> AnyView) -> AnyView {
    let nonce = use_nonce();
    let path = use_context::<http::request::Parts>().map(|parts| parts.uri.path().to_owned()).unwrap_or_default();
    let is_realtime = path.trim_matches('/').split_once('/').is_some_and(|(_, page)| page == "realtime");
    let handle = Handle::of_path(&path);
    let embed = handle.as_ref().is_some_and(|handle| handle.embed);
    set_policy(nonce.as_ref(), embed);
    let background = handle.as_ref().and_then(|handle| handle.background.as_deref()).map(painted);
    view! {
        <!DOCTYPE html>
        <html lang=lang().tag() dir=lang().dir() data-theme=theme::of_request().code() data-shared=handle.map(|_| "") data-embed=embed.then_some("") style=background>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="referrer" content="same-origin" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=assets.css.clone() />
                <noscript>
                    <style nonce=nonce.clone()>".script-only{display:none!important}"</style>
                </noscript>
                <script src=assets.page.clone() nonce=nonce.clone() defer></script>
                {is_realtime.then(|| view! { <script src=assets.realtime.clone() nonce=nonce.clone() defer></script> })}
                {title.map(|title| view! { <title>{title}</title> })}
                {first.is_some().then(|| scripts(&assets, nonce.clone()))}
                {reload().map(|script| view! { <script nonce=nonce.clone() inner_html=script></script> })}
                <MetaTags />
            </head>
            <body>
                {body()}
                // Below what can be read already.
                {first.map(|text| view! { <script id="first" type="application/json" nonce=nonce inner_html=text></script> })}
            </body>
        </html>
    }
    .into_any()
}

fn scripts(assets: &Assets, nonce: Option<Nonce>) -> impl IntoView + use<> {
    let Assets { js, wasm, charts, .. } = assets.clone();
    let start = format!("import('{js}').then(m=>m.default({{module_or_path:'{wasm}'}}).then(()=>m.hydrate()))");
    view! {
        <link rel="modulepreload" href=js nonce=nonce.clone() />
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous" />
        <meta name="footfall-charts" content=charts />
        <script id="texts" type="application/json" nonce=nonce.clone() inner_html=texts_of_browser()></script>
        <script type="module" nonce=nonce inner_html=start></script>
    }
}

/// What is behind the page of a frame.
fn painted(background: &str) -> String {
    format!("background:{}{background}", if background == "transparent" { "" } else { "#" })
}

/// Scripts by nonce only, no third party anywhere. Bar widths are style attributes, nothing else may be. Only what is made for frames may stand
/// in those of other sites: it has no form that changes anything, and knows no cookie.
fn set_policy(nonce: Option<&Nonce>, embed: bool) {
    let (Some(response), Some(nonce)) = (use_context::<leptos_axum::ResponseOptions>(), nonce) else { return };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors {}; manifest-src 'self'",
        if embed { "*" } else { "'none'" }
    );
    if let Ok(policy) = http::HeaderValue::from_str(&policy) {
        response.insert_header(http::header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin"), ("cache-control", "no-store")] {
        response.insert_header(http::HeaderName::from_static(name), http::HeaderValue::from_static(value));
    }
}
