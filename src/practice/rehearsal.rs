//! A running practice target and a client of it, for the tests of this floor.

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::server::serve;
use crate::model::plan::{Catalogue, Practice, Sessions};
use crate::protocol::legacy::SESSION_HEADER;

const BOTH: &str = "application/json, text/event-stream";

/// A running target and a client of it; it ends with the test.
pub(crate) struct Running {
    pub(crate) base: String,
    pub(crate) client: Client,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) serving: JoinHandle<()>,
}

/// A response read to its end.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) session: Option<String>,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }
}

#[expect(clippy::disallowed_methods, reason = "the test owns the socket")]
pub(crate) async fn start(knobs: Practice) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(listener, knobs, async { drop(stopped.await) }));
    Running { base, client: Client::new(), stop: Some(stop), serving }
}

pub(crate) fn stateless() -> Practice {
    Practice { sessions: Sessions::Stateless, ..Practice::default() }
}

pub(crate) fn full() -> Practice {
    Practice { catalogue: Catalogue::Full, ..Practice::default() }
}

pub(crate) async fn got(request: RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let header = |name| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
    let (kind, session) = (header("content-type").unwrap_or_default(), header(SESSION_HEADER));
    let status = response.status().as_u16();
    Got { status, kind, session, text: response.text().await.unwrap() }
}

/// What every modern request has in `_meta`, for a client that can do all of it.
pub(crate) fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities":
            {"elicitation": {}, "sampling": {}, "roots": {}},
    })
}

pub(crate) fn request(id: impl Into<Value>, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

impl Running {
    pub(crate) fn url(&self) -> String {
        format!("{}/mcp", self.base)
    }

    pub(crate) fn post(&self, session: Option<&str>, body: &impl ToString) -> RequestBuilder {
        let post = self.client.post(self.url()).body(body.to_string());
        with(post.header("accept", BOTH).header("content-type", "application/json"), session)
    }

    /// A modern request with id 7 and its headers; `_meta` is added unless it is there.
    pub(crate) fn modern(&self, method: &str, params: &Value) -> RequestBuilder {
        let mut params = params.clone();
        if params.get("_meta").is_none() {
            params["_meta"] = meta();
        }
        let post = self.post(None, &request(7, method, &params));
        let post = post.header("mcp-protocol-version", "2026-07-28").header("mcp-method", method);
        match params.get("name").or(params.get("uri")).and_then(Value::as_str) {
            Some(name) => post.header("mcp-name", name),
            None => post,
        }
    }

    pub(crate) async fn initialized(&self) -> Option<String> {
        self.introduced("2025-06-18", &json!({})).await
    }

    /// A handshake in this revision, with these capabilities.
    pub(crate) async fn introduced(&self, revision: &str, capabilities: &Value) -> Option<String> {
        let params = json!({"protocolVersion": revision, "capabilities": capabilities});
        let answer = got(self.post(None, &request(0, "initialize", &params))).await;
        assert_eq!(answer.status, 200);
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let noted = got(self.post(answer.session.as_deref(), &note)).await;
        assert_eq!((noted.status, noted.text.as_str()), (202, ""));
        answer.session
    }

    pub(crate) async fn call(
        &self,
        session: Option<&str>,
        id: i32,
        tool: &str,
        arguments: Value,
    ) -> Got {
        let params = json!({"name": tool, "arguments": arguments});
        got(self.post(session, &request(id, "tools/call", &params))).await
    }

    pub(crate) async fn metric(&self, series: &str) -> i64 {
        let page = got(self.client.get(format!("{}/metrics", self.base))).await.text;
        let value = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok();
        page.lines().find_map(value).unwrap_or(0)
    }

    pub(crate) fn stream(&self, session: Option<&str>) -> RequestBuilder {
        with(self.client.get(self.url()).header("accept", "text/event-stream"), session)
    }

    pub(crate) fn delete(&self, session: Option<&str>) -> RequestBuilder {
        with(self.client.delete(self.url()), session)
    }
}

fn with(request: RequestBuilder, session: Option<&str>) -> RequestBuilder {
    session.into_iter().fold(request, |request, id| request.header(SESSION_HEADER, id))
}

/// The events of a response, as they come.
pub(crate) struct Events {
    pub(crate) response: Response,
    unread: String,
}

impl Events {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, unread: String::new() }
    }

    /// The next event, its lines as they were sent; `None` is the end.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.unread = rest;
                return Some(event);
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The message of the next event.
    pub(crate) async fn message(&mut self) -> Value {
        let event = self.next().await.expect("the stream ended");
        let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        serde_json::from_str(data).unwrap()
    }
}
