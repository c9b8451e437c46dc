//! `run.json`: one versioned document with everything needed to draw, compare and merge a run.
//!
//! Scripts rely on the names of these members; members may be added, none renamed, and a saved run
//! that lacks a newer member reads as if nothing had been measured for it. Nothing here
//! holds a secret: the scenario's text is the one before `${NAME}` was replaced.

/// What pages beside the load failed at.
pub mod failures;
/// The figures of a summary.
pub mod figures;
/// What is known of the generator's own health.
pub mod generator;
/// The target's health page.
pub mod health;
/// The histograms behind its figures.
mod histograms;
/// The target's own metrics.
pub mod metrics;
/// What the plan expected.
pub mod planned;
/// What was found out of the rate limit.
pub mod rate_limits;
/// What happened before the load.
pub mod receipt;
/// Reading it back.
pub mod saved;
/// The JSON Schema of it.
pub mod schema;
/// The run over time.
pub mod timeline;
/// What it comes to.
pub mod verdict;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::damage::Damage;
use super::finding::{self, Finding, Severity};
use super::outcome::Class;
use super::plan::{FIRST_MODERN, Way};
use super::summary::Summary;
use super::threshold::Threshold;
use super::threshold::evaluate::Held;
use figures::Figures;
use generator::Generator;
use health::Health;
use metrics::TargetMetrics;
use planned::Planned;
use rate_limits::RateLimits;
use receipt::Receipt;
use timeline::Point;
use verdict::{Ending, Facts, Verdict};

/// The schema's name and version.
pub const SCHEMA: &str = "squall.run/1";

/// A whole run, as `run.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// The process's exit code for it.
    pub exit_code: u8,
    /// Why, one sentence each, the deciding one first.
    pub reasons: Vec<String>,
    /// What was asked for.
    pub scenario: Scenario,
    /// Seed of every chance.
    pub seed: u64,
    /// What was tested.
    pub target: Target,
    /// Where the generator ran.
    pub environment: Environment,
    /// What was measured.
    pub summary: Figures,
    /// Numbers to stay under.
    pub thresholds: Vec<Judged>,
    /// What else must hold, such as that no user loses its grant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<Judged>,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// The windows of faults, what each did, and how the target came back.
    pub faults: Vec<Damage>,
    /// The run over time.
    pub timeline: Vec<Point>,
    /// Every histogram behind the figures, `HdrHistogram` V2 in base64, by name, such as
    /// `tools/call.response`, `initialize.service`, `tool.search.response`, `run.completion`.
    pub histograms: BTreeMap<String, String>,
    /// How the generator itself did.
    pub generator: Generator,
    /// What the plan expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Planned>,
    /// The target's health page, if the scenario names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// The target's own metrics, if the scenario names their page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_metrics: Option<TargetMetrics>,
    /// What was asked before the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// What a check did instead of calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trials: Option<Trials>,
    /// What was found out of the target's rate limit, where one is declared or looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limits: Option<RateLimits>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Its text before `${NAME}` was replaced, with its overrides as comments.
    pub text: String,
    /// The client profile, `name@date`.
    pub profile: String,
    /// The behaviour's name.
    pub behaviour: String,
    /// What readers must know of the model: speed, inferred values, made-up arguments.
    pub notes: Vec<String>,
}

/// What was tested.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Target {
    /// Its URL without user name, password and query, or `practice`.
    pub url: String,
    /// What it says it is (`serverInfo`), if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The revision of MCP agreed on before the load, such as `2025-11-25`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// How it was carried: `streamable-http` or `http+sse`, the words of a scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
}

impl Target {
    /// The way it was spoken to, where that is known.
    pub fn way(&self) -> Option<Way> {
        let protocol = self.protocol.as_deref()?;
        Some(match self.transport.as_deref() {
            Some("http+sse") => Way::HttpSse,
            _ if protocol < FIRST_MODERN => Way::Legacy,
            _ => Way::Modern,
        })
    }

