//! That the percentiles of a saved run ascend, those without a histogram and those of each step.

use super::Held;
use crate::model::histogram::Percentiles;
use crate::model::report::Report;
use crate::model::report::figures::Figures;

/// Holds every percentile against the next one.
pub(super) fn check(report: &Report) -> Held {
    for (name, us) in percentiles(&report.summary) {
        ascending(&format!("summary.{name}"), us)?;
    }
    ascending("generator.loop_delay_us", report.generator.loop_delay_us)?;
    for (number, point) in report.timeline.iter().enumerate() {
        for (operation, moment) in &point.operations {
            for (time, brief) in
                [("response_us", moment.response_us), ("service_us", moment.service_us)]
            {
                let figures = brief.map(|brief| [brief.p50, brief.p95, brief.p99, brief.max]);
                if figures.is_some_and(|figures| !figures.is_sorted()) {
                    return Err(format!(
                        "timeline[{number}]: {time} of {operation} does not ascend"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Those that no histogram is kept of.
fn percentiles(summary: &Figures) -> impl Iterator<Item = (String, Option<Percentiles>)> {
    let (run, opened) = (&summary.run, &summary.connections);
    let fixed = [
        ("run.calls", run.calls),
        ("run.exchanges", run.exchanges),
        ("connections.dns_us", opened.dns_us),
        ("connections.tcp_us", opened.tcp_us),
        ("connections.tls_us", opened.tls_us),
    ];
    let well = summary.operations.iter().map(|(operation, figures)| {
        (format!("operations: response_ok_us of {operation}"), figures.response_ok_us)
    });
    let waits = summary.throttles.iter().map(|(shape, seen)| {
        (format!("throttles: retry_after_us of {shape:?}"), seen.retry_after_us)
    });
    fixed.into_iter().map(|(name, us)| (name.to_owned(), us)).chain(well).chain(waits)
}

fn ascending(name: &str, us: Option<Percentiles>) -> Held {
    match us {
        Some(us) if !us.ascend() => Err(format!("{name} does not ascend")),
        _ => Ok(()),
    }
}
