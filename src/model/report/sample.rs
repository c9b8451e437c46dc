//! A deterministic report of a synthetic storm, for the tests of what draws it.

use std::time::Duration;

use super::generator::Effort;
use super::*;
use crate::model::plan::GeneratorLimits;
use crate::model::summary;

/// The scenario's text; it tries to break out of the page.
pub(crate) const SCENARIO: &str = "name = \"research storm\"\nseed = 7\n\n[target]\nurl = \"practice\"\n\n\
    [load]\nbehaviour = \"research\"\nspeed = 20   # </pre><script>alert(2)</script>\n\n[expect]\n\
    thresholds = [\"p99(response, tools/call) < 2s\", \"errors < 1%\"]\n";

/// A report of this summary.
pub(crate) fn of(summary: &Summary, thresholds: &[&str]) -> Report {
    let mut delay = Histogram::default();
    delay.record(Duration::from_micros(700));
    let limits = GeneratorLimits {
        lag: Duration::from_millis(20),
        cpu: 0.8,
        loop_delay: Duration::from_millis(20),
    };
    let effort = Effort {
        cpu: Duration::from_millis(900),
        elapsed: Duration::from_secs(60),
        cores: 2,
        loop_delay: &delay,
    };
    let thresholds: Vec<Threshold> = thresholds.iter().map(|text| text.parse().unwrap()).collect();
    Report::build(Parts {
        scenario: Scenario {
            name: "research storm".to_owned(),
            text: SCENARIO.to_owned(),
            profile: "claude-ai-legacy@2026-09".to_owned(),
            behaviour: "research".to_owned(),
            notes: vec!["Think times are divided by 20 (speed = 20).".to_owned()],
        },
        seed: 7,
        target: Target {
            url: "practice".to_owned(),
            server: Some("squall practice 0.1.0".to_owned()),
        },
        environment: Environment {
            os: "linux x86_64".to_owned(),
            cores: 2,
            squall: "0.1.0".to_owned(),
            started_at: "2026-09-01T12:00:00Z".to_owned(),
        },
        summary,
        thresholds: &thresholds,
        findings_limit: None,
        generator: Generator::judge(summary, effort, &limits),
        ending: Ending::Finished,
        plan: None,
        health: None,
        target_metrics: None,
        receipt: None,
    })
}

/// A storm that broke two thresholds and a rule.
pub(crate) fn storm() -> Report {
    let thresholds = [
        "p99(response, tools/call) < 2s",
        "errors < 1%",
        "throttled < 20%",
        "exchanges_per_call < 4",
        "p95(completion) < 30s",
    ];
    of(&summary::sample::storm(), &thresholds)
}

/// A run in which nothing happened.
pub(crate) fn nothing() -> Report {
    of(&summary::sample::empty(), &[])
}
