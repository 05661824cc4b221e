//! Goals of a domain.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use footfall_meta::{Goal, GoalKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        body::JsonBody,
        error::{ApiError, ErrorBody},
    },
    gone, number,
};
use crate::{
    App,
    auth::{Caller, SiteScope},
    settings::{self, AskedGoal},
};

pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(goals, add_goal)).routes(routes!(remove_goal))
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
