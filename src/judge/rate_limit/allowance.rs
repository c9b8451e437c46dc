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
use crate::judge::said::Said;
use crate::model::figure;
use crate::model::limit_probe::{Part, Probe};
use crate::model::plan::limits::Allowance;

/// A limit is what is declared if it is by so much of it.
pub(super) const CLOSE: f64 = 0.05;
/// A row of so much of a burst is a window's, not a bucket's.
pub(super) const ROW: f64 = 0.5;
/// A return is whole windows after another if it is off by at most so much of one.
const OFF: f64 = 0.05;
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

/// What those that were sent evenly, one after another, came to. Bursts served at most `size`, and
/// `window` is declared.
pub(super) fn pressed(probes: &[Probe], size: Option<usize>, window: Option<Duration>) -> Pressed {
    let press: Vec<_> = probes.iter().filter(|probe| is_pressed(probe)).collect();
    let rows: Vec<_> = (1..press.len())
        .filter(|at| press[*at].is_served() && !press[at - 1].is_served())
        .map(|at| (at, press[at..].iter().take_while(|probe| probe.is_served()).count()))
        .collect();
    let whole = rows.iter().filter(|(at, row)| at + row < press.len());
    let longest_row = whole.map(|(_, row)| *row).max().unwrap_or(0);
    let is_window = size.is_some_and(|size| longest_row as f64 >= ROW * size as f64);
    let returns: Vec<_> = rows.iter().map(|(at, _)| *at).collect();
    let large: Vec<_> =
        rows.iter().filter(|(_, row)| *row * 2 >= longest_row).map(|(at, _)| *at).collect();
    // Of a window it is whole rows that matter; what trickles in between is counted with them.
    let (first, last, rounds) = match window.filter(|_| is_window) {
        Some(window) => whole_windows(&press, &large, &returns, window).unwrap_or_default(),
        None if is_window => (first(&large), last(&large), large.len()),
        None => (first(&returns), last(&returns), 2),
    };
    let rate = (first < last).then(|| between(&press, (first, last), rounds)).flatten();
    let served = press.iter().filter(|probe| probe.is_served()).count();
    Pressed { rate, asked: press.len(), served, longest_row }
}

fn first(returns: &[usize]) -> usize {
    returns.first().copied().unwrap_or(0)
}

fn last(returns: &[usize]) -> usize {
    returns.last().copied().unwrap_or(0)
}

/// The first large return, the one that is most exactly whole windows after it - a row may have been
/// torn by a late call - and how many windows begin there.
fn whole_windows(
    press: &[&Probe],
    large: &[usize],
    returns: &[usize],
    window: Duration,
) -> Option<(usize, usize, usize)> {
    let first = *large.first()?;
    let windows = |at: usize| span(press[first].sent, press[at].sent) / window.as_secs_f64();
    let off = |at: usize| (windows(at) - windows(at).round()).abs() / windows(at).round();
    let fits = returns.iter().filter(|at| windows(**at).round() >= 1.0 && off(**at) <= OFF);
    let last = *fits.min_by(|a, b| off(**a).total_cmp(&off(**b)))?;
    Some((first, last, windows(last).round() as usize + 1))
}

/// The rate from one return to another; of so many rounds, those between may each have begun as late
/// as the next call was asked.
fn between(press: &[&Probe], (first, last): (usize, usize), rounds: usize) -> Option<Interval> {
    let count = press[first..last].iter().filter(|probe| probe.is_served()).count() as f64;
    let whole = span(press.first()?.sent, press.last()?.sent);
    let late = whole / press.len().max(2) as f64 * rounds.saturating_sub(2) as f64;
    let shortest = span(press[first].done, press[last - 1].sent) - late;
    let longest = span(press[first - 1].sent, press[last].done);
    let near = span(press[first].sent, press[last].sent);
    let rate = |over: f64| count / over;
    (shortest > 0.0).then(|| Interval {
        low: rate(longest),
        high: rate(shortest),
        near: rate(near),
    })
}

fn span(from: Duration, to: Duration) -> f64 {
    to.saturating_sub(from).as_secs_f64()
}

fn is_pressed(probe: &Probe) -> bool {
    probe.shot.part == Part::Press && probe.shot.round == 0
}

impl Pressed {
    /// Requests a second that are served at least: what was, but for what a rest had left.
    fn at_least(&self, probes: &[Probe], at_once: Option<(usize, usize)>) -> f64 {
        let press = || probes.iter().filter(|probe| is_pressed(probe));
        let begin = press().map(|probe| probe.sent).min().unwrap_or_default();
        let end = press().map(|probe| probe.done).max().unwrap_or_default();
        let left = at_once.map_or(self.served, |(_, most)| most);
        let whole = span(begin, end);
        if whole > 0.0 { self.served.saturating_sub(left) as f64 / whole } else { 0.0 }
    }
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
pub(super) fn said(
    probes: &[Probe],
    pressed: &Pressed,
    allow: Allowance,
    at_once: Option<(usize, usize)>,
) -> Said {
    let calm = calm(probes);
    let declared = allow.rate();
    let found = match pressed.rate {
        _ if pressed.asked == 0 => match at_once {
            Some(_) => Said::too_little("no more was asked for than is allowed"),
            None => Said::too_little("no call was refused"),
        },
        None if pressed.served == 0 => counts_refused(allow, at_once),
        None if pressed.at_least(probes, at_once) > declared * (1.0 + CLOSE) => {
            let value = format!("{} of {} at a higher pace served", pressed.served, pressed.asked);
            Said::broken(&EXCEEDED, pressed.served as u64, value)
        }
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
        (_, 0) => Said::held(format!("none of {asked} calls below it, made first, was refused")),
        _ => Said::broken(
            &BELOW,
            count,
            format!("{refused} of {asked} calls below it, made first, were refused"),
        ),
    })
}
