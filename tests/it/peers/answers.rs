//! What each server answers to the questions of every kind of client, asked by hand: a table a
//! server, its modes side by side, so that a new version's difference is a line to look at.

use std::fmt::Write;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::peer::{Answer, Kind, Peer, Question};

/// How long the one answer is waited for that never comes.
const BRIEFLY: Duration = Duration::from_secs(4);

const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
const MODERN: &str = "2026-07-28";

/// What was asked, and in short what was answered.
type Row = (String, String);

/// Someone who asks one server by hand.
struct Hand<'a> {
    peer: &'a Peer,
    session: Option<String>,
    asked: u64,
    rows: Vec<Row>,
}

impl<'a> Hand<'a> {
    fn new(peer: &'a Peer) -> Self {
        Self { peer, session: None, asked: 0, rows: Vec::new() }
    }

    fn note(&mut self, what: &str, answered: String) {
        self.rows.push((what.to_owned(), answered));
    }

    fn ask(&mut self, what: &str, question: &Question) -> Option<Answer> {
        let answer = question.ask(self.peer.address()).ok();
        self.note(what, answer.as_ref().map_or("no answer".to_owned(), said));
        answer
    }

    fn request(&mut self, method: &str, params: &Value) -> String {
        self.asked += 1;
        let id = self.asked;
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
    }

    /// A question of the era before 2026-07-28, in the session, if there is one.
    fn legacy(&self, body: &str) -> Question {
        self.in_session("2025-11-25", Question::post("/mcp", body))
    }

    fn in_session(&self, version: &str, question: Question) -> Question {
        let question = question.header("mcp-protocol-version", version);
        match &self.session {
            Some(session) => question.header("mcp-session-id", session),
            None => question,
        }
    }

    fn initialize(&mut self, version: &str) -> Question {
        let params = json!({
            "protocolVersion": version, "capabilities": {},
            "clientInfo": { "name": "by hand", "version": "1" },
        });
        Question::post("/mcp", &self.request("initialize", &params))
    }

    fn modern(&mut self, version: &str, method: &str, mut params: Value) -> Question {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "by hand", "version": "1" },
        });
        let question = Question::post("/mcp", &self.request(method, &params));
        question.header("mcp-protocol-version", version).header("mcp-method", method)
    }
}

/// An answer in short: status, media type, and what a client has to tell apart.
fn said(answer: &Answer) -> String {
    let mut said = format!("{} {}", answer.status(), answer.media());
    match serde_json::from_str(&answer.text) {
        Ok(message) => said.push_str(&meant(&message)),
        Err(_) if answer.media() == "html" => {}
        Err(_) if answer.text.is_empty() => {}
        Err(_) => write!(said, " {:?}", answer.text.trim_end()).unwrap(),
    }
    if answer.header("mcp-session-id").is_some() {
        said.push_str(" +session");
    }
    said
}

fn meant(message: &Value) -> String {
    if let Some(batch) = message.as_array() {
        return format!(" batch of {}", batch.len());
    }
    let result = &message["result"];
    let Some(code) = message["error"]["code"].as_i64() else {
        let version = result["protocolVersion"].as_str();
        let failed = result["isError"] == true;
        let said = version.or(failed.then_some("isError")).or(result["resultType"].as_str());
        return said.map_or(String::new(), |said| format!(" {said}"));
    };
    let supported = match &message["error"]["data"]["supported"] {
        Value::Null => String::new(),
        supported => format!(" supported {}", supported.as_array().map_or(0, Vec::len)),
    };
    let id = match message.get("id") {
        Some(Value::Number(_)) => String::new(),
        Some(other) => format!(" id {other}"),
        None => " no id".to_owned(),
    };
    format!(" {code}{supported}{id}")
}

/// Everything that is asked of an endpoint that speaks Streamable HTTP.
fn streamable(peer: &Peer) -> Vec<Row> {
    let mut hand = Hand::new(peer);
    handshake(&mut hand);
    requests(&mut hand);
    mistakes(&mut hand);
    sessions(&mut hand);
    versions(&mut hand);
    modern(&mut hand);
    hand.rows
}

fn handshake(hand: &mut Hand<'_>) {
    let question = hand.initialize("2025-11-25");
    let answer = hand.ask("initialize", &question).unwrap();
    hand.session = answer.header("mcp-session-id").map(str::to_owned);
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    hand.ask("notifications/initialized", &hand.legacy(&initialized.to_string()));
}

