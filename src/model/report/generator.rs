//! The generator's own health: whether it was the bottleneck.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::figure;
use crate::model::histogram::{Histogram, Percentiles};
use crate::model::outcome::ConnectFailure;
use crate::model::plan::GeneratorLimits;
use crate::model::summary::Summary;

/// How the generator did.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Generator {
    /// CPU time, user and system, for each call that was sent; 0 when none was.
    pub cpu_us_per_call: f64,
    /// Share of the machine's cores used over the whole run, 0 to 1.
    pub cpu_share: f64,
    /// How late our own tasks ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_us: Option<Percentiles>,
    /// How late the event loop woke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loop_delay_us: Option<Percentiles>,
    /// Panics of simulated users: faults of squall.
    pub panics: u64,
    /// The first few of them.
    pub panic_messages: Vec<String>,
    /// Whether the numbers are about the target.
    pub trustworthy: bool,
    /// If not, why: each limit that was passed.
    pub reasons: Vec<String>,
}

/// What the process measured of itself.
#[derive(Debug, Clone, Copy)]
pub struct Effort<'a> {
    /// CPU time, user and system.
    pub cpu: Duration,
    /// How long the run took.
    pub elapsed: Duration,
    /// Cores the generator may use.
    pub cores: u32,
    /// How late the event loop woke, each time.
    pub loop_delay: &'a Histogram,
}

impl Generator {
    /// Holds the generator to its limits.
    pub fn judge(summary: &Summary, effort: Effort<'_>, limits: &GeneratorLimits) -> Self {
        let lag = &summary.calls.times.lag;
        let available = effort.elapsed.as_secs_f64() * f64::from(effort.cores);
        let cpu_share = if available > 0.0 { effort.cpu.as_secs_f64() / available } else { 0.0 };
        let mut reasons = Vec::new();
        reasons.extend(late("calls started", lag, limits.lag));
        reasons.extend(late("the event loop woke", effort.loop_delay, limits.loop_delay));
        if cpu_share > limits.cpu {
            let (share, limit) = (figure::share(cpu_share), figure::share(limits.cpu));
            reasons
                .push(format!("the generator used {share} of the machine's cores, limit {limit}"));
        }
        // Connections this machine could not make say nothing about the target.
        let exhausted = ConnectFailure::Exhausted;
        if let Some(count) = summary.wire.connect_failures.get(&exhausted) {
            reasons.push(format!("{}: {}", exhausted.name(), figure::times(*count)));
        }
        if !reasons.is_empty() {
            let advice = "the figures say more about this machine than about the target: lower the \
                          load, or run squall on a machine of its own";
            reasons.push(advice.to_owned());
        }
        if summary.panics.count > 0 {
            let times = figure::times(summary.panics.count);
            reasons.push(format!("a simulated user panicked ({times}): a fault of squall's own"));
        }
        Self {
            cpu_us_per_call: effort.cpu.as_micros() as f64
                / summary.calls.tally.sent().max(1) as f64,
            cpu_share,
            lag_us: lag.percentiles(),
            loop_delay_us: effort.loop_delay.percentiles(),
            panics: summary.panics.count,
            panic_messages: summary.panics.first.iter().map(|(_, text)| text.to_string()).collect(),
            trustworthy: reasons.is_empty(),
            reasons,
        }
    }
}

fn late(what: &str, times: &Histogram, limit: Duration) -> Option<String> {
    let p99 = times.quantile(0.99);
    (times.count() > 0 && u128::from(p99) > limit.as_micros()).then(|| {
        let (p99, limit) = (figure::micros(p99), figure::duration(limit));
        format!("{what} late: p99 {p99}, limit {limit}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::summary::sample;

    #[test]
    fn each_limit_has_its_reason() {
        let mut delay = Histogram::default();
        delay.record(Duration::from_millis(9));
        let mut storm = sample::storm();
        let judge = |storm: &Summary, lag, cpu, loop_delay| {
            let limits = GeneratorLimits {
                lag: Duration::from_micros(lag),
                cpu,
                loop_delay: Duration::from_millis(loop_delay),
            };
            let effort = Effort {
                cpu: Duration::from_secs(30),
                elapsed: Duration::from_secs(60),
                cores: 2,
                loop_delay: &delay,
            };
            Generator::judge(storm, effort, &limits)
        };
        let sound = judge(&storm, 20_000, 0.8, 20);
        assert!(sound.trustworthy && sound.reasons.is_empty());
        assert!((sound.cpu_share - 0.25).abs() < 1e-9);
        let slow = judge(&storm, 10, 0.2, 5);
        assert_eq!((slow.trustworthy, slow.reasons.len()), (false, 4), "three, and what to do");
        storm.wire.connect_failures.insert(ConnectFailure::Exhausted, 3);
        let starved = judge(&storm, 20_000, 0.8, 20);
        assert_eq!(starved.reasons[0], "this machine has no descriptor or port left: 3 times");
        assert!(!starved.trustworthy);
        storm.wire.connect_failures.clear();
        storm.panics.add((Duration::ZERO, "oops".into()));
        assert!(!judge(&storm, 20_000, 0.8, 20).trustworthy, "a panic is ours");
    }
}
