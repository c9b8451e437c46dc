//! The modern era: every request stands alone, says who asks and in which version, and is answered
//! on its own response. (MCP 2026-07-28, basic/transports, basic/lifecycle.)

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, Dress};
use super::calls::Chosen;
use super::catalogue::{Offer, object};
use super::client::{Capabilities, Client, Level};
use super::era;
use super::exhibits::Caller;
use super::full::{ASKING_PROMPT, CONTEXT, FULL};
use super::inquiry::Brought;
use super::metrics::{Method, Modern, Received, Working};
use super::request::{self, Message, Refusal};
use super::response;
use super::server::Target;
use super::voice::{Held, Talk};

mod headers;
mod listen;

/// The parameters that every request of the era has, and those of some that it is needed for.
#[derive(Debug, Deserialize)]
struct Params<'a> {
    #[serde(rename = "_meta", borrow)]
    meta: Option<Meta<'a>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, rename = "inputResponses")]
    responses: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestState")]
    state: Option<Cow<'a, str>>,
}

/// `_meta`, as far as a server needs it.
#[derive(Debug, Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<Cow<'a, str>>,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    capabilities: Option<Capabilities>,
    #[serde(borrow, rename = "io.modelcontextprotocol/logLevel")]
    level: Option<Cow<'a, str>>,
}

/// A request that was read and is what its headers say.
struct Asked<'a> {
    method: &'a str,
    id: &'a RawValue,
    raw: Option<&'a RawValue>,
    params: Params<'a>,
    client: Client,
}

/// Answers a POST.
pub(super) async fn post(
    target: &Arc<Target>,
    headers: &HeaderMap,
    body: Body,
    version: Option<&HeaderValue>,
    received: &mut Received,
) -> Result<Response, Refusal> {
    let modern = target.metrics.modern();
    let answered = answer(target, headers, body, version, received).await;
    match answered {
        Ok(Answered::Whole(response)) => {
            modern.ended();
            Ok(response)
        }
        Ok(Answered::Talks(talk)) => {
            let body = talk.into_body(Cancellable(modern, target.metrics.working()));
            Ok(response::unbuffered(response::event_stream(body)))
        }
        Ok(Answered::Listens(listening)) => {
            let body = listening.into_body(modern);
            Ok(response::unbuffered(response::event_stream(body)))
        }
        Err(refusal) => {
            modern.ended();
            Err(refusal)
        }
    }
}

/// What a POST is answered with.
enum Answered {
    Whole(Response),
    Talks(Talk),
    Listens(listen::Listening),
}

/// A stream whose end before its time is a cancellation.
struct Cancellable(Modern, #[expect(dead_code, reason = "held for its drop")] Working);

impl Held for Cancellable {
    fn ended(self) {
        self.0.ended();
    }
}

async fn answer(
    target: &Arc<Target>,
    headers: &HeaderMap,
    body: Body,
    version: Option<&HeaderValue>,
    received: &mut Received,
) -> Result<Answered, Refusal> {
    request::check_post(headers)?;
    let body = request::read(body).await?;
    let message = request::parse(&body)?;
    received.method = message.method.as_deref().map_or(Method::RESPONSE, Method::rpc);
    let (Some(method), Some(id)) = (message.method.as_deref(), message.id) else {
        if message.method.is_some() {
            return Ok(Answered::Whole(response::empty(StatusCode::ACCEPTED)));
        }
        let nobody = "a response: since 2026-07-28 servers ask within results";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, nobody));
    };
    let read = read(target, headers, &message, method, id, version);
    let asked = read.map_err(|refusal| Refusal { id: Some(id.get().into()), ..refusal })?;
    dispatch(target, headers, &asked, &body).await
}

/// Holds a request to what the era wants of each.
fn read<'a>(
    target: &Target,
    headers: &HeaderMap,
    message: &'a Message<'_>,
    method: &'a str,
    id: &'a RawValue,
    version: Option<&HeaderValue>,
) -> Result<Asked<'a>, Refusal> {
    let speaks = target.knobs.speaks;
    let Some(version) = version else {
        return Err(headers::without_version(method, message.params, speaks));
    };
    let invalid = |wrong: String| Refusal::coded(StatusCode::BAD_REQUEST, -32602, wrong);
    let params: Params<'a> = match message.params {
        Some(params) => object(params).map_err(invalid)?,
        None => return Err(invalid("`params._meta` is missing".to_owned())),
    };
    let missing = |name| invalid(format!("`params._meta` has no `io.modelcontextprotocol/{name}`"));
    let meta = params.meta.as_ref().ok_or_else(|| invalid("`params._meta` is missing".into()))?;
    let said = meta.version.as_deref().ok_or_else(|| missing("protocolVersion"))?;
    let capabilities = meta.capabilities.ok_or_else(|| missing("clientCapabilities"))?;
    headers::same_version(version, said)?;
    if said != era::MODERN {
        return Err(headers::unsupported(said, speaks));
    }
    headers::same_method(headers, method)?;
    let level = meta.level.as_deref().and_then(Level::named);
    let client = Client::of_one_request(capabilities, level);
    let named = match method {
        "tools/call" | "prompts/get" => params.name.as_deref(),
        "resources/read" => params.uri.as_deref(),
        _ => None,
    };
    if let Some(name) = named {
        headers::same_name(headers, name)?;
    }
    Ok(Asked { method, id, raw: message.params, params, client })
}

