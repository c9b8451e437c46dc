//! What somebody felt of a request: how long it took, or that it never came.

use crate::model::outcome::Class;
use crate::model::trial::Tried;

/// Seconds until something came; infinite if nothing did that is an answer. Nothing is said by
/// what was refused for being too much, or was never asked.
pub(super) fn seconds(tried: &Tried) -> Option<f64> {
    match tried.outcome.class() {
        Class::Ok | Class::ToolError | Class::RpcError => Some(tried.took().as_secs_f64()),
        Class::Throttled
        | Class::Unauthorised
        | Class::Cancelled
        | Class::NeverSent
        | Class::Unfinished => None,
        Class::SessionLost
        | Class::Status
        | Class::CutStream
        | Class::Timeout
        | Class::Connect
        | Class::Violation => Some(f64::INFINITY),
    }
}

/// How many of them never came.
pub(super) fn lost(values: &[f64]) -> usize {
    values.iter().filter(|seconds| seconds.is_infinite()).count()
}

/// So many seconds, for a person.
pub(super) fn shown(seconds: f64) -> String {
    match seconds {
        _ if seconds.is_infinite() => "for ever".to_owned(),
        0.0..0.1 => format!("{:.1} ms", seconds * 1e3),
        0.1..1.0 => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{seconds:.1} s"),
    }
}

/// A chance, for a person.
pub(super) fn chance(p: f64) -> String {
    if p < 1e-6 { "p < 0.000001".to_owned() } else { format!("p = {p:.6}") }
}
