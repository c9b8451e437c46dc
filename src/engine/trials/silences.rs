//! `check-idle-streams`: streams and calls on which nothing happens, all at once, each for a time of
//! its own; and before that calls that tell how far they are.

use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::{Map, Value};

use super::{Opened, Stand};
use crate::engine::client::{Ended, Signs, Stood, Tail, Watched};
use crate::engine::wire::Pulse;
use crate::model::behaviour::SilenceTrials;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::trial::What;
use crate::model::trial::silences::{Held, Kind, Told, Trial};

/// So many tools are called to find one that tells how far it is.
const MOST_TOOLS: u16 = 8;
/// What a call may take longer than it is said to.
const LONGER: Duration = Duration::from_secs(10);

pub(super) async fn play(knobs: &SilenceTrials, stand: &Stand<'_>) {
    let Some(opened) = open(stand, Kind::Get, Duration::ZERO).await else { return };
    if opened.session.footing.mailbox().is_some() {
        let said = "over HTTP+SSE a session is one stream, and a run keeps its own".to_owned();
        return stand.untried(Operation::Stream, said, "nothing: any load shows when it is cut");
    }
    tell(knobs, stand, &opened).await;
    let is_modern = opened.session.footing.is_modern();
    opened.client.end_apart(&opened.session).await;
    let each = || {
        let all = knobs.silences.iter();
        all.flat_map(|silence| (0..knobs.each).map(|_| *silence))
    };
    let kind = if is_modern { Kind::Listen } else { Kind::Get };
    let streams = join_all(each().map(|silence| hold(stand, (kind, false), silence)));
    let Some(name) = &knobs.call else {
        let cut = shortest(streams.await);
        return hold_again(knobs, stand, kind, cut).await;
    };
    let tools = 0..stand.first.common.tool_count();
    let Some(tool) = tools.into_iter().find(|tool| stand.tool_name(*tool) == Some(name)) else {
        let said = format!("no tool {name} may be called");
        stand.untried(Operation::ToolsCall, said, "name it in tools.allow");
        let cut = shortest(streams.await);
        return hold_again(knobs, stand, kind, cut).await;
    };
    let calls = join_all(each().map(|silence| call(knobs, stand, tool, (silence, false))));
    let (streams, calls) = join(streams, calls).await;
    let call_again = async {
        if let Some(silence) = shortest(calls) {
            let all = (0..knobs.each).map(|_| call(knobs, stand, tool, (silence, true)));
            join_all(all).await;
        }
    };
    join(hold_again(knobs, stand, kind, shortest(streams)), call_again).await;
}

/// The shortest silence that was not lived through.
fn shortest(cut: Vec<Option<Duration>>) -> Option<Duration> {
    cut.into_iter().flatten().min()
}

/// What was cut is held once more: a network that failed once cuts everything at once.
async fn hold_again(knobs: &SilenceTrials, stand: &Stand<'_>, kind: Kind, cut: Option<Duration>) {
    if let Some(silence) = cut {
        join_all((0..knobs.each).map(|_| hold(stand, (kind, true), silence))).await;
    }
}

/// A session of a client of its own.
async fn open(stand: &Stand<'_>, kind: Kind, silence: Duration) -> Option<Opened> {
    let client = stand.client(0, 0);
    let (tail, session) = client.open_apart().await;
    let Some(session) = session else {
        let (opened, last, resumes, again) = (None, None, false, false);
        let held = Held { kind, silence, opened, beats: 0, last, resumes, again };
        stand.tell(&client, What::Silence(Trial::Held(held)), tail);
        return None;
    };
    Some(Opened { client, session })
}

/// Calls that ask how far they are, of the tool that is named or of the first one that says it.
async fn tell(knobs: &SilenceTrials, stand: &Stand<'_>, opened: &Opened) {
    let tools = 0..stand.first.common.tool_count();
    let named = tools.filter(|tool| {
        knobs.progress.is_none() || knobs.progress.as_deref() == stand.tool_name(*tool)
    });
    // What is called to be silent says nothing.
    let silent =
        |tool: &u16| knobs.progress.is_none() && stand.tool_name(*tool) == knobs.call.as_deref();
    for tool in named.filter(|tool| !silent(tool)).take(usize::from(MOST_TOOLS)) {
        if told(stand, opened, tool).await < 2 {
            continue;
        }
        for _ in 1..knobs.calls {
            told(stand, opened, tool).await;
        }
        return;
    }
}

