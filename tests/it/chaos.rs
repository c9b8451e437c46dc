//! `squall chaos` as Toxiproxy: the unmodified client of the crate `toxiproxy_rust` drives the proxy
//! through every toxic it knows. That client blocks, so each test is a thread without a runtime.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Child;
use std::thread;

use serde_json::{Value, json};
use toxiproxy_rust::client::Client;
use toxiproxy_rust::proxy::{Proxy, ProxyPack};

use crate::squall::serving;

/// `squall chaos`; ended when dropped.
pub(crate) struct Chaos {
    child: Child,
    api: String,
}

impl Chaos {
    pub(crate) fn start() -> Self {
        let (child, line) = serving(&["chaos", "--api", "127.0.0.1:0"]);
        let api = line.strip_prefix("api on http://").unwrap().to_owned();
        Self { child, api }
    }

    /// Where its API is.
    pub(crate) fn api(&self) -> &str {
        &self.api
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn client(&self) -> Client {
        Client::new(&self.api)
    }

    /// A proxy of this name in front of a server that sends back what it gets.
    fn proxy(&self, name: &str) -> Proxy {
        let pack = ProxyPack::new(name.to_owned(), "127.0.0.1:0".to_owned(), echo());
        self.client().populate(vec![pack]).unwrap().remove(0)
    }

    /// A request of our own, for what that client does not ask: status and body.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        self.ask_as("tests", method, path, body)
    }

    /// The same by somebody.
    fn ask_as(&self, agent: &str, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.api).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nuser-agent: {agent}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            self.api,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait()).is_ok();
    }
}

/// A server on this machine that sends back what it gets; its address.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut back = stream.try_clone().unwrap();
                let _copied = std::io::copy(&mut &stream, &mut back).is_ok();
                let _closed = back.shutdown(Shutdown::Write).is_ok();
            });
        }
    });
    address
}

/// What comes back of `sent` over a proxy, up to the end; nothing of a connection that is reset.
fn over(proxy: &Proxy, sent: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(&proxy.proxy_pack.listen)?;
    stream.write_all(sent)?;
    stream.shutdown(Shutdown::Write)?;
    let mut came = Vec::new();
    stream.read_to_end(&mut came)?;
    Ok(came)
}

const STREAM: &str = "downstream";
const WORDS: &[u8] = b"the quick brown fox";

