//! Why an event or a request is refused, and what is answered: every status of `docs/reference/events.md` is here and nowhere else.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use footfall_model::DropReason;
use serde_json::json;

/// A refusal. Everything a sender can do about it is in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON, or not an event.
    Malformed(String),
    /// A field does not hold what it should.
    Invalid {
        /// Its name in the protocol.
        field: &'static str,
        /// What it should hold.
        message: String,
    },
    /// The time is not within the range.
    TimestampOutOfRange,
    /// The domain is not measured here.
    UnknownDomain,
    /// A field that only a key of the domain may set.
    KeyRequired,
    /// Too fast; when to come again.
    RateLimited(Duration),
    /// A shield of the domain refused it: no fault of the sender's.
    Shielded(DropReason),
    /// Body or array too large.
    TooLarge(&'static str),
    /// Another media type or encoding.
    MediaType(&'static str),
    /// The body did not arrive in time.
    TimedOut,
    /// Durability cannot be promised now.
    Unavailable(&'static str),
}

impl Fault {
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::Malformed(message.into())
    }

    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }

    /// Whether the sender did something wrong (a shielded event is what the owner wished).
    pub const fn is_refusal(&self) -> bool {
        !matches!(self, Self::Shielded(_))
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Invalid { .. } => "invalid",
            Self::TimestampOutOfRange => "timestamp_out_of_range",
            Self::UnknownDomain => "unknown_domain",
            Self::KeyRequired => "key_required",
            Self::RateLimited(_) => "rate_limited",
            Self::Shielded(reason) => reason.code(),
            Self::TooLarge(_) => "too_large",
            Self::MediaType(_) => "unsupported_media_type",
            Self::TimedOut => "timed_out",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Under which reason the drop is counted; none where nothing was dropped for good.
    pub const fn drop_reason(&self) -> Option<DropReason> {
        match self {
            Self::UnknownDomain => Some(DropReason::UnknownDomain),
            Self::RateLimited(_) => Some(DropReason::RateLimited),
            Self::Shielded(reason) => Some(*reason),
            Self::Unavailable(_) => None,
            _ => Some(DropReason::Invalid),
        }
    }

    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::Invalid { .. } | Self::TimestampOutOfRange => StatusCode::BAD_REQUEST,
            Self::UnknownDomain => StatusCode::NOT_FOUND,
            Self::KeyRequired => StatusCode::FORBIDDEN,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Shielded(_) => StatusCode::ACCEPTED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The field at fault, if it is one.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            Self::TimestampOutOfRange => Some("timestamp"),
            Self::UnknownDomain => Some("domain"),
            _ => None,
        }
    }

    /// One sentence a person can act on.
    pub fn message(&self) -> String {
        match self {
            Self::Malformed(message) => message.clone(),
            Self::Invalid { field, message } => format!("{field} {message}"),
            Self::TimestampOutOfRange => "timestamp must lie between 2000-01-01 and five minutes from now; check the sender's clock".into(),
            Self::UnknownDomain => "this domain is not measured here; add it, or correct the domain that the page sends".into(),
            Self::KeyRequired => {
                "timestamp, ip and userAgent need an API key of this domain with the scope events:write; make one with `footfall token add`"
                    .into()
            }
            Self::RateLimited(wait) => format!("too many events; come again in {} s", seconds(*wait)),
            Self::Shielded(reason) => reason.advice().into(),
            Self::TooLarge(message) | Self::MediaType(message) => (*message).into(),
            Self::TimedOut => "the body did not arrive within 10 s; send it again".into(),
            Self::Unavailable(message) => format!("{message}; send the events again in a moment, with ids"),
        }
    }

    /// The answer to a request that fails with this.
    pub fn response(&self) -> Response<Body> {
        let message = self.message();
        let mut error = json!({ "code": self.code(), "message": message });
        if let Some(field) = self.field() {
            error["fields"] = json!({ field: message });
        }
        let mut response = respond(self.status(), json!({ "error": error }).to_string());
        let wait = match self {
            Self::RateLimited(wait) => Some(seconds(*wait)),
            Self::Unavailable(_) => Some(1),
            _ => None,
        };
        if let Some(wait) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, wait.into());
        }
        response
    }
}

/// Whole seconds, at least one.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs_f64().ceil().max(1.0) as u64
}

/// The answer to a request of which at least one event was taken or shielded.
pub fn accepted(accepted: usize, dropped: &[(usize, Fault)]) -> Response<Body> {
    if dropped.is_empty() && accepted == 1 {
        return respond(StatusCode::ACCEPTED, r#"{"accepted":1,"dropped":[]}"#);
    }
    let dropped: Vec<_> = dropped
        .iter()
        .map(|(index, fault)| match fault {
            Fault::Malformed(_) | Fault::Invalid { .. } => json!({ "index": index, "reason": fault.code(), "message": fault.message() }),
            _ => json!({ "index": index, "reason": fault.code() }),
        })
        .collect();
    respond(StatusCode::ACCEPTED, json!({ "accepted": accepted, "dropped": dropped }).to_string())
}

fn respond(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    response
}
