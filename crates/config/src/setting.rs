//! What a setting is, and the macro that declares a struct of them.

use crate::urls::without_passwords;

/// One setting, for loading and for the reference page.
#[derive(Debug)]
pub struct SettingDoc {
    /// Key in the configuration file.
    pub key: &'static str,
    /// Default, as text.
    pub default: &'static str,
    /// Accepted form, for error messages and the reference page.
    pub form: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Its type, which says whether it may be shown.
    pub(crate) kind: &'static str,
}

impl SettingDoc {
    /// The environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        variable(self.key)
    }

    /// Whether the value is never shown.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, "Secret" | "Password")
    }

    /// A value of it as it may be shown.
    pub(crate) fn shown(&self, value: &str) -> String {
        if self.is_secret() { "(hidden)".to_owned() } else { without_passwords(value) }
    }
}

/// The environment variable of a key.
pub(crate) fn variable(key: &str) -> String {
    format!("FOOTFALL_{}", key.to_ascii_uppercase())
}

/// Everything that is wrong with the configuration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the configuration is not usable:\n  {}", .0.join("\n  "))]
pub struct ConfigError(pub Vec<String>);

macro_rules! settings {
    ($(#[$meta:meta])* pub struct $name:ident { $(#[doc = $doc:literal] $field:ident : $ty:ty = $default:literal, $form:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name { $(#[doc = $doc] pub $field: $ty,)* }

        impl $name {
            pub(crate) const DOCS: &'static [$crate::SettingDoc] = &[$($crate::SettingDoc {
                key: stringify!($field), default: $default, form: $form, doc: $doc, kind: stringify!($ty),
            },)*];

            pub(crate) fn load(sources: &$crate::Sources, faults: &mut Vec<String>) -> Option<Self> {
                let mut docs = Self::DOCS.iter();
                $(let $field = docs.next().and_then(|doc| sources.parse::<$ty>(doc, faults));)*
                Some(Self { $($field: $field?,)* })
            }
        }
    };
}
pub(crate) use settings;
