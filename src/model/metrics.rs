//! The target's own metrics over a run: pages of samples, folded into series of bounded size.
//!
//! Time is cut into steps of one second; past 600 of them every two become one, as in the run's own
//! series. A step holds its last page whole, with the instant of that page, so a rate over two
//! steps divides by the time that really lay between them.

/// Which series are worth a chart.
pub mod choice;
/// How much one counter grew over windows of faults.
pub mod growth;

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Steps at most.
const STEPS: usize = 600;
/// Series at most; a target that invents labels as it goes cannot fill the memory.
pub const MOST_SERIES: usize = 2_000;
/// Bytes of a series' name and labels; longer ones are left out.
const LONGEST: usize = 500;
/// The largest value that is taken.
const LARGEST: f64 = 1e300;

/// One sample of a page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// The metric's name.
    pub name: &'a str,
    /// Its labels as the target wrote them, without the braces.
    pub labels: &'a str,
    /// What its value is.
    pub kind: Kind,
    /// Its value; may be infinite or no number.
    pub value: f64,
}

/// What the value of a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It only grows; a fall is a restart.
    Counter,
    /// It goes up and down.
    Gauge,
    /// The sum of a histogram or summary.
    Sum,
    /// How many values that sum is of.
    Count,
}

impl Kind {
    /// Whether the value only grows.
    pub const fn grows(self) -> bool {
        !matches!(self, Self::Gauge)
    }
}

/// Pages folded so far.
#[derive(Debug, Default)]
pub struct Collected {
    width_s: u64,
    steps: Vec<Step>,
    known: HashMap<String, usize>,
    series: Vec<History>,
    left_out: u64,
}

/// The last page that was asked for in a step of time.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    at: Option<Duration>,
    answered: bool,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The metric's name.
    pub name: String,
    /// Its labels as the target wrote them, without the braces.
    pub labels: String,
    /// What its value is.
    pub kind: Kind,
    /// Its first value; 0 for a counter that was not there at first.
    pub first: f64,
    /// Its last value.
    pub last: f64,
    /// Its lowest value.
    pub lowest: f64,
    /// Its highest value.
    pub highest: f64,
    /// How much it grew in all, falls taken as restarts from 0; of a gauge, last - first.
    pub rise: f64,
    /// How often a value that only grows fell.
    pub restarts: u32,
    /// Its value at each page, not a number where there was none.
    values: Vec<f64>,
}

impl History {
    /// Whether it ever had two values.
    pub fn moved(&self) -> bool {
        self.highest > self.lowest
    }

    fn take(&mut self, step: usize, value: f64) {
        let grown = value - self.last;
        let restarted = self.kind.grows() && grown < 0.0;
        self.rise += if restarted { value } else { grown };
        self.restarts += u32::from(restarted);
        self.last = value;
        self.lowest = self.lowest.min(value);
        self.highest = self.highest.max(value);
        self.put(step, value);
    }

    fn put(&mut self, step: usize, value: f64) {
        if self.values.len() <= step {
            self.values.resize(step + 1, f64::NAN);
        }
        self.values[step] = value;
    }
}

