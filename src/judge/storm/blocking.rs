//! Cheap calls that wait for slow ones of the same client: what should overtake them does not.
//!
//! Of each two calls of one client that overlap it is counted whether the later one was done first.
//! Were each worked on for itself, a cheap one would be as often as it takes less, by its own times,
//! than what is left of the slow one. Each call counts once at most, so that the chance of what was
//! seen is bounded (W. Hoeffding, "Probability inequalities for sums of bounded random variables",
//! JASA 58, 1963).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::judge::trend::P;
use crate::model::event::Call;
use crate::model::figure;
use crate::model::finding::{Finding, Provenance, Severity};
use crate::model::histogram::band;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;

pub(super) const WAIT: Rule = Rule {
    id: "cheap-calls-wait",
    severity: Severity::Medium,
    title: "Cheap calls waited until slow ones of the same client were done.",
    text: "Requests of one client are worked on beside each other: JSON-RPC lets responses come in any \
           order, and clients ask for several things at once.",
    source: "JSON-RPC 2.0, section 6; observed: python-sdk issues 1646 and 1839, servers that work on \
             a session's messages one by one; a tenth of what should have overtaken did, p < 0.001, \
             in either half of the run",
    provenance: Provenance::Observed,
    what_to_do: "Answer each request in a task of its own, and hold no lock of the session or the \
                 process while a tool works; check-starvation and check-parallel-scaling say which.",
};

/// Kinds of calls that are told apart.
const KINDS: usize = 16;
/// Clients of which calls are kept, and how many of each: two that share a place are told apart.
const CLIENTS: usize = 1_024;
const KEPT: usize = 6;
/// What is left of a slow call, and what it takes, at least.
const FELT: Duration = Duration::from_millis(100);
/// A call is cheap that takes this much less.
const TIMES: f64 = 4.0;
/// Fewer pairs in either half show nothing.
const LEAST: u64 = 20;
/// Stretches of a run that belong to one half and the other in turn, so that both halves saw all loads.
const STRETCH_S: u64 = 5;
/// A share that overtakes at most, and one that it is below what is expected at least.
const MOST: f64 = 0.1;
const EFFECT: f64 = 0.3;
/// Where it is expected of so many, and so many do, nobody waits.
const EXPECTED: f64 = 0.5;
/// A call is what it takes of all but a tenth.
const QUICK: f64 = 0.1;

/// An operation, and the tool of a call.
type Kind = (Operation, Option<u16>);

/// Calls of one client that overlap.
#[derive(Debug, Default)]
pub(super) struct Blocking {
    tools: Vec<String>,
    kinds: Vec<Kind>,
    /// How many calls of each kind took how long.
    took: Vec<Bands>,
    /// By the kinds of the slow and of the cheap one.
    pairs: BTreeMap<(u8, u8), [Pairs; 2]>,
    recent: Vec<Recent>,
}

/// How many, by the band of a time.
#[derive(Debug, Default)]
struct Bands(Vec<u64>);

/// By how much was left of the slow call: how many cheap ones there were, and how many overtook.
type Pairs = BTreeMap<u16, (u64, u64)>;

/// The last calls of a client that ended.
#[derive(Debug, Clone, Copy, Default)]
struct Recent {
    user: u32,
    next: u8,
    calls: [Option<Ended>; KEPT],
}

#[derive(Debug, Clone, Copy)]
struct Ended {
    kind: u8,
    sent: Duration,
    done: Duration,
    /// It is one of a pair already.
    counts: bool,
}

/// What came of two kinds of calls, in one half of a run.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    of: u64,
    overtook: u64,
    expected: f64,
}

impl Bands {
    fn add(&mut self, took: Duration) {
        let band = usize::from(band_of(took));
        if self.0.len() <= band {
            self.0.resize(band + 1, 0);
        }
        self.0[band] += 1;
    }

    fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The share that took less than where this band begins.
    fn below(&self, band: u16) -> f64 {
        let below: u64 = self.0.iter().take(usize::from(band)).sum();
        below as f64 / self.count().max(1) as f64
    }

