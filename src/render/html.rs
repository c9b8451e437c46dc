//! `report.html`: one self-contained page, the verdict first.
//!
//! The template escapes every text; only the charts, which are drawn here and hold no text of the
//! target's, go in as they are.

/// What opening connections took.
mod connections;
/// Charts with the figures behind them.
mod figures;
/// The target's health.
mod health;
/// The target's own metrics.
mod metrics;
/// Plan against reality.
mod plan;
/// What the scenario asks.
mod question;
/// What runs came to.
mod runs;
/// Where the time went.
mod stack;
/// Tables of the page.
mod tables;
/// Calls by class of user.
mod users;

use minijinja::Environment;
use serde::Serialize;

use super::chart::{self, Chart};
use super::percentile::{P50, P99, Times};
use super::{finding, gist, visible};
use crate::model::figure;
use crate::model::finding::Finding;
use crate::model::operation::Operation;
use crate::model::plan::Way;
use crate::model::report::{Report, Trials};
use tables::tables;

const TEMPLATE: &str = include_str!("html/report.html");
/// Parts of it that a run may lack.
const PARTS: [(&str, &str); 3] = [
    ("plan.html", include_str!("html/plan.html")),
    ("health.html", include_str!("html/health.html")),
    ("metrics.html", include_str!("html/metrics.html")),
];
const STYLE: &str = include_str!("html/report.css");

/// A page that could not be written: a fault of ours, never of the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to write the page: {0}")]
pub struct PageError(String);

