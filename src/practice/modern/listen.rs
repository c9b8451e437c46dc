//! `subscriptions/listen`: a request whose answer comes when the target stops; before it, what its
//! client asked to be told. (MCP 2026-07-28, basic/utilities/subscriptions.)

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::answer::Answer;
use super::super::catalogue::object;
use super::super::metrics::Modern;
use super::super::request::Refusal;
use super::super::server::Target;
use super::super::stream::{ALIVE, Change, Ear, Heard};
use super::super::voice::{event, notification};
use crate::model::plan::Catalogue;

/// The most resources that one request may watch.
const MOST_WATCHED: usize = 64;

#[derive(Deserialize)]
struct Params {
    notifications: Wanted,
}

/// What a client wants to be told.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wanted {
    tools_list_changed: bool,
    prompts_list_changed: bool,
    resources_list_changed: bool,
    resource_subscriptions: Vec<String>,
}

impl Wanted {
    /// What of it can be told: all that this target's catalogue declares.
    fn accepted(self, catalogue: Catalogue) -> Self {
        if catalogue == Catalogue::Full { self } else { Self::default() }
    }

    fn has(&self, change: &Change) -> bool {
        match change {
            Change::Tools => self.tools_list_changed,
            Change::Prompts => self.prompts_list_changed,
            Change::Resource(uri) => {
                self.resource_subscriptions.iter().any(|watched| **watched == **uri)
            }
        }
    }

    fn json(&self) -> String {
        let mut members = serde_json::Map::new();
        for (name, wanted) in [
            ("toolsListChanged", self.tools_list_changed),
            ("promptsListChanged", self.prompts_list_changed),
            ("resourcesListChanged", self.resources_list_changed),
        ] {
            if wanted {
                members.insert(name.to_owned(), true.into());
            }
        }
        if !self.resource_subscriptions.is_empty() {
            let uris = self.resource_subscriptions.clone();
            members.insert("resourceSubscriptions".to_owned(), uris.into());
        }
        serde_json::Value::Object(members).to_string()
    }
}

/// A stream that was opened.
pub(super) struct Listening {
    id: Box<RawValue>,
    wanted: Wanted,
    ear: Ear,
}

/// Opens a stream, or answers what is wrong with the request.
pub(super) fn open(
    target: &Arc<Target>,
    id: &RawValue,
    params: Option<&RawValue>,
) -> Result<Result<Listening, Answer>, Refusal> {
    let read = params.map_or_else(|| Err("`params` is missing".to_owned()), object);
    let wanted = match read {
        Ok(Params { notifications }) => notifications.accepted(target.knobs.catalogue),
        Err(wrong) => return Ok(Err(Answer::invalid_params(wrong))),
    };
    if wanted.resource_subscriptions.len() > MOST_WATCHED {
        return Ok(Err(Answer::invalid_params("no more than 64 resources can be watched")));
    }
    Ok(Ok(Listening { id: id.to_owned(), wanted, ear: Ear::open(target)? }))
}

/// Where a stream is.
enum At {
    /// Nothing was said.
    Start(Modern),
    /// What was accepted was said.
    Open(Modern),
    /// The answer was said.
    End,
}

impl Listening {
    /// The stream. Its client's leaving is a cancellation.
    pub(super) fn into_body(self, modern: Modern) -> Body {
        Body::from_stream(unfold((self, At::Start(modern)), async |(mut listening, at)| {
            let (said, at) = match at {
                At::Start(modern) => (listening.acknowledged(), At::Open(modern)),
                At::Open(modern) => listening.next(modern).await,
                At::End => return None,
            };
            Some((Ok::<_, Infallible>(said), (listening, at)))
        }))
    }

    fn acknowledged(&self) -> Bytes {
        let (accepted, meta) = (self.wanted.json(), self.meta());
        let params = format!(r#"{{"notifications":{accepted},{meta}}}"#);
        event(&notification("notifications/subscriptions/acknowledged", &params))
    }

    async fn next(&mut self, modern: Modern) -> (Bytes, At) {
        loop {
            match self.ear.next().await {
                Heard::Silence => return (ALIVE, At::Open(modern)),
                Heard::Changed(change) if self.wanted.has(&change) => {
                    let told = event(&change.notification(&self.meta()));
                    return (told, At::Open(modern));
                }
                Heard::Changed(_) => {}
                Heard::Over => {
                    modern.ended();
                    return (self.answer(), At::End);
                }
            }
        }
    }

    fn answer(&self) -> Bytes {
        let (id, meta) = (&self.id, self.meta());
        let result = format!(r#"{{"resultType":"complete",{meta}}}"#);
        event(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
    }

    /// Each message says which request it belongs to.
    fn meta(&self) -> String {
        format!(r#""_meta":{{"io.modelcontextprotocol/subscriptionId":{}}}"#, self.id)
    }
}

#[cfg(test)]
mod tests {
    use crate::practice::rehearsal::{Events, full, got, start};
    use serde_json::{Value, json};

    #[tokio::test]
    async fn a_listener_is_told_what_it_wanted_until_the_target_stops() {
        let mut target = start(full()).await;
        let wanted = json!({"promptsListChanged": true, "resourceSubscriptions": ["test://a"]});
        let listen = target.modern("subscriptions/listen", &json!({"notifications": wanted}));
        let mut events = Events::of(listen).await;
        assert_eq!(events.response.headers()["x-accel-buffering"], "no");
        let tagged = |message: &Value| {
            let at =
                |name| message[name]["_meta"]["io.modelcontextprotocol/subscriptionId"].clone();
            at("params") == 7 || at("result") == 7
        };
        let first = events.message().await;
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(first["params"]["notifications"], wanted);
        assert!(tagged(&first), "{first}");
        let call = async |tool: &str, arguments: Value| {
            let params = json!({"name": tool, "arguments": arguments});
            assert_eq!(got(target.modern("tools/call", &params)).await.status, 200);
        };
        call("test_trigger_tool_change", json!({})).await;
        call("test_touch_resource", json!({"uri": "test://b"})).await;
        call("test_touch_resource", json!({"uri": "test://a"})).await;
        call("test_trigger_prompt_change", json!({})).await;
        let touched = events.message().await;
        assert_eq!(touched["method"], "notifications/resources/updated");
        assert_eq!(touched["params"]["uri"], "test://a");
        let changed = events.message().await;
        assert_eq!(changed["method"], "notifications/prompts/list_changed");
        assert!(tagged(&touched) && tagged(&changed));
        assert_eq!(target.metric("practice_streams_open").await, 1);
        drop(target.stop.take());
        let answer = events.message().await;
        assert_eq!(
            (&answer["id"], &answer["result"]["resultType"]),
            (&json!(7), &json!("complete"))
        );
        assert!(tagged(&answer), "{answer}");
        assert_eq!(events.next().await, None);
        target.serving.await.unwrap();
    }

    #[tokio::test]
    async fn what_cannot_be_told_is_not_accepted() {
        let target = start(crate::model::plan::Practice::default()).await;
        let wanted = json!({"notifications": {"toolsListChanged": true}});
        let mut events = Events::of(target.modern("subscriptions/listen", &wanted)).await;
        assert_eq!(events.message().await["params"]["notifications"], json!({}));
        let wrong = got(target.modern("subscriptions/listen", &json!({}))).await;
        assert_eq!((wrong.status, &wrong.json()["error"]["code"]), (200, &json!(-32602)));
    }
}
