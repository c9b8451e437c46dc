//! A server on the official Rust SDK, within the test's own process.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http_body_util::Full;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::schemars::{self, JsonSchema};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{tool, tool_router};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// No question of these tests is larger.
const MOST_BYTES: usize = 1 << 20;

/// The server's tools.
#[derive(Debug, Clone)]
struct Tools;

#[derive(Debug, Deserialize, JsonSchema)]
struct Echo {
    message: String,
}

#[tool_router(server_handler)]
impl Tools {
    /// Returns the message.
    #[tool]
    fn echo(Parameters(Echo { message }): Parameters<Echo>) -> String {
        message
    }

    /// Always fails, as a tool: the result has isError.
    #[tool]
    fn refuse() -> Result<String, String> {
        Err("refused on purpose".to_owned())
    }
}

type Service = StreamableHttpService<Tools, LocalSessionManager>;

/// It runs until it is dropped.
pub(super) struct Inside {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Inside {
    /// Starts it in this mode, with its access log in this file.
    pub(super) fn start(mode: &str, log: &Path) -> Self {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(mode == "stateful")
            .with_json_response(mode.ends_with("json"));
        let service = Service::new(|| Ok(Tools), Arc::default(), config);
        let log = Arc::new(Log {
            file: Mutex::new(File::create(log).unwrap()),
            arrived: AtomicU64::new(0),
            logged: AtomicU64::new(0),
        });
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(counted).with_state((service, log));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { address, runtime: Some(runtime) }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The count and the log, as `tests/peers/counted.py` keeps them.
struct Log {
    file: Mutex<File>,
    arrived: AtomicU64,
    logged: AtomicU64,
}

/// One request on its way into the log.
struct Line {
    log: Arc<Log>,
    what: String,
    asked: String,
    status: Option<u16>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { what, asked, status, .. } = self;
        let status = status.map_or("-".to_owned(), |status| status.to_string());
        writeln!(self.log.file.lock().unwrap(), "{what} {asked} {status}").unwrap();
        self.log.logged.fetch_add(1, Ordering::SeqCst);
    }
}

async fn counted(
    State((service, log)): State<(Service, Arc<Log>)>,
    request: Request,
) -> Response<Body> {
    if request.uri().path() == "/counted" {
        let count = |of: &AtomicU64| of.load(Ordering::SeqCst);
        return format!("{} {}", count(&log.arrived), count(&log.logged)).into_response();
    }
    log.arrived.fetch_add(1, Ordering::SeqCst);
    let what = format!("{} {}", request.method(), request.uri().path());
    // Written when it is dropped, and so also when the client went away.
    let mut line = Line { log, what, asked: "-".to_owned(), status: None };
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MOST_BYTES).await else {
        return Body::empty().into_response();
    };
    line.asked = asked(&body);
    let answer = service.handle(Request::from_parts(parts, Full::new(body))).await;
    line.status = Some(answer.status().as_u16());
    answer.map(Body::new)
}

/// What a message asks for: its method, or that it answers something.
fn asked(body: &[u8]) -> String {
    let message: Option<serde_json::Map<_, _>> = serde_json::from_slice(body).ok();
    let method = message.map(|message| message.get("method").cloned());
    match method {
        Some(Some(method)) => method.as_str().unwrap_or("-").to_owned(),
        Some(None) => "answer".to_owned(),
        None => "-".to_owned(),
    }
}
