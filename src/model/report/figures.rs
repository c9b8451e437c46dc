//! The figures of a summary, as `run.json` holds them. What was not measured is absent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::histogram::Percentiles;
use crate::model::operation::Operation;
use crate::model::outcome::Class;
use crate::model::summary::Summary;
use crate::model::summary::calls::{Calls, Tally, Tool, UserClass};
use crate::model::summary::runs::{Completion, Runs};
use crate::model::summary::wire::Exchanges;

/// Counts by a name.
pub type Counts = BTreeMap<String, u64>;

/// All figures of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Tool calls that came due and ended.
    pub calls: u64,
    /// Those that reached for the target: what errors are a share of.
    pub calls_sent: u64,
    /// Those that ended well.
    pub ok: u64,
    /// Those that ended in an error.
    pub errors: u64,
    /// Those refused for "too much".
    pub throttled: u64,
    /// Those the client's own cap never let go.
    pub never_sent: u64,
    /// Those still open when the run was cut; their response is a lower bound.
    pub unfinished: u64,
    /// Results longer than the client reads.
    pub over_cap: u64,
    /// Arrivals dropped at the ceiling of users.
    pub dropped: u64,
    /// Runs.
    pub runs: u64,
    /// Runs the end of the load cut.
    pub runs_cut: u64,
    /// Simulated users.
    pub users: u32,
    /// HTTP exchanges.
    pub http_exchanges: u64,
    /// Exchanges for each call sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchanges_per_call: Option<f64>,
    /// Exchanges that only make a session usable.
    pub handshake_exchanges: u64,
    /// Bytes written.
    pub bytes_sent: u64,
    /// Bytes read.
    pub bytes_received: u64,
    /// Seconds to the last event.
    pub elapsed_s: f64,
    /// Calls by how they ended; those that did not occur are absent, but `ok`.
    pub outcomes: Counts,
    /// Times by operation: of calls for `tools/call`, of exchanges for the others.
    pub operations: BTreeMap<String, OperationFigures>,
    /// HTTP exchanges by operation.
    pub exchanges: Counts,
    /// By tool.
    pub tools: BTreeMap<String, ToolFigures>,
    /// By user class.
    pub classes: BTreeMap<String, ClassFigures>,
    /// What runs came to.
    pub run: RunFigures,
    /// What became of sessions.
    pub sessions: Counts,
    /// Answers by HTTP status.
    pub statuses: Counts,
    /// JSON-RPC errors by code.
    pub rpc_codes: Counts,
    /// Failed connections by how.
    pub connect_failures: Counts,
    /// Refusals for "too much" by their shape.
    pub throttles: BTreeMap<String, ThrottleFigures>,
    /// Time of TCP handshakes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<Percentiles>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words of model::event::Instants")]
pub struct OperationFigures {
    pub count: u64,
    pub errors: u64,
    pub throttled: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_us: Option<Percentiles>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_ok_us: Option<Percentiles>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_us: Option<Percentiles>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation_us: Option<Percentiles>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_us: Option<Percentiles>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_us: Option<Percentiles>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ToolFigures {
    /// Calls.
    pub count: u64,
    /// Calls that ended in an error.
    pub errors: u64,
    /// Calls refused for "too much".
    pub throttled: u64,
    /// Results longer than the client reads.
    pub over_cap: u64,
    /// Characters of text in results.
    pub result_chars: u64,
    /// What users felt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_us: Option<Percentiles>,
    /// What the target did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_us: Option<Percentiles>,
}

/// One class of user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClassFigures {
    /// Calls.
    pub count: u64,
    /// Calls that ended in an error.
    pub errors: u64,
    /// Calls refused for "too much".
    pub throttled: u64,
    /// What its users felt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_us: Option<Percentiles>,
}

/// What runs came to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RunFigures {
    /// Runs that came to their own end.
    pub completed: u64,
    /// Runs their person stopped.
    pub stopped: u64,
    /// Runs the end of the load cut.
    pub cut: u64,
    /// Runs that never got a usable connection or tool list.
    pub failed: u64,
    /// Time to completion by percentile (`p50`, `p90`, `p95`, `p99`), runs that were cut or stopped
    /// taken as longer than seen.
    pub completion: BTreeMap<String, CompletionFigure>,
    /// How long the slowest subagent held back its wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub straggler_us: Option<Percentiles>,
    /// Calls of a completed run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<Percentiles>,
    /// HTTP exchanges of a completed run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchanges: Option<Percentiles>,
    /// Subagents of all runs.
    pub subagents: u64,
    /// Waves of all runs.
    pub waves: u64,
}

/// A percentile of the time to completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionFigure {
    /// The time, in microseconds.
    pub us: u64,
    /// It is this or more: too many runs never completed to say.
    pub at_least: bool,
}

/// Refusals of one shape.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ThrottleFigures {
    /// How many.
    pub count: u64,
    /// How long those that said so asked to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_us: Option<Percentiles>,
    /// How many said so.
    pub with_retry_after: u64,
}

