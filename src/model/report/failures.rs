//! What a page beside the load failed at: why, how often, from when to when.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Kinds that are told apart; later ones are one.
const MOST_KINDS: usize = 10;
/// Characters of a reason.
const LONGEST: usize = 200;
const OTHERS: &str = "other failures";

/// One way in which a page failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What was found instead of an answer.
    pub why: String,
    /// How often.
    pub count: u64,
    /// When first, in seconds from the start of the load.
    pub first_s: f64,
    /// When last.
    pub last_s: f64,
}

/// Adds a failure at this instant to the ones before it.
pub fn add(failures: &mut Vec<Failure>, at: Duration, why: &str) {
    let why: String = why.chars().take(LONGEST).collect();
    let known = failures.iter().any(|failure| failure.why == why);
    let why = if known || failures.len() < MOST_KINDS { why } else { OTHERS.to_owned() };
    let at = seconds(at);
    if let Some(failure) = failures.iter_mut().find(|failure| failure.why == why) {
        failure.count += 1;
        failure.last_s = at;
    } else {
        failures.push(Failure { why, count: 1, first_s: at, last_s: at });
    }
}

/// An instant in seconds, to the millisecond.
pub fn seconds(at: Duration) -> f64 {
    at.as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_and_bounded() {
        let mut failures = Vec::new();
        for number in 0..30 {
            add(&mut failures, Duration::from_secs(number), &format!("it answers {}", number % 15));
        }
        add(&mut failures, Duration::from_secs(40), &"x".repeat(9_000));
        assert_eq!(failures.len(), MOST_KINDS + 1);
        assert_eq!((failures[0].count, failures[0].first_s, failures[0].last_s), (2, 0.0, 15.0));
        let last = &failures[MOST_KINDS];
        assert_eq!((last.why.as_str(), last.count, last.last_s), (OTHERS, 11, 40.0));
        assert_eq!(failures.iter().map(|failure| failure.count).sum::<u64>(), 31);
    }
}
