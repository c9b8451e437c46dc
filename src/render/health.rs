//! What the target's health page and its metrics page answered, in sentences.

use super::chart::lines::clock;
use super::visible;
use crate::model::figure;
use crate::model::report::failures::Failure;
use crate::model::report::health::{Answer, Health};
use crate::model::report::metrics::TargetMetrics;

/// Before, during, after: a sentence each.
pub fn sentences(health: &Health) -> Vec<String> {
    let mut said = vec![format!(
        "Before the load it {} after {}.",
        answered(&health.before, health.expected),
        figure::micros(health.before.us)
    )];
    let slowest = health
        .slowest_us
        .map_or(String::new(), |us| format!(", the slowest after {}", figure::micros(us)));
    said.push(match (health.asked, health.first_failure_s()) {
        (0, _) => "The load was over before it was asked again.".to_owned(),
        (asked, None) => {
            format!(
                "During the load it was asked {} and always well{slowest}.",
                figure::times(asked)
            )
        }
        (asked, Some(first)) => format!(
            "During the load it was not well {} of {}, first at {}{slowest}.",
            figure::times(asked - health.well.min(asked)),
            figure::count(asked),
            clock(first)
        ),
    });
    said.push(match (health.asked_after, &health.after) {
        (_, None) => "After the load it was not asked: the run was stopped.".to_owned(),
        (1, Some(after)) if after.well => "After the load it was well at once.".to_owned(),
        (number, Some(after)) if after.well => {
            format!("After the load it was well again when asked {}.", figure::times(number))
        }
        (number, Some(after)) => format!(
            "After the load it was not well: asked {}, it last {}.",
            figure::times(number),
            answered(after, health.expected)
        ),
    });
    said
}

fn answered(answer: &Answer, expected: u16) -> String {
    match answer.status {
        Some(status) if answer.well => format!("answered {status}"),
        Some(status) => format!("answered {status}, not {expected}"),
        None => "gave no answer".to_owned(),
    }
}

/// What the metrics page came to: how often it was asked, and whatever is missing.
pub fn metrics(metrics: &TargetMetrics) -> Vec<String> {
    let url = visible::line(&metrics.url);
    let (asked, answered) = (figure::times(metrics.asked), figure::times(metrics.answered));
    let slowest = metrics
        .slowest_us
        .map_or(String::new(), |us| format!(", the slowest after {}", figure::micros(us)));
    let mut said = vec![match metrics.answered {
        0 => format!("{url} was asked {asked} and never answered with metrics."),
        all if all == metrics.asked => {
            format!("{url} was asked {asked} and always answered{slowest}.")
        }
        _ => format!("{url} was asked {asked} and answered {answered}{slowest}."),
    }];
    said.extend(failures(&metrics.failures));
    let fell = metrics.series.iter().filter(|series| series.restarts > 0).count() as u64;
    for (count, words) in [
        (metrics.left_out, "Series of one page that found no room and were left out: {}."),
        (fell, "Series that only grow and fell back, as they do when a target restarts: {}."),
    ] {
        if count > 0 {
            said.push(words.replace("{}", &figure::count(count)));
        }
    }
    let drawn = |name: &&String| {
        metrics.charts.iter().any(|chart| {
            let family = chart.name.strip_suffix("_count").unwrap_or(&chart.name);
            chart.name == **name || family == *name
        })
    };
    let gone: Vec<_> =
        metrics.asked_for.iter().filter(|name| !drawn(name)).map(String::as_str).collect();
    if !gone.is_empty() && metrics.answered > 0 {
        said.push(format!("Asked for and never seen: {}.", visible::line(&gone.join(", "))));
    }
    said
}

/// How a page failed, a sentence each.
pub fn failures(failures: &[Failure]) -> Vec<String> {
    let sentence = |failure: &Failure| {
        let (first, last) = (clock(failure.first_s), clock(failure.last_s));
        let when = if failure.count == 1 {
            format!("at {first}")
        } else {
            format!("from {first} to {last}")
        };
        let why = visible::line(&failure.why);
        format!("Not readable {}, {when}: {why}.", figure::times(failure.count))
    };
    failures.iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn before_during_and_after_are_said() {
        let mut health = sample::watched().health.unwrap();
        assert_eq!(
            sentences(&health),
            [
                "Before the load it answered 200 after 1ms.",
                "During the load it was not well once of 4, first at 10s, the slowest after 21ms.",
                "After the load it was well again when asked 2 times.",
            ]
        );
        let ill = Answer { status: None, well: false, ..health.before };
        health.after = Some(ill);
        health.asked_after = 3;
        let said = sentences(&health);
        assert_eq!(
            said[2],
            "After the load it was not well: asked 3 times, it last gave no answer."
        );
        health.after = None;
        assert_eq!(sentences(&health)[2], "After the load it was not asked: the run was stopped.");
    }

    #[test]
    fn whatever_is_missing_of_the_metrics_is_said() {
        let mut told = sample::watched().target_metrics.unwrap();
        told.asked_for = vec!["took_seconds".to_owned(), "gone".to_owned()];
        told.left_out = 7;
        told.series[0].restarts = 1;
        assert_eq!(
            metrics(&told),
            [
                "/metrics was asked 60 times and answered 55 times, the slowest after 4.2ms.",
                "Not readable 5 times, from 30s to 34s: it answers 500, not 200.",
                "Series of one page that found no room and were left out: 7.",
                "Series that only grow and fell back, as they do when a target restarts: 1.",
                "Asked for and never seen: gone.",
            ]
        );
    }
}
