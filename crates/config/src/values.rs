//! The types of settings: each parses its accepted form.

use std::{net::IpAddr, str::FromStr};

use secrecy::{ExposeSecret, SecretString};

/// A value that does not have the accepted form; the message is made where key and source are known.
#[derive(Debug)]
pub struct Malformed;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err(Malformed),
        }
    }
}

/// A part of the product that a process can take on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Collects events, serves the tracker.
    Capture,
    /// Pages, analytics, settings.
    Query,
    /// Sign-in.
    Auth,
    /// Consumes the log.
    Processor,
}

/// The roles of a process: sorted, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(pub Vec<Role>);

impl Roles {
    /// Whether this process has a role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }
}

impl std::fmt::Display for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (nth, role) in self.0.iter().enumerate() {
            let name = match role {
                Role::Capture => "capture",
                Role::Query => "query",
                Role::Auth => "auth",
                Role::Processor => "processor",
            };
            write!(f, "{}{name}", if nth == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for Roles {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut roles = Vec::new();
        for name in text.split(',') {
            roles.push(match name.trim() {
                "capture" => Role::Capture,
                "query" => Role::Query,
                "auth" => Role::Auth,
                "processor" => Role::Processor,
                _ => return Err(Malformed),
            });
        }
        roles.sort();
        roles.dedup();
        Ok(Self(roles))
    }
}

/// Networks of proxies whose forwarding headers are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(pub Vec<(IpAddr, u8)>);

impl FromStr for Proxies {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut networks = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (address, prefix) = match part.split_once('/') {
                None => (part, None),
                Some((address, prefix)) => (address, Some(prefix)),
            };
            let address: IpAddr = address.parse().map_err(|_| Malformed)?;
            let longest = if address.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.map_or(Ok(longest), str::parse).map_err(|_| Malformed)?;
            if prefix > longest {
                return Err(Malformed);
            }
            networks.push((address, prefix));
        }
        Ok(Self(networks))
    }
}

impl Proxies {
    /// Whether an address lies in one of the networks. IPv4 addresses mapped into IPv6 count as IPv4.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|(network, prefix)| match (network.to_canonical(), address) {
            (IpAddr::V4(n), IpAddr::V4(a)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(*prefix)).unwrap_or(0);
                u32::from(n) & mask == u32::from(a) & mask
            }
            (IpAddr::V6(n), IpAddr::V6(a)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(*prefix)).unwrap_or(0);
                u128::from(n) & mask == u128::from(a) & mask
            }
            _ => false,
        })
    }
}

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl FromStr for Bytes {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (number, unit) = split_unit(text)?;
        let factor = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            "KB" | "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return Err(Malformed),
        };
        number.checked_mul(factor).map(Self).ok_or(Malformed)
    }
}

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(pub std::time::Duration);

impl FromStr for Duration {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (number, unit) = split_unit(text)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(Malformed),
        };
        number.checked_mul(seconds).map(|seconds| Self(std::time::Duration::from_secs(seconds))).ok_or(Malformed)
    }
}

fn split_unit(text: &str) -> Result<(u64, &str), Malformed> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text[..digits].parse().map_err(|_| Malformed)?;
    Ok((number, text[digits..].trim()))
}

/// A key that is never shown: nothing, or long enough that it cannot be guessed.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// The secret, empty if none is configured.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl FromStr for Secret {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.is_empty() || text.len() >= 32 { Ok(Self(SecretString::from(text.to_owned()))) } else { Err(Malformed) }
    }
}

/// A text that is never shown: another service's password, of whatever length that service took.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// The password, empty if none is configured.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        Self(SecretString::from(text.to_owned()))
    }
}

impl FromStr for Password {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Ok(Self::from(text))
    }
}

/// How a client of Kafka proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaSasl {
    /// The password itself; only over TLS.
    Plain,
    /// A proof of knowing it, by SHA-256.
    ScramSha256,
    /// The same by SHA-512.
    ScramSha512,
}

impl KafkaSasl {
    /// The mechanism's name in Kafka's protocol.
    #[must_use]
    pub const fn mechanism(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl FromStr for KafkaSasl {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text.to_ascii_lowercase().as_str() {
            "plain" => Ok(Self::Plain),
            "scram-sha-256" => Ok(Self::ScramSha256),
            "scram-sha-512" => Ok(Self::ScramSha512),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_match_by_prefix() {
        let proxies: Proxies = "10.0.0.0/8, ::1, fd00::/8, 0.0.0.0/32".parse().unwrap();
        for (address, trusted) in [
            ("10.9.9.9", true),
            ("11.0.0.1", false),
            ("::1", true),
            ("::2", false),
            ("fd12::1", true),
            ("::ffff:10.1.1.1", true),
            ("0.0.0.1", false),
        ] {
            assert_eq!(proxies.trusts(address.parse().unwrap()), trusted, "{address}");
        }
        assert!("0.0.0.0/0".parse::<Proxies>().unwrap().trusts("8.8.8.8".parse().unwrap()));
        for bad in ["10.0.0.0/33", "here", "1.2.3.4/x"] {
            assert!(bad.parse::<Proxies>().is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn sizes_and_durations() {
        assert_eq!("512 MiB".parse::<Bytes>().unwrap().0, 512 << 20);
        assert_eq!("7d".parse::<Duration>().unwrap().0.as_secs(), 604_800);
        for bad in ["", "x", "5 parsecs", "99999999999999999999d", "18446744073709551615GiB"] {
            assert!(bad.parse::<Bytes>().is_err() && bad.parse::<Duration>().is_err(), "{bad} was accepted");
        }
    }
}
