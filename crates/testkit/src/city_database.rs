//! A small city database in MaxMind's format (<https://maxmind.github.io/MaxMind-DB/>): IPv4 networks, records of 24 bits.

use std::net::Ipv4Addr;

/// A network of 256 addresses and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Any address of it.
    pub address: Ipv4Addr,
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// The part of ISO 3166-2 after the country, and its name.
    pub region: (&'static str, &'static str),
    /// GeoNames id and name.
    pub city: (u32, &'static str),
}

const DEPTH: u32 = 24;
/// Zeros between tree and data.
const GAP: usize = 16;

#[derive(Clone, Copy)]
enum To {
    Nowhere,
    Node(usize),
    Data(usize),
}

/// The bytes of the file.
#[must_use]
pub fn bytes(networks: &[Network]) -> Vec<u8> {
    let (mut nodes, mut data) = (vec![[To::Nowhere; 2]], Vec::new());
    for network in networks {
        let at = data.len();
        data.extend(record(network));
        let address = u32::from(network.address);
        let mut node = 0;
        for depth in 0..DEPTH {
            let bit = usize::from(address >> (31 - depth) & 1 == 1);
            node = match nodes[node][bit] {
                _ if depth + 1 == DEPTH => {
                    nodes[node][bit] = To::Data(at);
                    break;
                }
                To::Node(next) => next,
                To::Nowhere | To::Data(_) => {
                    nodes.push([To::Nowhere; 2]);
                    let next = nodes.len() - 1;
                    nodes[node][bit] = To::Node(next);
                    next
                }
            };
        }
    }
    let count = nodes.len();
    let number = |to: To| match to {
        To::Nowhere => count,
        To::Node(node) => node,
        To::Data(at) => count + GAP + at,
    };
    let mut file: Vec<u8> =
        nodes.iter().flatten().flat_map(|to| u32::try_from(number(*to)).unwrap_or(0).to_be_bytes().into_iter().skip(1)).collect();
    file.extend([0; GAP]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.extend(map(&[
        ("binary_format_major_version", whole(5, 2)),
        ("binary_format_minor_version", whole(5, 0)),
        ("build_epoch", whole(9, 1_700_000_000)),
        ("database_type", text("Test-City")),
        ("description", map(&[])),
        ("ip_version", whole(5, 4)),
        ("languages", list(&[text("en")])),
        ("node_count", whole(6, count as u64)),
        ("record_size", whole(5, 24)),
    ]));
    file
}

fn record(network: &Network) -> Vec<u8> {
    let named = |name: &str| map(&[("en", text(name))]);
    let ((region, region_name), (city, city_name)) = (network.region, network.city);
    map(&[
        ("country", map(&[("iso_code", text(network.country))])),
        ("subdivisions", list(&[map(&[("iso_code", text(region)), ("names", named(region_name))])])),
        ("city", map(&[("geoname_id", whole(6, u64::from(city))), ("names", named(city_name))])),
    ])
}

/// The head of a value: its type and how long it is, below 29.
fn head(kind: u8, size: usize) -> Vec<u8> {
    assert!(size < 29, "longer values have another head");
    let size = size as u8;
    if kind < 8 { vec![kind << 5 | size] } else { vec![size, kind - 7] }
}

fn text(value: &str) -> Vec<u8> {
    [head(2, value.len()), value.as_bytes().to_vec()].concat()
}

fn whole(kind: u8, value: u64) -> Vec<u8> {
    let bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    [head(kind, bytes.len()), bytes].concat()
}

fn list(values: &[Vec<u8>]) -> Vec<u8> {
    [head(11, values.len()), values.concat()].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries_bytes = entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat());
    head(7, entries.len()).into_iter().chain(entries_bytes).collect()
}
