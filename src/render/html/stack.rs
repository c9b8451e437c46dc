//! Where the time of each operation went, as bars.

use serde::Serialize;

use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::report::Report;
use crate::model::report::figures::OperationFigures;
use crate::render::percentile::{MEAN, Times};
use crate::render::split::{self, Split};

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
pub(super) fn bars(report: &Report) -> Vec<Bar> {
    let mut names: Vec<_> = Operation::ALL.into_iter().map(Operation::name).collect();
    names.sort_by_key(|name| *name != Operation::ToolsCall.name());
    let bar = |name: &'static str| {
        let figures = report.summary.operations.get(name)?;
        Some(bar(name, figures, &split::of(report, name)?))
    };
    names.into_iter().filter_map(bar).collect()
}

fn bar(name: &'static str, figures: &OperationFigures, split: &Split) -> Bar {
    let whole = split.parts.iter().map(|(_, us)| us).sum::<u64>().max(1);
    let part = |(part, us): &(split::Part, u64)| Part {
        name: part.name(),
        width: format!("{:.2}", *us as f64 / whole as f64 * 100.0),
        value: figure::micros(*us),
    };
    Bar {
        name,
        count: figure::count(figures.count),
        total: Times::new(figures.response_us, figures.response_at_least.as_ref()).cell(MEAN),
        parts: split.parts.iter().map(part).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn the_parts_fill_each_bar() {
        let report = sample::storm();
        let bars = bars(&report);
        assert_eq!(bars.len(), report.summary.operations.len());
        assert_eq!(bars[0].name, "tools/call");
        for bar in bars {
            let filled: f64 = bar.parts.iter().map(|part| part.width.parse::<f64>().unwrap()).sum();
            assert!((filled - 100.0).abs() < 0.1, "{}: {filled}", bar.name);
        }
    }
}
