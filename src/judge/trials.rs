//! What scripts of checks came to, held against the invariants that a scenario names.
//!
//! A trial is a handful of numbers; a script makes no more of them than its scenario says.

mod aborts;
mod affinity;
mod cancels;
mod isolation;
mod leak;
mod restart;
mod sessions;
mod silences;

use self::aborts::Aborts;
use self::affinity::Affinity;
use self::cancels::Cancels;
use self::isolation::Isolation;
use self::sessions::Sessions;
use self::silences::Silences;
mod felt;
mod parallel;
mod slow_consumer;
mod starvation;
mod tail;
mod witness;

use self::parallel::Parallel;
use self::slow_consumer::SlowConsumer;
use self::starvation::Starvation;
use self::witness::Witnesses;
use super::said::Said;
use crate::model::behaviour::{Behaviour, Check, Trials};
use crate::model::event::{Event, Refused};
use crate::model::figure;
use crate::model::plan::invariant::{Invariant, Seen};
use crate::model::report::{self, Expectations};
use crate::model::summary::evidence::FirstFew;

/// Holds what was tried against what must hold.
#[derive(Debug)]
pub struct Examined {
    /// What is held to, those that the behaviour is there for among it.
    expected: Vec<Invariant>,
    behaviour: Behaviour,
    family: Option<Family>,
    counted: report::Trials,
    untried: FirstFew<String>,
    witnesses: Witnesses,
}

/// What one script is judged by.
#[derive(Debug)]
enum Family {
    Sessions(Box<Sessions>),
    Aborts(Aborts),
    Cancels(Box<Cancels>),
    Silences(Silences),
    Isolation(Isolation),
    Affinity(Affinity),
    Starvation(Starvation),
    Parallel(Parallel),
    SlowConsumer(SlowConsumer),
}

impl Family {
    fn of(trials: &Trials) -> Self {
        match trials {
            Trials::Sessions(knobs) => Self::Sessions(Box::new(Sessions::new(knobs))),
            Trials::Aborts(knobs) => Self::Aborts(Aborts::new(*knobs)),
            Trials::Cancels(knobs) => Self::Cancels(Box::new(Cancels::new(knobs))),
            Trials::Silences(_) => Self::Silences(Silences::default()),
            Trials::Isolation(knobs) => Self::Isolation(Isolation::new(knobs)),
            Trials::Affinity(knobs) => Self::Affinity(Affinity::new(knobs)),
            Trials::Starvation(knobs) => Self::Starvation(Starvation::new(knobs)),
            Trials::Parallel(knobs) => Self::Parallel(Parallel::new(knobs)),
            Trials::SlowConsumer(knobs) => Self::SlowConsumer(SlowConsumer::new(knobs)),
        }
    }

    fn said(&self, invariant: Invariant) -> Said {
        match self {
            Self::Sessions(sessions) => sessions.said(invariant),
            Self::Aborts(aborts) => aborts.said(),
            Self::Cancels(cancels) => cancels.said(invariant),
            Self::Silences(silences) => silences.said(invariant),
            Self::Isolation(isolation) => isolation.said(invariant),
            Self::Affinity(affinity) => affinity.said(),
            Self::Starvation(starvation) => starvation.said(),
            Self::Parallel(parallel) => parallel.said(invariant),
            Self::SlowConsumer(slow_consumer) => slow_consumer.said(),
        }
    }
}

impl Examined {
    /// Nothing seen yet of a load of this behaviour, where these must hold.
    pub fn new(behaviour: &Behaviour, declared: &[Invariant]) -> Self {
        let mut expected = declared.to_vec();
        expected.extend(Invariant::of(behaviour).filter(|own| !declared.contains(own)));
        let family = match behaviour.check() {
            Some(Check::Script(trials)) => Some(Family::of(trials)),
            _ => None,
        };
        let (counted, untried) = (report::Trials::default(), FirstFew::default());
        let (behaviour, witnesses) = (behaviour.clone(), Witnesses::default());
        Self { expected, behaviour, family, counted, untried, witnesses }
    }

    /// Whether the load is a script.
    pub const fn is_script(&self) -> bool {
        self.family.is_some()
    }

    /// Takes one event.
    pub fn observe(&mut self, event: &Event) {
        let Some(family) = &mut self.family else { return };
        match event {
            Event::Tried(tried) => {
                self.counted.count += 1;
                self.counted.good += u64::from(tried.is_served());
                self.witnesses.add(tried);
                match family {
                    Family::Sessions(sessions) => sessions.add(tried),
                    Family::Aborts(aborts) => aborts.add(tried),
                    Family::Cancels(cancels) => cancels.add(tried),
                    Family::Silences(silences) => silences.add(tried),
                    Family::Isolation(isolation) => isolation.add(tried),
                    Family::Affinity(affinity) => affinity.add(tried),
                    Family::Starvation(starvation) => starvation.add(tried),
                    Family::Parallel(parallel) => parallel.add(tried),
                    Family::SlowConsumer(slow_consumer) => slow_consumer.add(tried),
                }
            }
            Event::Untried(untried) => {
                let Refused { at, said, what_to_do, .. } = &**untried;
                let at = figure::duration(*at);
                self.untried.add(format!("{said} (at {at}); what helps: {what_to_do}"));
            }
            _ => {}
        }
    }

    /// What each invariant came to that only a script shows, and which ones none showed.
    pub fn end(&self) -> Expectations {
        let mut expectations = Expectations::default();
        for invariant in &self.expected {
            let text = invariant.written();
            match (&self.family, invariant.seen()) {
                (Some(family), _) if invariant.is_seen_in(&self.behaviour) => {
                    let said = family.said(*invariant);
                    self.with_untried(said).put(text, &mut expectations);
                }
                (_, Seen::With(needs)) => {
                    let why = format!("it needs load.behaviour = \"{needs}\"");
                    Said::moot(why).put(text, &mut expectations);
                }
                (Some(_), Seen::Always | Seen::AlwaysAnd(_)) => {
                    let why = "a check does what no user does; any other load shows it";
                    Said::moot(why).put(text, &mut expectations);
                }
                // The judge of storms says it.
                (None, Seen::Always | Seen::AlwaysAnd(_)) => {}
            }
        }
        for finding in &mut expectations.findings {
            self.witnesses.testify(finding);
        }
        if self.family.is_some() {
            expectations.trials = Some(report::Trials { unit: "trial".into(), ..self.counted });
        }
        expectations
    }

    fn with_untried(&self, said: Said) -> Said {
        match self.untried.first.first() {
            Some(why) if said.held.is_none() => {
                Said { value: format!("{}; {why}", said.value), ..said }
            }
            _ => said,
        }
    }
}

#[cfg(test)]
mod tests;