/// A call that asks how far it is; how many messages came before its answer.
async fn told(stand: &Stand<'_>, opened: &Opened, tool: u16) -> u32 {
    let Opened { client, session } = opened;
    let until = client.common.wire.clock.now() + client.common.profile.call_timeout;
    let (id, ask, signs) = (stand.id(), stand.ask_of(tool), Signs::default());
    let (arguments, leave) = (None, None);
    let call = Watched { session, id, ask, arguments, progress: true, until, leave };
    let Ended { outcome, status, sent, answered, done } = client.watch(call, &signs).await;
    let came = signs.told();
    let (messages, first) = came.map_or((0, None), |(count, first, _)| (count, Some(first)));
    let told = Told { messages, first, answered };
    let tail = Tail { outcome, status, sent, done };
    stand.tell(client, What::Silence(Trial::Told(told)), tail);
    messages
}

/// A stream on which nothing happens; how long, if it was cut.
async fn hold(
    stand: &Stand<'_>,
    (kind, again): (Kind, bool),
    silence: Duration,
) -> Option<Duration> {
    let Opened { client, session } = open(stand, kind, silence).await?;
    let pulse = Pulse::default();
    let until = client.common.wire.clock.now() + silence;
    let Stood { outcome, status, resumes, sent, done } = client.hold(&session, until, &pulse).await;
    let (opened, beats, last) = (pulse.opened(), pulse.beats(), pulse.last());
    let held = Held { kind, silence, opened, beats, last, resumes, again };
    let tail = Tail { outcome, status, sent, done };
    stand.tell(&client, What::Silence(Trial::Held(held)), tail);
    client.end_apart(&session).await;
    (outcome == Outcome::CutStream && opened.is_some()).then_some(silence)
}

/// A call that takes so long; how long, if it was cut.
async fn call(
    knobs: &SilenceTrials,
    stand: &Stand<'_>,
    tool: u16,
    (silence, again): (Duration, bool),
) -> Option<Duration> {
    let kind = Kind::Call;
    let Opened { client, session } = open(stand, kind, silence).await?;
    let (id, ask, signs) = (stand.id(), stand.ask_of(tool), Signs::default());
    let mut made = Vec::new();
    client.make_arguments(&session, ask, &mut made);
    let arguments = taking(&made, &knobs.seconds, silence);
    let until = client.common.wire.clock.now() + silence.mul_f64(1.5) + LONGER;
    let arguments = Some(&*arguments);
    let (progress, leave) = (false, None);
    let watched = Watched { session: &session, id, ask, arguments, progress, until, leave };
    let Ended { outcome, status, sent, done, .. } = client.watch(watched, &signs).await;
    let (beats, last) = (signs.pulse.beats(), signs.pulse.last());
    let held = Held { kind, silence, opened: Some(sent), beats, last, resumes: false, again };
    // An error of the tool's is an answer.
    let outcome = if outcome == Outcome::ToolError { Outcome::Ok } else { outcome };
    let tail = Tail { outcome, status, sent, done };
    stand.tell(&client, What::Silence(Trial::Held(held)), tail);
    client.end_apart(&session).await;
    let is_cut =
        matches!(outcome, Outcome::CutStream | Outcome::Connect(_) | Outcome::Status(500..));
    is_cut.then_some(silence)
}

/// The arguments, with one that says how many seconds the call takes.
fn taking(made: &[u8], argument: &str, silence: Duration) -> Vec<u8> {
    let mut all: Map<String, Value> = serde_json::from_slice(made).unwrap_or_default();
    let seconds = silence.as_secs_f64();
    let is_whole = silence.subsec_nanos() == 0;
    let value = if is_whole { Value::from(silence.as_secs()) } else { Value::from(seconds) };
    all.insert(argument.to_owned(), value);
    Value::Object(all).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_as_long_as_it_is_told() {
        let made = |silence| {
            String::from_utf8(taking(br#"{"a":1,"s":9}"#, "s", Duration::from_millis(silence)))
        };
        assert_eq!(made(2_000).unwrap(), r#"{"a":1,"s":2}"#);
        assert_eq!(made(1_500).unwrap(), r#"{"a":1,"s":1.5}"#);
    }
}
