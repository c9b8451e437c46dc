//! `check-idle-streams`: whether streams and calls on which nothing happens are cut, after which time
//! and by whom; and whether events come when they are sent.

use std::collections::BTreeMap;
use std::time::Duration;

use super::tail::{Tail, shown};
use crate::judge::flow::{self, BUFFERED};
use crate::judge::middlebox;
use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::model::figure;
use crate::model::finding::{Finding, Provenance, Severity};
use crate::model::outcome::Outcome;
use crate::model::plan::invariant::Invariant;
use crate::model::trial::silences::{Held, Kind, Told, Trial};
use crate::model::trial::{Tried, What};

pub(super) const CUT: Rule = Rule {
    id: "idle-stream-cut",
    severity: Severity::Medium,
    title: "Streams or calls on which nothing happened were cut.",
    text: "A stream stays open, and a call goes on, until it is over; whoever stands between may end \
           what is idle, so that something has to be sent before.",
    source: "observed: idle timeouts of 60 s (AWS ALB), 100 and 125 s (Cloudflare), 300 s (Railway), \
             350 s (AWS NLB); agentdeals issues 1098 and 1100, WaveHouse issue 346",
    provenance: Provenance::Observed,
    what_to_do: "Send a comment line (`: keep-alive`) every 15 to 30 s on every open stream, those of \
                 calls too, or raise the idle timeout of what is in front.",
};

/// The share of what lasted longer than the first one that was cut: so much of it was cut, too.
const MOST: f64 = 0.5;
/// So many of a kind have to be cut.
const LEAST: u64 = 2;
/// So many calls that told something are needed.
const CALLS: u64 = 3;
/// Idle times are somebody's within this share.
const SPREAD: f64 = 0.02;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Silences {
    held: BTreeMap<Kind, Kept>,
    told: Tolds,
}

/// Streams or calls of one kind.
#[derive(Debug, Default)]
struct Kept {
    whole: Vec<Duration>,
    cut: Vec<Cut>,
    /// Ended to be asked for again.
    polled: u64,
    /// 405, 409, or a method that there is not.
    not_offered: u64,
    failed: Vec<Tail>,
    /// How many were cut when the shortest silence that was cut was held again, and how many were held.
    again: (u64, u64),
}

/// One that was cut.
#[derive(Debug, Clone, Copy)]
struct Cut {
    silence: Duration,
    life: Duration,
    /// How long nothing had come.
    idle: Duration,
    beats: u32,
    tail: Tail,
}

/// Calls that asked for progress.
#[derive(Debug, Default)]
struct Tolds {
    made: u64,
    /// They told something at least twice, and took long enough.
    counted: u64,
    together: u64,
    /// When the first message came and the whole, of the slowest.
    slowest: (Duration, Duration),
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Get => "GET streams",
            Self::Listen => "streams of subscriptions/listen",
            Self::Call => "calls",
        }
    }
}

impl Silences {
    pub(super) fn add(&mut self, tried: &Tried) {
        match tried.what {
            What::Silence(Trial::Held(held)) => {
                self.held.entry(held.kind).or_default().add(held, tried);
            }
            What::Silence(Trial::Told(told)) => self.told.add(told, tried),
            _ => {}
        }
    }

    pub(super) fn said(&self, invariant: Invariant) -> Said {
        match invariant {
            Invariant::StreamsFlow => self.told.said(),
            _ => self.idle(),
        }
    }

    fn idle(&self) -> Said {
        let said: Vec<(bool, Said)> =
            self.held.iter().filter_map(|(kind, kept)| kept.said(*kind)).collect();
        // What is not offered decides nothing where there is something else.
        let (offered, others): (Vec<_>, Vec<_>) = said.into_iter().partition(|(is, _)| *is);
        let all = if offered.is_empty() { others } else { offered };
        let all = all.into_iter().map(|(_, said)| said);
        let said = all.reduce(Said::and).unwrap_or_else(|| Said::moot("nothing was held"));
        one_finding(said)
    }
}

impl Kept {
    fn add(&mut self, held: Held, tried: &Tried) {
        let Held { kind, silence, opened, beats, last, resumes, again } = held;
        if again {
            self.again.0 += u64::from(tried.outcome != Outcome::Ok);
            self.again.1 += 1;
        }
        let tail = (tried.outcome, tried.status);
        let cut = |opened: Duration| {
            let life = tried.done.saturating_sub(opened);
            // Where a call is refused in the end, the refusal is all that came.
            let is_stream = tried.outcome == Outcome::CutStream;
            let last = last.filter(|_| is_stream).unwrap_or(opened).max(opened);
            let idle = tried.done.saturating_sub(last);
            Cut { silence, life, idle, beats, tail }
        };
        match (tried.outcome, opened) {
            (Outcome::Ok, Some(_)) => self.whole.push(silence),
            (Outcome::CutStream, Some(_)) if resumes => self.polled += 1,
            (Outcome::CutStream, Some(opened)) => self.cut.push(cut(opened)),
            // What stands between gives a call up in other ways, too.
            (Outcome::Connect(_) | Outcome::Status(500..), Some(opened)) if kind == Kind::Call => {
                self.cut.push(cut(opened));
            }
            (Outcome::Status(404 | 405 | 409 | 501) | Outcome::RpcError(-32601), _) => {
                self.not_offered += 1;
            }
            _ => self.failed.push(tail),
        }
    }

