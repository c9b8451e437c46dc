//! stub
use serde::Deserialize;
#[derive(Debug, Deserialize)]
pub struct ResourcesPage { pub resources: Vec<Res>, pub next_cursor: Option<String> }
#[derive(Debug, Deserialize)]
pub struct Res { pub uri: String }
#[derive(Debug, Deserialize)]
pub struct TemplatesPage { pub templates: Vec<Res>, pub next_cursor: Option<String> }
#[derive(Debug, Deserialize)]
pub struct PromptsPage { pub prompts: Vec<Prompt>, pub next_cursor: Option<String> }
#[derive(Debug, Deserialize)]
pub struct Prompt { pub name: String, pub arguments: Vec<String> }
#[derive(Debug, Deserialize)]
pub struct ReadResult {}
impl ReadResult { pub fn outcome(&self) -> crate::model::outcome::Outcome { crate::model::outcome::Outcome::Ok } }
pub type PromptResult = ReadResult;
pub type Completion = ReadResult;
