//! `/api/auth/sessions`: where a user is signed in, and signing out there.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::caller::SignedIn;
use crate::{
    App,
    api::{
        body::RawParams,
        error::{ApiError, ErrorBody},
    },
};

/// A place where the user is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionEntry {
    id: Uuid,
    created_at: DateTime<Utc>,
    /// Within ten minutes.
    last_seen_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// The one that asks.
    current: bool,
}

/// Which session to end.
#[derive(Debug, Deserialize, IntoParams)]
pub struct EndParams {
    /// One session; absent: all but the one that asks.
    id: Option<Uuid>,
}

/// How many were ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ended {
    ended: u64,
}

/// Where the user is signed in, newest first.
#[utoipa::path(get, path = "/api/auth/sessions", tag = "auth", responses((status = 200, body = Vec<SessionEntry>), (status = 401, body = ErrorBody)))]
pub async fn list(State(app): State<Arc<App>>, SignedIn(me): SignedIn) -> Result<Json<Vec<SessionEntry>>, ApiError> {
    let sessions = app.meta.sessions_of(me.user.id, Utc::now()).await?;
    let entry = |info: footfall_meta::SessionInfo| SessionEntry {
        id: info.id,
        created_at: info.created_at,
        last_seen_at: info.last_seen_at,
        expires_at: info.expires_at,
        current: info.id == me.info.id,
    };
    Ok(Json(sessions.into_iter().map(entry).collect()))
}

/// Ends one session of the user, or all others.
#[utoipa::path(delete, path = "/api/auth/sessions", tag = "auth", params(EndParams),
    responses((status = 200, body = Ended), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn end(State(app): State<Arc<App>>, SignedIn(me): SignedIn, params: RawParams) -> Result<Json<Ended>, ApiError> {
    let EndParams { id } = params.parse()?;
    let ended = match id {
        None => app.meta.end_other_sessions(me.user.id, me.info.id).await?,
        Some(id) if app.meta.end_session_of(me.user.id, id).await? => 1,
        Some(_) => return Err(ApiError::not_found()),
    };
    Ok(Json(Ended { ended }))
}
