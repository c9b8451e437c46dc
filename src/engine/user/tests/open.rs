//! An open load rehearsed: what was told of it, and what the summary makes of it.

use super::*;
use crate::engine::recorder::Observer;
use crate::model::event::Event;
use crate::model::histogram::Histogram;
use crate::model::pace::{Arrivals, Herd, RateStage, Spacing};
use crate::model::summary::Summary;

/// What an open load came to.
pub(super) struct Shown {
    pub(super) told: Told,
    pub(super) summary: Summary,
}

struct Fold(Summary);

impl Observer for Fold {
    fn observe(&mut self, event: &Event) {
        self.0.add(event);
    }
}

impl Rehearsed {
    /// Everybody who is due, to the end of the last one's stay.
    pub(super) async fn open(&self, dues: impl Iterator<Item = Duration> + Send) -> Shown {
        let clock = self.server.clock();
        arrivals::run(Arc::clone(&self.scene), dues, 100_000, &clock, &self.scene.stop).await;
        let (mut told, mut fold) = (Told::default(), Fold(Summary::default()));
        let recorder = &self.scene.common.wire.recorder;
        recorder.drain(&mut Vec::new(), &mut [&mut told, &mut fold]);
        told.calls.sort_by_key(|call| call.instants.due);
        Shown { told, summary: fold.0 }
    }
}

/// So many arrivals a second for so many seconds, evenly.
pub(super) fn evenly(per_second: u32, seconds: u64) -> Arrivals {
    let stage = RateStage { over: Duration::from_secs(seconds), to: per_second.into() };
    Arrivals { from: per_second.into(), stages: vec![stage], ..Arrivals::default() }
}

/// A server that needs no time for anything but calls, and for those what `latency` says of the
/// call's number and of when it arrived.
pub(super) fn taking(
    latency: impl Fn(usize, Duration) -> Duration + Send + Sync + 'static,
) -> Server {
    let calls = AtomicU32::new(0);
    Server::new(move |seen| {
        let actions = sound(seen).into_iter();
        let mut actions: Vec<_> =
            actions.filter(|action| !matches!(action, Do::After(_))).collect();
        if seen.what() == "tools/call" {
            let number = calls.fetch_add(1, Ordering::SeqCst) as usize;
            actions.insert(0, Do::After(latency(number, seen.at)));
        }
        actions
    })
}

/// Asserts that a histogram shows the exact order statistics of these values, to three digits.
#[track_caller]
pub(super) fn assert_shows(name: &str, histogram: &Histogram, exact: &[Duration]) {
    let mut exact: Vec<u64> = exact.iter().map(|value| value.as_micros() as u64).collect();
    exact.sort_unstable();
    assert_eq!(histogram.count(), exact.len() as u64, "{name}");
    let shown = histogram.percentiles().unwrap();
    let at = |per_mille: usize| exact[(per_mille * exact.len()).div_ceil(1000) - 1];
    let pairs = [
        (shown.p50, at(500)),
        (shown.p90, at(900)),
        (shown.p95, at(950)),
        (shown.p99, at(990)),
        (shown.p999, at(999)),
        (shown.max, at(1000)),
    ];
    for (shown, exact) in pairs {
        // A histogram says the upper end of what it cannot tell apart.
        assert!(shown >= exact && shown - exact <= exact / 1000, "{name}: {pairs:?}");
    }
    let mean = exact.iter().sum::<u64>() / exact.len() as u64;
    assert!(shown.mean.abs_diff(mean) <= 1 + mean / 1000, "{name}: {} for {mean}", shown.mean);
}

/// The runtime's timer wakes nobody within a millisecond, only at its end.
pub(super) fn woken(due: Duration) -> Duration {
    ms(due.as_nanos().div_ceil(1_000_000) as u64)
}

/// Asserts that who came is who was due, and that each task ran in the millisecond it was due in.
async fn arrive(arrivals: &Arrivals, due: Vec<Duration>) {
    assert_eq!(due.len() as u64, arrivals.expected());
    let stage = Rehearsed::of(taking(|_, _| ms(3)), pooled(plain()), steady(1, ms(0)));
    let shown = stage.open(arrivals.due(7)).await;
    assert_eq!(dues(&shown.told.calls), due);
    assert_eq!(shown.summary.runs.count(), due.len() as u64);
    let arrived = stage.server.seen().into_iter().filter(|seen| seen.what() == "tools/call");
    let arrived: Vec<_> = arrived.map(|seen| seen.at).collect();
    assert_eq!(arrived, due.iter().copied().map(woken).collect::<Vec<_>>());
    for call in &shown.told.calls {
        assert_eq!(call.instants.started, woken(call.instants.due));
    }
    let whole = due.iter().all(|due| woken(*due) == *due);
    assert_eq!(shown.summary.calls.times.lag.max() == 0, whole);
}

#[tokio::test(start_paused = true)]
async fn an_even_pace_brings_every_user_at_its_instant() {
    // One user each 1/40 s, in the middle of its share of the time: 12.5 ms, 37.5 ms and so on.
    let middle = |k: u64| Duration::from_micros(12_500 + 25_000 * k);
    arrive(&evenly(40, 10), (0..400).map(middle).collect()).await;
    arrive(&evenly(100, 10), (0..1_000).map(|k| ms(5 + 10 * k)).collect()).await;
}

#[tokio::test(start_paused = true)]
async fn a_ramp_brings_users_where_its_area_grows_by_one() {
    let stage = RateStage { over: Duration::from_secs(10), to: 20.0 };
    let ramp = Arrivals { stages: vec![stage], ..Arrivals::default() };
    // A rate of 2t per second has the area t^2.
    let due: Vec<_> = ramp.due(7).collect();
    for (k, due) in (0..).zip(&due) {
        let exact = (f64::from(k) + 0.5).sqrt();
        assert!((due.as_secs_f64() - exact).abs() < 1e-6, "{k}: {due:?}, not {exact}");
    }
    assert_eq!(due.len(), 100);
    arrive(&ramp, due).await;
}

#[tokio::test(start_paused = true)]
async fn a_poisson_pace_brings_whom_it_drew() {
    let poisson = Arrivals { spacing: Spacing::Poisson, ..evenly(50, 20) };
    let due: Vec<_> = poisson.due(7).collect();
    assert_eq!(due.len(), 1_000);
    assert_ne!(due, evenly(50, 20).due(7).collect::<Vec<_>>());
    arrive(&poisson, due).await;
}

#[tokio::test(start_paused = true)]
async fn a_herd_comes_in_one_instant_on_top_of_the_curve() {
    let herd = Herd { at: ms(1_000), arrivals: 500, within: ms(0) };
    let arrivals = Arrivals { herds: vec![herd], ..evenly(10, 2) };
    let curve = |from: u64| (from..from + 10).map(|k| ms(50 + 100 * k));
    let together = std::iter::repeat_n(ms(1_000), 500);
    arrive(&arrivals, curve(0).chain(together).chain(curve(10)).collect()).await;
}
