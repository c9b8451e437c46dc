//! The figures of a summary, as `run.json` holds them. What was not measured is absent.

/// How a summary becomes its figures.
mod fold;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::histogram::Percentiles;
use crate::model::histogram::bound::AtLeast;

pub(in crate::model::report) use fold::completion;

/// Counts by a name.
pub type Counts = BTreeMap<String, u64>;

/// All figures of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
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
    /// HTTP exchanges of which a byte left.
    pub http_exchanges: u64,
    /// Exchanges for each call sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanges_per_call: Option<f64>,
    /// Handshakes for each call sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshakes_per_call: Option<f64>,
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
    /// HTTP exchanges by operation, of which a byte left.
    pub exchanges: Counts,
    /// By tool.
    pub tools: BTreeMap<String, ToolFigures>,
    /// By user class.
    pub classes: BTreeMap<String, ClassFigures>,
    /// What runs came to.
    pub run: RunFigures,
    /// What became of sessions.
    pub sessions: Counts,
    /// What became of what authorization servers gave users; empty without OAuth.
    pub grants: Counts,
    /// Refresh tokens that two processes presented, by how long after the first the second did, the
    /// shortest gap first; absent without such races.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refresh_races: Vec<RaceFigures>,
    /// What users felt of the first call with each access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_call_with_token_us: Option<Percentiles>,
    /// How those calls ended; absent without OAuth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_call: Option<EndFigures>,
    /// Answers by HTTP status.
    pub statuses: Counts,
    /// JSON-RPC errors by code.
    pub rpc_codes: Counts,
    /// Failed connections by how.
    pub connect_failures: Counts,
    /// Refusals for "too much" by their shape.
    pub throttles: BTreeMap<String, ThrottleFigures>,
    /// Connections that were opened.
    pub connections: ConnectionFigures,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the words of model::event::Instants")]
pub struct OperationFigures {
    pub count: u64,
    pub errors: u64,
    pub throttled: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub unauthorised: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outcomes: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_us: Option<Percentiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_ok_us: Option<Percentiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_us: Option<Percentiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preparation_us: Option<Percentiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_us: Option<Percentiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_us: Option<Percentiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_at_least: Option<AtLeast>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_at_least: Option<AtLeast>,
}

/// How some calls ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EndFigures {
    /// How many.
    pub count: u64,
    /// Those that ended in an error.
    pub errors: u64,
    /// By how they ended.
    pub outcomes: Counts,
}

/// One tool.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_us: Option<Percentiles>,
    /// What the target did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_us: Option<Percentiles>,
    /// Which figures of response are lower bounds; absent when none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_at_least: Option<AtLeast>,
    /// Which figures of service are lower bounds; absent when none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_at_least: Option<AtLeast>,
}

/// One class of user.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClassFigures {
    /// Calls.
    pub count: u64,
    /// Calls that ended in an error.
    pub errors: u64,
    /// Calls refused for "too much".
    pub throttled: u64,
    /// What its users felt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_us: Option<Percentiles>,
    /// What the target did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_us: Option<Percentiles>,
    /// Which figures of response are lower bounds; absent when none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_at_least: Option<AtLeast>,
    /// Which figures of service are lower bounds; absent when none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_at_least: Option<AtLeast>,
}

/// What runs came to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFigures {
    /// Runs that came to their own end.
    pub completed: u64,
    /// Runs their person stopped.
    pub stopped: u64,
    /// Runs the end of the load cut.
    pub cut: u64,
    /// Runs of which not one call was answered well.
    pub failed: u64,
    /// Time to completion by percentile (`p50`, `p90`, `p95`, `p99`), runs that were cut or stopped
    /// taken as longer than seen.
    pub completion: BTreeMap<String, CompletionFigure>,
    /// How long the slowest subagent held back its wave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub straggler_us: Option<Percentiles>,
    /// Calls of a completed run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<Percentiles>,
    /// HTTP exchanges of a completed run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanges: Option<Percentiles>,
    /// Subagents of all runs.
    pub subagents: u64,
    /// Waves of all runs.
    pub waves: u64,
    /// How long the waves took whose barrier opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave_us: Option<Percentiles>,
    /// How many of them there were; the others were cut with their run.
    pub waves_ended: u64,
}

/// A percentile of the time to completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionFigure {
    /// The time, in microseconds.
    pub us: u64,
    /// It is this or more: too many runs never completed to say.
    pub at_least: bool,
}

/// Connections that were opened, and what that took.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionFigures {
    /// How many.
    pub opened: u64,
    /// Those that speak HTTP/2; the others HTTP/1.1.
    pub http2: u64,
    /// Those with TLS.
    pub tls: u64,
    /// Those whose TLS went on with an earlier session.
    pub tls_resumed: u64,
    /// Requests that left and that the target said it did nothing about (HTTP/2); they were sent
    /// again, and no other figure counts them.
    pub unprocessed: u64,
    /// Name resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_us: Option<Percentiles>,
    /// The TCP handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_us: Option<Percentiles>,
    /// The TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_us: Option<Percentiles>,
}

/// Races for a refresh token with one gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RaceFigures {
    /// The gap in milliseconds; from 100 on the last two digits are cut.
    pub gap_ms: u32,
    /// Seconds that got tokens.
    pub granted: u64,
    /// Those that were told that the refresh token is no longer good.
    pub refused: u64,
    /// Those that were answered 500.
    pub broken: u64,
    /// Those that were told none of these.
    pub failed: u64,
    /// Races after which the first one's tokens were good no longer.
    pub killed: u64,
    /// Races whose second got tokens, and nothing was seen to befall the first one's.
    pub well: u64,
}

/// Refusals of one shape.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ThrottleFigures {
    /// How many.
    pub count: u64,
    /// How long those that said so asked to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_us: Option<Percentiles>,
    /// How many said so.
    pub with_retry_after: u64,
}
