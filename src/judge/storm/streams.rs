//! Streams that somebody between cuts when nothing passes: always after the same time, which says
//! who it may be.

use std::time::Duration;

use crate::judge::middlebox;
use crate::judge::rule::Rule;
use crate::model::event::Exchange;
use crate::model::figure;
use crate::model::finding::{Finding, Provenance, Severity};
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;

pub(super) const CUT: Rule = Rule {
    id: "idle-streams-cut",
    severity: Severity::Low,
    title: "Event streams were cut after the same time.",
    text: "A stream on which nothing happens stays open, or something is sent to keep it so.",
    source: "observed: idle timeouts of 60 s (AWS ALB), 100 and 125 s (Cloudflare), 300 s (Railway), \
             350 s (AWS NLB)",
    provenance: Provenance::Observed,
    what_to_do: "Send a comment line (`: keep-alive`) every 15 to 30 s on every open stream, or raise \
                 the idle timeout of what is in front.",
};

/// Streams kept for the comparison.
const KEPT: usize = 1_000;
/// Fewer than these, or of a shorter life, say nothing.
const LEAST: usize = 5;
const SHORTEST: Duration = Duration::from_secs(10);
/// Lives within this of their median are of one cause: a share, and a second for short ones.
const SPREAD: f64 = 0.02;
const SECOND: Duration = Duration::from_secs(1);
/// The share of cut streams that are of one cause, at least.
const MOST: f64 = 0.8;
/// How long streams lived that others ended.
#[derive(Debug, Default)]
pub(super) struct Streams {
    lives: Vec<Duration>,
    cut: u64,
}

impl Streams {
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let is_stream =
            matches!(exchange.operation, Operation::Stream | Operation::Resume | Operation::Listen);
        let Some(opened) = exchange.headers.filter(|_| is_stream && exchange.status == Some(200))
        else {
            return;
        };
        if exchange.outcome != Outcome::CutStream {
            return;
        }
        let life = exchange.end.saturating_sub(opened);
        if life >= SHORTEST {
            self.cut += 1;
            if self.lives.len() < KEPT {
                self.lives.push(life);
            }
        }
    }

    pub(super) fn finding(&self) -> Option<Finding> {
        if self.lives.len() < LEAST {
            return None;
        }
        let mut lives = self.lives.clone();
        lives.sort_unstable();
        let median = lives[lives.len() / 2];
        let within = median.mul_f64(SPREAD).max(SECOND);
        let alike = lives.iter().filter(|life| life.abs_diff(median) <= within).count();
        if (alike as f64) < MOST * lives.len() as f64 {
            return None;
        }
        let who = middlebox::of_idle(median, within);
        let evidence =
            format!("{alike} of {} after {}{who}", lives.len(), figure::duration(median));
        Some(CUT.finding(self.cut, std::iter::once(evidence)))
    }
}
