//! A target with defects behind something that ends what is idle, or old, as proxies and platforms do.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::unfold;

use super::response::{self, EVENT_STREAM};
use super::server::Target;
use crate::model::plan::Flaw;

/// So long nothing may happen.
const IDLE: Duration = Duration::from_millis(1_500);
/// The same, where loads are to see it.
const SILENT: Duration = Duration::from_secs(11);
/// What is sent on streams that are cut when they are old, and how often.
const ALIVE: &[u8] = b": alive\n\n";
const BEAT: Duration = Duration::from_secs(1);
/// So many of these and they are old.
const OLD: u32 = 11;

impl Target {
    /// How long nothing may happen, if anything ends what is idle.
    pub(super) fn idle(&self) -> Option<Duration> {
        let all = [(Flaw::CutsIdleStreams, IDLE), (Flaw::CutsSilentStreams, SILENT)];
        all.into_iter().find(|(flaw, _)| self.has(*flaw)).map(|(_, idle)| idle)
    }

    /// The response, whose stream goes on only so long.
    pub(super) fn cut_when_old(self: &Arc<Self>, response: Response) -> Response {
        if response.headers().get(header::CONTENT_TYPE) != Some(&EVENT_STREAM) {
            return response;
        }
        let (parts, body) = response.into_parts();
        let start = (Some(body.into_data_stream()), 0, Arc::clone(self));
        let pieces = unfold(start, async |(body, beats, target)| {
            let mut body = body?;
            let piece: Result<Bytes, io::Error> = tokio::select! {
                piece = body.next() => piece?.map_err(io::Error::other),
                () = target.workers.pause(BEAT) => {
                    if beats == OLD {
                        return Some((Err(io::ErrorKind::TimedOut.into()), (None, beats, target)));
                    }
                    return Some((Ok(Bytes::from_static(ALIVE)), (Some(body), beats + 1, target)));
                }
            };
            Some((piece, (Some(body), beats, target)))
        });
        Response::from_parts(parts, Body::from_stream(pieces))
    }

    /// The response, or what comes in its place when it is not there in time; its stream is cut when
    /// nothing comes on it.
    pub(super) async fn cut_when_idle(
        self: &Arc<Self>,
        method: &str,
        idle: Duration,
        answer: impl Future<Output = Response>,
    ) -> Response {
        let answer = std::pin::pin!(answer);
        let passing = std::pin::pin!(self.workers.pause(idle));
        let response = match select(answer, passing).await {
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
        let pieces = unfold(start, async |(body, target): (Option<BodyDataStream>, Arc<Self>)| {
            let mut body = body?;
            let piece: Option<Result<Bytes, io::Error>> = tokio::select! {
                piece = body.next() => Some(piece?.map_err(io::Error::other)),
                () = target.workers.pause(target.idle().unwrap_or(IDLE)) => None,
            };
            Some(match piece {
                Some(piece) => (piece, (Some(body), target)),
                None => (Err(io::ErrorKind::TimedOut.into()), (None, target)),
            })
        });
        Response::from_parts(parts, Body::from_stream(pieces))
    }
}