async fn dispatch(
    target: &Arc<Target>,
    headers: &HeaderMap,
    asked: &Asked<'_>,
    body: &Bytes,
) -> Result<Answered, Refusal> {
    let offer = Offer { catalogue: target.knobs.catalogue, modern: true };
    let answer = match asked.method {
        "tools/call" => match asked.chosen(target) {
            Ok(chosen) => return call(target, headers, asked, chosen, body).await,
            Err(wrong) => wrong,
        },
        "server/discover" => offer.discover(era::supported(target.knobs.speaks)),
        "subscriptions/listen" => {
            return match listen::open(target, asked.id, asked.raw)? {
                Ok(listening) => Ok(Answered::Listens(listening)),
                Err(wrong) => Ok(Answered::Whole(respond(target, asked, &wrong))),
            };
        }
        "prompts/get" if offer.is_full() && asked.params.name.as_deref() == Some(ASKING_PROMPT) => {
            prompt(target, asked)
        }
        method => offer.answer(method, asked.raw),
    };
    Ok(Answered::Whole(respond(target, asked, &answer)))
}

fn respond(target: &Target, asked: &Asked<'_>, answer: &Answer) -> Response {
    answer.respond_modern(asked.id.get(), target.knobs.answers, Offer::dress(asked.method))
}

fn prompt(target: &Target, asked: &Asked<'_>) -> Answer {
    let capabilities = asked.client.capabilities;
    let step = CONTEXT.step(ASKING_PROMPT, None, capabilities, asked.brought(), &target.seal);
    step.map_or_else(|question| question, |heard| FULL.messages_in_context(&heard))
}

impl<'a> Asked<'a> {
    fn chosen(&self, target: &Target) -> Result<Chosen<'a>, Answer> {
        match &self.params.name {
            Some(name) => target.chosen(name, self.params.arguments),
            None => Err(Answer::invalid_params("`params.name` is missing")),
        }
    }

    fn brought(&self) -> Brought<'_> {
        Brought { responses: self.params.responses, state: self.params.state.as_deref() }
    }

    fn caller(&self) -> Caller {
        let progress = super::calls::progress_token(self.raw);
        Caller { client: self.client.clone(), session: None, progress, voice: None }
    }
}

async fn call(
    target: &Arc<Target>,
    headers: &HeaderMap,
    asked: &Asked<'_>,
    chosen: Chosen<'_>,
    body: &Bytes,
) -> Result<Answered, Refusal> {
    let Chosen::Exhibit(at, exhibit, arguments) = chosen else {
        let answer = target.call(chosen, || asked.caller()).await;
        return Ok(Answered::Whole(respond(target, asked, &answer)));
    };
    headers::same_parameters(headers, exhibit.name, asked.params.arguments)
        .map_err(|refusal| Refusal { id: Some(asked.id.get().into()), ..refusal })?;
    let capabilities = asked.client.capabilities;
    if let Some(answer) = exhibit.round(target, arguments, capabilities, asked.brought()) {
        let called = target.metrics.called_exhibit(at);
        target.workers.work(target.workers.key(), Duration::ZERO, &target.metrics).await;
        called.answered(matches!(answer, Answer::Error { .. }));
        return Ok(Answered::Whole(respond(target, asked, &answer)));
    }
    if exhibit.talks_modern() {
        return Ok(Answered::Talks(talk(target, asked, body)));
    }
    let answer = target.call(chosen, || asked.caller()).await;
    Ok(Answered::Whole(respond(target, asked, &answer)))
}

