//! What was found out of a target's rate limit: a paragraph, and who else was tried.

use crate::model::figure;
use crate::model::report::Report;
use crate::model::report::rate_limits::RateLimits;

/// The paragraph; not yet escaped.
pub fn paragraph(report: &Report) -> Option<String> {
    let limits = report.rate_limits.as_ref().filter(|limits| !limits.description.is_empty())?;
    Some(match limits.probes {
        0 => limits.description.clone(),
        probes => format!(
            "{} It took {} requests to find out.",
            limits.description,
            figure::count(probes)
        ),
    })
}

/// Each that was tried while one was refused: served, refused, partly served, and void.
pub fn rows(limits: &RateLimits) -> Vec<[String; 5]> {
    let row = |(name, tried): (&String, &crate::model::report::rate_limits::Tried)| {
        let count = |number: u32| figure::count(number.into());
        let [apart, together] = [tried.apart, tried.together].map(count);
        let [mixed, void] = [tried.mixed, tried.void].map(count);
        [name.clone(), apart, together, mixed, void]
    };
    limits.others.iter().map(row).collect()
}
