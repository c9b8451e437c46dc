//! Which era and transport a server speaks: asked step by step, once an origin.
//!
//! Rules: MCP specification 2026-07-28, basic/versioning and basic/transports/streamable-http,
//! "Backward Compatibility"; where servers overload error codes, what the SDKs' clients do: only
//! -32022 with `data.supported` proves a modern server, everything else is asked further.
//!
//! ```text
//! Discover ── versions in common ───────────────────────────────── Modern
//!   │  ▲ └─── -32022: a version in common, at most once more
//!   │  └───────────────────────────────┐
//!   └─ other 4xx, an error, no message ▼ ── -32022: modern only
//!                              Initialize ──────────────────────── Legacy
//!                                  └─ 400, 404, 405 ── OpenSse ─── HttpSse
//! 401, 403, 408, 425, 429, 5xx, timeout, reset: no evidence; nothing more is tried
//! ```

mod answered;
mod failure;

use std::borrow::Cow;

use super::modern::discover::common;
use super::modern::errors::{HEADER_MISMATCH, METHOD_NOT_FOUND, UNSUPPORTED_VERSION};
use super::{legacy, modern};
pub use answered::Answered;
use failure::owned;
pub use failure::{Failure, Refusal};

/// How often one detection asks to discover: the first time, and once with what was named.
const MOST_DISCOVERIES: u8 = 2;

/// What a client is ready to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Over which transports.
    pub transport: Transport,
    /// The newest revision without a handshake; none for a client that is older.
    pub modern: Option<modern::Revision>,
    /// The newest revision with a handshake; none for a client that speaks no other era.
    pub legacy: Option<legacy::Revision>,
}

/// Over which transports a client is ready to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Whatever the server has, Streamable HTTP first.
    Auto,
    /// Streamable HTTP alone.
    StreamableHttp,
    /// HTTP+SSE alone.
    HttpSse,
}

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// Streamable HTTP without a handshake.
    Modern(modern::Revision),
    /// Streamable HTTP with a handshake, which ended with this revision.
    Legacy(legacy::Revision),
    /// HTTP+SSE; the handshake on its stream is still to come.
    HttpSse,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// POST `server/discover` in this revision.
    Discover(modern::Revision),
    /// POST `initialize` that asks for this revision.
    Initialize(legacy::Revision),
    /// GET the stream and wait for its first event.
    OpenSse,
    /// Nothing: this is the way.
    Settled(Way),
    /// Nothing: there is no way, or not now.
    Fail(Failure),
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A sound result of `server/discover`, with the versions it names.
    Discovered(&'a [Cow<'a, str>]),
    /// A sound result of `initialize`, ending with this revision.
    Initialized(legacy::Revision),
    /// The first event of the stream said where to post to.
    Endpoint,
    /// The stream opened, but its first event was another one or never came.
    NoEndpoint,
    /// Any other answer: a refusal, an error in a 200, or a 200 that could not be read.
    Refused(Refused<'a>),
    /// No answer: timeout, reset, no connection.
    Outage,
}

/// An answer that is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The code of the JSON-RPC error in its body, if there is one.
    pub code: Option<i64>,
    /// The error's `data.supported`; empty if there is none.
    pub supported: &'a [Cow<'a, str>],
}

/// A detection under way.
#[derive(Debug, Clone)]
pub struct Detection {
    wish: Wish,
    step: Step,
    discoveries: u8,
    /// Where the fall back from a refused `initialize` would lead.
    refusal: Refusal,
}

impl Detection {
    /// Begins with what the client would rather speak.
    pub fn start(wish: Wish) -> Self {
        let step = match wish {
            Wish { transport: Transport::HttpSse, legacy: Some(_), .. } => Step::OpenSse,
            Wish { transport: Transport::HttpSse, .. } => Step::Fail(Failure::NothingToSpeak),
            Wish { modern: Some(revision), .. } => Step::Discover(revision),
            Wish { legacy: Some(revision), .. } => Step::Initialize(revision),
            _ => Step::Fail(Failure::NothingToSpeak),
        };
        Self { wish, step, discoveries: 0, refusal: Refusal::default() }
    }

