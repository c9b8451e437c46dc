//! The defects about the ids of calls.

use std::sync::{Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::model::plan::Flaw;
use crate::practice::authorization::bounded::Bounded;
use crate::practice::response::{self, JSON};
use crate::practice::server::Target;
use crate::protocol::legacy::SESSION_HEADER;

/// So many ids are known again.
const MOST: usize = 65_536;

/// Ids that were used, each with its session.
#[derive(Debug)]
pub(super) struct Used(Mutex<Bounded<String, ()>>);

impl Default for Used {
    fn default() -> Self {
        Self(Mutex::new(Bounded::of(MOST)))
    }
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}

impl Target {
    /// What a call is answered because of its id.
    pub(super) fn instead_of_id(&self, parts: &Parts, body: &Bytes) -> Option<Response> {
        let Call { id } = serde_json::from_slice(body).ok()?;
        if self.has(Flaw::ZeroIdMissing) && id.get() == "0" {
            return Some(response::empty(StatusCode::ACCEPTED));
        }
        if !self.has(Flaw::RefusesUsedIds) {
            return None;
        }
        let session = parts.headers.get(SESSION_HEADER)?.to_str().ok()?;
        let key = format!("{session} {id}");
        let used = &self.flawed.as_ref()?.used.0;
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.get(&key).is_none() {
            used.insert(key, ());
            return None;
        }
        let error = json!({ "code": -32600, "message": "this id was used before" });
        let message = json!({ "jsonrpc": "2.0", "id": id, "error": error });
        Some(response::content(StatusCode::BAD_REQUEST, JSON, Body::from(message.to_string())))
    }
}
