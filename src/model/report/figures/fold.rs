//! How a summary becomes its figures.

use std::collections::BTreeMap;

use super::{
    ClassFigures, CompletionFigure, ConnectionFigures, Counts, EndFigures, Figures,
    OperationFigures, RaceFigures, RunFigures, ThrottleFigures, ToolFigures,
};
use crate::model::operation::Operation;
use crate::model::outcome::Class;
use crate::model::summary::Summary;
use crate::model::summary::calls::{Calls, Tally, Tool, UserClass};
use crate::model::summary::grants::Grants;
use crate::model::summary::races::{Races, Went};
use crate::model::summary::runs::{Completion, Runs};
use crate::model::summary::wire::{Connections, Exchanges};

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
            handshakes_per_call: summary.handshakes_per_call(),
            handshake_exchanges: wire.handshakes(),
            bytes_sent: wire.bytes_sent,
            bytes_received: wire.bytes_received,
            elapsed_s: summary.elapsed.as_secs_f64(),
            outcomes: outcomes(tally),
            operations: operations(summary),
            exchanges: wire
                .operations
                .iter()
                .map(|(operation, exchanges)| (operation.name().into(), exchanges.sent))
                .collect(),
            tools: summary.tools.iter().filter(|tool| tool.tally.count() > 0).map(tool).collect(),
            classes: summary.classes.iter().map(class).collect(),
            run: runs(&summary.runs),
            sessions: sessions(summary),
            grants: grants(&summary.grants),
            refresh_races: races(&summary.grants.races),
            first_call_with_token_us: summary.grants.first_call.percentiles(),
            first_call: first_call(&summary.grants.first_calls),
            statuses: named(wire.statuses.counts.iter(), wire.statuses.others),
            rpc_codes: named(wire.rpc_codes.counts.iter(), wire.rpc_codes.others),
            connect_failures: wire
                .connect_failures
                .iter()
                .map(|(failure, count)| (failure.name().to_owned(), *count))
                .collect(),
            throttles: throttles(summary),
            connections: connections(&wire.connections),
        }
    }
}

fn connections(opened: &Connections) -> ConnectionFigures {
    ConnectionFigures {
        opened: opened.tcp.count(),
        http2: opened.http2,
        tls: opened.tls.count(),
        tls_resumed: opened.resumed,
        unprocessed: opened.unprocessed,
        dns_us: opened.dns.percentiles(),
        tcp_us: opened.tcp.percentiles(),
        tls_us: opened.tls.percentiles(),
    }
}

fn outcomes(tally: &Tally) -> Counts {
    let occurred = |class: &Class| tally.of(*class) > 0 || *class == Class::Ok;
    let classes = Class::ALL.into_iter().filter(occurred);
    classes.map(|class| (class.name().to_owned(), tally.of(class))).collect()
}

fn first_call(tally: &Tally) -> Option<EndFigures> {
    let (count, errors) = (tally.count(), tally.errors());
    (count > 0).then(|| EndFigures { count, errors, outcomes: outcomes(tally) })
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
        unauthorised: calls.tally.of(Class::Unauthorised),
        outcomes: outcomes(&calls.tally),
        response_us: calls.times.response.percentiles(),
        response_ok_us: calls.times.response_ok.percentiles(),
        service_us: calls.times.service.percentiles(),
        preparation_us: calls.times.preparation.percentiles(),
        held_us: calls.times.held.percentiles(),
        lag_us: calls.times.lag.percentiles(),
        response_at_least: calls.times.response.at_least(&calls.times.unanswered.response),
        service_at_least: calls.times.service.at_least(&calls.times.unanswered.service),
    }
}

fn of_exchanges(exchanges: &Exchanges) -> OperationFigures {
    OperationFigures {
        count: exchanges.tally.count(),
        errors: exchanges.tally.errors(),
        throttled: exchanges.tally.of(Class::Throttled),
        unauthorised: exchanges.tally.of(Class::Unauthorised),
        outcomes: outcomes(&exchanges.tally),
        response_us: exchanges.response.percentiles(),
        response_ok_us: exchanges.response_ok.percentiles(),
        service_us: exchanges.service.percentiles(),
        preparation_us: exchanges.preparation.percentiles(),
        held_us: None,
        lag_us: None,
        response_at_least: exchanges.response.at_least(&exchanges.unanswered.response),
        service_at_least: exchanges.service.at_least(&exchanges.unanswered.service),
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
        response_at_least: tool.response.at_least(&tool.unanswered.response),
        service_at_least: tool.service.at_least(&tool.unanswered.service),
    };
    (tool.name.clone(), figures)
}

fn class(class: &UserClass) -> (String, ClassFigures) {
    let figures = ClassFigures {
        count: class.tally.count(),
        errors: class.tally.errors(),
        throttled: class.tally.of(Class::Throttled),
        response_us: class.response.percentiles(),
        service_us: class.service.percentiles(),
        response_at_least: class.response.at_least(&class.unanswered.response),
        service_at_least: class.service.at_least(&class.unanswered.service),
    };
    (class.name.clone(), figures)
}

/// The percentiles of the time to completion.
pub(in crate::model::report) fn completion(runs: &Runs) -> BTreeMap<String, CompletionFigure> {
    let percentiles = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)];
    let completion = percentiles.into_iter().filter_map(|(name, share)| {
        let figure = match runs.completion(share)? {
            Completion::Reached(us) => CompletionFigure { us, at_least: false },
            Completion::AtLeast(us) => CompletionFigure { us, at_least: true },
        };
        Some((name.to_owned(), figure))
    });
    completion.collect()
}

fn runs(runs: &Runs) -> RunFigures {
    RunFigures {
        completed: runs.completed,
        stopped: runs.stopped,
        cut: runs.cut,
        failed: runs.failed,
        completion: completion(runs),
        straggler_us: runs.straggler.percentiles(),
        calls: runs.calls.percentiles(),
        exchanges: runs.exchanges.percentiles(),
        subagents: runs.subagents,
        waves: runs.waves,
        wave_us: runs.wave.percentiles(),
        waves_ended: runs.wave.count(),
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

fn grants(grants: &Grants) -> Counts {
    let counts = grants.counts();
    let is_used = counts.iter().any(|(_, count)| *count > 0);
    let counts = counts.into_iter().filter(|_| is_used);
    counts.map(|(name, count)| (name.to_owned(), count)).collect()
}

fn races(races: &Races) -> Vec<RaceFigures> {
    races.iter().map(|(gap_ms, went)| RaceFigures::of(gap_ms, went)).collect()
}

impl RaceFigures {
    /// How the races of this gap went.
    fn of(gap_ms: u32, went: Went) -> Self {
        let Went { granted, refused, broken, failed, killed, well } = went;
        Self { gap_ms, granted, refused, broken, failed, killed, well }
    }

    /// The same as it was counted.
    pub fn went(self) -> Went {
        let Self { gap_ms: _, granted, refused, broken, failed, killed, well } = self;
        Went { granted, refused, broken, failed, killed, well }
    }
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
