//! What acted outside in a run and did not do what was asked, as findings.

use super::{BrokenRule, Finding, Provenance, Severity};
use crate::model::fault::outside::{HookReport, Outcome, ToxicReport};

/// Evidence is kept of so many.
const FIRST: usize = 5;

/// A finding for hooks, and one for toxics, that failed.
pub fn of_outside(outcome: &Outcome) -> Vec<Finding> {
    let hooks = outcome.hooks.iter().map(HookReport::failures);
    let toxics = outcome.toxics.iter().map(ToxicReport::failures);
    let hooks = finding(
        hooks,
        (
            "hook-failed",
            "A hook of the scenario failed: what it was to do did not happen, or not wholly.",
            "Run its command by hand as it stands in the scenario; raise its timeout if it was killed.",
        ),
    );
    let toxics = finding(
        toxics,
        (
            "toxic-failed",
            "A toxic was not set or not removed: the run was not under the faults that were asked for.",
            "Look at the answer of Toxiproxy that is quoted, and at its own log.",
        ),
    );
    hooks.into_iter().chain(toxics).collect()
}

fn finding(
    failures: impl Iterator<Item = Vec<String>>,
    (id, title, what_to_do): (&str, &str, &str),
) -> Option<Finding> {
    let failed: Vec<_> = failures.filter(|failures| !failures.is_empty()).collect();
    if failed.is_empty() {
        return None;
    }
    Some(Finding {
        id: id.to_owned(),
        // What was measured is not what was asked for: that is no pass.
        severity: Severity::High,
        title: title.to_owned(),
        rule: BrokenRule {
            text: "What a scenario does outside of squall succeeds, so that what is measured is \
                   what it describes."
                .to_owned(),
            source: "the scenario".to_owned(),
            provenance: Provenance::Modelled,
        },
        count: failed.len() as u64,
        evidence: failed.into_iter().flatten().take(FIRST).collect(),
        what_to_do: what_to_do.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fault::outside::HookRun;

    #[test]
    fn each_that_failed_counts_once() {
        assert_eq!(of_outside(&Outcome::default()), []);
        let run = |ok| HookRun {
            at_us: 0,
            took_us: 1,
            ok,
            ended: "ended with exit status: 1".to_owned(),
            exit_status: Some(1),
            http_status: None,
            output: String::new(),
        };
        let hook = |ok| HookReport {
            fault: "h".to_owned(),
            window: "h".to_owned(),
            run: run(ok),
            cleanup: Some(run(ok)),
        };
        let toxic = ToxicReport {
            fault: "t".to_owned(),
            window: "t".to_owned(),
            proxy: "db".to_owned(),
            toxic: "latency".to_owned(),
            name: "squall-0".to_owned(),
            set_us: None,
            removed_us: None,
            errors: vec!["could not be set: Toxiproxy answers 404: proxy not found".to_owned()],
        };
        let hooks = vec![hook(false), hook(true), hook(false)];
        let outcome = Outcome { hooks, toxics: vec![toxic], left: Vec::new() };
        let found = of_outside(&outcome);
        let ids: Vec<_> = found.iter().map(|f| (f.id.as_str(), f.count, f.severity)).collect();
        let high = Severity::High;
        assert_eq!(ids, [("hook-failed", 2, high), ("toxic-failed", 1, high)]);
        assert_eq!(found[0].evidence.len(), 4);
        let said = "the fault t: could not be set: Toxiproxy answers 404: proxy not found";
        assert_eq!(found[1].evidence, [said]);
    }
}
