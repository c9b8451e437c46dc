//! `summary.md`: the run in GitHub's Markdown, short enough for a job summary.
//!
//! Every text from outside is made harmless: what Markdown or HTML would read as markup is
//! escaped, and a text is at most 300 characters long.

use std::fmt::Write as _;

use super::percentile::{MAX, P50, P90, P95, P99, Times};
use super::{faults, finding, gist, grants, health, planned, rate_limits, visible};
use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::report::figures::{Figures, OperationFigures};
use crate::model::report::verdict::Verdict;
use crate::model::report::{Report, Trials};

/// Characters of one text from outside that are shown.
const LONGEST: usize = 300;
/// Rows of one table that are shown; a job summary holds 1 MiB.
const ROWS: usize = 50;

/// The summary, lines ended by `\n`.
pub fn summary(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let written = write(&mut text, report);
    debug_assert!(written.is_ok());
    text
}

fn write(text: &mut String, report: &Report) -> std::fmt::Result {
    let mark = if report.verdict == Verdict::Passed { "✅" } else { "❌" };
    let name = escaped(&report.scenario.name);
    writeln!(text, "## {mark} squall: {name} {}\n", report.verdict.name())?;
    let gist: Vec<_> = gist::sentences(report).iter().map(|said| escaped(said)).collect();
    writeln!(text, "{}\n", gist.join(" "))?;
    for reason in report.reasons.iter().take(ROWS) {
        writeln!(text, "- {}", escaped(reason))?;
    }
    if !report.reasons.is_empty() {
        writeln!(text)?;
    }
    let spoken = report.target.spoken();
    let facts = [Some(&report.target.url), spoken.as_ref(), Some(&report.scenario.profile)];
    let facts = facts.into_iter().flatten().chain([&report.environment.started_at]);
    let facts: Vec<_> = facts.map(|fact| escaped(fact)).collect();
    writeln!(text, "{}, exit code {}\n", facts.join(", "), report.exit_code)?;
    if let Some(trials) = &report.trials {
        tried(text, trials, &report.summary)?;
    } else {
        counts(text, &report.summary)?;
        times(text, &report.summary)?;
    }
    thresholds(text, report)?;
    tools(text, &report.summary)?;
    plan(text, report)?;
    broken(text, report)?;
    tokens(text, report)?;
    limit(text, report)?;
    beside(text, report)?;
    findings(text, report)
}

/// Text from outside as plain words: no markup of Markdown or HTML, no link, no mention.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for c in visible::line(text).chars().take(LONGEST) {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            // An entity is neither the start of a mention nor of an address that becomes a link.
            '@' => safe.push_str("&#64;"),
            ':' => safe.push_str("&#58;"),
            '.' => safe.push_str("&#46;"),
            '|' => safe.push_str("&#124;"),
            '`' => safe.push_str("&#96;"),
            '\\' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '-' | '!' | '~'
            | '$' | '^' => safe.extend(['\\', c]),
            c => safe.push(c),
        }
    }
    if text.chars().count() > LONGEST {
        safe.push('…');
    }
    safe
}

fn share(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { figure::share(part as f64 / whole as f64) }
}

fn counts(text: &mut String, summary: &Figures) -> std::fmt::Result {
    writeln!(text, "| Tool calls | Errors | Throttled | HTTP requests | Runs | Users |")?;
    writeln!(text, "| ---: | ---: | ---: | ---: | ---: | ---: |")?;
    writeln!(
        text,
        "| {} | {} ({}) | {} ({}) | {} | {} ({} cut) | {} |\n",
        figure::count(summary.calls),
        share(summary.errors, summary.calls_sent),
        figure::count(summary.errors),
        share(summary.throttled, summary.calls_sent),
        figure::count(summary.throttled),
        figure::count(summary.http_exchanges),
        figure::count(summary.runs),
        figure::count(summary.runs_cut),
        figure::count(u64::from(summary.users)),
    )
}

/// What a check did instead of calls.
fn tried(text: &mut String, trials: &Trials, summary: &Figures) -> std::fmt::Result {
    let Trials { unit, count, good } = trials;
    let (count, good) = (figure::count(*count), figure::count(*good));
    let exchanges = figure::count(summary.http_exchanges);
    let unit = escaped(unit);
    writeln!(text, "{count} {unit}s, {good} answered well, in {exchanges} HTTP requests.\n")
}