fn requests(hand: &mut Hand<'_>) {
    let echo = json!({ "name": "echo", "arguments": { "message": "hello" } });
    for (what, method, params) in [
        ("ping", "ping", json!({})),
        ("tools/list", "tools/list", json!({})),
        ("tools/call", "tools/call", echo),
        ("a tool it lacks", "tools/call", json!({ "name": "nonsense", "arguments": {} })),
        ("arguments it cannot use", "tools/call", json!({ "name": "echo", "arguments": {} })),
        ("a method it lacks", "nonsense/do", json!({})),
    ] {
        let body = hand.request(method, &params);
        hand.ask(what, &hand.legacy(&body));
    }
}

fn mistakes(hand: &mut Hand<'_>) {
    let ping = hand.request("ping", &json!({}));
    hand.ask("no JSON", &hand.legacy("{"));
    hand.ask("a batch", &hand.legacy(&format!("[{ping}]")));
    let old = hand.in_session("1999-01-01", Question::post("/mcp", &ping));
    hand.ask("a version in the head that never was", &old);
}

fn sessions(hand: &mut Hand<'_>) {
    let ping = hand.request("ping", &json!({}));
    let bare = Question::post("/mcp", &ping).header("mcp-protocol-version", "2025-11-25");
    hand.ask("without a session", &bare);
    hand.ask("in an unknown session", &bare.clone().header("mcp-session-id", &"ab12".repeat(8)));
    let get = hand.in_session("2025-11-25", Question::get("/mcp"));
    let first = get.opened(hand.peer.address()).unwrap();
    hand.note("GET", said(&first));
    hand.ask("a second GET beside it", &get);
    drop(first);
    let delete = hand.in_session("2025-11-25", Question::delete("/mcp"));
    hand.ask("DELETE", &delete);
    hand.ask("in a deleted session", &hand.legacy(&ping));
    hand.ask("DELETE again", &delete);
}

fn versions(hand: &mut Hand<'_>) {
    for version in LEGACY.into_iter().chain([MODERN, "1999-01-01"]) {
        let question = hand.initialize(version);
        hand.ask(&format!("initialize {version}"), &question);
    }
}

fn modern(hand: &mut Hand<'_>) {
    let echo = || json!({ "name": "echo", "arguments": { "message": "hello" } });
    let question = hand.modern(MODERN, "server/discover", json!({}));
    hand.ask("server/discover", &question);
    let question = hand.modern(MODERN, "tools/list", json!({}));
    hand.ask("modern tools/list", &question);
    let unnamed = hand.modern(MODERN, "tools/call", echo());
    hand.ask("modern tools/call", &unnamed.clone().header("mcp-name", "echo"));
    hand.ask("without Mcp-Name", &unnamed);
    hand.ask("with another Mcp-Name", &unnamed.header("mcp-name", "refuse"));
    let body = hand.request("tools/list", &json!({}));
    let bare = Question::post("/mcp", &body).header("mcp-protocol-version", MODERN);
    hand.ask("without _meta", &bare.header("mcp-method", "tools/list"));
    let question = hand.modern("2099-01-01", "tools/list", json!({}));
    hand.ask("a version to come", &question);
    let question = hand.modern(MODERN, "nonsense/do", json!({}));
    hand.ask("a modern method it lacks", &question);
    let question = hand.modern(MODERN, "subscriptions/listen", json!({ "notifications": {} }));
    hand.ask("subscriptions/listen", &question);
}

