//! What one user that asks too much costs those that ask little.

use super::rules::UNFAIR;
use crate::judge::said::Said;
use crate::model::figure;
use crate::model::limit_probe::{Part, Probe};

/// Fewer quiet calls than these show nothing.
const LEAST: usize = 20;
/// Nineteen times in twenty the true share is below three over the calls of which none was refused.
const RULE_OF_THREE: f64 = 3.0;

/// What the noisy one and the quiet ones were answered.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Fairness {
    pub(super) quiet: usize,
    pub(super) quiet_refused: usize,
    pub(super) noisy: usize,
    pub(super) noisy_refused: usize,
    /// The 95th percentile of quiet calls that were served, in microseconds.
    pub(super) quiet_p95_us: u64,
}

/// Reads them.
pub(super) fn fairness(probes: &[Probe]) -> Fairness {
    let of = |part| probes.iter().filter(move |probe: &&Probe| probe.shot.part == part);
    let refused = |part| of(part).filter(|probe| probe.throttle().is_some()).count();
    let mut times: Vec<_> = of(Part::Quiet)
        .filter(|probe| probe.is_served())
        .map(|probe| probe.done.saturating_sub(probe.sent).as_micros() as u64)
        .collect();
    times.sort_unstable();
    let at = (times.len() * 95).div_ceil(100).saturating_sub(1);
    Fairness {
        quiet: of(Part::Quiet).count(),
        quiet_refused: refused(Part::Quiet),
        noisy: of(Part::Noisy).count(),
        noisy_refused: refused(Part::Noisy),
        quiet_p95_us: times.get(at).copied().unwrap_or(0),
    }
}

impl Fairness {
    /// In a sentence's end.
    pub(super) fn value(&self) -> String {
        let Self { quiet, quiet_refused, noisy, noisy_refused, quiet_p95_us } = *self;
        let most = if quiet_refused == 0 && quiet > 0 {
            let most = (RULE_OF_THREE / quiet as f64).min(1.0);
            format!(" (at most {} by chance)", figure::share(most))
        } else {
            String::new()
        };
        let p95 = figure::micros(quiet_p95_us);
        format!(
            "{quiet_refused} of {quiet} calls of quiet users refused{most}, p95 {p95}, while one \
             user had {noisy_refused} of {noisy} refused"
        )
    }

    /// Whether each user has a limit of its own, as declared.
    pub(super) fn said(&self) -> Said {
        let value = self.value();
        if self.quiet_refused > 0 {
            return Said::broken(&UNFAIR, self.quiet_refused as u64, value);
        }
        if self.quiet < LEAST || self.noisy_refused == 0 {
            return Said::too_little(format!(
                "{value}: {LEAST} quiet calls are needed, and a noisy user that is refused"
            ));
        }
        Said::held(value)
    }
}
