//! Where a webhook may go: https, and not into the institution's own networks unless that is said.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Origin, Url};

/// The longest address.
const LONGEST: usize = 2_000;

/// An address that is not posted to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no address of this kind.
    #[error(
        "it must be an address such as https://accounting.example.edu/quire, without a name, a password or a fragment in it"
    )]
    Form,
    /// It is not encrypted.
    #[error("it must begin with https; http is for this machine only")]
    Plain,
    /// It leads into a network that is not public.
    #[error(
        "it leads to {ip}, {what}; where that is meant, list its origin, such as {origin}, in bill_webhook.allow"
    )]
    Internal {
        /// The address that was found.
        ip: IpAddr,
        /// What it is.
        what: &'static str,
        /// Its scheme, host and port.
        origin: String,
    },
    /// An origin that is allowed is none.
    #[error("\"{0}\" is not an origin; write scheme, host and port, such as https://10.0.0.5:8443")]
    Origin(String),
    /// There is no such name.
    #[error("its name \"{name}\" has no address ({why})")]
    Unknown {
        /// The host's name.
        name: String,
        /// What the resolver said.
        why: String,
    },
}

/// A checked address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    /// It is written as this machine itself.
    local: bool,
    /// Its origin is allowed, wherever it leads.
    allowed: bool,
}

impl Target {
    /// Checks what can be seen on the address itself.
    ///
    /// # Errors
    /// Why it is not posted to.
    pub fn new(address: &str, allow: &[String]) -> Result<Self, Refused> {
        let allow = allow.iter().map(|text| origin(text)).collect::<Result<Vec<_>, _>>()?;
        let url = Url::parse(address.trim()).map_err(|_| Refused::Form)?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if address.len() > LONGEST || !plain || !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::Form);
        }
        let local = match url.host().ok_or(Refused::Form)? {
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
            Host::Domain(name) => name == "localhost",
        };
        if url.scheme() == "http" && !local {
            return Err(Refused::Plain);
        }
        let allowed = allow.contains(&url.origin());
        let target = Self { url, local, allowed };
        match target.url.host() {
            Some(Host::Ipv4(ip)) => target.check(ip.into())?,
            Some(Host::Ipv6(ip)) => target.check(ip.into())?,
            Some(Host::Domain(_)) | None => {}
        }
        Ok(target)
    }

    /// The address.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Its scheme, host and port, which hold no secret.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// The name that must be looked up, and the addresses that it has now; no name where the address holds its own.
    ///
    /// # Errors
    /// If there is none, or one of them must not be posted to.
    pub async fn look_up(&self) -> Result<Option<(String, Vec<SocketAddr>)>, Refused> {
        let Some(Host::Domain(name)) = self.url.host() else { return Ok(None) };
        let port = self.url.port_or_known_default().unwrap_or(443);
        let unknown = |why: String| Refused::Unknown { name: name.to_owned(), why };
        let found =
            tokio::net::lookup_host((name, port)).await.map_err(|error| unknown(error.to_string()))?;
        let found: Vec<SocketAddr> = found.collect();
        if found.is_empty() {
            return Err(unknown("none was found".to_owned()));
        }
        for address in &found {
            self.check(address.ip())?;
        }
        Ok(Some((name.to_owned(), found)))
    }

    /// May this address be posted to?
    fn check(&self, ip: IpAddr) -> Result<(), Refused> {
        if self.allowed || (self.local && ip.is_loopback()) {
            return Ok(());
        }
        match internal(ip) {
            Some(what) => Err(Refused::Internal { ip, what, origin: self.origin() }),
            None => Ok(()),
        }
    }
}

/// Reads an origin: nothing may follow host and port.
fn origin(text: &str) -> Result<Origin, Refused> {
    let wrong = || Refused::Origin(text.chars().take(200).collect());
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if bare && url.has_host() && matches!(url.scheme(), "http" | "https") {
        Ok(url.origin())
    } else {
        Err(wrong())
    }
}

/// What an address is that does not lie in the public internet; none where it does. An IPv4 address that is written as an
/// IPv6 one is never public: it would pass by what is known of IPv4.
#[must_use]
pub const fn internal(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => internal_v4(ip),
        IpAddr::V6(ip) => internal_v6(ip),
    }
}

const fn internal_v4(ip: Ipv4Addr) -> Option<&'static str> {
    Some(match ip.octets() {
        [127, ..] => "this machine itself",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "a private address",
        [169, 254, 169, 254] | [100, 100, 100, 200] | [192, 0, 0, 192] => "an address of a cloud's metadata",
        [169, 254, ..] => "a link-local address",
        [100, 64..=127, ..] => "an address shared behind a carrier's translation",
        [0, ..] => "an address of no host",
        [192, 0, 0, _]
        | [192, 0, 2, _]
        | [192, 88, 99, _]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => "an address for special use",
        [224..=239, ..] => "a multicast address",
        [240..=255, ..] => "a reserved address",
        _ => return None,
    })
}

