//! The modern era: every request stands alone, says who asks and in which version, and is answered
//! on its own response. (MCP 2026-07-28, basic/transports, basic/lifecycle.)

use std::borrow::Cow;
use std::sync::Arc;

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
        "tools/call" => match target.choose(asked.raw) {
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

impl Asked<'_> {
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
        target.metrics.called_exhibit(at).answered(answer.is_tool_error());
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
