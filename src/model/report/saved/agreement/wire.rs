//! What a saved run's figures of the wire owe each other: statuses, sessions, connections, bytes.

use super::{Held, same, sum};
use crate::model::operation::Operation;
use crate::model::outcome::Class;
use crate::model::report::Report;
use crate::model::report::figures::{ConnectionFigures, Figures};

/// Holds them against each other. All of these are bounds: what was cut in the middle of an
/// exchange may lack its answer, and a session that was never ended its end.
pub(super) fn check(report: &Report) -> Held {
    let summary = &report.summary;
    exchanges(summary)?;
    statuses(report)?;
    sessions(report)?;
    connections(summary)?;
    at_least("summary.bytes_sent", summary.bytes_sent, "summary.http_exchanges are", {
        summary.http_exchanges
    })?;
    let answers = sum("summary.statuses", summary.statuses.values().copied())?;
    at_least("summary.bytes_received", summary.bytes_received, "summary.statuses count", answers)
}

fn at_least(name: &str, found: u64, other: &str, least: u64) -> Held {
    if found >= least { Ok(()) } else { Err(format!("{name} is {found}, {other} {least}")) }
}

fn at_most(name: &str, found: u64, other: &str, most: u64) -> Held {
    if found <= most { Ok(()) } else { Err(format!("{name} is {found}, {other} {most}")) }
}

/// Exchanges other than tool calls, of which every one is counted whether or not it was sent.
fn others(summary: &Figures) -> impl Iterator<Item = (&str, u64)> {
    let timed = summary.operations.iter().filter(|(name, _)| *name != Operation::ToolsCall.name());
    timed.map(|(name, figures)| (name.as_str(), figures.count))
}

fn exchanges(summary: &Figures) -> Held {
    for (name, count) in others(summary) {
        let sent = summary.exchanges.get(name).copied().unwrap_or(0);
        at_most(&format!("summary.exchanges of {name}"), sent, "summary.operations count", count)?;
    }
    let of = |operation: Operation| summary.exchanges.get(operation.name()).copied().unwrap_or(0);
    let handshakes = Operation::HANDSHAKE.into_iter().map(of).fold(0, u64::saturating_add);
    let name = "summary.handshake_exchanges";
    same(name, summary.handshake_exchanges, "summary.exchanges make it", handshakes)
}

/// Exchanges of one operation that ended well over the timeline.
fn went_well(report: &Report, operation: &str) -> u64 {
    let moments = report.timeline.iter().filter_map(|point| point.operations.get(operation));
    let well = moments.filter_map(|moment| moment.outcomes.get(Class::Ok.name()));
    well.map(|count| u64::from(*count)).sum()
}

/// Whatever was answered had a status, and whatever had one was sent.
fn statuses(report: &Report) -> Held {
    let summary = &report.summary;
    let is_status = |name: &String| {
        name == "others" || name.parse().is_ok_and(|status: u16| (100..1000).contains(&status))
    };
    if let Some(unknown) = summary.statuses.keys().find(|name| !is_status(name)) {
        return Err(format!("summary.statuses: {unknown:?} is no HTTP status"));
    }
    let total = sum("summary.statuses", summary.statuses.values().copied())?;
    let name = "the sum of summary.statuses";
    at_most(name, total, "summary.http_exchanges are", summary.http_exchanges)?;
    let answered = others(summary).map(|(name, _)| went_well(report, name)).sum::<u64>();
    let answered = answered.saturating_add(summary.ok);
    at_least(name, total, "the exchanges that ended well are", answered)
}

/// A session was opened by a handshake that ended well, and ended once at most.
fn sessions(report: &Report) -> Held {
    let sessions = &report.summary.sessions;
    let of = |name: &str| sessions.get(name).copied().unwrap_or(0);
    let opened = of("opened");
    let name = "summary.sessions.opened";
    let handshakes = went_well(report, Operation::Initialize.name());
    at_most(name, opened, "the handshakes that ended well are", handshakes)?;
    let ended = sum("summary.sessions", ["lost", "closed", "abandoned"].into_iter().map(of))?;
    at_least(name, opened, "those lost, closed and abandoned are", ended)?;
    at_least(name, opened, "those with_id are", of("with_id"))
}

fn connections(summary: &Figures) -> Held {
    let ConnectionFigures {
        opened,
        http2,
        tls,
        tls_resumed,
        dns_us,
        tcp_us,
        tls_us,
        unprocessed: _,
    } = summary.connections;
    let (name, with_tls) = ("summary.connections.opened", "summary.connections.tls");
    at_least(name, opened, "those of HTTP/2 are", http2)?;
    at_least(name, opened, "those with TLS are", tls)?;
    at_least(with_tls, tls, "those resumed are", tls_resumed)?;
    let times = [
        (name, "dns_us", dns_us, opened),
        (name, "tcp_us", tcp_us, opened),
        (with_tls, "tls_us", tls_us, tls),
    ];
    for (name, time, there, count) in times {
        if there.is_some() != (count > 0) {
            return Err(format!("{name} is {count}, and summary.connections.{time} does not fit"));
        }
        let told = there.map_or(0, |us| us.distinct());
        at_least(name, count, &format!("{time} tells apart"), told)?;
    }
    if opened == 0 && summary.http_exchanges > 0 {
        return Err(format!("{name} is 0, summary.http_exchanges {}", summary.http_exchanges));
    }
    at_most(name, opened, "the exchanges that can have opened one are", openers(summary))
}

/// Exchanges at most, sent or not. Of those of tool calls only the sent are counted; one of which
/// no byte left failed to connect, or ended its call.
fn openers(summary: &Figures) -> u64 {
    let unsent = others(summary)
        .map(|(name, count)| count - summary.exchanges.get(name).copied().unwrap_or(0).min(count));
    let given_up = [Class::Timeout, Class::Cancelled, Class::Unfinished, Class::Connect];
    let given_up = given_up.iter().filter_map(|class| summary.outcomes.get(class.name()).copied());
    let refused = summary.connect_failures.values().copied();
    unsent.chain(given_up).chain(refused).fold(summary.http_exchanges, u64::saturating_add)
}
