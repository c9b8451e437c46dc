//! TLS that fails says why, each cause in its own words, and what to do.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::{Authority, Identity, Years};
use crate::squall::{Done, Order, Place};
use crate::stranger::Stranger;

const HTTP_1: &[&str] = &["http/1.1"];

/// A server that speaks TLS, and nothing within it.
fn guarded(config: Arc<ServerConfig>) -> Stranger {
    Stranger::that(move |stream| {
        let Ok(session) = ServerConnection::new(Arc::clone(&config)) else { return };
        let mut stream = StreamOwned::new(session, stream);
        let _client_left = stream.read_to_end(&mut Vec::new()).is_ok();
    })
}

/// The storm against this port of 127.0.0.1 over TLS, trusting this authority.
fn order<'a>(place: &'a Place, authority: &Authority, port: u16) -> Order<'a> {
    place.file("ca.pem", &authority.pem());
    place
        .run("research-storm")
        .short()
        .target(&format!("https://127.0.0.1:{port}/mcp"))
        .set("target.tls.ca_file", r#""ca.pem""#)
}

/// What a person reads when a server with such a certificate is looked at.
fn refused(authority: &Authority, identity: &Identity) -> String {
    let server = guarded(identity.server(HTTP_1));
    let place = Place::new();
    timeless(&order(&place, authority, server.port()).go().refused(3, &place))
}

/// Without the seconds that rustls names.
fn timeless(text: &str) -> String {
    let seconds = regex::Regex::new(r"\d{9,}").unwrap();
    seconds.replace_all(text, "[TIME]").into_owned()
}

#[test]
fn an_expired_certificate() {
    let authority = Authority::new();
    let identity = authority.signs(&["127.0.0.1"], Years::Past);
    insta::assert_snapshot!(refused(&authority, &identity));
}

#[test]
fn a_certificate_of_the_future() {
    let authority = Authority::new();
    let identity = authority.signs(&["127.0.0.1"], Years::Future);
    insta::assert_snapshot!(refused(&authority, &identity));
}

#[test]
fn a_certificate_for_another_name() {
    let authority = Authority::new();
    let identity = authority.signs(&["other.test"], Years::Now);
    insta::assert_snapshot!(refused(&authority, &identity));
}

#[test]
fn a_certificate_nobody_trusted_has_signed() {
    let identity = Authority::new().signs(&["127.0.0.1"], Years::Now);
    insta::assert_snapshot!(refused(&Authority::new(), &identity));
}

#[test]
fn a_revoked_certificate() {
    let authority = Authority::new();
    let [sound, revoked] = [(); 2].map(|()| authority.signs(&["127.0.0.1"], Years::Now));
    let server = guarded(revoked.server(HTTP_1));
    let place = Place::new();
    let listed = |identity: &Identity| {
        place.file("crl.pem", &authority.revokes(identity));
        let order = order(&place, &authority, server.port());
        let order = order.set("clients.override.connect_timeout", r#""1s""#);
        order.set("target.tls.crl_file", r#""crl.pem""#).go().refused(3, &place)
    };
    insta::assert_snapshot!(listed(&revoked));
    let other = listed(&sound);
    assert!(!other.contains("revoked"), "the list is about another certificate: {other}");
}

#[test]
fn plain_http_where_tls_is_spoken() {
    let identity = Authority::new().signs(&["127.0.0.1"], Years::Now);
    let server = guarded(identity.server(HTTP_1));
    let place = Place::new();
    let done = place.run("research-storm").target(&server.url()).go();
    insta::assert_snapshot!(done.refused(3, &place));
}

#[test]
fn tls_where_plain_http_is_spoken() {
    let silent = Stranger::silent();
    let talks = Stranger::that(|mut stream| {
        let _heard = stream.read(&mut [0; 64]).is_ok();
        let _left = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").is_ok();
    });
    for (what, port) in [("answers", talks.port()), ("is_silent", silent.port())] {
        let place = Place::new();
        let order = order(&place, &Authority::new(), port);
        let done = order.set("clients.override.connect_timeout", r#""1s""#).go();
        let text = done.refused(3, &place);
        insta::assert_snapshot!(format!("tls_where_plain_http_is_spoken_and_it_{what}"), text);
    }
}

#[test]
fn a_server_that_leaves_within_the_handshake() {
    let server = Stranger::that(|mut stream| {
        let _heard = stream.read(&mut [0; 4096]).is_ok();
    });
    let place = Place::new();
    let done = order(&place, &Authority::new(), server.port()).go();
    insta::assert_snapshot!(done.refused(3, &place));
}

#[test]
fn a_server_without_the_version_of_http_asked_for() {
    let authority = Authority::new();
    let identity = authority.signs(&["127.0.0.1"], Years::Now);
    let place = Place::new();
    for alpn in [HTTP_1, &[]] {
        let server = guarded(identity.server(alpn));
        let done = order(&place, &authority, server.port()).set("target.http", r#""2""#).go();
        let text = done.refused(3, &place);
        assert!(text.contains("it does not agree to the HTTP version asked for"), "{text}");
        assert!(text.contains("leave http under [target] to \"auto\""), "{text}");
    }
}

#[test]
fn files_that_are_not_what_their_keys_say() {
    let place = Place::new();
    place.file("text.pem", "hello");
    place.file("broken.pem", "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n");
    let of = |key: &str, path: &str| -> Done {
        let order = place.run("research-storm").target("https://127.0.0.1:9/mcp");
        order.set(&format!("target.tls.{key}"), &format!("{path:?}")).go()
    };
    let cases = [
        ("ca_file", "none.pem", "cannot read none.pem"),
        ("ca_file", "text.pem", "text.pem holds none"),
        ("ca_file", "broken.pem", "broken.pem cannot be understood"),
        ("crl_file", "text.pem", "a PEM file of revocation lists is expected"),
    ];
    for (key, path, words) in cases {
        let text = of(key, path).refused(2, &place);
        assert!(text.contains(&format!("{key} under [target.tls]")), "{text}");
        assert!(text.contains(words), "{text}");
    }
}
