//! The practice target's connections: each request is counted the moment its head was read.
//!
//! hyper drops the work on a request, even before its first step, when it finds that the client
//! has gone. A client that sends a request and leaves at once has sent it all the same: what counts
//! it is made where the head arrives, before any of that work, and goes with it.

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use super::authorization::Reply;
use super::limiter::From;
use super::server::{Target, authorization, mcp, method, pages};

/// Serves `target` until `stop` completes; then until the last answer under way is out.
pub(super) async fn serve(
    listener: TcpListener,
    target: &Arc<Target>,
    stop: impl Future<Output = ()> + Send,
) {
    let (pages, open) = (pages(target), GracefulShutdown::new());
    let (mut stop, mut connections) = (pin!(stop), 0);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    let from = From { address: from.ip(), connection: connections };
                    connections += 1;
                    converse(stream, from, target, &pages, &open);
                }
                // Out of descriptors, most likely: those in use come back.
                Err(_) => target.workers.pause(std::time::Duration::from_millis(50)).await,
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    open.shutdown().await;
}

/// Serves one connection in a task of its own.
fn converse(
    stream: TcpStream,
    from: From,
    target: &Arc<Target>,
    pages: &Router,
    open: &GracefulShutdown,
) {
    // A refusal leaves the connection as it was: slower, and still a connection.
    let _refused = stream.set_nodelay(true).is_err();
    let (target, pages) = (Arc::clone(target), TowerToHyperService::new(pages.clone()));
    let service = service_fn(move |request: Request<Incoming>| {
        let endpoint = target.endpoint(request.uri().path());
        let received = endpoint.map(|at| (at, target.metrics.received(method(request.method()))));
        let (target, pages) = (Arc::clone(&target), pages.clone());
        async move {
            match received {
                Some((endpoint, received)) => {
                    let mut request = request.map(Body::new);
                    if target.limiter.is_some() || target.flawed.is_some() {
                        request.extensions_mut().insert(from);
                    }
                    Ok(mcp(target, endpoint, request, received).await)
                }
                None => Box::pin(beside(target, pages, request, from.address)).await,
            }
        }
    });
    let mut server = http1::Builder::new();
    let connection =
        server.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    let connection = open.watch(connection);
    tokio::spawn(async move {
        // A client that goes away in the middle is no fault of the target's.
        let _whole = connection.await.is_ok();
    });
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut")]
struct Cut;

/// Answers what is no MCP endpoint.
async fn beside(
    target: Arc<Target>,
    pages: TowerToHyperService<Router>,
    request: Request<Incoming>,
    from: IpAddr,
) -> Result<Response, Cut> {
    let path = request.uri().path();
    let page = target.authority.as_ref().and_then(|authority| authority.page(path));
    match page {
        Some(page) => match authorization(target, page, request.map(Body::new), from).await {
            Reply::Whole(response) => Ok(response),
            Reply::Cut => Err(Cut),
        },
        None => pages.call(request).await.map_err(|never| match never {}),
    }
}
