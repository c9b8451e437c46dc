//! A loopback port that a browser comes back to: one path, and who waits for it is handed each visit
//! (RFC 8252, section 7.3).

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::net;

/// Connections at one time: browsers open a few ahead.
const MOST_CONNECTIONS: usize = 32;
/// Longest head of a request that is read.
const MOST_HEAD_BYTES: usize = 64 * 1024;
/// A request's head is there by then.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// Until a connection is accepted again, after one could not be.
const PAUSE: Duration = Duration::from_millis(50);
/// A browser has taken its page by then.
const PAGE_LIMIT: Duration = Duration::from_secs(2);

/// What is said to a visit that nobody waits for.
const NOTHING: &str =
    "There is nothing here. If you have just logged in: you can close this window.";

/// A port of this machine, served until this is dropped.
#[derive(Debug)]
pub struct Loopback {
    port: u16,
    awaited: Arc<Awaited>,
    serving: JoinHandle<()>,
}

/// The path, and who waits for its visits.
struct Awaited {
    path: String,
    by: Mutex<Option<mpsc::Sender<Visit>>>,
}

/// A browser that came, and waits for its page.
pub struct Visit {
    /// The query it came with; it may hold secrets.
    pub query: String,
    page: oneshot::Sender<Page>,
    over: Option<oneshot::Receiver<()>>,
}

/// A status and a sentence, already without mark-up.
type Page = (StatusCode, String);

impl fmt::Debug for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Visit")
    }
}

impl Loopback {
    /// Listens on `address`, whose port 0 takes a free one, for visits to `path`.
    ///
    /// # Errors
    /// When the system does not give that port.
    pub fn listen(address: SocketAddr, path: &str) -> io::Result<Self> {
        let listener = net::listen_now(address)?;
        let port = listener.local_addr()?.port();
        let awaited = Arc::new(Awaited { path: path.to_owned(), by: Mutex::default() });
        let serving = tokio::spawn(serve(listener, Arc::clone(&awaited)));
        Ok(Self { port, awaited, serving })
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// From now on waits for visits, in place of who waited before. Once this is dropped, visits that
    /// nobody answered find nothing.
    pub fn visits(&self) -> mpsc::Receiver<Visit> {
        let (waiting, visits) = mpsc::channel(MOST_CONNECTIONS);
        *self.awaited.by.lock().unwrap_or_else(PoisonError::into_inner) = Some(waiting);
        visits
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Visit {
    /// Answers with a page that says this, and waits until it is out, 2 s at most.
    pub async fn answer(self, is_good: bool, said: &str) {
        let status = if is_good { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        if self.page.send((status, said.to_owned())).is_ok()
            && let Some(over) = self.over
        {
            let _whole = timeout(PAGE_LIMIT, over).await.is_ok();
        }
    }
}

async fn serve(listener: TcpListener, awaited: Arc<Awaited>) {
    // Dropped with this task, which ends them.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: those in use come back.
            let _later = timeout(PAUSE, std::future::pending::<()>()).await.is_err();
            continue;
        };
        while connections.try_join_next().is_some() {}
        if connections.len() < MOST_CONNECTIONS {
            connections.spawn(converse(stream, Arc::clone(&awaited)));
        }
    }
}

/// One connection, one request.
async fn converse(stream: TcpStream, awaited: Arc<Awaited>) {
    let (ended, over) = oneshot::channel();
    let over = Mutex::new(Some(over));
    let service = service_fn(|request: Request<Incoming>| {
        let over = over.lock().unwrap_or_else(PoisonError::into_inner).take();
        let awaited = Arc::clone(&awaited);
        async move { Ok::<_, Infallible>(shown(awaited.answer(&request, over).await)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(MOST_HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // A browser that goes away in the middle has what it wants.
    let _whole = connection.await.is_ok();
    let _nobody_waits = ended.send(()).is_err();
}

impl Awaited {
    async fn answer(
        &self,
        request: &Request<Incoming>,
        over: Option<oneshot::Receiver<()>>,
    ) -> Page {
        let nothing = || (StatusCode::NOT_FOUND, NOTHING.to_owned());
        if request.method() != Method::GET || request.uri().path() != self.path {
            return nothing();
        }
        let waiting = self.by.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(waiting) = waiting else { return nothing() };
        let (page, answer) = oneshot::channel();
        let query = request.uri().query().unwrap_or_default().to_owned();
        if waiting.try_send(Visit { query, page, over }).is_err() {
            return nothing();
        }
        drop(waiting);
        answer.await.unwrap_or_else(|_| nothing())
    }
}

/// A page that is nothing but its sentence: no script, no picture, no way out of it.
fn shown((status, said): Page) -> Response<Full<Bytes>> {
    let text = said.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>squall</title>\
         <body><h1>squall</h1><p>{text}</p></body></html>\n"
    );
    let mut response = Response::new(Full::new(Bytes::from(page)));
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test is the browser")]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn got(port: u16, request: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let head = format!("{request} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn loopback() -> Loopback {
        Loopback::listen((Ipv4Addr::LOCALHOST, 0).into(), "/callback").unwrap()
    }

    #[tokio::test]
    async fn who_waits_is_handed_the_visit_and_says_what_is_shown() {
        let loopback = loopback();
        let mut visits = loopback.visits();
        let browser = tokio::spawn(got(loopback.port(), "GET /callback?code=a%20b&state=s"));
        let visit = visits.recv().await.unwrap();
        assert_eq!(visit.query, "code=a%20b&state=s");
        assert!(!format!("{visit:?} {loopback:?}").contains("code"));
        visit.answer(true, "well <b>&").await;
        let page = browser.await.unwrap();
        assert!(page.starts_with("HTTP/1.1 200 OK"), "{page}");
        assert!(page.contains("<p>well &lt;b&gt;&amp;</p>"), "{page}");
        assert!(page.contains("default-src 'none'") && page.contains("connection: close"));
    }

    #[tokio::test]
    async fn everything_else_finds_nothing_and_disturbs_nobody() {
        let loopback = loopback();
        assert!(got(loopback.port(), "GET /callback?code=a").await.contains("404"), "too early");
        let mut visits = loopback.visits();
        for other in
            ["GET /", "GET /callback/x?code=a", "POST /callback?code=a", "GET /favicon.ico"]
        {
            let page = got(loopback.port(), other).await;
            assert!(page.starts_with("HTTP/1.1 404 Not Found"), "{other}: {page}");
            assert!(!page.contains("code=a"), "{other}: {page}");
        }
        let browser = tokio::spawn(got(loopback.port(), "GET /callback?code=first"));
        let first = visits.recv().await.unwrap();
        let second = tokio::spawn(got(loopback.port(), "GET /callback?code=second"));
        assert_eq!(first.query, "code=first");
        first.answer(false, "no").await;
        assert!(browser.await.unwrap().starts_with("HTTP/1.1 400 Bad Request"));
        // Who waited has heard enough.
        drop(visits);
        assert!(second.await.unwrap().starts_with("HTTP/1.1 404"));
        let third = got(loopback.port(), "GET /callback?code=third").await;
        assert!(third.starts_with("HTTP/1.1 404"), "{third}");
    }

    #[tokio::test]
    async fn it_listens_no_longer_than_it_lives() {
        let loopback = loopback();
        let port = loopback.port();
        let taken = Loopback::listen((Ipv4Addr::LOCALHOST, port).into(), "/callback");
        assert_eq!(taken.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(loopback);
        tokio::task::yield_now().await;
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err());
    }
}
