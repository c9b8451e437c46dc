//! Toxiproxy's HTTP API over a collection of proxies, so that its clients and scripts drive ours.
//!
//! Paths, statuses and bodies are those of a Toxiproxy server of version 2.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use super::collection::{Asked, Collection, Refused};

/// The version of the API.
const VERSION: &str = "2.12.0";
const MOST_BYTES: usize = 1 << 20;

/// What all requests share.
type Shared = State<Arc<Mutex<Collection>>>;

/// Serves the API on `listener` for ever.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    collection: Arc<Mutex<Collection>>,
) -> std::io::Result<()> {
    axum::serve(listener, routes(collection)).await
}

fn routes(collection: Arc<Mutex<Collection>>) -> Router {
    Router::new()
        .route("/version", get(version))
        .route("/reset", post(reset))
        .route("/populate", post(populate))
        .route("/proxies", get(index).post(create))
        .route("/proxies/{proxy}", get(show).post(update).patch(update).delete(delete))
        .route("/proxies/{proxy}/toxics", get(toxics).post(add))
        .route(
            "/proxies/{proxy}/toxics/{toxic}",
            get(toxic).post(change).patch(change).delete(remove),
        )
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn(no_browsers))
        .with_state(collection)
}

/// A page in a browser must not drive proxies of the machine it is shown on.
async fn no_browsers(request: Request, next: Next) -> Response {
    let agent = request.headers().get(header::USER_AGENT);
    if agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/")) {
        return answer(StatusCode::FORBIDDEN, "text/plain", "User agent not allowed\n");
    }
    next.run(request).await
}

async fn version() -> Response {
    json(StatusCode::OK, &serde_json::json!({ "version": VERSION }))
}

async fn index(State(all): Shared) -> Response {
    json(StatusCode::OK, &all.lock().await.index())
}

async fn create(State(all): Shared, body: Bytes) -> Response {
    let asked = match read::<Asked>(&body) {
        Ok(asked) => asked,
        Err(refused) => return refuse(&refused),
    };
    shown(StatusCode::CREATED, all.lock().await.create(&asked).await)
}

async fn populate(State(all): Shared, body: Bytes) -> Response {
    let asked = match read::<Vec<Asked>>(&body) {
        Ok(asked) => asked,
        Err(refused) => return refuse(&refused),
    };
    shown(StatusCode::CREATED, all.lock().await.populate(&asked).await)
}

async fn reset(State(all): Shared) -> Response {
    done(all.lock().await.reset().await)
}

async fn show(State(all): Shared, Path(name): Path<String>) -> Response {
    shown(StatusCode::OK, all.lock().await.show(&name))
}

async fn update(State(all): Shared, Path(name): Path<String>, body: Bytes) -> Response {
    let mut all = all.lock().await;
    let asked = match all.show(&name).and_then(|_| read(&body)) {
        Ok(asked) => asked,
        Err(refused) => return refuse(&refused),
    };
    shown(StatusCode::OK, all.update(&name, asked).await)
}

async fn delete(State(all): Shared, Path(name): Path<String>) -> Response {
    done(all.lock().await.delete(&name).await)
}

async fn toxics(State(all): Shared, Path(name): Path<String>) -> Response {
    shown(StatusCode::OK, all.lock().await.toxics(&name))
}

async fn add(State(all): Shared, Path(name): Path<String>, body: Bytes) -> Response {
    shown(StatusCode::OK, all.lock().await.add(&name, &body))
}

async fn toxic(State(all): Shared, Path((name, toxic)): Path<(String, String)>) -> Response {
    shown(StatusCode::OK, all.lock().await.toxic(&name, &toxic))
}

async fn change(
    State(all): Shared,
    Path((name, toxic)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    shown(StatusCode::OK, all.lock().await.change(&name, &toxic, &body))
}

async fn remove(State(all): Shared, Path((name, toxic)): Path<(String, String)>) -> Response {
    done(all.lock().await.remove(&name, &toxic))
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused::body(&error.to_string()))
}

fn shown(status: StatusCode, result: Result<impl Serialize, Refused>) -> Response {
    match result {
        Ok(value) => json(status, &value),
        Err(refused) => refuse(&refused),
    }
}

fn done(result: Result<(), Refused>) -> Response {
    match result {
        Ok(()) => answer(StatusCode::NO_CONTENT, "application/json", ""),
        Err(refused) => refuse(&refused),
    }
}

fn refuse(refused: &Refused) -> Response {
    json(StatusCode::from_u16(refused.status).unwrap_or_default(), refused)
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    // Values of ours always are JSON.
    let text = serde_json::to_string(value).unwrap_or_default();
    answer(status, "application/json", text)
}

fn answer(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
