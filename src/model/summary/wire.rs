//! HTTP exchanges: how many of each kind, how they ended, what they cost.

use std::collections::BTreeMap;

use super::calls::Tally;
use super::evidence::Bounded;
use super::unanswered::Unanswered;
use crate::model::event::{Exchange, Opened};
use crate::model::histogram::Histogram;
use crate::model::operation::Operation;
use crate::model::outcome::{Class, ConnectFailure, Outcome, Signal};

/// All HTTP exchanges of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wire {
    /// By operation; operations never performed are absent.
    pub operations: BTreeMap<Operation, Exchanges>,
    /// By HTTP status.
    pub statuses: Bounded<u16>,
    /// JSON-RPC errors by code.
    pub rpc_codes: Bounded<i64>,
    /// Failed connections by how.
    pub connect_failures: BTreeMap<ConnectFailure, u64>,
    /// Refusals for "too much", by their shape.
    pub throttles: BTreeMap<Signal, Throttles>,
    /// The connections that were opened.
    pub connections: Connections,
    /// Bytes written, heads included.
    pub bytes_sent: u64,
    /// Bytes read, heads included.
    pub bytes_received: u64,
}

/// The exchanges of one operation. For `tools/call` the times stay empty: its users' times are the
/// calls' ([`super::calls::Times`]).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exchanges {
    /// How they ended, those that never reached the target among them.
    pub tally: Tally,
    /// Those of which a byte left: all that the target can have seen.
    pub sent: u64,
    /// From asking for a connection to the answer; of a GET stream, to its head.
    pub response: Histogram,
    /// The same of those that ended well.
    pub response_ok: Histogram,
    /// From the first byte of the request to the same end.
    pub service: Histogram,
    /// Connecting.
    pub preparation: Histogram,
    /// Those of these that are only lower bounds.
    pub unanswered: Unanswered,
}

/// Connections that were opened, and what that took.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Connections {
    /// Those that speak HTTP/2.
    pub http2: u64,
    /// Those whose TLS went on with an earlier session.
    pub resumed: u64,
    /// Requests that left on them and that the target did nothing about.
    pub unprocessed: u64,
    /// Name resolution.
    pub dns: Histogram,
    /// The TCP handshake, of every connection.
    pub tcp: Histogram,
    /// The TLS handshake, of those with TLS.
    pub tls: Histogram,
}

impl Connections {
    fn add(&mut self, opened: &Opened) {
        self.http2 += u64::from(opened.http2);
        self.resumed += u64::from(opened.resumed);
        self.dns.record(opened.dns);
        self.tcp.record(opened.tcp);
        if let Some(tls) = opened.tls {
            self.tls.record(tls);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.http2 += other.http2;
        self.resumed += other.resumed;
        self.unprocessed += other.unprocessed;
        self.dns.merge(&other.dns);
        self.tcp.merge(&other.tcp);
        self.tls.merge(&other.tls);
    }
}

/// Refusals of one shape.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Throttles {
    /// How many.
    pub count: u64,
    /// Those that said how long to wait, and how long.
    pub retry_after: Histogram,
}

impl Exchanges {
    fn add(&mut self, exchange: &Exchange) {
        let class = exchange.outcome.class();
        self.tally.add(class, exchange.sent.is_some());
        self.sent += u64::from(exchange.sent.is_some());
        if exchange.operation == Operation::ToolsCall {
            return;
        }
        let end = match exchange.operation {
            Operation::Stream => exchange.headers,
            _ => exchange.answer,
        };
        let unanswered = end.is_none() && exchange.outcome.is_unanswered();
        let end = end.unwrap_or(exchange.end);
        let response = end.saturating_sub(exchange.began);
        self.response.record(response);
        if class == Class::Ok {
            self.response_ok.record(response);
        }
        if let Some(sent) = exchange.sent {
            self.preparation.record(sent.saturating_sub(exchange.began));
            self.service.record(end.saturating_sub(sent));
        }
        if unanswered {
            self.unanswered.add(response, exchange.sent.map(|sent| end.saturating_sub(sent)));
        }
    }

    fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        self.sent += other.sent;
        self.response.merge(&other.response);
        self.response_ok.merge(&other.response_ok);
        self.service.merge(&other.service);
        self.preparation.merge(&other.preparation);
        self.unanswered.merge(&other.unanswered);
    }
}

impl Wire {
    pub(super) fn add(&mut self, exchange: &Exchange) {
        self.operations.entry(exchange.operation).or_default().add(exchange);
        if let Some(status) = exchange.status {
            self.statuses.add(status, 1);
        }
        if let Some(opened) = &exchange.opened {
            self.connections.add(opened);
        }
        self.connections.unprocessed += u64::from(exchange.unprocessed);
        self.bytes_sent += u64::from(exchange.bytes_sent);
        self.bytes_received += u64::from(exchange.bytes_received);
        match exchange.outcome {
            Outcome::RpcError(code) => self.rpc_codes.add(code, 1),
            Outcome::Connect(failure) => *self.connect_failures.entry(failure).or_default() += 1,
            Outcome::Throttled(throttle) => {
                let throttles = self.throttles.entry(throttle.signal).or_default();
                throttles.count += 1;
                if let Some(wait) = throttle.retry_after {
                    throttles.retry_after.record(wait);
                }
            }
            _ => {}
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (operation, exchanges) in &other.operations {
            self.operations.entry(*operation).or_default().merge(exchanges);
        }
        self.statuses.merge(&other.statuses);
        self.rpc_codes.merge(&other.rpc_codes);
        for (failure, count) in &other.connect_failures {
            *self.connect_failures.entry(*failure).or_default() += count;
        }
        for (signal, theirs) in &other.throttles {
            let mine = self.throttles.entry(*signal).or_default();
            mine.count += theirs.count;
            mine.retry_after.merge(&theirs.retry_after);
        }
        self.connections.merge(&other.connections);
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
    }

    /// Exchanges of one operation that were sent.
    pub fn count(&self, operation: Operation) -> u64 {
        self.operations.get(&operation).map_or(0, |exchanges| exchanges.sent)
    }

    /// All exchanges that were sent.
    pub fn total(&self) -> u64 {
        self.operations.values().map(|exchanges| exchanges.sent).sum()
    }

    /// Exchanges that only make calls possible.
    pub fn handshakes(&self) -> u64 {
        Operation::HANDSHAKE.into_iter().map(|operation| self.count(operation)).sum()
    }
}
