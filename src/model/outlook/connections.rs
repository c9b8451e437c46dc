//! How many connections a load holds at once, at the least: if every call were answered at once.
//!
//! Slow answers make it more, never less: users then stay longer, and their calls overlap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::model::behaviour::Behaviour;
use crate::model::chance::{Key, Purpose};
use crate::model::pace::Pace;
use crate::model::plan::{Plan, Way};
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

/// Connections that the users of a plan hold at once, at the least, if they speak in this way. Users
/// who share connections need none of their own to post, but a stream has one to itself.
pub fn held(plan: &Plan, way: Way) -> u64 {
    let load = &plan.load;
    let runs = match &load.pace {
        Pace::Open(arrivals) => arrivals.expected(),
        Pace::Closed(_) => MODELLED_RUNS,
    };
    let modelled = 0..runs.clamp(1, MODELLED_RUNS);
    let stays: Vec<_> = modelled.map(|run| stay(plan, way, run)).collect();
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

fn stay(plan: &Plan, way: Way, run: u64) -> Stay {
    let (load, profile) = (&plan.load, &plan.clients.profile);
    let key = Key::of_run(plan.seed, run);
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
    let in_flight = f64::from(in_flight.min(profile.cap).max(1));
    let calls = match profile.connections {
        Connections::PerUser => in_flight,
        Connections::Shared => 0.0,
    };
    if plan.target.may_multiplex() {
        return Stay { lasts, connections: calls.min(1.0) };
    }
    Stay { lasts, connections: calls + streams(way, profile, in_flight) }
}

/// Streams that a user holds whose calls in flight are so many.
fn streams(way: Way, profile: &Profile, in_flight: f64) -> f64 {
    let weights = profile.sessions;
    let kept = weights.pooled + weights.echo;
    let kept = kept / (kept + weights.fresh + weights.unechoed);
    match way {
        Way::Legacy => profile.stream_share * kept,
        Way::Modern => profile.stream_share,
        // Every session is a stream: one that is kept, or one for each call.
        Way::HttpSse => kept + (1.0 - kept) * in_flight,
    }
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
    use crate::model::behaviour::Steady;
    use crate::model::distribution::Distribution;
    use crate::model::pace::{Arrivals, Herd, RateStage};
    use crate::model::plan::{Load, sample};
    use crate::model::profile::SessionWeights;

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

    #[test]
    fn every_session_of_the_old_transport_is_a_stream() {
        let weights = |fresh, echo| SessionWeights { fresh, unechoed: 0.0, pooled: 0.0, echo };
        let plain = sample::plain();
        for (way, stream_share, sessions, expected) in [
            (Way::Legacy, 0.5, weights(0.0, 1.0), 0.5),
            (Way::Legacy, 0.5, weights(1.0, 1.0), 0.25),
            (Way::Legacy, 1.0, weights(1.0, 0.0), 0.0),
            (Way::Modern, 0.5, weights(1.0, 1.0), 0.5),
            (Way::HttpSse, 0.0, weights(0.0, 1.0), 1.0),
            (Way::HttpSse, 0.0, weights(1.0, 0.0), 4.0),
            (Way::HttpSse, 1.0, weights(1.0, 1.0), 2.5),
        ] {
            let profile = Profile { sessions, stream_share, ..plain.clone() };
            let found = streams(way, &profile, 4.0);
            assert!((found - expected).abs() < 1e-9, "{way:?}: {found} instead of {expected}");
        }
    }

    #[test]
    fn a_stream_stands_beside_the_connection_that_posts() {
        let steady = Steady { calls: 100, think: Distribution::constant(SECOND) };
        let herd = Herd { at: Duration::ZERO, arrivals: 50, within: Duration::ZERO };
        let stages = vec![RateStage { over: SECOND, to: 0.0 }];
        let herds = vec![herd];
        let pace = Pace::Open(Arrivals { stages, herds, ..Arrivals::default() });
        let (speed, drain, ceiling) = (1.0, SECOND, 1_000);
        let load = Load { behaviour: Behaviour::Steady(steady), speed, pace, drain, ceiling };
        let mut plan = sample::plan(load, Profile { stream_share: 0.0, ..sample::plain() });
        assert_eq!(held(&plan, Way::Legacy), 50);
        assert_eq!(held(&plan, Way::HttpSse), 100);
        plan.clients.profile.connections = Connections::Shared;
        assert_eq!(held(&plan, Way::HttpSse), 50, "what is shared carries no stream");
    }
}
