//! Who sent an event, for one UTC day: keyed hashes that mean nothing once the day's salt is destroyed.
//!
//! # Hashes
//! SipHash-2-4 under the 16-byte [`Salt`] over parts, each preceded by its length as `u32` little endian:
//!
//! | hash | parts |
//! |---|---|
//! | visitor | `visitor`, domain id (16 bytes), address (4 or 16 bytes), user agent |
//! | session | `session`, domain id, session id |
//! | page | `page`, domain id, page id |
//! | client (rate limits, never stored) | `client`, address (IPv6: its /64) |
//!
//! A user id is hashed alike (`user`, domain id, user id), under a key that derives from the installation's secret and lasts.
//!
//! # Which salt
//! The salt of the UTC day of the event's time. Events that are back-dated by more than 30 minutes to another UTC day use a key derived from
//! the salt of the day of receipt and the event's day, and imports one derived from the job's own salt and the event's day: [`Salt::on_day`].
//!
//! # Over midnight
//! A visit that is alive at midnight goes on, so an event in the first 30 minutes of a UTC day also carries the hashes that its sender had
//! the day before. They are *sealed*, so that what is durable cannot chain a person over days once the salt is gone:
//!
//! ```text
//! base64( nonce (12) ‖ ChaCha20-Poly1305( visitor (8, big endian) [‖ session (8)] ) ‖ tag (16) ), unpadded URL-safe alphabet
//! key = SHA-256("footfall previous v1" ‖ salt)      associated data = domain id (16) ‖ the record's own visitor (8, big endian)
//! ```
//!
//! The salt here is the one of the UTC day on which the record was *received*, or the job's own for an import. The processor opens it with
//! [`Salt::unseal_previous`]; where the salt is gone, the visit ends at midnight.

use std::{fmt, hash::Hasher, net::IpAddr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use footfall_model::{Hash64, SiteId};
use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher24;

/// Days since 1970-01-01 UTC.
pub type Day = i64;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// An event this long after midnight can still belong to a visit of the day before (30 minutes, exclusive: the visit's last event came
/// before midnight).
pub const CARRY_OVER_MS: i64 = 1_800_000;

/// The UTC day of a time in milliseconds.
#[must_use]
pub const fn day_of(ts: i64) -> Day {
    ts.div_euclid(DAY_MS)
}

/// Whether an event at this time carries the hashes of the day before.
#[must_use]
pub const fn carries_previous(ts: i64) -> bool {
    ts.rem_euclid(DAY_MS) < CARRY_OVER_MS
}

/// 16 random bytes that key one day's hashes, or one import's. Never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 16]);

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// The hashes that a sender had on the day before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Previous {
    /// Visitor.
    pub visitor: Hash64,
    /// Session, where the sender gave a session id.
    pub session: Option<Hash64>,
}

impl Salt {
    /// From its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The key for another day than the salt's own.
    #[must_use]
    pub fn on_day(&self, day: Day) -> Self {
        let digest = Sha256::new().chain_update(b"footfall day v1").chain_update(self.0).chain_update(day.to_be_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(bytes)
    }

    /// Who sent it.
    #[must_use]
    pub fn visitor(&self, site: SiteId, address: IpAddr, user_agent: &[u8]) -> Hash64 {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.hash(&[b"visitor", site.0.as_bytes(), &v4.octets(), user_agent]),
            IpAddr::V6(v6) => self.hash(&[b"visitor", site.0.as_bytes(), &v6.octets(), user_agent]),
        }
    }

    /// The sender's session id.
    #[must_use]
    pub fn session(&self, site: SiteId, session_id: &str) -> Hash64 {
        self.hash(&[b"session", site.0.as_bytes(), session_id.as_bytes()])
    }

    /// A client, for its rate limit. IPv6 clients own a whole /64.
    #[must_use]
    pub fn client(&self, address: IpAddr) -> Hash64 {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.hash(&[b"client", &v4.octets()]),
            IpAddr::V6(v6) => self.hash(&[b"client", &v6.octets()[..8]]),
        }
    }

    fn hash(&self, parts: &[&[u8]]) -> Hash64 {
        keyed(&self.0, parts)
    }

    /// Seals yesterday's hashes for the record of `visitor`. See the module's text.
    #[must_use]
    pub fn seal_previous(&self, site: SiteId, visitor: Hash64, previous: Previous) -> Option<String> {
        let mut plain = previous.visitor.0.to_be_bytes().to_vec();
        if let Some(session) = previous.session {
            plain.extend(session.0.to_be_bytes());
        }
        let nonce: [u8; 12] = rand::random();
        let aad = associated_data(site, visitor);
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), Payload { msg: &plain, aad: &aad }).ok()?;
        Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Opens what [`Self::seal_previous`] sealed; none if it was sealed under another salt, for another record, or changed.
    #[must_use]
    pub fn unseal_previous(&self, site: SiteId, visitor: Hash64, sealed: &str) -> Option<Previous> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<12>()?;
        let aad = associated_data(site, visitor);
        let plain = self.cipher().decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &aad }).ok()?;
        let (visitor, rest) = plain.split_first_chunk::<8>()?;
        let session = rest.split_first_chunk::<8>().map(|(session, _)| Hash64(u64::from_be_bytes(*session)));
        Some(Previous { visitor: Hash64(u64::from_be_bytes(*visitor)), session })
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        let key: [u8; 32] = Sha256::new().chain_update(b"footfall previous v1").chain_update(self.0).finalize().into();
        ChaCha20Poly1305::new(&key.into())
    }
}