impl Figures {
    /// The figures of a summary.
    pub fn of(summary: &Summary) -> Self {
        let (tally, wire) = (&summary.calls.tally, &summary.wire);
        Self {
            calls: tally.count(),
            calls_sent: tally.sent(),
            ok: tally.of(Class::Ok),
            errors: tally.errors(),
            throttled: tally.of(Class::Throttled),
            never_sent: tally.of(Class::NeverSent),
            unfinished: tally.of(Class::Unfinished),
            over_cap: summary.calls.over_cap,
            dropped: summary.dropped,
            runs: summary.runs.count(),
            runs_cut: summary.runs.cut,
            users: summary.users,
            http_exchanges: wire.total(),
            exchanges_per_call: summary.exchanges_per_call(),
            handshake_exchanges: wire.handshakes(),
            bytes_sent: wire.bytes_sent,
            bytes_received: wire.bytes_received,
            elapsed_s: summary.elapsed.as_secs_f64(),
            outcomes: outcomes(tally),
            operations: operations(summary),
            exchanges: wire
                .operations
                .iter()
                .map(|(operation, exchanges)| (operation.name().into(), exchanges.tally.count()))
                .collect(),
            tools: summary.tools.iter().filter(|tool| tool.tally.count() > 0).map(tool).collect(),
            classes: summary.classes.iter().map(class).collect(),
            run: runs(&summary.runs),
            sessions: sessions(summary),
            statuses: named(wire.statuses.counts.iter(), wire.statuses.others),
            rpc_codes: named(wire.rpc_codes.counts.iter(), wire.rpc_codes.others),
            connect_failures: wire
                .connect_failures
                .iter()
                .map(|(failure, count)| (failure.name().to_owned(), *count))
                .collect(),
            throttles: throttles(summary),
            connect_us: wire.connect.percentiles(),
        }
    }
}

fn outcomes(tally: &Tally) -> Counts {
    let occurred = |class: &Class| tally.of(*class) > 0 || *class == Class::Ok;
    let classes = Class::ALL.into_iter().filter(occurred);
    classes.map(|class| (class.name().to_owned(), tally.of(class))).collect()
}

fn operations(summary: &Summary) -> BTreeMap<String, OperationFigures> {
    let mut operations = BTreeMap::new();
    if summary.calls.tally.count() > 0 {
        operations.insert(Operation::ToolsCall.name().to_owned(), of_calls(&summary.calls));
    }
    for (operation, exchanges) in &summary.wire.operations {
        if *operation != Operation::ToolsCall {
            operations.insert(operation.name().to_owned(), of_exchanges(exchanges));
        }
    }
    operations
}

fn of_calls(calls: &Calls) -> OperationFigures {
    OperationFigures {
        count: calls.tally.count(),
        errors: calls.tally.errors(),
        throttled: calls.tally.of(Class::Throttled),
        response_us: calls.times.response.percentiles(),
        response_ok_us: calls.times.response_ok.percentiles(),
        service_us: calls.times.service.percentiles(),
        preparation_us: calls.times.preparation.percentiles(),
        held_us: calls.times.held.percentiles(),
        lag_us: calls.times.lag.percentiles(),
    }
}

fn of_exchanges(exchanges: &Exchanges) -> OperationFigures {
    OperationFigures {
        count: exchanges.tally.count(),
        errors: exchanges.tally.errors(),
        throttled: exchanges.tally.of(Class::Throttled),
        response_us: exchanges.response.percentiles(),
        response_ok_us: exchanges.response_ok.percentiles(),
        service_us: exchanges.service.percentiles(),
        preparation_us: exchanges.preparation.percentiles(),
        held_us: None,
        lag_us: None,
    }
}

fn tool(tool: &Tool) -> (String, ToolFigures) {
    let figures = ToolFigures {
        count: tool.tally.count(),
        errors: tool.tally.errors(),
        throttled: tool.tally.of(Class::Throttled),
        over_cap: tool.over_cap,
        result_chars: tool.result_chars,
        response_us: tool.response.percentiles(),
        service_us: tool.service.percentiles(),
    };
    (tool.name.clone(), figures)
}

fn class(class: &UserClass) -> (String, ClassFigures) {
    let figures = ClassFigures {
        count: class.tally.count(),
        errors: class.tally.errors(),
        throttled: class.tally.of(Class::Throttled),
        response_us: class.response.percentiles(),
    };
    (class.name.clone(), figures)
}

fn runs(runs: &Runs) -> RunFigures {
    let percentiles = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)];
    let completion = percentiles.into_iter().filter_map(|(name, share)| {
        let figure = match runs.completion(share)? {
            Completion::Reached(us) => CompletionFigure { us, at_least: false },
            Completion::AtLeast(us) => CompletionFigure { us, at_least: true },
        };
        Some((name.to_owned(), figure))
    });
    RunFigures {
        completed: runs.completed,
        stopped: runs.stopped,
        cut: runs.cut,
        failed: runs.failed,
        completion: completion.collect(),
        straggler_us: runs.straggler.percentiles(),
        calls: runs.calls.percentiles(),
        exchanges: runs.exchanges.percentiles(),
        subagents: runs.subagents,
        waves: runs.waves,
    }
}

fn sessions(summary: &Summary) -> Counts {
    let sessions = &summary.sessions;
    [
        ("opened", sessions.opened),
        ("with_id", sessions.with_id),
        ("lost", sessions.lost),
        ("closed", sessions.closed),
        ("abandoned", sessions.abandoned),
    ]
    .into_iter()
    .map(|(name, count)| (name.to_owned(), count))
    .collect()
}

fn named<'a, K: ToString + 'a>(
    counts: impl Iterator<Item = (&'a K, &'a u64)>,
    others: u64,
) -> Counts {
    let others = (others > 0).then(|| ("others".to_owned(), others));
    counts.map(|(key, count)| (key.to_string(), *count)).chain(others).collect()
}

fn throttles(summary: &Summary) -> BTreeMap<String, ThrottleFigures> {
    let shapes = summary.wire.throttles.iter();
    let figures = shapes.map(|(signal, seen)| {
        let figures = ThrottleFigures {
            count: seen.count,
            retry_after_us: seen.retry_after.percentiles(),
            with_retry_after: seen.retry_after.count(),
        };
        (signal.name().to_owned(), figures)
    });
    figures.collect()
}