    /// What to do next; the same until something was heard.
    pub fn next(&self) -> Step {
        self.step.clone()
    }

    /// Takes what came of the step.
    pub fn heard(&mut self, heard: &Heard<'_>) {
        if let Some(failure) = not_now(heard) {
            self.step = Step::Fail(failure);
            return;
        }
        self.step = match (&self.step, heard) {
            (Step::Discover(_), heard) => self.discovered(heard),
            (Step::Initialize(offered), heard) => self.initialized(*offered, heard),
            (Step::OpenSse, Heard::Endpoint) => Step::Settled(Way::HttpSse),
            (Step::OpenSse, heard) => Step::Fail(Failure::NoMcp(self.first_refusal(heard))),
            (step, _) => step.clone(),
        };
    }

    fn discovered(&mut self, heard: &Heard<'_>) -> Step {
        self.discoveries += 1;
        match heard {
            Heard::Discovered(versions) => match self.in_common(versions) {
                Some(revision) => Step::Settled(Way::Modern(revision)),
                None => self.without_common(versions),
            },
            Heard::Refused(refused) if proves_modern(refused) => {
                match self.in_common(refused.supported) {
                    Some(revision) if self.discoveries < MOST_DISCOVERIES => {
                        Step::Discover(revision)
                    }
                    Some(_) => Step::Fail(Failure::NoCommonVersion(owned(refused.supported))),
                    None => self.without_common(refused.supported),
                }
            }
            heard => {
                let refusal = refusal_of(heard);
                let fallback = self.wish.legacy.map(Step::Initialize);
                fallback.unwrap_or(Step::Fail(Failure::OnlyLegacy(refusal)))
            }
        }
    }

    fn initialized(&mut self, offered: legacy::Revision, heard: &Heard<'_>) -> Step {
        let refused = match heard {
            Heard::Initialized(revision) => return Step::Settled(Way::Legacy(*revision)),
            Heard::Refused(refused) => refused,
            heard => return Step::Fail(Failure::NoMcp(refusal_of(heard))),
        };
        self.refusal = refusal_of(heard);
        let older = refused.supported.iter().filter_map(|name| legacy::Revision::named(name));
        if let Some(older) = older.filter(|&older| older < offered).max() {
            return Step::Initialize(older);
        }
        if is_modern(refused) {
            return match self.in_common(refused.supported) {
                Some(revision) if self.discoveries < MOST_DISCOVERIES => Step::Discover(revision),
                _ => Step::Fail(Failure::OnlyModern(owned(refused.supported))),
            };
        }
        if self.wish.transport == Transport::Auto && falls_back(refused.status, offered) {
            return Step::OpenSse;
        }
        Step::Fail(Failure::NoMcp(self.refusal))
    }

