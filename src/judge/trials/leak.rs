//! What many open sessions cost: the part of `check-sessions` about handshakes one after another.
//!
//! A machine that gets busier makes handshakes slower, too. So sessions are opened in two series, and
//! all of them ended in between: what rises in both, and by no chance, is the sessions' doing.

use super::felt::chance;
use super::tail::{Tail, shown};
use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::judge::trend::{self, Trend};
use crate::model::finding::{Provenance, Severity};
use crate::model::trial::Tried;
use crate::model::trial::sessions::Trial;

/// So many times what they took at first, handshakes take at last, before it is a leak.
const GROWTH: f64 = 1.5;
/// Less than this is nobody's trouble, in seconds.
const FELT: f64 = 0.002;

const LEAK: Rule = Rule {
    id: "session-leak",
    severity: Severity::High,
    title: "Every session that is not ended makes the next handshake slower.",
    text: "Hosted clients open a session for nearly every call and end none: what it costs must not \
           grow with their number.",
    source: "observed: python-sdk issues 1283 and 2455, fastmcp pull request 3443, openai/codex issue \
             41600; Mann-Kendall, p < 0.001 in either series and in either half of it, growth by half or more",
    provenance: Provenance::Observed,
    what_to_do: "Look for lists that are walked at each handshake and for what is kept per session; \
                 end idle sessions after minutes, or go without sessions.",
};
const EXHAUSTED: Rule = Rule {
    id: "sessions-exhausted",
    severity: Severity::High,
    title: "After so many sessions handshakes were refused.",
    text: "Hosted clients end no session: a bound on open ones is reached by anybody who goes on long \
           enough.",
    source: "observed: bookstack-mcp issue 155, Decenza issue 1494",
    provenance: Provenance::Observed,
    what_to_do: "End the session that was idle longest when there are too many, instead of refusing \
                 the newest, and raise the bound above a day's handshakes.",
};

/// Handshakes whose sessions nobody ends, in two series, and those that are each ended.
#[derive(Debug, Default)]
pub(super) struct Leak {
    kept: [Series; 2],
    ended: Series,
}

/// Handshakes one after another.
#[derive(Debug, Default)]
struct Series {
    seconds: Vec<f64>,
    /// After how many the first one was refused, and how, and how many were.
    refused: Option<(u64, Tail, u64)>,
}

impl Series {
    fn add(&mut self, tried: &Tried) {
        if tried.is_served() {
            return self.seconds.push(tried.took().as_secs_f64());
        }
        let opened = self.seconds.len() as u64;
        let (_, _, count) = self.refused.get_or_insert((opened, (tried.outcome, tried.status), 0));
        *count += 1;
    }

    fn trend(&self) -> Option<Trend> {
        Trend::of(&self.seconds)
    }

    fn rises(&self) -> bool {
        self.trend().is_some_and(|trend| trend.rises_to(GROWTH) && trend.rise >= FELT)
    }

    /// What its first quarter took, and its last one.
    fn told(&self) -> String {
        let (all, quarter) = (&self.seconds, self.seconds.len() / 4);
        let ms = |seconds: &[f64]| format!("{:.1} ms", trend::median(seconds) * 1e3);
        format!("{} at first, {} at last", ms(&all[..quarter]), ms(&all[all.len() - quarter..]))
    }
}

impl Leak {
    pub(super) fn add(&mut self, trial: Trial, tried: &Tried) {
        match trial {
            Trial::Opened(series) => self.kept[usize::from(series.min(1))].add(tried),
            _ => self.ended.add(tried),
        }
    }

    pub(super) fn said(&self) -> Said {
        let Self { kept, ended } = self;
        let again = match ended.trend() {
            Some(_) if ended.rises() => "slower as well",
            Some(_) => "no slower",
            None => "too few to say",
        };
        let refused = kept.each_ref().map(|series| series.refused);
        if let (Some((opened, tail, count)), Some(_), None) =
            (refused[0], refused[1], ended.refused)
        {
            let how = shown(&[tail]);
            let value = format!(
                "after {opened} sessions {count} handshakes were refused ({how}); with DELETE {again}"
            );
            return Said::broken(&EXHAUSTED, count, value);
        }
        if let Some((opened, tail, _)) = refused[0].or(refused[1]).or(ended.refused) {
            let how = shown(&[tail]);
            return Said::too_little(format!(
                "handshakes were refused ({how}), first after {opened}, and not as a bound on open \
                 sessions does it: is there a rate limit?"
            ));
        }
        let made = kept.each_ref().map(|series| series.seconds.len());
        let (Some(first), Some(second)) = (kept[0].trend(), kept[1].trend()) else {
            let needed = trend::LEAST * 4;
            let value = format!("{} handshakes; {needed} are needed at least", made[0] + made[1]);
            return Said::too_little(value);
        };
        let [one, other] = kept.each_ref().map(Series::told);
        let value =
            format!("{} and {} handshakes: {one}; {other}; with DELETE {again}", made[0], made[1]);
        if kept.iter().all(Series::rises) {
            let value = format!("{value} (Mann-Kendall, {})", chance(first.p.max(second.p)));
            return Said::broken(&LEAK, 1, value);
        }
        if kept.iter().any(Series::rises) {
            return Said::too_little(format!(
                "{value}: handshakes got slower in one series and not in the other; raise \
                 load.sessions.opened"
            ));
        }
        Said::held(value)
    }
}
