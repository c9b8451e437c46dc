//! One careful client of the profile `spec`, as the official conformance suite drives it: connect,
//! look at everything, call each tool once, leave.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::choice;
use super::endpoint::Endpoint;
use super::failure::RunError;
use super::login::LoggedIn;
use super::run::{Around, common};
use super::unreachable::Asked;
use crate::engine::client::{Client, Refusal, Scouted, Tool};
use crate::engine::recorder::Recorder;
use crate::engine::stop;
use crate::model::arguments::Maker;
use crate::model::behaviour::Ask;
use crate::model::outcome::Class;
use crate::model::plan::Plan;
use crate::model::plan::auth::{Credential, Flow, GivenClient, GivenKey};
use crate::model::secret::Secret;
use crate::protocol::results::list;

/// What the suite says of a scenario, in `MCP_CONFORMANCE_CONTEXT`.
#[derive(Debug, Default, Deserialize)]
pub struct Context {
    /// What is to be called; none: every tool once.
    #[serde(default, rename = "toolCalls")]
    tool_calls: Vec<ToolCall>,
    /// The client that is registered by hand, if one is.
    client_id: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    client_secret: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    private_key_pem: Option<Secret>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(Secret::new))
}

impl Context {
    /// The users of a plan are this client; one that is trusted itself needs no consent of theirs.
    pub fn introduce(&mut self, plan: &mut Plan, is_trusted: bool) {
        let Credential::Granted(granted) = &mut plan.auth else { return };
        let key = self.private_key_pem.take().map(GivenKey::Pem);
        let secret = self.client_secret.take();
        let client = |id| GivenClient { id, authentication: None, secret, key };
        granted.client = self.client_id.take().map(client);
        if is_trusted && granted.client.is_some() {
            granted.flow = Flow::ClientCredentials;
        }
    }
}

#[derive(Debug, Deserialize)]
struct ToolCall {
    name: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

/// How the calls ended, by their tools.
pub type Ends = Vec<(String, Class)>;

/// Does it all against the plan's target.
///
/// # Errors
/// What kept the client from connecting.
pub async fn conform(plan: &Plan, url: &str, context: &Context) -> Result<Ends, RunError> {
    let endpoint = Endpoint::of(url, url, &plan.target.reach)?;
    let unreachable = |refusal: Refusal| {
        let (url, asked) = (url.to_owned(), Asked::of(plan));
        RunError::Unreachable { url, refusal: Box::new(refusal), asked }
    };
    let mut before = common(plan, &endpoint, Arc::default(), Vec::new(), &Around::default())?;
    if let Some(before) = Arc::get_mut(&mut before) {
        before.wallet.keep();
    }
    let scouted = Client::new(Arc::clone(&before), 0).scout().await.map_err(unreachable)?;
    let tools = calls(&scouted, context);
    let recorder = Arc::new(Recorder::default());
    // The user has consented, and goes on with the tokens of that.
    let (wallet, clock) = (before.wallet.clone(), before.wire.clock.clone());
    let consented = LoggedIn { wallet, clock, users: 1, exchanges: 0 };
    let around = Around { before: Some(&consented), ..Around::default() };
    let common = common(plan, &endpoint, recorder, tools, &around)?;
    let client = Client::new(Arc::clone(&common), 0);
    let mut ends = Vec::new();
    client.begin_run(0);
    client.look().await.map_err(unreachable)?;
    for tool in 0..common.tool_count() {
        let due = common.wire.clock.now();
        let (class, _) = client.call(due, Ask { tool, variation: u64::from(tool) }).await;
        ends.push((common.tools[usize::from(tool)].name.clone(), class));
    }
    let (_stopper, stop) = stop::stop();
    client.end_run(&stop).await;
    client.leave(&stop).await;
    Ok(ends)
}

/// What is called: what the context names, or every tool for which arguments can be made.
fn calls(scouted: &Scouted, context: &Context) -> Vec<Tool> {
    let is_fit = |tool: &&list::Tool| choice::unfit(scouted, tool).is_none();
    let offered: Vec<&list::Tool> = scouted.tools.iter().filter(is_fit).collect();
    if context.tool_calls.is_empty() {
        return offered
            .into_iter()
            .filter_map(|tool| choice::unasked(tool).ok())
            .map(|(tool, _)| tool)
            .collect();
    }
    let made = context.tool_calls.iter().filter_map(|call| {
        let tool = offered.iter().find(|tool| tool.name == call.name)?;
        let maker = Maker::from_fixtures(&[Value::Object(call.arguments.clone())]).ok()?;
        Some(Tool::offered(tool, maker).0)
    });
    made.collect()
}

/// The whole must end within this: the suite waits for our end without bound.
pub const PATIENCE: Duration = Duration::from_secs(25);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_suite_says_of_a_client() {
        let text = r#"{"name":"auth/x","client_id":"me","client_secret":"hush","private_key_pem":"PEM",
            "signing_algorithm":"ES256","toolCalls":[{"name":"a"}]}"#;
        let context: Context = serde_json::from_str(text).unwrap();
        assert_eq!((context.client_id.as_deref(), context.tool_calls.len()), (Some("me"), 1));
        assert_eq!(context.client_secret, Some(Secret::new("hush")));
        assert_eq!(context.private_key_pem, Some(Secret::new("PEM")));
        let printed = format!("{context:?}");
        assert!(!printed.contains("hush") && !printed.contains("PEM"), "{printed}");
    }
}
