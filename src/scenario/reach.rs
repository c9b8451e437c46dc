//! How `[target]` is reached where its URL does not say it: HTTP version, names, address, TLS.

use std::net::{IpAddr, SocketAddr};

use url::Url;

use crate::model::plan::{Http, Reach, TargetUrl, Tls};

use super::document::{Entry, Value};
use super::mistake::Place;
use super::reader::Table;
use super::scalar::{Wrong, text_of};

const RESOLVE: &str = "\"host:port=address\", such as \"tools.example.com:443=127.0.0.1\"";

/// `resolve`: whose name it is, and what is dialled.
struct Resolve {
    host: String,
    port: u16,
    address: SocketAddr,
}

/// Reads those keys of `[target]`; `url` is what stands there, if it is right.
pub(super) fn read(target: &Table<'_>, url: Option<&TargetUrl>) -> Reach {
    let http = target
        .key("http", "Version of HTTP; auto agrees on one within TLS, and speaks 1.1 without TLS.")
        .word(&[("auto", Http::Negotiated), ("1.1", Http::One), ("2", Http::Two)], &[])
        .or_as(Http::Negotiated, "\"auto\"");
    let host = target
        .key("host", "The Host header (:authority in HTTP/2) instead of the URL's.")
        .read("a host, or host:port", |node| host_of(text_of(node)?))
        .optional();
    let resolve = target
        .key("resolve", "An address to dial instead of what the URL's name resolves to.")
        .read(RESOLVE, |node| resolve_of(text_of(node)?))
        .optional();
    let doc = "TLS of an https:// target: what it trusts and asks for.";
    let tls = target.table("tls", doc, tls);
    match url {
        Some(TargetUrl::Url(url)) => agree(target, url, resolve.as_ref()),
        Some(TargetUrl::Practice) => alone(target),
        None => {}
    }
    Reach { http, host, resolve: resolve.map(|resolve| resolve.address), tls }
}

fn tls(table: &Table<'_>) -> Tls {
    let ca_file = table
        .key("ca_file", "A PEM file of certificates that are trusted besides the system's.")
        .text()
        .optional();
    let crl_file = table
        .key("crl_file", "A PEM file of revocation lists; nothing is fetched.")
        .text()
        .optional();
    let server_name = table
        .key("server_name", "The name asked for (SNI) and verified instead of the URL's.")
        .read("a host name or an address", |node| server_name_of(text_of(node)?))
        .optional();
    let resumption = table
        .key(
            "resumption",
            "Handshakes go on with earlier sessions; Python's ssl, as httpx uses it, does not.",
        )
        .truth()
        .or(false);
    for key in ["insecure", "verify"] {
        let why = "certificates are always verified, as Claude does";
        table.never(key, why, "trust a test CA with ca_file instead");
    }
    Tls { ca_file, crl_file, server_name, resumption }
}

/// The practice target is where squall starts it, and speaks HTTP/1.1 without TLS.
fn alone(target: &Table<'_>) {
    for key in ["http", "host", "resolve", "tls"] {
        if let Some(place) = said(target, key) {
            let found = format!("target.{key} belongs to a URL, and the target is \"practice\"");
            target.log().wrong(place, found, "remove it, or name a server of yours");
        }
    }
}

/// Where a key says something; `tls = {}` says nothing.
fn said(target: &Table<'_>, key: &str) -> Option<Place> {
    let empty =
        |entry: &&Entry| matches!(&entry.node.value, Value::Table(tls) if tls.entries.is_empty());
    let entry = target.entries().iter().find(|entry| entry.key == key);
    entry.filter(|entry| !empty(entry)).map(|entry| entry.key_place)
}

/// What is said about a URL must be about that URL.
fn agree(target: &Table<'_>, url: &str, resolve: Option<&Resolve>) {
    let Ok(url) = Url::parse(url) else { return };
    if let (Some(place), "http") = (said(target, "tls"), url.scheme()) {
        let found = "target.tls belongs to an https:// target, and this one is http://";
        target.log().wrong(place, found, "remove it, or change the URL");
    }
    let Some(Resolve { host, port, .. }) = resolve else { return };
    let (named, at) = (url.host_str().unwrap_or_default(), url.port_or_known_default());
    if !host.eq_ignore_ascii_case(named) || Some(*port) != at {
        let place = target.place_of("resolve");
        let found = "target.resolve is about another host, or another port, than the URL";
        let right = format!("the target is at {named}:{}", at.unwrap_or_default());
        let right = target.log().discreet(target.place_of("url"), right, "the URL's host and port");
        target.log().wrong(place, found, right);
    }
}

fn host_of(text: &str) -> Result<String, Wrong> {
    let sound = text.parse::<http::uri::Authority>().is_ok_and(|host| host.as_str() == text);
    if sound && !text.contains('@') {
        return Ok(text.to_owned());
    }
    Err("expected a host, or host:port, without scheme and path".to_owned())
}

fn server_name_of(text: &str) -> Result<String, Wrong> {
    match url::Host::parse(text) {
        Ok(url::Host::Domain(name)) => Ok(name),
        Ok(url::Host::Ipv4(address)) => Ok(address.to_string()),
        _ => text
            .parse::<IpAddr>()
            .map(|address| address.to_string())
            .map_err(|_| "expected a host name or an address, without port".to_owned()),
    }
}

fn resolve_of(text: &str) -> Result<Resolve, Wrong> {
    let wrong = || format!("expected {RESOLVE}");
    let (name, address) = text.split_once('=').ok_or_else(wrong)?;
    let (host, port) = name.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    if host.is_empty() {
        return Err(wrong());
    }
    let alone = address.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let address = match alone {
        Ok(alone) => SocketAddr::new(alone, port),
        Err(_) => address.parse().map_err(|_| wrong())?,
    };
    Ok(Resolve { host: host.to_owned(), port, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolve_names_whom_and_where() {
        let good = [
            ("a.test:443=127.0.0.1", "a.test", 443, "127.0.0.1:443"),
            ("a.test:443=127.0.0.1:8443", "a.test", 443, "127.0.0.1:8443"),
            ("a.test:80=::1", "a.test", 80, "[::1]:80"),
            ("a.test:80=[::1]:8080", "a.test", 80, "[::1]:8080"),
        ];
        for (text, host, port, address) in good {
            let read = resolve_of(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}"));
            assert_eq!((read.host.as_str(), read.port), (host, port), "{text}");
            assert_eq!(read.address, address.parse().unwrap(), "{text}");
        }
        for text in ["", "a.test", "a.test:443", "a.test=127.0.0.1", ":443=127.0.0.1", "a:1=b"] {
            assert!(resolve_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_names() {
        for text in ["a.test", "a.test:8443", "[::1]:80"] {
            assert_eq!(host_of(text).as_deref(), Ok(text));
        }
        for text in ["http://a.test", "a.test/x", "me@a.test", "a b", ""] {
            assert!(host_of(text).is_err(), "{text}");
        }
        for text in ["a.test", "127.0.0.1", "::1"] {
            assert_eq!(server_name_of(text).as_deref(), Ok(text));
        }
        for text in ["a.test:443", "a b", ""] {
            assert!(server_name_of(text).is_err(), "{text}");
        }
    }
}
