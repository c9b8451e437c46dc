//! Where a client may be sent to by metadata: https or loopback, and never from outside inwards.
//!
//! RFC 8414 section 2 and OAuth 2.1 section 1.5 want https; loopback is excepted for tests (RFC
//! 8252 section 7.3). MCP security best practices, "Server-side request forgery": metadata of a
//! public server must not lead a client into its own network.

use std::net::IpAddr;

use url::{Host, Url};

use crate::model::address::is_public;

/// Why a URL is not gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unfit {
    /// Neither https, nor http on loopback.
    #[error("only https is gone to, or http on loopback (RFC 8414 section 2)")]
    Plain,
    /// A loopback or private address, named by a server that is not there.
    #[error(
        "a public server must not lead into a private network (MCP security best practices, \
         server-side request forgery)"
    )]
    Inwards,
    /// Not an absolute URL with a host.
    #[error("this is no absolute URL of a host (RFC 8414 section 2)")]
    NoUrl,
    /// It contains user, password or fragment.
    #[error("it must hold neither user nor fragment (RFC 6749 section 3.1)")]
    Adorned,
}

/// Which network something is in, from the innermost outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// This machine.
    Loopback,
    /// A private, link-local or otherwise not globally routable network.
    Private,
    /// Anywhere.
    Public,
}

impl Network {
    /// The network of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.to_canonical().is_loopback() {
            Self::Loopback
        } else if is_public(address) {
            Self::Public
        } else {
            Self::Private
        }
    }

    /// The network of a URL, as far as its host tells and, if given, by the addresses that its
    /// name was resolved to: the innermost counts.
    pub fn of_url(url: &Url, resolved: &[IpAddr]) -> Self {
        let named = match url.host() {
            Some(Host::Ipv4(address)) => Self::of(address.into()),
            Some(Host::Ipv6(address)) => Self::of(address.into()),
            Some(Host::Domain(name)) => of_name(name),
            None => Self::Public,
        };
        resolved.iter().copied().map(Self::of).fold(named, Self::min)
    }
}

/// Names that no public server has: of one label, and those reserved for networks of one's own.
fn of_name(name: &str) -> Network {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    match name.rsplit_once('.').map_or(name.as_str(), |(_, last)| last) {
        "localhost" => Network::Loopback,
        "internal" | "local" => Network::Private,
        last if last == name => Network::Private,
        _ => Network::Public,
    }
}

/// Holds a URL that metadata name to the rules, for a target in this network.
///
/// # Errors
/// Why the client does not go there.
pub fn fit(url: &Url, target: Network, resolved: &[IpAddr]) -> Result<(), Unfit> {
    if url.host().is_none() {
        return Err(Unfit::NoUrl);
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(Unfit::Adorned);
    }
    let network = Network::of_url(url, resolved);
    match url.scheme() {
        "https" => {}
        "http" if Network::of_url(url, &[]) == Network::Loopback => {}
        _ => return Err(Unfit::Plain),
    }
    if network < target { Err(Unfit::Inwards) } else { Ok(()) }
}

/// Reads a URL that metadata name, and holds it to the rules.
///
/// # Errors
/// As [`fit`].
pub fn read(text: &str, target: Network) -> Result<Url, Unfit> {
    let url = Url::parse(text).map_err(|_| Unfit::NoUrl)?;
    fit(&url, target, &[]).map(|()| url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn which_network_an_address_is_in() {
        use Network::{Loopback, Private, Public};
        let cases = [
            ("127.0.0.1", Loopback),
            ("127.8.9.1", Loopback),
            ("::1", Loopback),
            ("::ffff:127.0.0.1", Loopback),
            ("10.1.2.3", Private),
            ("169.254.169.254", Private),
            ("0.0.0.0", Private),
            ("fd00::1", Private),
            ("::ffff:10.0.0.1", Private),
            ("8.8.8.8", Public),
            ("2001:4860::1", Public),
        ];
        for (text, expected) in cases {
            assert_eq!(Network::of(text.parse().unwrap()), expected, "{text}");
        }
    }

    /// endpoint, resolved to, for a target in which network -> why not.
    #[test]
    fn where_a_client_goes() {
        use Network::{Loopback, Private, Public};
        use Unfit::{Adorned, Inwards, NoUrl, Plain};
        let cases: &[(&str, &[&str], Network, Option<Unfit>)] = &[
            ("https://as.test/token", &[], Public, None),
            ("https://as.test/token?tenant=7", &[], Public, None),
            ("http://as.test/token", &[], Public, Some(Plain)),
            ("http://as.test/token", &[], Loopback, Some(Plain)),
            ("http://10.0.0.1/token", &[], Private, Some(Plain)),
            ("http://127.0.0.1:9/token", &[], Loopback, None),
            ("http://[::1]:9/token", &[], Loopback, None),
            ("http://localhost/token", &[], Loopback, None),
            ("http://as.localhost/token", &[], Loopback, None),
            ("https://as.test/token", &[], Loopback, None),
            ("http://localhost/token", &[], Public, Some(Inwards)),
            ("https://127.0.0.1/token", &[], Private, Some(Inwards)),
            ("https://169.254.169.254/latest", &[], Public, Some(Inwards)),
            ("https://10.0.0.1/token", &[], Public, Some(Inwards)),
            ("https://10.0.0.1/token", &[], Private, None),
            ("https://0x7f.1/token", &[], Public, Some(Inwards)),
            ("https://auth.internal/token", &[], Public, Some(Inwards)),
            ("https://keycloak/token", &[], Public, Some(Inwards)),
            ("https://keycloak/token", &[], Private, None),
            // A public name that leads inwards shows only when it is resolved.
            ("https://as.test/token", &["8.8.8.8"], Public, None),
            ("https://as.test/token", &["8.8.8.8", "192.168.0.9"], Public, Some(Inwards)),
            ("https://as.test/token", &["192.168.0.9"], Private, None),
            // And a name that is resolved to loopback is still spoken to in plain text.
            ("http://as.test/token", &["127.0.0.1"], Loopback, Some(Plain)),
            ("https://u:p@as.test/token", &[], Public, Some(Adorned)),
            ("https://as.test/token#f", &[], Public, Some(Adorned)),
            ("ftp://as.test/token", &[], Public, Some(Plain)),
            ("file:///etc/passwd", &[], Public, Some(NoUrl)),
            ("javascript:alert(1)", &[], Public, Some(NoUrl)),
        ];
        for (text, resolved, target, expected) in cases {
            let url = Url::parse(text).unwrap();
            let found = fit(&url, *target, &addresses(resolved)).err();
            assert_eq!(found, *expected, "{text} {resolved:?} {target:?}");
        }
        for text in ["", "/token", "as.test/token", "https://"] {
            assert_eq!(read(text, Public), Err(NoUrl), "{text}");
        }
    }
}
