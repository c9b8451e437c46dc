//! Batches, which only 2025-03-26 has: a POST with several messages. (MCP 2025-03-26,
//! basic/transports, "Sending Messages to the Server".)

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::join_all;

use super::super::answer::{Answer, Dress};
use super::super::metrics::{Method, Received};
use super::super::request::{self, Message, Refusal};
use super::super::response;
use super::super::server::Target;
use super::super::voice::event;
use super::{Context, caller, client};
use crate::model::plan::Answers;
use crate::protocol::legacy::Revision;

/// Answers each message of a batch, in the order of the batch.
pub(super) async fn answer(
    target: &Arc<Target>,
    body: &Bytes,
    context: &Context,
    received: &mut Received,
) -> Result<Response, Refusal> {
    if client(target, *context).revision != Revision::V2025_03_26 {
        return Err(request::no_batch(body));
    }
    let messages = request::parse_batch(body)?;
    received.method = Method::BATCH;
    let messages: Vec<Message<'_>> = messages
        .iter()
        .map(|raw| request::parse(raw.get().as_bytes()))
        .collect::<Result<_, _>>()?;
    let answers = join_all(messages.iter().map(|message| in_batch(target, message, context))).await;
    let answers: Vec<String> = answers.into_iter().flatten().collect();
    Ok(match (answers.is_empty(), target.knobs.answers) {
        (true, _) => response::empty(StatusCode::ACCEPTED),
        (false, Answers::Json) => {
            response::page("application/json", format!("[{}]", answers.join(",")))
        }
        (false, Answers::Sse) => {
            let events: Vec<Bytes> = answers.iter().map(|answer| event(answer)).collect();
            response::event_stream(Body::from(events.concat()))
        }
    })
}

async fn in_batch(
    target: &Arc<Target>,
    message: &Message<'_>,
    context: &Context,
) -> Option<String> {
    let (Some(method), Some(id)) = (message.method.as_deref(), message.id) else {
        if message.method.is_none() {
            target.asks.answered(context.session, message);
        }
        return None;
    };
    let answer = match method {
        "initialize" => Answer::error(-32600, "`initialize` must not be in a batch"),
        "tools/call" => match target.choose(message.params) {
            Ok(chosen) => target.call(chosen, || caller(target, *context, message.params)).await,
            Err(wrong) => wrong,
        },
        _ => target.other(context.session, method, message.params),
    };
    Some(answer.message(id, Dress::Plain))
}

#[cfg(test)]
mod tests {
    use crate::model::plan::{Answers, Practice};
    use crate::practice::rehearsal::{Events, got, request, start, stateless};
    use serde_json::{Value, json};

    fn echo(id: i32, message: &str) -> Value {
        let params = json!({"name": "echo", "arguments": {"message": message}});
        request(id, "tools/call", &params)
    }

    #[tokio::test]
    async fn a_batch_is_answered_as_one_where_the_revision_has_batches() {
        let target = start(Practice::default()).await;
        let session = target.introduced("2025-03-26", &json!({})).await;
        let session = session.as_deref();
        let note = json!({"jsonrpc": "2.0", "method": "notifications/x"});
        let batch = json!([echo(1, "a"), note, echo(2, "b"), request(3, "ping", &json!({}))]);
        let answers = got(target.post(session, &batch)).await;
        assert_eq!((answers.status, answers.kind.as_str()), (200, "application/json"));
        let answers = answers.json();
        let ids: Vec<_> = answers.as_array().unwrap().iter().map(|answer| &answer["id"]).collect();
        assert_eq!(ids, [1, 2, 3]);
        assert_eq!(answers[1]["result"]["content"][0]["text"], "b");
        let none = got(target.post(session, &json!([note]))).await;
        assert_eq!((none.status, none.text.as_str()), (202, ""));
        let inside = json!([request(0, "initialize", &json!({"protocolVersion": "2025-03-26"}))]);
        assert_eq!(got(target.post(session, &inside)).await.json()[0]["error"]["code"], -32600);
        let many = Value::from(vec![note; 101]);
        for wrong in [json!([]), json!([7]), many] {
            assert_eq!(got(target.post(session, &wrong)).await.status, 400);
        }
        let newer = target.introduced("2025-06-18", &json!({})).await;
        assert_eq!(got(target.post(newer.as_deref(), &batch)).await.status, 400);
        assert_eq!(got(target.post(None, &batch)).await.status, 400);
        let calls = r#"practice_tool_calls_total{tool="echo",outcome="ok"}"#;
        assert_eq!(target.metric(calls).await, 2);
        let batches = r#"practice_requests_total{method="batch",status="200"}"#;
        assert_eq!(target.metric(batches).await, 2);
    }

    #[tokio::test]
    async fn without_sessions_the_header_says_whether_there_are_batches() {
        let target = start(Practice { answers: Answers::Sse, ..stateless() }).await;
        let batch = json!([echo(1, "a"), echo(2, "b")]);
        let mut events = Events::of(target.post(None, &batch)).await;
        assert_eq!(events.message().await["id"], 1);
        assert_eq!(events.message().await["id"], 2);
        assert_eq!(events.next().await, None);
        let newer = target.post(None, &batch).header("mcp-protocol-version", "2025-11-25");
        assert_eq!(got(newer).await.status, 400);
    }
}
