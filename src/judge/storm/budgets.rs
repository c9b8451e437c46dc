//! Handshakes, lists and legs of OAuth within the time that Claude gives them.

use std::time::Duration;

use super::{Told, shown};
use crate::judge::rule::Rule;
use crate::model::event::Exchange;
use crate::model::figure;
use crate::model::finding::{Finding, Provenance, Severity};
use crate::model::operation::Operation;
use crate::model::summary::evidence::FirstFew;

pub(super) const SLOW: Rule = Rule {
    id: "over-budget",
    severity: Severity::Medium,
    title: "Handshakes, lists or logins took longer than Claude waits.",
    text: "Discovery, registration, tokens, initialize and lists are answered within 10 s, a refresh \
           within 30 s.",
    source: "observed: Anthropic's help for connector developers (10 s, and 30 s for a refresh); \
             claude-ai-mcp issue 473, open-webui issue 25011",
    provenance: Provenance::Observed,
    what_to_do: "Answer these without waiting for anything behind: keep lists in memory, warm up \
                 before traffic comes, and leave room for a herd of handshakes.",
};

const BUDGET: Duration = Duration::from_secs(10);
const OF_A_REFRESH: Duration = Duration::from_secs(30);

/// What took longer.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    of: u64,
    slow: FirstFew<Told>,
}

const fn budget(operation: Operation) -> Option<Duration> {
    match operation {
        Operation::Initialize
        | Operation::Discover
        | Operation::ToolsList
        | Operation::OauthDiscovery
        | Operation::OauthRegistration
        | Operation::OauthToken => Some(BUDGET),
        Operation::OauthRefresh => Some(OF_A_REFRESH),
        _ => None,
    }
}

impl Budgets {
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let Some(budget) = budget(exchange.operation) else { return };
        let Some(sent) = exchange.sent else { return };
        self.of += 1;
        let took = exchange.answer.unwrap_or(exchange.end).saturating_sub(sent);
        if took > budget {
            let (what, took) = (exchange.operation.name(), figure::duration(took));
            let said = format!("{what} took {took}, of {}", figure::duration(budget));
            self.slow.add((sent, exchange.user, said));
        }
    }

    pub(super) fn findings(&self) -> Option<Finding> {
        let slow = &self.slow;
        let all = format!("{} of {} such requests", slow.count, self.of);
        let evidence = std::iter::once(all).chain(slow.first.iter().map(shown));
        (slow.count > 0).then(|| SLOW.finding(slow.count, evidence))
    }
}