    /// What was spoken, for a person; nothing in runs that do not say it. Not yet escaped.
    pub fn spoken(&self) -> Option<String> {
        let protocol = self.protocol.as_ref()?;
        let over = match self.transport.as_deref() {
            Some("streamable-http") => " over Streamable HTTP",
            Some("http+sse") => " over HTTP+SSE",
            _ => "",
        };
        Some(format!("MCP {protocol}{over}"))
    }
}

/// Where the generator ran.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// Operating system and architecture.
    pub os: String,
    /// Processor cores the generator may use.
    pub cores: u32,
    /// squall's version.
    pub squall: String,
    /// When the run began, RFC 3339.
    pub started_at: String,
}

/// A threshold and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// As its author wrote it.
    pub text: String,
    /// Whether it held.
    pub passed: bool,
    /// What was measured, or why nothing was.
    pub value: String,
    /// It did not hold only because calls were never answered: what was seen is within the limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproven: bool,
    /// Nothing in this load could have shown whether it holds: it decides nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
}

impl Judged {
    /// What became of it, as a sentence goes on after its text.
    pub const fn said(&self) -> &'static str {
        match (self.passed, self.unproven) {
            _ if self.unchecked => "was not checked",
            (true, _) => "held",
            (false, false) => "did not hold",
            (false, true) => "cannot be said to hold",
        }
    }

    /// Whether it speaks against the run.
    pub const fn is_broken(&self) -> bool {
        !self.passed && !self.unchecked
    }
}

/// What else was expected, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectations {
    /// Each expectation.
    pub judged: Vec<Judged>,
    /// A finding for each that did not hold.
    pub findings: Vec<Finding>,
    /// What stands for the calls of a load that makes none.
    pub trials: Option<Trials>,
    /// What could not be checked, a sentence each.
    pub notes: Vec<String>,
}

/// What a check did instead of calls.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trials {
    /// What one of them was.
    pub unit: Cow<'static, str>,
    /// How often.
    pub count: u64,
    /// Of these, answered well.
    pub good: u64,
}

impl Expectations {
    /// None of it says anything of the target: so many requests waited for our own ceiling, and time
    /// is what it is about.
    pub fn hold_back(&mut self, requests: u64) {
        self.findings.clear();
        for judged in self.judged.iter_mut().filter(|judged| !judged.unchecked) {
            (judged.passed, judged.unproven) = (false, true);
            let value = std::mem::take(&mut judged.value);
            judged.value = format!(
                "not enough to say: max_rate under [target] held back {requests} requests, and this is \
                 about time (else: {value})"
            );
        }
    }

    /// These, and then those of another judge.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.judged.extend(other.judged);
        self.findings.extend(other.findings);
        self.notes.extend(other.notes);
        self.trials = self.trials.or(other.trials);
        self
    }
}

/// Everything a report is built of.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    /// What was asked for.
    pub scenario: Scenario,
    /// Seed of every chance.
    pub seed: u64,
    /// What was tested.
    pub target: Target,
    /// Where the generator ran.
    pub environment: Environment,
    /// What was measured.
    pub summary: &'a Summary,
    /// Numbers to stay under.
    pub thresholds: &'a [Threshold],
    /// What else was expected, judged.
    pub expectations: Expectations,
    /// The worst severity of a finding that passes, if the scenario names one.
    pub findings_limit: Option<Severity>,
    /// How the generator itself did.
    pub generator: Generator,
    /// How the run came to its end.
    pub ending: Ending,
    /// What the plan expected.
    pub plan: Option<Planned>,
    /// The target's health page.
    pub health: Option<Health>,
    /// The target's own metrics.
    pub target_metrics: Option<TargetMetrics>,
    /// What the look before the load took.
    pub receipt: Option<Receipt>,
    /// What was found out of the target's rate limit.
    pub rate_limits: Option<RateLimits>,
}

