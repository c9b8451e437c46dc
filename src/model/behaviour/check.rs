//! `check-...`: runs that ask one question of the target instead of simulating anybody.
//!
//! ```text
//! check-expired-token       Burst Think Burst Think ... End: refused often enough, or time is over
//! check-wrong-audience      [Burst Think]... Stray [Burst Think]... End
//! check-registration-flood  Register End
//! check-rate-limit          a machine of its own
//! check-sessions, ...       Try End
//! ```
//! A run is one user's only one: what a check does to a grant does not come undone.

use std::time::Duration;

use crate::model::chance::Key;
use crate::model::outcome::Class;
use crate::model::plan::checks::{AUDIENCE, EXPIRED_TOKEN, FLOOD, RATE_LIMIT};

use super::caller::Caller;
use super::rate_limit::RateLimit;
use super::trials::Trials;
use super::{NO_REACTION, Step};

/// A question that is asked of the target.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// Is an access token refused past its end?
    ExpiredToken(ExpiredToken),
    /// Is an access token refused that was issued for another resource?
    WrongAudience(WrongAudience),
    /// How many clients may one address register, and what happens then?
    RegistrationFlood,
    /// What is the rate limit, and is it the declared one?
    RateLimit(RateLimit),
    /// A question that takes a script.
    Script(Trials),
}

/// `check-expired-token`: the same access token with every call, without renewing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiredToken {
    /// Between two calls.
    pub every: Duration,
    /// From the first call on; then it will not be refused.
    pub lasts: Duration,
    /// So many refusals in a row are enough.
    pub refusals: u32,
}

/// `check-wrong-audience`: calls with the user's own token, then with a foreign one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongAudience {
    /// Calls with either.
    pub calls: u32,
    /// Between two calls.
    pub every: Duration,
    /// Where the foreign token comes from.
    pub foreign: Foreign,
}

/// Where a token for another resource comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// An authorization for the practice target's second resource.
    Elsewhere,
    /// An authorization for this resource.
    Resource(String),
    /// A file of such tokens, one JSON object a line and user.
    Tokens(String),
}