#[test]
fn proxies_come_and_go_as_with_a_toxiproxy_server() {
    let chaos = Chaos::start();
    let client = chaos.client();
    assert!(client.is_running());
    assert!(client.version().unwrap().contains(r#""version":"2."#));
    let one = chaos.proxy("one");
    assert_ne!(one.proxy_pack.listen, "127.0.0.1:0", "port 0 is answered with the real one");
    assert_eq!(over(&one, WORDS).unwrap(), WORDS);
    assert!(client.all().unwrap().contains_key("one"));
    one.disable().unwrap();
    assert!(over(&one, WORDS).is_err(), "nobody listens there");
    one.enable().unwrap();
    assert_eq!(over(&one, WORDS).unwrap(), WORDS);
    one.with_down(|| assert!(over(&one, WORDS).is_err())).unwrap();
    one.delete().unwrap();
    assert_eq!(client.all().unwrap().len(), 0);
}

/// Puts a toxic on a proxy, and gives the proxy back.
type Put<'a> = &'a dyn Fn(&Proxy) -> &Proxy;

/// Every toxic that the client knows: what it leaves of what is sent, and the default name.
#[test]
fn the_unmodified_client_drives_every_toxic_it_knows() {
    let chaos = Chaos::start();
    let proxy = chaos.proxy("toxics");
    let stream = || STREAM.to_owned();
    let steps: [(&str, Put<'_>, &[u8]); 6] = [
        ("latency_downstream", &|proxy| proxy.with_latency(stream(), 30, 10, 1.0), WORDS),
        ("bandwidth_downstream", &|proxy| proxy.with_bandwidth(stream(), 100, 1.0), WORDS),
        ("slow_close_downstream", &|proxy| proxy.with_slow_close(stream(), 30, 1.0), WORDS),
        ("timeout_downstream", &|proxy| proxy.with_timeout(stream(), 30, 1.0), b""),
        ("slicer_downstream", &|proxy| proxy.with_slicer(stream(), 4, 2, 10, 1.0), WORDS),
        ("limit_data_downstream", &|proxy| proxy.with_limit_data(stream(), 9, 1.0), b"the quick"),
    ];
    for (name, put, expected) in steps {
        put(&proxy);
        let toxics = proxy.toxics().unwrap();
        assert_eq!((toxics.len(), toxics[0].name.as_str()), (1, name));
        assert_eq!(over(&proxy, WORDS).unwrap(), expected, "{name}");
        proxy.delete_all_toxics().unwrap();
        assert_eq!(over(&proxy, WORDS).unwrap(), WORDS, "after {name}");
    }
    // Of no connection, and upstream.
    proxy.with_limit_data("upstream".to_owned(), 0, 0.0);
    assert_eq!(over(&proxy, WORDS).unwrap(), WORDS);
    let found = chaos.client().find_and_reset_proxy("toxics").unwrap();
    assert_eq!(found.toxics().unwrap().len(), 0);
    proxy.with_timeout("upstream".to_owned(), 30, 1.0);
    assert_eq!(over(&proxy, WORDS).unwrap(), b"");
    chaos.client().reset().unwrap();
    assert_eq!(over(&proxy, WORDS).unwrap(), WORDS);
}

/// A method, a path, a body, and what a Toxiproxy server answers.
type Row = (&'static str, &'static str, &'static str, u16, Option<&'static str>);

#[test]
fn statuses_and_errors_are_those_of_a_toxiproxy_server() {
    let chaos = Chaos::start();
    let upstream = echo();
    let made = json!({ "name": "p", "listen": "127.0.0.1:0", "upstream": upstream }).to_string();
    let (status, body) = chaos.ask("POST", "/proxies", &made);
    let shown: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &shown["enabled"], &shown["toxics"]), (201, &json!(true), &json!([])));
    assert_eq!(chaos.ask("POST", "/proxies", &made).0, 409);
    let rows: [Row; 17] = [
        (
            "POST",
            "/proxies",
            r#"{ "name": "p", "upstream": "127.0.0.1:1" }"#,
            409,
            Some("proxy already exists"),
        ),
        (
            "POST",
            "/proxies",
            r#"{ "upstream": "127.0.0.1:1" }"#,
            400,
            Some("missing required field: name"),
        ),
        ("POST", "/proxies", r#"{ "name": "q" }"#, 400, Some("missing required field: upstream")),
        ("GET", "/proxies/none", "", 404, Some("proxy not found")),
        ("PATCH", "/proxies/none", "{}", 404, Some("proxy not found")),
        ("DELETE", "/proxies/none", "", 404, Some("proxy not found")),
        ("GET", "/proxies/none/toxics", "", 404, Some("proxy not found")),
        ("GET", "/proxies/p/toxics/none", "", 404, Some("toxic not found")),
        ("DELETE", "/proxies/p/toxics/none", "", 404, Some("toxic not found")),
        ("POST", "/proxies/p/toxics", r#"{ "type": "none" }"#, 400, Some("invalid toxic type")),
        (
            "POST",
            "/proxies/p/toxics",
            r#"{ "type": "noop", "stream": "up" }"#,
            400,
            Some("stream was invalid, can be either upstream or downstream"),
        ),
        ("POST", "/proxies/p/toxics", r#"{ "type": "reset_peer", "name": "rst" }"#, 200, None),
        (
            "POST",
            "/proxies/p/toxics",
            r#"{ "type": "noop", "name": "rst" }"#,
            409,
            Some("toxic already exists"),
        ),
        ("PATCH", "/proxies/p/toxics/rst", r#"{ "toxicity": 0.5 }"#, 200, None),
        ("DELETE", "/proxies/p/toxics/rst", "", 204, None),
        ("POST", "/reset", "", 204, None),
        ("DELETE", "/proxies/p", "", 204, None),
    ];
    for (method, path, body, status, error) in rows {
        let (found, answer) = chaos.ask(method, path, body);
        assert_eq!(found, status, "{method} {path} {body}: {answer}");
        if let Some(error) = error {
            let answer: HashMap<String, Value> = serde_json::from_str(&answer).unwrap();
            assert_eq!((&answer["error"], &answer["status"]), (&json!(error), &json!(status)));
            assert_eq!(answer.len(), 2);
        }
    }
    for (path, body) in [("/proxies", "{"), ("/populate", "{}"), ("/proxies", "[1]")] {
        let (status, answer) = chaos.ask("POST", path, body);
        assert!(status == 400 && answer.contains("bad request body: "), "{answer}");
    }
}

#[test]
fn a_proxy_that_changes_listens_where_it_did() {
    let chaos = Chaos::start();
    let proxy = chaos.proxy("p");
    let listen = &proxy.proxy_pack.listen;
    for turn in 0..5 {
        let upstream = echo();
        let moved = json!({ "upstream": upstream }).to_string();
        let (status, body) = chaos.ask("POST", "/proxies/p", &moved);
        let shown: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &shown["enabled"]), (200, &json!(true)), "{turn}: {body}");
        assert_eq!((&shown["listen"], &shown["upstream"]), (&json!(listen), &json!(upstream)));
        assert_eq!(over(&proxy, WORDS).unwrap(), WORDS);
        let again = json!([{ "name": "p", "listen": listen, "upstream": echo() }]).to_string();
        assert_eq!(chaos.ask("POST", "/populate", &again).0, 201, "{turn}");
        assert_eq!(chaos.ask("POST", "/proxies/p", r#"{ "enabled": false }"#).0, 200);
        assert_eq!(chaos.ask("POST", "/proxies/p", r#"{ "enabled": true }"#).0, 200, "{turn}");
        assert_eq!(over(&proxy, WORDS).unwrap(), WORDS);
    }
    let toxic = r#"{ "type": "noop", "toxicity": 0.3 }"#;
    assert_eq!(chaos.ask("POST", "/proxies/p/toxics", toxic).0, 200);
    let (_, shown) = chaos.ask("GET", "/proxies/p", "");
    assert!(shown.contains(r#""toxicity":0.3,"#), "{shown}");
}

#[test]
fn a_page_in_a_browser_drives_nothing() {
    let chaos = Chaos::start();
    let made = json!({ "name": "p", "upstream": echo() }).to_string();
    assert_eq!(chaos.ask_as("Mozilla/5.0 (X11)", "POST", "/proxies", &made).0, 403);
    assert_eq!(chaos.ask("GET", "/proxies", "").1, "{}");
}

#[test]
fn a_reset_toxic_resets_at_the_first_bytes() {
    let chaos = Chaos::start();
    let proxy = chaos.proxy("resets");
    let toxic = r#"{ "type": "reset_peer", "attributes": { "timeout": 10 } }"#;
    assert_eq!(chaos.ask("POST", "/proxies/resets/toxics", toxic).0, 200);
    let error = over(&proxy, WORDS).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}
