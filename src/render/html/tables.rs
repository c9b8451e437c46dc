//! The tables of the page, as rows of text.

use serde::Serialize;

use crate::model::figure;
use crate::model::histogram::Percentiles;
use crate::model::operation::Operation;
use crate::model::report::Report;
use crate::model::report::figures::{Counts, Figures, OperationFigures};
use crate::render::visible;

/// A table: the first cell of a row is its name, the others are figures.
#[derive(Serialize, Default)]
pub(super) struct Table {
    lead: String,
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// Every table of the page.
#[derive(Serialize)]
pub(super) struct Tables {
    times: Table,
    tools: Table,
    classes: Option<Table>,
    outcomes: Table,
    details: Table,
    handshake: Table,
    runs: Table,
    run_facts: Table,
}

/// The tables of a report.
pub(super) fn tables(report: &Report) -> Tables {
    let summary = &report.summary;
    Tables {
        times: times(summary),
        tools: tools(summary),
        classes: (summary.classes.len() > 1 && summary.calls > 0).then(|| classes(summary)),
        outcomes: outcomes(summary),
        details: details(summary),
        handshake: handshake(summary),
        runs: completion(summary),
        run_facts: run_facts(summary),
    }
}

/// A share as percent; a dash when there is nothing to have a share of.
pub(super) fn share(count: u64, total: u64) -> String {
    if total == 0 { "–".to_owned() } else { figure::share(count as f64 / total as f64) }
}

fn time(us: Option<u64>) -> String {
    us.map_or("–".to_owned(), figure::micros)
}

/// A percentile's name, and how it is read.
type Named = (&'static str, fn(Percentiles) -> u64);

const PERCENTILES: [Named; 7] = [
    ("p50", |us| us.p50),
    ("p90", |us| us.p90),
    ("p95", |us| us.p95),
    ("p99", |us| us.p99),
    ("p99.9", |us| us.p999),
    ("max", |us| us.max),
    ("mean", |us| us.mean),
];

fn times(summary: &Figures) -> Table {
    let none = OperationFigures::default();
    let calls = summary.operations.get(Operation::ToolsCall.name()).unwrap_or(&none);
    let columns = [
        calls.response_us,
        calls.service_us,
        calls.response_ok_us,
        calls.preparation_us,
        calls.held_us,
        calls.lag_us,
    ];
    let row = |(name, pick): Named| {
        let figures = columns.into_iter().map(|column| time(column.map(pick)));
        std::iter::once(name.to_owned()).chain(figures).collect()
    };
    let mut lead = "Response is from due to done and holds every call that was due, failures with \
                    the time until they failed. Response = lag + held + preparation + service."
        .to_owned();
    if summary.unfinished > 0 {
        let open = figure::count(summary.unfinished);
        lead = format!(
            "{lead} {open} calls were still open when the run ended and count with the time until \
             then."
        );
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
        rows: PERCENTILES.into_iter().filter(|_| summary.calls > 0).map(row).collect(),
    }
}

fn tools(summary: &Figures) -> Table {
    let rows = summary.tools.iter().map(|(name, tool)| {
        let response = |pick: fn(Percentiles) -> u64| time(tool.response_us.map(pick));
        let service = |pick: fn(Percentiles) -> u64| time(tool.service_us.map(pick));
        vec![
            visible::line(name),
            figure::count(tool.count),
            share(tool.errors, tool.count),
            share(tool.throttled, tool.count),
            response(|us| us.p50),
            response(|us| us.p95),
            response(|us| us.p99),
            service(|us| us.p50),
            service(|us| us.p99),
            figure::count(tool.over_cap),
        ]
    });
    Table {
        lead: "Cut: results longer than the client reads.".to_owned(),
        head: vec![
            "Tool",
            "Calls",
            "Errors",
            "Throttled",
            "Response p50",
            "p95",
            "p99",
            "Service p50",
            "p99",
            "Cut",
        ],
        rows: rows.collect(),
    }
}

fn classes(summary: &Figures) -> Table {
    let rows = summary.classes.iter().map(|(name, class)| {
        let response = |pick: fn(Percentiles) -> u64| time(class.response_us.map(pick));
        vec![
            visible::line(name),
            figure::count(class.count),
            share(class.errors, class.count),
            share(class.throttled, class.count),
            response(|us| us.p50),
            response(|us| us.p99),
        ]
    });
    Table {
        lead: String::new(),
        head: vec!["User class", "Calls", "Errors", "Throttled", "Response p50", "p99"],
        rows: rows.collect(),
    }
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
            vec![format!("{what}{}", visible::line(name)), figure::count(*count), String::new()]
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
    Table { lead: String::new(), head: vec!["HTTP exchanges", "Count", ""], rows }
}

fn handshake(summary: &Figures) -> Table {
    let known = Operation::ALL.into_iter().map(Operation::name);
    let rows = known.filter_map(|name| {
        let count = *summary.exchanges.get(name)?;
        let figures = summary.operations.get(name).filter(|_| name != Operation::ToolsCall.name());
        let response =
            |pick: fn(Percentiles) -> u64| time(figures.and_then(|f| f.response_us).map(pick));
        Some(vec![
            name.to_owned(),
            figure::count(count),
            share(count, summary.http_exchanges),
            figures.map_or("–".to_owned(), |figures| figure::count(figures.errors)),
            response(|us| us.p50),
            response(|us| us.p99),
        ])
    });
    let session = |name: &str| summary.sessions.get(name).copied().unwrap_or(0);
    let lead = format!(
        "{} HTTP requests for each tool call; {} of all requests only make a session usable. \
         Sessions: {} opened ({} with an id), {} lost, {} ended with DELETE, {} forgotten. \
         {} sent, {} received.",
        summary.exchanges_per_call.map_or("–".to_owned(), figure::number),
        share(summary.handshake_exchanges, summary.http_exchanges),
        figure::count(session("opened")),
        figure::count(session("with_id")),
        figure::count(session("lost")),
        figure::count(session("closed")),
        figure::count(session("abandoned")),
        figure::bytes(summary.bytes_sent),
        figure::bytes(summary.bytes_received),
    );
    let head = vec!["Operation", "Requests", "Share", "Errors", "Response p50", "p99"];
    Table { lead, head, rows: rows.collect() }
}

fn completion(summary: &Figures) -> Table {
    let run = &summary.run;
    let rows = run.completion.iter().map(|(name, figure)| {
        let bound = if figure.at_least { "at least " } else { "" };
        vec![name.clone(), format!("{bound}{}", figure::micros(figure.us))]
    });
    Table {
        lead: format!(
            "{} runs: {} completed, {} stopped by their person, {} cut by the end of the load, {} \
             failed to start. Runs that were stopped or cut count as longer than was seen \
             (Kaplan-Meier); failed ones as never ending.",
            figure::count(summary.runs),
            figure::count(run.completed),
            figure::count(run.stopped),
            figure::count(run.cut),
            figure::count(run.failed)
        ),
        head: vec!["Time to completion", ""],
        rows: rows.collect(),
    }
}

fn run_facts(summary: &Figures) -> Table {
    let run = &summary.run;
    let counts = |name: &str, of: Option<Percentiles>| {
        of.map(|of| {
            vec![
                name.to_owned(),
                figure::count(of.p50),
                figure::count(of.p95),
                figure::count(of.max),
            ]
        })
    };
    let straggler = run.straggler_us.map(|us| {
        let cells = [us.p50, us.p95, us.max].map(figure::micros);
        std::iter::once("Wave held back by its slowest subagent".to_owned()).chain(cells).collect()
    });
    let rows = [
        straggler,
        counts("Calls of a completed run", run.calls),
        counts("HTTP requests of a completed run", run.exchanges),
    ];
    Table {
        lead: format!(
            "{} subagents in {} waves.",
            figure::count(run.subagents),
            figure::count(run.waves)
        ),
        head: vec!["", "p50", "p95", "max"],
        rows: rows.into_iter().flatten().collect(),
    }
}

/// How the generator did.
pub(super) fn generator(report: &Report) -> Table {
    let generator = &report.generator;
    let times = |name: &str, us: Option<Percentiles>| {
        let cells = PERCENTILES.iter().take(6).map(|(_, pick)| time(us.map(pick)));
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
