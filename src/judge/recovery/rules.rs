//! What a target is held to after a fault.

use crate::judge::rule::Rule;
use crate::model::damage::{Damage, Stretch};
use crate::model::figure;
use crate::model::finding::{Finding, Provenance, Severity};

/// Worse by less than this is what a busy machine makes of nothing: so many times the p95 before, and
/// so much more, in microseconds.
const TIMES: u64 = 2;
const MORE: u64 = 100_000;
/// The same of errors, as a share of calls.
const ERRORS: f64 = 0.05;

const NOT_RECOVERED: Rule = Rule {
    id: "not-recovered",
    severity: Severity::Medium,
    title: "After a fault was over the target stayed worse than before for more than twice as long.",
    text: "Once its cause is gone a target gets well by itself, with the load that it carried before: at \
           most twice as long after the end of a fault as that lasted, errors and p95 are as before.",
    source: "observed: reconnect storms that go on for 20 minutes (LibreChat issue 12802); N. Bronson et \
             al., \"Metastable Failures in Distributed Systems\", HotOS 2021",
    provenance: Provenance::Observed,
    what_to_do: "Look for what a fault leaves behind: queues that are worked off in order, retries without \
                 backoff, sessions and connections that are never given up. Shed load, and forget work \
                 whose client has left.",
};

/// What did not hold after these windows.
pub fn findings(damages: &[Damage]) -> Vec<Finding> {
    let stuck: Vec<String> = damages.iter().filter_map(stuck).collect();
    let count = stuck.len() as u64;
    (count > 0)
        .then(|| NOT_RECOVERED.finding(count, stuck.into_iter().take(5)))
        .into_iter()
        .collect()
}

/// How much worse it still was, where that is worth saying.
fn stuck(damage: &Damage) -> Option<String> {
    let (before, still) = (damage.baseline.as_ref()?, damage.still.as_ref()?);
    let (was, is) = (before.p95_us?, still.p95_us?);
    let slow = is >= was.saturating_mul(TIMES) && is >= was.saturating_add(MORE);
    let share = |stretch: &Stretch| stretch.error_share().unwrap_or_default();
    let fails = share(still) >= share(before) + ERRORS;
    (slow || fails).then(|| {
        let (was, is) = (figure::micros(was), figure::micros(is));
        let (errors, before) = (figure::share(share(still)), figure::share(share(before)));
        format!("{}: p95 {is} instead of {was}, {errors} errors instead of {before}", damage.name)
    })
}