    /// A modern server without a revision in common may still know a handshake.
    fn without_common(&self, versions: &[Cow<'_, str>]) -> Step {
        let knows = |offered: legacy::Revision| {
            let known = versions.iter().filter_map(|name| legacy::Revision::named(name));
            known.filter(|&known| known <= offered).max()
        };
        self.wish
            .legacy
            .and_then(knows)
            .map_or_else(|| Step::Fail(Failure::NoCommonVersion(owned(versions))), Step::Initialize)
    }

    fn in_common(&self, versions: &[Cow<'_, str>]) -> Option<modern::Revision> {
        let newest = self.wish.modern?;
        let spoken: Vec<_> =
            modern::Revision::ALL.into_iter().filter(|&spoken| spoken <= newest).collect();
        common(versions, &spoken)
    }

    /// What was said to the POST tells more than what was said to the GET after it.
    fn first_refusal(&self, heard: &Heard<'_>) -> Refusal {
        if self.refusal.status.is_some() { self.refusal } else { refusal_of(heard) }
    }
}

impl Way {
    /// Whether an answer to a request in this way says that the server no longer speaks so, and
    /// has to be detected anew.
    pub const fn is_doubted_by(self, heard: &Heard<'_>) -> bool {
        let Heard::Refused(Refused { status, code, .. }) = *heard else {
            return matches!((self, heard), (Self::HttpSse, Heard::NoEndpoint));
        };
        match self {
            // A modern server blames a request with one of these; an old one knows no other way
            // to be asked than with a session.
            Self::Modern(_) => match (status, code) {
                (400, Some(-32700 | -32602 | -32020 | -32021)) | (404, Some(METHOD_NOT_FOUND)) => {
                    false
                }
                (400 | 404 | 405, _) => true,
                _ => false,
            },
            Self::Legacy(_) => {
                matches!((status, code), (405, _))
                    || matches!(code, Some(HEADER_MISMATCH | UNSUPPORTED_VERSION))
            }
            Self::HttpSse => matches!(status, 400 | 404 | 405),
        }
    }
}

/// What is no evidence.
const fn not_now(heard: &Heard<'_>) -> Option<Failure> {
    match heard {
        Heard::Refused(Refused { status: status @ (401 | 403), .. }) => {
            Some(Failure::Unauthorised(*status))
        }
        Heard::Outage | Heard::Refused(Refused { status: 408 | 425 | 429 | 500.., .. }) => {
            Some(Failure::Outage)
        }
        _ => None,
    }
}

/// -32022 with the versions spoken: no old server says this.
fn proves_modern(refused: &Refused<'_>) -> bool {
    refused.code == Some(UNSUPPORTED_VERSION) && !refused.supported.is_empty()
}

/// Whether a refused `initialize` says that there is no such thing as a handshake.
fn is_modern(refused: &Refused<'_>) -> bool {
    match refused.code {
        Some(UNSUPPORTED_VERSION | HEADER_MISMATCH) => true,
        Some(METHOD_NOT_FOUND) => refused.status == 404,
        _ => false,
    }
}

/// Whether the old transport is worth a try: before 2025-11-25 any 4xx was.
fn falls_back(status: u16, offered: legacy::Revision) -> bool {
    let any = offered < legacy::Revision::V2025_11_25 && (400..500).contains(&status);
    any || matches!(status, 400 | 404 | 405)
}

const fn refusal_of(heard: &Heard<'_>) -> Refusal {
    match heard {
        Heard::Refused(Refused { status, code, .. }) => {
            Refusal { status: Some(*status), code: *code }
        }
        _ => Refusal { status: None, code: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use legacy::Revision::{V2024_11_05, V2025_03_26, V2025_06_18, V2025_11_25};
    use modern::Revision::V2026_07_28;
    use proptest::prelude::*;

    const AUTO: Wish =
        Wish { transport: Transport::Auto, modern: Some(V2026_07_28), legacy: Some(V2025_11_25) };
    const MODERN: Wish = Wish { legacy: None, ..AUTO };
    const LEGACY: Wish = Wish { modern: None, ..AUTO };
    const OLD: Wish = Wish { legacy: Some(V2025_06_18), ..LEGACY };
    const STREAMABLE: Wish = Wish { transport: Transport::StreamableHttp, ..AUTO };
    const SSE: Wish = Wish { transport: Transport::HttpSse, ..AUTO };

    const BOTH: &[Cow<'static, str>] = &[Cow::Borrowed("2025-11-25"), Cow::Borrowed("2026-07-28")];
    const NEW: &[Cow<'static, str>] = &[Cow::Borrowed("2026-07-28")];
    const FIRST: &[Cow<'static, str>] = &[Cow::Borrowed("2025-03-26"), Cow::Borrowed("x")];
    const LATER: &[Cow<'static, str>] = &[Cow::Borrowed("2027-01-01")];

    fn refused(status: u16, code: impl Into<Option<i64>>) -> Heard<'static> {
        Heard::Refused(Refused { status, code: code.into(), supported: &[] })
    }

    fn naming(code: i64, supported: &'static [Cow<'static, str>]) -> Heard<'static> {
        Heard::Refused(Refused { status: 400, code: Some(code), supported })
    }

    /// The steps of a detection that hears these answers, the last one without an answer.
    fn steps(wish: Wish, heard: &[Heard<'_>]) -> Vec<Step> {
        let mut detection = Detection::start(wish);
        let mut steps = vec![detection.next()];
        for heard in heard {
            detection.heard(heard);
            steps.push(detection.next());
        }
        steps
    }

    /// Where a detection ends.
    fn end(wish: Wish, heard: &[Heard<'_>]) -> Step {
        steps(wish, heard).pop().unwrap()
    }

    const MODERN_WAY: Step = Step::Settled(Way::Modern(V2026_07_28));
    const LEGACY_WAY: Step = Step::Settled(Way::Legacy(V2025_11_25));
    const SSE_WAY: Step = Step::Settled(Way::HttpSse);
    const DONE: Heard<'static> = Heard::Initialized(V2025_11_25);

    #[test]
    fn what_is_tried_first() {
        let cases = [
            (AUTO, Step::Discover(V2026_07_28)),
            (STREAMABLE, Step::Discover(V2026_07_28)),
            (MODERN, Step::Discover(V2026_07_28)),
            (LEGACY, Step::Initialize(V2025_11_25)),
            (Wish { legacy: Some(V2024_11_05), ..LEGACY }, Step::Initialize(V2024_11_05)),
            (SSE, Step::OpenSse),
            (Wish { legacy: None, ..SSE }, Step::Fail(Failure::NothingToSpeak)),
            (Wish { modern: None, ..MODERN }, Step::Fail(Failure::NothingToSpeak)),
        ];
        for (wish, expected) in cases {
            assert_eq!(Detection::start(wish).next(), expected, "{wish:?}");
        }
    }

    /// Every server of components.md, and every row of protocol.md, section 4.
    #[test]
    fn every_kind_of_server_is_found() {
        let no_common = |names: &[&str]| {
            let names = names.iter().map(|&name| name.to_owned()).collect();
            Step::Fail(Failure::NoCommonVersion(names))
        };
        let cases: Vec<(&str, Vec<Heard<'_>>, Step)> = vec![
            ("py-v2, ts-v2-handler, rmcp", vec![Heard::Discovered(BOTH)], MODERN_WAY),
            ("modern only", vec![Heard::Discovered(NEW)], MODERN_WAY),
            ("py-v1-stateful", vec![refused(400, -32600), DONE], LEGACY_WAY),
            ("everything-http", vec![refused(400, -32000), DONE], LEGACY_WAY),
            ("ts-v2-stateful", vec![refused(400, -32000), DONE], LEGACY_WAY),
            ("unknown method in a 200", vec![refused(200, -32601), DONE], LEGACY_WAY),
            ("bad parameters in a 200", vec![refused(200, -32602), DONE], LEGACY_WAY),
            ("an internal error in a 200", vec![refused(200, -32603), DONE], LEGACY_WAY),
            ("a 200 that cannot be read", vec![refused(200, None), DONE], LEGACY_WAY),
            ("202 to the probe", vec![refused(202, None), DONE], LEGACY_WAY),
            ("an empty 400", vec![refused(400, None), DONE], LEGACY_WAY),
            ("bad parameters in a 400", vec![refused(400, -32602), DONE], LEGACY_WAY),
            ("an overloaded code", vec![refused(400, -32020), DONE], LEGACY_WAY),
            ("another one", vec![refused(400, -32021), DONE], LEGACY_WAY),
            ("-32022 without a list", vec![refused(400, -32022), DONE], LEGACY_WAY),
            ("only POST of old messages", vec![refused(406, None), DONE], LEGACY_WAY),
            ("422 of rmcp without a session", vec![refused(422, None), DONE], LEGACY_WAY),
            (
                "the suite: the first version is refused, then taken",
                vec![naming(-32022, NEW), Heard::Discovered(NEW)],
                MODERN_WAY,
            ),
            ("names a handshake only", vec![naming(-32022, FIRST), DONE], LEGACY_WAY),
            ("discovers a handshake only", vec![Heard::Discovered(FIRST), DONE], LEGACY_WAY),
            ("a later era", vec![naming(-32022, LATER)], no_common(&["2027-01-01"])),
            ("a later era", vec![Heard::Discovered(LATER)], no_common(&["2027-01-01"])),
            (
                "refuses what it names",
                vec![naming(-32022, NEW), naming(-32022, NEW)],
                no_common(&["2026-07-28"]),
            ),
            (
                "the old transport, Python",
                vec![refused(405, None), refused(405, None), Heard::Endpoint],
                SSE_WAY,
            ),
            (
                "the old transport, TypeScript",
                vec![refused(404, None), refused(404, None), Heard::Endpoint],
                SSE_WAY,
            ),
            (
                "the old transport, parsing first",
                vec![refused(400, None), refused(400, -32600), Heard::Endpoint],
                SSE_WAY,
            ),
        ];
        for (what, heard, expected) in cases {
            assert_eq!(end(AUTO, &heard), expected, "{what}");
        }
    }

    #[test]
    fn a_fall_back_asks_for_what_both_know() {
        let found = steps(AUTO, &[naming(-32022, FIRST)]);
        assert_eq!(found[1], Step::Initialize(V2025_03_26));
        let found = steps(LEGACY, &[naming(-32602, FIRST), Heard::Initialized(V2025_03_26)]);
        assert_eq!(found[1], Step::Initialize(V2025_03_26));
        assert_eq!(found[2], Step::Settled(Way::Legacy(V2025_03_26)));
    }

    #[test]
    fn a_client_of_one_era_says_why_it_fails() {
        let fail = |wish, heard: &[Heard<'_>]| match end(wish, heard) {
            Step::Fail(failure) => failure.to_string(),
            step => panic!("{step:?}"),
        };
        let cases = [
            (
                LEGACY,
                vec![naming(-32022, NEW)],
                "the server speaks only versions without a handshake: 2026-07-28",
            ),
            (
                LEGACY,
                vec![refused(400, -32020)],
                "the server speaks only versions without a handshake",
            ),
            (
                LEGACY,
                vec![refused(404, -32601)],
                "the server speaks only versions without a handshake",
            ),
            (
                MODERN,
                vec![refused(400, -32000)],
                "the server does not answer without a handshake (HTTP 400, error -32000)",
            ),
            (
                STREAMABLE,
                vec![refused(404, None), refused(404, None)],
                "nothing there speaks MCP over the transports asked for (HTTP 404)",
            ),
            (
                AUTO,
                vec![refused(404, None), refused(404, None), refused(404, None)],
                "nothing there speaks MCP over the transports asked for (HTTP 404)",
            ),
            (
                AUTO,
                vec![refused(400, None), refused(400, -32603), Heard::NoEndpoint],
                "nothing there speaks MCP over the transports asked for (HTTP 400, error -32603)",
            ),
            (
                AUTO,
                vec![refused(400, None), refused(200, -32603)],
                "nothing there speaks MCP over the transports asked for (HTTP 200, error -32603)",
            ),
            (
                AUTO,
                vec![refused(307, None), refused(307, None)],
                "nothing there speaks MCP over the transports asked for (HTTP 307)",
            ),
            (
                SSE,
                vec![Heard::NoEndpoint],
                "nothing there speaks MCP over the transports asked for (no endpoint event)",
            ),
            (
                MODERN,
                vec![naming(-32022, FIRST)],
                "the server speaks none of this client's versions, only 2025-03-26, x",
            ),
        ];
        for (wish, heard, expected) in cases {
            assert_eq!(fail(wish, &heard), expected);
        }
    }

    #[test]
    fn before_2025_11_25_any_4xx_led_to_the_old_transport() {
        assert_eq!(end(OLD, &[refused(406, None)]), Step::OpenSse);
        assert!(matches!(end(LEGACY, &[refused(406, None)]), Step::Fail(Failure::NoMcp(_))));
    }

    #[test]
    fn outages_and_credentials_are_no_evidence() {
        let outage = || Step::Fail(Failure::Outage);
        let cases = [
            (Heard::Outage, outage()),
            (refused(500, None), outage()),
            (refused(503, -32022), outage()),
            (refused(429, None), outage()),
            (refused(408, None), outage()),
            (refused(425, None), outage()),
            (refused(401, None), Step::Fail(Failure::Unauthorised(401))),
            (refused(403, -32022), Step::Fail(Failure::Unauthorised(403))),
        ];
        let ways: [&[Heard<'_>]; 3] =
            [&[], &[refused(400, None)], &[refused(404, None), refused(404, None)]];
        for before in ways {
            for (heard, expected) in &cases {
                let mut detection = Detection::start(AUTO);
                for heard in before.iter().chain([heard]) {
                    detection.heard(heard);
                }
                assert_eq!(detection.next(), *expected);
            }
        }
    }

    #[test]
    fn answers_that_say_the_belief_is_wrong() {
        let (modern, legacy) = (Way::Modern(V2026_07_28), Way::Legacy(V2025_11_25));
        let cases = [
            (modern, naming(-32022, FIRST), true),
            (modern, refused(400, -32000), true),
            (modern, refused(400, -32600), true),
            (modern, refused(400, None), true),
            (modern, refused(404, None), true),
            (modern, refused(405, None), true),
            (modern, refused(404, -32601), false),
            (modern, refused(400, -32602), false),
            (modern, refused(400, -32020), false),
            (modern, refused(400, -32021), false),
            (modern, refused(400, -32700), false),
            (modern, refused(200, -32000), false),
            (modern, refused(429, None), false),
            (modern, refused(503, None), false),
            (modern, Heard::Outage, false),
            (legacy, naming(-32022, NEW), true),
            (legacy, refused(400, -32020), true),
            (legacy, refused(405, None), true),
            (legacy, refused(400, -32000), false),
            (legacy, refused(404, -32001), false),
            (legacy, Heard::Outage, false),
            (Way::HttpSse, refused(405, None), true),
            (Way::HttpSse, refused(404, None), true),
            (Way::HttpSse, Heard::NoEndpoint, true),
            (Way::HttpSse, refused(503, None), false),
            (Way::HttpSse, Heard::Outage, false),
        ];
        for (way, heard, expected) in cases {
            assert_eq!(way.is_doubted_by(&heard), expected, "{way:?} {heard:?}");
        }
    }

    #[test]
    fn versions_are_kept_within_bounds() {
        let many: Vec<_> = (0..20).map(|n| Cow::Owned(format!("{n:01000}"))).collect();
        let Step::Fail(failure) = end(MODERN, &[Heard::Discovered(&many)]) else { panic!() };
        assert!(failure.to_string().len() < 1_000, "{failure}");
    }

    fn any_heard() -> impl Strategy<Value = Heard<'static>> {
        let lists = prop_oneof![Just(BOTH), Just(NEW), Just(FIRST), Just(LATER), Just(&[][..])];
        prop_oneof![
            lists.clone().prop_map(Heard::Discovered),
            Just(DONE),
            Just(Heard::Endpoint),
            Just(Heard::NoEndpoint),
            (200_u16..430, prop::option::of(-32_100_i64..-31_990), lists)
                .prop_map(|(status, code, supported)| Refused { status, code, supported })
                .prop_map(Heard::Refused),
        ]
    }

    proptest! {
        #[test]
        fn every_detection_ends(heard in prop::collection::vec(any_heard(), 16), wish in 0..6_usize) {
            let wish = [AUTO, MODERN, LEGACY, OLD, STREAMABLE, SSE][wish];
            let mut detection = Detection::start(wish);
            for heard in &heard {
                detection.heard(heard);
            }
            let ended = matches!(detection.next(), Step::Settled(_) | Step::Fail(_));
            prop_assert!(ended, "{:?}", detection.next());
        }
    }
}
