//! `check-parallel-scaling`: whether calls at once take as long as one after another, and whether
//! they are served as one alone is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::felt;
use super::tail::how;
use crate::judge::contrast::{Share, more};
use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::judge::trend::{P, median};
use crate::model::behaviour::ParallelTrials;
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::Class;
use crate::model::plan::invariant::Invariant;
use crate::model::trial::parallel::{At, Spread, Trial};
use crate::model::trial::{Tried, What};

/// Of the time that calls take one after another, calls at once take this share or more, where they
/// are not worked on together: all of it with one worker, half of it with two. Halfway between, so
/// that noise makes no two of one.
const SERIAL: f64 = 0.7;
/// In smaller batches one call that is late is a large share of them.
const SMALLEST: u32 = 4;
/// What is faster than this alone says more about the way there than about the work, in seconds.
const FASTEST: f64 = 0.02;
/// So many batches at least, each of which is as likely by chance: 0.5 to this power is below 0.001.
const BATCHES: usize = 10;
/// So often at least in a hundred, calls at once are refused.
const REFUSED_PERCENT: u64 = 5;

pub(super) const SERIALISED: Rule = Rule {
    id: "calls-serialised",
    severity: Severity::Medium,
    title: "Calls that are made at once are worked on one after another.",
    text: "Hosted clients make several calls at once, and more do so at the same time: what takes as \
           long as one after another makes each user wait for all others.",
    source: "observed: python-sdk issue 1839, ppt-mcp issue 198; modelled: a batch takes 0.7 of the \
             time of its calls one after another or more, in every batch of 4 or more (sign test, p < \
             0.001)",
    provenance: Provenance::Observed,
    what_to_do: "Look for a lock that is held while a tool works, for work that blocks the event loop, \
                 and for a pool of one connection to whatever is behind the tool.",
};
pub(super) const REFUSED: Rule = Rule {
    id: "parallel-calls-refused",
    severity: Severity::High,
    title: "Calls that are made at once fail, which one alone does not.",
    text: "A client may have several requests in flight, and several clients may come at once; each \
           request is answered as if it were alone.",
    source: "MCP 2025-11-25, basic/transports; observed: perplexityai/modelcontextprotocol issue 117, \
             cloudflare/agents issue 1239 (\"Already connected to a transport\"); Fisher, p < 0.001, in \
             two rounds or more",
    provenance: Provenance::Observed,
    what_to_do: "Make a server and a transport for each session, or for each request without \
                 sessions: one of either that all share can serve one at a time.",
};

/// What was seen.
#[derive(Debug)]
pub(super) struct Parallel {
    sizes: Vec<u32>,
    batches: BTreeMap<At, Batch>,
    /// Calls alone that failed.
    alone: Share,
    /// Calls at once that failed.
    together: Share,
    rounds: BTreeSet<u32>,
    how: BTreeSet<String>,
    tool_errors: u64,
}

/// From the first request to the last answer.
#[derive(Debug)]
struct Batch {
    sent: Duration,
    done: Duration,
    calls: u32,
    /// A call of it was not answered.
    is_void: bool,
}

/// How a batch of one size goes, against one call.
struct Scaling {
    /// One call, in seconds.
    one: f64,
    /// By size: what each batch took of the time of its calls one after another.
    shares: BTreeMap<u32, Vec<f64>>,
}

impl Scaling {
    /// Of batches that are large enough.
    fn large(&self) -> impl Iterator<Item = f64> {
        self.shares.iter().filter(|(size, _)| **size >= SMALLEST).flat_map(|(_, all)| all.clone())
    }

    fn is_serial(&self) -> bool {
        self.large().all(|share| share >= SERIAL)
    }

    /// Most of them are worked on together.
    fn is_parallel(&self) -> bool {
        median(&self.large().collect::<Vec<_>>()) < SERIAL
    }

    fn told(&self) -> Option<String> {
        let (size, shares) = self.shares.iter().next_back()?;
        let times = median(shares) * f64::from(*size);
        let workers = f64::from(*size) / times.max(1.0);
        let pool = if self.is_serial() || workers * 2.0 > f64::from(*size) {
            String::new()
        } else {
            format!(", as with {workers:.0} workers")
        };
        Some(format!("{size} at once {times:.1} times as long{pool}"))
    }
}

impl Parallel {
    pub(super) fn new(knobs: &ParallelTrials) -> Self {
        let (batches, alone, together) = (BTreeMap::new(), Share::default(), Share::default());
        let (rounds, how) = (BTreeSet::new(), BTreeSet::new());
        let sizes = knobs.batches.clone();
        Self { sizes, batches, alone, together, rounds, how, tool_errors: 0 }
    }

    pub(super) fn add(&mut self, tried: &Tried) {
        let What::Parallel(trial) = tried.what else { return };
        if let Trial::Batch(at) = trial {
            let batch = self.batches.entry(at).or_insert(Batch {
                sent: tried.sent,
                done: tried.done,
                calls: 0,
                is_void: false,
            });
            batch.sent = batch.sent.min(tried.sent);
            batch.done = batch.done.max(tried.done);
            batch.calls += 1;
            let class = tried.outcome.class();
            batch.is_void |= !matches!(class, Class::Ok | Class::ToolError);
        }
        self.count(trial, tried);
    }

