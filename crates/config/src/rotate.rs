//! Secrets that change while the process runs: what a `_FILE` variable names is read again when the file changes.
//!
//! A secrets manager or Kubernetes replaces the file; nobody restarts anything. A file that is missing, empty or half written, or whose new
//! content has not the accepted form, changes nothing: the last good value stays until a better one is there.

use std::{
    fmt,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    Sources,
    values::{Password, Secret},
};

/// The current value of one secret. Cheap to clone; all clones share it.
#[derive(Clone)]
pub struct SecretSource(Arc<Inner>);

struct Inner {
    sources: Arc<Sources>,
    key: &'static str,
    accepts: fn(&str) -> bool,
    /// The file that holds the value; none where it came from elsewhere and cannot change.
    file: Option<PathBuf>,
    state: Mutex<State>,
}

struct State {
    /// Of the file when the value was read.
    stamp: Option<Stamp>,
    value: Password,
}

/// What differs once a file was written or replaced: inode, length, and the times of content and inode in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp(u64, u64, (i64, i64), (i64, i64));

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let data = std::fs::metadata(path).ok()?;
        Some(Self(data.ino(), data.len(), (data.mtime(), data.mtime_nsec()), (data.ctime(), data.ctime_nsec())))
    }
}

impl SecretSource {
    fn new(sources: &Arc<Sources>, key: &'static str, accepts: fn(&str) -> bool) -> Self {
        let found = sources.look_up(key).ok().flatten();
        let file = found.as_ref().and_then(|found| found.file.clone());
        let value = found.map(|found| Password::from(found.value.as_str())).unwrap_or_else(|| Password::from(""));
        // No stamp yet: a change between reading and stamping would be missed, so the first use reads once more.
        Self(Arc::new(Inner { sources: sources.clone(), key, accepts, file, state: Mutex::new(State { stamp: None, value }) }))
    }

    /// The value now; empty if none is configured. Looks at the file's times, and reads it only when they changed.
    #[must_use]
    pub fn current(&self) -> Password {
        let inner = &self.0;
        let mut state = inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &inner.file else { return state.value.clone() };
        let Some(stamp) = Stamp::of(file) else { return state.value.clone() };
        if state.stamp != Some(stamp) {
            let found = inner.sources.look_up(inner.key).ok().flatten().map(|found| found.value);
            if let Some(value) = found.filter(|value| !value.is_empty() && (inner.accepts)(value)) {
                state.value = Password::from(value.as_str());
                state.stamp = Some(stamp);
            }
        }
        state.value.clone()
    }

    /// Whether the value can change while the process runs.
    #[must_use]
    pub fn can_change(&self) -> bool {
        self.0.file.is_some()
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretSource({})", self.0.key)
    }
}

/// Secrets whose files are watched: ask for the value where it is used, or where a connection is made anew.
#[derive(Clone, Debug)]
pub struct Rotating {
    /// As [`crate::SecretConfig::secret`].
    pub secret: SecretSource,
    /// As [`crate::KafkaConfig::kafka_password`].
    pub kafka_password: SecretSource,
    /// As [`crate::SeamConfig::live_password`].
    pub live_password: SecretSource,
    /// As [`crate::StoreConfig::store_password`].
    pub store_password: SecretSource,
    /// The URL of the accounts, which holds their password.
    pub accounts_url: SecretSource,
}

impl Rotating {
    pub(crate) fn new(sources: &Arc<Sources>) -> Self {
        let any: fn(&str) -> bool = |_| true;
        Self {
            secret: SecretSource::new(sources, "secret", |text| text.parse::<Secret>().is_ok()),
            kafka_password: SecretSource::new(sources, "kafka_password", any),
            live_password: SecretSource::new(sources, "live_password", any),
            store_password: SecretSource::new(sources, "store_password", any),
            accounts_url: SecretSource::new(sources, "accounts_url", |text| text.contains(':')),
        }
    }
}
