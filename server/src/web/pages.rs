//! The pages: Leptos, rendered here, hydrated in the browser.

use std::sync::Arc;

use any_spawner::Executor;
use axum::{
    Router,
    body::Body,
    extract::{Path, RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use footfall_app::{assets::Assets, backend::Backend, download::Download, i18n::Lang, share::Handle, types::AppError};
use futures::{StreamExt, stream};
use leptos::prelude::provide_context;

use crate::{App, api::error::ApiError, auth::csrf, backend::shared};

#[derive(Clone)]
struct Pages {
    app: Arc<App>,
    backend: Arc<dyn Backend>,
    assets: Assets,
}

/// Every page, and the server functions that hydrated pages call.
pub fn router(app: Arc<App>, backend: Arc<dyn Backend>, assets: Assets) -> Router {
    // Rendering spawns tasks by this. A second router in one process (tests) finds it set already.
    let _ = Executor::init_tokio();
    Router::new()
        .route("/lang/{tag}", get(language))
        .route("/share/{slug}", get(page))
        .route("/api/app/table.csv", get(table))
        .route("/api/app/{*name}", get(server_function).post(server_function))
        .fallback(elsewhere)
        .with_state(Pages { app, backend, assets })
}

/// The rows of a breakdown as a file.
async fn table(State(pages): State<Pages>, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let refused = |error: AppError| match error {
        AppError::NotSignedIn => ApiError::unauthorized(),
        AppError::NotFound => ApiError::not_found(),
        AppError::StoreAway { .. } => ApiError::unavailable(error.to_string()),
        other => ApiError::bad_request("invalid_question", other.to_string()),
    };
    let viewer = pages.backend.viewer(&headers).await.map_err(refused)?;
    let query = query.unwrap_or_default();
    let shared = shared(&pages.app, &headers, &named_domain(&query)).await?;
    let file = Download::asked(pages.backend.clone(), viewer, shared.as_ref(), &query).await.map_err(refused)?;
    let name = format!("attachment; filename=\"{}\"", file.name);
    let mut pieces = Box::pin(file.pieces());
    // What fails at once is told; what fails later ends the file in the middle, which a reader notices.
    let first = pieces.next().await.transpose().map_err(refused)?.unwrap_or_default();
    let body = Body::from_stream(stream::once(async { Ok(first) }).chain(pieces));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, body).into_response())
}

/// Keeps the choice of a language for a year, and leads back to the page on which it was made.
async fn language(Path(tag): Path<String>, headers: HeaderMap) -> Response {
    let Some(lang) = Lang::from_tag(&tag) else { return ApiError::not_found().into_response() };
    let cookie = format!("lang={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", lang.tag());
    let answer = [(header::SET_COOKIE, cookie), (header::LOCATION, back(&headers)), (header::CACHE_CONTROL, "no-store".to_owned())];
    (StatusCode::SEE_OTHER, answer).into_response()
}

/// Where a link stood, on this server: no other is ever led to.
fn back(headers: &HeaderMap) -> String {
    let from = headers.get(header::REFERER).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<Uri>().ok());
    let address = from.and_then(|uri| Some(uri.path_and_query()?.to_string())).filter(|address| !address.starts_with("//"));
    address.unwrap_or_else(|| "/".to_owned())
}

async fn server_function(State(pages): State<Pages>, request: Request) -> Response {
    let (backend, lang) = (pages.backend.clone(), Lang::of_reader(request.headers()));
    let domain = named_domain(request.uri().query().unwrap_or_default());
    let shared = match shared(&pages.app, request.headers(), &domain).await {
        Ok(shared) => shared,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let provide = move || {
        provide_context(pages.assets.clone());
        provide_context(backend.clone());
        provide_context(lang);
        if let Some(shared) = &shared {
            provide_context(shared.clone());
        }
    };
    leptos_axum::handle_server_fns_with_context(provide, request).await.into_response()
}

/// The domain, or what stands for one, that a call names.
fn named_domain(query: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    pairs.find_map(|(name, value)| (name == "domain").then_some(value)).unwrap_or_default()
}

/// What no route has: a page, or nothing.
async fn elsewhere(pages: State<Pages>, request: Request) -> Response {
    if request.uri().path().starts_with("/api/") {
        return ApiError::not_found().into_response();
    }
    match *request.method() {
        Method::GET | Method::HEAD => page(pages, request).await,
        _ => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET,HEAD")]).into_response(),
    }
}

async fn page(State(pages): State<Pages>, mut request: Request) -> Response {
    let Pages { app, backend, assets } = pages;
    // Decoded as the pages' own router does.
    let domain = request.uri().path().trim_start_matches('/').split('/').next().unwrap_or_default();
    let domain = percent_encoding::percent_decode_str(domain).decode_utf8_lossy().into_owned();
    let handle = Handle::parse(&domain);
    let shared = match shared(&app, request.headers(), &domain).await {
        Ok(shared) => shared,
        Err(error) => return ApiError::from(error).into_response(),
    };
    // Where the password was not given yet, or is another by now, the entrance asks for it; what is no link at all is none there too.
    if let Some(handle) = handle.as_ref().filter(|_| shared.is_none()) {
        return Redirect::to(&format!("/share/{}", handle.slug)).into_response();
    }
    // A first visit gets the cookie that its forms need; the page is rendered as if the browser had sent it already.
    let mut form = csrf::for_form(&app, request.headers());
    if handle.is_some() {
        // Nothing can be sent from there, and on pages of others no cookie shall be.
        form.set_cookie = None;
    }
    if let Some(cookie) = &form.set_cookie {
        add_cookie(request.headers_mut(), cookie);
    }
    let lang = Lang::of_reader(request.headers());
    let files = assets.clone();
    let provide = move || {
        provide_context(files.clone());
        provide_context(backend.clone());
        provide_context(lang);
        if let Some(shared) = &shared {
            provide_context(shared.clone());
        }
    };
    let render = leptos_axum::render_app_async_stream_with_context(provide, move || footfall_app::shell(assets.clone()));
    let mut response = render(request).await;
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // Who is led elsewhere gets it there, where a form needs it.
    let leads_on = response.headers().contains_key(header::LOCATION);
    if let Some(cookie) = form.set_cookie.filter(|_| !leads_on) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Adds the name and value of a `Set-Cookie` to the `Cookie` of a request.
fn add_cookie(headers: &mut HeaderMap, set_cookie: &HeaderValue) {
    let pair = set_cookie.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let mut cookies = headers.get(header::COOKIE).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    if !cookies.is_empty() {
        cookies.extend_from_slice(b"; ");
    }
    cookies.extend_from_slice(pair);
    if let Ok(value) = HeaderValue::from_bytes(&cookies) {
        headers.insert(header::COOKIE, value);
    }
}