    /// Whether it was served, if that says anything.
    fn count(&mut self, trial: Trial, tried: &Tried) {
        let class = tried.outcome.class();
        self.tool_errors += u64::from(class == Class::ToolError);
        let has_failed = match class {
            Class::Ok | Class::ToolError => false,
            Class::RpcError
            | Class::SessionLost
            | Class::Status
            | Class::CutStream
            | Class::Connect
            | Class::Violation => true,
            // Too many, too late, or ours: all of that is another question.
            _ => return,
        };
        match trial {
            Trial::Again(_) | Trial::Batch(At { size: 1, .. }) => self.alone.add(has_failed),
            Trial::Batch(At { round, .. }) => {
                self.together.add(has_failed);
                if has_failed {
                    self.rounds.insert(round);
                    self.how.insert(how((tried.outcome, tried.status)));
                }
            }
        }
    }

    pub(super) fn said(&self, invariant: Invariant) -> Said {
        if self.batches.is_empty() {
            return Said::too_little("no call was made");
        }
        match invariant {
            Invariant::ParallelServed => self.served(),
            _ => self.scales(),
        }
    }

    fn served(&self) -> Said {
        let Self { alone, together, .. } = self;
        let value = format!(
            "{} of {} calls at once failed, {} of {} alone",
            together.count, together.of, alone.count, alone.of
        );
        if together.of == 0 || alone.of == 0 || alone.count == alone.of {
            return Said::too_little(format!("{value}: there is nothing to compare"));
        }
        if together.count == 0 {
            return Said::held(value);
        }
        let how: Vec<&str> = self.how.iter().map(String::as_str).collect();
        let p = more(*alone, *together);
        let value = format!("{value} ({}; {})", how.join(" or "), felt::chance(p));
        let is_often = together.count * 100 >= together.of * REFUSED_PERCENT;
        if p < P && is_often && self.rounds.len() > 1 {
            return Said::broken(&REFUSED, together.count, value);
        }
        Said::too_little(format!("{value}: that may be chance; raise load.parallel_scaling.rounds"))
    }

    fn scales(&self) -> Said {
        let [one, each] = Spread::ALL.map(|spread| self.scaling(spread));
        let (Some(one), Some(each)) = (one, each) else {
            return Said::too_little("no call alone was answered");
        };
        let alone = one.one.min(each.one);
        if alone < FASTEST {
            return Said::too_little(format!(
                "a call takes {} alone, which is mostly the way there: name a tool that takes {} or \
                 more in load.parallel_scaling.tool",
                felt::shown(alone),
                felt::shown(FASTEST)
            ));
        }
        for (scaling, place) in [(&one, "in one session"), (&each, "in several sessions")] {
            let count = scaling.large().count();
            if count < BATCHES {
                return Said::too_little(format!(
                    "{count} batches of {SMALLEST} or more {place} were answered whole; {BATCHES} \
                     are needed"
                ));
            }
        }
        let told = |scaling: &Scaling| scaling.told().unwrap_or_default();
        let value = format!(
            "one call takes {}; in one session {}, in a session each {}",
            felt::shown(alone),
            told(&one),
            told(&each)
        );
        let whom = match (one.is_serial(), each.is_serial()) {
            (false, false) if [&one, &each].iter().all(|scaling| scaling.is_parallel()) => {
                return Said::held(value);
            }
            (false, false) => {
                return Said::too_little(format!(
                    "most batches took as long as one after another, and not all of them: {value}; is \
                     the target busy with something else?"
                ));
            }
            (true, false) => "within one session only",
            (_, true) => "for everybody",
        };
        let serial = [&one, &each].into_iter().filter(|scaling| scaling.is_serial());
        let count = serial.map(|scaling| scaling.large().count() as u64).sum();
        Said::broken(&SERIALISED, count, format!("one after another {whom}: {value}"))
    }

    fn scaling(&self, spread: Spread) -> Option<Scaling> {
        let whole = |size: u32| {
            let all = self.batches.iter().filter(move |(at, batch)| {
                at.spread == spread && at.size == size && !batch.is_void && batch.calls == size
            });
            all.map(|(_, batch)| batch.done.saturating_sub(batch.sent).as_secs_f64())
        };
        let alone: Vec<f64> = whole(1).collect();
        let one = median(&alone);
        if alone.is_empty() || one <= 0.0 {
            return None;
        }
        let more = self.sizes.iter().copied().filter(|size| *size > 1);
        let shares = more.map(|size| {
            let after_another = one * f64::from(size);
            (size, whole(size).map(|wall| wall / after_another).collect::<Vec<f64>>())
        });
        let shares = shares.filter(|(_, all)| !all.is_empty()).collect();
        Some(Scaling { one, shares })
    }
}
