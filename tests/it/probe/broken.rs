//! Servers that are broken, each in its own way: the first line that fails tells a stranger what to do.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use rustls::{ServerConnection, StreamOwned};

use super::{Probed, each, set};
use crate::certificates::{Authority, Years};
use crate::http;
use crate::practice::Practice;
use crate::squall::Place;
use crate::stranger::Stranger;

/// Reads what comes first, says this, and ends the connection.
fn says(text: &'static str) -> String {
    let stranger = Stranger::that(move |mut socket| {
        // Whoever has gone is answered nothing.
        let _came = socket.read(&mut [0; 4096]).is_ok();
        let _went = socket.write_all(text.as_bytes()).is_ok();
    });
    stranger.url()
}

const HTML: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 20\r\n\
                    connection: close\r\n\r\n<h1>Hello there</h1>";
const HTML_500: &str = "HTTP/1.1 500 Oops\r\ncontent-type: text/html\r\ncontent-length: 14\r\n\
                        connection: close\r\n\r\n<h1>Oops</h1>\n";
const NO_BODY: &str = "content-length: 0\r\nconnection: close\r\n\r\n";
const OTHER_JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\
                          connection: close\r\n\r\n{\"ok\":true}";
const CUT: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";

fn head(status: &str, headers: &str) -> &'static str {
    Box::leak(format!("HTTP/1.1 {status}\r\n{headers}{NO_BODY}").into_boxed_str())
}

#[test]
fn the_first_line_that_fails_says_what_to_do() {
    let practice = Practice::with(&[]);
    let guarded = Practice::with(&["--auth", "{ consent = \"form\" }"]);
    let unregistered = Practice::with(&["--auth", "{ registration = false }"]);
    let redirects = Practice::with(&["--defect", "endpoint-redirect"]);
    let bearer = "www-authenticate: Bearer\r\n";
    let servers = [
        ("nothing listens", format!("http://{}/mcp", http::free_address())),
        ("no such name", "http://no-such-name.invalid/mcp".to_owned()),
        ("https on a plain port", practice.url().replace("http:", "https:")),
        ("another path", practice.url().replace("/mcp", "/api")),
        ("hangs", Stranger::silent().url()),
        ("hangs up", says("")),
        ("speaks SSH", says("SSH-2.0-OpenSSH_9.9\r\n")),
        ("a web page", says(HTML)),
        ("a page of an error", says(HTML_500)),
        ("other JSON", says(OTHER_JSON)),
        ("is cut off", says(CUT)),
        ("404", says(head("404 Not Found", ""))),
        ("405", says(head("405 Method Not Allowed", "allow: GET\r\n"))),
        ("429", says(head("429 Too Many Requests", "retry-after: 60\r\n"))),
        ("502", says(head("502 Bad Gateway", ""))),
        ("401 that says nothing", says(head("401 Unauthorized", ""))),
        ("401 without metadata", says(head("401 Unauthorized", bearer))),
        ("403", says(head("403 Forbidden", ""))),
        ("redirects to a login", says(head("302 Found", "location: /login\r\n"))),
        ("redirects to itself with a slash", redirects.url()),
        ("a form to log in", guarded.url()),
        ("no registration", unregistered.url()),
    ];
    let found = Mutex::new(Vec::new());
    let numbered: Vec<_> = servers.iter().enumerate().collect();
    each(&numbered, |(number, (what, url))| {
        let authorised = url.contains("invalid").then_some("--i-am-authorised");
        let probed = Probed::of(url, authorised.as_slice());
        let address = url.split('/').nth(2).unwrap();
        let failure = probed.first_failure().unwrap().replace(address, "ADDRESS");
        found.lock().unwrap().push((*number, format!("{what} [{}]\n  {failure}", probed.code)));
    });
    let mut found = found.into_inner().unwrap();
    found.sort();
    let text = found.iter().fold(String::new(), |mut text, (_, line)| {
        writeln!(text, "{line}").unwrap();
        text
    });
    insta::assert_snapshot!(text);
}

#[test]
fn a_certificate_that_ends_soon_is_seen_in_time() {
    let authority = Authority::new();
    for (years, expected) in [(Years::Soon, &["certificate"][..]), (Years::Now, &[])] {
        let config = authority.signs(&["127.0.0.1"], years).server(&["http/1.1"]);
        let server = Stranger::that(move |socket| {
            let Ok(session) = ServerConnection::new(Arc::clone(&config)) else { return };
            let mut stream = StreamOwned::new(session, socket);
            // A connection that is only looked at ends without a request.
            if stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {
                let _went = stream.write_all(head("404 Not Found", "").as_bytes()).is_ok();
            }
        });
        let place = Place::new();
        place.file("ca.pem", &authority.pem());
        let ca_file = place.path().join("ca.pem");
        let url = format!("https://127.0.0.1:{}/mcp", server.port());
        let probed = Probed::with(&url, &format!("tls = {{ ca_file = {ca_file:?} }}"));
        assert_eq!((probed.fired(), probed.code), (set(expected), 3), "{years:?}");
        let tls = probed.list("steps").iter().find(|step| step["name"] == "tls").unwrap();
        let found = tls["found"].as_str().unwrap();
        assert!(found.starts_with("TLS 1.3, 1 certificate sent, "), "{found}");
        assert_eq!(found.ends_with(" 4 days left"), !expected.is_empty(), "{found}");
    }
}
