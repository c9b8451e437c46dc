//! What simulated Claude does in one run: state machines that plan calls and react to outcomes.
//!
//! ```text
//! Lead      steady    Burst Think Burst Think ... Burst End
//!           chat      Think Burst Think Burst ... Think(answer) End
//!           research  Think(plan) [Burst Think]...
//!                     [Fork Join Think(reflect)]... Think(synthesis) End
//! Agent               Think(first) [Burst Think]... End
//! ```
//!
//! A machine is asked `next` with the classes of the burst before (empty after any other step).
//! Everything it decides by chance is keyed (see [`super::chance`]): outcomes change what follows
//! them and nothing else. What a run's subagents do in their first turn depends on the seed alone.

use std::time::Duration;

use super::chance::Key;
use super::distribution::Distribution;
use super::limit_probe::{Probe, Shot};
use super::outcome::Class;

mod agent;
mod caller;
mod chat;
mod check;
mod outline;
mod presets;
mod rate_limit;
mod research;
mod steady;
mod trials;

pub use check::{Check, ExpiredToken, Foreign, WrongAudience};
pub use outline::Outline;
pub use rate_limit::{OTHERS, ROUNDING, RateLimit};
pub use trials::{
    AbortTrials, AffinityTrials, CancelTrials, IsolationTrials, ParallelTrials, SessionTrials,
    SilenceTrials, SlowConsumerTrials, StarvationTrials, Trials,
};

/// The behaviour a scenario chose, with every symbol of its model.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// Calls one after another at an even pace.
    Steady(Steady),
    /// A conversation's turn: one agent, a few calls.
    Chat(Chat),
    /// A Research run: lead, waves of subagents, synthesis.
    Research(Box<Research>),
    /// A question to the target, asked by users who do what no client should.
    Check(Check),
}

/// `steady`: `calls` calls one after another, `think` between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Steady {
    /// Calls in one run.
    pub calls: u32,
    /// Pause between two calls.
    pub think: Distribution,
}

/// `chat`: one agent, 1-3 calls, one at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Chat {
    /// Fewest and most calls in a turn, uniform.
    pub calls: (u32, u32),
    /// Thinking before each call.
    pub think: Distribution,
    /// Writing the answer, without calls.
    pub answer: Distribution,
    /// What the model does with a failed call.
    pub reaction: Reaction,
}

/// `research` and `research-advanced`: claude-clients' generative model of a Research run.
#[derive(Debug, Clone, PartialEq)]
pub struct Research {
    /// C: classes of question with their weight, subagents and calls. `research-advanced` has one.
    pub classes: Vec<QuestionClass>,
    /// w: subagents started at once, with weights.
    pub wave: Vec<(u32, f64)>,
    /// L: fewest and most lead probes, one after another, uniform.
    pub probes: (u32, u32),
    /// Shape of the Gamma distribution of calls a subagent.
    pub calls_shape: f64,
    /// Fewest and most calls a subagent; the rounded draw is clipped to them.
    pub calls_bounds: (u32, u32),
    /// p: share of a subagent's calls that hit this connector.
    pub share: f64,
    /// b: weights of batches of 1, 2, 3, ... calls.
    pub batch: Vec<f64>,
    /// T: think time between turns.
    pub think: Distribution,
    /// `T_lead`: planning before the first probe.
    pub plan: Distribution,
    /// `T_first`: a subagent's start after its fork...
    pub first_start: Distribution,
    /// ... and its thinking before its first turn.
    pub first_think: Distribution,
    /// `T_wave`: the lead's reflection between waves.
    pub reflect: Distribution,
    /// `T_syn`: synthesis and citations, without calls.
    pub synthesis: Distribution,
    /// R: what the model does with a failed call.
    pub reaction: Reaction,
    /// X: share of runs their person stops somewhere on the way.
    pub stopped: f64,
}

/// One class of question.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionClass {
    /// Its name in reports.
    pub name: String,
    /// Its weight.
    pub weight: f64,
    /// S: how many subagents.
    pub subagents: Subagents,
    /// N: mean calls a subagent.
    pub calls_mean: f64,
}

