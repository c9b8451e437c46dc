//! stub
use crate::model::outcome::Rule;
use serde_json::value::RawValue;
pub struct Progress;
impl Progress { pub fn of(_: Option<u64>) -> Self { Self } pub fn heard(&mut self, _: Option<&RawValue>) -> Option<Rule> { None } }
