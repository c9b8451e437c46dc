//! How the endpoint is reached, and what it says to those who are no client of MCP.

use super::{Entry, Judged, of_answer, of_sound_answer, said, seconds};
use crate::judge::rule::Rule;
use crate::model::finding::{Provenance, Severity};
use crate::model::operation::Operation;
use crate::model::probe::facts::{Answer, Attempted, Facts, Link};
use Judged::{Failed, NotApplicable, Passed};

/// A certificate that ends within so many days has been forgotten.
const FEWEST_DAYS: i64 = 14;

pub(super) const LIST: &[Entry] = &[
    Entry {
        rule: Rule {
            id: "https",
            severity: Severity::High,
            title: "The endpoint is asked over plain HTTP",
            text: "A remote server is reached over HTTPS.",
            source: "Anthropic Help Center 13145358, Software Directory Policy; MCP 2025-11-25, \
                     basic/authorization, \"Communication Security\"",
            provenance: Provenance::Spec,
            what_to_do: "Put TLS in front of it, with a certificate of a public authority, and give \
                         users the https:// URL.",
        },
        judge: https,
    },
    Entry {
        rule: Rule {
            id: "certificate",
            severity: Severity::Medium,
            title: "The certificate ends soon",
            text: "A server's certificate is renewed well before it ends.",
            source: "renewal runs 30 days before the end where it is automatic",
            provenance: Provenance::Modelled,
            what_to_do: "Renew the certificate, and find out why that does not happen by itself.",
        },
        judge: certificate,
    },
    Entry {
        rule: Rule {
            id: "slash-redirect",
            severity: Severity::Low,
            title: "The URL with a slash more or less is redirected",
            text: "No POST is answered with a redirect: hosted clients do not follow it.",
            source: "claude-ai-mcp#99 (307 between /mcp and /mcp/)",
            provenance: Provenance::Observed,
            what_to_do: "Answer both forms of the URL alike, or neither with a redirect: users type \
                         one or the other.",
        },
        judge: slash,
    },
    Entry {
        rule: Rule {
            id: "get",
            severity: Severity::Medium,
            title: "GET is answered with neither a stream nor a refusal",
            text: "GET is answered with an event stream or 405 (400 or 404 where it lacks a session).",
            source: "MCP 2025-11-25, basic/transports, \"Listening for Messages from the Server\"",
            provenance: Provenance::Spec,
            what_to_do: "Answer GET at the endpoint with 405 if the server offers no stream: clients \
                         ask right after the handshake.",
        },
        judge: |facts| if_reached(facts, |facts| of_sound_answer(facts.of(Attempted::Get), get)),
    },
    Entry {
        rule: Rule {
            id: "delete",
            severity: Severity::Medium,
            title: "DELETE is answered with an error of the server's own",
            text: "DELETE ends a session or is answered 405.",
            source: "MCP 2025-11-25, basic/transports, \"Session Management\"",
            provenance: Provenance::Spec,
            what_to_do: "Answer DELETE at the endpoint with 405 if clients may not end sessions.",
        },
        judge: |facts| {
            let tried = facts.of(Attempted::Delete);
            of_sound_answer(tried, |_| Passed(said(tried)))
        },
    },
    Entry {
        rule: Rule {
            id: "origin",
            severity: Severity::Medium,
            title: "A page of any origin may ask",
            text: "A server validates Origin on all connections, against DNS rebinding.",
            source: "MCP 2025-11-25, basic/transports, \"Security Warning\"",
            provenance: Provenance::Spec,
            what_to_do: "Answer 403 to a request whose Origin is there and is not on your list; \
                         Claude's own clients send none or https://claude.ai.",
        },
        judge: |facts| of_answer(facts.of(Attempted::Origin), |answer| origin(facts, answer)),
    },
    Entry {
        rule: Rule {
            id: "cors",
            severity: Severity::Medium,
            title: "A page of any origin may ask with its user's cookies",
            text: "A preflight is answered or refused, and no foreign origin is allowed credentials.",
            source: "WHATWG Fetch, \"CORS protocol and credentials\"",
            provenance: Provenance::Spec,
            what_to_do: "Do not send Access-Control-Allow-Credentials to origins you do not know; \
                         answer OPTIONS even if only to refuse.",
        },
        judge: |facts| {
            if_reached(facts, |facts| of_sound_answer(facts.of(Attempted::Preflight), preflight))
        },
    },
    Entry {
        rule: Rule {
            id: "html-errors",
            severity: Severity::Medium,
            title: "Errors are pages for people",
            text: "What a server refuses it refuses as JSON-RPC or without a body, never as HTML.",
            source: "Anthropic Help Center 13145358, Software Directory Policy, \"graceful errors\"",
            provenance: Provenance::Spec,
            what_to_do: "Have the framework, and what stands in front of it, answer errors of the MCP \
                         path as JSON.",
        },
        judge: pages,
    },
    Entry {
        rule: Rule {
            id: "buffering",
            severity: Severity::Low,
            title: "Event streams do not ask to be passed on at once",
            text: "An event stream says X-Accel-Buffering: no, so that proxies do not hold it back.",
            source: "MCP 2026-07-28, basic/transports/streamable-http (SHOULD)",
            provenance: Provenance::Spec,
            what_to_do: "Send `X-Accel-Buffering: no` with every text/event-stream.",
        },
        judge: |facts| match facts.buffered {
            None => NotApplicable("no answer without a handshake came as an event stream".into()),
            Some(0) => Passed("every event stream says so".into()),
            Some(count) => Failed(format!("{count} event streams came without it")),
        },
    },
    Entry {
        rule: Rule {
            id: "health",
            severity: Severity::Medium,
            title: "The page of health does not say that the server is well",
            text: "The page that tells whether a server is well answers as its owner says.",
            source: "target.health of the scenario",
            provenance: Provenance::Modelled,
            what_to_do: "See why the server thinks it is not well, or name the page that tells.",
        },
        judge: health,
    },
    Entry {
        rule: Rule {
            id: "handshake-budget",
            severity: Severity::High,
            title: "The handshake takes longer than hosted clients wait",
            text: "A handshake, and the list of tools after it, are answered within 10 seconds.",
            source: "claude-ai-mcp#473 (connections were given up after 10 s)",
            provenance: Provenance::Observed,
            what_to_do: "Answer initialize, server/discover and tools/list without asking others \
                         first, and keep an instance warm.",
        },
        judge: budget,
    },
];

