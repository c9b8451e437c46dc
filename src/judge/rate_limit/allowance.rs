//! How much is allowed in the long run: what was served from one return of service to another.
//!
//! ```text
//! asked   x x x x x x x x x x x x x x x x x x x x
//! served  x . . . . . x x x x . . . . . x x x x .
//!                   ^first            ^last           rate = served in between / time in between
//! ```
//! Where service returns, what is left is the same each time, but for what came back since the
//! refusal just before. So the time between two returns is known to that gap, and the rate is
//! somewhere between the served over the longest and over the shortest such time: an interval that
//! holds for certain, of a bucket as well as of windows, because it assumes nothing of chance.

use std::time::Duration;

use super::rules::{BELOW, EXCEEDED};
use super::said::Said;
use crate::model::figure;
use crate::model::plan::limits::Allowance;
use crate::model::probe::{Part, Probe};

/// A limit is what is declared if it is by so much of it.
pub(super) const CLOSE: f64 = 0.05;
/// An interval wider than this says nothing.
const WIDE: f64 = 0.25;

/// A figure that lies between two others for certain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) near: f64,
}

/// What asking for more than is allowed showed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pressed {
    /// Requests a second; `None`: service did not return twice.
    pub(super) rate: Option<Interval>,
    pub(super) asked: usize,
    pub(super) served: usize,
    /// The most that were served in a row after a refusal, the last row left out.
    pub(super) longest_row: usize,
}

/// What those that were sent evenly, one after another, came to.
pub(super) fn pressed(probes: &[Probe]) -> Pressed {
    let press: Vec<_> = probes.iter().filter(|p| is_pressed(p)).collect();
    let returns: Vec<_> = (1..press.len())
        .filter(|at| press[*at].is_served() && !press[at - 1].is_served())
        .collect();
    let served = |of: &[&Probe]| of.iter().filter(|probe| probe.is_served()).count();
    let rows = returns.iter().filter_map(|at| {
        let row = press[*at..].iter().take_while(|probe| probe.is_served()).count();
        (at + row < press.len()).then_some(row)
    });
    let longest_row = rows.max().unwrap_or(0);
    let rate = match (returns.first(), returns.last()) {
        (Some(first), Some(last)) if first < last => {
            let count = served(&press[*first..*last]) as f64;
            let span = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64();
            let shortest = span(press[*first].done, press[last - 1].sent);
            let longest = span(press[first - 1].sent, press[*last].done);
            let between = span(press[*first].sent, press[*last].sent);
            (shortest > 0.0).then(|| Interval {
                low: count / longest,
                high: count / shortest,
                near: count / between,
            })
        }
        _ => None,
    };
    Pressed { rate, asked: press.len(), served: served(&press), longest_row }
}

fn is_pressed(probe: &Probe) -> bool {
    probe.shot.part == Part::Press && probe.shot.round == 0
}

impl Interval {
    /// As so many in a declaration's time.
    pub(super) fn told(&self, allow: Allowance) -> String {
        let per = allow.window.as_secs_f64();
        let number = |rate: f64| figure::number(rate * per);
        let window = figure::duration(allow.window);
        let (near, low, high) = (number(self.near), number(self.low), number(self.high));
        format!("{near} in {window} (between {low} and {high})")
    }
}

/// Holds it to what is declared; `at_once` is what bursts found.
pub(super) fn said(probes: &[Probe], allow: Allowance, at_once: Option<(usize, usize)>) -> Said {
    let calm = calm(probes);
    let pressed = pressed(probes);
    let declared = allow.rate();
    let found = match pressed.rate {
        _ if pressed.asked == 0 => match at_once {
            Some(_) => Said::too_little("no more was asked for than is allowed"),
            None => Said::too_little("no call was refused"),
        },
        None if pressed.served == 0 => counts_refused(allow, at_once),
        None => Said::too_little(format!(
            "service returned fewer than two times in {} calls: a longer pressing is needed",
            pressed.asked
        )),
        Some(rate) => {
            let value = rate.told(allow);
            if rate.high < declared * (1.0 - CLOSE) {
                Said::broken(&BELOW, (pressed.asked - pressed.served) as u64, value)
            } else if rate.low > declared * (1.0 + CLOSE) {
                Said::broken(&EXCEEDED, pressed.served as u64, value)
            } else if (rate.high - rate.low) / rate.near > WIDE {
                Said::too_little(format!("{value}: a longer pressing is needed"))
            } else {
                Said::held(value)
            }
        }
    };
    calm.into_iter().fold(found, Said::and)
}

/// Who goes on asking is served nothing: what a rest allows is all there is to be seen.
fn counts_refused(allow: Allowance, at_once: Option<(usize, usize)>) -> Said {
    let Some((fewest, most)) = at_once else {
        return Said::too_little("no call was served while more was asked for");
    };
    let declared = f64::from(allow.count);
    let value = format!(
        "{} after a rest, and nothing while more was asked for: what is refused is counted, too",
        told(fewest, most)
    );
    if (most as f64) < declared * (1.0 - CLOSE) {
        Said::broken(&BELOW, 1, value)
    } else if fewest as f64 > declared * (1.0 + CLOSE) {
        Said::broken(&EXCEEDED, 1, value)
    } else {
        Said::held(value)
    }
}

/// A range of counts.
pub(super) fn told(fewest: usize, most: usize) -> String {
    if fewest == most { most.to_string() } else { format!("{fewest} to {most}") }
}

/// Whether those below the limit were served.
fn calm(probes: &[Probe]) -> Option<Said> {
    let calm: Vec<_> = probes.iter().filter(|probe| probe.shot.part == Part::Calm).collect();
    let refused = calm.iter().filter(|probe| probe.throttle().is_some()).count();
    let (count, asked) = (refused as u64, calm.len());
    Some(match (asked, refused) {
        (0, _) => return None,
        (_, 0) => Said::held(format!("0 of {asked} below it refused")),
        _ => Said::broken(&BELOW, count, format!("{refused} of {asked} below it refused")),
    })
}
