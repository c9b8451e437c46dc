//! A page on the target's own origin, asked the way the target itself is reached.
//!
//! Each has a connection of its own: none can have gone stale, so none is asked twice.

use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use crate::edge::clock::Clock;
use crate::edge::dial::{Dial, Route};
use crate::edge::net::Connect;
use crate::model::plan::Http;

/// A page of the target's.
#[derive(Debug)]
pub(super) struct Beside {
    dial: Dial,
    host: HeaderValue,
    path: Uri,
    /// What is added to whatever it fails at.
    note: &'static str,
}

/// The head of its answer, and its connection, which ends with it.
#[derive(Debug)]
pub(super) struct Answer {
    response: Response<Incoming>,
    _driving: JoinSet<hyper::Result<()>>,
}

impl Beside {
    /// The page at this path of the target, with this `Host`; HTTP/1.1 whatever the load speaks.
    pub(super) fn new(route: &Route, host: &str, path: &str) -> Result<Self, http::Error> {
        let note = match route.http {
            Http::Two => " (the load speaks HTTP/2, but pages are asked for over HTTP/1.1)",
            Http::One | Http::Negotiated => "",
        };
        let tls = route.tls.as_ref().map(crate::edge::tls::Tls::for_pages);
        let route = Route { tls, http: Http::One, ..route.clone() };
        let dial = Dial::new(route, Clock::of_runtime());
        Ok(Self { dial, host: HeaderValue::from_str(host)?, path: path.parse()?, note })
    }

    pub(super) async fn ask(&self, accept: &'static str) -> Result<Answer, String> {
        let failed = |what: &str| format!("{what}{}", self.note);
        let link = self.dial.connect().await.map_err(|failure| failed(failure.name()))?;
        let spoken = |error: &hyper::Error| failed(&super::innermost(error));
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(link.io)).await.map_err(|error| spoken(&error))?;
        let mut driving = JoinSet::new();
        driving.spawn(connection);
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.uri_mut() = self.path.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let response = sender.send_request(request).await.map_err(|error| spoken(&error))?;
        Ok(Answer { response, _driving: driving })
    }
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The next piece of its body.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, String> {
        while let Some(frame) = self.response.body_mut().frame().await {
            let frame = frame.map_err(|error| super::innermost(&error))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}
