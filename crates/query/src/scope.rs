//! Whose data a query may see.

use footfall_model::SiteId;

/// The one domain that a query is limited to. There is no way from an untrusted id to a scope but this name, which reviewers can look
/// for: call [`Scope::authorised`] only where the caller's right to read the domain has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope(SiteId);

impl Scope {
    /// The caller may read this domain.
    #[must_use]
    pub const fn authorised(site: SiteId) -> Self {
        Self(site)
    }

    /// The domain.
    #[must_use]
    pub const fn site(self) -> SiteId {
        self.0
    }
}
