//! Why an event is not counted: a closed list that the site owner can see.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident => $code:literal, $advice:literal;)*) => {
        /// The reason why one event does not count. The code is stable: it is stored, exported and a metric label.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum DropReason { $($(#[$doc])* $variant,)* }

        impl DropReason {
            /// Every reason, in the order of the pipeline.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable snake_case code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// From its code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.code() == code)
            }

            /// One sentence: what happened and what to do about it.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $advice,)* }
            }
        }
    };
}

reasons! {
    /// The body or a field does not fit the protocol.
    Invalid => "invalid", "The event does not fit the protocol; the answer named the field.";
    /// The domain is not measured here.
    UnknownDomain => "unknown_domain", "Add the domain, or correct data-domain on the page.";
    /// A client or a domain sent faster than its limit.
    RateLimited => "rate_limited", "Raise the limit or ask why one client sends so much.";
    /// A shield of the domain refused the host name.
    ShieldHost => "shield_host", "The host name is not on the domain's list of allowed hosts.";
    /// A shield of the domain refused the address.
    ShieldIp => "shield_ip", "The address is on the domain's block list.";
    /// A shield of the domain refused the path.
    ShieldPath => "shield_path", "The path is on the domain's block list.";
    /// A shield of the domain refused the country.
    ShieldCountry => "shield_country", "The country is on the domain's block list.";
    /// Stored with this reason: an event with this id was already counted.
    DuplicateId => "duplicate_id", "The same event was sent again; it is counted once.";
    /// Stored with this reason: engagement without a live visit.
    NoVisit => "no_visit", "Time on page arrived for a visit that had already ended.";
    /// Dead letter: the record in the log could not be decoded.
    Undecodable => "undecodable", "The record in the log is not a footfall event; see the dead letters.";
    /// Dead letter: the store refused the row.
    RefusedByStore => "refused_by_store", "The analytics store refused the row; see the dead letters.";
}

impl std::fmt::Display for DropReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}
