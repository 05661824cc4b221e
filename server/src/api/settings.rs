//! `/api/domains/{id}/{goals,segments,annotations,properties,routes,channels,shields}`: what is configured of a domain.
//!
//! Who sees the domain sees its settings; to change them a key needs `sites:manage`. A personal segment is its owner's alone: a
//! signed-in user's, or that of whom a key belongs to.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use footfall_meta::{Annotation, Goal, GoalKind, List, Reach, Segment, Shield, ShieldKind};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    body::JsonBody,
    error::{ApiError, ErrorBody},
};
use crate::{
    App,
    auth::{Caller, SiteScope},
    settings::{self, AskedGoal, AskedRule, Wrong},
};

/// The routes.
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(goals, add_goal))
        .routes(routes!(remove_goal))
        .routes(routes!(segments, add_segment))
        .routes(routes!(change_segment, remove_segment))
        .routes(routes!(annotations, add_annotation))
        .routes(routes!(remove_annotation))
        .routes(routes!(properties, set_properties))
        .routes(routes!(page_routes, set_page_routes))
        .routes(routes!(channels, set_channels))
        .routes(routes!(shields, add_shield))
        .routes(routes!(remove_shield))
}

impl From<Wrong> for ApiError {
    fn from(wrong: Wrong) -> Self {
        Self::unprocessable("invalid_setting", wrong.to_string()).field(wrong.field, wrong.text)
    }
}

/// A goal.
#[derive(Debug, Serialize, ToSchema)]
pub struct GoalAnswer {
    id: i64,
    /// What reports call it.
    name: String,
    /// The event that completes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// The page that completes it; `*` stands for any characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    /// How far that page must be scrolled, percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    scroll: Option<u8>,
    /// Properties that the event must have as well.
    props: BTreeMap<String, String>,
    /// The currency of the revenue that counts.
    currency: Option<String>,
}

impl From<Goal> for GoalAnswer {
    fn from(Goal { id, goal }: Goal) -> Self {
        let (event, page, scroll) = match goal.kind {
            GoalKind::Event(event) => (Some(event), None, None),
            GoalKind::Page(page) => (None, Some(page), None),
            GoalKind::Scroll { path, depth } => (None, Some(path), Some(depth)),
        };
        Self { id, name: goal.name, event, page, scroll, props: goal.props, currency: goal.currency }
    }
}

/// A goal to be made: by an event, or by a page.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalBody {
    /// What reports call it; by default made of the rest.
    name: Option<String>,
    /// The event that completes it.
    event: Option<String>,
    /// The page that completes it; `*` stands for any characters.
    page: Option<String>,
    /// How far that page must be scrolled, 1 to 100 percent.
    scroll: Option<u64>,
    /// Properties that the event must have as well, at most 3.
    #[serde(default)]
    props: BTreeMap<String, String>,
    /// ISO 4217: events with revenue in this currency count for it.
    currency: Option<String>,
}

/// The goals of a domain.
#[utoipa::path(get, path = "/api/domains/{id}/goals", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Vec<GoalAnswer>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn goals(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Vec<GoalAnswer>>, ApiError> {
    let scope = SiteScope::visible(&app, &caller, &id).await?;
    Ok(Json(app.meta.goals_of(scope.site()).await?.into_iter().map(GoalAnswer::from).collect()))
}

/// Adds a goal. It counts in all of history at once.
#[utoipa::path(post, path = "/api/domains/{id}/goals", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")), request_body = GoalBody,
    responses((status = 201, body = GoalAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, description = "the domain has a goal of this name", body = ErrorBody), (status = 422, body = ErrorBody)))]
async fn add_goal(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<GoalAnswer>), ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let GoalBody { name, event, page, scroll, props, currency } = body.parse()?;
    let goal = settings::goal(AskedGoal { name, event, page, scroll, props, currency })?;
    Ok((StatusCode::CREATED, Json(settings::add_goal(&app.meta, scope.site(), goal).await?.into())))
}

