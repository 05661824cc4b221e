//! Passwords: length rules, and argon2id with OWASP's parameters (19 MiB, 2 passes, 1 lane: argon2's defaults).

use std::{fmt, sync::LazyLock};

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};

use crate::{Meta, MetaError};

/// Shorter ones are guessed too easily (NIST 800-63B asks for 8; sign-in is on the open internet here).
pub const MIN_CHARS: usize = 10;
/// Longer ones only cost time to hash.
pub const MAX_CHARS: usize = 200;

/// A password that fits the rules; `Debug` hides it.
#[derive(Clone)]
pub struct Password(String);

/// A text is no acceptable password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a password has {MIN_CHARS} to {MAX_CHARS} characters; choose a longer phrase")]
pub struct NotAPassword;

impl Password {
    /// Checks the length, in characters.
    ///
    /// # Errors
    /// When it is too short or too long.
    pub fn new(text: impl Into<String>) -> Result<Self, NotAPassword> {
        let text = text.into();
        if (MIN_CHARS..=MAX_CHARS).contains(&text.chars().take(MAX_CHARS + 1).count()) { Ok(Self(text)) } else { Err(NotAPassword) }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Compared with when there is no such user, so that the answer takes as long as for one who exists.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash("no one has this password").ok());

impl Meta {
    /// Hashes on a thread of its own.
    pub(crate) async fn hash_password(&self, password: &Password) -> Result<String, MetaError> {
        let text = password.0.clone();
        self.off_thread(move || hash(&text)).await?
    }

    /// Whether the password belongs to the hash; without a hash it works as hard and says no.
    pub(crate) async fn password_fits(&self, stored: Option<String>, attempt: &str) -> Result<bool, MetaError> {
        if attempt.len() > MAX_CHARS * 4 {
            return Ok(false);
        }
        let attempt = attempt.to_owned();
        self.off_thread(move || {
            let known = stored.is_some();
            let Some(text) = stored.or_else(|| NOBODY.clone()) else { return false };
            let fits = PasswordHash::new(&text).is_ok_and(|parsed| Argon2::default().verify_password(attempt.as_bytes(), &parsed).is_ok());
            fits && known
        })
        .await
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, MetaError> {
        let _turn = self.hashing.acquire().await.map_err(|_| MetaError::refused("the server is shutting down"))?;
        tokio::task::spawn_blocking(work).await.map_err(|_| MetaError::refused("password hashing was cut off; try again"))
    }
}

fn hash(text: &str) -> Result<String, MetaError> {
    let failed = |error| MetaError::Refused(format!("this password cannot be hashed: {error}; choose another one"));
    let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).map_err(failed)?;
    Ok(Argon2::default().hash_password(text.as_bytes(), &salt).map_err(failed)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_not_bytes() {
        assert!(Password::new("ääääääääää").is_ok());
        assert!(Password::new("123456789").is_err());
        assert!(Password::new("x".repeat(200)).is_ok());
        assert!(Password::new("x".repeat(201)).is_err());
    }

    #[test]
    fn hashes_name_argon2id_and_its_cost() {
        let made = hash("correct horse battery").unwrap();
        assert!(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{made}");
    }

    #[test]
    fn is_hidden_in_debug_output() {
        assert_eq!(format!("{:?}", Password::new("correct horse").unwrap()), "Password(…)");
    }
}
