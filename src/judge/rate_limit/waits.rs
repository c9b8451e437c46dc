//! Whether refusals say when to come again, and whether that is true.

use std::time::Duration;

use super::rules::{MISSING, TOO_LONG, TOO_SHORT};
use crate::judge::said::Said;
use crate::model::behaviour::ROUNDING;
use crate::model::figure;
use crate::model::finding::Finding;
use crate::model::limit_probe::{Part, Probe, What, Who};

/// What was said, and what came of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Waits {
    /// Refusals that said when to come again, and that did not.
    pub(super) told: u64,
    pub(super) untold: u64,
    /// The shortest and the longest that was said.
    pub(super) range: Option<(Duration, Duration)>,
    /// Who came then was served, or refused again.
    pub(super) obeyed: u64,
    pub(super) in_vain: u64,
    /// Who came clearly earlier was refused, or served.
    pub(super) still_refused: u64,
    pub(super) served_early: u64,
    /// The first times that it was not true.
    short: Vec<String>,
    long: Vec<String>,
}

/// Evidence that is kept of each.
const KEPT: usize = 5;

/// Reads them, in their order.
pub(super) fn waits(probes: &[Probe]) -> Waits {
    let mut waits = Waits::default();
    // The last refusal of the one that obeys, and what it was told.
    let mut last: Option<(Duration, Duration)> = None;
    for probe in probes.iter().filter(|probe| probe.shot.what != What::Refresh) {
        let (part, throttle) = (probe.shot.part, probe.throttle());
        if let Some((refused, told)) = last
            && matches!(part, Part::Obeyed | Part::TooEarly)
        {
            waits.came(probe, probe.sent.saturating_sub(refused), told);
        }
        let Some(throttle) = throttle else { continue };
        match throttle.retry_after {
            Some(told) => {
                waits.told += 1;
                let (least, most) = waits.range.unwrap_or((told, told));
                waits.range = Some((least.min(told), most.max(told)));
            }
            None => waits.untold += 1,
        }
        if probe.shot.who == Who::default() {
            last = throttle.retry_after.map(|told| (probe.done, told));
        }
    }
    waits
}

impl Waits {
    fn came(&mut self, probe: &Probe, waited: Duration, told: Duration) {
        let is_served = probe.is_served();
        let (told_for, after) = (figure::duration(told), figure::duration(waited));
        if waited >= told {
            if is_served {
                self.obeyed += 1;
            } else if probe.throttle().is_some() {
                self.in_vain += 1;
                keep(&mut self.short, format!("told {told_for}, refused again after {after}"));
            }
        } else if waited + ROUNDING < told {
            if is_served {
                self.served_early += 1;
                keep(&mut self.long, format!("told {told_for}, served after {after}"));
            } else if probe.throttle().is_some() {
                self.still_refused += 1;
            }
        }
    }

    /// What was said of waiting, in a sentence's end.
    pub(super) fn value(&self) -> String {
        let all = self.told + self.untold;
        let Some((least, most)) = self.range else {
            return format!("said by 0 of {all} refusals");
        };
        let (least, most) = (figure::duration(least), figure::duration(most));
        let span = if least == most { most } else { format!("{least} to {most}") };
        let early = match self.served_early + self.still_refused {
            0 => "nobody could come more than a second earlier".to_owned(),
            early => {
                format!("{} of {early} who came more than a second earlier", self.served_early)
            }
        };
        let (told, obeyed, came) = (self.told, self.obeyed, self.obeyed + self.in_vain);
        format!(
            "said by {told} of {all} refusals, {span}; {obeyed} of {came} who came then served; {early}"
        )
    }

    /// Findings that need no declaration.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let all = self.told + self.untold;
        let untold = format!("{} of {all} refusals did not say when to come again", self.untold);
        let missing = (self.untold > 0).then(|| MISSING.finding(self.untold, [untold].into_iter()));
        let short =
            (self.in_vain > 0).then(|| TOO_SHORT.finding(self.in_vain, self.short.iter().cloned()));
        let long = (self.served_early > 0)
            .then(|| TOO_LONG.finding(self.served_early, self.long.iter().cloned()));
        [missing, short, long].into_iter().flatten().collect()
    }

    /// Whether it holds, by what a check saw.
    pub(super) fn said(&self) -> Said {
        let (value, findings) = (self.value(), Vec::new());
        if self.untold + self.in_vain + self.served_early > 0 {
            return Said { held: Some(false), value, findings, is_moot: false };
        }
        match self.obeyed {
            0 => Said::too_little(format!("{value}: at least one has to come then")),
            _ => Said::held(value),
        }
    }
}

fn keep(evidence: &mut Vec<String>, said: String) {
    if evidence.len() < KEPT {
        evidence.push(said);
    }
}
