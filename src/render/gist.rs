//! The three sentences of a run that matter first.
//!
//! Each is a reading of figures that stand in the report; none says what was not measured, and
//! none guesses at a cause. Which three are said depends on what went wrong: whatever makes the
//! figures doubtful comes before them, a broken rule before slowness, and what users felt is never
//! left out when anything was measured.

/// What went wrong, and when it began.
mod broken;
/// What an active check found out.
mod checked;
/// What users felt, and when it was worse.
mod felt;
/// Where their time went.
mod limit;
/// Which tool makes the tail.
mod tail;

use crate::model::figure;
use crate::model::finding::{Finding, Severity};
use crate::model::plan::Way;
use crate::model::report::Report;
use crate::model::report::verdict::Verdict;

/// Sentences at most.
const MOST: usize = 3;
/// Below this many calls p99 is one of the slowest few.
const FEW: u64 = 100;
/// From this share of the calls sent, failures come before where the time went,
const MANY: f64 = 0.01;
/// and from this one, before what users felt, which is then mostly how fast they are refused.
const MOST_CALLS: f64 = 0.5;

/// At most three sentences, the first one first; as text, not yet escaped for any medium.
pub fn sentences(report: &Report) -> Vec<String> {
    if report.verdict == Verdict::Unreachable {
        let first = left_out(report).into_iter();
        return [format!("Nothing was measured: {}.", unreached(report))]
            .into_iter()
            .chain(first)
            .collect();
    }
    if checked::is_check(report) {
        let worst = report.findings.first().map(|finding| found(report, finding));
        let said = doubt(report).into_iter().chain(worst).chain(checked::sentence(report));
        return said.take(MOST).collect();
    }
    if report.summary.calls == 0 {
        return vec!["Nothing was measured: not one tool call was made.".to_owned()];
    }
    let severe = report.findings.first().filter(|worst| worst.severity >= Severity::High);
    let lesser = report.findings.first().filter(|worst| worst.severity < Severity::High);
    let failures = broken::sentences(&report.summary, &report.timeline);
    let (many, some): (Vec<_>, Vec<_>) =
        failures.into_iter().partition(|(share, _)| *share >= MANY);
    let (most, many): (Vec<_>, Vec<_>) =
        many.into_iter().partition(|(share, _)| *share >= MOST_CALLS);
    let said = doubt(report)
        .into_iter()
        .chain(severe.map(|finding| found(report, finding)))
        .chain(most.into_iter().map(|(_, sentence)| sentence))
        .chain(felt::sentence(report))
        .chain(many.into_iter().map(|(_, sentence)| sentence))
        .chain(few(report))
        .chain(limit::sentence(report))
        .chain(lesser.map(|finding| found(report, finding)))
        .chain(some.into_iter().map(|(_, sentence)| sentence))
        .chain(unknown(report));
    said.take(MOST).collect()
}

/// What never came of what was tried at a target that let nobody in.
pub(super) fn unreached(report: &Report) -> &'static str {
    match report.target.way() {
        Some(Way::Legacy) => "no handshake with the target succeeded",
        Some(Way::Modern) => "the target answered neither server/discover nor a call",
        Some(Way::HttpSse) => "no stream to the target came to a handshake",
        None => "the target let nobody in",
    }
}

/// Why the first user came to no tokens: the leg, its URL and what it answered.
fn left_out(report: &Report) -> Option<String> {
    let without = report.findings.iter().find(|finding| finding.id == "locked-out")?;
    let first = without.evidence.first()?;
    Some(format!("Users came to no access token, first {}.", first.trim_end_matches('.')))
}

/// What makes the figures doubtful as a whole.
fn doubt(report: &Report) -> Option<String> {
    if !report.generator.trustworthy {
        let why = report.generator.reasons.first().map_or("it says so itself", String::as_str);
        return Some(format!("Do not rely on these figures: {why}."));
    }
    (report.verdict == Verdict::Stopped).then(|| {
        let at = figure::micros((report.summary.elapsed_s * 1e6) as u64);
        format!("The run was stopped after {at}, so it says nothing of what comes later.")
    })
}

fn found(report: &Report, finding: &Finding) -> String {
    let others = match report.findings.len() {
        1 => String::new(),
        2 => ", and one other finding".to_owned(),
        more => format!(", and {} other findings", more - 1),
    };
    let (calls, seen) = (figure::count(report.summary.calls), figure::times(finding.count));
    let (severity, title) = (finding.severity.name(), finding.title.trim_end_matches('.'));
    let run = match report.summary.calls {
        0 => String::new(),
        _ => format!(" in a run of {calls} tool calls"),
    };
    format!("Worst finding ({severity}): {title}, seen {seen}{run}{others}.")
}

/// Too few calls for what was said of them.
fn few(report: &Report) -> Option<String> {
    let calls = report.summary.calls;
    (calls < FEW).then(|| {
        let calls = if calls == 1 {
            "Only one tool call was".to_owned()
        } else {
            format!("Only {calls} tool calls were")
        };
        format!("{calls} made: too few for p99 to be more than one of the slowest.")
    })
}

/// What the run cannot say although it went well.
fn unknown(report: &Report) -> Option<String> {
    let summary = &report.summary;
    let runs = figure::count(summary.runs);
    match summary.runs_cut {
        0 => None,
        1 => Some(format!(
            "One of {runs} runs was cut by the end of the load: how long it takes is not known."
        )),
        cut => Some(format!(
            "{} of {runs} runs were cut by the end of the load: how long they take is not known.",
            figure::count(cut)
        )),
    }
}

#[cfg(test)]
mod tests;
