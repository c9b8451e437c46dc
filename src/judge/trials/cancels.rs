//! `check-cancel`: what becomes of calls that their clients cancel, of their sessions, and of the
//! work behind them.

use std::time::Duration;

use super::tail::{Tail, shown};
use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::model::behaviour::CancelTrials;
use crate::model::figure;
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::Outcome;
use crate::model::plan::invariant::Invariant;
use crate::model::trial::cancels::{Seen, Trial};
use crate::model::trial::{Tried, What};

pub(super) const ANSWERED: Rule = Rule {
    id: "answered-after-cancel",
    severity: Severity::Medium,
    title: "A call that was cancelled was answered all the same.",
    text: "Receivers of notifications/cancelled SHOULD stop processing the request, free what it \
           holds, and not send a response.",
    source: "MCP 2025-11-25, basic/utilities/cancellation, \"Behavior Requirements\"",
    provenance: Provenance::Spec,
    what_to_do: "Pass the cancellation on to what works for the call, and end its stream without a \
                 response.",
};
pub(super) const ERROR: Rule = Rule {
    id: "cancelled-answered-with-error",
    severity: Severity::Low,
    title: "A call that was cancelled was answered with an error.",
    text: "Receivers of notifications/cancelled SHOULD not send a response for the cancelled request.",
    source: "MCP 2025-11-25, basic/utilities/cancellation, \"Behavior Requirements\"; observed: \
             python-sdk issues 1419 and 2480",
    provenance: Provenance::Spec,
    what_to_do: "End the stream of the call without a response: a client may take one that it no longer \
                 expects for a broken connection.",
};
pub(super) const OPEN: Rule = Rule {
    id: "cancelled-stream-open",
    severity: Severity::Low,
    title: "The stream of a cancelled call was never ended.",
    text: "A call that is cancelled has no answer for which its stream would have to stay open.",
    source: "MCP 2025-11-25, basic/utilities/cancellation: free associated resources; modelled",
    provenance: Provenance::Modelled,
    what_to_do: "End the response of the POST when its call is cancelled: clients that do not close \
                 it themselves hold a connection for each call that they cancelled.",
};
pub(super) const KILLS: Rule = Rule {
    id: "cancel-kills-session",
    severity: Severity::High,
    title: "After a call was cancelled, its session was not served any more.",
    text: "A cancellation ends one request; the session goes on.",
    source: "MCP 2025-11-25, basic/utilities/cancellation; observed: python-sdk issue 2416, \
             gemini-notebook-mcp-cli issue 165",
    provenance: Provenance::Observed,
    what_to_do: "Look for an error or a cancellation that leaves the task of the call and ends the \
                 one that reads the session.",
};
pub(super) const GOES_ON: Rule = Rule {
    id: "cancelled-work-goes-on",
    severity: Severity::Medium,
    title: "Cancelled calls went on to keep others waiting.",
    text: "Receivers of a cancellation SHOULD stop processing the request and free what it holds.",
    source: "MCP 2025-11-25, basic/utilities/cancellation; observed: python-sdk issue 2507, mcp-go \
             issue 755",
    provenance: Provenance::Observed,
    what_to_do: "Hand the cancellation on to threads, queries and requests that work for the call; \
                 bound those that cannot be stopped in time.",
};
pub(super) const RACE: Rule = Rule {
    id: "cancel-race",
    severity: Severity::High,
    title: "A cancellation that met its answer broke the connection or the session.",
    text: "Both sides handle it that a cancellation arrives after the request was answered: it is \
           ignored.",
    source: "MCP 2025-11-25, basic/utilities/cancellation, \"Timing Considerations\"; observed: \
             python-sdk issue 2416, \"Request already responded to\"",
    provenance: Provenance::Spec,
    what_to_do: "Ignore cancellations of requests that are answered or unknown, and let no answer \
                 that comes too late raise an error in the session's task.",
};

/// Races whose answer was so near to the cancellation count,
const NEAR: Duration = Duration::from_millis(20);
/// and so many of them are needed.
const LEAST: u64 = 3;
/// Who waits for longer than this share of what slow calls take waits for them to end.
const WAITED: f64 = 0.8;

/// What was seen.
#[derive(Debug)]
pub(super) struct Cancels {
    knobs: CancelTrials,
    alone: u64,
    cancelled: Cancelled,
    closed: u64,
    after: (u64, u64),
    late: u64,
    after_bad: Option<Tail>,
    behind: Behind,
    races: Races,
    /// A request that a rate limit or the like kept out.
    void: Option<Tail>,
}

