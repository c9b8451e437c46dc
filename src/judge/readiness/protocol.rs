//! What is answered to requests that the server does not know: another era's, another client's.

use super::{Entry, Judged, of_answer, of_sound_answer, said, seconds};
use crate::judge::rule::Rule;
use crate::model::finding::{Provenance, Severity};
use crate::model::operation::Operation;
use crate::model::probe::facts::{Answer, Attempted, Facts, NO_SESSION, Tried};
use Judged::{Failed, NotApplicable, Passed};
use serde_json::Value;

/// JSON-RPC: no such method.
const METHOD_NOT_FOUND: i64 = -32601;
/// MCP 2026-07-28: headers and body say different things.
const HEADER_MISMATCH: i64 = -32020;
/// MCP 2026-07-28: no such revision here.
const UNSUPPORTED_VERSION: i64 = -32022;
/// A revision that never was.
pub const NEVER: &str = "1999-01-01";

pub(super) const LIST: &[Entry] = &[
    Entry {
        rule: Rule {
            id: "discover",
            severity: Severity::High,
            title: "The probe of a client of both eras is not answered",
            text: "server/discover is answered at once, if only with -32601, 400 or 404.",
            source: "MCP 2026-07-28, basic/versioning; claude-ai-mcp#1044, typo3-mcp-server#110",
            provenance: Provenance::Spec,
            what_to_do: "Refuse a method you do not know with -32601: clients that wait for it first \
                         never come to initialize.",
        },
        judge: discover,
    },
    Entry {
        rule: Rule {
            id: "unknown-method",
            severity: Severity::High,
            title: "A method that does not exist is answered with no JSON-RPC error",
            text: "An unknown method is answered with a JSON-RPC error, and not with a 5xx.",
            source: "JSON-RPC 2.0, section 5.1; MCP 2026-07-28, streamable-http (404 and -32601)",
            provenance: Provenance::Spec,
            what_to_do: "Catch methods without a handler, and answer -32601.",
        },
        judge: unknown_method,
    },
    Entry {
        rule: Rule {
            id: "unknown-method-code",
            severity: Severity::Low,
            title: "A method that does not exist is refused with another code",
            text: "The code of an unknown method is -32601.",
            source: "JSON-RPC 2.0, section 5.1",
            provenance: Provenance::Spec,
            what_to_do: "Answer -32601: clients tell by it that they speak another era.",
        },
        judge: unknown_method_code,
    },
    Entry {
        rule: Rule {
            id: "unknown-version",
            severity: Severity::High,
            title: "A revision that the server does not know is not negotiated",
            text: "initialize with an unknown revision is answered with one that the server speaks, or \
                   with an error.",
            source: "MCP 2025-11-25, basic/lifecycle, \"Version Negotiation\"",
            provenance: Provenance::Spec,
            what_to_do: "Answer initialize with your own newest revision where the client's is \
                         unknown: newer clients come.",
        },
        judge: |facts| of_sound_answer(facts.of(Attempted::UnknownVersion), version),
    },
    Entry {
        rule: Rule {
            id: "modern-version",
            severity: Severity::Medium,
            title: "A request of an unknown revision is not told which ones there are",
            text: "A request of an unknown revision is answered 400 and -32022, with data.supported.",
            source: "MCP 2026-07-28, basic/versioning",
            provenance: Provenance::Spec,
            what_to_do: "Answer 400 with -32022 and the revisions that you speak: a client goes on \
                         with one of them.",
        },
        judge: |facts| {
            let tried = facts.of(Attempted::ModernVersion);
            of_answer(tried, |answer| coded(tried, answer, (400, UNSUPPORTED_VERSION)))
        },
    },
    Entry {
        rule: Rule {
            id: "header-mismatch",
            severity: Severity::Medium,
            title: "Headers that say something else than the body are not refused with their code",
            text: "A request whose Mcp-Method is not its method is answered 400 and -32020.",
            source: "MCP 2026-07-28, basic/transports/streamable-http, \"Server Validation\" (MUST)",
            provenance: Provenance::Spec,
            what_to_do: "Compare Mcp-Method and Mcp-Name with the body: proxies decide by the headers.",
        },
        judge: |facts| {
            let tried = facts.of(Attempted::Mismatch);
            of_answer(tried, |answer| coded(tried, answer, (400, HEADER_MISMATCH)))
        },
    },
    Entry {
        rule: Rule {
            id: "broken-json",
            severity: Severity::Medium,
            title: "A body that is no JSON breaks the server",
            text: "A body that is no JSON is answered with 4xx or a JSON-RPC error.",
            source: "JSON-RPC 2.0, section 5.1 (-32700)",
            provenance: Provenance::Spec,
            what_to_do: "Catch what the parser throws, and answer 400 and -32700.",
        },
        judge: |facts| {
            let tried = facts.of(Attempted::BrokenJson);
            of_sound_answer(tried, |answer| match (answer.status, answer.error()) {
                (400.., _) | (_, Some(_)) => Passed(said(tried)),
                _ => Failed(said(tried)),
            })
        },
    },
    Entry {
        rule: Rule {
            id: "id-echo",
            severity: Severity::High,
            title: "Answers come with another id than was asked with",
            text: "An answer has the id of its request: the same value, of the same JSON type.",
            source: "JSON-RPC 2.0, section 5; MCP 2025-11-25, basic, \"Responses\"",
            provenance: Provenance::Spec,
            what_to_do: "Send ids back as they came: a 0 is an id, 9007199254740991 is no double to be \
                         rounded, \"1\" is not 1.",
        },
        judge: ids,
    },
    Entry {
        rule: Rule {
            id: "lost-session",
            severity: Severity::High,
            title: "A client is not told that its session is gone",
            text: "A request in a session that is not open is answered 404.",
            source: "MCP 2025-11-25, basic/transports, \"Session Management\" (MUST)",
            provenance: Provenance::Spec,
            what_to_do: "Answer 404, and no other status: only then a client begins a new session \
                         after your next restart.",
        },
        judge: lost_session,
    },
];

