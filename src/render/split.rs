//! Where the time of an operation went: parts of the mean response that add up to it.
//!
//! Only means add up, and only over the same calls. A call that failed to connect was waited for,
//! and no part of that was service; so each part's mean is weighed by the share of the calls that
//! had it, and what no part explains is the wait of those that never left.

use crate::model::histogram::Histogram;
use crate::model::report::Report;
use crate::model::report::figures::OperationFigures;

/// The mean response and its parts, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The mean response.
    pub response: u64,
    /// Its parts, in the order they happen.
    pub parts: Vec<(Part, u64)>,
}

/// A part of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of model::event::Instants")]
pub enum Part {
    Lag,
    Held,
    Preparation,
    Service,
    /// Of calls of which no byte left: what of their wait was neither lag nor the client's cap.
    Unsent,
}

impl Part {
    /// Its name, also its class in the page's style sheet.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lag => "lag",
            Self::Held => "held",
            Self::Preparation => "preparation",
            Self::Service => "service",
            Self::Unsent => "unsent",
        }
    }
}

/// The split of one operation; `None` when nothing of it was measured.
pub fn of(report: &Report, operation: &str) -> Option<Split> {
    let figures = report.summary.operations.get(operation)?;
    let count = |time: &str| {
        let encoded = report.histograms.get(&format!("{operation}.{time}"));
        encoded.and_then(|text| Histogram::decode(text).ok()).map_or(0, |times| times.count())
    };
    split(figures, count)
}

/// The same with the number of calls that have each time.
fn split(figures: &OperationFigures, count: impl Fn(&str) -> u64) -> Option<Split> {
    let response = figures.response_us?.mean;
    let all = count("response").max(1) as f64;
    let measured = [
        (Part::Lag, figures.lag_us),
        (Part::Held, figures.held_us),
        (Part::Preparation, figures.preparation_us),
        (Part::Service, figures.service_us),
    ];
    let mut parts: Vec<(Part, u64)> = measured
        .into_iter()
        .filter_map(|(part, us)| {
            let share = count(part.name()) as f64 / all;
            Some((part, (us?.mean as f64 * share).round() as u64))
        })
        .collect();
    let known: u64 = parts.iter().map(|(_, us)| us).sum();
    let rest = response.saturating_sub(known);
    // Means are rounded and read from histograms of three digits: less is no remainder.
    if rest > response / 50 {
        parts.push((Part::Unsent, rest));
    }
    Some(Split { response, parts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::histogram::Percentiles;

    fn us(mean: u64) -> Percentiles {
        Percentiles { mean, ..Percentiles::default() }
    }

    #[test]
    fn parts_that_only_some_calls_had_weigh_as_much_less() {
        // Of ten calls two were sent and took 200 us; eight waited 50 us for a connection.
        let figures = OperationFigures {
            response_us: Some(us(80)),
            lag_us: Some(us(0)),
            preparation_us: Some(us(0)),
            service_us: Some(us(200)),
            ..OperationFigures::default()
        };
        let count = |time: &str| if matches!(time, "service" | "preparation") { 2 } else { 10 };
        let split = split(&figures, count).unwrap();
        assert_eq!(split.parts[2..], [(Part::Service, 40), (Part::Unsent, 40)]);
        let sum: u64 = split.parts.iter().map(|(_, us)| us).sum();
        assert_eq!(sum, split.response);
    }

    #[test]
    fn nothing_measured_is_no_split() {
        assert_eq!(split(&OperationFigures::default(), |_| 0), None);
    }
}