/// What the template is given: every text as it is to be read.
#[derive(Serialize)]
struct Page {
    style: &'static str,
    name: String,
    verdict: &'static str,
    headline: String,
    question: Option<String>,
    exit_code: u8,
    gist: Vec<String>,
    reasons: Vec<String>,
    facts: Vec<(&'static str, String)>,
    notes: Vec<String>,
    tiles: Vec<Tile>,
    expected: &'static str,
    thresholds: Vec<Check>,
    charts: Vec<figures::Figure>,
    tables: tables::Tables,
    users: tables::Table,
    runs: runs::Runs,
    stack: Vec<stack::Bar>,
    findings: Vec<Shown>,
    /// What is said where there is none.
    unfound: &'static str,
    plan: Option<plan::Section>,
    health: Option<health::Section>,
    metrics: Option<metrics::Section>,
    tokens: Option<tables::Table>,
    rate_limit: Option<tables::Table>,
    faults: Option<tables::Table>,
    generator: tables::Table,
    environment: Vec<(&'static str, String)>,
    scenario: String,
}

/// One figure at the top.
#[derive(Serialize)]
struct Tile {
    label: &'static str,
    value: String,
    note: String,
}

#[derive(Serialize)]
struct Check {
    text: String,
    passed: bool,
    unproven: bool,
    unchecked: bool,
    value: String,
}

#[derive(Serialize)]
struct Shown {
    id: String,
    severity: &'static str,
    title: String,
    count: String,
    rule: String,
    source: String,
    provenance: &'static str,
    evidence: Vec<String>,
    more: u64,
    what_to_do: String,
}

/// The page as HTML, UTF-8, without any reference outside itself.
pub fn page(report: &Report) -> Result<String, PageError> {
    let failed = |error: minijinja::Error| PageError(error.to_string());
    let page = view(report).map_err(|error| PageError(error.to_string()))?;
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    environment.add_template("report.html", TEMPLATE).map_err(failed)?;
    for (name, part) in PARTS {
        environment.add_template(name, part).map_err(failed)?;
    }
    let template = environment.get_template("report.html").map_err(failed)?;
    template.render(minijinja::value::Serde(&page)).map_err(failed)
}

fn view(report: &Report) -> Result<Page, chart::DrawError> {
    let scenario = &report.scenario;
    Ok(Page {
        style: STYLE,
        name: visible::line(&scenario.name),
        verdict: report.verdict.name(),
        headline: headline(report),
        question: question::of(&scenario.text),
        exit_code: report.exit_code,
        gist: gist::sentences(report).iter().map(|sentence| visible::line(sentence)).collect(),
        reasons: report.reasons.iter().map(|reason| visible::line(reason)).collect(),
        facts: facts(report),
        notes: scenario.notes.iter().map(|note| visible::line(note)).collect(),
        tiles: tiles(report),
        expected: if report.expectations.is_empty() {
            "Thresholds"
        } else {
            "Thresholds and expectations"
        },
        thresholds: checks(report),
        charts: figures::drawn(report, &charts(report))?,
        tables: tables(report),
        users: users::table(&report.summary),
        runs: runs::section(report)?,
        stack: stack::bars(report),
        findings: report.findings.iter().map(shown).collect(),
        unfound: finding::none(report),
        plan: plan::section(report)?,
        health: health::section(report)?,
        metrics: metrics::section(report)?,
        tokens: tables::tokens(report),
        rate_limit: tables::rate_limit(report),
        faults: tables::faults(report),
        generator: tables::generator(report),
        environment: environment(report),
        scenario: visible::block(&scenario.text),
    })
}

/// The charts over time; sessions only where there can be some.
fn charts(report: &Report) -> Vec<Chart> {
    let has_none = report.target.way() == Some(Way::Modern)
        && report.summary.sessions.get("opened").is_none_or(|opened| *opened == 0);
    let charts = Chart::OVER_TIME.into_iter();
    charts.filter(|chart| *chart != Chart::Sessions || !has_none).collect()
}

fn headline(report: &Report) -> String {
    use crate::model::report::verdict::Verdict;
    let all = report.judged().filter(|judged| !judged.unchecked).count();
    let broken = report.judged().filter(|judged| judged.is_broken()).count();
    let what = if report.expectations.is_empty() { "thresholds" } else { "expectations" };
    let headline = match report.verdict {
        Verdict::Failed if broken > 0 && all > 1 => {
            return format!("Failed: {broken} of {all} {what} did not hold");
        }
        Verdict::Passed if all == 0 => "Passed: no threshold was set, and nothing was found",
        Verdict::Passed => "Passed: everything asked for held",
        Verdict::Failed => "Failed",
        Verdict::Untrustworthy => "Not trustworthy: the load was not the one asked for",
        Verdict::Stopped => "Stopped before its end",
        Verdict::Unreachable => return format!("Unreachable: {}", gist::unreached(report)),
    };
    headline.to_owned()
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let target = match &report.target.server {
        Some(server) => format!("{} ({server})", report.target.url),
        None => report.target.url.clone(),
    };
    let facts = [
        ("Target", target),
        ("Spoken", report.target.spoken().unwrap_or_default()),
        ("Client", report.scenario.profile.clone()),
        ("Behaviour", report.scenario.behaviour.clone()),
        ("Began", report.environment.started_at.clone()),
        ("Lasted", figure::micros((report.summary.elapsed_s * 1e6) as u64)),
    ];
    let known = facts.into_iter().filter(|(_, fact)| !fact.is_empty());
    known.map(|(name, fact)| (name, visible::line(&fact))).collect()
}

fn environment(report: &Report) -> Vec<(&'static str, String)> {
    let environment = &report.environment;
    let facts = [
        ("squall", environment.squall.clone()),
        ("System", environment.os.clone()),
        ("Cores", environment.cores.to_string()),
        ("Seed", report.seed.to_string()),
        ("Schema", report.schema.clone()),
    ];
    facts.map(|(name, fact)| (name, visible::line(&fact))).to_vec()
}

fn tiles(report: &Report) -> Vec<Tile> {
    let summary = &report.summary;
    let calls = summary.operations.get(Operation::ToolsCall.name());
    let times = |us, at_least| Times::new(us, at_least);
    let response = calls.map(|calls| times(calls.response_us, calls.response_at_least.as_ref()));
    let service = calls.map(|calls| times(calls.service_us, calls.service_at_least.as_ref()));
    let shown = |times: Option<Times<'_>>, which| times.and_then(|times| times.shown(which, "≥ "));
    let waited = |which| shown(response, which).unwrap_or_else(|| "not measured".to_owned());
    let served =
        |which| shown(service, which).map(|time| format!("service {time}")).unwrap_or_default();
    let sent = summary.calls_sent;
    let of_sent = |count| tables::share(count, sent);
    let figure_of = |label, value, note| Tile { label, value, note };
    if let Some(Trials { unit, count, good }) = &report.trials {
        let (unit, good) = (visible::line(unit), figure::count(*good));
        let requests = figure::count(summary.http_exchanges);
        return vec![
            figure_of(
                "Trials",
                figure::count(*count),
                format!("each a {unit}; {good} answered well"),
            ),
            figure_of("HTTP requests", requests, "in all".to_owned()),
            figure_of("Users", figure::count(u64::from(summary.users)), users(report)),
        ];
    }
    vec![
        figure_of(
            "Tool calls",
            figure::count(summary.calls),
            format!("{} ok", figure::count(summary.ok)),
        ),
        figure_of(
            "Errors",
            of_sent(summary.errors),
            format!("{} of {} sent", figure::count(summary.errors), figure::count(sent)),
        ),
        figure_of(
            "Throttled",
            of_sent(summary.throttled),
            format!("{} calls", figure::count(summary.throttled)),
        ),
        figure_of("Response p50", waited(P50), served(P50)),
        figure_of("Response p99", waited(P99), served(P99)),
        figure_of(
            "HTTP requests a call",
            summary.exchanges_per_call.map_or("not measured".to_owned(), figure::number),
            format!("{} in all", figure::count(summary.http_exchanges)),
        ),
        figure_of(
            "Runs completed",
            figure::count(summary.run.completed),
            format!("of {}, {} cut", figure::count(summary.runs), figure::count(summary.runs_cut)),
        ),
        figure_of("Users", figure::count(u64::from(summary.users)), users(report)),
    ]
}

/// How many users there were at once, where that was sampled, and how many never began.
fn users(report: &Report) -> String {
    let most = report.timeline.iter().filter_map(|step| step.users).max();
    let dropped = format!("{} dropped", figure::count(report.summary.dropped));
    most.map_or(dropped.clone(), |most| {
        format!("at most {} at once, {dropped}", figure::count(u64::from(most)))
    })
}

fn checks(report: &Report) -> Vec<Check> {
    let check = |judged: &crate::model::report::Judged| Check {
        text: visible::line(&judged.text),
        passed: judged.passed,
        unproven: judged.unproven,
        unchecked: judged.unchecked,
        value: visible::line(&judged.value),
    };
    report.judged().map(check).collect()
}

fn shown(finding: &Finding) -> Shown {
    Shown {
        id: finding.id.clone(),
        severity: finding.severity.name(),
        title: visible::line(&finding.title),
        count: figure::count(finding.count),
        rule: visible::line(&finding.rule.text),
        source: visible::line(&finding.rule.source),
        provenance: finding.rule.provenance.name(),
        evidence: finding.evidence.iter().map(|evidence| visible::line(evidence)).collect(),
        more: finding.count.saturating_sub(finding.evidence.len() as u64),
        what_to_do: visible::line(&finding.what_to_do),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::figures::ToolFigures;
    use crate::model::report::sample;

    const CHARTS: usize = Chart::OVER_TIME.len() + Chart::RUNS.len();

    #[test]
    fn every_section_is_there() {
        let page = page(&sample::storm()).unwrap();
        for id in [
            "verdict",
            "thresholds",
            "times",
            "where",
            "charts",
            "tools",
            "outcomes",
            "handshake",
            "runs",
            "users",
            "findings",
            "generator",
            "environment",
            "scenario",
        ] {
            assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        }
        assert_eq!(page.matches("<svg").count(), CHARTS);
        assert_eq!(page.matches("<details").count(), CHARTS);
    }

    #[test]
    fn logins_and_tokens_have_a_section_where_there_were_any() {
        let page = page(&sample::granted()).unwrap();
        for words in [
            "<a href=\"#tokens\">Logins and tokens</a>",
            "<section id=\"tokens\">",
            "25 users had logged in when the load began, by forms.",
            "<td>oauth&#x2f;registration</td><td>26</td>",
            "<h2>Thresholds and expectations</h2>",
        ] {
            assert!(page.contains(words), "{words} in {page}");
        }
        let page = super::page(&sample::storm()).unwrap();
        assert!(!page.contains("#tokens") && page.contains("<h2>Thresholds</h2>"));
    }

    #[test]
    fn faults_have_a_section_and_shade_every_chart_over_time() {
        let page = page(&sample::damaged()).unwrap();
        for words in [
            "<a href=\"#faults\">Faults</a>",
            "<section id=\"faults\">",
            "resets (reset, 5s to 10s): 25% of 200 calls failed, 0% before",
            "As before 1.5s after it.",
            "&lt;script&gt;alert(7)",
        ] {
            assert!(page.contains(words), "{words}");
        }
        assert!(!page.contains("<script>alert(7)"));
        // Two windows in each, and a mark in its key.
        let shaded = page.matches("fill=\"#F59E0B\"").count();
        assert_eq!(shaded, (CHARTS - 1) * 3, "{shaded}");
        let page = super::page(&sample::storm()).unwrap();
        assert!(!page.contains("#faults") && !page.contains("#F59E0B"));
    }

    #[test]
    fn what_was_spoken_is_a_fact_and_an_era_without_sessions_has_no_chart_of_them() {
        let mut report = sample::storm();
        let legacy = page(&report).unwrap();
        assert!(legacy.contains("<dt>Spoken</dt><dd>MCP 2025-11-25 over Streamable HTTP</dd>"));
        assert!(legacy.contains(Chart::Sessions.title()));
        report.target.protocol = Some("2026-07-28".to_owned());
        assert!(page(&report).unwrap().contains(Chart::Sessions.title()), "some were opened");
        report.summary.sessions.clear();
        let modern = page(&report).unwrap();
        assert_eq!(modern.matches("<svg").count(), CHARTS - 1);
        assert!(!modern.contains(Chart::Sessions.title()));
        (report.target.protocol, report.target.transport) = (None, None);
        assert!(!page(&report).unwrap().contains("<dt>Spoken"), "a run of before");
    }

    #[test]
    fn it_is_read_without_eyes_and_used_without_a_mouse() {
        let page = page(&sample::storm()).unwrap();
        for link in page.split("<a href=\"#").skip(1) {
            let id = link.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{id}\"")), "nothing is called {id}");
        }
        // What scrolls can be reached, and everything that can be reached has a name.
        let scrolling = page.matches("class=\"scroll").count();
        assert!(scrolling > CHARTS);
        assert_eq!(page.matches("tabindex=\"0\" role=\"").count(), scrolling);
        assert_eq!(
            page.matches("tabindex=\"0\" role=\"region\" aria-label=\"").count() + CHARTS,
            scrolling
        );
        assert_eq!(page.matches("tabindex=\"0\" role=\"img\" aria-label=\"").count(), CHARTS);
        assert_eq!(page.matches("<th>").count(), 0, "a head without its scope");
    }

