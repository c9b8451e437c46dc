//! A client profile as a file: every value with its source, read with the same care as a scenario.

mod oauth;
mod words;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::model::distribution::{Distribution, Shape};
use crate::model::profile::{
    Confidence, Connections, Elicitation, Era, Identity, Ids, OnSessionLoss, Profile,
    ServerRequests, SessionWeights, Source,
};

use self::words::{header_value, headers, ids, limit, list, month, object, result_cap, weights};
use super::key::{Found, Key};
use super::mistake::Place;
use super::reader::Table;
use super::scalar::text_of;

/// Values of a profile, wherever they are written.
struct Values<'t, 'a> {
    table: &'t Table<'a>,
    origin: Origin,
    sources: &'t RefCell<BTreeMap<String, Source>>,
    /// The month that the file describes.
    date: &'t str,
    prefix: &'static str,
}

/// Finds the profile that is named at a place, to inherit from.
pub type Inherited<'i> = &'i dyn Fn(&str, Place) -> Option<Profile>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A profile file: every value is there, as `{ is, source, confidence }`.
    File,
    /// One that inherits: some values, in the same form.
    Heir,
    /// A scenario's overrides: some values, plain.
    Scenario,
}

/// Reads a profile file.
pub fn read(file: &Table<'_>, inherited: Inherited<'_>) -> Option<Profile> {
    let name = file.key("name", "Its name, as scenarios write it.").text().required();
    let date = file
        .key("date", "The month it describes.")
        .read("a month such as \"2026-09\"", |node| month(text_of(node)?))
        .required();
    let about = file.key("about", "One sentence: which client this is.").text().optional();
    let doc = "The profile whose values it has where it gives none of its own: a name, name@date or a path.";
    let inherits = file.key("inherits", doc).text().optional();
    let base = match &inherits {
        Some(name) => inherited(name, file.place_of("inherits")),
        None => Some(blank()),
    };
    let origin = if inherits.is_some() { Origin::Heir } else { Origin::File };
    // Where there is nothing to inherit from mistakes are still found.
    let is_whole = base.is_some();
    let mut profile = base.unwrap_or_else(blank);
    // What is not said otherwise is of the month that the file describes.
    profile.date = date.clone().unwrap_or_default();
    values(file, origin, &mut profile);
    (profile.name, profile.about, profile.inherits) = (name?, about.unwrap_or_default(), inherits);
    date.filter(|_| is_whole).map(|_| profile)
}

/// Reads a scenario's overrides over a profile.
pub fn override_with(table: &Table<'_>, mut profile: Profile) -> Profile {
    values(table, Origin::Scenario, &mut profile);
    profile
}

fn values(table: &Table<'_>, origin: Origin, profile: &mut Profile) {
    let sources = RefCell::new(std::mem::take(&mut profile.sources));
    let date = profile.date.clone();
    let identity = "Who the client says it is.";
    table.table("identity", identity, |table| {
        let (sources, date) = (&sources, date.as_str());
        let values = Values { table, origin, sources, date, prefix: "identity." };
        who(&values, &mut profile.identity);
    });
    table.table("oauth", "How it gets and keeps a grant where a server asks for one.", |table| {
        let (sources, date) = (&sources, date.as_str());
        let values = Values { table, origin, sources, date, prefix: "oauth." };
        oauth::read(&values, &mut profile.oauth);
    });
    let values = Values { table, origin, sources: &sources, date: &date, prefix: "" };
    handshake(&values, profile);
    sessions(&values, profile);
    calls(&values, profile);
    reactions(&values, profile);
    profile.sources = sources.into_inner();
}

fn who<'a>(values: &Values<'_, 'a>, identity: &mut Identity) {
    values.value("user_agent", "User-Agent.", Key::header_value, &mut identity.user_agent);
    values.value("client_name", "clientInfo.name.", Key::text, &mut identity.client_name);
    values.value("client_version", "clientInfo.version.", Key::text, &mut identity.client_version);
    let read = |key: Key<'a>| key.read("a table of headers", headers);
    values.value("headers", "Further headers it always sends.", read, &mut identity.headers);
}

