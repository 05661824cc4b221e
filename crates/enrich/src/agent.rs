//! Browser, operating system, device and bot class of a user agent.
//!
//! Parsing is the dearest step of the collector (tens of microseconds), and a site sees few different user agents: answers are cached by a
//! keyed hash. The cache holds no user agent, so nothing raw outlives the request.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use serde::Deserialize;
use ua_parser::{os, user_agent};

use crate::{bot::Bots, data::LoadError, text};

/// Only this much of a user agent is looked at. Real ones end before 500 bytes.
const MAX_LOOKED_AT: usize = 2_048;
/// Names from a user agent are cut here.
const MAX_NAME: usize = 100;
/// Different user agents remembered: some 300 bytes each.
const CACHED: u64 = 20_000;

/// What a user agent says. Empty fields are unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// Family, mobile variants folded in.
    pub browser: String,
    /// Major version.
    pub browser_version: String,
    /// Family, distributions folded in.
    pub os: String,
    /// `major.minor`
    pub os_version: String,
    /// `Mobile`, `Tablet`, `Desktop` or empty.
    pub device: &'static str,
    /// One of [`crate::bot::CLASSES`], or empty for a person.
    pub bot: &'static str,
}

#[derive(Deserialize)]
struct Regexes {
    user_agent_parsers: Vec<user_agent::Parser<'static>>,
    os_parsers: Vec<os::Parser<'static>>,
}

#[derive(Debug, Deserialize)]
struct Names {
    browsers: HashMap<String, String>,
    systems: HashMap<String, String>,
    devices: Devices,
}

#[derive(Debug, Deserialize)]
struct Devices {
    tablets: Vec<String>,
    screens: Vec<String>,
}

pub(crate) struct Agents {
    browsers: user_agent::Extractor<'static>,
    systems: os::Extractor<'static>,
    names: Names,
    bots: Bots,
    hasher: RandomState,
    cache: moka::sync::Cache<u64, Arc<Agent>>,
}

impl std::fmt::Debug for Agents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agents").field("cached", &self.cache.entry_count()).finish_non_exhaustive()
    }
}

impl Agents {
    pub(crate) fn load(regexes_yaml: &[u8], bots_json: &[u8]) -> Result<Self, LoadError> {
        const FILE: &str = "regexes.yaml";
        let regexes: Regexes = serde_yaml_ng::from_slice(regexes_yaml).map_err(|error| LoadError::new(FILE, error))?;
        let browsers = regexes.user_agent_parsers.into_iter().try_fold(user_agent::Builder::new(), user_agent::Builder::push);
        let systems = regexes.os_parsers.into_iter().try_fold(os::Builder::new(), os::Builder::push);
        Ok(Self {
            browsers: browsers.map_err(|error| LoadError::new(FILE, error))?.build().map_err(|error| LoadError::new(FILE, error))?,
            systems: systems.map_err(|error| LoadError::new(FILE, error))?.build().map_err(|error| LoadError::new(FILE, error))?,
            names: toml::from_str(include_str!("../../../data/sources/agents.toml"))
                .map_err(|error| LoadError::new("data/sources/agents.toml", error))?,
            bots: Bots::load(bots_json)?,
            hasher: RandomState::new(),
            cache: moka::sync::Cache::new(CACHED),
        })
    }

    pub(crate) fn look_up(&self, user_agent: &[u8]) -> Arc<Agent> {
        let seen = &user_agent[..user_agent.len().min(MAX_LOOKED_AT)];
        let key = self.hasher.hash_one(seen);
        if let Some(agent) = self.cache.get(&key) {
            return agent;
        }
        let agent = Arc::new(self.parse(&String::from_utf8_lossy(seen)));
        self.cache.insert(key, Arc::clone(&agent));
        agent
    }

    fn parse(&self, user_agent: &str) -> Agent {
        let mut agent =
            Agent { bot: self.bots.class(user_agent.as_bytes()), device: self.names.devices.class(user_agent), ..Agent::default() };
        if let Some(found) = self.browsers.extract(user_agent) {
            agent.browser = named(&self.names.browsers, &found.family);
            agent.browser_version = found.major.map_or_else(String::new, |major| text::tidy(major, MAX_NAME));
        }
        if let Some(found) = self.systems.extract(user_agent) {
            agent.os = named(&self.names.systems, &found.os);
            agent.os_version = match (found.major.as_deref(), found.minor.as_deref()) {
                (Some(major), Some(minor)) => text::tidy(&format!("{major}.{minor}"), MAX_NAME),
                (Some(major), None) => text::tidy(major, MAX_NAME),
                (None, _) => String::new(),
            };
        }
        agent
    }
}

fn named(names: &HashMap<String, String>, family: &str) -> String {
    names.get(family).cloned().unwrap_or_else(|| text::tidy(family, MAX_NAME))
}

impl Devices {
    fn class(&self, user_agent: &str) -> &'static str {
        let says = |word: &str| user_agent.contains(word);
        let any = |words: &[String]| words.iter().any(|word| user_agent.contains(word.as_str()));
        if any(&self.screens) {
            ""
        } else if says("Windows NT") {
            // "Tablet PC" is a feature of desktop Windows.
            "Desktop"
        } else if any(&self.tablets) {
            "Tablet"
        } else if says("Mobi") || says("iPhone") || says("iPod") || says("Windows Phone") || says("Opera Mini") || says("BlackBerry") {
            "Mobile"
        } else if says("Android") {
            "Tablet"
        } else if says("Macintosh") || says("X11") || says("CrOS") || says("Linux") {
            "Desktop"
        } else {
            ""
        }
    }
}

/// The device class by the width of the viewport in CSS pixels: only where the user agent says nothing.
#[must_use]
pub const fn device_of_viewport(width: u32) -> &'static str {
    match width {
        0 => "",
        1..=767 => "Mobile",
        768..=1_024 => "Tablet",
        _ => "Desktop",
    }
}
