//! Streams and calls that somebody between cuts: always after the same silence, which says who it may
//! be, or always at the same age, whatever passes.

use std::time::Duration;

use crate::judge::middlebox;
use crate::judge::rule::Rule;
use crate::model::event::Exchange;
use crate::model::figure;
use crate::model::finding::{Finding, Provenance, Severity};
use crate::model::operation::Operation;
use crate::model::outcome::{ConnectFailure, Outcome};

pub(super) const CUT: Rule = Rule {
    id: "idle-streams-cut",
    severity: Severity::Low,
    title: "Event streams, or calls, were cut after the same silence.",
    text: "A stream on which nothing happens stays open, and a call goes on, or something is sent to keep \
           it so.",
    source: "observed: idle timeouts of 60 s (AWS ALB), 100 and 125 s (Cloudflare), 300 s (Railway), \
             350 s (AWS NLB)",
    provenance: Provenance::Observed,
    what_to_do: "Send a comment line (`: keep-alive`) every 15 to 30 s on every open stream, those of \
                 calls too, or raise the idle timeout of what is in front.",
};
pub(super) const AGED: Rule = Rule {
    id: "streams-cut-by-age",
    severity: Severity::Low,
    title: "Event streams were cut at the same age, though something came on them.",
    text: "A stream stays open until its client or its server has done with it; a client that has to open \
           it again may have missed something.",
    source: "observed: platforms that bound how long a request may take, such as serverless functions and \
             Cloud Run (300 s unless it is set otherwise)",
    provenance: Provenance::Observed,
    what_to_do: "Raise the time that a request may take, or end streams before it and give events ids, so \
                 that clients can take them up with Last-Event-ID.",
};

/// Streams kept for the comparison.
const KEPT: usize = 1_000;
/// Fewer than these, or cut after a shorter time, say nothing.
const LEAST: usize = 5;
const SHORTEST: Duration = Duration::from_secs(10);
/// Times within this of their median are of one cause: a share, and a second for short ones.
const SPREAD: f64 = 0.02;
const SECOND: Duration = Duration::from_secs(1);
/// The share of them that are of one cause, at least.
const MOST: f64 = 0.8;

/// Times after which others ended something, at the end of streams and of calls.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: Cut,
    calls: Cut,
}

/// What was cut of one kind.
#[derive(Debug, Default)]
struct Cut {
    count: u64,
    /// How long nothing had come.
    idle: Vec<Duration>,
    /// Since it was opened.
    lives: Vec<Duration>,
}

impl Streams {
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        let is_cut = exchange.outcome == Outcome::CutStream;
        match exchange.operation {
            Operation::Stream | Operation::Resume | Operation::Listen => {
                let opened = exchange.headers.filter(|_| is_cut && exchange.status == Some(200));
                self.streams.add(opened, exchange);
            }
            Operation::ToolsCall => {
                // What stands between gives up a call that it waits for in other ways, too.
                let is_given_up = matches!(
                    exchange.outcome,
                    Outcome::Connect(ConnectFailure::Closed) | Outcome::Status(502 | 504)
                );
                let opened =
                    if is_cut { exchange.headers.or(exchange.sent) } else { exchange.sent };
                self.calls.add(opened.filter(|_| is_cut || is_given_up), exchange);
            }
            _ => {}
        }
    }

    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> {
        let Self { streams, calls } = self;
        let idle = [(streams, "streams"), (calls, "calls")].map(|(cut, words)| {
            let (alike, median, who) = alike(&cut.idle, middlebox::of_idle)?;
            let (of, after) = (cut.idle.len(), figure::duration(median));
            Some((cut.count, format!("{alike} of {of} {words} after {after} of silence{who}")))
        });
        let is_idle = idle[0].is_some();
        let idle: Vec<_> = idle.into_iter().flatten().collect();
        let count = idle.iter().map(|(count, _)| count).sum();
        let evidence = idle.into_iter().map(|(_, evidence)| evidence);
        let idle = (count > 0).then(|| CUT.finding(count, evidence));
        let aged = alike(&streams.lives, middlebox::of_life).filter(|_| !is_idle);
        let aged = aged.map(|(alike, median, who)| {
            let (of, after) = (streams.lives.len(), figure::duration(median));
            let evidence = format!("{alike} of {of} after {after}{who}");
            AGED.finding(streams.count, std::iter::once(evidence))
        });
        idle.into_iter().chain(aged)
    }
}

impl Cut {
    fn add(&mut self, opened: Option<Duration>, exchange: &Exchange) {
        let Some(opened) = opened else { return };
        let last = exchange.last_bytes.map_or(opened, |last| last.max(opened));
        let [idle, life] = [last, opened].map(|since| exchange.end.saturating_sub(since));
        if life < SHORTEST {
            return;
        }
        self.count += 1;
        if idle >= SHORTEST && self.idle.len() < KEPT {
            self.idle.push(idle);
        }
        if self.lives.len() < KEPT {
            self.lives.push(life);
        }
    }
}

/// How many of these times are alike, which time that is, and who is known for it; nothing if they
/// have no one cause.
fn alike(
    times: &[Duration],
    who: fn(Duration, Duration) -> String,
) -> Option<(usize, Duration, String)> {
    if times.len() < LEAST {
        return None;
    }
    let mut times = times.to_vec();
    times.sort_unstable();
    let median = times[times.len() / 2];
    let within = median.mul_f64(SPREAD).max(SECOND);
    let alike = times.iter().filter(|time| time.abs_diff(median) <= within).count();
    (alike as f64 >= MOST * times.len() as f64).then(|| (alike, median, who(median, within)))
}