    /// What became of a kind, and whether it is offered at all.
    fn said(&self, kind: Kind) -> Option<(bool, Said)> {
        let Self { whole, cut, polled, not_offered, failed, again } = self;
        let words = kind.words();
        let longest = whole.iter().max().map(|longest| figure::duration(*longest));
        let lived = match &longest {
            Some(longest) => format!("{} {words} were held, for {longest} at most", whole.len()),
            None => format!("no {words} were held"),
        };
        if let Some(first) = cut.iter().min_by_key(|cut| cut.life) {
            let longer = |silence: &Duration| *silence > first.life;
            let outlived = whole.iter().filter(|silence| longer(silence)).count();
            let others = cut.iter().filter(|cut| longer(&cut.silence)).count();
            let is_rule = others as f64 >= MOST * (others + outlived) as f64;
            let is_repeated = again.1 > 0 && again.0 == again.1;
            if cut.len() as u64 >= LEAST && is_rule && is_repeated {
                let value = format!("{} {words} were cut{}; {lived}", cut.len(), told(cut));
                return Some((true, Said::broken(&CUT, cut.len() as u64, value)));
            }
        }
        if !whole.is_empty() || *polled > 0 {
            let polled = match polled {
                0 => String::new(),
                polled => format!(", and {polled} were ended to be asked for again"),
            };
            let cut = match cut.len() {
                0 => String::new(),
                few if again.1 > again.0 => format!("; {few} cut once, and not when held again"),
                few => format!("; {few} cut, which is too few to say why"),
            };
            let value = format!("{lived}{polled}{cut}");
            let is_told = self.cut.is_empty() || again.1 > again.0;
            if failed.is_empty() {
                let said = if is_told { Said::held(value) } else { Said::too_little(value) };
                return Some((true, said));
            }
            let value = format!("{value}; {} failed otherwise ({})", failed.len(), shown(failed));
            return Some((true, Said::too_little(value)));
        }
        if *not_offered > 0 {
            return Some((false, Said::moot(format!("{words} are not offered"))));
        }
        if cut.is_empty() && failed.is_empty() {
            return None;
        }
        let how = if failed.is_empty() { String::new() } else { format!(" ({})", shown(failed)) };
        let cut = cut.len();
        Some((true, Said::too_little(format!("{lived}: {cut} were cut and others failed{how}"))))
    }
}

/// Whatever was cut, it is one finding.
fn one_finding(mut said: Said) -> Said {
    said.findings = said.findings.into_iter().reduce(merged).into_iter().collect();
    said
}

fn merged(mut one: Finding, other: Finding) -> Finding {
    one.count += other.count;
    one.evidence.extend(other.evidence);
    one
}

/// When they were cut, and by whom.
fn told(cut: &[Cut]) -> String {
    let mut idle: Vec<_> = cut.iter().map(|cut| cut.idle).collect();
    let mut lives: Vec<_> = cut.iter().map(|cut| cut.life).collect();
    idle.sort_unstable();
    lives.sort_unstable();
    let (idle, life) = (idle[idle.len() / 2], lives[lives.len() / 2]);
    let beats = cut.iter().filter(|cut| cut.beats > 1).count();
    let alive = match beats {
        0 => ", and nothing was sent to keep them alive".to_owned(),
        some => format!(", though something came on {some} of them meanwhile"),
    };
    let who = match beats {
        0 => middlebox::of_idle(idle, idle.mul_f64(SPREAD)),
        _ => middlebox::of_life(life, life.mul_f64(SPREAD)),
    };
    let others =
        cut.iter().map(|cut| cut.tail).filter(|(outcome, _)| *outcome != Outcome::CutStream);
    let how = match &others.collect::<Vec<Tail>>()[..] {
        [] => String::new(),
        others => format!(" ({})", shown(others)),
    };
    let (idle, life) = (figure::duration(idle), figure::duration(life));
    format!(" after {life}, of which {idle} of silence{who}{how}{alive}")
}

impl Tolds {
    fn add(&mut self, told: Told, tried: &Tried) {
        let Told { messages, first, answered } = told;
        self.made += 1;
        let (Some(first), Some(answered)) = (first, answered) else { return };
        let (first, whole) =
            (first.saturating_sub(tried.sent), answered.saturating_sub(tried.sent));
        let Some(is_together) = (flow::Told { messages, first, whole }).is_together() else {
            return;
        };
        self.counted += 1;
        self.together += u64::from(is_together);
        self.slowest = self.slowest.max((first, whole));
    }

    fn said(&self) -> Said {
        let Self { made, counted, together, slowest: (first, whole) } = *self;
        if made == 0 {
            return Said::moot("no call asked for progress");
        }
        if counted == 0 {
            return Said::moot(format!(
                "none of {made} calls that asked for progress told any twice in 100 ms or more: \
                 allow a tool that does"
            ));
        }
        if counted < CALLS {
            let value = format!("{counted} calls told progress; {CALLS} are needed at least");
            return Said::too_little(value);
        }
        let (first, whole) = (figure::duration(first), figure::duration(whole));
        if together == counted {
            let value = format!(
                "in all of {counted} calls that told progress the first message came together with \
                 the answer: after {first} of {whole}"
            );
            return Said::broken(&BUFFERED, together, value);
        }
        if together * 2 > counted {
            return Said::too_little(format!(
                "in {together} of {counted} calls that told progress the first message came together \
                 with the answer, and in the others it did not"
            ));
        }
        Said::held(format!(
            "{} of {counted} calls told progress long before their answer: the first message came \
             within {first} of {whole}",
            counted - together
        ))
    }
}
