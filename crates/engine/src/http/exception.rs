//! ClickHouse's errors on HTTP: status, `X-ClickHouse-Exception-Code`, and the text as body.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::frames::FrameError;
use crate::sql::Refusal;

/// An error as ClickHouse sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exception {
    code: u32,
    status: StatusCode,
    /// `Code: N. DB::Exception: … (NAME)`.
    text: String,
}

impl Exception {
    /// From the library's text, which begins with the code.
    pub(super) fn from_text(text: String) -> Self {
        let code = text.split_once("Code: ").map_or("", |(_, rest)| rest);
        let digits: String = code.chars().take_while(char::is_ascii_digit).collect();
        let code = digits.parse().unwrap_or(1001);
        Self { code, status: status(code), text }
    }

    pub(super) fn no_credentials() -> Self {
        let mut exception =
            Self::from(Refusal::new(194, "REQUIRED_PASSWORD", "Authentication failed: give the user and password of run/engine.json"));
        exception.status = StatusCode::UNAUTHORIZED;
        exception
    }

    pub(super) fn wrong_credentials() -> Self {
        Refusal::new(516, "AUTHENTICATION_FAILED", "Authentication failed: password is incorrect, or there is no user with such name")
            .into()
    }

    /// The body broke off: the client left or cut its request short.
    pub(super) fn broken_body(reason: &impl std::fmt::Display) -> Self {
        Refusal::new(33, "CANNOT_READ_ALL_DATA", format!("The request's body ended too early: {reason}")).into()
    }

    /// The tail of an answer that failed in mid-stream, marked by the tag that the answer's head announced.
    pub(super) fn tail(text: &str, tag: &str) -> String {
        // ClickHouse cuts at 16 KiB too; the length counts the line break.
        let end = (0..=text.len().min(16 << 10)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let text = text[..end].trim_end();
        format!("\r\n__exception__\r\n{tag}\r\n{text}\n{} {tag}\r\n__exception__\r\n", text.len() + 1)
    }
}

impl From<Refusal> for Exception {
    fn from(refusal: Refusal) -> Self {
        let Refusal { code, name, message } = refusal;
        Self { code, status: status(code), text: format!("Code: {code}. DB::Exception: {message}. ({name})") }
    }
}

impl From<FrameError> for Exception {
    fn from(error: FrameError) -> Self {
        let (code, name) = match error {
            FrameError::Checksum => (40, "CHECKSUM_DOESNT_MATCH"),
            FrameError::Method(_) => (89, "UNKNOWN_COMPRESSION_METHOD"),
            FrameError::Size(_) => (12, "PARAMETER_OUT_OF_BOUND"),
            FrameError::Data(_) => (271, "CANNOT_DECOMPRESS"),
            FrameError::Truncated => (33, "CANNOT_READ_ALL_DATA"),
        };
        Refusal::new(code, name, error.to_string()).into()
    }
}

impl IntoResponse for Exception {
    fn into_response(self) -> Response {
        let mut response = (self.status, format!("{}\n", self.text)).into_response();
        let headers = response.headers_mut();
        headers.insert("X-ClickHouse-Exception-Code", HeaderValue::from(self.code));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"ClickHouse\""));
        }
        response
    }
}

/// ClickHouse's own choice of status for a code, for the codes that matter.
fn status(code: u32) -> StatusCode {
    match code {
        // Wrong credentials, missing rights.
        192 | 193 | 194 | 497 | 516 => StatusCode::FORBIDDEN,
        // Unknown table, function, identifier, type, storage, database, setting, format …
        46 | 47 | 50 | 56 | 60 | 63 | 73 | 81 | 115 | 141 => StatusCode::NOT_FOUND,
        // Texts and data that do not parse, wrong types and arguments.
        6 | 12 | 20 | 26 | 27 | 33 | 36 | 38 | 40 | 41 | 42 | 43 | 53 | 62 | 69 | 72 | 89 | 117 | 158 | 164 | 271 | 358 | 386 | 396
        | 456 | 457 => StatusCode::BAD_REQUEST,
        159 => StatusCode::REQUEST_TIMEOUT,
        307 => StatusCode::PAYLOAD_TOO_LARGE,
        48 => StatusCode::NOT_IMPLEMENTED,
        202 | 439 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_the_text() {
        assert_eq!(Exception::from_text("Code: 60. DB::Exception: x".into()).code, 60);
        assert_eq!(Exception::from_text("Code: 60. DB::Exception: x".into()).status, StatusCode::NOT_FOUND);
        assert_eq!(Exception::from_text("what?".into()).code, 1001);
    }

    #[test]
    fn tails_count_their_text_with_its_line_break() {
        assert_eq!(Exception::tail("Code: 1. x", "abc"), "\r\n__exception__\r\nabc\r\nCode: 1. x\n11 abc\r\n__exception__\r\n");
        let long = "ü".repeat(20_000);
        assert!(Exception::tail(&long, "abc").len() < 17 << 10);
    }
}
