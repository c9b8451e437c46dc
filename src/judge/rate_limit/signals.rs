//! How refusals look, and what ends in failures instead.

use std::collections::BTreeMap;

use super::rules::{OVERLOAD, SIGNAL};
use crate::judge::said::Said;
use crate::model::finding::Finding;
use crate::model::outcome::{Outcome, Signal};
use crate::model::plan::limits::Says;

/// Fewer failures than these may be anything.
const LEAST: u64 = 3;

/// What calls were answered that were not served.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Signals {
    /// Refusals by their look.
    pub(super) seen: BTreeMap<Signal, u64>,
    /// Failures of the server, or no answer.
    pub(super) failed: u64,
    /// One of them.
    failure: Option<String>,
}

impl Signals {
    /// One that ended so.
    pub(super) fn add(&mut self, outcome: Outcome) {
        let failure = match outcome {
            Outcome::Throttled(throttle) => {
                *self.seen.entry(throttle.signal).or_default() += 1;
                return;
            }
            Outcome::Status(status @ 500..) => format!("HTTP {status}"),
            Outcome::Timeout => "no answer".to_owned(),
            Outcome::CutStream => "an answer that was cut".to_owned(),
            Outcome::Connect(_) => "no connection".to_owned(),
            _ => return,
        };
        self.failed += 1;
        self.failure.get_or_insert(failure);
    }

    /// How many were refused.
    pub(super) fn refused(&self) -> u64 {
        self.seen.values().sum()
    }

    /// Each look, and how often.
    pub(super) fn value(&self) -> String {
        let each = self.seen.iter().map(|(signal, count)| format!("{}: {count}", signal.name()));
        let each: Vec<_> = each.collect();
        if each.is_empty() { "no call was refused".to_owned() } else { each.join(", ") }
    }

    /// Holds them to what is declared.
    pub(super) fn said(&self, declared: Says) -> Said {
        let wrong = self.seen.iter().filter(|(signal, _)| says(**signal) != declared);
        match (wrong.map(|(_, count)| count).sum(), self.refused()) {
            (0, 0) => Said::too_little(format!("{}: one is needed", self.value())),
            (0, _) => Said::held(self.value()),
            (wrong, _) => Said::broken(&SIGNAL, wrong, self.value()),
        }
    }

    /// Failures where a limit should have refused, by what a check saw.
    pub(super) fn overload(&self) -> Option<Finding> {
        if self.failed < LEAST || self.failed <= self.refused() {
            return None;
        }
        let what = self.failure.as_deref().unwrap_or_default();
        let value = format!(
            "{} calls ended in failures, such as {what}, and {} were refused as a limit does",
            self.failed,
            self.refused()
        );
        Some(OVERLOAD.finding(self.failed, [value].into_iter()))
    }
}

/// What a refusal's look is declared as.
const fn says(signal: Signal) -> Says {
    match signal {
        Signal::Http429 | Signal::Http429Rpc => Says::Status429,
        Signal::Disguised => Says::Status503,
        Signal::RpcError => Says::RpcError,
        Signal::ToolError => Says::IsError,
    }
}
