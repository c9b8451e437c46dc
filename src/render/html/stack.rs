//! Where the time of each operation went: response as lag + held + preparation + service.
//!
//! Only means add up, so the reading is of means. What is left over is of calls that were never
//! sent: they were waited for, and no part of them was service.

use serde::Serialize;

use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::report::figures::{Figures, OperationFigures};
use crate::render::percentile::{MEAN, Times};

/// One operation's bar.
#[derive(Serialize)]
pub(super) struct Bar {
    name: &'static str,
    count: String,
    total: String,
    parts: Vec<Part>,
}

/// One part of a bar.
#[derive(Serialize)]
pub(super) struct Part {
    /// Its name, also its class in the style sheet.
    name: &'static str,
    /// Its share of the bar in percent, with a point as CSS has it.
    width: String,
    value: String,
}

/// The bars, tool calls first.
pub(super) fn bars(summary: &Figures) -> Vec<Bar> {
    let mut names: Vec<_> = Operation::ALL.into_iter().map(Operation::name).collect();
    names.sort_by_key(|name| *name != Operation::ToolsCall.name());
    let operation = |name: &'static str| Some((name, summary.operations.get(name)?));
    names
        .into_iter()
        .filter_map(operation)
        .filter_map(|(name, figures)| bar(name, figures))
        .collect()
}

fn bar(name: &'static str, figures: &OperationFigures) -> Option<Bar> {
    let response = figures.response_us?;
    let measured = [
        ("lag", figures.lag_us),
        ("held", figures.held_us),
        ("preparation", figures.preparation_us),
        ("service", figures.service_us),
    ];
    let mut parts: Vec<(&'static str, u64)> =
        measured.into_iter().filter_map(|(name, times)| Some((name, times?.mean))).collect();
    let known: u64 = parts.iter().map(|(_, us)| us).sum();
    // Means are rounded and read from histograms of three digits: less is no remainder.
    let rest = response.mean.saturating_sub(known);
    if rest > response.mean / 50 {
        parts.push(("unsent", rest));
    }
    let whole = parts.iter().map(|(_, us)| us).sum::<u64>().max(1);
    let part = |(name, us): (&'static str, u64)| Part {
        name,
        width: format!("{:.2}", us as f64 / whole as f64 * 100.0),
        value: figure::micros(us),
    };
    Some(Bar {
        name,
        count: figure::count(figures.count),
        total: Times::new(Some(response), figures.response_at_least.as_ref()).cell(MEAN),
        parts: parts.into_iter().map(part).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::histogram::Percentiles;
    use crate::model::report::sample;

    #[test]
    fn the_parts_fill_each_bar() {
        let report = sample::storm();
        let bars = bars(&report.summary);
        assert_eq!(bars.len(), report.summary.operations.len());
        assert_eq!(bars[0].name, "tools/call");
        for bar in bars {
            let filled: f64 = bar.parts.iter().map(|part| part.width.parse::<f64>().unwrap()).sum();
            assert!((filled - 100.0).abs() < 0.1, "{}: {filled}", bar.name);
        }
    }

    #[test]
    fn what_no_part_explains_is_shown() {
        let us = |mean| Some(Percentiles { mean, ..Percentiles::default() });
        let figures = OperationFigures {
            response_us: us(100),
            held_us: us(30),
            ..OperationFigures::default()
        };
        let bar = bar("tools/call", &figures).unwrap();
        let last = bar.parts.last().unwrap();
        assert_eq!(
            (last.name, last.value.as_str(), last.width.as_str()),
            ("unsent", "70us", "70.00")
        );
    }
}
