//! The pages: Leptos, rendered here, hydrated in the browser.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use footfall_app::{assets::Assets, backend::Backend};
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;

use super::headers::page_policy;

#[derive(Clone)]
struct Pages {
    backend: Arc<dyn Backend>,
    options: LeptosOptions,
    assets: Assets,
}

/// Every page, and the server functions that hydrated pages call.
pub fn router(backend: Arc<dyn Backend>, assets: Assets) -> Router {
    let options = LeptosOptions::builder().output_name("footfall").site_pkg_dir("pkg").build();
    let pages = Pages { backend, options, assets };
    Router::new()
        .route("/api/fn/{*name}", get(server_function).post(server_function))
        .fallback(get(page))
        .with_state(pages)
}

async fn server_function(State(pages): State<Pages>, request: Request) -> Response {
    let context = pages.context();
    leptos_axum::handle_server_fns_with_context(context, request).await.into_response()
}

async fn page(State(pages): State<Pages>, request: Request<Body>) -> Response {
    let context = pages.context();
    let Pages { options, assets, .. } = pages;
    let render = leptos_axum::render_app_async_stream_with_context(context, move || footfall_app::shell(options.clone(), assets.clone()));
    let mut response = render(request).await;
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(header::HeaderValue::from_static("no-store"));
    response
}

impl Pages {
    /// What a page finds in its context: the backend, and the policy for the nonce that was made for it.
    fn context(&self) -> impl Fn() + Clone + Send + Sync + 'static {
        let backend = self.backend.clone();
        move || {
            provide_context(backend.clone());
            if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
                && let Some(policy) = page_policy(&nonce)
            {
                response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
            }
        }
    }
}
