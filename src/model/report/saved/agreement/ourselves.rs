//! What a saved run says of squall itself: its users, and how the generator did.

use super::Held;
use crate::model::report::Report;
use crate::model::report::planned::Model;

/// Holds them against the rest.
pub(super) fn check(report: &Report) -> Held {
    users(report)?;
    let generator = &report.generator;
    for (name, figure) in
        [("cpu_share", generator.cpu_share), ("cpu_us_per_call", generator.cpu_us_per_call)]
    {
        if !figure.is_finite() || figure < 0.0 {
            return Err(format!("generator.{name} is {figure}"));
        }
    }
    let cpu = report.timeline.iter().filter_map(|point| point.cpu);
    if let Some(wrong) = cpu.into_iter().find(|cpu| !cpu.is_finite() || *cpu < 0.0) {
        return Err(format!("the cpu of a step of the timeline is {wrong}"));
    }
    if generator.trustworthy != generator.reasons.is_empty() {
        return Err("generator.trustworthy and generator.reasons disagree".to_owned());
    }
    Ok(())
}

/// Every user makes a run or panics, and one that arrives has no more than one run. Users are
/// numbered, those dropped on arrival among them, and counted by the largest number.
fn users(report: &Report) -> Held {
    let summary = &report.summary;
    let (users, panics) = (u64::from(summary.users), report.generator.panics);
    // A run that looks for a rate limit sends for users of its own, and a script brings some.
    let sent_for = report.rate_limits.as_ref().map_or(0, |limits| limits.probes);
    let brought = report.trials.as_ref().map_or(0, |trials| trials.count);
    let most = summary.runs.saturating_add(summary.dropped).saturating_add(panics);
    let most = most.saturating_add(sent_for).saturating_add(brought);
    if users > most {
        return Err(format!("summary.users is {users}, those who made a run or did not {most}"));
    }
    let present = report.timeline.iter().filter_map(|point| point.users).max().unwrap_or(0);
    let open = report.plan.as_ref().is_some_and(|plan| plan.model == Model::Open);
    let runs = if open { summary.runs } else { 0 };
    let least = runs.max(u64::from(present).saturating_sub(panics));
    if users < least {
        return Err(format!("summary.users is {users}, there were {least}"));
    }
    Ok(())
}