/// What answers everything alike says nothing of its own about one method.
fn if_reached(facts: &Facts, judge: impl FnOnce(&Facts) -> Judged) -> Judged {
    if facts.ways.is_empty() {
        return NotApplicable("there was no session".into());
    }
    judge(facts)
}

fn https(facts: &Facts) -> Judged {
    match facts.link {
        Link::Tls => Passed("it is asked over TLS".into()),
        Link::Here => NotApplicable("it is on this machine".into()),
        Link::Plain => Failed("its URL begins with http://".into()),
    }
}

fn certificate(facts: &Facts) -> Judged {
    match facts.days_left {
        None => NotApplicable("no certificate was shown".into()),
        Some(days) if days < FEWEST_DAYS => Failed(format!("{days} days are left")),
        Some(days) => Passed(format!("{days} days are left")),
    }
}

fn slash(facts: &Facts) -> Judged {
    let tried = facts.of(Attempted::Slash);
    of_answer(
        tried,
        |answer| {
            if answer.is_redirect() { Failed(said(tried)) } else { Passed(said(tried)) }
        },
    )
}

fn get(answer: &Answer) -> Judged {
    let is_stream = answer.media == "text/event-stream" || answer.is_endpoint;
    match answer.status {
        200..300 if is_stream => Passed("it opens an event stream".into()),
        status @ 400.. => Passed(format!("HTTP {status}")),
        status => Failed(format!("HTTP {status} with {:?}", answer.media)),
    }
}

fn origin(facts: &Facts, answer: &Answer) -> Judged {
    match answer.status {
        // What stands before it may refuse others first.
        401 if facts.is_guarded => NotApplicable("it refuses whoever has no token first".into()),
        status @ 400..500 => Passed(format!("HTTP {status} to an Origin it cannot know")),
        _ => Failed(format!(
            "HTTP {} to `Origin: https://squall.invalid`, as if that were its own",
            answer.status
        )),
    }
}

fn preflight(answer: &Answer) -> Judged {
    let header = |name| answer.headers.get(name).map(String::as_str);
    let allowed = header("access-control-allow-origin");
    let with_credentials = header("access-control-allow-credentials") == Some("true");
    match allowed {
        Some(origin) if with_credentials && origin == super::FOREIGN => {
            Failed("it allows https://squall.invalid, with credentials".into())
        }
        Some(origin) => Passed(format!("HTTP {}, it allows {origin:?}", answer.status)),
        None => Passed(format!("HTTP {}, no other origin is allowed", answer.status)),
    }
}

fn pages(facts: &Facts) -> Judged {
    // What stands beside the endpoint is not its own; nor is a POST where only a stream is.
    let has_posts = facts.has(Operation::Discover) || facts.has(Operation::Initialize);
    let is_own = |attempted: &Attempted| match attempted {
        Attempted::Slash => false,
        Attempted::Anonymous => has_posts || facts.ways.is_empty(),
        _ => true,
    };
    let attempts = facts.attempts.iter().filter(|(attempted, _)| is_own(attempted));
    let answers = attempts.filter_map(|(_, tried)| tried.answer());
    let mut errors = answers.filter(|answer| answer.status >= 400).peekable();
    if errors.peek().is_none() {
        return NotApplicable("nothing was refused".into());
    }
    match errors.find(|answer| answer.is_page()) {
        Some(page) => Failed(format!(
            "HTTP {} with {}, which begins {:?}",
            page.status, page.media, page.beginning
        )),
        None => Passed("no refusal was a page".into()),
    }
}

fn health(facts: &Facts) -> Judged {
    let Some(health) = &facts.health else {
        return NotApplicable("no page was named (target.health of a scenario names one)".into());
    };
    let url = &health.url;
    match &health.found {
        Ok(status) if *status == health.expected => Passed(format!("{url} answers {status}")),
        Ok(status) => Failed(format!("{url} answers {status}, not {}", health.expected)),
        Err(why) => Failed(format!("{url}: {why}")),
    }
}

fn budget(facts: &Facts) -> Judged {
    let lists = facts.tools.iter().map(|listed| (Operation::ToolsList, listed.took));
    let opened = facts.ways.iter().map(|way| (way.with, way.took));
    let slowest = opened.chain(lists).max_by_key(|(_, took)| *took);
    match slowest {
        None => NotApplicable("there was no handshake".into()),
        Some((what, took)) if took > super::BUDGET => {
            Failed(format!("{} took {}", what.name(), seconds(took)))
        }
        Some(_) => Passed(format!("nothing took longer than {}", seconds(super::BUDGET))),
    }
}
