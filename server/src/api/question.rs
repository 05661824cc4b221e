//! A question of somebody who may ask it.
//!
//! Everything about the caller comes first: the key, its limit, its right to the domain. Only then is the rest of the body looked at.

use axum::{
    body::Bytes,
    extract::rejection::BytesRejection,
    http::{HeaderMap, StatusCode},
};
use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;
use footfall_meta::Meta;
use footfall_query::{
    Range, date_range,
    language::{self, Settings},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{error::ApiError, refusal::Refusal};
use crate::{
    App,
    analytics::Analytics,
    auth::{Caller, SiteScope, caller},
    settings,
};

/// Bytes of a question.
const MOST_BYTES: usize = 256 << 10;
/// Bytes that are read of a body: who still sends when the answer comes may never read it, so what is a little too large is read to its end.
pub const READ_BYTES: usize = 4 * MOST_BYTES;

const NO_SITE: &str = "Missing site ID. Please provide the required site_id parameter with your request.";

/// A body, the domain that it is about, and what it may name.
pub struct Question {
    /// The domain.
    pub scope: SiteScope,
    /// Its goals and segments, and the person's.
    pub settings: Settings,
    /// What was sent.
    pub body: Map<String, Value>,
    now: i64,
}

impl Question {
    /// Of whoever has the key in the headers.
    ///
    /// # Errors
    /// 400, 401, 413 or 429 with what is wrong; 503 with the accounts away.
    pub async fn authorised(app: &App, headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Self, Refusal> {
        let caller = Caller::Key(Box::new(caller::key_of(app, headers).await?));
        Self::of_caller(app, &caller, body).await
    }

    /// Of a caller.
    ///
    /// # Errors
    /// As [`Question::authorised`].
    pub async fn of_caller(app: &App, caller: &Caller, body: Result<Bytes, BytesRejection>) -> Result<Self, Refusal> {
        let body = read(body)?;
        let scope = scope(app, caller, &body).await?;
        Self::about(&app.meta, scope, caller.reach().person(), body).await
    }

    /// About a domain that the person, if it is one, may ask about.
    ///
    /// # Errors
    /// 503 with the accounts away.
    pub async fn about(meta: &Meta, scope: SiteScope, person: Option<Uuid>, body: Map<String, Value>) -> Result<Self, Refusal> {
        let settings = settings(meta, &scope, person).await?;
        Ok(Self { scope, settings, body, now: chrono::Utc::now().timestamp_millis() })
    }

    /// What is wrong with a `date_range`.
    ///
    /// # Errors
    /// That.
    pub fn dated(&self, value: &Value) -> Result<(), String> {
        let resolved = date_range::resolve(value, self.zone(), self.now, None);
        resolved.map(|_| ()).map_err(|fault| language::shortened(&fault.to_string()))
    }

    /// Its range.
    ///
    /// # Errors
    /// 400 for one that makes no sense, 503 with the store away.
    pub async fn range(&self, analytics: &Analytics) -> Result<Range, Refusal> {
        let range = &self.body["date_range"];
        let first_event = if range == "all" { analytics.first_event(&self.scope).await? } else { None };
        date_range::resolve(range, self.zone(), self.now, first_event).map_err(|fault| Refusal::bad_request(fault.to_string()))
    }

    /// First and last second of a range, in the domain's zone.
    #[must_use]
    pub fn bounds(&self, range: Range) -> [String; 2] {
        bounds(range, self.zone())
    }

    const fn zone(&self) -> Tz {
        self.scope.info().timezone
    }
}

/// What questions of a person may name.
///
/// # Errors
/// 503 with the accounts away.
pub async fn settings(meta: &Meta, scope: &SiteScope, person: Option<Uuid>) -> Result<Settings, Refusal> {
    settings::for_questions(meta, scope.site(), person).await.map_err(|error| ApiError::from(error).into())
}

/// The question in a body.
///
/// # Errors
/// 400 or 413 with what is wrong.
pub fn read(body: Result<Bytes, BytesRejection>) -> Result<Map<String, Value>, Refusal> {
    let too_large = || Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body is larger than {} KB.", MOST_BYTES >> 10));
    let bytes = body.map_err(|fault| match fault.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Refusal::bad_request("The body could not be read to its end."),
    })?;
    if bytes.len() > MOST_BYTES {
        return Err(too_large());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(other) => Err(Refusal::bad_request(format!("#: Type mismatch. Expected Object but got {}.", language::kind(&other)))),
        Err(fault) => Err(Refusal::bad_request(format!("The body is not JSON: {fault}."))),
    }
}

/// The domain that a question names, if it is the caller's.
///
/// # Errors
/// 400 without a name, 401 for a domain that is not the caller's.
pub async fn scope(app: &App, caller: &Caller, body: &Map<String, Value>) -> Result<SiteScope, Refusal> {
    let name = match body.get("site_id") {
        None | Some(Value::Null) => return Err(Refusal::bad_request(NO_SITE)),
        Some(Value::String(name)) => name,
        Some(other) => {
            return Err(Refusal::bad_request(format!("#/site_id: Type mismatch. Expected String but got {}.", language::kind(other))));
        }
    };
    SiteScope::read_by_name(app, caller, name).await.map_err(|error| match error.status() {
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Refusal::unauthorised(),
        _ => Refusal::from(error),
    })
}

fn bounds(range: Range, zone: Tz) -> [String; 2] {
    let show = |ms: i64| {
        let time = DateTime::from_timestamp_millis(ms).unwrap_or_default().with_timezone(&zone);
        time.to_rfc3339_opts(SecondsFormat::Secs, zone == Tz::UTC)
    };
    [show(range.from), show((range.to - 1).max(range.from))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_echo_shows_the_last_second_of_the_range() {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        let range = date_range::resolve(&serde_json::json!(["2026-10-25", "2026-10-25"]), zone, 0, None).unwrap();
        assert_eq!(bounds(range, zone), ["2026-10-25T00:00:00+02:00", "2026-10-25T23:59:59+01:00"]);
        assert_eq!(bounds(Range::new(0, 1_000), Tz::UTC), ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"]);
    }
}
