//! The target's health page before, during and after the load, as `run.json` holds it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::failures::{self, Failure, seconds};

/// Answers during the load that are kept; past them every two become the worse one.
const MOST: usize = 600;

/// What the health page answered.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// The page as the scenario names it, without query.
    pub url: String,
    /// The status of a healthy answer.
    pub expected: u16,
    /// Before the load; there is none unless this one is well.
    pub before: Answer,
    /// How often it was asked during the load.
    pub asked: u64,
    /// How often it was well then.
    pub well: u64,
    /// The longest it took during the load, in microseconds, failures included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowest_us: Option<u64>,
    /// How it failed during the load.
    pub failures: Vec<Failure>,
    /// Its answers during the load, in order.
    pub during: Vec<Answer>,
    /// How many answers each of those stands for: 1, or more in a long run; the worst is kept.
    pub each: u64,
    /// After the load: the first good answer, or the last bad one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Answer>,
    /// How often it was asked after the load; never when a person stopped the run.
    pub asked_after: u64,
}

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// When it was asked for, in seconds from the start of the load; 0 is before it.
    pub at_s: f64,
    /// Whether it was that of a healthy target.
    pub well: bool,
    /// Its status, if there was an answer at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in microseconds.
    pub us: u64,
}

impl Health {
    /// A page of which nothing but the answer before the load is known.
    pub fn begun(url: String, expected: u16, before: Answer) -> Self {
        Self { url, expected, before, each: 1, ..Self::default() }
    }

    /// Adds an answer during the load; `why` says what was wrong with a bad one.
    pub fn add(&mut self, answer: Answer, why: Option<&str>) {
        let at = Duration::try_from_secs_f64(answer.at_s).unwrap_or_default();
        self.asked += 1;
        self.well += u64::from(answer.well);
        self.slowest_us = self.slowest_us.max(Some(answer.us));
        if let Some(why) = why {
            failures::add(&mut self.failures, at, why);
        }
        match self.during.last_mut() {
            Some(last) if !(self.asked - 1).is_multiple_of(self.each) => {
                *last = worse(*last, answer);
            }
            _ => self.during.push(answer),
        }
        if self.during.len() > MOST {
            let halves = std::mem::take(&mut self.during);
            let pairs = halves.chunks(2);
            self.during = pairs.map(|pair| pair.iter().copied().fold(pair[0], worse)).collect();
            self.each *= 2;
        }
    }

    /// When it failed first during the load, in seconds.
    pub fn first_failure_s(&self) -> Option<f64> {
        self.failures.iter().map(|failure| failure.first_s).min_by(f64::total_cmp)
    }
}

impl Answer {
    /// An answer asked for at this instant, after this long.
    pub fn of(at: Duration, took: Duration, status: Option<u16>, expected: u16) -> Self {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        Self { at_s: seconds(at), well: status == Some(expected), status, us }
    }
}

/// A bad answer outweighs a good one, a slow one a quick one.
fn worse(one: Answer, other: Answer) -> Answer {
    if (!other.well, other.us) > (!one.well, one.us) { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(number: u64, well: bool) -> Answer {
        let at = Duration::from_secs(5 * number);
        let status = if well { 200 } else { 503 };
        Answer::of(at, Duration::from_millis(1 + number % 7), Some(status), 200)
    }

    #[test]
    fn the_worst_of_a_long_run_is_kept() {
        let mut health = Health::begun("/health".to_owned(), 200, answer(0, true));
        for number in 0..2_000 {
            let well = number != 777;
            health.add(answer(number, well), (!well).then_some("it answers 503"));
        }
        assert_eq!((health.asked, health.well, health.each), (2_000, 1_999, 4));
        assert_eq!((health.during.len(), health.slowest_us), (500, Some(7_000)));
        let bad: Vec<_> = health.during.iter().filter(|answer| !answer.well).collect();
        assert_eq!((bad.len(), bad[0].at_s), (1, 3_885.0));
        assert_eq!(health.first_failure_s(), Some(3_885.0));
    }
}
