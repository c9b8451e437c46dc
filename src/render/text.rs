//! The summary a person reads at the end of a run: the verdict first, one screen.

use std::fmt::Write as _;

use super::completion::{self, Marks};
use super::percentile::{MAX, P50, P90, P99, Times};
use super::{faults, finding, gist, health, rate_limits, visible};
use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::report::figures::Figures;
use crate::model::report::{Report, Trials};

/// What stands before times to completion that are no plain figures.
const MARKS: Marks = Marks { at_least: "at least ", about: "about " };

/// Windows of faults that are told; the report has all of them.
const MOST_WINDOWS: usize = 12;

/// The summary, lines ended by `\n`, safe for a terminal.
pub fn summary(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let written = write(&mut text, report);
    debug_assert!(written.is_ok());
    text
}

fn write(text: &mut String, report: &Report) -> std::fmt::Result {
    let word = report.verdict.name().to_uppercase();
    let name = visible::line(&report.scenario.name);
    writeln!(text, "{word}  {name}  (exit code {})", report.exit_code)?;
    for sentence in gist::sentences(report) {
        writeln!(text, "  {}", visible::line(&sentence.replace('\u{a0}', " ")))?;
    }
    for reason in &report.reasons {
        writeln!(text, "  - {}", visible::line(reason))?;
    }
    writeln!(text)?;
    if let Some(spoken) = report.target.spoken() {
        row(text, "spoken", &visible::line(&spoken))?;
    }
    figures(text, report)?;
    generator(text, report)?;
    beside(text, report)?;
    broken(text, report)?;
    thresholds(text, report)?;
    if let Some(paragraph) = rate_limits::paragraph(report) {
        let paragraph = visible::line(&paragraph.replace('\u{a0}', " "));
        writeln!(text, "\nRate limit\n  {paragraph}")?;
    }
    findings(text, report)
}

fn figures(text: &mut String, report: &Report) -> std::fmt::Result {
    let summary = &report.summary;
    if let Some(Trials { unit, count: number, good }) = &report.trials {
        let unit = visible::line(unit);
        row(
            text,
            "trials",
            &format!("{} {unit}s, {} answered well", count(*number), count(*good)),
        )?;
    } else {
        calls_made(text, summary)?;
    }
    row(text, "HTTP", &exchanges(summary))?;
    row(text, "runs", &runs(report))?;
    let (users, dropped) = (u64::from(summary.users), summary.dropped);
    row(text, "users", &format!("{}, {} dropped on arrival", count(users), count(dropped)))
}

fn calls_made(text: &mut String, summary: &Figures) -> std::fmt::Result {
    row(text, "calls", &calls(summary))?;
    let times = summary.operations.get(Operation::ToolsCall.name());
    let waited = times.map(|times| Times::new(times.response_us, times.response_at_least.as_ref()));
    let served = times.map(|times| Times::new(times.service_us, times.service_at_least.as_ref()));
    for (name, times) in [("response", waited), ("service", served)] {
        let shown = times.and_then(percentiles);
        row(text, name, shown.as_deref().unwrap_or("not measured"))?;
    }
    let ends = summary.outcomes.iter().filter(|(name, count)| *name != "ok" && **count > 0);
    let ends: Vec<_> = ends.map(|(name, number)| format!("{} {name}", count(*number))).collect();
    if !ends.is_empty() {
        row(text, "not ok", &ends.join(", "))?;
    }
    Ok(())
}

fn row(text: &mut String, name: &str, what: &str) -> std::fmt::Result {
    writeln!(text, "{name:<10} {what}")
}

/// In a terminal a plain space separates thousands well enough, and survives every encoding.
fn count(number: u64) -> String {
    figure::count(number).replace('\u{a0}', " ")
}

fn times(number: u64) -> String {
    figure::times(number).replace('\u{a0}', " ")
}

fn share(part: u64, total: u64) -> String {
    if total == 0 { "-".to_owned() } else { figure::share(part as f64 / total as f64) }
}

fn calls(summary: &Figures) -> String {
    let share = |part| share(part, summary.calls_sent);
    let mut line = format!(
        "{}, {} ok, errors {} ({}), throttled {} ({})",
        count(summary.calls),
        count(summary.ok),
        share(summary.errors),
        count(summary.errors),
        share(summary.throttled),
        count(summary.throttled),
    );
    for (number, what) in [
        (summary.never_sent, "never sent"),
        (summary.unfinished, "unfinished"),
        (summary.over_cap, "results cut by the client"),
    ] {
        if number > 0 {
            line = format!("{line}, {} {what}", count(number));
        }
    }
    line
}

fn percentiles(times: Times<'_>) -> Option<String> {
    let shown = |which| times.shown(which, ">=");
    let (p50, p90, p99, max) = (shown(P50)?, shown(P90)?, shown(P99)?, shown(MAX)?);
    Some(format!("p50 {p50:<8} p90 {p90:<8} p99 {p99:<8} max {max}"))
}

fn exchanges(summary: &Figures) -> String {
    format!(
        "{} requests, {} a call, {} of them only to get ready, {} handshakes a call; {} sent, {} received",
        count(summary.http_exchanges),
        summary.exchanges_per_call.map_or("-".to_owned(), figure::number),
        share(summary.handshake_exchanges, summary.http_exchanges),
        summary.handshakes_per_call.map_or("-".to_owned(), figure::number),
        figure::bytes(summary.bytes_sent),
        figure::bytes(summary.bytes_received),
    )
}