fn associated_data(site: SiteId, visitor: Hash64) -> [u8; 24] {
    let mut data = [0; 24];
    data[..16].copy_from_slice(site.0.as_bytes());
    data[16..].copy_from_slice(&visitor.0.to_be_bytes());
    data
}

/// Keys the hashes of user ids for as long as the installation's secret lasts. Never printed.
#[derive(Clone, Copy)]
pub struct UserKey([u8; 16]);

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserKey(…)")
    }
}

impl UserKey {
    /// From the installation's secret.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(b"footfall user v1").chain_update(secret).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(bytes)
    }

    /// The sender's user id, different on each domain.
    #[must_use]
    pub fn user(&self, site: SiteId, user_id: &str) -> Hash64 {
        keyed(&self.0, &[b"user", site.0.as_bytes(), user_id.as_bytes()])
    }
}

fn keyed(key: &[u8; 16], parts: &[&[u8]]) -> Hash64 {
    let mut hasher = SipHasher24::new_with_key(key);
    for part in parts {
        hasher.write(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        hasher.write(part);
    }
    Hash64(hasher.finish())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const SITE: SiteId = SiteId(Uuid::from_u128(7));
    const SALT: Salt = Salt::new([1; 16]);

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_hash_is_siphash_2_4_over_length_prefixed_parts() {
        // The published vector: key 00..0f, no input.
        let key: [u8; 16] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        assert_eq!(keyed(&key, &[]), Hash64(0x726f_db47_dd0e_0e31));
        let mut hasher = SipHasher24::new_with_key(&key);
        hasher.write(&[1, 0, 0, 0, b'a', 0, 0, 0, 0]);
        assert_eq!(keyed(&key, &[b"a", b""]), Hash64(hasher.finish()));
    }

    #[test]
    fn a_visitor_differs_by_salt_day_domain_address_and_agent() {
        let one = SALT.visitor(SITE, ip("192.0.2.1"), b"ua");
        assert_eq!(one, SALT.visitor(SITE, ip("::ffff:192.0.2.1"), b"ua"));
        for other in [
            Salt::new([2; 16]).visitor(SITE, ip("192.0.2.1"), b"ua"),
            SALT.on_day(1).visitor(SITE, ip("192.0.2.1"), b"ua"),
            SALT.on_day(2).visitor(SITE, ip("192.0.2.1"), b"ua"),
            SALT.visitor(SiteId(Uuid::from_u128(8)), ip("192.0.2.1"), b"ua"),
            SALT.visitor(SITE, ip("192.0.2.2"), b"ua"),
            SALT.visitor(SITE, ip("2001:db8::1"), b"ua"),
            SALT.visitor(SITE, ip("192.0.2.1"), b"other"),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(SALT.client(ip("2001:db8::1")), SALT.client(ip("2001:db8::2")));
        assert_ne!(SALT.client(ip("192.0.2.1")), SALT.client(ip("192.0.2.2")));
        assert_ne!(UserKey::derive(b"a").user(SITE, "u"), UserKey::derive(b"b").user(SITE, "u"));
    }

    #[test]
    fn yesterdays_hashes_open_only_with_the_same_salt_for_the_same_record() {
        let visitor = Hash64(9);
        for previous in [Previous { visitor: Hash64(1), session: None }, Previous { visitor: Hash64(u64::MAX), session: Some(Hash64(2)) }] {
            let sealed = SALT.seal_previous(SITE, visitor, previous).unwrap();
            assert_eq!(SALT.unseal_previous(SITE, visitor, &sealed), Some(previous));
            assert_ne!(SALT.seal_previous(SITE, visitor, previous).unwrap(), sealed, "the nonce repeats");
            assert_eq!(Salt::new([2; 16]).unseal_previous(SITE, visitor, &sealed), None);
            assert_eq!(SALT.unseal_previous(SITE, Hash64(8), &sealed), None);
            assert_eq!(SALT.unseal_previous(SiteId(Uuid::nil()), visitor, &sealed), None);
            assert_eq!(SALT.unseal_previous(SITE, visitor, &sealed[1..]), None);
        }
    }

    #[test]
    fn only_the_first_half_hour_carries_yesterday() {
        assert!(carries_previous(0) && carries_previous(CARRY_OVER_MS - 1) && carries_previous(DAY_MS * 20_000));
        assert!(!carries_previous(CARRY_OVER_MS) && !carries_previous(DAY_MS - 1) && !carries_previous(-1));
        assert_eq!((day_of(-1), day_of(0), day_of(DAY_MS)), (-1, 0, 1));
    }

    #[test]
    fn salts_do_not_print() {
        assert_eq!(format!("{SALT:?} {:?}", UserKey::derive(b"x")), "Salt(…) UserKey(…)");
    }

    proptest! {
        #[test]
        fn opening_rubbish_does_not_panic(text in any::<String>(), bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(SALT.unseal_previous(SITE, Hash64(0), &text), None);
            prop_assert_eq!(SALT.unseal_previous(SITE, Hash64(0), &URL_SAFE_NO_PAD.encode(bytes)), None);
        }
    }
}
