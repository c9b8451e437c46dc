//! How many connections a load holds at once, at the least: if every call were answered at once.
//!
//! Slow answers make it more, never less: users then stay longer, and their calls overlap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::model::behaviour::Behaviour;
use crate::model::chance::{Key, Purpose};
use crate::model::pace::Pace;
use crate::model::plan::{Load, Plan};
use crate::model::profile::{Connections, Profile};

/// Arrivals looked at; the rest of a longer plan is taken to be like these.
const LOOKED_AT: usize = 1_000_000;
/// Runs modelled one by one; more are taken to be like these.
const MODELLED_RUNS: u64 = 500;
/// What a call takes: so little that only calls fired together overlap.
const AT_ONCE: Duration = Duration::from_nanos(1);

/// A user's stay: how long, and the connections it holds by the end of it.
#[derive(Debug, Clone, Copy)]
struct Stay {
    lasts: Duration,
    connections: f64,
}

/// Connections that the users of a plan hold at once, at the least. Users who share connections
/// need none of their own.
pub fn held(plan: &Plan) -> u64 {
    let (load, profile) = (&plan.load, &plan.clients.profile);
    let runs = match &load.pace {
        Pace::Open(arrivals) => arrivals.expected(),
        Pace::Closed(_) => MODELLED_RUNS,
    };
    let modelled = 0..runs.clamp(1, MODELLED_RUNS);
    let shares = plan.target.may_multiplex();
    let stays: Vec<_> = modelled.map(|run| stay(plan.seed, run, load, profile, shares)).collect();
    let most = match &load.pace {
        Pace::Open(arrivals) => {
            at_once(arrivals.due(plan.seed).take(LOOKED_AT), &stays, load.ceiling as usize)
        }
        Pace::Closed(users) => {
            let mean = stays.iter().map(|stay| stay.connections).sum::<f64>() / stays.len() as f64;
            f64::from(users.peak()) * mean
        }
    };
    most.ceil() as u64
}

fn stay(seed: u64, run: u64, load: &Load, profile: &Profile, multiplexes: bool) -> Stay {
    let key = Key::of_run(seed, run);
    let (lasts, in_flight) = match &load.behaviour {
        // One call at a time, and perhaps thousands of millions of them.
        Behaviour::Steady(steady) => {
            let think = steady.think.draw(&mut key.draw(Purpose::Think));
            (think.saturating_mul(steady.calls.saturating_sub(1)), 1)
        }
        behaviour => {
            // Nothing is known of the target yet: one tool stands for all.
            let outline = behaviour.outline(key, 1, load.speed, AT_ONCE);
            (outline.duration, outline.peak_in_flight)
        }
    };
    let calls = match profile.connections {
        Connections::PerUser => f64::from(in_flight.min(profile.cap).max(1)),
        Connections::Shared => 0.0,
    };
    if multiplexes {
        return Stay { lasts, connections: calls.min(1.0) };
    }
    let weights = profile.sessions;
    let kept = weights.pooled + weights.echo;
    let streams = profile.stream_share * kept / (kept + weights.fresh + weights.unechoed);
    Stay { lasts, connections: calls + streams }
}

/// The most connections at once, when users come at `dues` and no more than `ceiling` may be there.
fn at_once(dues: impl Iterator<Item = Duration>, stays: &[Stay], ceiling: usize) -> f64 {
    let mut present: BinaryHeap<Reverse<(Duration, usize)>> = BinaryHeap::new();
    let (mut held, mut most) = (0.0, 0.0_f64);
    for (due, index) in dues.zip((0..stays.len()).cycle()) {
        // Who ends in this very instant is still there: nobody knows which comes first.
        while let Some(&Reverse((end, gone))) = present.peek()
            && end < due
        {
            held -= stays[gone].connections;
            present.pop();
        }
        if present.len() < ceiling {
            present.push(Reverse((due.saturating_add(stays[index].lasts), index)));
            held += stays[index].connections;
            most = most.max(held);
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn users_hold_what_they_have_until_they_leave() {
        let even = || (0..40).map(|n| n * SECOND / 4);
        let herd = || std::iter::repeat_n(SECOND, 50);
        for (dues, lasts, connections, ceiling, most) in [
            // Four come a second and stay for 0.9 s: the fifth finds the first gone.
            (even().collect::<Vec<_>>(), SECOND * 9 / 10, 1.0, 1000, 4.0),
            (even().collect(), SECOND, 1.0, 1000, 5.0),
            (even().collect(), SECOND, 2.5, 1000, 12.5),
            (even().collect(), SECOND * 60, 1.0, 1000, 40.0),
            (even().collect(), SECOND * 60, 2.0, 7, 14.0),
            (herd().collect(), Duration::ZERO, 1.0, 1000, 50.0),
            (Vec::new(), SECOND, 1.0, 1000, 0.0),
        ] {
            let stays = [Stay { lasts, connections }];
            let found = at_once(dues.into_iter(), &stays, ceiling);
            assert!((found - most).abs() < 1e-9, "{found} instead of {most}");
        }
    }
}