    /// What all but a tenth take at least: where that band begins, in microseconds.
    fn quick(&self) -> f64 {
        let tenth = self.count() as f64 * QUICK;
        let mut below = 0;
        let band = self.0.iter().position(|count| {
            below += count;
            below as f64 > tenth
        });
        band.map_or(0.0, |band| band::begin(band as u16))
    }
}

fn band_of(took: Duration) -> u16 {
    band::of(took.as_micros() as u64)
}

impl Blocking {
    pub(super) fn new(tools: &[String]) -> Self {
        Self { tools: tools.to_vec(), ..Self::default() }
    }

    /// Takes a call that met no fault.
    pub(super) fn call(&mut self, call: &Call) {
        let (Outcome::Ok | Outcome::ToolError, Some(sent)) = (call.outcome, call.instants.sent)
        else {
            return;
        };
        let Some(kind) = self.kind((call.operation, call.tool)) else { return };
        let done = call.instants.done;
        self.took[usize::from(kind)].add(done.saturating_sub(sent));
        if self.recent.is_empty() {
            self.recent = vec![Recent::default(); CLIENTS];
        }
        let recent = &mut self.recent[call.user as usize % CLIENTS];
        if recent.user != call.user {
            *recent = Recent { user: call.user, ..Recent::default() };
        }
        let mut ended = Ended { kind, sent, done, counts: false };
        if let Some((slow, cheap, left, overtook)) = recent.pair(&mut ended) {
            let half = (done.as_secs() / STRETCH_S % 2) as usize;
            let pairs = &mut self.pairs.entry((slow, cheap)).or_default()[half];
            let (of, overtaking) = pairs.entry(band_of(left)).or_default();
            *of += 1;
            *overtaking += u64::from(overtook);
        }
        recent.calls[usize::from(recent.next)] = Some(ended);
        recent.next = (recent.next + 1) % KEPT as u8;
    }

    fn kind(&mut self, kind: Kind) -> Option<u8> {
        let known = self.kinds.iter().position(|known| *known == kind);
        let at = known.or_else(|| {
            (self.kinds.len() < KINDS).then(|| {
                self.kinds.push(kind);
                self.took.push(Bands::default());
                self.kinds.len() - 1
            })
        });
        at.map(|at| at as u8)
    }

    /// What came of these, where the one is slow by its own times and the other cheap.
    fn seen(&self, slow: u8, cheap: u8, pairs: &[Pairs; 2]) -> Option<[Seen; 2]> {
        let (slow, cheap) = (&self.took[usize::from(slow)], &self.took[usize::from(cheap)]);
        let least = (cheap.quick() * TIMES).max(FELT.as_micros() as f64);
        (slow.quick() >= least).then(|| {
            pairs.each_ref().map(|half| {
                let mut seen = Seen::default();
                for (left, (of, overtook)) in half {
                    if band::begin(*left) >= least {
                        seen.of += of;
                        seen.overtook += overtook;
                        seen.expected += *of as f64 * cheap.below(*left);
                    }
                }
                seen
            })
        })
    }

    /// Every two kinds of which one is slow and enough of the other might have overtaken.
    fn all(&self) -> impl Iterator<Item = (u8, u8, [Seen; 2])> {
        self.pairs.iter().filter_map(|((slow, cheap), pairs)| {
            let seen = self.seen(*slow, *cheap, pairs)?;
            seen.iter().all(|half| half.of >= LEAST).then_some((*slow, *cheap, seen))
        })
    }

    pub(super) fn finding(&self) -> Option<Finding> {
        let waits = self.all().filter(|(.., halves)| halves.iter().all(Seen::waits));
        let said: Vec<(u64, String)> = waits
            .map(|(slow, cheap, halves)| {
                let [of, overtook] = [Seen::of as fn(&Seen) -> u64, Seen::overtook]
                    .map(|count| halves.iter().map(count).sum::<u64>());
                let (slow_takes, cheap_takes) = (self.shown(slow), self.shown(cheap));
                let (slow, cheap) = (self.name(slow), self.name(cheap));
                let said = format!(
                    "{overtook} of {of} {cheap} calls ({cheap_takes} and more) were done before the {slow} call \
                     ({slow_takes} and more) that their client had sent before; by what they take, \
                     {:.0} should have been",
                    halves.iter().map(|half| half.expected).sum::<f64>()
                );
                (of - overtook, said)
            })
            .collect();
        let count = said.iter().map(|(count, _)| count).sum();
        (count > 0).then(|| WAIT.finding(count, said.into_iter().map(|(_, said)| said)))
    }