const fn internal_v6(ip: Ipv6Addr) -> Option<&'static str> {
    Some(match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => "this machine itself",
        [0, 0, 0, 0, 0, 0, 0, 0] => "an address of no host",
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => {
            "an IPv4 address written as IPv6"
        }
        [0x64, 0xff9b, ..] | [0x2002, ..] | [0x2001, 0, ..] => "an IPv4 address within IPv6",
        [0xfc00..=0xfdff, ..] => "a private address",
        [0xfe80..=0xfebf, ..] => "a link-local address",
        [0xfec0..=0xfeff, ..] => "a site-local address",
        [0xff00..=0xffff, ..] => "a multicast address",
        // All that is given out lies in 2000::/3.
        [0x2001, 0x0db8, ..]
        | [0x2001, 1..=0x1ff, ..]
        | [0x3fff, 0..=0xfff, ..]
        | [0..=0x1fff, ..]
        | [0x4000..=0xfbff, ..] => "an address for special use",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn target(address: &str) -> Result<Target, Refused> {
        Target::new(address, &[])
    }

    #[test]
    fn addresses_that_are_taken_and_refused() {
        for good in [
            "https://accounting.example.edu/quire?key=1",
            "https://93.184.216.34/x",
            "https://[2606:2800:220:1::1]:8443/",
            "http://127.0.0.1:9000/x",
            "http://localhost:9000/x",
            "http://[::1]/",
        ] {
            assert!(target(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "accounting",
            "ftp://x.example/",
            "https://",
            "https://me@x.example/",
            "https://:pw@x.example/",
            "https://x.example/#a",
        ] {
            assert_eq!(target(bad), Err(Refused::Form), "{bad}");
        }
        assert_eq!(target(&format!("https://x.example/{}", "a".repeat(2_000))), Err(Refused::Form));
        assert_eq!(target("http://accounting.example.edu/"), Err(Refused::Plain));
        // However it is written, it is the address that counts.
        for inner in [
            "https://10.0.0.5/x",
            "https://0x0a.0.0.5/",
            "https://169.254.169.254/latest/meta-data",
            "https://2852039166/",
            "https://100.64.1.1/",
            "https://[fd00:ec2::254]/",
            "https://[::ffff:93.184.216.34]/",
            "https://0.0.0.0/",
        ] {
            assert!(matches!(target(inner), Err(Refused::Internal { .. })), "{inner}: {:?}", target(inner));
        }
    }

    #[test]
    fn an_origin_is_allowed_exactly() {
        let allow = ["https://10.0.0.5:8443".to_owned()];
        assert!(Target::new("https://10.0.0.5:8443/bills", &allow).is_ok());
        for other in ["https://10.0.0.5/bills", "https://10.0.0.6:8443/", "https://10.0.0.5:8444/"] {
            assert!(Target::new(other, &allow).is_err(), "{other}");
        }
        assert_eq!(
            Target::new("http://10.0.0.5:8443/", &["http://10.0.0.5:8443".to_owned()]),
            Err(Refused::Plain)
        );
        for wrong in ["10.0.0.5", "https://10.0.0.5/x", "https://a@10.0.0.5", "*"] {
            let told = Target::new("https://x.example/", &[wrong.to_owned()]).unwrap_err();
            assert_eq!(told, Refused::Origin(wrong.to_owned()));
        }
    }

    #[test]
    fn a_name_must_not_lead_inside() {
        let named = target("https://accounting.example.edu/").unwrap();
        let told = named.check("10.1.2.3".parse().unwrap()).unwrap_err().to_string();
        assert_eq!(
            told,
            "it leads to 10.1.2.3, a private address; where that is meant, list its origin, such as \
             https://accounting.example.edu, in bill_webhook.allow"
        );
        assert!(named.check("127.0.0.1".parse().unwrap()).is_err(), "a name is not this machine");
        assert!(named.check("93.184.216.34".parse().unwrap()).is_ok());
        let local = target("http://localhost/").unwrap();
        assert!(local.check("::1".parse().unwrap()).is_ok());
        assert!(local.check("10.1.2.3".parse().unwrap()).is_err());
        let allow = ["https://accounting.example.edu".to_owned()];
        let allowed = Target::new("https://accounting.example.edu/", &allow).unwrap();
        assert!(allowed.check("10.1.2.3".parse().unwrap()).is_ok());
    }

    #[test]
    fn networks_that_are_not_public() {
        for (ip, what) in [
            ("10.255.0.1", Some("a private address")),
            ("172.15.0.1", None),
            ("172.16.0.1", Some("a private address")),
            ("172.32.0.1", None),
            ("192.168.9.9", Some("a private address")),
            ("169.254.1.1", Some("a link-local address")),
            ("169.254.169.254", Some("an address of a cloud's metadata")),
            ("100.63.255.255", None),
            ("100.64.0.0", Some("an address shared behind a carrier's translation")),
            ("100.127.255.255", Some("an address shared behind a carrier's translation")),
            ("100.128.0.0", None),
            ("0.1.2.3", Some("an address of no host")),
            ("198.19.0.1", Some("an address for special use")),
            ("224.0.0.1", Some("a multicast address")),
            ("255.255.255.255", Some("a reserved address")),
            ("8.8.8.8", None),
            ("::1", Some("this machine itself")),
            ("::", Some("an address of no host")),
            ("::ffff:8.8.8.8", Some("an IPv4 address written as IPv6")),
            ("::8.8.8.8", Some("an IPv4 address written as IPv6")),
            ("64:ff9b::a00:1", Some("an IPv4 address within IPv6")),
            ("2002:a00:1::", Some("an IPv4 address within IPv6")),
            ("fd12::1", Some("a private address")),
            ("fe80::1", Some("a link-local address")),
            ("ff02::1", Some("a multicast address")),
            ("2001:db8::1", Some("an address for special use")),
            ("2001:4860:4860::8888", None),
            ("2a00:1450::1", None),
        ] {
            assert_eq!(internal(ip.parse().unwrap()), what, "{ip}");
        }
    }
}
