//! What a promotion keeps in the data folder: `promotion.json`, readable by its owner alone, as the target's settings hold passwords.

use std::{io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::Context;
use footfall_model::Offset;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const FILE: &str = "promotion.json";

/// How far a promotion is.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    id: Uuid,
    /// The target's settings, as they were given.
    pub target: String,
    /// The target was found fit.
    pub is_begun: bool,
    /// Everything below these places is in the target; what comes after is forwarded.
    pub forwarding: Option<Forwarding>,
}

/// Offsets of both local logs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Forwarding {
    /// Of what happens now.
    pub live: Offset,
    /// Of imports.
    pub import: Offset,
}

impl State {
    /// A new promotion.
    pub fn new(target: &str) -> Self {
        Self { id: Uuid::new_v4(), target: target.to_owned(), is_begun: false, forwarding: None }
    }

    /// The name of its copies.
    pub fn name(&self) -> String {
        self.id.to_string()
    }

    /// The one of a data folder.
    pub fn read(data: &Path) -> anyhow::Result<Option<Self>> {
        let file = data.join(FILE);
        match std::fs::read(&file) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).with_context(|| format!("{} cannot be read", file.display()))?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
        }
    }

    /// Keeps it, whole or not at all.
    pub fn write(&self, data: &Path) -> anyhow::Result<()> {
        let (file, new) = (data.join(FILE), data.join(format!("{FILE}.new")));
        let write = || -> std::io::Result<()> {
            let mut out = std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
            out.write_all(&serde_json::to_vec(self)?)?;
            out.sync_all()?;
            std::fs::rename(&new, &file)?;
            std::fs::File::open(data)?.sync_all()
        };
        write().with_context(|| format!("{} cannot be written", file.display()))
    }
}
