//! The status line of a run that is going on.

use std::time::Duration;

use crate::model::figure;

/// How a run stands at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Glimpse<'a> {
    /// Time since the start.
    pub elapsed: Duration,
    /// What is going on: `arrivals`, `drain`.
    pub phase: &'a str,
    /// Simulated users at work.
    pub users: u32,
    /// Calls that came due so far.
    pub due: u64,
    /// HTTP exchanges in flight.
    pub in_flight: u32,
    /// Median response of the last seconds, in microseconds, if a call ended.
    pub p50_us: Option<u64>,
    /// 99th percentile of the same.
    pub p99_us: Option<u64>,
    /// Calls that ended well so far.
    pub ok: u64,
    /// Calls that ended in an error so far.
    pub errors: u64,
    /// Calls throttled so far.
    pub throttled: u64,
}

/// One line, without its end; its columns keep their places.
pub fn line(glimpse: &Glimpse<'_>) -> String {
    let seconds = glimpse.elapsed.as_secs();
    let time = |us: Option<u64>| us.map_or("-".to_owned(), figure::micros);
    format!(
        "{}:{:02} {:<8} users {:>5}  in flight {:>5}  due {:>7}  ok {:>7}  errors {:>5}  throttled \
         {:>5}  p50 {:>6}  p99 {:>6}",
        seconds / 60,
        seconds % 60,
        glimpse.phase,
        glimpse.users,
        glimpse.in_flight,
        glimpse.due,
        glimpse.ok,
        glimpse.errors,
        glimpse.throttled,
        time(glimpse.p50_us),
        time(glimpse.p99_us),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_places() {
        let first = Glimpse { phase: "arrivals", ..Glimpse::default() };
        let later = Glimpse {
            elapsed: Duration::from_secs(75),
            phase: "drain",
            users: 120,
            due: 4321,
            p99_us: Some(1_240_000),
            ..Glimpse::default()
        };
        assert!(
            line(&later).starts_with("1:15 drain    users   120  in flight     0  due    4321")
        );
        assert!(line(&later).ends_with("p50      -  p99  1.24s"));
        assert_eq!(line(&first).len(), line(&later).len());
    }
}
