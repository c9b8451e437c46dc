//! Whatever a server does: every call is told once, and what was told as sent was seen.

use proptest::prelude::*;

use super::*;
use crate::engine::rehearsal::json_reply;

/// What a server may do with a request, instead of what a sound one does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mood {
    Sound,
    Slow(u64),
    Silent,
    Streams,
    CutsItsBody,
    Closes,
    ClosesLater(u64),
    Refuses(u16),
}

impl Mood {
    pub(super) fn meets(self, seen: &Seen) -> Vec<Do> {
        match self {
            Self::Slow(pause) => [vec![Do::After(ms(pause))], sound(seen)].concat(),
            Self::Silent => vec![Do::Hang],
            Self::Streams if seen.what() == "tools/call" => {
                let result = event(&answer(seen, &echoed()));
                let ping = event(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#);
                vec![Do::Write(stream_head()), Do::Write(chunk(&(ping + &result))), Do::Hang]
            }
            Self::Sound | Self::Streams => sound(seen),
            Self::CutsItsBody => {
                let whole = json_reply("{\"jsonrpc\":\"2.0\"}");
                vec![Do::Write(whole[..whole.len() - 4].to_vec()), Do::Close]
            }
            Self::Closes => vec![Do::Close],
            Self::ClosesLater(pause) => {
                [sound(seen), vec![Do::After(ms(pause)), Do::Close]].concat()
            }
            Self::Refuses(status) => vec![Do::Write(reply(status, &[], ""))],
        }
    }
}

/// A run, or more, at a server of these moods in turn, whose connections take `tcp` milliseconds;
/// it is over after so many, if ever.
pub(super) fn at_the_mercy_of(
    (moods, tcp): (Vec<Mood>, u64),
    profile: Profile,
    behaviour: Behaviour,
    over: Option<u64>,
) -> Rehearsed {
    let turn = AtomicU32::new(0);
    let script = move |seen: &Seen| {
        let turn = turn.fetch_add(1, Ordering::SeqCst) as usize;
        moods[turn % moods.len()].meets(seen)
    };
    let server = Server::behind(ms(0), ms(tcp), None, script);
    let stage = Rehearsed::of(server, profile, behaviour);
    if let Some(over) = over {
        stage.over_at(ms(over));
    }
    stage
}

pub(super) fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        6 => Just(Mood::Sound),
        2 => (0..5_000_u64).prop_map(Mood::Slow),
        1 => Just(Mood::Silent),
        2 => Just(Mood::Streams),
        1 => Just(Mood::CutsItsBody),
        1 => Just(Mood::Closes),
        2 => (0..3_000_u64).prop_map(Mood::ClosesLater),
        2 => prop::sample::select(vec![400, 401, 404, 429, 500]).prop_map(Mood::Refuses),
    ]
}

pub(super) fn profile() -> impl Strategy<Value = Profile> {
    let stagger = Distribution::constant(ms(300));
    let deleting = Profile { delete_share: 1.0, stagger, cap: 2, ..fresh() };
    prop::sample::select(vec![plain(), fresh(), deleting, pooled(plain()), pooled(fresh())])
}

pub(super) fn behaviour() -> impl Strategy<Value = Behaviour> {
    let stopped = Research { stopped: 1.0, ..research(3, 2) };
    let reacting = Research { reaction: Reaction::default(), probes: (1, 2), ..research(2, 3) };
    let steady = [steady(4, ms(0)), steady(3, ms(700))];
    let research = [boxed(stopped), boxed(reacting)];
    prop::sample::select([steady, research].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    /// A run's counts are those of its events, and the events those of the requests.
    #[test]
    fn receipts_agree_to_the_request(
        moods in prop::collection::vec(mood(), 1..12),
        profile in profile(),
        behaviour in behaviour(),
        tcp in prop_oneof![Just(0), 1..400_u64],
        over in prop::option::of(0..15_000_u64),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        let leaves_with_delete = profile.sessions.pooled > 0.0;
        let (told, seen, open) = runtime.block_on(async {
            let stage = at_the_mercy_of((moods, tcp), profile, behaviour, over);
            let told = stage.run().await;
            let open = stage.scene.common.wire.recorder.gauges.sessions.load(Ordering::Relaxed);
            (told, stage.server.seen(), open)
        });
        let what: Vec<_> = seen.iter().map(|seen| (seen.at, seen.what())).collect();
        prop_assert_eq!(told.runs.len(), 1);
        let run = told.runs[0];
        prop_assert_eq!(run.calls as usize, told.calls.len());
        prop_assert_eq!(told.sent(), seen.len(), "{:?} {:?}", what, told.exchanges);
        // A pooled session outlives its runs: its end belongs to none of them.
        let ends = what.iter().filter(|(_, what)| what == "DELETE" && leaves_with_delete).count();
        prop_assert_eq!(run.exchanges as usize + ends, seen.len(), "{:?} {:?}", what, told.exchanges);
        let sent = told.calls.iter().filter(|call| call.instants.sent.is_some()).count();
        let asked = what.iter().filter(|(_, what)| what == "tools/call").count();
        prop_assert!(sent <= asked, "a call is sent, and sent again after its session was lost");
        for call in &told.calls {
            let at = call.instants;
            prop_assert!(at.due <= at.started && at.started <= at.done);
            prop_assert!(at.admitted.is_none_or(|admitted| admitted <= at.done));
            let in_order = |sent| at.admitted.unwrap() <= sent && sent <= at.done;
            prop_assert!(at.sent.is_none_or(in_order));
        }
        prop_assert_eq!(open, 0, "no session stays open: {:?}", told.sessions);
    }
}