/// How many subagents a question takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Subagents {
    /// Uniform between two bounds; with probability `runaway.0` it is `runaway.1` instead.
    Uniform {
        /// Fewest.
        from: u32,
        /// Most.
        to: u32,
        /// Share of runaways, and their size.
        runaway: (f64, u32),
    },
    /// Gamma with shape and scale, rounded, clipped.
    Gamma {
        /// Shape.
        shape: f64,
        /// Scale.
        scale: f64,
        /// Fewest.
        from: u32,
        /// Most.
        to: u32,
    },
}

/// R: what the model does when a call fails; the rest of the shares drops the tool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reaction {
    /// Share of failures after which the same call is made once more.
    pub retry: f64,
    /// Share after which it is asked in other words.
    pub rephrase: f64,
    /// Failures in a row after which the agent may stop using the tool.
    pub circuit_after: u32,
    /// Chance that it then does.
    pub circuit: f64,
}

/// What a run does next.
#[derive(Debug)]
pub enum Step {
    /// Wait; the next step is due when this ends.
    Think(Duration),
    /// Calls fired together; their classes go into the next call of `next`, in this order.
    Burst(Vec<Ask>),
    /// Subagents that run at once. `Join` follows.
    Fork(Vec<Agent>),
    /// Wait for all subagents of the last fork: the wave's barrier.
    Join,
    /// From now on present a token that was issued for another resource, in a session of its own.
    /// The next call of `next` hears [`Class::NeverSent`] if there is none.
    Stray,
    /// Find the authorization server and register a client there; how that ended goes into the next
    /// call of `next`.
    Register,
    /// Requests of several users at once; what comes of them goes to [`Lead::hear`].
    Volley(Vec<Shot>),
    /// A whole script, to its end.
    Try(Box<Trials>),
    /// The run is over.
    End,
}

/// One call that a behaviour asks for. It names no tool and no argument: it gives the chance that
/// chooses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Index into the plan's tools.
    pub tool: u16,
    /// Seed of the arguments: the same variation of the same tool is the same call.
    pub variation: u64,
}

/// One subagent of a run: a state machine of its own.
#[derive(Debug)]
pub struct Agent(agent::Machine);

impl Agent {
    /// What the subagent does next: Think, Burst or End. `outcomes` are the classes of the burst
    /// before, in its order.
    pub fn next(&mut self, outcomes: &[Class]) -> Step {
        self.0.next(outcomes)
    }
}

/// A run's own state machine: the one agent of a chat, or the lead of a Research run.
#[derive(Debug)]
pub struct Lead {
    machine: Machine,
    stops_after: Option<Duration>,
}

#[derive(Debug)]
enum Machine {
    Steady(steady::Machine),
    Chat(chat::Machine),
    Research(Box<research::Machine>),
    Check(check::Machine),
    RateLimit(Box<rate_limit::Machine>),
    Trials(trials::Machine),
}

impl Lead {
    /// What the run does next. `outcomes` are the classes of the burst before, in its order.
    pub fn next(&mut self, outcomes: &[Class]) -> Step {
        match &mut self.machine {
            Machine::Steady(machine) => machine.next(),
            Machine::Chat(machine) => machine.next(outcomes),
            Machine::Research(machine) => machine.next(outcomes),
            Machine::Check(machine) => machine.next(outcomes),
            Machine::RateLimit(machine) => machine.next(),
            Machine::Trials(machine) => machine.next(),
        }
    }

    /// What came of the requests of a [`Step::Volley`], in their order.
    pub fn hear(&mut self, probes: &[Probe]) {
        if let Machine::RateLimit(machine) = &mut self.machine {
            machine.hear(probes);
        }
    }

    /// X: how long after its start its person stops the run, if they do. A share of the run's
    /// modelled duration, so a run that is faster than modelled may end before.
    pub const fn stops_after(&self) -> Option<Duration> {
        self.stops_after
    }
}

impl Behaviour {
    /// The same for a target that asks for no token: nothing tells its users apart.
    pub fn forget_users(&mut self) {
        match self {
            Self::Check(Check::RateLimit(knobs)) => knobs.has_users = false,
            Self::Check(Check::Script(Trials::Sessions(knobs))) => knobs.has_users = false,
            Self::Check(Check::Script(Trials::Isolation(knobs))) => knobs.has_users = false,
            _ => {}
        }
    }