/// Calls that were cancelled in the middle.
#[derive(Debug, Default)]
struct Cancelled {
    made: u64,
    /// They were not answered before, and the notification was taken.
    counted: u64,
    refused: u64,
    answered: u64,
    open: u64,
    /// Answered at once with an error, such as that it was cancelled.
    errors: u64,
    /// The same with a result, which crossed the notification.
    crossed: u64,
    longest: Duration,
    /// How the first of those was answered.
    how: Option<Tail>,
}

/// Calls behind slow ones.
#[derive(Debug, Default)]
struct Behind {
    /// Whether slow calls that are left alone keep one waiting.
    waits: Option<bool>,
    cancelled: u64,
    waited: u64,
}

/// Calls cancelled about the instant of their answer.
#[derive(Debug, Default)]
struct Races {
    made: u64,
    near: u64,
    broken: Vec<Tail>,
    dead: u64,
    lived: u64,
}

impl Cancels {
    pub(super) fn new(knobs: &CancelTrials) -> Self {
        Self {
            knobs: knobs.clone(),
            alone: 0,
            cancelled: Cancelled::default(),
            closed: 0,
            after: (0, 0),
            late: 0,
            after_bad: None,
            behind: Behind::default(),
            races: Races::default(),
            void: None,
        }
    }

    pub(super) fn add(&mut self, tried: &Tried) {
        let What::Cancel(trial) = tried.what else { return };
        let tail = (tried.outcome, tried.status);
        if tried.is_void() && !matches!(trial, Trial::Cancelled(_) | Trial::Closed) {
            self.void.get_or_insert(tail);
            return;
        }
        match trial {
            Trial::Alone => self.alone += 1,
            Trial::Cancelled(seen) => self.cancelled.add(seen, tail, self.knobs.grace),
            Trial::Closed => self.closed += u64::from(tried.outcome == Outcome::Cancelled),
            Trial::After => {
                self.after.0 += 1;
                if tried.is_served() {
                    self.after.1 += 1;
                    self.late += u64::from(tried.took() > self.knobs.budget);
                } else {
                    self.after_bad.get_or_insert(tail);
                }
            }
            Trial::Behind { cancelled, due } => {
                let left = due.saturating_sub(tried.sent);
                // It is let in when the slow ones end, or some time before.
                let waited = tried.took() >= left.mul_f64(WAITED);
                if cancelled {
                    self.behind.cancelled += 1;
                    self.behind.waited += u64::from(waited);
                } else {
                    self.behind.waits = Some(waited);
                }
            }
            Trial::Raced { apart } => {
                self.races.made += 1;
                let is_left = tried.outcome == Outcome::Cancelled;
                let is_near = apart.is_some_and(|apart| apart <= NEAR) || is_left;
                self.races.near += u64::from(is_near);
                self.races.break_if_lost(tail);
            }
            Trial::Notice => self.races.break_if_lost(tail),
            Trial::AfterRace if tried.is_served() => self.races.lived += 1,
            Trial::AfterRace => {
                self.races.dead += 1;
                self.races.broken.push(tail);
            }
        }
    }

    pub(super) fn said(&self, invariant: Invariant) -> Said {
        if let Some(void) = self.void {
            return Said::too_little(format!("requests were kept out ({})", shown(&[void])));
        }
        if self.alone == 0 {
            return Said::moot("no call was cancelled");
        }
        match invariant {
            Invariant::CancelRace => self.race(),
            _ => self.middle(),
        }
    }

    /// Whether cancelling kills sessions whenever it is.
    fn kills(&self) -> bool {
        let (made, served) = self.after;
        made > 0 && served * 2 < made
    }

