//! `check-abort-liveness`: whether a target serves on after clients left in the middle of answers.

use std::time::Duration;

use super::tail::shown;
use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::model::behaviour::AbortTrials;
use crate::model::figure;
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::Outcome;
use crate::model::trial::aborts::{Left, Step, Trial};
use crate::model::trial::{Tried, What};

pub(super) const SERVER: Rule = Rule {
    id: "aborts-kill-the-server",
    severity: Severity::Critical,
    title: "After clients left in the middle of answers, new clients were not served any more.",
    text: "A client may go away at any time; what it leaves behind must not keep others out.",
    source: "observed: python-sdk issue 1764, dead after 10 to 15 aborted streams; mcp-arr issue 24",
    provenance: Provenance::Observed,
    what_to_do: "Look for what a call still holds when its stream is gone: a lock, a place in a pool, \
                 a write to a stream that nobody reads and that never returns. Give it back whether \
                 the answer could be written or not, and bound every write in time.",
};
pub(super) const SESSION: Rule = Rule {
    id: "aborts-kill-the-session",
    severity: Severity::High,
    title: "A session in which clients left in the middle of answers was not served any more.",
    text: "The end of one stream is no end of its session, nor a cancellation of it.",
    source: "MCP 2025-11-25, basic/transports, \"Sending Messages to the Server\": disconnection may \
             occur at any time; observed: python-sdk issue 1764",
    provenance: Provenance::Observed,
    what_to_do: "Look for what a session holds for each of its streams, and see that the end of a \
                 stream gives it back.",
};

/// The share of calls that have to be cut, at least, before anything can be said.
const LEAST: f64 = 0.5;

/// What was seen.
#[derive(Debug)]
pub(super) struct Aborts {
    knobs: AbortTrials,
    /// The slowest step before.
    slowest: Duration,
    /// How the first step failed that was not served before.
    unserved_before: Option<Outcome>,
    left: Count,
    left_in_kept: u64,
    after: Count,
    kept: Count,
    after_slowest: Duration,
    /// How somebody was kept out who says nothing about it.
    void: Option<Outcome>,
    /// How long what was left had to come to its end, and who was served before that.
    rest: Option<(Duration, Count)>,
}

/// Trials, and how many of them came to what they were to come to.
#[derive(Debug, Default)]
struct Count {
    made: u64,
    good: u64,
    /// The first that did not.
    bad: Option<(Outcome, Option<u16>)>,
}

impl Count {
    fn add(&mut self, is_good: bool, tried: &Tried) {
        self.made += 1;
        self.good += u64::from(is_good);
        if !is_good {
            self.bad.get_or_insert((tried.outcome, tried.status));
        }
    }

    /// Whether fewer than half were good.
    fn is_broken(&self) -> bool {
        self.made > 0 && self.good * 2 < self.made
    }

    fn how(&self) -> String {
        self.bad.map_or(String::new(), |tail| format!(" ({})", shown(&[tail])))
    }
}

impl Aborts {
    pub(super) fn new(knobs: AbortTrials) -> Self {
        Self {
            knobs,
            slowest: Duration::ZERO,
            unserved_before: None,
            left: Count::default(),
            left_in_kept: 0,
            after: Count::default(),
            kept: Count::default(),
            after_slowest: Duration::ZERO,
            void: None,
            rest: None,
        }
    }

    pub(super) fn add(&mut self, tried: &Tried) {
        let What::Abort(trial) = tried.what else { return };
        match trial {
            Trial::Before(_) if tried.is_served() => self.slowest = self.slowest.max(tried.took()),
            Trial::Before(_) => {
                self.unserved_before.get_or_insert(tried.outcome);
            }
            // How its client ended it.
            Trial::Left(Left { in_kept, .. }) => {
                let is_cut = matches!(tried.outcome, Outcome::Cancelled | Outcome::Timeout);
                self.left.add(is_cut, tried);
                self.left_in_kept += u64::from(is_cut && in_kept);
            }
            _ if tried.is_void() => {
                self.void.get_or_insert(tried.outcome);
            }
            // A client is served when it got to its call, and that was answered in time.
            Trial::After(step) => {
                if tried.is_served() {
                    self.after_slowest = self.after_slowest.max(tried.took());
                }
                let is_good = self.is_in_time(tried);
                if step == Step::Call || !is_good {
                    self.after.add(is_good, tried);
                }
            }
            // What was left is over now: who is not served after that never is.
            Trial::Rested(rest) => {
                let first = std::mem::take(&mut self.after);
                self.rest = Some((rest, first));
            }
            Trial::Kept => {
                let is_good = self.is_in_time(tried);
                self.kept.add(is_good, tried);
            }
        }
    }

    fn is_in_time(&self, tried: &Tried) -> bool {
        tried.is_served() && tried.took() <= self.knobs.patience(self.slowest)
    }

    pub(super) fn said(&self) -> Said {
        if let Some(outcome) = self.unserved_before {
            let how = outcome.class().name();
            return Said::too_little(format!("not even before were all clients served ({how})"));
        }
        let Count { made, good: cut, .. } = self.left;
        if self.left.made == 0 {
            return Said::moot("no call was left in the middle");
        }
        let Count { made: clients, good: served, .. } = self.after;
        let is_server_dead = cut > 0 && self.after.is_broken();
        if !is_server_dead && ((cut as f64) < LEAST * made as f64 || self.left_in_kept == 0) {
            return Said::too_little(format!(
                "{cut} of {made} calls could be cut before they were answered{}; half are needed: \
                 allow a slower tool, or one that tells progress",
                self.left.how()
            ));
        }
        let budget = figure::duration(self.knobs.patience(self.slowest));
        let before = figure::duration(self.slowest);
        let rested = self.rest.as_ref().filter(|(_, first)| first.made > first.good);
        let rest = rested.map_or(String::new(), |(rest, first)| {
            let (rest, late) = (figure::duration(*rest), first.made - first.good);
            format!(" after a rest of {rest}, before which {late} of {} were not", first.made)
        });
        let value = format!(
            "{cut} calls were left; {served} of {clients} clients after them were served within \
             {budget}{rest}"
        );
        if let Some(void) = self.void {
            let how = void.class().name();
            return Said::too_little(format!("{value}; others were kept out ({how})"));
        }
        if is_server_dead {
            let how = self.after.how();
            let value = format!("{value}{how}; before, no step took more than {before}");
            return Said::broken(&SERVER, clients - served, value);
        }
        let Count { made: calls, good: answered, .. } = self.kept;
        let value = format!(
            "{value}, and {answered} of {calls} requests of the client that left {} of them",
            self.left_in_kept
        );
        if clients == 0 || calls == 0 {
            return Said::too_little(value);
        }
        if self.kept.is_broken() {
            let value = format!("{value}{}", self.kept.how());
            return Said::broken(&SESSION, calls - answered, value);
        }
        if served < clients || answered < calls {
            return Said::too_little(format!("{value}, which is too few to say why"));
        }
        Said::held(format!(
            "{value}; the slowest step took {} after them and {before} before",
            figure::duration(self.after_slowest)
        ))
    }
}
