//! Every call is answered: whole, and before its client's patience ends.

use super::{Told, shown};
use crate::judge::rule;
use crate::model::event::Call;
use crate::model::figure;
use crate::model::finding::{Finding, Provenance, Severity};
use crate::model::operation::Operation;
use crate::model::outcome::{Class, ConnectFailure, Outcome, Rule};
use crate::model::summary::evidence::FirstFew;

pub(super) const CUT: rule::Rule = rule::Rule {
    id: "answers-cut",
    severity: Severity::Medium,
    title: "Answers ended before they were whole, or never began.",
    text: "Every request is answered, and the stream of an answer goes on until the response has been \
           sent.",
    source: "MCP 2025-11-25, basic/transports, \"Sending Messages to the Server\"; RFC 9112 section 8",
    provenance: Provenance::Spec,
    what_to_do: "Look for a proxy, a worker or a deadline that ends connections while a tool works, \
                 and for crashes in the server's log at these times.",
};
pub(super) const HUNG: rule::Rule = rule::Rule {
    id: "calls-hung",
    severity: Severity::Medium,
    title: "Calls were never answered while their client waited.",
    text: "Every request is answered, with a result or an error.",
    source: "JSON-RPC 2.0, section 5; observed: calls that wait for ever after an id is used twice, \
             a stream is aborted or a worker pool is full (python-sdk issues 1764 and 2507)",
    provenance: Provenance::Observed,
    what_to_do: "Give every tool a deadline of its own, shorter than 300 s, and answer with an error \
                 when it passes.",
};

/// What did not come.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    calls: u64,
    cut: FirstFew<Told>,
    hung: FirstFew<Told>,
    /// Messages that broke a rule of what is delivered, and when; each is a finding of its own.
    wrong: u64,
}

impl Delivery {
    pub(super) fn call(&mut self, call: &Call) {
        if call.operation != Operation::ToolsCall {
            return;
        }
        // Its request was out, and no byte of an answer came.
        let is_lost = call.outcome == Outcome::Connect(ConnectFailure::Closed)
            && call.instants.sent.is_some();
        let is_ended = is_lost
            || !matches!(
                call.outcome.class(),
                Class::Connect | Class::NeverSent | Class::Cancelled | Class::Unfinished
            );
        self.calls += u64::from(is_ended);
        let waited = figure::duration(call.instants.response());
        match call.outcome {
            Outcome::CutStream => {
                self.cut.add((call.instants.due, call.user, format!("cut after {waited}")));
            }
            Outcome::Connect(_) if is_lost => {
                let told = format!("the connection was closed after {waited}, without an answer");
                self.cut.add((call.instants.due, call.user, told));
            }
            Outcome::Timeout => {
                self.hung.add((call.instants.due, call.user, format!("given up after {waited}")));
            }
            _ => {}
        }
    }

    pub(super) fn violation(&mut self, rule: Rule) {
        let is_delivery = matches!(
            rule,
            Rule::SecondAnswer
                | Rule::AnswerAfterCancel
                | Rule::AcceptedRequest
                | Rule::WrongStream
                | Rule::ProgressGoesBack
                | Rule::ForeignProgress
                | Rule::WrongId
        );
        self.wrong += u64::from(is_delivery);
    }

    /// How many calls there were that ended by themselves, of these cut, and never answered; and how
    /// many messages came that should not have.
    pub(super) fn counted(&self) -> (u64, u64, u64, u64) {
        (self.calls, self.cut.count, self.hung.count, self.wrong)
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let all = [(&CUT, &self.cut), (&HUNG, &self.hung)].into_iter();
        let seen = all.filter(|(_, seen)| seen.count > 0);
        seen.map(|(rule, seen)| rule.finding(seen.count, seen.first.iter().map(shown))).collect()
    }
}
