//! A deterministic report of a synthetic storm, for the tests of what draws it.

use std::time::Duration;

use super::generator::Effort;
use super::health::Answer;
use super::planned::{Expected, Model};
use super::rate_limits::{Between, Quiet, RateLimits, RetryAfter, Tried};
use super::*;
use crate::model::damage::{Damage, Recovery, Stretch};
use crate::model::event::{Event, GrantChange, GrantEvent};
use crate::model::fault::outside::{HookReport, HookRun};
use crate::model::histogram::Histogram;
use crate::model::metrics::{Collected, Kind, Sample};
use crate::model::operation::Operation;
use crate::model::plan::auth::{Consent, Credential, Flow};
use crate::model::plan::{self, GeneratorLimits};
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
            protocol: Some("2025-11-25".to_owned()),
            transport: Some("streamable-http".to_owned()),
        },
        environment: Environment {
            os: "linux x86_64".to_owned(),
            cores: 2,
            squall: "0.1.0".to_owned(),
            started_at: "2026-09-01T12:00:00Z".to_owned(),
        },
        summary,
        thresholds: &thresholds,
        expectations: Expectations::default(),
        findings_limit: None,
        generator: Generator::judge(summary, effort, &limits),
        ending: Ending::Finished,
        plan: None,
        health: None,
        target_metrics: None,
        receipt: None,
        rate_limits: None,
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

/// The same storm with its plan, a health page that failed once, and metrics of a target that
/// tries to break out of the page.
pub(crate) fn watched() -> Report {
    let mut report = storm();
    let figure =
        |expected| Expected { expected, from: Some(0.9 * expected), to: Some(1.1 * expected) };
    let runs = report.summary.runs as f64;
    report.plan = Some(Planned {
        model: Model::Open,
        way: Some("legacy".to_owned()),
        load_s: 60.0,
        drain_s: 20.0,
        runs: Expected { expected: runs + 2.0, from: Some(runs + 2.0), to: Some(runs + 2.0) },
        runs_cut: Expected::about(report.summary.runs_cut as f64),
        dropped: Expected::about(0.0),
        calls: figure(report.summary.calls as f64),
        exchanges: Expected::about(900.0),
        exchanges_per_call: 2.5,
        users: figure(3.0),
        peak_rate: 9.0,
        width_s: 1,
        over_time: vec![runs, 2.0],
    });
    let answer = |second: u64, status: u16| {
        Answer::of(
            Duration::from_secs(second),
            Duration::from_millis(second + 1),
            Some(status),
            200,
        )
    };
    let mut health = Health::begun("/health".to_owned(), 200, answer(0, 200));
    for second in [5, 10, 15, 20] {
        let why = (second == 10).then_some("it answers 503, not 200 <script>alert(3)</script>");
        health.add(answer(second, if second == 10 { 503 } else { 200 }), why);
    }
    health.after = Some(answer(60, 200));
    health.asked_after = 2;
    report.health = Some(health);
    report.target_metrics = Some(metrics());
    report
}

/// The same storm by 25 users that had logged in before it, with forms; one of two refreshes was
/// raced for, and half the handshakes that failed began a login.
pub(crate) fn granted() -> Report {
    let mut report = storm();
    let counts = [("authorised", 4), ("authorised_again", 1), ("refreshed", 2), ("rotated", 1)];
    report.summary.grants = counts.map(|(name, count)| (name.to_owned(), count)).into();
    report.summary.exchanges.insert("oauth/refresh".to_owned(), 4);
    report.summary.refresh_races =
        vec![figures::RaceFigures { gap_ms: 40, granted: 1, well: 1, ..Default::default() }];
    report.receipt = Some(logged_in());
    report.rate_limits = Some(limited());
    report.expectations = vec![
        Judged {
            text: "tokens.lost = 0".to_owned(),
            passed: false,
            value: "1 user needed a new login".to_owned(),
            unproven: false,
            unchecked: false,
        },
        Judged {
            text: "tokens.expired = \"refused\"".to_owned(),
            passed: false,
            value: "only check-expired-token presents expired tokens".to_owned(),
            unproven: false,
            unchecked: true,
        },
    ];
    report
}

/// A limit by user, which handshakes do not share, with a hostile word in what is said of it.
fn limited() -> RateLimits {
    RateLimits {
        description: "A token bucket allows 20 at once <b>after a rest</b>.".to_owned(),
        probes: 640,
        per_second: Some(Between { low: 9.91, high: 10.1 }),
        burst: Some(Between { low: 20.0, high: 20.0 }),
        shape: Some("token bucket".to_owned()),
        per: Some("user".to_owned()),
        signals: [("HTTP 429".to_owned(), 242)].into(),
        retry_after: RetryAfter { told: 242, obeyed: 3, ..RetryAfter::default() },
        others: [
            ("another user".to_owned(), Tried { apart: 3, ..Tried::default() }),
            ("another session".to_owned(), Tried { together: 2, void: 1, ..Tried::default() }),
        ]
        .into(),
        quiet: Some(Quiet { calls: 80, refused: 0 }),
    }
}

