//! The clients of a rehearsal: profiles without their chances, and what was told of them.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use serde_json::json;

use super::Server;
use crate::engine::client::{Belief, Common, Tool};
use crate::engine::holder::Wallet;
use crate::engine::recorder::{Observer, Recorder};
use crate::engine::sources::Sources;
use crate::engine::wire::Wire;
use crate::engine::wire::line::Address;
use crate::model::arguments::Maker;
use crate::model::event::{
    Call, Event, Exchange, GrantChange, GrantEvent, Issued, Presented, Race, Refused, Run,
    SessionChange, SessionEvent, Violation, Wave,
};
use crate::model::plan::Credential;
pub(crate) use crate::model::plan::sample::plain;
use crate::model::profile::{
    Connections, Era, Identity, Ids, Profile, ServerRequests, SessionWeights,
};
use crate::protocol::era::{Transport, Wish};
use crate::protocol::legacy::Revision;
use crate::protocol::modern;
use crate::protocol::modern::result::TASKS;
use crate::protocol::serve::Declared;

/// Budget of one connection of the rehearsed wire, shorter than that of an exchange.
pub(crate) const CONNECT_BUDGET: Duration = Duration::from_secs(7);

/// The hosted broker, as `scenarios/profiles/claude-ai-legacy` has it, without its chances: a
/// handshake for every call, no stream, no DELETE, no stagger.
pub(crate) fn fresh() -> Profile {
    Profile {
        name: "claude-ai-legacy".into(),
        identity: Identity {
            user_agent: "Claude-User".into(),
            client_name: "Anthropic/ClaudeAI".into(),
            client_version: "1.0.0".into(),
            headers: Vec::new(),
        },
        ids: Ids::Constant(1),
        sessions: SessionWeights { fresh: 1.0, unechoed: 0.0, pooled: 0.0, echo: 0.0 },
        stream_share: 0.0,
        delete_share: 0.0,
        connections: Connections::Shared,
        cap: 7,
        queue_limit: Some(Duration::from_secs(180)),
        connect_timeout: Duration::from_secs(10),
        call_timeout: Duration::from_secs(300),
        result_cap: Some(150_000),
        server_requests: ServerRequests::PingOnly,
        ..plain()
    }
}

/// `profile` with one session for all that a user does, and nothing around it.
pub(crate) fn pooled(profile: Profile) -> Profile {
    Profile {
        sessions: SessionWeights { fresh: 0.0, unechoed: 0.0, pooled: 1.0, echo: 0.0 },
        lists: Vec::new(),
        stream_share: 0.0,
        ..profile
    }
}

/// What clients of `profile` share, on the way to `server`.
pub(crate) fn common(server: &Server, profile: Profile, credential: &Credential) -> Arc<Common> {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("tools.test"));
    headers.insert(USER_AGENT, HeaderValue::from_str(&profile.identity.user_agent).unwrap());
    for (name, value) in &profile.identity.headers {
        let name = HeaderName::try_from(name.as_str()).unwrap();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    let maker = Maker::from_fixtures(&[json!({ "text": "hi" })]).unwrap();
    let declared = Declared::of(&profile.capabilities);
    let polls_tasks = profile.capabilities.contains(TASKS);
    let wish = Wish {
        transport: Transport::Auto,
        modern: Some(modern::Revision::V2026_07_28).filter(|_| profile.era != Era::Legacy),
        legacy: Some(Revision::V2025_11_25).filter(|_| profile.era != Era::Modern),
    };
    Arc::new(Common {
        wire: wire(server),
        profile,
        headers,
        wallet: Wallet::of(credential, &[]).unwrap(),
        tools: vec![Tool::new("echo".into(), maker)],
        seed: 7,
        lines: Sources::default().lines(),
        declared,
        polls_tasks,
        wish,
        belief: Belief::default(),
        listed_until: AtomicU64::default(),
    })
}

/// The way to `server`, with a recorder of its own.
pub(crate) fn wire(server: &Server) -> Wire {
    Wire {
        connect: Arc::new(server.clone()),
        clock: server.clock(),
        recorder: Arc::new(Recorder::default()),
        address: Address {
            path: Uri::from_static("/mcp"),
            whole: Uri::from_static("http://rehearsal.test/mcp"),
        },
        connect_timeout: CONNECT_BUDGET,
        sources: Sources::default(),
        gate: None,
    }
}

/// Everything that was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) calls: Vec<Call>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) sessions: Vec<SessionChange>,
    pub(crate) runs: Vec<Run>,
    pub(crate) waves: Vec<Wave>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) grants: Vec<GrantChange>,
    pub(crate) refused: Vec<Refused>,
    pub(crate) races: Vec<Race>,
    pub(crate) issued: Vec<Issued>,
    pub(crate) presented: Vec<Presented>,
    pub(crate) untried: Vec<Refused>,
}

impl Told {
    /// What `recorder` was told since it was last asked.
    pub(crate) fn by(recorder: &Recorder) -> Self {
        let mut told = Self::default();
        recorder.drain(&mut Vec::new(), &mut [&mut told]);
        told
    }

    /// Exchanges of which a byte left.
    pub(crate) fn sent(&self) -> usize {
        self.exchanges.iter().filter(|exchange| exchange.sent.is_some()).count()
    }
}

impl Observer for Told {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::Call(call) => self.calls.push(*call),
            Event::Exchange(exchange) => self.exchanges.push(*exchange),
            Event::Session(SessionEvent { change, .. }) => self.sessions.push(*change),
            Event::Grant(GrantEvent { change, .. }) => self.grants.push(*change),
            Event::Race(race) => self.races.push(*race),
            Event::Presented(presented) => self.presented.push(*presented),
            Event::Untried(untried) => self.untried.push((**untried).clone()),
            Event::Issued(issued) => self.issued.push(*issued),
            Event::Refused(refused) => self.refused.push((**refused).clone()),
            Event::Run(run) => self.runs.push(*run),
            Event::Wave(wave) => self.waves.push(*wave),
            Event::Violation(violation) => self.violations.push((**violation).clone()),
            other => panic!("never told here: {other:?}"),
        }
    }
}