fn handshake<'a>(values: &Values<'_, 'a>, profile: &mut Profile) {
    let words = [("legacy", Era::Legacy), ("auto", Era::Auto), ("modern", Era::Modern)];
    let read = |key: Key<'a>| key.word(&words, &[]);
    let doc = "Which era it speaks: legacy initialises, auto asks server/discover first.";
    values.value("era", doc, read, &mut profile.era);
    let read = |key: Key<'a>| key.read("a duration or \"none\"", limit);
    let doc = "How long it believes what it found out about a server's era.";
    values.value("probe_lasts", doc, read, &mut profile.probe_lasts);
    let slot = &mut profile.protocol_version;
    values.value("protocol_version", "Protocol version of its initialize.", Key::text, slot);
    let read = |key: Key<'a>| key.read("a JSON object as text", object);
    let slot = &mut profile.capabilities;
    values.value("capabilities", "Its capabilities, as JSON text.", read, slot);
    let read = |key: Key<'a>| key.read("\"constant N\" or \"counter N\"", ids);
    values.value("ids", "JSON-RPC ids of its requests.", read, &mut profile.ids);
    let read = |key: Key<'a>| key.each("a list of tools | resources | templates | prompts", list);
    values.value("lists", "Lists it asks for after a handshake.", read, &mut profile.lists);
    let reads = |key: Key<'a>| key.count(0..=1_000);
    let doc = "Resources read, prompts got, arguments completed after they were listed.";
    values.value("reads", doc, reads, &mut profile.reads);
    let doc = "Whether it asks again for a list whose ttlMs has passed, and not before.";
    values.value("honours_ttl", doc, Key::truth, &mut profile.honours_ttl);
    let doc = "Share of handshakes after which it opens the GET or listen stream.";
    values.value("stream_share", doc, Key::share, &mut profile.stream_share);
    let doc = "Whether it waits until that stream is open before it goes on.";
    values.value("stream_awaited", doc, Key::truth, &mut profile.stream_awaited);
    let resumes = |key: Key<'a>| key.count(0..=100);
    let doc =
        "How often in a row it tries to take up a stream that broke, counted anew once it is open.";
    values.value("resumes", doc, resumes, &mut profile.resumes);
    let doc = "Whether it sends notifications/initialized after a handshake made for one call.";
    values.value("initialized_when_fresh", doc, Key::truth, &mut profile.initialized_when_fresh);
}

fn sessions<'a>(values: &Values<'_, 'a>, profile: &mut Profile) {
    let doc = "Weights of fresh, unechoed, pooled and echo; the unsaid are 0.";
    let read = |key: Key<'a>| key.read("a table of weights", weights);
    values.value("sessions", doc, read, &mut profile.sessions);
    let doc = "Share of sessions it ends with DELETE.";
    values.value("delete_share", doc, Key::share, &mut profile.delete_share);
    let words = [("per-user", Connections::PerUser), ("shared", Connections::Shared)];
    let read = |key: Key<'a>| key.word(&words, &[]);
    let doc = "Whether connections are each user's own or shared by all.";
    values.value("connections", doc, read, &mut profile.connections);
}

fn calls<'a>(values: &Values<'_, 'a>, profile: &mut Profile) {
    let cap = |key: Key<'a>| key.count(1..=1_000_000);
    values.value("cap", "Calls of one conversation in flight at once.", cap, &mut profile.cap);
    let read = |key: Key<'a>| key.read("a duration or \"none\"", limit);
    let doc = "A call queued behind the cap longer than this is never sent.";
    values.value("queue_limit", doc, read, &mut profile.queue_limit);
    let doc = "Delay of each call of a burst after the first.";
    values.value("stagger", doc, Key::distribution, &mut profile.stagger);
    let doc = "Budget of connecting and of initialize.";
    values.value("connect_timeout", doc, timeout, &mut profile.connect_timeout);
    let doc = "Budget of one tool call, from its admission.";
    values.value("call_timeout", doc, timeout, &mut profile.call_timeout);
    let read = |key: Key<'a>| key.read("a number of characters, or \"none\"", result_cap);
    values.value("result_cap", "Characters of a result it reads.", read, &mut profile.result_cap);
    let doc = "Whether its calls ask for progress.";
    values.value("progress", doc, Key::truth, &mut profile.progress);
    let doc = "Whether it sends notifications/cancelled when its patience ends.";
    values.value("cancels", doc, Key::truth, &mut profile.cancels);
    let rounds = |key: Key<'a>| key.count(0..=100);
    let doc = "How often it answers what a modern server asks before a result.";
    values.value("input_rounds", doc, rounds, &mut profile.input_rounds);
}

fn reactions<'a>(values: &Values<'_, 'a>, profile: &mut Profile) {
    let words = [("reinitialise", OnSessionLoss::Reinitialise), ("give-up", OnSessionLoss::GiveUp)];
    let loss = |key: Key<'a>| key.word(&words, &[]);
    let doc = "What it does when the server answers 404 to a session.";
    values.value("on_session_404", doc, loss, &mut profile.on_session_404);
    let loss = |key: Key<'a>| key.word(&words, &[]);
    let doc = "What it does when the server answers 400 to a session.";
    values.value("on_session_400", doc, loss, &mut profile.on_session_400);
    let words = [
        ("answer", ServerRequests::Answer(Elicitation::Refuse)),
        ("answer-and-accept", ServerRequests::Answer(Elicitation::AcceptDefaults)),
        ("answer-and-decline", ServerRequests::Answer(Elicitation::Decline)),
        ("answer-and-cancel", ServerRequests::Answer(Elicitation::Cancel)),
        ("ping-only", ServerRequests::PingOnly),
        ("ignore", ServerRequests::Ignore),
    ];
    let read = |key: Key<'a>| key.word(&words, &[]);
    let doc = "What it does with requests from the server, forms among them.";
    values.value("server_requests", doc, read, &mut profile.server_requests);
}

