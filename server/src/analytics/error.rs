//! Why there is no report. [`AnalyticsError::is_away`]: the store does not answer now; the rest is about the question.

use std::sync::Arc;

use footfall_live::LiveError;
use footfall_meta::MetaError;
use footfall_query::{bucket::TooManyBuckets, sql::Unsupported};
use footfall_store::StoreError;

/// No report.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AnalyticsError {
    /// The store refused or did not answer.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// Live state failed.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// The accounts database failed.
    #[error("accounts: {0}")]
    Accounts(Arc<MetaError>),
    /// The question cannot be answered as it stands.
    #[error("{0}")]
    Question(String),
}

impl AnalyticsError {
    /// This process has no reports.
    #[must_use]
    pub fn not_here() -> Self {
        Self::Store(Arc::new(StoreError::away("this process does not have the role `query`; route reports to one that has")))
    }

    /// Whether the same question may be answered later.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Store(error) => error.is_away(),
            Self::Live(_) | Self::Accounts(_) => true,
            Self::Question(_) => false,
        }
    }

    /// From a statement that several callers waited for.
    pub(super) fn shared(error: Arc<Self>) -> Self {
        (*error).clone()
    }
}

impl From<StoreError> for AnalyticsError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<MetaError> for AnalyticsError {
    fn from(error: MetaError) -> Self {
        Self::Accounts(Arc::new(error))
    }
}

impl From<TooManyBuckets> for AnalyticsError {
    fn from(error: TooManyBuckets) -> Self {
        Self::Question(error.to_string())
    }
}

impl From<Unsupported> for AnalyticsError {
    fn from(error: Unsupported) -> Self {
        Self::Question(error.to_string())
    }
}