/// Removes a goal; what completed it stays counted as what it is.
#[utoipa::path(delete, path = "/api/domains/{id}/goals/{goal}", tag = "settings",
    params(("id" = uuid::Uuid, Path, description = "the domain"), ("goal" = i64, Path, description = "the goal")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove_goal(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, goal)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    gone(app.meta.delete_goal(scope.site(), number(&goal)?).await?)
}

/// Saved filters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SegmentAnswer {
    /// For `["is","segment",[id]]`.
    id: i64,
    name: String,
    /// Only for whom it was made by.
    personal: bool,
    /// Filters of `POST /api/v2/query`.
    #[schema(value_type = Vec<Object>)]
    filters: Vec<Value>,
    changed_at: DateTime<Utc>,
}

impl From<Segment> for SegmentAnswer {
    fn from(segment: Segment) -> Self {
        Self {
            id: segment.id,
            name: segment.name,
            personal: segment.owner.is_some(),
            filters: segment.filters,
            changed_at: segment.changed_at,
        }
    }
}

/// Filters to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentBody {
    name: String,
    /// Filters of `POST /api/v2/query`; at least one, and none that names a segment.
    #[schema(value_type = Vec<Object>)]
    filters: Vec<Value>,
    /// Only for whom it is made by; else for everybody who sees the domain.
    #[serde(default)]
    personal: bool,
}

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentPatch {
    name: Option<String>,
    #[schema(value_type = Option<Vec<Object>>)]
    filters: Option<Vec<Value>>,
}

/// The domain's segments, and the caller's own.
#[utoipa::path(get, path = "/api/domains/{id}/segments", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Vec<SegmentAnswer>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn segments(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Vec<SegmentAnswer>>, ApiError> {
    let scope = SiteScope::visible(&app, &caller, &id).await?;
    let segments = app.meta.segments_of(scope.site(), caller.reach().person()).await?;
    Ok(Json(segments.into_iter().map(SegmentAnswer::from).collect()))
}

/// Saves filters.
#[utoipa::path(post, path = "/api/domains/{id}/segments", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")), request_body = SegmentBody,
    responses((status = 201, body = SegmentAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn add_segment(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<SegmentAnswer>), ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let body: SegmentBody = body.parse()?;
    let name = settings::name(&body.name)?;
    settings::filters(&body.filters, &settings::for_questions(&app.meta, scope.site(), None).await?)?;
    let owner = match (body.personal, caller.reach()) {
        (false, _) => None,
        (true, Reach::Owner(person)) => Some(person),
        (true, Reach::Site(_)) => {
            return Err(ApiError::unprocessable("key_of_one_domain", "this key is nobody's; sign in to make a personal segment"));
        }
    };
    let segment = settings::add_segment(&app.meta, scope.site(), owner, &name, body.filters).await?;
    Ok((StatusCode::CREATED, Json(segment.into())))
}

/// Changes a segment.
#[utoipa::path(patch, path = "/api/domains/{id}/segments/{segment}", tag = "settings",
    params(("id" = uuid::Uuid, Path, description = "the domain"), ("segment" = i64, Path, description = "the segment")), request_body = SegmentPatch,
    responses((status = 200, body = SegmentAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn change_segment(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, segment)): Path<(String, String)>,
    body: JsonBody,
) -> Result<Json<SegmentAnswer>, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let number = number(&segment)?;
    let patch: SegmentPatch = body.parse()?;
    let name = patch.name.as_deref().map(settings::name).transpose()?;
    if let Some(filters) = &patch.filters {
        settings::filters(filters, &settings::for_questions(&app.meta, scope.site(), None).await?)?;
    }
    let changed = app.meta.change_segment(scope.site(), caller.reach().person(), number, name, patch.filters).await?;
    changed.map(|segment| Json(segment.into())).ok_or_else(ApiError::not_found)
}

/// Removes a segment.
#[utoipa::path(delete, path = "/api/domains/{id}/segments/{segment}", tag = "settings",
    params(("id" = uuid::Uuid, Path, description = "the domain"), ("segment" = i64, Path, description = "the segment")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove_segment(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, segment)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    gone(app.meta.delete_segment(scope.site(), caller.reach().person(), number(&segment)?).await?)
}

