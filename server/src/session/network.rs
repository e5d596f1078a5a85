//! From which network a request comes.

use axum::http::HeaderMap;
use ipnet::IpNet;
use std::net::IpAddr;

/// The client's address: the one at the other end of the connection, or, where that is a trusted proxy, the last
/// address in `X-Forwarded-For` that is not. What stands before it was written by strangers.
#[must_use]
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    let mut hops: Vec<IpAddr> = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        let Ok(text) = value.to_str() else { return peer };
        for hop in text.split(',') {
            match hop.trim().parse::<IpAddr>() {
                Ok(address) => hops.push(address.to_canonical()),
                // What stands before can't be relied on.
                Err(_) => hops.clear(),
            }
        }
    }
    hops.into_iter().rev().find(|hop| !is_trusted(hop)).unwrap_or(peer)
}

/// The network that an address belongs to, as far as limits are concerned: one IPv4 address, or the 64 bits that one
/// IPv6 subscriber has.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let seen = |peer: &str, forwarded: &[&'static str]| {
            let headers: HeaderMap = forwarded
                .iter()
                .map(|value| ("x-forwarded-for".parse().unwrap(), value.parse().unwrap()))
                .collect();
            client(ip(peer), &headers, &trusted)
        };
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"]), ip("192.0.2.1"));
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.2.2.2"]), ip("198.51.100.7"));
        assert_eq!(seen("10.0.0.1", &["203.0.113.9", "198.51.100.7"]), ip("198.51.100.7"));
        assert_eq!(seen("10.0.0.1", &["198.51.100.7, garbage"]), ip("10.0.0.1"));
        assert_eq!(seen("10.0.0.1", &[]), ip("10.0.0.1"));
        assert_eq!(network(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(network(ip("192.0.2.1")), ip("192.0.2.1"));
    }
}
