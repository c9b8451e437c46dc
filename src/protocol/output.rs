//! stub
use crate::model::outcome::Rule;
use serde_json::value::RawValue;
#[derive(Debug)]
pub struct OutputSchema;
impl OutputSchema { pub fn check(&self, _: Option<&RawValue>) -> Result<(), Rule> { Ok(()) } }
