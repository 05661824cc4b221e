//! Which files the enricher is loaded from.

use std::{borrow::Cow, path::Path};

/// The files as bytes; `tools/data.mjs` prepares them and the server carries them inside it.
#[derive(Debug)]
pub struct EnrichData {
    /// `user_agent_parsers` and `os_parsers` of uap-core.
    pub regexes_yaml: Cow<'static, [u8]>,
    /// `[{"class", "patterns"}]`, see [`crate::bot`].
    pub bots_json: Cow<'static, [u8]>,
    /// IP to country, in MaxMind's format.
    pub country_mmdb: Cow<'static, [u8]>,
    /// IP to city, opt-in; answers before the country file.
    pub city_mmdb: Option<Cow<'static, [u8]>>,
}

/// A list or database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot load {file}: {reason}; run `make setup` to prepare it again")]
pub struct LoadError {
    /// Which one.
    pub file: &'static str,
    /// Why.
    pub reason: String,
}

impl LoadError {
    pub(crate) fn new(file: &'static str, reason: impl ToString) -> Self {
        Self { file, reason: reason.to_string() }
    }
}

impl EnrichData {
    /// The three files `regexes.yaml`, `bots.json` and `country.mmdb` that `read` hands out by name. They are not packed: what lies in
    /// the binary is looked at where it lies, and only the parts that are looked at take memory.
    ///
    /// # Errors
    /// When one is missing.
    pub fn from_files(mut read: impl FnMut(&str) -> Option<Cow<'static, [u8]>>) -> Result<Self, LoadError> {
        let mut file = |name: &'static str| read(name).ok_or_else(|| LoadError::new(name, "not found"));
        Ok(Self {
            regexes_yaml: file("regexes.yaml")?,
            bots_json: file("bots.json")?,
            country_mmdb: file("country.mmdb")?,
            city_mmdb: None,
        })
    }

    /// The files in a folder, as `tools/data.mjs` leaves them in `target/data`.
    ///
    /// # Errors
    /// When one is missing.
    pub fn from_dir(folder: &Path) -> Result<Self, LoadError> {
        Self::from_files(|name| std::fs::read(folder.join(name)).ok().map(Cow::Owned))
    }
}