impl Collected {
    /// Folds a page in that was answered at this instant; series named in `first` have room before
    /// all others. Its reader left `more` samples out already. Instants do not go back.
    pub fn page(&mut self, at: Duration, samples: &[Sample<'_>], more: u64, first: &[String]) {
        let step = self.step(at);
        let wanted = |sample: &&Sample<'_>| choice::is_named(sample.name, first);
        let mut left_out = more;
        for sample in samples.iter().filter(wanted) {
            left_out += u64::from(!self.sample(step, sample));
        }
        for sample in samples.iter().filter(|sample| !wanted(sample)) {
            left_out += u64::from(!self.sample(step, sample));
        }
        self.left_out = self.left_out.max(left_out);
        self.steps[step].answered = true;
    }

    /// Notes that a page could not be had at this instant.
    pub fn missing(&mut self, at: Duration) {
        let step = self.step(at);
        self.steps[step].answered = false;
    }

    /// The instants at which a page was asked for, as far as steps hold them.
    pub fn instants(&self) -> Vec<Duration> {
        self.steps.iter().filter_map(|step| step.at).collect()
    }

    /// The series, in the order in which they were first seen.
    pub fn series(&self) -> &[History] {
        &self.series
    }

    /// A series' value at each of [`Collected::instants`], where there was one.
    pub fn values(&self, series: &History) -> Vec<Option<f64>> {
        let asked = self.steps.iter().enumerate().filter(|(_, step)| step.at.is_some());
        let value = |number: usize| series.values.get(number).copied();
        asked.map(|(number, _)| value(number).filter(|value| value.is_finite())).collect()
    }

    /// The most series of one page that found no room.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Takes one sample; `false` when it found no room.
    fn sample(&mut self, step: usize, sample: &Sample<'_>) -> bool {
        let Sample { name, labels, kind, value } = *sample;
        if name.len() + labels.len() > LONGEST {
            return false;
        }
        // Beyond all bounds it is no figure, and sums of such would be none either.
        if !value.is_finite() || value.abs() > LARGEST {
            return true;
        }
        let key = format!("{name}{{{labels}}}");
        if let Some(known) = self.known.get(&key) {
            self.series[*known].take(step, value);
            return true;
        }
        if self.series.len() == MOST_SERIES {
            return false;
        }
        // A counter that appears later stood at 0 until then.
        let before = self.steps[..step].iter().any(|earlier| earlier.answered);
        let first = if before && kind.grows() { 0.0 } else { value };
        let (name, labels) = (name.to_owned(), labels.to_owned());
        let mut history = History {
            name,
            labels,
            kind,
            first,
            last: first,
            lowest: first,
            highest: first,
            rise: 0.0,
            restarts: 0,
            values: Vec::new(),
        };
        if before && kind.grows() {
            let answered = |number: &usize| self.steps[*number].answered;
            (0..step).filter(answered).for_each(|number| history.put(number, 0.0));
        }
        history.take(step, value);
        self.known.insert(key, self.series.len());
        self.series.push(history);
        true
    }

    /// The step of an instant, emptied for its next page.
    fn step(&mut self, at: Duration) -> usize {
        self.width_s = self.width_s.max(1);
        while at.as_secs() / self.width_s >= STEPS as u64 {
            self.widen();
        }
        let step = (at.as_secs() / self.width_s) as usize;
        if step >= self.steps.len() {
            self.steps.resize(step + 1, Step::default());
        }
        self.steps[step] = Step { at: Some(at), answered: false };
        for history in &mut self.series {
            if let Some(value) = history.values.get_mut(step) {
                *value = f64::NAN;
            }
        }
        step
    }

    fn widen(&mut self) {
        self.width_s *= 2;
        let second = |pair: &[Step]| pair.len() == 2 && pair[1].at.is_some();
        let chosen: Vec<usize> = self
            .steps
            .chunks(2)
            .enumerate()
            .map(|(number, pair)| 2 * number + usize::from(second(pair)))
            .collect();
        for history in &mut self.series {
            let value = |old: &usize| history.values.get(*old).copied().unwrap_or(f64::NAN);
            history.values = chosen.iter().map(value).collect();
        }
        self.steps = chosen.iter().map(|old| self.steps[*old]).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str, kind: Kind, value: f64) -> Sample<'_> {
        Sample { name, labels: "", kind, value }
    }

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_counter_grows_from_nothing_and_restarts() {
        let mut collected = Collected::default();
        let pages: [&[f64]; 5] = [&[], &[3.0], &[7.0], &[2.0], &[2.0]];
        for (second, values) in (0..).zip(pages) {
            let samples: Vec<_> =
                values.iter().map(|value| sample("a_total", Kind::Counter, *value)).collect();
            collected.page(s(second), &samples, 0, &[]);
        }
        let history = &collected.series()[0];
        assert_eq!((history.first, history.last, history.rise), (0.0, 2.0, 9.0));
        assert_eq!((history.lowest, history.highest, history.restarts), (0.0, 7.0, 1));
        let values = [0.0, 3.0, 7.0, 2.0, 2.0].map(Some);
        assert_eq!(collected.values(history), values);
    }

    #[test]
    fn a_page_that_is_missing_is_a_hole() {
        let mut collected = Collected::default();
        collected.page(s(0), &[sample("a", Kind::Gauge, 1.0)], 0, &[]);
        collected.missing(s(1));
        collected.page(s(2), &[sample("a", Kind::Gauge, f64::NAN)], 0, &[]);
        collected.page(s(5), &[sample("a", Kind::Gauge, -4.0)], 0, &[]);
        let history = &collected.series()[0];
        assert_eq!(collected.values(history), [Some(1.0), None, None, Some(-4.0)]);
        assert_eq!(collected.instants(), [s(0), s(1), s(2), s(5)]);
        assert_eq!((history.rise, history.lowest), (-5.0, -4.0));
    }

    #[test]
    fn a_long_run_keeps_the_last_page_of_wider_steps() {
        let mut collected = Collected::default();
        for second in 0..1_300 {
            collected.page(s(second), &[sample("a", Kind::Gauge, second as f64)], 0, &[]);
        }
        let instants = collected.instants();
        assert_eq!((instants.len(), instants[0], instants[1]), (325, s(3), s(7)));
        let values = collected.values(&collected.series()[0]);
        assert!(instants.iter().zip(values).all(|(at, value)| value == Some(at.as_secs_f64())));
    }

    #[test]
    fn a_target_that_invents_series_fills_nothing() {
        let names: Vec<String> = (0..5_000).map(|number| format!("a{number}")).collect();
        let samples: Vec<_> = names.iter().map(|name| sample(name, Kind::Gauge, 1.0)).collect();
        let mut collected = Collected::default();
        collected.page(s(0), &samples, 0, &["a4999".to_owned()]);
        let long = "x".repeat(LONGEST + 1);
        collected.page(s(1), &[sample(&long, Kind::Gauge, 1.0)], 0, &[]);
        assert_eq!((collected.series().len(), collected.left_out()), (MOST_SERIES, 3_000));
        assert_eq!(collected.series()[0].name, "a4999", "what was asked for has room first");
    }
}
