//! What the plan expected, as `run.json` holds it beside what happened.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::outlook::Outlook;
use crate::model::pace::{Arrivals, Pace};

/// Arrivals that are counted one by one, as the seed has them; of a plan of more only the curve is
/// asked.
const MOST_ARRIVALS: u64 = 10_000_000;

/// The plan, modelled as `squall check` prints it: every call answered after 0.8 s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// Who decides when a run starts.
    pub model: Model,
    /// How the target is taken to be spoken to: `legacy`, `modern` or `http+sse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<String>,
    /// Seconds until the last arrival, or the end of the last stage.
    pub load_s: f64,
    /// Seconds that runs may take to finish after it.
    pub drain_s: f64,
    /// Runs.
    pub runs: Expected,
    /// Runs that are still under way at the end of the drain, and cut.
    pub runs_cut: Expected,
    /// Arrivals that find the ceiling of users reached.
    pub dropped: Expected,
    /// Tool calls that begin by then.
    pub calls: Expected,
    /// HTTP requests.
    pub exchanges: Expected,
    /// HTTP requests for each call.
    pub exchanges_per_call: f64,
    /// Most users at once.
    pub users: Expected,
    /// HTTP requests in the busiest second.
    pub peak_rate: f64,
    /// How wide the steps of `over_time` are, in seconds: as wide as the timeline's.
    pub width_s: u64,
    /// Arrivals in each step of time, or the users in its middle in a closed model.
    pub over_time: Vec<f64>,
}

/// Who decides when a run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// Runs arrive whether or not the target keeps up.
    Open,
    /// Each user starts again when it is done.
    Closed,
}

/// A figure the plan expects.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// What is expected.
    pub expected: f64,
    /// The least that chance alone explains, where the plan knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// The most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
}

impl Expected {
    /// A figure without a range.
    pub const fn about(expected: f64) -> Self {
        Self { expected, from: None, to: None }
    }

    /// Whether what happened is within the range; `None` without one.
    pub fn holds(&self, happened: f64) -> Option<bool> {
        Some((self.from?..=self.to?).contains(&happened))
    }

    const fn between(expected: f64, range: Option<(f64, f64)>) -> Self {
        match range {
            Some((from, to)) => Self { expected, from: Some(from), to: Some(to) },
            None => Self::about(expected),
        }
    }
}

impl Planned {
    /// The outlook of a load with this pace and seed, in steps as wide as the timeline's.
    pub fn of(outlook: &Outlook, pace: &Pace, seed: u64, width: Duration) -> Self {
        let width = width.max(Duration::from_secs(1));
        let (model, over_time) = match pace {
            Pace::Open(arrivals) => (Model::Open, over_time(arrivals, seed, width, MOST_ARRIVALS)),
            Pace::Closed(users) => {
                let steps = steps(users.length(), width);
                let middle = |step: u32| width * step + width / 2;
                let users = (0..steps).map(|step| f64::from(users.users_at(middle(step))));
                (Model::Closed, users.collect())
            }
        };
        let (calls_range, per_call) = (outlook.calls_range, outlook.exchanges_per_call);
        Self {
            model,
            way: Some(outlook.way.word().to_owned()),
            load_s: outlook.load.as_secs_f64(),
            drain_s: outlook.drain.as_secs_f64(),
            runs: match model {
                Model::Open => Expected::between(
                    outlook.runs as f64,
                    Some((outlook.runs as f64, outlook.runs as f64)),
                ),
                Model::Closed => Expected::about(outlook.runs as f64),
            },
            runs_cut: Expected::about(outlook.cut),
            dropped: Expected::about(outlook.dropped),
            calls: Expected::between(outlook.calls, calls_range),
            exchanges: Expected::between(
                outlook.exchanges,
                calls_range.map(|(from, to)| (from * per_call, to * per_call)),
            ),
            exchanges_per_call: per_call,
            users: match outlook.peak_users {
                Some(users) => Expected::between(f64::from(users), Some((0.0, f64::from(users)))),
                None => Expected::about(outlook.at_once),
            },
            peak_rate: outlook.peak_rate,
            width_s: width.as_secs(),
            over_time,
        }
    }
}

fn steps(length: Duration, width: Duration) -> u32 {
    length.as_nanos().div_ceil(width.as_nanos()) as u32
}

/// Arrivals in each step: counted if they are at most so many, else by the curve. Their sum is the
/// number of arrivals either way.
fn over_time(arrivals: &Arrivals, seed: u64, width: Duration, most: u64) -> Vec<f64> {
    let (length, whole) = (arrivals.length(), arrivals.expected());
    if whole <= most {
        return counted(arrivals.due(seed), length, width);
    }
    let (steps, whole) = (steps(length, width), whole as f64);
    let mut before = 0.0;
    let in_step = |step| {
        let by_curve = || arrivals.before(width * step).round().min(whole);
        let end = if step == steps { whole } else { by_curve() };
        end - std::mem::replace(&mut before, end)
    };
    (1..=steps).map(in_step).collect()
}

fn counted(due: impl Iterator<Item = Duration>, length: Duration, width: Duration) -> Vec<f64> {
    let mut over_time = vec![0.0; steps(length, width) as usize];
    for due in due {
        let step = (due.as_nanos() / width.as_nanos()) as usize;
        if step >= over_time.len() {
            over_time.resize(step + 1, 0.0);
        }
        over_time[step] += 1.0;
    }
    over_time
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pace::{Herd, RateStage, Spacing};

    #[test]
    fn arrivals_are_counted_in_their_steps() {
        let due = [0, 900, 1_000, 3_999, 4_000].map(Duration::from_millis);
        let over_time = counted(due.into_iter(), Duration::from_secs(4), Duration::from_secs(2));
        assert_eq!(over_time, [3.0, 1.0, 1.0]);
        assert_eq!(steps(Duration::from_millis(4_001), Duration::from_secs(2)), 3);
    }

    #[test]
    fn a_plan_of_too_many_arrivals_to_count_is_counted_whole() {
        let s = Duration::from_secs;
        let stage = |over, to| RateStage { over: s(over), to };
        let herds = vec![Herd { at: s(9), arrivals: 500, within: Duration::ZERO }];
        let stages = vec![stage(5, 100.0), stage(10, 7.7)];
        let few = Arrivals { from: 3.3, stages, herds, ..Arrivals::default() };
        let (counted, curve) = (
            super::over_time(&few, 1, s(2), u64::MAX),
            super::over_time(&few, 1, s(2), few.expected() - 1),
        );
        assert_eq!(counted.len(), curve.len());
        for (one, other) in counted.iter().zip(&curve) {
            assert!((one - other).abs() <= 1.0, "{counted:?}\n{curve:?}");
        }
        for spacing in [Spacing::Even, Spacing::Poisson] {
            let stages = vec![stage(70, 1e6), stage(1, 0.5)];
            let many = Arrivals { from: 0.1, stages, spacing, ..Arrivals::default() };
            assert!(many.expected() > MOST_ARRIVALS);
            let over_time = super::over_time(&many, 1, s(3), MOST_ARRIVALS);
            assert_eq!(over_time.iter().sum::<f64>() as u64, many.expected());
            assert!(over_time.iter().all(|count| *count >= 0.0));
        }
    }

    #[test]
    fn only_a_range_can_hold() {
        let figure = Expected { expected: 5.0, from: Some(4.0), to: Some(6.0) };
        assert_eq!(
            [4.0, 6.0, 6.1].map(|it| figure.holds(it)),
            [Some(true), Some(true), Some(false)]
        );
        assert_eq!(Expected::about(5.0).holds(5.0), None);
    }
}
