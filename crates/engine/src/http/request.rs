//! A request's parameters, from its address and from a form.

use std::time::Instant;

use axum::body::Body;
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};

use super::exception::Exception;
use super::intake::LONGEST_TEXT;
use crate::sql::Refusal;
use crate::unpack::Unpacker;

/// Parameters that are neither settings nor of use here: there are no sessions, quotas or stack traces.
const IGNORED: [&str; 9] = [
    "session_id",
    "session_timeout",
    "session_check",
    "close_session",
    "quota_key",
    "stacktrace",
    "buffer_size",
    "client_protocol_version",
    "framing",
];

/// What a request asks for beside its statement.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) received: Instant,
    pub(super) query: Option<String>,
    pub(super) database: Option<String>,
    pub(super) default_format: String,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// Echoed; the library makes its own.
    pub(super) query_id: String,
    /// Answer in native frames.
    pub(super) compress: bool,
    /// The body comes in native frames.
    pub(super) decompress: bool,
    /// The client accepts an LZ4 frame.
    pub(super) accepts_lz4: bool,
    /// The answer must be complete before its head is sent.
    pub(super) wait_end: bool,
    /// The client's own `log_comment`; the request's tag goes behind it.
    pub(super) log_comment: Option<String>,
    pub(super) params: Vec<(String, String)>,
    settings: Vec<(String, String)>,
    readonly: Option<String>,
}

impl Request {
    pub(super) fn parse(query: &str, headers: &HeaderMap) -> Result<Self, Exception> {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let accepts = header(ACCEPT_ENCODING.as_str()).unwrap_or_default();
        let mut request = Self {
            database: header("X-ClickHouse-Database"),
            default_format: header("X-ClickHouse-Format").unwrap_or_else(|| "TabSeparated".to_owned()),
            query_id: uuid::Uuid::new_v4().to_string(),
            accepts_lz4: accepts.split(',').any(|name| name.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("lz4"))),
            received: Instant::now(),
            query: None,
            user: None,
            password: None,
            compress: false,
            decompress: false,
            wait_end: false,
            log_comment: None,
            params: Vec::new(),
            settings: Vec::new(),
            readonly: None,
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            request.take(&name, value.into_owned())?;
        }
        Ok(request)
    }

    /// Takes one parameter.
    fn take(&mut self, name: &str, value: String) -> Result<(), Exception> {
        match name {
            "query" => match &mut self.query {
                Some(query) => query.push_str(&value),
                None => self.query = Some(value).filter(|query| !query.is_empty()),
            },
            "database" => self.database = Some(value).filter(|database| !database.is_empty()),
            "default_format" => self.default_format = value,
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "query_id" if is_header_text(&value) => self.query_id = value,
            "query_id" => {}
            "compress" => self.compress = is_on(&value),
            "decompress" => self.decompress = is_on(&value),
            "wait_end_of_query" => self.wait_end = is_on(&value),
            "log_comment" => self.log_comment = Some(value),
            "readonly" => self.readonly = Some(value),
            "role" => {
                return Err(Refusal::new(48, "NOT_IMPLEMENTED", "Roles are not supported by the embedded engine").into());
            }
            name if IGNORED.contains(&name) => {}
            name => match name.strip_prefix("param_") {
                Some(param) => self.params.push((param.to_owned(), value)),
                None if is_setting_name(name) => self.settings.push((name.to_owned(), value)),
                None => {
                    return Err(
                        Refusal::new(115, "UNKNOWN_SETTING", format!("Setting {name:?} is neither a setting nor a parameter")).into()
                    );
                }
            },
        }
        Ok(())
    }

    /// What undoes the body's compression.
    pub(super) fn unpacker(&self, headers: &HeaderMap) -> Result<Unpacker, Exception> {
        let encoding = headers.get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match Unpacker::for_encoding(encoding) {
            Some(Unpacker::None(_)) if self.decompress => Ok(Unpacker::native()),
            Some(unpacker) if !self.decompress => Ok(unpacker),
            _ => {
                let message =
                    format!("Content-Encoding {encoding} is not supported here: use lz4 or gzip, or native frames with decompress=1");
                Err(Refusal::new(89, "UNKNOWN_COMPRESSION_METHOD", message).into())
            }
        }
    }

    /// Where the body is a form, its fields are parameters and no body is left.
    pub(super) async fn absorb_form(&mut self, headers: &HeaderMap, body: Body) -> Result<Body, Exception> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !content_type.to_ascii_lowercase().starts_with("multipart/form-data") {
            return Ok(body);
        }
        let malformed = |error: multer::Error| Exception::from(Refusal::new(36, "BAD_ARGUMENTS", format!("Malformed form: {error}")));
        let boundary = multer::parse_boundary(content_type).map_err(malformed)?;
        let limits = multer::Constraints::new().size_limit(multer::SizeLimit::new().whole_stream(LONGEST_TEXT as u64));
        let mut form = multer::Multipart::with_constraints(body.into_data_stream(), boundary, limits);
        while let Some(field) = form.next_field().await.map_err(malformed)? {
            if field.file_name().is_some() {
                return Err(Refusal::new(48, "NOT_IMPLEMENTED", "External tables are not supported by the embedded engine").into());
            }
            let name = field.name().unwrap_or_default().to_owned();
            let value = String::from_utf8(field.bytes().await.map_err(malformed)?.into())
                .map_err(|_| Exception::from(Refusal::new(36, "BAD_ARGUMENTS", format!("Field {name:?} is not UTF-8"))))?;
            // Credentials were checked before the body was read.
            if !matches!(name.as_str(), "user" | "password") {
                self.take(&name, value)?;
            }
        }
        Ok(Body::empty())
    }

    /// `GET` must not change anything.
    pub(super) fn read_only(&mut self) {
        if self.readonly.as_deref().is_none_or(|value| value == "0") {
            self.readonly = Some("2".to_owned());
        }
    }

    /// The session's settings; `readonly` comes last, because nothing can be set after it.
    pub(super) fn take_settings(&mut self) -> Vec<(String, String)> {
        let mut settings = std::mem::take(&mut self.settings);
        settings.extend(self.readonly.take().map(|value| ("readonly".to_owned(), value)));
        settings
    }
}

fn is_on(value: &str) -> bool {
    matches!(value, "1" | "true" | "")
}

fn is_setting_name(name: &str) -> bool {
    name.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}

fn is_header_text(value: &str) -> bool {
    !value.is_empty() && value.len() <= 200 && value.chars().all(|char| char.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_unknown_is_a_setting_and_readonly_comes_last() {
        let mut request =
            Request::parse("readonly=1&max_threads=2&param_x=a%20b&query=select+1&session_id=s&database=d", &HeaderMap::new()).unwrap();
        assert_eq!(request.query.as_deref(), Some("select 1"));
        assert_eq!(request.database.as_deref(), Some("d"));
        assert_eq!(request.params, [("x".to_owned(), "a b".to_owned())]);
        assert_eq!(request.take_settings(), [("max_threads".to_owned(), "2".to_owned()), ("readonly".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn names_that_are_no_settings_are_refused() {
        for query in ["a%27b=1", "max_threads%3D1,x=2", "role=admin", "1=1"] {
            assert!(Request::parse(query, &HeaderMap::new()).is_err(), "{query}");
        }
    }
}