/// Everything that is asked of a server that speaks HTTP+SSE, the transport of 2024-11-05.
fn http_sse(peer: &Peer) -> Vec<Row> {
    let mut hand = Hand::new(peer);
    let question = hand.initialize("2025-11-25").at("/sse");
    hand.ask("initialize at /sse", &question);
    let mut stream = Question::get("/sse").opened(peer.address()).unwrap();
    hand.note("GET /sse", said(&stream));
    let (event, endpoint) = stream.event().unwrap();
    let (place, session) = endpoint.split_once('=').unwrap();
    hand.note("its first event", format!("{event} {place}=[SESSION]"));
    let mut told = |hand: &mut Hand<'_>, what: &str, question: Question| {
        hand.ask(what, &question.at(&endpoint));
        let (event, message) = told_about(&mut stream, hand.asked);
        hand.note("  on the stream", format!("{event}{}", meant(&message)));
    };
    let question = hand.initialize("2024-11-05");
    told(&mut hand, "initialize 2024-11-05", question);
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let question = Question::post(&endpoint, &initialized.to_string());
    hand.ask("notifications/initialized", &question);
    let echo = json!({ "name": "echo", "arguments": { "message": "hello" } });
    for (what, method, params) in [
        ("tools/list", "tools/list", json!({})),
        ("tools/call", "tools/call", echo),
        ("a tool it lacks", "tools/call", json!({ "name": "nonsense", "arguments": {} })),
        ("a method it lacks", "nonsense/do", json!({})),
    ] {
        let body = hand.request(method, &params);
        told(&mut hand, what, Question::post("", &body));
    }
    let ping = hand.request("ping", &json!({}));
    hand.ask("no JSON", &Question::post(&endpoint, "{"));
    let elsewhere: String = session.chars().rev().collect();
    let unknown = Question::post(&format!("{place}={elsewhere}"), &ping).patience(BRIEFLY);
    hand.ask("in an unknown session", &unknown);
    let path = place.split('?').next().unwrap();
    hand.ask("without a session", &Question::post(path, &ping).patience(BRIEFLY));
    hand.ask("DELETE", &Question::delete(&endpoint));
    hand.rows
}

/// The event that answers a request, among others that tell of the server.
fn told_about(stream: &mut Answer, id: u64) -> (String, Value) {
    let events = std::iter::from_fn(|| stream.event());
    let mut messages = events.map(|(event, data)| (event, serde_json::from_str(&data).unwrap()));
    let answers = |message: &Value| message.get("method").is_none() && message["id"] == id;
    messages.find(|(_, message)| answers(message)).expect("an answer on the stream")
}

/// The answers of a server in its modes, which run at the same time.
fn table(name: &str, columns: &[(&str, Kind)], ask: fn(&Peer) -> Vec<Row>) -> String {
    let answers: Vec<Vec<Row>> = thread::scope(|scope| {
        let asking: Vec<_> =
            columns.iter().map(|(_, kind)| scope.spawn(|| ask(&Peer::start(*kind)))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    let mut lines = vec![vec![name.to_owned()]];
    lines[0].extend(columns.iter().map(|(heading, _)| (*heading).to_owned()));
    for (number, (what, _)) in answers[0].iter().enumerate() {
        let cells = answers.iter().map(|rows| rows[number].1.clone());
        lines.push([what.clone()].into_iter().chain(cells).collect());
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..=columns.len()).map(|column| width(column).unwrap()).collect();
    let mut table = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let cells: Vec<String> = cells.collect();
        writeln!(table, "{}", cells.join("  ").trim_end()).unwrap();
    }
    eprintln!("{table}");
    table
}

/// The modes of one server, as they are headed in its table.
fn modes<const N: usize>(
    kind: fn(&'static str) -> Kind,
    modes: [&'static str; N],
) -> [(&'static str, Kind); N] {
    modes.map(|mode| (mode, kind(mode)))
}

const PYTHON: [&str; 4] = ["stateful", "stateless", "stateful-json", "stateless-json"];

#[test]
fn python_v1() {
    let columns = modes(Kind::PythonV1, PYTHON);
    insta::assert_snapshot!(table("Python SDK 1.30.0", &columns, streamable));
}

#[test]
fn python_v2() {
    let columns = modes(Kind::PythonV2, PYTHON);
    insta::assert_snapshot!(table("Python SDK 2.3.0", &columns, streamable));
}

#[test]
fn everything() {
    let columns = modes(Kind::Everything, ["streamableHttp"]);
    insta::assert_snapshot!(table("server-everything 2026.8.31", &columns, streamable));
}

#[test]
fn typescript_v2() {
    let all = ["handler", "handler-json", "modern-only", "stateful", "stateful-json"];
    let columns = modes(Kind::TypescriptV2, all);
    insta::assert_snapshot!(table("TypeScript SDK 2.4.0", &columns, streamable));
}

#[test]
fn rmcp() {
    let columns = modes(Kind::Rmcp, ["stateful", "stateless", "stateless-json"]);
    insta::assert_snapshot!(table("rmcp 3.9.0", &columns, streamable));
}

#[test]
fn over_http_sse() {
    let columns = [
        ("Python SDK 1.30.0", Kind::PythonV1("sse")),
        ("Python SDK 2.3.0", Kind::PythonV2("sse")),
        ("server-everything 2026.8.31", Kind::Everything("sse")),
    ];
    insta::assert_snapshot!(table("HTTP+SSE", &columns, http_sse));
}
