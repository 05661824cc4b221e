//! Another idea of the time for one process: a small library that the C compiler makes, to be loaded before all others.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, ensure};
use tempfile::TempDir;

const SOURCE: &str = include_str!("clock.c");

/// The library; it goes with this value.
pub struct Clock {
    folder: TempDir,
}

impl Clock {
    /// Makes it.
    ///
    /// # Errors
    /// When there is no C compiler.
    pub fn make() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("footfall-clock-")?;
        let (source, library) = (folder.path().join("clock.c"), folder.path().join("clock.so"));
        std::fs::write(&source, SOURCE)?;
        let made = Command::new("cc").args(["-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").output();
        let made = made.context("cc cannot be started; install a C compiler")?;
        ensure!(made.status.success(), "cc: {}", String::from_utf8_lossy(&made.stderr));
        Ok(Self { folder })
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("clock.so")
    }

    /// The variables that shift a process's clock by so many seconds.
    #[must_use]
    pub fn shifted_by(&self, seconds: i64) -> [(&'static str, String); 2] {
        [("LD_PRELOAD", self.library().display().to_string()), ("TEST_CLOCK_SHIFT", seconds.to_string())]
    }
}
