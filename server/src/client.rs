//! The address of the client, seen through trusted proxies: one rule for the collector and for sign-in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, request::Parts},
};
use footfall_config::Proxies;

/// The address of who sent a request that the listener accepted.
#[must_use]
pub fn client_address(parts: &Parts, proxies: &Proxies) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
    seen_through(peer, &parts.headers, proxies)
}

/// The peer's address, or, as long as that is a trusted proxy, the one that it names in
/// `X-Forwarded-For`, from right to left. What stands left of the first untrusted address may be forged and is not looked at.
fn seen_through(peer: IpAddr, headers: &HeaderMap, proxies: &Proxies) -> IpAddr {
    let mut client = peer.to_canonical();
    let values: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    // A line that is no text reads as a hop that is no address.
    let hops = values.iter().rev().flat_map(|value| value.to_str().unwrap_or("").rsplit(',')).map(str::trim);
    for hop in hops {
        if !proxies.trusts(client) {
            break;
        }
        // A proxy that writes something unreadable is the nearest thing to the client that is known.
        let Some(address) = read_address(hop) else { break };
        client = address.to_canonical();
    }
    client
}

/// An address, perhaps with a port and in brackets.
fn read_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// What limits go by: an IPv4 address, or the /64 that one IPv6 customer gets.
#[must_use]
pub fn limited_network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded: &[&str], proxies: &str) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        seen_through(peer.parse().unwrap(), &headers, &proxies.parse().unwrap()).to_string()
    }

    #[test]
    fn believes_only_trusted_proxies() {
        let proxies = "127.0.0.1/32,10.0.0.0/8";
        for (peer, forwarded, client) in [
            ("192.0.2.1", &["203.0.113.9"][..], "192.0.2.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", &["198.51.100.7, 203.0.113.9, 10.1.1.1"], "203.0.113.9"),
            ("127.0.0.1", &["203.0.113.9", "10.1.1.1"], "203.0.113.9"),
            ("127.0.0.1", &["203.0.113.9, nonsense"], "127.0.0.1"),
            ("::ffff:127.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("127.0.0.1", &["203.0.113.9:1234"], "203.0.113.9"),
            ("127.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("127.0.0.1", &["6.6.6.6", "192.0.2.1", "10.0.0.5"], "192.0.2.1"),
            ("127.0.0.1", &["10.0.0.6, 10.0.0.5"], "10.0.0.6"),
            ("127.0.0.1", &[""], "127.0.0.1"),
            ("127.0.0.1", &["203.0.113.9", "\u{fc}"], "127.0.0.1"),
        ] {
            assert_eq!(seen(peer, forwarded, proxies), client, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn limits_ipv6_by_network() {
        assert_eq!(limited_network("2001:db8:1:2:3:4:5:6".parse().unwrap()).to_string(), "2001:db8:1:2::");
    }
}
