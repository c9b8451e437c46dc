//! The tables of the page, as rows of text.

use std::cmp::Reverse;

use serde::Serialize;

use super::connections;

use crate::model::damage::Damage;
use crate::model::figure;
use crate::model::histogram::Percentiles;
use crate::model::operation::Operation;
use crate::model::plan::Way;
use crate::model::report::Report;
use crate::model::report::figures::{Counts, Figures, OperationFigures};
use crate::render::percentile::{self, P50, P95, P99, Percentile, Times};
use crate::render::visible;
use crate::render::{faults, grants, rate_limits};

/// Tools beyond so many are left out of the page.
const MOST_TOOLS: usize = 200;

/// Windows of faults beyond so many are left out of the page.
const MOST_WINDOWS: usize = 100;

/// A tool's name is cut to so many characters.
const LONGEST_NAME: usize = 120;

/// A table: the first cell of a row is its name, the others are figures.
#[derive(Serialize, Default)]
pub(super) struct Table {
    pub(super) lead: String,
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Every table of the page.
#[derive(Serialize)]
pub(super) struct Tables {
    times: Table,
    tools: Table,
    outcomes: Table,
    details: Table,
    handshake: Table,
    connections: Table,
}

/// The tables of a report.
pub(super) fn tables(report: &Report) -> Tables {
    let summary = &report.summary;
    Tables {
        times: times(summary),
        tools: tools(summary),
        outcomes: outcomes(summary),
        details: details(summary),
        handshake: handshake(report),
        connections: connections::table(&summary.connections),
    }
}

/// A share as percent; a dash when there is nothing to have a share of.
pub(super) fn share(count: u64, total: u64) -> String {
    if total == 0 { "–".to_owned() } else { figure::share(count as f64 / total as f64) }
}

fn times(summary: &Figures) -> Table {
    let none = OperationFigures::default();
    let calls = summary.operations.get(Operation::ToolsCall.name()).unwrap_or(&none);
    let columns = [
        Times::new(calls.response_us, calls.response_at_least.as_ref()),
        Times::new(calls.service_us, calls.service_at_least.as_ref()),
        Times::exact(calls.response_ok_us),
        Times::exact(calls.preparation_us),
        Times::exact(calls.held_us),
        Times::exact(calls.lag_us),
    ];
    let row = |which: Percentile| {
        let figures = columns.into_iter().map(|column| column.cell(which));
        std::iter::once(which.title.to_owned()).chain(figures).collect()
    };
    let mut lead = "Response is from due to done and holds every call that was due, failures with \
                    the time until they failed; held is of the calls the client let go, preparation \
                    and service of those that were sent. Of one call, response = lag + held + \
                    preparation + service."
        .to_owned();
    if let Some(at_least) = &calls.response_at_least {
        let open = figure::count(at_least.unanswered);
        lead = format!(
            "{lead} {open} calls were never answered before the run or the client's patience ended; \
             they count with the time until then. What is marked ≥ is at least so much: it would be \
             more had they taken for ever. What has no mark is exact"
        );
        if at_least.exact_to >= 1.0 {
            let exact = figure::number(at_least.exact_to);
            lead = format!("{lead}: of response at least every percentile up to p{exact}");
        }
        lead.push('.');
    }
    Table {
        lead,
        head: vec![
            "",
            "Response",
            "Service",
            "Response, ok only",
            "Preparation",
            "Held",
            "Lag (ours)",
        ],
        rows: percentile::ALL.into_iter().filter(|_| summary.calls > 0).map(row).collect(),
    }
}

/// The first letters of a tool's name.
fn cut(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", visible::line(&name[..end])),
        None => visible::line(name),
    }
}

fn tools(summary: &Figures) -> Table {
    let mut tools: Vec<_> = summary.tools.iter().collect();
    let mut lead = "Cut: results longer than the client reads.".to_owned();
    if tools.len() > MOST_TOOLS {
        tools.sort_by_key(|(_, tool)| Reverse(tool.count));
        let left = tools.split_off(MOST_TOOLS);
        let (tools, calls) = (left.len() as u64, left.iter().map(|(_, tool)| tool.count).sum());
        lead = format!(
            "{lead} The tools with most calls; and {} more tools, {} calls.",
            figure::count(tools),
            figure::count(calls)
        );
    }
    let rows = tools.into_iter().map(|(name, tool)| {
        let response = Times::new(tool.response_us, tool.response_at_least.as_ref());
        let service = Times::new(tool.service_us, tool.service_at_least.as_ref());
        let failed = (tool.errors, tool.throttled);
        let calls = calls(tool.count, failed, response, service);
        let cells = [cut(name)].into_iter().chain(calls);
        cells.chain([figure::count(tool.over_cap)]).collect()
    });
    let head = ["Tool"].into_iter().chain(CALLS).chain(["Cut"]).collect();
    Table { lead, head, rows: rows.collect() }
}