/// A note at a moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnnotationAnswer {
    id: i64,
    at: DateTime<Utc>,
    note: String,
}

impl From<Annotation> for AnnotationAnswer {
    fn from(Annotation { id, at, note }: Annotation) -> Self {
        Self { id, at, note }
    }
}

/// A note to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnotationBody {
    /// When, RFC 3339.
    at: String,
    /// What happened.
    note: String,
}

/// The notes of a domain, by time.
#[utoipa::path(get, path = "/api/domains/{id}/annotations", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Vec<AnnotationAnswer>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn annotations(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Vec<AnnotationAnswer>>, ApiError> {
    let scope = SiteScope::visible(&app, &caller, &id).await?;
    Ok(Json(app.meta.annotations_of(scope.site()).await?.into_iter().map(AnnotationAnswer::from).collect()))
}

/// Adds a note.
#[utoipa::path(post, path = "/api/domains/{id}/annotations", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    request_body = AnnotationBody,
    responses((status = 201, body = AnnotationAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn add_annotation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<AnnotationAnswer>), ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let body: AnnotationBody = body.parse()?;
    let (at, note) = (settings::moment(&body.at)?, settings::note(&body.note)?);
    Ok((StatusCode::CREATED, Json(app.meta.create_annotation(scope.site(), at, &note).await?.into())))
}

/// Removes a note.
#[utoipa::path(delete, path = "/api/domains/{id}/annotations/{annotation}", tag = "settings",
    params(("id" = uuid::Uuid, Path, description = "the domain"), ("annotation" = i64, Path, description = "the note")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove_annotation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, annotation)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    gone(app.meta.delete_annotation(scope.site(), number(&annotation)?).await?)
}

/// Custom properties that reports offer. Any property can be asked for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Properties {
    properties: Vec<String>,
}

/// The custom properties of a domain.
#[utoipa::path(get, path = "/api/domains/{id}/properties", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Properties), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn properties(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Properties>, ApiError> {
    Ok(Json(Properties { properties: list(&app, &caller, &id, List::Properties).await? }))
}

/// Puts a list of custom properties in the place of the one that was.
#[utoipa::path(put, path = "/api/domains/{id}/properties", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")), request_body = Properties,
    responses((status = 200, body = Properties), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn set_properties(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Properties>, ApiError> {
    let new = |body: Properties| body.properties.iter().try_fold(Vec::new(), |list, name| settings::with_property(list, name));
    Ok(Json(Properties { properties: set_list(&app, &caller, &id, List::Properties, body, new).await? }))
}

/// Patterns of paths: `/blog/:slug`, `/docs/*`. The first that fits is a page's route, in all of history.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Routes {
    routes: Vec<String>,
}

/// The routes of a domain.
#[utoipa::path(get, path = "/api/domains/{id}/routes", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Routes), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn page_routes(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Routes>, ApiError> {
    Ok(Json(Routes { routes: list(&app, &caller, &id, List::Routes).await? }))
}

/// Puts a list of routes in the place of the one that was.
#[utoipa::path(put, path = "/api/domains/{id}/routes", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")), request_body = Routes,
    responses((status = 200, body = Routes), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn set_page_routes(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Routes>, ApiError> {
    let new = |body: Routes| body.routes.iter().try_fold(Vec::new(), |list, pattern| settings::with_route(list, pattern));
    Ok(Json(Routes { routes: set_list(&app, &caller, &id, List::Routes, body, new).await? }))
}

/// A domain's own rules of channels. The first that applies to a visit says its channel, in all of history; where none does, the rules of everybody do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    rules: Vec<AskedRule>,
}

/// The rules of channels of a domain.
#[utoipa::path(get, path = "/api/domains/{id}/channels", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Channels), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn channels(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Channels>, ApiError> {
    Ok(Json(Channels { rules: settings::stored_rules(&list(&app, &caller, &id, List::Channels).await?)? }))
}

