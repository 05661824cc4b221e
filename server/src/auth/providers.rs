//! `GET /api/auth/providers`: the ways to sign in.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{form::private, origin::base_url};
use crate::App;

/// A way to sign in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provider {
    id: &'static str,
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    signin_url: String,
    callback_url: String,
}

/// The ways to sign in, by id.
#[utoipa::path(get, path = "/api/auth/providers", tag = "auth", responses((status = 200, body = BTreeMap<String, Provider>)))]
pub async fn providers(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let base = base_url(&app, &headers);
    let credentials = Provider {
        id: "credentials",
        name: "E-mail and password",
        kind: "credentials",
        signin_url: format!("{base}/login"),
        callback_url: format!("{base}/api/auth/callback/credentials"),
    };
    private(Json(BTreeMap::from([(credentials.id, credentials)])))
}
