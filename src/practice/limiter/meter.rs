//! How a rate limit counts: three ways, each what is left now and how long until there is more.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::plan::practice::limit::{Kind, Limit};

/// What one key of a limit has used.
#[derive(Debug)]
pub(super) enum Meter {
    /// What the bucket holds, as of then.
    Bucket { holds: f64, at: Duration },
    /// When the window began, and the requests since.
    Fixed { began: Duration, requests: u32 },
    /// When each request came that is still in the window.
    Sliding(VecDeque<Duration>),
}

impl Meter {
    /// Of a key that has used nothing.
    pub(super) fn full(limit: &Limit, now: Duration) -> Self {
        match limit.kind {
            Kind::Bucket => Self::Bucket { holds: f64::from(limit.burst), at: now },
            Kind::Fixed => Self::Fixed { began: now, requests: 0 },
            Kind::Sliding => Self::Sliding(VecDeque::new()),
        }
    }

    /// Takes one; if there is none, how long until there is.
    pub(super) fn take(&mut self, limit: &Limit, now: Duration) -> Result<(), Duration> {
        let allow = limit.allow;
        match self {
            Self::Bucket { holds, at } => {
                let more = now.saturating_sub(*at).as_secs_f64() * allow.rate();
                (*holds, *at) = ((*holds + more).min(f64::from(limit.burst)), now);
                if *holds < 1.0 {
                    return Err(Duration::from_secs_f64((1.0 - *holds) / allow.rate()));
                }
                *holds -= 1.0;
            }
            Self::Fixed { began, requests } => {
                if now >= *began + allow.window {
                    (*began, *requests) = (now, 0);
                }
                if *requests >= allow.count {
                    return Err((*began + allow.window).saturating_sub(now));
                }
                *requests += 1;
            }
            Self::Sliding(seen) => {
                while seen.front().is_some_and(|first| now >= *first + allow.window) {
                    seen.pop_front();
                }
                if let (true, Some(first)) = (seen.len() >= allow.count as usize, seen.front()) {
                    return Err((*first + allow.window).saturating_sub(now));
                }
                seen.push_back(now);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::model::plan::limits::{Allowance, Per, Says};

    /// Takes one at each of these instants, in milliseconds, of so many in two seconds; what is
    /// left to wait where there is none.
    fn takes(kind: Kind, (count, burst): (u32, u32), instants: &[u64]) -> Vec<Option<u64>> {
        let limit = Limit {
            allow: Allowance { count, window: Duration::from_secs(2) },
            burst,
            per: Per::All,
            kind,
            counts: Vec::new(),
            signal: Says::Status429,
            retry_after: true,
        };
        let ms = Duration::from_millis;
        let mut meter = Meter::full(&limit, ms(instants[0]));
        let take = |at: &u64| meter.take(&limit, ms(*at)).err().map(|left| left.as_millis() as u64);
        instants.iter().map(take).collect()
    }

    #[test]
    fn each_way_of_counting() {
        // Two at once, then one each half second, and never more than two in it.
        let served = [None, None, Some(500), None, Some(250), None, None, None, Some(500)];
        let instants = [0, 0, 0, 500, 750, 1_000, 9_000, 9_000, 9_000];
        assert_eq!(takes(Kind::Bucket, (4, 2), &instants), served);
        // One at its beginning, one at its end, and two after the edge.
        let served = [None, None, Some(100), None, None, Some(2_000)];
        let instants = [0, 1_900, 1_900, 2_000, 2_000, 2_000];
        assert_eq!(takes(Kind::Fixed, (2, 2), &instants), served);
        let served = [None, None, Some(100), None, Some(1_900), Some(1), None];
        let instants = [0, 1_900, 1_900, 2_000, 2_000, 3_899, 3_900];
        assert_eq!(takes(Kind::Sliding, (2, 2), &instants), served);
    }
}
