//! Known schedules of latencies: the figures reported are their order statistics.

use super::open::{Shown, assert_shows, evenly, taking};
use super::*;
use crate::model::chance::Key;

/// The latency of a call by its number.
type Schedule = fn(usize) -> Duration;

/// Ten seconds, a hundred arrivals each: due at 5, 15, 25 ms and so on.
const ARRIVALS: usize = 1_000;

fn due(number: usize) -> Duration {
    ms(5 + 10 * number as u64)
}

/// One call a user, whose service takes what the schedule says and nothing else takes any time.
async fn shown_of(schedule: Schedule) -> Shown {
    let stage =
        Rehearsed::of(taking(move |number, _| schedule(number)), pooled(plain()), steady(1, ms(0)));
    stage.open(evenly(100, 10).due(7)).await
}

fn bimodal(number: usize) -> Duration {
    if number.is_multiple_of(20) { ms(1_873) } else { ms(17) }
}

/// Pareto with the shape 1.2 from 10 ms on, its quantiles in an order that means nothing.
fn heavy_tail(number: usize) -> Duration {
    let place = (number * 389 + 211) % ARRIVALS;
    let share = (place as f64 + 0.5) / ARRIVALS as f64;
    ms((10.0 * share.powf(-1.0 / 1.2)) as u64)
}

fn slow_ramp(number: usize) -> Duration {
    ms(20 + 3 * number as u64)
}

fn scattered(number: usize) -> Duration {
    ms(Key::of_run(3, number as u64).draw(Purpose::Service).between(0, 9_999))
}

#[tokio::test(start_paused = true)]
async fn percentiles_are_the_schedules_order_statistics() {
    let schedules: [(&str, Schedule); 5] = [
        ("constant", |_| ms(137)),
        ("bimodal", bimodal),
        ("heavy tail", heavy_tail),
        ("slow ramp", slow_ramp),
        ("scattered", scattered),
    ];
    for (name, schedule) in schedules {
        let times = shown_of(schedule).await.summary.calls.times;
        let exact: Vec<_> = (0..ARRIVALS).map(schedule).collect();
        for histogram in [&times.response, &times.response_ok, &times.service] {
            assert_shows(name, histogram, &exact);
        }
        for histogram in [&times.lag, &times.held, &times.preparation] {
            assert_shows(name, histogram, &[ms(0); ARRIVALS]);
        }
    }
}

/// From 3 s to 5 s the server answers nobody; what came meanwhile is answered 4 ms after that.
fn frozen(at: Duration) -> Duration {
    let is_frozen = (ms(3_000)..ms(5_000)).contains(&at);
    ms(4) + if is_frozen { ms(5_000).saturating_sub(at) } else { ms(0) }
}

#[tokio::test(start_paused = true)]
async fn a_frozen_server_shows_as_every_arrival_it_delayed() {
    let server = taking(|_, at| frozen(at));
    let stage = Rehearsed::of(server, pooled(plain()), steady(1, ms(0)));
    let shown = stage.open(evenly(100, 10).due(7)).await;
    let exact: Vec<_> = (0..ARRIVALS).map(|number| frozen(due(number))).collect();
    // It delayed those due at 3,005 ms to 4,995 ms, which had been sent: it is service, too.
    assert_eq!(exact.iter().filter(|time| **time > ms(4)).count(), 200);
    for (call, exact) in shown.told.calls.iter().zip(&exact) {
        let at = call.instants;
        assert_eq!((at.response(), at.service()), (*exact, Some(*exact)), "{at:?}");
    }
    let times = &shown.summary.calls.times;
    assert_shows("response", &times.response, &exact);
    assert_shows("service", &times.service, &exact);
    let slow = times.response.steps().filter(|(value, _)| *value > 4_004);
    assert_eq!(slow.map(|(_, count)| count).sum::<u64>(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_would_have_omitted_what_the_freeze_delayed() {
    // As many calls on average, one after another: one call every 10 ms while nothing freezes.
    let closed = Rehearsed::of(taking(|_, at| frozen(at)), pooled(plain()), steady(800, ms(6)));
    let closed = closed.open(std::iter::once(ms(5))).await.summary.calls.times;
    let open = Rehearsed::of(taking(|_, at| frozen(at)), pooled(plain()), steady(1, ms(0)));
    let open = open.open(evenly(100, 10).due(7)).await.summary.calls.times;
    let slow = |times: &crate::model::summary::calls::Times| {
        let slow = times.response.steps().filter(|(value, _)| *value > 4_004);
        slow.map(|(_, count)| count).sum::<u64>()
    };
    // Both lasted ten seconds. The closed one asked once in two seconds and called that typical.
    assert_eq!((closed.response.count(), slow(&closed)), (800, 1));
    assert_eq!((open.response.count(), slow(&open)), (1_000, 200));
    assert_eq!(closed.response.quantile(0.99), 4_000 + 1);
    assert!(open.response.quantile(0.99) > 1_890_000);
}
