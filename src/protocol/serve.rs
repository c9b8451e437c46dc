//! Our answers to what a server asks.
use crate::model::outcome::Rule;
use crate::model::profile::ServerRequests;
use serde_json::value::RawValue;
use super::message::Request;
pub fn answer(request: &Request<'_>, policy: ServerRequests) -> Option<Vec<u8>> { let mut out = Vec::new(); super::legacy::write::answer(&mut out, request, policy).then_some(out) }
pub fn input_responses(_: &RawValue, _: ServerRequests, _: &str) -> Result<Vec<u8>, Rule> { Ok(vec![]) }