    /// The machine of one run: `key` is [`Key::of_run`], `tools` how many there are to choose from
    /// (0: nothing is called), `speed` divides every think time except steady's, which is its pace.
    pub fn run(&self, key: Key, tools: u16, speed: f64) -> Lead {
        let stops_after = match self {
            Self::Research(research) => research.stops_after(key, || {
                let service = presets::MODELLED_SERVICE;
                self.outline(key, tools, speed, service).duration
            }),
            Self::Steady(_) | Self::Chat(_) | Self::Check(_) => None,
        };
        Lead { machine: self.machine(key, tools, speed), stops_after }
    }

    /// What the run does when every call succeeds after `service`: a dry run of its machine.
    pub fn outline(&self, key: Key, tools: u16, speed: f64, service: Duration) -> Outline {
        self.outline_until(key, tools, speed, service, Duration::MAX)
    }

    /// The same, of its beginning: nothing is looked at that comes after the first step of the
    /// lead that begins later than `until`.
    pub fn outline_until(
        &self,
        key: Key,
        tools: u16,
        speed: f64,
        service: Duration,
        until: Duration,
    ) -> Outline {
        let machine = self.machine(key, tools, speed);
        Outline::of(Lead { machine, stops_after: None }, service, until)
    }

    /// The question that it asks of the target, if it is one of those.
    pub const fn check(&self) -> Option<&Check> {
        match self {
            Self::Check(check) => Some(check),
            Self::Steady(_) | Self::Chat(_) | Self::Research(_) => None,
        }
    }

    /// Whether its run is one script, whose calls are its own affair.
    pub const fn is_script(&self) -> bool {
        matches!(self, Self::Check(Check::Script(_)))
    }

    /// Whether what it finds is told by time.
    pub const fn is_timed(&self) -> bool {
        matches!(self, Self::Check(Check::Script(trials)) if trials.is_timed())
    }

    fn machine(&self, key: Key, tools: u16, speed: f64) -> Machine {
        match self {
            Self::Steady(steady) => Machine::Steady(steady::Machine::new(steady, key, tools)),
            Self::Chat(chat) => Machine::Chat(chat::Machine::new(chat, key, tools, speed)),
            Self::Research(research) => {
                Machine::Research(Box::new(research::Machine::new(research, key, tools, speed)))
            }
            Self::Check(Check::RateLimit(knobs)) => {
                Machine::RateLimit(Box::new(rate_limit::Machine::new(knobs, key, tools)))
            }
            Self::Check(Check::Script(trials)) => {
                Machine::Trials(trials::Machine::new(trials, tools))
            }
            Self::Check(check) => Machine::Check(check::Machine::new(check, key, tools)),
        }
    }
}

/// Never asked: a check does not react as a model does.
const NO_REACTION: Reaction =
    Reaction { retry: 0.0, rephrase: 0.0, circuit_after: u32::MAX, circuit: 0.0 };