fn times(text: &mut String, summary: &Figures) -> std::fmt::Result {
    let none = OperationFigures::default();
    let calls = summary.operations.get(Operation::ToolsCall.name()).unwrap_or(&none);
    if calls.response_us.is_none() {
        return writeln!(text, "No tool call was made.\n");
    }
    writeln!(text, "| Tool calls | p50 | p90 | p95 | p99 | max |")?;
    writeln!(text, "| --- | ---: | ---: | ---: | ---: | ---: |")?;
    for (name, times) in [
        (
            "response: what users felt",
            Times::new(calls.response_us, calls.response_at_least.as_ref()),
        ),
        (
            "service: what the target did",
            Times::new(calls.service_us, calls.service_at_least.as_ref()),
        ),
        ("preparation", Times::exact(calls.preparation_us)),
        ("held by the client", Times::exact(calls.held_us)),
        ("lag of squall", Times::exact(calls.lag_us)),
    ] {
        let cells = [P50, P90, P95, P99, MAX].map(|which| times.cell(which)).join(" | ");
        writeln!(text, "| {name} | {cells} |")?;
    }
    if let Some(at_least) = &calls.response_at_least {
        let open = figure::count(at_least.unanswered);
        writeln!(text, "\n≥: at least, for {open} calls were never answered")?;
    }
    writeln!(text)
}

fn thresholds(text: &mut String, report: &Report) -> std::fmt::Result {
    if report.judged().next().is_none() {
        return Ok(());
    }
    let what = if report.expectations.is_empty() { "Threshold" } else { "Expected" };
    writeln!(text, "| {what} | Measured | Held |\n| --- | --- | --- |")?;
    for judged in report.judged().take(ROWS) {
        let held = match (judged.passed, judged.unproven) {
            _ if judged.unchecked => "not checked",
            (true, _) => "yes",
            (false, false) => "**no**",
            (false, true) => "**cannot be said**",
        };
        writeln!(text, "| {} | {} | {held} |", escaped(&judged.text), escaped(&judged.value))?;
    }
    more(text, report.judged().count())
}

fn tools(text: &mut String, summary: &Figures) -> std::fmt::Result {
    if summary.tools.is_empty() {
        return Ok(());
    }
    writeln!(text, "| Tool | Calls | Errors | Response p50 | Response p99 |")?;
    writeln!(text, "| --- | ---: | ---: | ---: | ---: |")?;
    for (name, tool) in summary.tools.iter().take(ROWS) {
        let times = Times::new(tool.response_us, tool.response_at_least.as_ref());
        let (p50, p99) = (times.cell(P50), times.cell(P99));
        let (count, errors) = (figure::count(tool.count), share(tool.errors, tool.count));
        writeln!(text, "| {} | {count} | {errors} | {p50} | {p99} |", escaped(name))?;
    }
    more(text, summary.tools.len())
}

fn plan(text: &mut String, report: &Report) -> std::fmt::Result {
    let rows = planned::rows(report);
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(text, "| Plan | Planned | Happened | Difference |")?;
    writeln!(text, "| --- | ---: | ---: | ---: |")?;
    for row in rows {
        let cells = [row.planned, row.happened, row.difference].map(|cell| escaped(&cell));
        writeln!(text, "| {} | {} |", row.name, cells.join(" | "))?;
    }
    writeln!(text)?;
    list(text, &planned::causes(report))
}

/// What each window of a fault did.
fn broken(text: &mut String, report: &Report) -> std::fmt::Result {
    if report.faults.is_empty() {
        return Ok(());
    }
    writeln!(text, "Faults:\n")?;
    list(text, &faults::sentences(&report.faults[..report.faults.len().min(ROWS)]))?;
    more(text, report.faults.len())
}

/// What was found out of the rate limit.
fn limit(text: &mut String, report: &Report) -> std::fmt::Result {
    let Some(paragraph) = rate_limits::paragraph(report) else { return Ok(()) };
    writeln!(text, "Rate limit:\n")?;
    list(text, &[paragraph])
}

/// How users came to tokens, and what became of those.
fn tokens(text: &mut String, report: &Report) -> std::fmt::Result {
    if !grants::had_any(report) {
        return Ok(());
    }
    writeln!(text, "Logins and tokens:\n")?;
    let legs = grants::legs(report).into_iter();
    let legs: Vec<_> = legs.map(|[leg, count, ..]| format!("{leg} {count}")).collect();
    let legs = (!legs.is_empty()).then(|| format!("Legs before the load: {}.", legs.join(", ")));
    let said = grants::during(&report.summary).into_iter().chain(grants::before(report));
    let said: Vec<_> = said.chain(legs).collect();
    list(text, &said)
}

/// What was asked of the target beside the load.
fn beside(text: &mut String, report: &Report) -> std::fmt::Result {
    if let Some(health) = &report.health {
        writeln!(text, "Health page {}:\n", escaped(&health.url))?;
        let failures = health::failures(&health.failures);
        let said: Vec<_> = health::sentences(health).into_iter().chain(failures).collect();
        list(text, &said)?;
    }
    if let Some(metrics) = &report.target_metrics {
        writeln!(text, "The target's own metrics:\n")?;
        list(text, &health::metrics(metrics))?;
    }
    Ok(())
}

fn list(text: &mut String, sentences: &[String]) -> std::fmt::Result {
    if sentences.is_empty() {
        return Ok(());
    }
    for sentence in sentences.iter().take(ROWS) {
        writeln!(text, "- {}", escaped(sentence))?;
    }
    writeln!(text)
}

