//! `POST /api/auth/callback/credentials`: sign in with e-mail and password.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::Response,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    attempts, csrf,
    form::{self, Submitted, address, with_cookie},
    origin::{self, base_url, own_path},
    session,
};
use crate::{
    App,
    api::error::{ApiError, ErrorBody},
    client::client_address,
};

/// What the form sends.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct SignInForm {
    csrf_token: String,
    email: String,
    password: String,
    /// Where to go afterwards: a path of this server.
    callback_url: Option<String>,
    /// NextAuth's clients ask for JSON by this.
    #[schema(value_type = Option<String>)]
    json: Option<serde_json::Value>,
}

/// The address of who signs in.
pub struct Client(pub IpAddr);

impl FromRequestParts<Arc<App>> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        Ok(Self(client_address(parts, &app.config.http.trusted_proxies)))
    }
}

/// Signs in. A form is answered by a redirect: on success to `callbackUrl`, else to `/login?error=…`.
#[utoipa::path(post, path = "/api/auth/callback/credentials", tag = "auth", request_body = SignInForm,
    responses((status = 200, description = "JSON was sent: `{url}` and the session's cookie"), (status = 303, description = "a form was sent"),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn sign_in(State(app): State<Arc<App>>, Client(client): Client, submitted: Submitted<SignInForm>) -> Response {
    let Submitted { fields, as_json, headers } = submitted;
    let as_json = as_json || session::is_true(fields.json.as_ref());
    let base = base_url(&app, &headers);
    let path = own_path(fields.callback_url.as_deref(), &base);
    let trusted = origin::is_own(&app, &headers) && csrf::fits(&app, &headers, &fields.csrf_token);
    let outcome = if trusted { attempt(&app, client, &fields).await } else { Err(session::stale()) };
    metrics::counter!("footfall_sign_ins_total", "outcome" => outcome.as_ref().map_or_else(ApiError::code, |_| "ok")).increment(1);
    match outcome {
        Ok(cookie) => with_cookie(form::done(as_json, StatusCode::OK, &base, path), cookie),
        Err(error) => {
            let back = if path == "/" { "" } else { path };
            let login = address("/login", &[("error", error.code()), ("email", &fields.email), ("callbackUrl", back)]);
            form::failed(as_json, &base, &login, &error)
        }
    }
}

async fn attempt(app: &App, client: IpAddr, fields: &SignInForm) -> Result<Option<axum::http::HeaderValue>, ApiError> {
    attempts::take(app, client, &fields.email).await?;
    let Some(user) = app.meta.verify_login(&fields.email, &fields.password).await? else {
        let error = ApiError::unauthorized().with_code("credentials");
        return Err(error.with_message("e-mail or password is not right"));
    };
    Ok(session::begin(app, &user).await?)
}
