//! The defects of a target that stands for several: which of them knows a session.

use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;

use crate::model::plan::Flaw;
use crate::practice::authorization::bounded::Bounded;
use crate::practice::limiter::From;
use crate::practice::server::Target;
use crate::protocol::legacy::SESSION_HEADER;

/// So many sessions are kept in mind.
const MOST: usize = 65_536;
/// So many replicas there are.
const REPLICAS: u64 = 2;

/// On which connections sessions were opened.
#[derive(Debug)]
pub(super) struct Homes(Mutex<Bounded<String, From>>);

impl Default for Homes {
    fn default() -> Self {
        Self(Mutex::new(Bounded::of(MOST)))
    }
}

impl Target {
    /// Whether a request came where its session is not known.
    pub(super) fn is_elsewhere(&self, parts: &Parts, method: &str) -> bool {
        let Some((from, home)) = parts.extensions.get::<From>().zip(self.home(&parts.headers))
        else {
            return false;
        };
        let replica = |of: &From| of.connection % REPLICAS;
        self.has(Flaw::SessionPerReplica) && replica(from) != replica(&home)
            || self.has(Flaw::SessionPerAddress) && from.address != home.address
            || self.has(Flaw::InitializedElsewhere404)
                && method == "notifications/initialized"
                && from.connection != home.connection
    }

    /// Keeps in mind where a session was opened.
    pub(super) fn keep_home(&self, response: &Response, from: Option<From>) {
        let Some((flawed, from)) = self.flawed.as_ref().zip(from) else { return };
        if let Some(session) = named(response.headers()) {
            let mut homes = flawed.homes.0.lock().unwrap_or_else(PoisonError::into_inner);
            homes.insert(session.to_owned(), from);
        }
    }

    fn home(&self, headers: &HeaderMap) -> Option<From> {
        let homes = &self.flawed.as_ref()?.homes.0;
        let homes = homes.lock().unwrap_or_else(PoisonError::into_inner);
        homes.get(named(headers)?).copied()
    }
}

fn named(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION_HEADER)?.to_str().ok()
}