/// The same storm with two windows of faults, one of a hostile name, in the middle of it.
pub(crate) fn damaged() -> Report {
    let mut report = storm();
    let stretch = |errors| Stretch {
        calls: 200,
        errors,
        good_per_second: 20.0,
        p50_us: Some(30_000),
        p95_us: Some(60_000),
        exchanges: 400,
        handshakes: 200,
        ..Stretch::default()
    };
    let window = |name: &str, from, recovery| Damage {
        name: name.to_owned(),
        fault: name.to_owned(),
        kind: "reset".to_owned(),
        from_us: from,
        until_us: from + 5_000_000,
        baseline: Some(stretch(0)),
        inside: stretch(50),
        met: 60,
        explained: 48,
        unexplained: 2,
        recovery,
        users_hit: 9,
        amplification: Some(1.5),
        ..Damage::default()
    };
    report.faults = vec![
        window("resets", 5_000_000, Recovery::Recovered { after_us: 1_500_000 }),
        window("<script>alert(7)</script>", 20_000_000, Recovery::NotSeen { watched_us: 9 }),
    ];
    report
}

/// The same with two hooks, one of a hostile name and with a cleanup.
pub(crate) fn hooked() -> Report {
    let mut report = damaged();
    let run = |at_us, took_us| HookRun {
        at_us,
        took_us,
        ok: true,
        ended: "exit status: 0".to_owned(),
        exit_status: Some(0),
        http_status: None,
        output: String::new(),
    };
    let window = |name: &str, run: HookRun, cleanup: Option<HookRun>| Damage {
        name: name.to_owned(),
        fault: name.to_owned(),
        kind: "hook".to_owned(),
        from_us: run.at_us,
        until_us: 40_000_000,
        untold: true,
        hook: Some(HookReport { fault: name.to_owned(), window: name.to_owned(), run, cleanup }),
        ..Damage::default()
    };
    report.faults.extend([
        window("<restart>", run(12_000_000, 900_000), Some(run(40_000_000, 2_000_000))),
        window("a hook whose name is too long to be shown", run(12_100_000, 1_000), None),
    ]);
    report
}

/// What logins before a load left.
pub(crate) fn logged_in() -> Receipt {
    let mut told = summary::sample::empty();
    for leg in Operation::LEGS.into_iter().take(4) {
        for user in 0..26 {
            told.add(&Event::Exchange(summary::sample::exchange(user, leg, 5)));
        }
    }
    for user in 0..26 {
        for change in [GrantChange::Registered, GrantChange::Authorised { again: false }] {
            told.add(&Event::Grant(GrantEvent { user, at: Duration::ZERO, change }));
        }
    }
    let consent = Consent::Form(Vec::new());
    let granted = plan::sample::granted(Flow::Code(consent));
    Receipt::of(&Credential::Granted(Box::new(granted)), &told, 212, Some(25))
}

/// What a metrics page told in 60 s, of which it failed five.
fn metrics() -> TargetMetrics {
    let mut told = TargetMetrics { url: "/metrics".to_owned(), ..TargetMetrics::default() };
    let mut collected = Collected::default();
    for second in 0..60_u32 {
        let at = Duration::from_secs(u64::from(second));
        told.asked += 1;
        if (30..35).contains(&second) {
            collected.missing(at);
            failures::add(&mut told.failures, at, "it answers 500, not 200");
            continue;
        }
        told.answered += 1;
        let seconds = f64::from(second);
        let samples = [
            ("process_cpu_seconds_total", "", Kind::Counter, seconds / 4.0),
            ("process_resident_memory_bytes", "", Kind::Gauge, 4e7 + 1e5 * seconds),
            ("requests_total", "path=\"<script>alert(4)</script>\"", Kind::Counter, 7.0 * seconds),
            ("requests_total", "path=\"/mcp\"", Kind::Counter, 90.0 * seconds),
            ("took_seconds_sum", "", Kind::Sum, 0.3 * seconds),
            ("took_seconds_count", "", Kind::Count, 97.0 * seconds),
            ("never_moves", "", Kind::Gauge, 3.0),
        ];
        let sample = |(name, labels, kind, value)| Sample { name, labels, kind, value };
        collected.page(at, &samples.map(sample), 0, &[]);
    }
    told.slowest_us = Some(4_200);
    told.fill(&collected);
    told
}

/// A run in which nothing happened.
pub(crate) fn nothing() -> Report {
    of(&summary::sample::empty(), &[])
}
