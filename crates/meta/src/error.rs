//! What can go wrong, by what the caller should do about it.

use sea_orm::{DbErr, SqlErr};

/// A fault of the accounts database or a change that its rules refuse. Texts hold no e-mail address, token or salt.
#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    /// The name is in use (409).
    #[error("{0}")]
    Taken(String),
    /// The row is not there, or no longer (404).
    #[error("{0}")]
    NotFound(String),
    /// A rule forbids the change (422).
    #[error("{0}")]
    Refused(String),
    /// The URL of the database is not understood.
    #[error("{0}")]
    Url(String),
    /// The database failed or cannot be reached (503); a retry may help.
    #[error("accounts database: {0}")]
    Database(DbErr),
    /// A stored value cannot be read: the database was changed by other hands or by a newer version.
    #[error("accounts database: {0}")]
    Corrupt(String),
}

impl MetaError {
    pub(crate) fn taken(text: impl Into<String>) -> Self {
        Self::Taken(text.into())
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::NotFound(text.into())
    }

    /// [`Self::Refused`].
    #[must_use]
    pub fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
    }

    /// [`Self::Corrupt`].
    #[must_use]
    pub fn corrupt(text: impl Into<String>) -> Self {
        Self::Corrupt(text.into())
    }

    /// Turns a violated unique index into [`MetaError::Taken`].
    pub(crate) fn taken_or(error: DbErr, text: &str) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::taken(text),
            _ => Self::Database(error),
        }
    }

    /// Whether the database itself failed, so that the same call may succeed later.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Database(_))
    }
}

impl From<DbErr> for MetaError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}
