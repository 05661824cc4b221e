//! What can go wrong with the store, and what a caller does about it.

use clickhouse::error::Error;

/// ClickHouse codes that mean "these rows will never be accepted". Everything else is repeated: an error that is none of the data's must
/// never cost an event. Not among them: codes that a body cut off on its way would cause too.
const DATA_CODES: &[u32] = &[
    69,  // ARGUMENT_OUT_OF_BOUND
    128, // TOO_LARGE_ARRAY_SIZE
    131, // TOO_LARGE_STRING_SIZE
    321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    407, // DECIMAL_OVERFLOW
    469, // VIOLATED_CONSTRAINT
];

/// Codes by which a server says that it cannot be asked now.
const AWAY_CODES: &[u32] = &[
    202, // TOO_MANY_SIMULTANEOUS_QUERIES
    209, // SOCKET_TIMEOUT
    210, // NETWORK_ERROR
    225, // NO_ZOOKEEPER
    242, // TABLE_IS_READ_ONLY (a replica without its keeper)
    274, // AIO_READ_ERROR
    279, // ALL_CONNECTION_TRIES_FAILED
    285, // TOO_FEW_LIVE_REPLICAS
    286, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    319, // UNKNOWN_STATUS_OF_INSERT
    999, // KEEPER_EXCEPTION
];

/// A call to the store failed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct StoreError(Kind);

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
enum Kind {
    #[error("the analytics store does not answer: {0}")]
    Away(String),
    #[error("the analytics store gave up after its time limit; ask for a shorter period")]
    TooSlow,
    #[error("the analytics store refuses these rows: {0}")]
    Data(String),
    #[error("the analytics store refuses (code {code}): {text}")]
    Refused { code: u32, text: String },
    #[error("the analytics store answered what this version does not understand: {0}")]
    Odd(String),
}

impl StoreError {
    /// Nobody answered.
    #[must_use]
    pub fn away(text: impl Into<String>) -> Self {
        Self(Kind::Away(text.into()))
    }

    /// The statement took longer than it may.
    #[must_use]
    pub const fn too_slow() -> Self {
        Self(Kind::TooSlow)
    }

    /// The answer makes no sense.
    #[must_use]
    pub fn odd(text: impl Into<String>) -> Self {
        Self(Kind::Odd(text.into()))
    }

    /// The rows of an insert are at fault: repeating it is in vain.
    #[must_use]
    pub const fn is_data(&self) -> bool {
        matches!(self.0, Kind::Data(_))
    }

    /// The store cannot be asked now: reports fall back to hourly aggregates.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        matches!(self.0, Kind::Away(_))
    }

    /// A statement took longer, or more memory or rows, than it may.
    #[must_use]
    pub const fn is_too_heavy(&self) -> bool {
        // 158 TOO_MANY_ROWS, 159 TIMEOUT_EXCEEDED, 160 TOO_SLOW, 241 MEMORY_LIMIT_EXCEEDED
        matches!(self.0, Kind::TooSlow | Kind::Refused { code: 158 | 159 | 160 | 241, .. })
    }

    /// A regular expression of the question is none to the store.
    #[must_use]
    pub const fn is_bad_pattern(&self) -> bool {
        // 427 CANNOT_COMPILE_REGEXP
        matches!(self.0, Kind::Refused { code: 427, .. })
    }

    fn of_text(text: &str) -> Self {
        let text = shorten(text);
        match code_of(&text) {
            Some(code) if DATA_CODES.contains(&code) => Self(Kind::Data(text)),
            Some(code) if AWAY_CODES.contains(&code) => Self(Kind::Away(text)),
            Some(code) => Self(Kind::Refused { code, text }),
            // An answer without a code comes from something in between: a proxy, a load balancer.
            None => Self(Kind::Away(text)),
        }
    }
}

/// The number in `Code: 60. DB::Exception: …`.
fn code_of(text: &str) -> Option<u32> {
    let digits = text.split_once("Code: ")?.1;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// ClickHouse repeats whole statements in its errors; logs need the beginning.
fn shorten(text: &str) -> String {
    const MOST: usize = 600;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::BadResponse(text) => Self::of_text(&text),
            Error::TimedOut => Self::too_slow(),
            Error::Network(source) => Self::away(with_sources(source.as_ref())),
            other => Self::odd(shorten(&with_sources(&other))),
        }
    }
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(source) = at {
        text.push_str(": ");
        text.push_str(&source.to_string());
        at = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_closed_list_is_about_data() {
        let of = |text: &str| StoreError::from(Error::BadResponse(text.to_owned()));
        assert!(of("Code: 469. DB::Exception: Constraint `ts_is_sane` for table events is violated").is_data());
        for text in [
            "Code: 241. DB::Exception: Memory limit exceeded",
            "Code: 33. DB::Exception: Cannot read all data",
            "Code: 60. no table",
            "502 Bad Gateway",
        ] {
            assert!(!of(text).is_data(), "{text}");
        }
        assert!(of("502 Bad Gateway").is_away());
        assert!(of("Code: 427. DB::Exception: OptimizedRegularExpression").is_bad_pattern());
        assert!(of("Code: 241. DB::Exception: Memory limit exceeded").is_too_heavy());
        assert!(!StoreError::from(Error::TimedOut).is_away());
        assert!(of(&"é".repeat(5_000)).to_string().len() < 2_000);
    }
}
