//! Whole runs of users against a scripted server, on paused time.

use super::*;
use crate::engine::crowd::arrivals;
use crate::engine::rehearsal::{
    Do, Seen, Server, Told, answer, chunk, common, echoed, event, fresh, ms, plain, pooled, reply,
    sound, stream_head,
};
use crate::engine::stop::{Stopper, stop};
use crate::model::behaviour::{QuestionClass, Reaction, Research, Steady, Subagents};
use crate::model::distribution::Distribution;
use crate::model::event::{Call, Instants};
use crate::model::outcome::Outcome;
use crate::model::plan::Credential;
use crate::model::profile::Profile;

mod open;
mod parts;
mod planned;
mod receipts;
mod schedules;

/// A scene that is not over.
struct Rehearsed {
    scene: Arc<Scene>,
    stopper: Stopper,
    server: Server,
}

impl Rehearsed {
    fn of(server: Server, profile: Profile, behaviour: Behaviour) -> Self {
        let (stopper, stop) = stop();
        let common = common(&server, profile, &Credential::None);
        let scene = Arc::new(Scene::new(common, behaviour, 1.0, stop));
        Self { scene, stopper, server }
    }

    /// One run of one user, due now; everything told of it, with what followed it.
    async fn run(&self) -> Told {
        let scene = Arc::clone(&self.scene);
        let clock = self.server.clock();
        let due = std::iter::once(clock.now());
        arrivals::run(scene, due, 1, &clock, &self.scene.stop).await;
        // Errands end when their tasks next run, and the server sees the end of its connections
        // when its pauses are over.
        clock.sleep(Duration::from_secs(60)).await;
        Told::by(&self.scene.common.wire.recorder)
    }

    /// Ends the load at `at`.
    fn over_at(&self, at: Duration) {
        let (stopper, clock) = (self.stopper.clone(), self.server.clock());
        tokio::spawn(async move {
            clock.sleep_until(at).await;
            stopper.advance(Phase::Over);
        });
    }
}

/// No retries, so that a script is all that decides.
const NO_REACTION: Reaction =
    Reaction { retry: 0.0, rephrase: 0.0, circuit_after: u32::MAX, circuit: 0.0 };

fn steady(calls: u32, think: Duration) -> Behaviour {
    Behaviour::Steady(Steady { calls, think: Distribution::constant(think) })
}

/// A plan of 1 s, then a wave of `agents`, each with `calls` calls in one burst; every other
/// thinking takes 2 s, the synthesis 5 s.
fn research(agents: u32, calls: u32) -> Research {
    let seconds = |count| Distribution::constant(Duration::from_secs(count));
    let mut batch = vec![0.0; calls as usize];
    batch[calls as usize - 1] = 1.0;
    Research {
        classes: vec![QuestionClass {
            name: "only".into(),
            weight: 1.0,
            subagents: Subagents::Uniform { from: agents, to: agents, runaway: (0.0, 0) },
            calls_mean: calls.into(),
        }],
        wave: vec![(agents, 1.0)],
        probes: (0, 0),
        calls_bounds: (calls, calls),
        share: 1.0,
        batch,
        think: seconds(2),
        plan: seconds(1),
        first_start: seconds(0),
        first_think: seconds(2),
        reflect: seconds(2),
        synthesis: seconds(5),
        reaction: NO_REACTION,
        stopped: 0.0,
        ..Research::standard()
    }
}

fn boxed(research: Research) -> Behaviour {
    Behaviour::Research(Box::new(research))
}

/// A server that never answers a call.
fn silent() -> Server {
    Server::new(|seen| if seen.what() == "tools/call" { vec![Do::Hang] } else { sound(seen) })
}

fn dues(calls: &[Call]) -> Vec<Duration> {
    calls.iter().map(|call| call.instants.due).collect()
}

#[tokio::test(start_paused = true)]
async fn the_next_call_is_due_when_thinking_ends() {
    let stage = Rehearsed::of(Server::new(sound), pooled(plain()), steady(3, ms(500)));
    let told = stage.run().await;
    // A handshake of 50 ms before the first; every call takes 100 ms.
    assert_eq!(dues(&told.calls), [ms(0), ms(650), ms(1_250)]);
    assert!(told.calls.iter().all(|call| call.instants.lag().is_zero()));
    let [run] = told.runs[..] else { panic!("{:?}", told.runs) };
    assert_eq!((run.fate, run.due, run.ended), (Fate::Completed, ms(0), ms(1_350)));
    assert_eq!((run.calls, run.exchanges, run.waves, run.straggler), (3, 5, 0, None));
}

#[tokio::test(start_paused = true)]
async fn tidying_up_is_nobodys_lag() {
    let slow = |seen: &Seen| match seen.what().as_str() {
        "DELETE" => [vec![Do::After(ms(40))], sound(seen)].concat(),
        "tools/call" => {
            let result = event(&answer(seen, &echoed()));
            vec![Do::Write(stream_head()), Do::Write(chunk(&result)), Do::Hang]
        }
        _ => sound(seen),
    };
    let profile = Profile { delete_share: 1.0, ..fresh() };
    let told = Rehearsed::of(Server::new(slow), profile, steady(3, ms(0))).run().await;
    assert!(told.calls.iter().all(|call| call.instants.lag().is_zero()));
    assert!(told.calls.iter().all(|call| call.instants.service() == Some(ms(0))));
    // 50 ms handshake, 20 ms for the stream to end, 40 ms for DELETE.
    assert_eq!(dues(&told.calls), [ms(0), ms(110), ms(220)]);
}

