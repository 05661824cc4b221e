//! Where values come from.

use std::{collections::BTreeMap, path::Path, str::FromStr};

use crate::{
    aliases,
    setting::{ConfigError, SettingDoc, variable},
};

/// Names the configuration file, as `--config` does. No setting: the command line reads it, as it is needed before there are any.
const CONFIG_FILE: &str = "FOOTFALL_CONFIG";

/// How directly a value was meant for this program; the first decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// A flag of the command line.
    Flag,
    /// A `FOOTFALL_…` variable.
    Own,
    /// A name that others use too ([`crate::aliases`]).
    Alias,
    /// The configuration file.
    File,
}

/// A value, not parsed.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub value: String,
    /// Flag, variable or file, as a person knows it.
    pub source: String,
    pub rank: Rank,
}

/// Flags, variables and the configuration file, unparsed.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    flags: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
}

impl Sources {
    /// From the flags given, this process's environment and a file.
    ///
    /// # Errors
    /// When the file cannot be read or is not TOML.
    pub fn read(flags: impl IntoIterator<Item = (&'static str, String)>, file: Option<&Path>) -> Result<Self, ConfigError> {
        let text = match file {
            None => None,
            Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
                ConfigError(vec![format!("cannot read the configuration file {}: {error}; correct --config", path.display())])
            })?),
        };
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::assemble(flags.into_iter().map(|(key, value)| (key.to_owned(), value)), variables, text.as_deref())
    }

    /// From parts, for tests.
    ///
    /// # Errors
    /// When the file's text is not TOML.
    pub fn from_parts<'a>(
        flags: impl IntoIterator<Item = (&'a str, &'a str)>,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        file: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        Self::assemble(flags.into_iter().map(own), variables.into_iter().map(own), file)
    }

    fn assemble(
        flags: impl Iterator<Item = (String, String)>,
        variables: impl Iterator<Item = (String, String)>,
        file: Option<&str>,
    ) -> Result<Self, ConfigError> {
        let table: toml::Table = match file {
            None => toml::Table::new(),
            Some(text) => text.parse().map_err(|error| ConfigError(vec![format!("the configuration file is not TOML: {error}")]))?,
        };
        let file = table
            .into_iter()
            .map(|(key, value)| match value {
                toml::Value::String(text) => (key, text),
                other => (key, other.to_string()),
            })
            .collect();
        let relevant = |name: &str| name.starts_with("FOOTFALL_") || aliases::is_alias(name);
        let variables = variables.filter(|(name, _)| relevant(name)).collect();
        Ok(Self { flags: flags.collect(), variables, file })
    }

    /// The raw value of a key; none means the default.
    pub(crate) fn look_up(&self, key: &str) -> Result<Option<Found>, String> {
        if let Some(value) = self.flags.get(key) {
            let source = format!("--{}", key.replace('_', "-"));
            return Ok(Some(Found { value: value.clone(), source, rank: Rank::Flag }));
        }
        if let Some(found) = self.variable(&variable(key), Rank::Own)? {
            return Ok(Some(found));
        }
        if let Some(found) = aliases::look_up(self, key)? {
            return Ok(Some(found));
        }
        let in_file = |value: &String| Found { value: value.clone(), source: "configuration file".to_owned(), rank: Rank::File };
        Ok(self.file.get(key).map(in_file))
    }

    /// A variable, or the content of the file that its `_FILE` twin names.
    pub(crate) fn variable(&self, name: &str, rank: Rank) -> Result<Option<Found>, String> {
        let twin = format!("{name}_FILE");
        let plain = self.variables.get(name).map(|value| Found { value: value.clone(), source: name.to_owned(), rank });
        let Some(path) = self.variables.get(&twin).filter(|path| !path.is_empty()) else { return Ok(plain) };
        let text = std::fs::read_to_string(path).map_err(|error| format!("{twin} names `{path}`, which cannot be read: {error}"))?;
        let value = text.trim_end_matches(['\r', '\n']).to_owned();
        match plain {
            Some(plain) if !plain.value.is_empty() && plain.value != value => {
                Err(format!("{name} and {twin} are both set and say different things; keep one of them"))
            }
            _ => Ok(Some(Found { value, source: twin, rank })),
        }
    }

    pub(crate) fn parse<T>(&self, setting: &SettingDoc, faults: &mut Vec<String>) -> Option<T>
    where
        T: FromStr,
    {
        let (value, source) = match self.look_up(setting.key) {
            Ok(Some(found)) => (found.value, found.source),
            Ok(None) => (setting.default.to_owned(), "default".to_owned()),
            Err(fault) => {
                faults.push(fault);
                return None;
            }
        };
        match value.parse() {
            Ok(parsed) => Some(parsed),
            Err(_) => {
                faults.push(format!("{} is `{}` (from {source}); wanted: {}", setting.key, setting.shown(&value), setting.form));
                None
            }
        }
    }

    /// Where the value of a key came from, for messages.
    pub(crate) fn source(&self, key: &str) -> String {
        self.look_up(key).ok().flatten().map_or_else(|| "default".to_owned(), |found| found.source)
    }

    /// Faults for keys that no setting has, so that a misspelt one does not pass in silence.
    pub(crate) fn unknown_keys(&self, known: impl Iterator<Item = &'static str>) -> Vec<String> {
        let keys: Vec<&str> = known.collect();
        let names: Vec<String> = keys.iter().map(|key| variable(key)).collect();
        let is_known = |name: &str| {
            let bare = name.strip_suffix("_FILE").unwrap_or(name);
            names.iter().any(|known| known == name || known == bare) || name == CONFIG_FILE || aliases::is_alias(name)
        };
        let variables = self
            .variables
            .keys()
            .filter(|name| !is_known(name))
            .map(|name| format!("{name} is not a setting; `footfall config reference` lists them"));
        let in_file = self
            .file
            .keys()
            .filter(|key| !keys.contains(&key.as_str()))
            .map(|key| format!("`{key}` (from the configuration file) is not a setting; `footfall config reference` lists them"));
        variables.chain(in_file).collect()
    }
}