    /// Whether it was seen that nobody waits.
    pub(super) fn said(&self) -> Said {
        let all: Vec<_> = self.all().collect();
        let waits = all.iter().filter(|(.., halves)| halves.iter().all(Seen::waits)).count();
        let good = all.iter().filter(|(.., halves)| halves.iter().all(Seen::overtakes));
        let good: u64 = good.flat_map(|(.., halves)| halves.iter().map(Seen::overtook)).sum();
        match (waits, good) {
            (0, 0) => Said::too_little(format!(
                "no {} cheap calls were sent while a slow one of the same client, of {} at least, \
                 was worked on",
                LEAST * 2,
                figure::duration(FELT)
            )),
            (0, good) => {
                Said::held(format!("{good} cheap calls overtook slow ones of their client"))
            }
            _ => Said::unheld("cheap calls waited for slow ones of their client"),
        }
    }

    fn shown(&self, kind: u8) -> String {
        let took = self.took[usize::from(kind)].quick();
        figure::duration(Duration::from_micros(took as u64))
    }

    fn name(&self, kind: u8) -> String {
        let (operation, tool) = self.kinds[usize::from(kind)];
        let tool = tool.and_then(|tool| self.tools.get(usize::from(tool)));
        tool.map_or_else(|| operation.name().to_owned(), String::clone)
    }
}

impl Recent {
    /// The pair that a call makes which just ended: kinds of the slow and of the cheap one, what was
    /// left of the slow one when the cheap one was sent, and whether that overtook.
    fn pair(&mut self, now: &mut Ended) -> Option<(u8, u8, Duration, bool)> {
        let others = self.calls.iter_mut().flatten();
        let mut others: Vec<&mut Ended> =
            others.filter(|other| !other.counts && other.kind != now.kind).collect();
        let left_at = |sent: Duration, slow: Duration| slow.saturating_sub(sent);
        // It was the slow one, and this one began behind it and was done.
        let overtook = others.iter_mut().find(|other| {
            other.sent > now.sent && left_at(other.sent, now.done) >= FELT && other.done < now.done
        });
        if let Some(cheap) = overtook {
            (cheap.counts, now.counts) = (true, true);
            return Some((now.kind, cheap.kind, left_at(cheap.sent, now.done), true));
        }
        let before = others.into_iter().filter(|other| other.sent < now.sent);
        let slow = before.max_by_key(|other| other.done)?;
        let left = left_at(now.sent, slow.done);
        (left >= FELT).then(|| {
            (slow.counts, now.counts) = (true, true);
            (slow.kind, now.kind, left, false)
        })
    }
}

impl Seen {
    const fn of(&self) -> u64 {
        self.of
    }

    const fn overtook(&self) -> u64 {
        self.overtook
    }

    fn waits(&self) -> bool {
        let of = self.of as f64;
        let (share, expected) = (self.overtook as f64 / of, self.expected / of);
        let below = expected - share;
        share <= MOST && below >= EFFECT && (-2.0 * of * below * below).exp() < P
    }

