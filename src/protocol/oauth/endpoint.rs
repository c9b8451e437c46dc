//! Where a client may be sent to by metadata: https or loopback, and never from outside inwards.
//!
//! RFC 8414 section 2 and OAuth 2.1 section 1.5 want https; loopback is excepted for tests (RFC
//! 8252 section 7.3). MCP security best practices, "Server-side request forgery": metadata of a
//! public server must not lead a client into its own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

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
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => address.to_ipv4_mapped().map_or_else(|| of_v6(address), of_v4),
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

fn of_name(name: &str) -> Network {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        Network::Loopback
    } else if name.ends_with(".internal") || name.ends_with(".local") {
        Network::Private
    } else {
        Network::Public
    }
}

fn of_v4(address: Ipv4Addr) -> Network {
    let [a, b, c, _] = address.octets();
    if address.is_loopback() {
        Network::Loopback
    } else if address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240
    {
        Network::Private
    } else {
        Network::Public
    }
}

fn of_v6(address: Ipv6Addr) -> Network {
    if address.is_loopback() {
        Network::Loopback
    } else if address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_multicast()
    {
        Network::Private
    } else {
        Network::Public
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
