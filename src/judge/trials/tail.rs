//! How trials ended, in words.

use crate::model::outcome::Outcome;

/// How one ended, and with which HTTP status.
pub(super) type Tail = (Outcome, Option<u16>);

/// One end.
pub(super) fn how((outcome, status): Tail) -> String {
    match (outcome, status) {
        (Outcome::Timeout, _) => "no answer".to_owned(),
        (Outcome::RpcError(code), Some(status)) => format!("{status} and JSON-RPC error {code}"),
        (Outcome::CutStream, _) | (_, None) => outcome.class().name().to_owned(),
        (_, Some(status)) => status.to_string(),
    }
}

/// The distinct ones.
pub(super) fn shown(tails: &[Tail]) -> String {
    let mut words: Vec<String> = tails.iter().copied().map(how).collect();
    words.sort();
    words.dedup();
    words.join(" or ")
}