    fn middle(&self) -> Said {
        let Cancelled { made, counted, refused, answered, open, errors, crossed, longest, how } =
            self.cancelled;
        let how = how.map_or(String::new(), |tail| shown(&[tail]));
        if made + self.closed == 0 {
            return Said::too_little("no call was cancelled in the middle");
        }
        let mut said = if made == 0 {
            Said::held(format!("{} calls were cancelled by closing their streams", self.closed))
        } else if counted == 0 {
            return Said::too_little(format!(
                "{made} calls were cancelled, {refused} of them to a notification that was refused, \
                 and the others were answered before"
            ));
        } else if answered * 2 > counted {
            let value = format!(
                "{answered} of {counted} cancelled calls were answered after that, when their work \
                 was done, {} later at most ({})",
                figure::duration(longest),
                how
            );
            Said::broken(&ANSWERED, answered, value)
        } else if errors * 2 > counted {
            let value = format!("{errors} of {counted} cancelled calls were answered with {how}");
            Said::broken(&ERROR, errors, value)
        } else if open * 2 > counted {
            let value = format!("the streams of {open} of {counted} cancelled calls stayed open");
            Said::broken(&OPEN, open, value)
        } else {
            let crossed = match crossed {
                0 => String::new(),
                crossed => format!(", of which {crossed} crossed their answers"),
            };
            Said::held(format!("{counted} calls were cancelled in the middle{crossed}"))
        };
        let (requests, served) = self.after;
        let late = match self.late {
            0 => String::new(),
            late => format!(", {late} of them late"),
        };
        let value = format!("{served} of {requests} requests right after that were served{late}");
        let is_partly = served < requests;
        said = if self.kills() {
            let how = self.after_bad.map_or(String::new(), |tail| shown(&[tail]));
            said.and_broken(&KILLS, requests - served, format!("{value} ({how})"))
        } else if is_partly {
            said.and(Said::too_little(format!("{value}, which is too few to say why")))
        } else {
            said.and(Said::held(value))
        };
        said.and(self.work())
    }

    /// Whether cancelled calls keep others waiting.
    fn work(&self) -> Said {
        let Behind { waits, cancelled, waited } = self.behind;
        let workers = self.knobs.workers;
        match (waits, cancelled) {
            (None, _) => Said::held("whether their work goes on was not looked at"),
            (Some(false), _) => Said::held(format!(
                "{workers} slow calls keep nobody waiting, so that it cannot be seen whether their \
                 work goes on"
            )),
            (Some(true), 0) => Said::too_little("no call was made behind cancelled ones"),
            (Some(true), cancelled) if waited * 2 > cancelled => {
                let value = format!(
                    "{waited} of {cancelled} calls waited for {workers} cancelled ones to come to \
                     their end"
                );
                Said::broken(&GOES_ON, waited, value)
            }
            (Some(true), cancelled) => Said::held(format!(
                "{} of {cancelled} calls behind {workers} cancelled ones did not wait for them",
                cancelled - waited
            )),
        }
    }

    fn race(&self) -> Said {
        let Races { made, near, broken, dead, lived } = &self.races;
        if self.kills() {
            return Said::moot("every cancellation kills its session, not only those that race");
        }
        if *made == 0 {
            return Said::too_little("no call was cancelled about the instant of its answer");
        }
        let value = format!("{made} calls were cancelled about the instant of their answer");
        if *dead > 0 || broken.len() as u64 >= LEAST {
            let count = broken.len() as u64;
            let value = format!(
                "{value}; {dead} sessions were not served after that, {count} requests failed ({})",
                shown(broken)
            );
            return Said::broken(&RACE, count, value);
        }
        if *near < LEAST {
            let near = format!("{near} of them within 20 ms of it; {LEAST} are needed");
            return Said::too_little(format!("{value}, {near}"));
        }
        Said::held(format!("{value}, and all {lived} requests after that were served"))
    }
}

impl Cancelled {
    fn add(&mut self, seen: Seen, tail: Tail, grace: Duration) {
        let Seen { taken, answered, has_ended, left } = seen;
        // What comes well before its end was not worked on to its end.
        let grace = grace.min(left / 2);
        self.made += 1;
        let Some(taken) = taken else {
            self.refused += 1;
            return;
        };
        let late = answered.map(|answered| answered.saturating_sub(taken));
        // It was there before anybody could know that nobody wanted it.
        if late == Some(Duration::ZERO) {
            return;
        }
        self.counted += 1;
        self.open += u64::from(!has_ended);
        if late.is_some_and(|late| late <= grace) {
            let is_error = matches!(tail.0, Outcome::RpcError(_));
            self.errors += u64::from(is_error);
            self.crossed += u64::from(!is_error);
            if is_error {
                self.how.get_or_insert(tail);
            }
        }
        if let Some(late) = late.filter(|late| *late > grace) {
            self.answered += 1;
            self.longest = self.longest.max(late);
            self.how.get_or_insert(tail);
        }
    }
}

impl Races {
    /// The server's end of a connection, or an error of its own, is no answer to a cancellation.
    fn break_if_lost(&mut self, tail: Tail) {
        if matches!(tail, (Outcome::Connect(_), _) | (_, Some(500..))) {
            self.broken.push(tail);
        }
    }
}
