//! The status line of a run that is going on.

use std::time::Duration;

use crate::model::figure;

/// How a run stands at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Glimpse<'a> {
    /// Time since the start.
    pub elapsed: Duration,
    /// What is going on: `load`, `drain`, `over`.
    pub phase: &'a str,
    /// Until that is over, at the latest.
    pub left: Duration,
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

/// One line, without its end; its columns keep their places. What matters most comes first: a
/// narrow terminal cuts the rest off.
pub fn line(glimpse: &Glimpse<'_>) -> String {
    let time = |us: Option<u64>| us.map_or("-".to_owned(), figure::micros);
    format!(
        "{} {:<5} {} left  due {:>6}  in flight {:>5}  p50 {:>6}  p99 {:>6}  ok {:>6}  errors {:>5}  \
         throttled {:>5}  users {:>5}",
        minutes(glimpse.elapsed),
        glimpse.phase,
        minutes(glimpse.left),
        glimpse.due,
        glimpse.in_flight,
        time(glimpse.p50_us),
        time(glimpse.p99_us),
        glimpse.ok,
        glimpse.errors,
        glimpse.throttled,
        glimpse.users,
    )
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:>2}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_their_places() {
        let first = Glimpse { phase: "load", ..Glimpse::default() };
        let later = Glimpse {
            elapsed: Duration::from_secs(75),
            phase: "drain",
            left: Duration::from_secs(20),
            users: 120,
            due: 4321,
            p99_us: Some(1_240_000),
            ..Glimpse::default()
        };
        let start = " 1:15 drain  0:20 left  due   4321  in flight     0  p50      -  p99  1.24s";
        assert!(line(&later).starts_with(start), "{}", line(&later));
        assert!(start.len() < 80, "on the narrowest terminal");
        assert_eq!(line(&first).len(), line(&later).len());
    }
}