#[tokio::test(start_paused = true)]
async fn the_first_call_of_a_burst_goes_at_once_and_the_others_after_the_stagger() {
    let profile = Profile { stagger: Distribution::constant(ms(200)), ..pooled(fresh()) };
    let stage = Rehearsed::of(Server::new(sound), profile, boxed(research(1, 3)));
    let told = stage.run().await;
    assert_eq!(dues(&told.calls), [ms(3_000), ms(3_200), ms(3_200)]);
    let Instants { started, sent, done, .. } = told.calls[0].instants;
    assert_eq!((started, sent, done), (ms(3_000), Some(ms(3_050)), ms(3_150)));
    let Instants { started, sent, done, .. } = told.calls[2].instants;
    assert_eq!((started, sent, done), (ms(3_200), Some(ms(3_200)), ms(3_300)));
    // The burst is over at 3.3 s, then thinking, reflection, synthesis: 2 + 2 + 5 s.
    assert_eq!(told.runs[0].ended, ms(12_300));
}

#[tokio::test(start_paused = true)]
async fn a_wave_waits_for_its_slowest_subagent() {
    let calls = AtomicU32::new(0);
    let server = Server::new(move |seen| {
        let pause = match seen.what().as_str() {
            "tools/call" => [0, 1, 2, 7][calls.fetch_add(1, Ordering::SeqCst) as usize % 4],
            _ => 0,
        };
        [vec![Do::After(ms(100 * pause))], sound(seen)].concat()
    });
    let told = Rehearsed::of(server, pooled(fresh()), boxed(research(4, 1))).run().await;
    let [run] = told.runs[..] else { panic!("{:?}", told.runs) };
    // Calls of 100, 200, 300 and 800 ms: the median subagent is the second of four.
    assert_eq!(run.straggler, Some(ms(600)));
    assert_eq!((run.subagents, run.waves, run.calls, run.exchanges), (4, 1, 4, 6));
    // The wave is from the end of the plan until the slowest has thought about its last answer.
    let [wave] = told.waves[..] else { panic!("{:?}", told.waves) };
    assert_eq!((wave.began, wave.ended), (ms(1_000), ms(5_850)));
    // Plan 1 s, first thinking 2 s, handshake 50 ms, slowest call 800 ms, then 2 + 2 + 5 s.
    assert_eq!((run.ended, run.fate), (ms(3_850 + 9_000), Fate::Completed));
}

#[tokio::test(start_paused = true)]
async fn a_run_its_person_stops_counts_every_call_in_flight_once() {
    let behaviour = Research {
        stopped: 1.0,
        plan: Distribution::constant(ms(1)),
        first_think: Distribution::constant(ms(1)),
        think: Distribution::constant(Duration::from_secs(100)),
        ..research(3, 2)
    };
    let stage = Rehearsed::of(silent(), pooled(fresh()), boxed(behaviour));
    let told = stage.run().await;
    let [run] = told.runs[..] else { panic!("{:?}", told.runs) };
    let lead = stage.scene.behaviour.run(Key::of_run(7, 0), 1, 1.0);
    let after = lead.stops_after().unwrap();
    assert_eq!((run.fate, run.calls, told.calls.len()), (Fate::Stopped, 6, 6));
    // The runtime's timer rounds up to whole milliseconds.
    assert!(run.ended >= after && run.ended < after + ms(1), "{run:?}");
    for call in &told.calls {
        assert_eq!((call.outcome, call.instants.done), (Outcome::Cancelled, run.ended));
    }
    assert_eq!((run.exchanges, told.sent(), stage.server.seen().len()), (8, 8, 8));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cut_counts_only_calls_that_began() {
    // Of six calls, the three that the stagger holds back until 4 s never began at 3.5 s.
    let profile = Profile { stagger: Distribution::constant(ms(1_000)), ..pooled(fresh()) };
    let stage = Rehearsed::of(silent(), profile, boxed(research(3, 2)));
    stage.over_at(ms(3_500));
    let told = stage.run().await;
    let [run] = told.runs[..] else { panic!("{:?}", told.runs) };
    assert_eq!((run.fate, run.ended, run.calls), (Fate::Cut, ms(3_500), 3));
    assert_eq!((run.waves, told.waves.len()), (1, 0), "a wave that was cut has no end");
    assert_eq!(told.calls.len(), 3);
    assert!(told.calls.iter().all(|call| call.outcome == Outcome::Unfinished));
    assert_eq!((told.sent(), stage.server.seen().len()), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn a_runs_exchanges_are_all_it_caused() {
    let stage = Rehearsed::of(Server::new(sound), plain(), steady(2, ms(10)));
    let told = stage.run().await;
    let heard = stage.server.heard();
    // initialize, initialized, GET, tools/list, two calls, DELETE.
    assert_eq!((heard.len(), heard[6].as_str()), (7, "DELETE"), "{heard:?}");
    assert_eq!((told.sent(), told.runs[0].exchanges), (7, 7));
    assert_eq!(told.runs[0].ended, ms(310));
}

#[tokio::test(start_paused = true)]
async fn a_run_without_any_answer_failed() {
    let server = Server::new(|_| vec![Do::Write(reply(500, &[], ""))]);
    let told = Rehearsed::of(server, fresh(), steady(2, ms(10))).run().await;
    assert_eq!((told.runs[0].fate, told.runs[0].calls), (Fate::Failed, 2));
}