impl Check {
    /// The behaviour's name in scenarios.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ExpiredToken(_) => EXPIRED_TOKEN,
            Self::WrongAudience(_) => AUDIENCE,
            Self::RegistrationFlood => FLOOD,
            Self::RateLimit(_) => RATE_LIMIT,
            Self::Script(trials) => trials.name(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Machine {
    caller: Caller,
    every: Duration,
    phase: Phase,
    pauses: bool,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Calls until so many were refused in a row, or this time is over.
    Clinging {
        left: Duration,
        refused: u32,
        refusals: u32,
    },
    /// So many calls with the own token, and then as many with the foreign one.
    Own {
        left: u32,
        then: u32,
    },
    /// The foreign token was asked for.
    Straying {
        then: u32,
    },
    Foreign {
        left: u32,
    },
    Registering,
    Over,
}

impl Machine {
    pub(super) fn new(check: &Check, key: Key, tools: u16) -> Self {
        let caller = Caller::new(key, NO_REACTION, tools);
        let (every, phase) = match check {
            Check::RegistrationFlood => (Duration::ZERO, Phase::Registering),
            // They have machines of their own.
            Check::RateLimit(_) | Check::Script(_) => (Duration::ZERO, Phase::Over),
            _ if tools == 0 => (Duration::ZERO, Phase::Over),
            Check::ExpiredToken(ExpiredToken { every, lasts, refusals }) => {
                (*every, Phase::Clinging { left: *lasts, refused: 0, refusals: *refusals })
            }
            Check::WrongAudience(WrongAudience { calls, every, .. }) => {
                (*every, Phase::Own { left: *calls, then: *calls })
            }
        };
        Self { caller, every, phase, pauses: false }
    }

    pub(super) fn next(&mut self, outcomes: &[Class]) -> Step {
        if let Phase::Clinging { refused, .. } = &mut self.phase
            && let Some(class) = outcomes.first()
        {
            *refused = if *class == Class::Ok { 0 } else { *refused + 1 };
        }
        if std::mem::take(&mut self.pauses) && self.goes_on() {
            if let Phase::Clinging { left, .. } = &mut self.phase {
                *left = left.saturating_sub(self.every);
            }
            return Step::Think(self.every);
        }
        match self.phase {
            Phase::Clinging { .. } if self.goes_on() => self.call(),
            Phase::Own { left: 0, then } => {
                self.phase = Phase::Straying { then };
                Step::Stray
            }
            Phase::Own { left, then } => {
                self.phase = Phase::Own { left: left - 1, then };
                self.call()
            }
            // No such token was to be had: there is nothing to present.
            Phase::Straying { .. } if outcomes.contains(&Class::NeverSent) => self.end(),
            Phase::Straying { then } => {
                self.phase = Phase::Foreign { left: then };
                self.next(&[])
            }
            Phase::Foreign { left } if left > 0 => {
                self.phase = Phase::Foreign { left: left - 1 };
                self.call()
            }
            Phase::Registering => {
                self.phase = Phase::Over;
                Step::Register
            }
            Phase::Clinging { .. } | Phase::Foreign { .. } | Phase::Over => self.end(),
        }
    }

    const fn goes_on(&self) -> bool {
        match self.phase {
            Phase::Clinging { left, refused, refusals } => !left.is_zero() && refused < refusals,
            Phase::Own { .. } => true,
            Phase::Foreign { left } => left > 0,
            Phase::Straying { .. } | Phase::Registering | Phase::Over => false,
        }
    }

    fn call(&mut self) -> Step {
        self.pauses = true;
        Step::Burst(self.caller.burst(1, 0))
    }

    fn end(&mut self) -> Step {
        self.phase = Phase::Over;
        Step::End
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plays(check: &Check, tools: u16, mut class: impl FnMut(usize) -> Class) -> String {
        let mut machine = Machine::new(check, Key::of_run(7, 0), tools);
        let (mut told, mut outcomes, mut heard) = (String::new(), Vec::new(), 0);
        loop {
            let step = machine.next(&outcomes);
            outcomes.clear();
            match step {
                Step::Think(_) => told.push('.'),
                Step::Burst(burst) => {
                    assert_eq!(burst.len(), 1);
                    outcomes.push(class(heard));
                    heard += 1;
                    told.push('c');
                }
                Step::Stray => {
                    told.push('S');
                    outcomes.extend((class(heard) == Class::NeverSent).then_some(Class::NeverSent));
                }
                Step::Register => told.push('R'),
                Step::End => return told,
                Step::Fork(_) | Step::Join | Step::Volley(_) | Step::Try(_) => {
                    panic!("a check has no subagents")
                }
            }
            assert!(told.len() < 100, "it must end: {told}");
        }
    }

    #[test]
    fn a_token_is_presented_until_it_was_refused_often_enough() {
        let (every, lasts) = (Duration::from_secs(1), Duration::from_secs(5));
        let check = Check::ExpiredToken(ExpiredToken { every, lasts, refusals: 2 });
        let from =
            |first: usize| move |call| if call >= first { Class::Unauthorised } else { Class::Ok };
        assert_eq!(plays(&check, 1, from(1)), "c.c.c");
        assert_eq!(plays(&check, 1, from(0)), "c.c", "also one that never was good");
        // Never, and not twice in a row: until the time is over.
        assert_eq!(plays(&check, 1, from(99)), "c.c.c.c.c.");
        let at_times = |call| if call % 2 == 0 { Class::Status } else { Class::Ok };
        assert_eq!(plays(&check, 1, at_times), "c.c.c.c.c.");
        assert_eq!(plays(&check, 0, from(1)), "");
    }

    #[test]
    fn a_foreign_token_comes_after_the_own_one() {
        let (every, foreign) = (Duration::from_secs(1), Foreign::Elsewhere);
        let check = Check::WrongAudience(WrongAudience { calls: 2, every, foreign });
        assert_eq!(plays(&check, 1, |_| Class::Ok), "c.c.Sc.c");
        let none = |call| if call == 2 { Class::NeverSent } else { Class::Ok };
        assert_eq!(plays(&check, 1, none), "c.c.S", "there was none to be had");
        assert_eq!(plays(&check, 0, |_| Class::Ok), "");
    }

    #[test]
    fn a_flood_registers_without_any_tool() {
        assert_eq!(plays(&Check::RegistrationFlood, 0, |_| Class::Ok), "R");
    }
}