fn findings(text: &mut String, report: &Report) -> std::fmt::Result {
    if report.findings.is_empty() {
        return writeln!(text, "Findings: {}", escaped(finding::none(report)));
    }
    writeln!(text, "| Finding | Severity | Seen | First | The rule | What to do |")?;
    writeln!(text, "| --- | --- | ---: | --- | --- | --- |")?;
    for found in report.findings.iter().take(ROWS) {
        let (title, to_do) = (escaped(&found.title), escaped(&found.what_to_do));
        let (severity, times) = (found.severity.name(), figure::times(found.count));
        let (rule, id) = (escaped(&finding::rule(found)), escaped(&found.id));
        let first = found.evidence.first().map(|first| escaped(first)).unwrap_or_default();
        writeln!(text, "| {title} ({id}) | {severity} | {times} | {first} | {rule} | {to_do} |")?;
    }
    more(text, report.findings.len())
}

/// Closes a table, and says what it leaves out.
fn more(text: &mut String, rows: usize) -> std::fmt::Result {
    match rows.saturating_sub(ROWS) {
        0 => writeln!(text),
        left => writeln!(text, "\nand {left} more, in report&#46;html\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn the_verdict_comes_first_and_each_part_is_there() {
        let text = summary(&sample::storm());
        assert!(text.starts_with("## ❌ squall: research storm failed\n"), "{text}");
        for words in ["| response: what users felt |", "| **no** |", "| Tool |", "| high |"] {
            assert!(text.contains(words), "{words} in {text}");
        }
        assert!(summary(&sample::nothing()).contains("No tool call was made."));
    }

    #[test]
    fn what_was_watched_beside_the_load_is_said() {
        let text = summary(&sample::watched());
        for words in [
            "| Plan | Planned | Happened | Difference |",
            "| Runs that arrived | ",
            "Health page /health:",
            "not well once of 4",
            "answers 503, not 200 &lt;script&gt;",
            "- /metrics was asked 60 times and answered 55 times",
        ] {
            assert!(text.contains(words), "{words} in {text}");
        }
    }

    #[test]
    fn windows_of_faults_are_said() {
        let text = summary(&sample::damaged());
        assert!(text.contains("Faults:\n\n- resets \\(reset, 5s to 10s\\)&#58; 25%"), "{text}");
        assert!(!text.contains("<script>") && !summary(&sample::storm()).contains("Faults"));
    }

    #[test]
    fn logins_and_tokens_are_said() {
        insta::assert_snapshot!(said(&sample::granted()), @r#"
        | Expected | Measured | Held |
        | tokens&#46;lost = 0 | 1 user needed a new login | **no** |
        | tokens&#46;expired = "refused" | only check\-expired\-token presents expired tokens | not checked |
        Logins and tokens:
        - 4 consents \(1 of users that had consented before\), 0 clients registered; 0 grants and 0 clients forgotten by the authorization server, 0 tokens refused after their time and 0 before, more scope asked for 0 times, a user left without tokens 0 times&#46;
        - 2 refreshes brought tokens to the process that uses them, 1 with a new refresh token&#46; The leg oauth/refresh counts every request, 4&#58; these, 1 of further processes in races, and 1 that brought no tokens or came when its race was decided&#46;
        - Before the load 212 more requests were made&#58; by the look at how the target speaks and what it offers, and by logins&#46;
        - 25 users had logged in when the load began, by forms&#46;
        - Before the load there were, the look's own among them, 26 consents, 26 clients registered, 0 refreshes, and somebody came to no tokens 0 times&#46;
        - Legs before the load&#58; oauth/discovery 26, oauth/registration 26, oauth/authorize 26, oauth/token 26&#46;
        "#);
        assert!(!summary(&sample::storm()).contains("Logins and tokens"));
    }

    /// What a summary says of tokens.
    fn said(report: &Report) -> String {
        let text = summary(report);
        let is_about =
            |line: &&str| ["tokens", "load", "Expected"].iter().any(|word| line.contains(word));
        text.lines().filter(is_about).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn hostile_text_stays_text() {
        let table = [
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("[a](http://x.y)", "\\[a\\]\\(http&#58;//x&#46;y\\)"),
            ("a | b\n# c", "a &#124; b \\# c"),
            ("@admin `x` **y**", "&#64;admin &#96;x&#96; \\*\\*y\\*\\*"),
            ("&lt;\u{202e}", "&amp;lt;\\\\u\\{202e\\}"),
        ];
        for (text, expected) in table {
            assert_eq!(escaped(text), expected);
        }
    }

    #[test]
    fn it_fits_a_job_summary_whatever_the_target_says() {
        let mut report = sample::storm();
        let tool = report.summary.tools["search"].clone();
        for number in 0..3_000 {
            let name = format!("{number}{}", "<".repeat(5_000));
            report.summary.tools.insert(name, tool.clone());
        }
        report.reasons = vec!["@".repeat(100_000); 2_000];
        assert!(summary(&report).len() < 1 << 20);
    }
}