    #[test]
    fn what_was_watched_beside_the_load_has_its_sections() {
        let (watched, storm) = (page(&sample::watched()).unwrap(), page(&sample::storm()).unwrap());
        for id in ["plan", "health", "metrics"] {
            let (section, link) = (format!("id=\"{id}\""), format!("href=\"#{id}\""));
            assert!(watched.contains(&section) && watched.contains(&link), "{id}");
            assert!(!storm.contains(&section) && !storm.contains(&link), "{id}");
        }
        assert_eq!(watched.matches("<svg").count(), storm.matches("<svg").count() + 9);
        assert!(watched.contains("path=&quot;&lt;script&gt;alert(4)"));
        assert!(watched.contains("not 200 &lt;script&gt;alert(3)"));
        let scrolling = watched.matches("class=\"scroll").count();
        assert_eq!(watched.matches("tabindex=\"0\" role=\"").count(), scrolling);
        assert!(!watched.contains("<script") && !watched.contains("<th>"));
    }

    #[test]
    fn a_failure_says_how_much_of_what_was_asked_for_did_not_hold() {
        use crate::model::report::verdict::Verdict;
        let mut report = sample::storm();
        let all = report.thresholds.len();
        assert!(all > 2);
        report.verdict = Verdict::Failed;
        let mut broken = |count: usize| {
            for (number, threshold) in report.thresholds.iter_mut().enumerate() {
                threshold.passed = number >= count;
            }
            headline(&report)
        };
        assert_eq!(broken(2), format!("Failed: 2 of {all} thresholds did not hold"));
        assert_eq!(broken(0), "Failed");
    }

