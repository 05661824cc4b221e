//! Where values come from.

use std::{collections::BTreeMap, path::Path, str::FromStr};

use crate::{
    setting::{ConfigError, variable},
    values,
};

/// Variables that begin with `FOOTFALL_` but are read by tools and tests, not by the server.
const OTHER_VARIABLES: &[&str] = &["FOOTFALL_CONFIG"];

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
        let relevant = |name: &str| name.starts_with("FOOTFALL_") || name == "PORT" || name == "JWT_SECRET" || name == "JWT_SECRET_FILE";
        let variables = variables.filter(|(name, _)| relevant(name)).collect();
        Ok(Self { flags: flags.collect(), variables, file })
    }

    /// The raw value of a key and the name of its source; none means the default.
    pub(crate) fn find(&self, key: &str) -> Option<(String, String)> {
        self.look_up(key).ok().flatten()
    }

    fn look_up(&self, key: &str) -> Result<Option<(String, String)>, String> {
        if let Some(value) = self.flags.get(key) {
            return Ok(Some((value.clone(), format!("--{}", key.replace('_', "-")))));
        }
        let name = variable(key);
        if let Some(found) = self.variable(&name)? {
            return Ok(Some(found));
        }
        if let Some(value) = self.file.get(key) {
            return Ok(Some((value.clone(), "configuration file".to_owned())));
        }
        match key {
            "secret" => self.variable("JWT_SECRET"),
            "listen" => Ok(self.variables.get("PORT").map(|port| (format!("0.0.0.0:{port}"), "PORT".to_owned()))),
            _ => Ok(None),
        }
    }

    /// A variable, or the content of the file that its `_FILE` twin names.
    fn variable(&self, name: &str) -> Result<Option<(String, String)>, String> {
        if let Some(value) = self.variables.get(name) {
            return Ok(Some((value.clone(), name.to_owned())));
        }
        let twin = format!("{name}_FILE");
        match self.variables.get(&twin) {
            None => Ok(None),
            Some(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Some((text.trim_end_matches(['\r', '\n']).to_owned(), twin))),
                Err(error) => Err(format!("{twin} names `{path}`, which cannot be read: {error}")),
            },
        }
    }

    pub(crate) fn parse<T>(&self, key: &'static str, default: &str, form: &str, faults: &mut Vec<String>) -> Option<T>
    where
        T: FromStr,
    {
        let (value, source) = match self.look_up(key) {
            Ok(found) => found.unwrap_or_else(|| (default.to_owned(), "default".to_owned())),
            Err(fault) => {
                faults.push(fault);
                return None;
            }
        };
        match value.parse() {
            Ok(parsed) => Some(parsed),
            Err(_) => {
                faults.push(format!("{key} is `{}` (from {source}); wanted: {form}", values::redact(key, &value)));
                None
            }
        }
    }

    /// Faults for keys that no setting has, so that a misspelt one does not pass in silence.
    pub(crate) fn unknown_keys(&self, known: impl Iterator<Item = &'static str>) -> Vec<String> {
        let keys: Vec<&str> = known.collect();
        let names: Vec<String> = keys.iter().map(|key| variable(key)).collect();
        let is_known = |name: &str| {
            let bare = name.strip_suffix("_FILE").unwrap_or(name);
            names.iter().any(|known| known == name || known == bare) || OTHER_VARIABLES.contains(&name) || !name.starts_with("FOOTFALL_")
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
