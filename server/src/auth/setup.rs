//! `POST /api/setup`: the first owner, by the one-time link that the server prints at its start.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode},
    response::Response,
};
use footfall_meta::{Email, Password, Setup};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    attempts,
    credentials::Client,
    form::{self, Submitted, address, with_cookie},
    origin::{self, base_url},
    session,
};
use crate::{
    App,
    api::error::{ApiError, ErrorBody},
};

/// What the form sends.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct SetupForm {
    /// From the link.
    token: String,
    email: String,
    /// At least 10 characters.
    password: String,
}

/// Makes the owner of a new installation and signs them in. A form is answered by a redirect to `/setup`.
#[utoipa::path(post, path = "/api/setup", tag = "auth", request_body = SetupForm,
    responses((status = 201, description = "JSON was sent: `{url}` and the session's cookie"), (status = 303, description = "a form was sent"),
        (status = 403, description = "the link is not the newest one", body = ErrorBody), (status = 409, description = "there is an owner", body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn set_up(State(app): State<Arc<App>>, Client(client): Client, submitted: Submitted<SetupForm>) -> Response {
    let Submitted { fields, as_json, headers } = submitted;
    let base = base_url(&app, &headers);
    let outcome = if origin::is_own(&app, &headers) { make_owner(&app, client, &fields).await } else { Err(session::stale()) };
    match outcome {
        Ok(cookie) => with_cookie(form::done(as_json, StatusCode::CREATED, &base, "/setup"), cookie),
        Err(error) => {
            let back = address("/setup", &[("token", &fields.token), ("error", error.code()), ("email", &fields.email)]);
            form::failed(as_json, &base, &back, &error)
        }
    }
}

async fn make_owner(app: &App, client: IpAddr, fields: &SetupForm) -> Result<Option<HeaderValue>, ApiError> {
    attempts::take(app, client, "").await?;
    // The link first: who does not hold it learns nothing about the fields.
    if !app.meta.setup_token_is_valid(&fields.token).await? {
        return Err(refused(app.meta.has_users().await?));
    }
    let email: Email =
        fields.email.parse().map_err(|fault: footfall_meta::email::NotAnEmail| ApiError::unprocessable("bad_email", fault.to_string()))?;
    let password = Password::new(fields.password.as_str()).map_err(|fault| ApiError::unprocessable("weak_password", fault.to_string()))?;
    match app.meta.set_up(&fields.token, &email, &password).await? {
        Setup::Done(user) => {
            tracing::info!("the owner of this installation was made by the set-up link");
            Ok(session::begin(app, &user).await?)
        }
        Setup::WrongToken => Err(refused(false)),
        Setup::AlreadyDone => Err(refused(true)),
    }
}

fn refused(has_users: bool) -> ApiError {
    if has_users {
        ApiError::conflict("already_set_up", "there is an owner already; sign in instead")
    } else {
        ApiError::forbidden("bad_token", "this set-up link is used up or not right; open the link that the server printed last")
    }
}