    fn overtakes(&self) -> bool {
        let (of, overtook) = (self.of as f64, self.overtook as f64);
        self.expected >= EXPECTED * of && overtook >= EXPECTED * of
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Instants;
    use crate::model::summary::sample;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn call(user: u32, tool: u16, sent: Duration, took: Duration) -> Call {
        let bare = sample::call(0, 0, 5_000);
        let (sent, done) = (Some(sent), sent + took);
        let instants = Instants { sent, done, ..bare.instants };
        Call { user, tool: Some(tool), instants, outcome: Outcome::Ok, ..bare }
    }

    /// Rounds of a user each second: a slow call, a cheap one a little later, and a cheap one alone.
    fn rounds(count: u32, slow: Duration, beside: impl Fn(u32) -> Duration) -> Blocking {
        let mut blocking = Blocking::new(&tools());
        for round in 0..count {
            let (at, user) = (Duration::from_secs(u64::from(round)), round % 7);
            let cheap = call(user, 1, at + ms(10), beside(round));
            let slow = call(user, 0, at, slow);
            let mut both = [cheap, slow];
            both.sort_by_key(|call| call.instants.done);
            let alone = call(user, 1, at + ms(900), ms(5));
            both.iter().chain([&alone]).for_each(|call| blocking.call(call));
        }
        blocking
    }

    fn tools() -> [String; 2] {
        ["export".to_owned(), "search".to_owned()]
    }

    fn evidence(blocking: &Blocking) -> Option<String> {
        blocking.finding().map(|finding| finding.evidence.join("; "))
    }

    #[test]
    fn cheap_calls_that_never_overtake_wait() {
        let blocked = rounds(100, ms(300), |_| ms(295));
        let evidence = evidence(&blocked).expect("a finding");
        assert!(evidence.starts_with("0 of 100 search calls (4.87ms and more)"), "{evidence}");
        assert!(evidence.contains("the export call (262ms and more)"), "{evidence}");
        assert_eq!(blocked.said().held, Some(false));
    }

    #[test]
    fn cheap_calls_that_overtake_do_not() {
        let sound = rounds(100, ms(300), |_| ms(5));
        assert_eq!(evidence(&sound), None);
        assert_eq!(sound.said().held, Some(true));
        assert_eq!(sound.said().value, "100 cheap calls overtook slow ones of their client");
    }

    #[test]
    fn what_is_seen_too_rarely_is_not_enough_to_say() {
        let few = rounds(35, ms(300), |_| ms(295));
        assert_eq!((evidence(&few), few.said().held), (None, None));
        // Nor what came in one half alone.
        let half = rounds(100, ms(300), |round| if round / 5 % 2 == 0 { ms(295) } else { ms(5) });
        assert_eq!((evidence(&half), half.said().held), (None, None));
    }

    /// Neither is slow by what it takes: both wait for the same queue.
    #[test]
    fn a_queue_is_no_slow_call() {
        let queued = rounds(200, ms(5), |_| ms(5));
        assert_eq!(evidence(&queued), None);
        let mut blocking = Blocking::default();
        for round in 0..200_u32 {
            let at = Duration::from_secs(u64::from(round));
            let wait = if round < 100 { ms(5) } else { ms(800) };
            blocking.call(&call(1, 0, at, wait));
            blocking.call(&call(1, 1, at + ms(1), wait + ms(4)));
        }
        assert_eq!(evidence(&blocking), None);
    }

    /// Calls whose times have nothing to do with each other overtake as often as they should.
    #[test]
    fn chance_is_no_finding() {
        use crate::model::chance::{Key, Purpose};
        for seed in 0..200 {
            let mut chance = Key::of_run(seed, 0).draw(Purpose::Service);
            let mut times: Vec<_> =
                (0..400).map(|_| (chance.unit(), chance.unit(), chance.unit())).collect();
            let blocking = times.iter_mut().enumerate().fold(
                Blocking::default(),
                |mut blocking, (round, (slow, cheap, gap))| {
                    let at = Duration::from_secs(round as u64);
                    let long = ms(100) + Duration::from_secs_f64(*slow * 0.6);
                    let short = Duration::from_secs_f64(0.5 * cheap.powi(6));
                    let slow = call(3, 0, at, long);
                    let cheap = call(3, 1, at + Duration::from_secs_f64(*gap * 0.2), short);
                    let mut both = [slow, cheap];
                    both.sort_by_key(|call| call.instants.done);
                    for call in &both {
                        blocking.call(call);
                    }
                    blocking
                },
            );
            assert_eq!(evidence(&blocking), None, "seed {seed}");
        }
    }
}