/// What is said of some of the calls: the columns of [`calls`].
pub(super) const CALLS: [&str; 8] =
    ["Calls", "Errors", "Throttled", "Response p50", "p95", "p99", "Service p50", "p99"];

/// Some of the calls, of which so many were errors and so many throttled.
pub(super) fn calls(
    count: u64,
    (errors, throttled): (u64, u64),
    response: Times<'_>,
    service: Times<'_>,
) -> [String; 8] {
    [
        figure::count(count),
        share(errors, count),
        share(throttled, count),
        response.cell(P50),
        response.cell(P95),
        response.cell(P99),
        service.cell(P50),
        service.cell(P99),
    ]
}

fn outcomes(summary: &Figures) -> Table {
    let mut counts: Vec<_> = summary.outcomes.iter().filter(|(_, count)| **count > 0).collect();
    counts.sort_by(|one, other| other.1.cmp(one.1));
    let rows = counts.into_iter().map(|(name, count)| {
        vec![name.replace('_', " "), figure::count(*count), share(*count, summary.calls)]
    });
    Table { lead: String::new(), head: vec!["Tool calls", "Count", "Share"], rows: rows.collect() }
}

/// What was heard on the wire, whichever exchange it was.
fn details(summary: &Figures) -> Table {
    let mut rows = Vec::new();
    let mut add = |what: &str, counts: &Counts| {
        rows.extend(counts.iter().map(|(name, count)| {
            vec![format!("{what}{}", visible::line(name)), figure::count(*count)]
        }));
    };
    add("HTTP ", &summary.statuses);
    add("JSON-RPC error ", &summary.rpc_codes);
    add("", &summary.connect_failures);
    rows.extend(summary.throttles.iter().map(|(shape, seen)| {
        let asked = seen.retry_after_us.map_or("no Retry-After".to_owned(), |us| {
            format!("Retry-After p50 {}, max {}", figure::micros(us.p50), figure::micros(us.max))
        });
        vec![format!("throttled by {}", visible::line(shape)), figure::count(seen.count), asked]
    }));
    let head = if summary.throttles.is_empty() {
        vec!["HTTP exchanges", "Count"]
    } else {
        for row in &mut rows {
            row.resize(3, String::new());
        }
        vec!["HTTP exchanges", "Count", "They asked for"]
    };
    Table { lead: String::new(), head, rows }
}

fn handshake(report: &Report) -> Table {
    let summary = &report.summary;
    let known = Operation::ALL.into_iter().map(Operation::name);
    let rows = known.filter_map(|name| {
        let count = *summary.exchanges.get(name)?;
        let figures = summary.operations.get(name);
        let response = figures.map_or(Times::default(), |figures| {
            Times::new(figures.response_us, figures.response_at_least.as_ref())
        });
        Some(vec![
            name.to_owned(),
            figure::count(count),
            share(count, summary.http_exchanges),
            figures.map_or("–".to_owned(), |figures| figure::count(figures.errors)),
            response.cell(P50),
            response.cell(P99),
        ])
    });
    let lead = [
        format!(
            "{} HTTP requests and {} handshakes for each tool call; {} of all requests only make a \
             server usable (handshakes, and questions what it speaks).",
            summary.exchanges_per_call.map_or("–".to_owned(), figure::number),
            summary.handshakes_per_call.map_or("–".to_owned(), figure::number),
            share(summary.handshake_exchanges, summary.http_exchanges),
        ),
        sessions(report),
        begun(summary),
        grants::before(report).join(" "),
        format!(
            "{} sent, {} received.",
            figure::bytes(summary.bytes_sent),
            figure::bytes(summary.bytes_received)
        ),
    ];
    let said = lead.into_iter().filter(|sentence| !sentence.is_empty());
    let lead = said.collect::<Vec<_>>().join(" ");
    let head = vec!["Operation", "Requests", "Share", "Errors", "Response p50", "p99"];
    Table { lead, head, rows: rows.collect() }
}