impl Report {
    /// Judges a run and writes everything down.
    pub fn build(parts: Parts<'_>) -> Self {
        let Expectations { judged: expectations, findings: broken, trials, .. } =
            parts.expectations;
        let findings = finding::findings(parts.summary, broken);
        let thresholds: Vec<_> =
            parts.thresholds.iter().map(|threshold| judged(threshold, parts.summary)).collect();
        let held = [thresholds.as_slice(), expectations.as_slice()].concat();
        let tally = &parts.summary.calls.tally;
        let (verdict, reasons) = verdict::decide(&Facts {
            ending: parts.ending,
            findings: &findings,
            findings_limit: parts.findings_limit,
            unit: trials.as_ref().map_or("tool call", |trials| &trials.unit),
            calls: trials.as_ref().map_or(tally.count(), |trials| trials.count),
            ok: trials.as_ref().map_or(tally.of(Class::Ok), |trials| trials.good),
            thresholds: &held,
            generator: &parts.generator,
        });
        Self {
            schema: SCHEMA.to_owned(),
            verdict,
            exit_code: verdict::exit_code(verdict),
            reasons,
            scenario: parts.scenario,
            seed: parts.seed,
            target: parts.target,
            environment: parts.environment,
            summary: Figures::of(parts.summary),
            thresholds,
            expectations,
            findings,
            faults: parts.summary.damages.clone(),
            timeline: timeline::points(&parts.summary.series),
            histograms: histograms::encoded(parts.summary),
            generator: parts.generator,
            plan: parts.plan,
            health: parts.health,
            target_metrics: parts.target_metrics,
            receipt: parts.receipt,
            trials,
            rate_limits: parts.rate_limits,
        }
    }

    /// Thresholds and everything else that was expected, as it was judged.
    pub fn judged(&self) -> impl Iterator<Item = &Judged> + Clone {
        self.thresholds.iter().chain(&self.expectations)
    }
}

fn judged(threshold: &Threshold, summary: &Summary) -> Judged {
    let text = threshold.text.clone();
    let (held, value) = match threshold.evaluate(summary) {
        Ok(measured) => (measured.held, measured.value),
        Err(never) => (Held::No, never.to_string()),
    };
    let unproven = held == Held::Unproven;
    Judged { text, passed: held == Held::Yes, value, unproven, unchecked: false }
}

#[cfg(test)]
pub(crate) mod sample;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::histogram::Histogram;

    #[test]
    fn a_saved_run_reads_back_whole() {
        let report = sample::storm();
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        let response = Histogram::decode(&report.histograms["tools/call.response"]).unwrap();
        assert_eq!(response.percentiles(), report.summary.operations["tools/call"].response_us);
    }

    #[test]
    fn an_older_run_lacks_members_and_still_reads() {
        let read: Figures = serde_json::from_str(r#"{"calls": 3}"#).unwrap();
        assert_eq!(read, Figures { calls: 3, ..Figures::default() });
    }

    #[test]
    fn the_names_scripts_rely_on() {
        let json = serde_json::to_value(sample::storm()).unwrap();
        for pointer in [
            "/schema",
            "/verdict",
            "/exit_code",
            "/scenario",
            "/seed",
            "/target",
            "/environment",
            "/summary/calls",
            "/summary/ok",
            "/summary/errors",
            "/summary/throttled",
            "/summary/dropped",
            "/summary/runs",
            "/summary/runs_cut",
            "/summary/users",
            "/summary/http_exchanges",
            "/summary/bytes_sent",
            "/summary/bytes_received",
            "/summary/outcomes/ok",
            "/summary/operations/tools~1call/count",
            "/summary/operations/tools~1call/response_us/p999",
            "/summary/operations/tools~1call/service_us/mean",
            "/summary/operations/tools~1call/preparation_us/max",
            "/summary/operations/tools~1call/held_us/p50",
            "/summary/operations/tools~1call/lag_us/p99",
            "/summary/tools/search/count",
            "/summary/tools/search/errors",
            "/summary/tools/search/response_us/p90",
            "/summary/tools/search/service_us/p95",
            "/thresholds/0/text",
            "/thresholds/0/passed",
            "/thresholds/0/value",
            "/findings/0/id",
            "/findings/0/severity",
            "/findings/0/count",
            "/findings/0/rule/source",
            "/findings/0/evidence/0",
            "/faults",
            "/timeline/0",
            "/histograms",
            "/generator/cpu_us_per_call",
            "/generator/lag_us/p99",
            "/generator/trustworthy",
        ] {
            assert!(json.pointer(pointer).is_some(), "{pointer}");
        }
        assert_eq!(json["schema"], "squall.run/1");
    }
}
