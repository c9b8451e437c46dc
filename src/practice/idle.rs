//! A target with defects behind something that ends what is idle, as proxies do.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::unfold;

use super::response::{self, EVENT_STREAM};
use super::server::Target;

/// So long nothing may happen.
const IDLE: Duration = Duration::from_millis(1_500);

impl Target {
    /// The response, or what comes in its place when it is not there in time; its stream is cut when
    /// nothing comes on it.
    pub(super) async fn cut_when_idle(
        self: &Arc<Self>,
        method: &str,
        answer: impl Future<Output = Response>,
    ) -> Response {
        let answer = std::pin::pin!(answer);
        let idle = std::pin::pin!(self.workers.pause(IDLE));
        let response = match select(answer, idle).await {
            Either::Left((response, _)) => response,
            Either::Right(((), answer)) if method != "tools/call" => answer.await,
            Either::Right(_) => {
                let kind = HeaderValue::from_static("text/plain");
                let body = Body::from("Gateway Timeout");
                return response::content(StatusCode::GATEWAY_TIMEOUT, kind, body);
            }
        };
        if response.headers().get(header::CONTENT_TYPE) != Some(&EVENT_STREAM) {
            return response;
        }
        let (parts, body) = response.into_parts();
        let start = (Some(body.into_data_stream()), Arc::clone(self));
        let pieces = unfold(start, async |(body, target)| {
            let mut body = body?;
            let piece: Option<Result<Bytes, io::Error>> = tokio::select! {
                piece = body.next() => Some(piece?.map_err(io::Error::other)),
                () = target.workers.pause(IDLE) => None,
            };
            Some(match piece {
                Some(piece) => (piece, (Some(body), target)),
                None => (Err(io::ErrorKind::TimedOut.into()), (None, target)),
            })
        });
        Response::from_parts(parts, Body::from_stream(pieces))
    }
}