fn discover(facts: &Facts) -> Judged {
    let tried = facts.of(Attempted::Anonymous);
    match tried {
        Tried::Nothing { .. } => Failed(said(tried)),
        Tried::Answer(answer) if answer.status >= 500 => Failed(said(tried)),
        Tried::Answer(answer) if answer.took > super::AT_ONCE => {
            Failed(format!("it took {}", seconds(answer.took)))
        }
        Tried::Answer(answer) if answer.is_page() && answer.status < 300 => Failed(said(tried)),
        Tried::Answer(_) => Passed(said(tried)),
        Tried::Not(why) => NotApplicable((*why).to_owned()),
    }
}

/// The attempts of a method that does not exist, those that were made.
fn methods(facts: &Facts) -> impl Iterator<Item = &Tried> {
    let tried = [Attempted::UnknownMethod, Attempted::ModernMethod].map(|of| facts.of(of));
    tried.into_iter().filter(|tried| !matches!(tried, Tried::Not(_)))
}

fn unknown_method(facts: &Facts) -> Judged {
    let mut last = None;
    for tried in methods(facts) {
        let judged = of_sound_answer(tried, |answer| match answer.error() {
            Some(_) => Passed(said(tried)),
            None => Failed(said(tried)),
        });
        if matches!(judged, Failed(_)) {
            return judged;
        }
        last = Some(judged);
    }
    last.unwrap_or_else(none_to_try)
}

fn unknown_method_code(facts: &Facts) -> Judged {
    let codes: Vec<_> = methods(facts).filter_map(|tried| tried.answer()?.error()).collect();
    match codes.iter().find(|(code, _)| *code != METHOD_NOT_FOUND) {
        _ if methods(facts).next().is_none() => none_to_try(),
        _ if codes.is_empty() => NotApplicable("it was refused with no code".to_owned()),
        Some((code, message)) => Failed(format!("JSON-RPC error {code} {message:?}")),
        None => Passed(format!("JSON-RPC error {METHOD_NOT_FOUND}")),
    }
}

fn none_to_try() -> Judged {
    NotApplicable(NO_SESSION.to_owned())
}

fn version(answer: &Answer) -> Judged {
    let negotiated = answer.result().and_then(|result| result["protocolVersion"].as_str());
    match (negotiated, answer.error()) {
        (Some(NEVER), _) => Failed(format!("it says that it speaks {NEVER}")),
        (Some(version), _) => Passed(format!("it offers {version}")),
        (None, Some((code, _))) => Passed(format!("JSON-RPC error {code}")),
        (None, None) => Failed(format!("HTTP {} without a message", answer.status)),
    }
}

fn coded(tried: &Tried, answer: &Answer, expected: (u16, i64)) -> Judged {
    let found = (answer.status, answer.error().map(|(code, _)| code));
    if found == (expected.0, Some(expected.1)) { Passed(said(tried)) } else { Failed(said(tried)) }
}

fn ids(facts: &Facts) -> Judged {
    if facts.ids.is_empty() {
        return none_to_try();
    }
    for (id, tried) in &facts.ids {
        let came = tried.answer().and_then(|answer| answer.rpc.as_ref()).map(|rpc| &rpc.id);
        match came {
            Some(came) if came == id => {}
            Some(came) => return Failed(format!("asked with {id}, answered with {came}")),
            None => return Failed(format!("asked with {id}: {}", said(tried))),
        }
    }
    let asked: Vec<_> = facts.ids.iter().map(|(id, _): &(Value, _)| id.to_string()).collect();
    Passed(format!("{} came back as they were", asked.join(", ")))
}

fn lost_session(facts: &Facts) -> Judged {
    if facts.ways.is_empty() {
        return none_to_try();
    }
    if !facts.has_sessions {
        let why = if facts.has(Operation::Initialize) { "no session id" } else { "no handshake" };
        return NotApplicable(format!("it has {why}"));
    }
    let tried = facts.of(Attempted::LostSession);
    of_answer(
        tried,
        |answer| {
            if answer.status == 404 { Passed(said(tried)) } else { Failed(said(tried)) }
        },
    )
}
