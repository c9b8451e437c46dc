//! What a run does: `load.behaviour`, and the knobs of `[load.steady]` and `[load.chat]`.

use crate::model::behaviour::{Behaviour, Chat, Check, Reaction, Research, Steady};
use crate::model::plan::checks::{
    ABORTS, AFFINITY, AUDIENCE, CANCELS, EXPIRED_TOKEN, FLOOD, ISOLATION, PARALLEL, RATE_LIMIT,
    SESSIONS, SILENCES, SLOW_CONSUMER, STARVATION,
};

use super::reader::Table;
use super::{checks, rate_limit, research, trials};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Steady,
    Chat,
    Research,
    Advanced,
    ExpiredToken,
    WrongAudience,
    RegistrationFlood,
    RateLimit,
    /// A script of this name.
    Script(&'static str),
}

const KINDS: [(&str, Kind); 17] = [
    ("research", Kind::Research),
    ("research-advanced", Kind::Advanced),
    ("chat", Kind::Chat),
    ("steady", Kind::Steady),
    (EXPIRED_TOKEN, Kind::ExpiredToken),
    (AUDIENCE, Kind::WrongAudience),
    (FLOOD, Kind::RegistrationFlood),
    (RATE_LIMIT, Kind::RateLimit),
    (SESSIONS, Kind::Script(SESSIONS)),
    (ABORTS, Kind::Script(ABORTS)),
    (CANCELS, Kind::Script(CANCELS)),
    (SILENCES, Kind::Script(SILENCES)),
    (ISOLATION, Kind::Script(ISOLATION)),
    (AFFINITY, Kind::Script(AFFINITY)),
    (STARVATION, Kind::Script(STARVATION)),
    (PARALLEL, Kind::Script(PARALLEL)),
    (SLOW_CONSUMER, Kind::Script(SLOW_CONSUMER)),
];

/// Tables of knobs, and a behaviour that goes by each.
const TABLES: [(&str, &str); 6] = [
    ("steady", "steady"),
    ("chat", "chat"),
    ("research", "research"),
    ("expired_token", EXPIRED_TOKEN),
    ("wrong_audience", AUDIENCE),
    ("rate_limit", RATE_LIMIT),
];

const LATER: [&str; 8] = [
    "fleet",
    "burst",
    "trace",
    "runaway",
    "inspector-noise",
    "token-cliff",
    "retry-echo",
    "check-tokens",
];

/// Reads the behaviour that `[load]` chose, with every symbol of its model.
pub fn read(load: &Table<'_>) -> Option<Behaviour> {
    let kind = load
        .key("behaviour", "What a run does, such as behaviour = \"research\".")
        .word(&KINDS, &LATER)
        .required();
    let base =
        if kind == Some(Kind::Advanced) { Research::advanced() } else { Research::standard() };
    let steady = load.table("steady", "Knobs of behaviour steady.", steady);
    let chat = load.table("chat", "Knobs of behaviour chat.", chat);
    let doc = "Knobs of behaviours research and research-advanced; unsaid ones keep their preset.";
    let research = load.table("research", doc, |table| research::read(table, base));
    let doc = "Knobs of behaviour check-expired-token.";
    let expired = load.table("expired_token", doc, checks::expired_token);
    let doc = "Knobs of behaviour check-wrong-audience.";
    let audience = load.table("wrong_audience", doc, checks::wrong_audience);
    let doc = "Knobs of behaviour check-rate-limit.";
    let limit = load.table("rate_limit", doc, rate_limit::read);
    let scripts = trials::read(load);
    let kind = kind?;
    refuse_others(load, kind);
    Some(match kind {
        Kind::Steady => Behaviour::Steady(steady),
        Kind::Chat => Behaviour::Chat(chat),
        Kind::Research | Kind::Advanced => Behaviour::Research(Box::new(research)),
        Kind::ExpiredToken => Behaviour::Check(expired),
        Kind::WrongAudience => Behaviour::Check(audience),
        Kind::RegistrationFlood => Behaviour::Check(Check::RegistrationFlood),
        Kind::RateLimit => Behaviour::Check(Check::RateLimit(limit)),
        Kind::Script(name) => {
            let script = scripts.into_iter().find(|script| script.name() == name)?;
            Behaviour::Check(Check::Script(script))
        }
    })
}

/// Knobs of a behaviour that was not chosen would be ignored: say so.
fn refuse_others(load: &Table<'_>, kind: Kind) {
    let table = match kind {
        Kind::Steady => "steady",
        Kind::Chat => "chat",
        Kind::Research | Kind::Advanced => "research",
        Kind::ExpiredToken => "expired_token",
        Kind::WrongAudience => "wrong_audience",
        Kind::RegistrationFlood => "",
        Kind::RateLimit => "rate_limit",
        Kind::Script(name) => {
            let own = trials::TABLES.iter().find(|(_, check)| *check == name);
            own.map_or("", |(table, _)| table)
        }
    };
    for (other, owner) in TABLES.into_iter().chain(trials::TABLES) {
        if let Some(place) = load.given(other).filter(|_| other != table) {
            let found = format!("load.{other} has no effect: load.behaviour is another one");
            load.log().wrong(place, found, format!("remove it, or choose behaviour {owner}"));
        }
    }
}

fn steady(table: &Table<'_>) -> Steady {
    let default = Steady::default();
    Steady {
        calls: table.key("calls", "Calls in one run.").count(1..=1_000_000).or(default.calls),
        think: table.key("think", "Pause between two calls.").distribution().or(default.think),
    }
}

fn chat(table: &Table<'_>) -> Chat {
    let default = Chat::default();
    Chat {
        calls: table
            .key("calls", "Fewest and most calls in a turn.")
            .bounds(0..=1_000)
            .or(default.calls),
        think: table.key("think", "Thinking before each call.").distribution().or(default.think),
        answer: table
            .key("answer", "Writing the answer, without calls.")
            .distribution()
            .or(default.answer),
        reaction: table.table("reaction", REACTION, |table| reaction(table, default.reaction)),
    }
}

/// The sentence of both reaction tables.
pub const REACTION: &str = "R: what the model does with a failed call; the rest drops the tool.";

/// Reads a `reaction` table.
pub fn reaction(table: &Table<'_>, default: Reaction) -> Reaction {
    let reaction = Reaction {
        retry: table.key("retry", "Share that is made once more.").share().or(default.retry),
        rephrase: table
            .key("rephrase", "Share that is asked in other words.")
            .share()
            .or(default.rephrase),
        circuit_after: table
            .key("circuit_after", "Failures in a row after which the tool may be given up.")
            .count(1..=1_000_000)
            .or(default.circuit_after),
        circuit: table.key("circuit", "Chance that it then is.").share().or(default.circuit),
    };
    if reaction.retry + reaction.rephrase > 1.0 + 1e-9 {
        let found = format!("{}: retry and rephrase together are more than 1", table.path());
        table.log().wrong(table.place(), found, "make their sum 1 or less");
    }
    reaction
}
