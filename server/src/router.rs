//! Every route, by role: the table of contents of HTTP.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, extract::DefaultBodyLimit, http::StatusCode, middleware, routing::get};
use footfall_config::Role;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    App, api, auth,
    backend::ServerBackend,
    collect,
    services::Services,
    web::{assets, headers, pages},
};

/// A page or an API call that takes longer has failed; live streams only begin within it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Largest body of anything but events.
const BODY_BYTES: usize = 256 << 10;

#[derive(OpenApi)]
#[openapi(
    info(title = "Footfall", description = "Web analytics on your own machine.", license(name = "Apache-2.0")),
    modifiers(&Security),
    security(("key" = []), ("session" = []))
)]
struct ApiDoc;

/// How callers are known: an API key, or the session of a signed-in user.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("footfall.session"))));
    }
}

/// The routes of the roles that this process has.
///
/// # Errors
/// When the binary lacks its pages, or the accounts cannot be read.
pub async fn router(services: &Services) -> anyhow::Result<Router> {
    let roles = &services.config.http.roles;
    let mut router = ops_router(services);
    if roles.has(Role::Query) || roles.has(Role::Auth) {
        router = router.merge(web_router(services).await?);
    }
    if roles.has(Role::Capture) {
        router = router.merge(assets::tracker_router());
        if let Some(capture) = &services.capture {
            router = router.merge(collect::router(capture.collector.clone()));
        }
    }
    Ok(router.layer(CatchPanicLayer::new()))
}

/// `/health` and `/ready`, for the public listener and the one of metrics.
pub fn ops_router(services: &Services) -> Router {
    api::ops::router(Arc::new(checks(services)))
}

async fn web_router(services: &Services) -> anyhow::Result<Router> {
    let app = Arc::new(App::new(services).await?);
    if services.config.http.roles.has(Role::Query) {
        tokio::spawn(api::jobs::run(app.clone(), services.closing.clone()));
    }
    let (api, document) = api_router().split_for_parts();
    let api: Router = api.with_state(app.clone());
    let imports = services.capture.as_ref().map(|capture| capture.imports.clone());
    let backend = Arc::new(ServerBackend::new(app.clone(), imports));
    Ok(Router::new()
        .merge(api)
        .route("/api/openapi.json", get(async move || Json(document)))
        .merge(assets::site_router())
        .merge(pages::router(app, backend, assets::manifest()?))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE))
        .layer(middleware::from_fn(headers::guard)))
}

/// The documented API.
pub fn api_router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(ApiDoc::openapi())
        .merge(auth::router())
        .merge(api::domains::router())
        .merge(api::settings::router())
        .merge(api::links::router())
        .merge(api::badge::router())
        .merge(api::analytics::router())
        .merge(api::live::router())
        .merge(api::query_v2::router())
        .merge(api::explain::router())
        .merge(api::behaviour::router())
        .merge(api::stats_v1::router())
        .merge(api::sites_v1::router())
        .merge(api::jobs::router())
}

/// What `/ready` asks: what the roles cannot do their work without. Capture goes on with the accounts or live state away.
fn checks(services: &Services) -> api::ops::Checks {
    let roles = &services.config.http.roles;
    let mut checks = api::ops::Checks::default();
    if roles.has(Role::Query) || roles.has(Role::Auth) || roles.has(Role::Processor) {
        let meta = services.meta.clone();
        checks = checks.with("accounts", move || {
            let meta = meta.clone();
            async move { meta.ping().await.map_err(|error| error.to_string()) }
        });
    }
    if let Some(logs) = &services.logs {
        let (log, captures) = (logs.live.clone(), roles.has(Role::Capture));
        checks = checks.with("event_log", move || {
            let log = log.clone();
            async move {
                let status = log.status().await;
                match status.fault {
                    // A collector goes on with a spill while the brokers are away; who only reads does not.
                    Some(why) if !(captures && status.accepting) => Err(why),
                    None if captures && !status.accepting => Err("it does not accept events".to_owned()),
                    _ => Ok(()),
                }
            }
        });
    }
    if let Some(service) = &services.store {
        let store = service.store.clone();
        checks = checks.with("store", move || {
            let store = store.clone();
            async move { store.ping().await.map_err(|error| error.to_string()) }
        });
    }
    if let Some(processor) = &services.processor {
        let processor = processor.clone();
        checks = checks.with("processor", move || {
            // None: this installation was promoted, and others process.
            let health = processor.running().map(|running| running.health()).unwrap_or_default();
            let ill: Vec<String> = health.into_iter().filter_map(|(part, fault)| Some(format!("{part}: {}", fault?))).collect();
            async move { if ill.is_empty() { Ok(()) } else { Err(ill.join("; ")) } }
        });
    }
    checks
}
