//! Which files the enricher is loaded from.

use std::{borrow::Cow, io::Read, path::Path};

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

/// The largest file after unpacking: a city database is 130 MB.
const MAX_UNPACKED: u64 = 512 << 20;

impl EnrichData {
    /// Unpacks the three files `regexes.yaml.br`, `bots.json.br` and `country.mmdb.br` that `read` hands out by name.
    ///
    /// # Errors
    /// When one is missing or not brotli.
    pub fn from_files<'a>(mut read: impl FnMut(&str) -> Option<Cow<'a, [u8]>>) -> Result<Self, LoadError> {
        let mut file = |name: &'static str| -> Result<Cow<'static, [u8]>, LoadError> {
            let packed = read(name).ok_or_else(|| LoadError::new(name, "not found"))?;
            let mut bytes = Vec::new();
            brotli::Decompressor::new(packed.as_ref(), 64 << 10)
                .take(MAX_UNPACKED)
                .read_to_end(&mut bytes)
                .map_err(|error| LoadError::new(name, error))?;
            bytes.shrink_to_fit();
            Ok(Cow::Owned(bytes))
        };
        Ok(Self {
            regexes_yaml: file("regexes.yaml.br")?,
            bots_json: file("bots.json.br")?,
            country_mmdb: file("country.mmdb.br")?,
            city_mmdb: None,
        })
    }

    /// Unpacks the files in a folder, as `tools/data.mjs` leaves them in `target/data`.
    ///
    /// # Errors
    /// When one is missing or not brotli.
    pub fn from_dir(folder: &Path) -> Result<Self, LoadError> {
        Self::from_files(|name| std::fs::read(folder.join(name)).ok().map(Cow::Owned))
    }
}
