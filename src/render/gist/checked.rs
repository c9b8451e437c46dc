//! What an active check found out.

use crate::model::figure;
use crate::model::report::Report;

/// Whether the run was made to check something: its refused calls are the answer, not the damage.
pub(super) fn is_check(report: &Report) -> bool {
    report.scenario.behaviour.starts_with("check-")
}

/// What came of it.
pub(super) fn sentence(report: &Report) -> Option<String> {
    let broken = report.expectations.iter().find(|judged| judged.is_broken());
    let checked = broken.or_else(|| report.expectations.iter().rfind(|it| !it.unchecked));
    if let Some(judged) = checked {
        return Some(format!("{} {}: {}.", judged.text, judged.said(), judged.value));
    }
    if let Some(limits) = &report.rate_limits {
        return limits
            .description
            .split_inclusive(". ")
            .next()
            .map(|first| first.trim_end().to_owned());
    }
    let registered = *report.summary.grants.get("registered")?;
    Some(format!("{} clients were registered.", figure::count(registered)))
}