/// Puts a list of rules of channels in the place of the one that was.
#[utoipa::path(put, path = "/api/domains/{id}/channels", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")), request_body = Channels,
    responses((status = 200, body = Channels), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
async fn set_channels(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<Channels>, ApiError> {
    let new = |body: Channels| body.rules.iter().try_fold(Vec::new(), settings::with_channel_rule);
    Ok(Json(Channels { rules: settings::stored_rules(&set_list(&app, &caller, &id, List::Channels, body, new).await?)? }))
}

/// Something that a domain does not count.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShieldAnswer {
    id: Uuid,
    /// `ip`, `country` or `path`: these do not count; `host`: only these do.
    kind: &'static str,
    /// What it looks for; in paths and hosts `*` stands for any characters.
    value: String,
}

impl From<Shield> for ShieldAnswer {
    fn from(Shield { id, kind, value, .. }: Shield) -> Self {
        Self { id, kind: kind.code(), value }
    }
}

/// A shield to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShieldBody {
    /// `ip`, `country`, `path` or `host`.
    kind: String,
    /// An address or a network, a country by name or code, a pattern of paths, a pattern of host names.
    value: String,
}

/// The shields of a domain, in the order in which they were made.
#[utoipa::path(get, path = "/api/domains/{id}/shields", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    responses((status = 200, body = Vec<ShieldAnswer>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn shields(State(app): State<Arc<App>>, caller: Caller, Path(id): Path<String>) -> Result<Json<Vec<ShieldAnswer>>, ApiError> {
    let scope = SiteScope::visible(&app, &caller, &id).await?;
    Ok(Json(app.meta.shields_of(scope.site()).await?.into_iter().map(ShieldAnswer::from).collect()))
}

/// Adds a shield; it holds for events from now on.
#[utoipa::path(post, path = "/api/domains/{id}/shields", tag = "settings", params(("id" = uuid::Uuid, Path, description = "the domain")),
    request_body = ShieldBody,
    responses((status = 201, body = ShieldAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, description = "the domain has it already", body = ErrorBody), (status = 422, body = ErrorBody)))]
async fn add_shield(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<(StatusCode, Json<ShieldAnswer>), ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let ShieldBody { kind, value } = body.parse()?;
    let kind: ShieldKind = kind.parse().map_err(|text| Wrong { field: "kind", text })?;
    let value = settings::shield(kind, &value)?;
    Ok((StatusCode::CREATED, Json(settings::add_shield(&app.meta, scope.site(), kind, &value).await?.into())))
}

/// Removes a shield; what it refused stays refused.
#[utoipa::path(delete, path = "/api/domains/{id}/shields/{shield}", tag = "settings",
    params(("id" = uuid::Uuid, Path, description = "the domain"), ("shield" = uuid::Uuid, Path, description = "the shield")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove_shield(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((id, shield)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let scope = SiteScope::manage(&app, &caller, &id).await?;
    let shield = Uuid::parse_str(&shield).map_err(|_| ApiError::not_found())?;
    gone(app.meta.delete_shield(scope.site(), shield).await?)
}

/// A list of a domain that the caller sees.
async fn list(app: &App, caller: &Caller, id: &str, list: List) -> Result<Vec<String>, ApiError> {
    let scope = SiteScope::visible(app, caller, id).await?;
    Ok(app.meta.list_of(scope.site(), list).await?)
}

/// Puts what `new` makes of the body in the place of a list of a domain that the caller manages; answers what it is then.
async fn set_list<B: DeserializeOwned>(
    app: &App,
    caller: &Caller,
    id: &str,
    list: List,
    body: JsonBody,
    new: impl FnOnce(B) -> Result<Vec<String>, Wrong> + Send,
) -> Result<Vec<String>, ApiError> {
    let scope = SiteScope::manage(app, caller, id).await?;
    let values = new(body.parse()?)?;
    Ok(app.meta.change_list(scope.site(), list, |_| Ok(values)).await?)
}

/// The number in a path; what is none is unknown.
fn number(text: &str) -> Result<i64, ApiError> {
    text.parse().map_err(|_| ApiError::not_found())
}

fn gone(found: bool) -> Result<StatusCode, ApiError> {
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found()) }
}
