//! Servers that are broken, each in its own way: the first line that fails tells a stranger what to do.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;

use super::{Probed, each};
use crate::http;
use crate::practice::Practice;

/// What a server does with every connection: it reads what comes first and says this, or hangs.
#[derive(Debug, Clone, Copy)]
enum Way {
    Says(&'static str),
    SaysNothing,
}

/// Serves until the test's process ends.
fn broken(way: Way) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for socket in listener.incoming().map_while(Result::ok) {
            match way {
                Way::Says(text) => drop(thread::spawn(move || answer(socket, text))),
                Way::SaysNothing => kept.push(socket),
            }
        }
    });
    address
}

fn answer(mut socket: TcpStream, text: &str) {
    // Whoever has gone is answered nothing.
    let _came = socket.read(&mut [0; 4096]).is_ok();
    let _went = socket.write_all(text.as_bytes()).is_ok();
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
    let at = |way: Way| format!("http://{}/mcp", broken(way));
    let says = |text| at(Way::Says(text));
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
        ("hangs", at(Way::SaysNothing)),
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