/// A call that speaks before its answer; its client's leaving ends it.
fn talk(target: &Arc<Target>, asked: &Asked<'_>, body: &Bytes) -> Talk {
    let (target, body) = (Arc::clone(target), body.clone());
    let (id, caller) = (asked.id.to_owned(), asked.caller());
    Talk::of(|voice| async move {
        let params = request::parse(&body).ok().and_then(|message| message.params);
        let answer = match target.choose(params) {
            Ok(chosen) => target.call(chosen, || Caller { voice: Some(voice), ..caller }).await,
            Err(wrong) => wrong,
        };
        answer.message(&id, Dress::Modern)
    })
}

#[cfg(test)]
mod tests {
    use crate::model::plan::{Answers, Practice};
    use crate::practice::rehearsal::{Events, full, got, meta, request, start};
    use serde_json::{Value, json};

    fn echo() -> Value {
        json!({"name": "echo", "arguments": {"message": "hi"}})
    }

    #[tokio::test]
    async fn a_request_alone_is_answered() {
        for answers in [Answers::Json, Answers::Sse] {
            let target = start(Practice { answers, ..Practice::default() }).await;
            let response = target.modern("tools/call", &echo()).send().await.unwrap();
            assert_eq!(response.status(), 200);
            let asked = response.headers().get("x-accel-buffering").is_some();
            assert_eq!(asked, answers == Answers::Sse);
            assert!(response.headers().get("mcp-session-id").is_none());
            let text = response.text().await.unwrap();
            let text = text.trim_start_matches("event: message\ndata: ");
            let body: Value = serde_json::from_str(text).unwrap();
            assert_eq!(body["id"], 7);
            assert_eq!(body["result"]["resultType"], "complete");
            assert_eq!(body["result"]["content"][0]["text"], "hi");
            let info = &body["result"]["_meta"]["io.modelcontextprotocol/serverInfo"];
            assert_eq!(info["name"], "squall-practice");
            assert_eq!(target.metric("practice_modern_requests_total").await, 1);
            assert_eq!(target.metric("practice_sessions_opened_total").await, 0);
        }
    }

    #[tokio::test]
    async fn it_says_what_it_is_and_how_long_that_holds() {
        let target = start(full()).await;
        let all = "2026-07-28,2025-11-25,2025-06-18,2025-03-26,2024-11-05";
        let found =
            got(target.modern("server/discover", &json!({}))).await.json()["result"].clone();
        let supported: Vec<_> = found["supportedVersions"].as_array().unwrap().iter().collect();
        assert_eq!(supported, all.split(',').collect::<Vec<_>>());
        assert_eq!(found["capabilities"]["completions"], json!({}));
        for method in ["server/discover", "tools/list", "resources/templates/list"] {
            let result = got(target.modern(method, &json!({}))).await.json()["result"].clone();
            assert_eq!(
                (&result["ttlMs"], &result["cacheScope"]),
                (&json!(60000), &json!("public"))
            );
        }
        let read = got(target.modern("resources/read", &json!({"uri": "ui://practice/panel"})));
        assert_eq!(read.await.json()["result"]["cacheScope"], "public");
        assert!(
            got(target.modern("tools/call", &echo())).await.json()["result"]["ttlMs"].is_null()
        );
    }