/// Thinking takes this long at this speed. A speed that is not above zero changes nothing.
fn hurried(think: Duration, speed: f64) -> Duration {
    if speed > 0.0 && speed.is_finite() {
        Duration::try_from_secs_f64(think.as_secs_f64() / speed).unwrap_or(think)
    } else {
        think
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// One line a step, subagents one after another, and every call with how it ended.
    struct Play<F> {
        lines: Vec<String>,
        calls: Vec<(Ask, Class)>,
        class: F,
    }

    impl<F: FnMut(usize) -> Class> Play<F> {
        fn of(mut lead: Lead, class: F) -> Self {
            let mut play = Self { lines: Vec::new(), calls: Vec::new(), class };
            play.follow(&mut |outcomes| lead.next(outcomes));
            play
        }

        fn follow(&mut self, next: &mut dyn FnMut(&[Class]) -> Step) {
            let mut outcomes = Vec::new();
            loop {
                let step = next(&outcomes);
                outcomes.clear();
                match step {
                    Step::Fork(agents) => {
                        self.lines.push(format!("Fork {}", agents.len()));
                        for mut agent in agents {
                            self.follow(&mut |outcomes| agent.next(outcomes));
                        }
                    }
                    Step::Burst(burst) => {
                        self.lines.push(format!("{burst:?}"));
                        for ask in burst {
                            let class = (self.class)(self.calls.len());
                            self.calls.push((ask, class));
                            outcomes.push(class);
                        }
                    }
                    Step::End => return self.lines.push("End".to_owned()),
                    step => self.lines.push(format!("{step:?}")),
                }
                assert!(self.lines.len() < 20_000, "a run must end");
            }
        }
    }

    fn shapes(lines: &[String]) -> Vec<&str> {
        lines.iter().map(|line| line.split(['(', ' ']).next().unwrap_or("")).collect()
    }

    fn all() -> [Behaviour; 4] {
        [
            Behaviour::Steady(Steady::default()),
            Behaviour::Chat(Chat::default()),
            Behaviour::Research(Box::new(Research::standard())),
            Behaviour::Research(Box::new(Research::advanced())),
        ]
    }

    fn key(run: u64) -> Key {
        Key::of_run(7, run)
    }

    fn sum_of_thinks(lines: &[String]) -> f64 {
        let think = |line: &String| {
            let text = line.strip_prefix("Think(")?.strip_suffix(')')?;
            Some(super::super::duration::parse(text).unwrap().as_secs_f64())
        };
        lines.iter().filter_map(think).sum()
    }

    #[test]
    fn steady_is_even_and_indifferent() {
        let steady = Steady { calls: 3, think: Distribution::constant(Duration::from_secs(2)) };
        for class in [Class::Ok, Class::Throttled, Class::Timeout] {
            let play = Play::of(Behaviour::Steady(steady.clone()).run(key(0), 2, 50.0), |_| class);
            assert_eq!(shapes(&play.lines), ["[Ask", "Think", "[Ask", "Think", "[Ask", "End"]);
            assert_eq!(play.lines[1], "Think(2s)", "speed leaves the pace alone");
        }
        let none = Play::of(Behaviour::Steady(steady).run(key(0), 0, 1.0), |_| Class::Ok);
        assert_eq!(none.lines, ["End"]);
    }

    #[test]
    fn a_chat_thinks_calls_and_answers() {
        let chat = Behaviour::Chat(Chat { calls: (2, 2), ..Chat::default() });
        let play = Play::of(chat.run(key(1), 1, 1.0), |_| Class::Ok);
        assert_eq!(shapes(&play.lines), ["Think", "[Ask", "Think", "[Ask", "Think", "End"]);
    }

    #[test]
    fn a_research_run_has_its_parts_in_order() {
        let research = Research {
            classes: vec![QuestionClass {
                subagents: Subagents::Uniform { from: 4, to: 4, runaway: (0.0, 0) },
                ..Research::standard().classes.remove(0)
            }],
            probes: (1, 1),
            wave: vec![(3, 1.0)],
            ..Research::standard()
        };
        let mut lead = Behaviour::Research(Box::new(research)).run(key(0), 3, 1.0);
        let mut shape = Vec::new();
        let mut outcomes = Vec::new();
        loop {
            let step = lead.next(&outcomes);
            outcomes.clear();
            match step {
                Step::Think(_) => shape.push("think".to_owned()),
                Step::Burst(burst) => {
                    outcomes = vec![Class::Ok; burst.len()];
                    shape.push(format!("burst {}", burst.len()));
                }
                Step::Fork(agents) => shape.push(format!("fork {}", agents.len())),
                Step::Join => shape.push("join".to_owned()),
                Step::Stray | Step::Register | Step::Volley(_) | Step::Try(_) => {
                    panic!("only checks do that")
                }
                Step::End => break,
            }
        }
        let parts = "think, burst 1, think, fork 3, join, think, fork 1, join, think, think";
        assert_eq!(shape.join(", "), parts);
    }

    #[test]
    fn what_subagents_do_first_depends_on_the_seed_alone() {
        let research = Behaviour::Research(Box::new(Research::standard()));
        for run in 0..50 {
            let first_wave = |class: Class| {
                let mut lead = research.run(key(run), 3, 1.0);
                let mut outcomes = Vec::new();
                loop {
                    match lead.next(&outcomes) {
                        Step::Fork(agents) => {
                            let first = |mut agent: Agent| (agent.next(&[]), agent.next(&[]));
                            break format!(
                                "{:?}",
                                agents.into_iter().map(first).collect::<Vec<_>>()
                            );
                        }
                        Step::Burst(burst) => outcomes = vec![class; burst.len()],
                        _ => outcomes.clear(),
                    }
                }
            };
            assert_eq!(first_wave(Class::Ok), first_wave(Class::ToolError));
        }
    }

    #[test]
    fn speed_divides_thinking() {
        for behaviour in &all()[1..] {
            let [slow, fast] =
                [1.0, 20.0].map(|speed| Play::of(behaviour.run(key(3), 3, speed), |_| Class::Ok));
            assert_eq!(slow.calls, fast.calls);
            let ratio = sum_of_thinks(&slow.lines) / sum_of_thinks(&fast.lines);
            assert!((ratio - 20.0).abs() < 1e-3, "{ratio}");
        }
    }

    #[test]
    fn no_call_is_asked_twice_while_nothing_fails() {
        let mut seen = HashSet::new();
        for behaviour in all() {
            for run in 0..40 {
                let run = run + 1000 * u64::from(matches!(behaviour, Behaviour::Steady(_)));
                for (ask, _) in Play::of(behaviour.run(key(run), 5, 1.0), |_| Class::Ok).calls {
                    assert!(ask.tool < 5);
                    seen.insert(ask.variation);
                }
            }
        }
        assert!(seen.len() > 2_000);
    }

    #[test]
    fn a_stopped_run_stops_within_its_modelled_duration() {
        let research = Research { stopped: 0.5, ..Research::standard() };
        let research = Behaviour::Research(Box::new(research));
        let mut stopped = 0;
        for run in 0..400 {
            let Some(after) = research.run(key(run), 3, 20.0).stops_after() else { continue };
            stopped += 1;
            let whole = research.outline(key(run), 3, 20.0, Duration::from_millis(800)).duration;
            assert!(after <= whole, "{after:?} of {whole:?}");
        }
        assert!((160..240).contains(&stopped), "{stopped}");
        assert_eq!(all()[1].run(key(0), 3, 1.0).stops_after(), None);
    }

    #[test]
    fn a_share_leaves_calls_out_and_time_in() {
        let outline = |share| {
            let research = Research { share, ..Research::standard() };
            let behaviour = Behaviour::Research(Box::new(research));
            (0..200).fold((0, Duration::ZERO), |(calls, duration), run| {
                let outline = behaviour.outline(key(run), 3, 1.0, Duration::from_millis(1500));
                (calls + outline.calls, duration + outline.duration)
            })
        };
        let ((whole, long), (half, also_long)) = (outline(1.0), outline(0.5));
        assert!((0.48..0.58).contains(&(f64::from(half) / f64::from(whole))), "{half} of {whole}");
        assert!((also_long.div_duration_f64(long) - 1.0).abs() < 0.05);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The same outcomes give the same storm; another outcome changes only what follows it.
        #[test]
        fn outcomes_change_only_what_follows(
            seed: u64,
            which in 0..4_usize,
            tools in 1..4_u16,
            ends in proptest::collection::vec(0..Class::ALL.len(), 40),
            changed in 0..40_usize,
            other in 0..Class::ALL.len(),
        ) {
            let behaviour = &all()[which];
            let class = |call: usize| Class::ALL[ends[call % 40]];
            let run = || behaviour.run(Key::of_run(seed, 1), tools, 1.0);
            let first = Play::of(run(), class);
            let again = Play::of(run(), class);
            prop_assert_eq!(&first.lines, &again.lines);
            let turned = |call| if call == changed { Class::ALL[other] } else { class(call) };
            let turned = Play::of(run(), turned);
            let mut calls = 0;
            for (line, turned_line) in first.lines.iter().zip(&turned.lines) {
                if calls > changed {
                    break;
                }
                prop_assert_eq!(line, turned_line);
                calls += line.matches("Ask ").count();
            }
        }
    }
}