    #[test]
    fn what_was_asked_stands_above_the_answer() {
        let mut report = sample::storm();
        assert!(!page(&report).unwrap().contains("Its question"));
        report.scenario.text = "# Question: <b>does it hold?\n".to_owned();
        let page = page(&report).unwrap();
        let question = page.find("Its question: &lt;b&gt;does it hold?").unwrap();
        assert!(question < page.find("class=\"headline\"").unwrap());
    }

    #[test]
    fn what_the_target_says_is_only_text() {
        let page = page(&sample::storm()).unwrap();
        assert!(!page.contains("<script") && !page.contains("<b>7</b>"));
        assert!(page.contains("&lt;script&gt;alert(1)&lt;"));
    }

    #[test]
    fn it_needs_nothing_else_and_is_small() {
        let page = page(&sample::storm()).unwrap();
        assert!(page.len() < 2_000_000, "{}", page.len());
        for outside in ["src=", "href=\"http", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn many_tools_with_long_names_leave_it_small() {
        let mut report = sample::storm();
        let tool = report.summary.tools["search"].clone();
        report.summary.tools.clear();
        for number in 0..1_500 {
            let name = format!("{number:04}{}", "<".repeat(2_000));
            let tool = ToolFigures { count: number, ..tool.clone() };
            report.summary.tools.insert(name, tool);
        }
        let page = page(&report).unwrap();
        assert!(page.len() < 2_000_000, "{}", page.len());
        let rows = |number: u32| page.matches(&format!("<td>{number:04}&lt;")).count();
        assert_eq!([1_499, 1_300, 1_299, 0].map(rows), [1, 1, 0, 0]);
        assert!(page.contains(&format!("<td>1499{}…</td>", "&lt;".repeat(116))));
        assert!(page.contains("and 1\u{a0}300 more tools, 844\u{a0}350 calls."));
    }

    #[test]
    fn an_empty_run_has_a_page() {
        let page = page(&sample::nothing()).unwrap();
        assert!(page.contains("No tool call was made") && page.contains("not measured"));
    }
}