fn sessions(report: &Report) -> String {
    let session = |name: &str| report.summary.sessions.get(name).copied().unwrap_or(0);
    if session("opened") == 0 && report.target.way() == Some(Way::Modern) {
        return "No sessions: this revision has none.".to_owned();
    }
    let opened = figure::count(session("opened"));
    let (opened, ended) = if report.target.way() == Some(Way::HttpSse) {
        (format!("{opened} opened, a stream each"), "ended with their stream")
    } else {
        let with_id = figure::count(session("with_id"));
        (format!("{opened} opened ({with_id} with an id)"), "ended with DELETE")
    };
    format!(
        "Sessions: {opened}, {} lost, {} {ended}, {} forgotten.",
        figure::count(session("lost")),
        figure::count(session("closed")),
        figure::count(session("abandoned")),
    )
}

/// What of the errors of handshakes is none.
fn begun(summary: &Figures) -> String {
    match grants::begun(summary) {
        0 => String::new(),
        begun => format!(
            "{} of the errors of {} are the 401 with which OAuth begins.",
            figure::count(begun),
            Operation::Initialize.name()
        ),
    }
}

/// How users came to tokens and what became of those; nothing without OAuth.
pub(super) fn tokens(report: &Report) -> Option<Table> {
    let said = grants::during(&report.summary).into_iter().chain(grants::before(report));
    grants::had_any(report).then(|| Table {
        lead: said.collect::<Vec<_>>().join(" "),
        head: vec!["Before the load", "Requests", "Errors", "Response p50", "p99"],
        rows: grants::legs(report).into_iter().map(Vec::from).collect(),
    })
}

/// What was found out of the rate limit; nothing where nobody looked.
pub(super) fn rate_limit(report: &Report) -> Option<Table> {
    let rows = rate_limits::rows(report.rate_limits.as_ref()?);
    let rows = rows.into_iter().map(|row| row.map(|cell| visible::line(&cell)).into());
    Some(Table {
        lead: visible::line(&rate_limits::paragraph(report)?),
        head: vec!["Tried while one was refused", "Served", "Refused", "Partly", "Void"],
        rows: rows.collect(),
    })
}

/// What windows of faults did; nothing without faults.
pub(super) fn faults(report: &Report) -> Option<Table> {
    let shown = &report.faults[..report.faults.len().min(MOST_WINDOWS)];
    let said = faults::sentences(shown);
    let more = report.faults.len().saturating_sub(MOST_WINDOWS);
    let more = match more {
        0 => String::new(),
        more => format!(" {more} more windows are in run.json."),
    };
    let cells =
        |damage: &Damage| faults::row(damage).iter().map(|cell| visible::line(cell)).collect();
    (!report.faults.is_empty()).then(|| Table {
        lead: visible::line(&format!("{}{more}", said.join(" "))),
        head: faults::HEAD.to_vec(),
        rows: shown.iter().map(cells).collect(),
    })
}

/// How the generator did.
pub(super) fn generator(report: &Report) -> Table {
    let generator = &report.generator;
    let times = |name: &str, us: Option<Percentiles>| {
        let cells = percentile::ALL.into_iter().take(6).map(|which| Times::exact(us).cell(which));
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    let mut lead = format!(
        "{} of the machine's cores, {} of CPU for each call.",
        figure::share(generator.cpu_share),
        figure::micros(generator.cpu_us_per_call.round() as u64)
    );
    if generator.panics > 0 {
        let (count, first) = (generator.panics, generator.panic_messages.join("; "));
        lead = format!("{lead} {count} simulated users panicked, a fault of squall: {first}");
    }
    Table {
        lead: visible::line(&lead),
        head: vec!["", "p50", "p90", "p95", "p99", "p99.9", "max"],
        rows: vec![
            times("Lag: calls started late by", generator.lag_us),
            times("Event loop woke late by", generator.loop_delay_us),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::receipt::Receipt;
    use crate::model::report::sample;

    #[test]
    fn sessions_are_what_the_way_of_speaking_has() {
        let mut report = sample::storm();
        let lead = |report: &Report| handshake(report).lead;
        let said = lead(&report);
        assert!(said.contains(" with an id)") && said.contains(" ended with DELETE"), "{said}");
        assert!(!said.contains("look before the load"), "{said}");
        report.target.transport = Some("http+sse".to_owned());
        let said = lead(&report);
        assert!(said.contains(" opened, a stream each, "), "{said}");
        assert!(said.contains(" ended with their stream") && !said.contains("DELETE"), "{said}");
        report.target.transport = Some("streamable-http".to_owned());
        report.target.protocol = Some("2026-07-28".to_owned());
        report.summary.sessions.clear();
        report.receipt = Some(Receipt { exchanges_before_the_load: 2, ..Receipt::default() });
        let said = lead(&report);
        assert!(said.contains("No sessions: this revision has none. The look before"), "{said}");
        assert!(said.contains(" took 2 more. "), "{said}");
    }
}