fn runs(report: &Report) -> String {
    let (summary, run) = (&report.summary, &report.summary.run);
    let mut line = format!(
        "{}: {} completed, {} stopped, {} cut, {} failed",
        count(summary.runs),
        count(run.completed),
        count(run.stopped),
        count(run.cut),
        count(run.failed)
    );
    let nothing = |name: &str| run.completion.get(name).is_none_or(|it| it.at_least && it.us == 0);
    for (name, shown) in completion::percentiles(report, MARKS) {
        if ["p50", "p95"].contains(&name) && !nothing(name) {
            line = format!("{line}; {name} {shown}");
        }
    }
    line
}

fn generator(text: &mut String, report: &Report) -> std::fmt::Result {
    let generator = &report.generator;
    let lag = generator.lag_us.map_or("not measured".to_owned(), |us| figure::micros(us.p99));
    let cpu = figure::share(generator.cpu_share);
    let call = figure::micros(generator.cpu_us_per_call.round() as u64);
    let mut line = match report.summary.calls {
        0 => format!("CPU {cpu}"),
        _ => format!("CPU {cpu} ({call} a call), lag p99 {lag}"),
    };
    if generator.panics > 0 {
        line = format!("{line}, {} users panicked (a fault of squall)", generator.panics);
    }
    row(text, "generator", &line)
}

/// What was asked of the target beside the load; of its metrics only that they failed.
fn beside(text: &mut String, report: &Report) -> std::fmt::Result {
    let plain = |sentences: Vec<String>| sentences.join(" ").replace('\u{a0}', " ");
    if let Some(health) = &report.health {
        row(text, "health", &plain(health::sentences(health)))?;
    }
    match &report.target_metrics {
        Some(metrics) if metrics.answered < metrics.asked => {
            row(text, "metrics", &plain(health::metrics(metrics)))
        }
        _ => Ok(()),
    }
}

fn thresholds(text: &mut String, report: &Report) -> std::fmt::Result {
    if report.judged().next().is_none() {
        return Ok(());
    }
    writeln!(text, "\n{}", if report.expectations.is_empty() { "Thresholds" } else { "Expected" })?;
    let widest = report.judged().map(|judged| judged.text.chars().count()).max();
    let width = widest.unwrap_or(0).min(60);
    for judged in report.judged() {
        let held = match judged.passed {
            true => "ok  ",
            false if judged.unchecked => "-   ",
            false => "FAIL",
        };
        let (limit, value) = (visible::line(&judged.text), visible::line(&judged.value));
        writeln!(text, "  {held}  {limit:<width$}  {value}")?;
    }
    Ok(())
}

/// What each window of a fault did.
fn broken(text: &mut String, report: &Report) -> std::fmt::Result {
    if report.faults.is_empty() {
        return Ok(());
    }
    writeln!(text, "\nFaults")?;
    for said in faults::sentences(&report.faults[..report.faults.len().min(MOST_WINDOWS)]) {
        writeln!(text, "  {}", visible::line(&said.replace('\u{a0}', " ")))?;
    }
    match report.faults.len().checked_sub(MOST_WINDOWS) {
        Some(more @ 1..) => writeln!(text, "  and {more} more windows, in the report"),
        _ => Ok(()),
    }
}

fn findings(text: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(text, "\nFindings")?;
    if report.findings.is_empty() {
        return writeln!(text, "  {}", finding::none(report));
    }
    for found in &report.findings {
        let (severity, title) = (found.severity.name(), visible::line(&found.title));
        writeln!(text, "  {severity:<8}  {title} ({}) [{}]", times(found.count), found.id)?;
        let told =
            [("seen", found.evidence.first().cloned()), ("rule", Some(finding::rule(found)))];
        let told = told.into_iter().chain([("to do", Some(found.what_to_do.clone()))]);
        for (name, line) in told.filter_map(|(name, line)| Some((name, line?))) {
            writeln!(text, "            {name:<5}  {}", visible::line(&line))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn the_verdict_comes_first() {
        let text = summary(&sample::storm());
        assert!(text.starts_with("FAILED  research storm  (exit code 4)\n"), "{text}");
        for words in [
            "\nspoken     MCP 2025-11-25 over Streamable HTTP\n",
            "\ncalls ",
            "\nresponse   p50 ",
            "\nservice ",
            "FAIL  ",
            "ok    ",
            "[wrong-id]",
            "            seen   ",
            "            rule   ",
            "            to do  ",
        ] {
            assert!(text.contains(words), "{words} in {text}");
        }
        assert!(text.is_ascii(), "{text}");
        let text = summary(&sample::watched());
        assert!(text.contains("\nhealth     Before the load it answered 200"), "{text}");
        assert!(text.contains("\nmetrics    /metrics was asked 60 times"), "{text}");
    }

    #[test]
    fn windows_of_faults_are_told() {
        let text = summary(&sample::damaged());
        assert!(text.contains("\nFaults\n  resets (reset, 5s to 10s): 25% of 200 calls"), "{text}");
        let mut many = sample::damaged();
        many.faults = many.faults.iter().cycle().take(14).cloned().collect();
        assert!(summary(&many).contains("and 2 more windows, in the report"));
        assert!(!summary(&sample::storm()).contains("Faults"));
    }

    #[test]
    fn a_hostile_target_cannot_write_to_the_terminal() {
        let mut report = sample::storm();
        report.findings[0].evidence[0] = "\u{1b}]0;owned\u{7} \u{202e}gnp".to_owned();
        let text = summary(&report);
        assert!(text.contains("\\u{1b}]0;owned\\u{7} \\u{202e}gnp"));
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    }

    #[test]
    fn nothing_measured_is_said() {
        assert!(summary(&sample::nothing()).contains("response   not measured"));
    }
}
