//! Whose request it is: the address of the connection, or what proxies that the operator trusts say of it.

use std::net::IpAddr;

use axum::http::HeaderMap;
use footfall_config::Proxies;

/// From right to left through `X-Forwarded-For`: every address that a trusted proxy added, up to the first that is not one itself. Anything
/// left of it could be the client's invention.
pub fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &Proxies) -> IpAddr {
    let mut client = peer.to_canonical();
    let lists: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    let hops = lists.iter().rev().flat_map(|value| value.to_str().unwrap_or("").rsplit(','));
    for hop in hops {
        if !trusted.trusts(client) {
            break;
        }
        match address(hop) {
            Some(next) => client = next.to_canonical(),
            None => break,
        }
    }
    client
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip())).or_else(|| {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("203.0.113.9", &[], "203.0.113.9")]
    #[case("203.0.113.9", &["192.0.2.1"], "203.0.113.9")]
    #[case("127.0.0.1", &["192.0.2.1"], "192.0.2.1")]
    #[case("::ffff:127.0.0.1", &["192.0.2.1"], "192.0.2.1")]
    #[case("127.0.0.1", &["6.6.6.6, 192.0.2.1, 10.0.0.5"], "192.0.2.1")]
    #[case("127.0.0.1", &["6.6.6.6", "192.0.2.1", "10.0.0.5"], "192.0.2.1")]
    #[case("127.0.0.1", &["192.0.2.1, rubbish"], "127.0.0.1")]
    #[case("127.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1")]
    #[case("127.0.0.1", &["192.0.2.1:5555"], "192.0.2.1")]
    #[case("127.0.0.1", &[""], "127.0.0.1")]
    #[case("127.0.0.1", &["10.0.0.6, 10.0.0.5"], "10.0.0.6")]
    fn proxies(#[case] peer: &str, #[case] forwarded: &[&str], #[case] expected: &str) {
        let trusted: Proxies = "127.0.0.1/32,10.0.0.0/8".parse().unwrap();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        assert_eq!(client_ip(peer.parse().unwrap(), &headers, &trusted), expected.parse::<IpAddr>().unwrap());
    }
}