impl<'a> Values<'_, 'a> {
    /// Reads one value into its slot and notes where it comes from.
    fn value<T>(
        &self,
        name: &'static str,
        doc: &'static str,
        read: impl FnOnce(Key<'a>) -> Found<'a, T>,
        slot: &mut T,
    ) {
        let (value, source) = match self.origin {
            Origin::File | Origin::Heir => self.sourced(name, doc, read),
            Origin::Scenario => {
                let key = self.table.key(name, doc);
                let source = Source {
                    confidence: Confidence::Modelled,
                    reference: "the scenario".to_owned(),
                    date: self.date.to_owned(),
                    value: key.json(),
                };
                (read(key).optional(), Some(source))
            }
        };
        if let (Some(value), Some(source)) = (value, source) {
            *slot = value;
            self.sources.borrow_mut().insert(format!("{}{name}", self.prefix), source);
        }
    }

    fn sourced<T>(
        &self,
        name: &'static str,
        doc: &'static str,
        read: impl FnOnce(Key<'a>) -> Found<'a, T>,
    ) -> (Option<T>, Option<Source>) {
        if self.origin == Origin::File && self.table.given(name).is_none() {
            let found = format!("{}{name} is missing", self.prefix);
            let right = "expected { is = ..., source = \"...\", confidence = \"...\" }";
            self.table.log().wrong(self.table.place(), found, right);
        }
        self.table.table(name, doc, |value| {
            if !value.is_given() {
                return (None, None);
            }
            let key = value.key("is", doc);
            let json = key.json();
            (read(key).required(), source(value, json, self.date))
        })
    }
}

fn source(value: &Table<'_>, json: Value, date: &str) -> Option<Source> {
    let words = [Confidence::Documented, Confidence::Observed, Confidence::Modelled];
    let confidence = value
        .key("confidence", "How sure the value is.")
        .word(&words.map(|confidence| (confidence.name(), confidence)), &[])
        .required();
    let reference =
        value.key("source", "Document, issue or measurement, with its date.").text().required();
    let seen = value
        .key("date", "The month it was seen in or read; else the file's.")
        .read("a month such as \"2026-09\"", |node| month(text_of(node)?))
        .optional();
    let date = seen.unwrap_or_else(|| date.to_owned());
    Some(Source { confidence: confidence?, reference: reference?, date, value: json })
}

impl<'a> Key<'a> {
    fn header_value(self) -> Found<'a, String> {
        self.read("a header's value", |node| header_value(text_of(node)?))
    }
}

fn timeout(key: Key<'_>) -> Found<'_, Duration> {
    key.duration(Duration::from_millis(1)..=Duration::from_secs(7 * 24 * 3600))
}

/// What a profile file is read over; a whole file leaves none of it.
fn blank() -> Profile {
    let text = String::new;
    Profile {
        name: text(),
        date: text(),
        about: text(),
        inherits: None,
        identity: Identity {
            user_agent: text(),
            client_name: text(),
            client_version: text(),
            headers: Vec::new(),
        },
        era: Era::Legacy,
        probe_lasts: None,
        protocol_version: text(),
        capabilities: "{}".to_owned(),
        ids: Ids::Counter(0),
        sessions: SessionWeights { fresh: 0.0, unechoed: 0.0, pooled: 0.0, echo: 1.0 },
        lists: Vec::new(),
        reads: 0,
        honours_ttl: false,
        stream_share: 0.0,
        stream_awaited: false,
        resumes: 0,
        delete_share: 0.0,
        initialized_when_fresh: true,
        connections: Connections::PerUser,
        cap: 1,
        queue_limit: None,
        stagger: Distribution { shape: Shape::Constant(Duration::ZERO), clip: None },
        connect_timeout: Duration::ZERO,
        call_timeout: Duration::ZERO,
        result_cap: None,
        progress: false,
        cancels: false,
        input_rounds: 0,
        on_session_404: OnSessionLoss::GiveUp,
        on_session_400: OnSessionLoss::GiveUp,
        server_requests: ServerRequests::Answer(Elicitation::Refuse),
        oauth: oauth::blank(),
        sources: BTreeMap::new(),
    }
}