    #[tokio::test]
    async fn what_the_era_refuses() {
        let target = start(full()).await;
        let other = |name: &str, value: &str| {
            let mut built = target.modern("tools/call", &echo()).build().unwrap();
            let name: axum::http::HeaderName = name.parse().unwrap();
            match value {
                "" => built.headers_mut().remove(&name),
                value => built.headers_mut().insert(&name, value.parse().unwrap()),
            };
            reqwest::RequestBuilder::from_parts(target.client.clone(), built)
        };
        let said = |version: &str| {
            let mut meta = meta();
            meta["io.modelcontextprotocol/protocolVersion"] = version.into();
            target.modern("server/discover", &json!({"_meta": meta}))
        };
        let both = said("2031-01-01").build().unwrap();
        let mut both = reqwest::RequestBuilder::from_parts(target.client.clone(), both);
        both = {
            let mut built = both.build().unwrap();
            let value = "2031-01-01".parse().unwrap();
            built.headers_mut().insert("mcp-protocol-version", value);
            reqwest::RequestBuilder::from_parts(target.client.clone(), built)
        };
        let only = |name: &str| {
            let name = format!("io.modelcontextprotocol/{name}");
            target.modern("tools/list", &json!({"_meta": {name.clone(): meta()[&name]}}))
        };
        let region = json!({"name": "test_header_parameter", "arguments": {"region": "é"}});
        let region = || target.modern("tools/call", &region);
        let cannot = json!({"name": "test_sampling", "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}});
        let unknown = json!({"name": "no_such"});
        for (what, request, status, code) in [
            ("no method header", other("mcp-method", ""), 400, -32020),
            ("another method", other("mcp-method", "TOOLS/CALL"), 400, -32020),
            ("no name header", other("mcp-name", ""), 400, -32020),
            ("another name", other("mcp-name", "fetch"), 400, -32020),
            ("another version in the body", said("2031-01-01"), 400, -32020),
            ("another version", both, 400, -32022),
            ("no capabilities", only("protocolVersion"), 400, -32602),
            ("no version", only("clientCapabilities"), 400, -32602),
            ("no _meta", target.modern("tools/list", &json!({"_meta": null})), 400, -32602),
            ("a parameter without its header", region(), 400, -32020),
            ("what the client cannot do", target.modern("tools/call", &cannot), 400, -32021),
            ("unknown method", target.modern("no/such", &json!({})), 404, -32601),
            ("removed method", target.modern("ping", &json!({})), 404, -32601),
            ("removed handshake", target.modern("initialize", &json!({})), 404, -32601),
            ("unknown tool", target.modern("tools/call", &unknown), 200, -32602),
        ] {
            let answer = got(request).await;
            assert_eq!(answer.status, status, "{what}");
            let body = answer.json();
            assert_eq!((&body["error"]["code"], &body["id"]), (&json!(code), &json!(7)), "{what}");
        }
        let wrapped = region().header("mcp-param-region", "=?base64?w6k=?=");
        assert_eq!(got(wrapped).await.status, 200);
        let missing = got(target.modern("tools/call", &cannot)).await.json();
        assert_eq!(missing["error"]["data"], json!({"requiredCapabilities": {"sampling": {}}}));
        let legacy = target.stream(None).header("mcp-protocol-version", "2026-07-28");
        assert_eq!(got(legacy).await.status, 405);
        let note = json!({"jsonrpc": "2.0", "method": "notifications/cancelled"});
        let note = target.post(None, &note).header("mcp-protocol-version", "2026-07-28");
        assert_eq!(got(note).await.status, 202);
        assert_eq!(target.metric("practice_cancelled_total").await, 0);
    }

    #[tokio::test]
    async fn questions_are_asked_in_rounds_of_the_same_call() {
        let target = start(full()).await;
        let tool = "test_input_required_result_multi_round";
        let call = async |more: Value| {
            let mut params = json!({"name": tool, "arguments": {}});
            params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            got(target.modern("tools/call", &params)).await.json()
        };
        let accepted = json!({"action": "accept", "content": {"name": "Ada"}});
        let first = call(json!({})).await["result"].clone();
        assert_eq!(first["resultType"], "input_required");
        assert_eq!(first["inputRequests"]["step1"]["method"], "elicitation/create");
        let state = &first["requestState"];
        let answered = json!({"inputResponses": {"step1": accepted}, "requestState": state});
        let second = call(answered.clone()).await["result"].clone();
        assert!(second["inputRequests"]["step2"].is_object(), "{second}");
        assert_ne!(second["requestState"], *state);
        let unfit = json!({"inputResponses": {"step2": 5}, "requestState": second["requestState"]});
        assert!(call(unfit).await["result"]["inputRequests"]["step2"].is_object());
        let declined = json!({"step2": {"action": "decline"}});
        let last = json!({"inputResponses": declined, "requestState": second["requestState"]});
        let last = call(last).await["result"].clone();
        assert_eq!(last["resultType"], "complete");
        let text = last["content"][0]["text"].as_str().unwrap();
        assert_eq!(text, r#"Both of it: {"step2":{"action":"decline"}}"#);
        let changed = format!("{}x", state.as_str().unwrap());
        let changed = json!({"inputResponses": {"step1": accepted}, "requestState": changed});
        assert_eq!(call(changed).await["error"]["code"], -32602);
        let listed = json!({"inputResponses": [], "requestState": state});
        assert_eq!(call(listed).await["error"]["code"], -32602);
        let without_state = json!({"inputResponses": {"step1": accepted}});
        assert!(call(without_state).await["result"]["inputRequests"]["step1"].is_object());
        let called = format!(r#"practice_tool_calls_total{{tool="{tool}",outcome="ok"}}"#);
        assert_eq!(target.metric(&called).await, 5);
        let prompt = json!({"name": "test_input_required_result_prompt"});
        let asked = got(target.modern("prompts/get", &prompt)).await.json()["result"].clone();
        assert!(asked["inputRequests"]["user_context"].is_object(), "{asked}");
    }

    #[tokio::test]
    async fn a_call_says_only_what_it_was_asked_to_say() {
        let target = start(full()).await;
        let said = async |tool: &str, key: &str, value: &str| {
            let mut meta = meta();
            meta[key] = value.into();
            let params = json!({"name": tool, "_meta": meta});
            let mut events = Events::of(target.modern("tools/call", &params)).await;
            let mut methods = Vec::new();
            loop {
                let message = events.message().await;
                match message["method"].as_str() {
                    Some(method) => methods.push(method.to_owned()),
                    None => break assert_eq!(message["result"]["resultType"], "complete"),
                }
            }
            assert_eq!(events.next().await, None);
            methods
        };
        let level = "io.modelcontextprotocol/logLevel";
        let (log, progress) = ("notifications/message", "notifications/progress");
        assert_eq!(said("test_logging_tool", level, "info").await, [log; 3]);
        assert_eq!(said("test_logging_tool", level, "error").await, [""; 0]);
        assert_eq!(said("test_logging_tool", "x", "y").await, [""; 0]);
        assert_eq!(said("test_tool_with_progress", "progressToken", "t").await, [progress; 3]);
        assert_eq!(said("test_tool_with_progress", "x", "y").await, [""; 0]);
        assert_eq!(target.metric("practice_in_flight").await, 0);
    }

    #[tokio::test]
    async fn who_leaves_has_cancelled() {
        let target = start(full()).await;
        let slow =
            target.modern("tools/call", &json!({"name": "slow", "arguments": {"seconds": 60}}));
        let busy = async { while target.metric("practice_workers_busy").await == 0 {} };
        tokio::select! { _ = slow.send() => unreachable!("a minute has not passed"), () = busy => {} }
        while target.metric("practice_cancelled_total").await < 1 {}
        let params = json!({"notifications": {}});
        drop(Events::of(target.modern("subscriptions/listen", &params)).await);
        while target.metric("practice_cancelled_total").await < 2 {}
        assert_eq!(target.metric("practice_workers_busy").await, 0);
        let abandoned = r#"practice_tool_calls_total{tool="slow",outcome="abandoned"}"#;
        assert_eq!(target.metric(abandoned).await, 1);
        got(target.modern("tools/call", &echo())).await;
        assert_eq!(target.metric("practice_cancelled_total").await, 2);
    }

    #[tokio::test]
    async fn every_exhibit_answers_in_the_form_it_promises() {
        let target = start(full()).await;
        let tools = got(target.modern("tools/list", &json!({}))).await.json()["result"].clone();
        let weather = tools["tools"].as_array().unwrap().iter();
        let schema = weather.clone().find_map(|tool| tool.get("outputSchema")).unwrap();
        let call = async |name: &str, arguments: Value| {
            let params = json!({"name": name, "arguments": arguments});
            got(target.modern("tools/call", &params)).await.json()["result"].clone()
        };
        let result = call("test_structured_content", json!({"city": "Ulm"})).await;
        let content = &result["structuredContent"];
        assert!(jsonschema::is_valid(schema, content), "{content}");
        assert_eq!(content["city"], "Ulm");
        let text: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, *content);
        let missing = call("test_structured_content", json!({})).await;
        assert_eq!(missing["isError"], true);
        for (name, kinds) in [
            ("test_simple_text", vec!["text"]),
            ("test_image_content", vec!["image"]),
            ("test_audio_content", vec!["audio"]),
            ("test_embedded_resource", vec!["resource"]),
            ("test_resource_link", vec!["text", "resource_link"]),
            ("test_multiple_content_types", vec!["text", "image", "resource"]),
            ("test_error_handling", vec!["text"]),
        ] {
            let result = call(name, json!({})).await;
            let blocks = result["content"].as_array().unwrap();
            let found: Vec<_> =
                blocks.iter().map(|block| block["type"].as_str().unwrap()).collect();
            assert_eq!(found, kinds, "{name}");
            assert_eq!(result["isError"], name == "test_error_handling", "{name}");
        }
        let failed = r#"practice_tool_calls_total{tool="test_error_handling",outcome="error"}"#;
        assert_eq!(target.metric(failed).await, 1);
    }

    #[tokio::test]
    async fn a_batch_and_a_response_belong_to_other_eras() {
        let target = start(full()).await;
        for body in [
            json!([request(1, "ping", &json!({}))]),
            json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
        ] {
            let post = target.post(None, &body).header("mcp-protocol-version", "2026-07-28");
            assert_eq!(got(post).await.status, 400, "{body}");
        }
    }
}
