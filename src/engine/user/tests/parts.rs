//! Whose time it was: each part of a response holds what its owner took, and nothing else.

use proptest::prelude::*;

use super::open::{Shown, assert_shows, evenly, taking, woken};
use super::receipts::{at_the_mercy_of, behaviour, mood, profile};
use super::*;

/// A wave of one subagent that fires `calls` calls together, 3 s after its user came.
fn burst(calls: u32) -> Behaviour {
    boxed(research(1, calls))
}

/// Ten users, a second apart; the first comes at 500 ms.
async fn ten(stage: &Rehearsed) -> Shown {
    stage.open(evenly(1, 10).due(7)).await
}

/// Asserts each part of every call of `ten`, which come user by user.
#[track_caller]
fn assert_parts(shown: &Shown, per_user: [&[u64]; 4]) {
    let times = &shown.summary.calls.times;
    let [lag, held, preparation, service] = per_user.map(|part| part.iter().copied().map(ms));
    let response: Vec<_> = { lag.clone() }
        .zip(held.clone())
        .zip(preparation.clone().zip(service.clone()))
        .map(|((lag, held), (preparation, service))| lag + held + preparation + service)
        .collect();
    let every = |part: &[Duration]| part.repeat(10);
    for (name, histogram, part) in [
        ("response", &times.response, response),
        ("lag", &times.lag, lag.collect()),
        ("held", &times.held, held.collect()),
        ("preparation", &times.preparation, preparation.collect()),
        ("service", &times.service, service.collect()),
    ] {
        assert_shows(name, histogram, &every(&part));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_cap_takes_is_held() {
    let profile = Profile { cap: 1, ..pooled(fresh()) };
    let stage = Rehearsed::of(Server::new(sound), profile, burst(4));
    // The handshake of 50 ms is the first call's preparation; the others wait for the place.
    let parts: [&[u64]; 4] = [&[0; 4], &[0, 150, 250, 350], &[50, 0, 0, 0], &[100; 4]];
    assert_parts(&ten(&stage).await, parts);
    let profile = Profile { cap: 2, ..pooled(fresh()) };
    let stage = Rehearsed::of(Server::new(sound), profile, burst(5));
    let parts: [&[u64]; 4] = [&[0; 5], &[0, 0, 150, 150, 250], &[50, 50, 0, 0, 0], &[100; 5]];
    assert_parts(&ten(&stage).await, parts);
}

#[tokio::test(start_paused = true)]
async fn a_freeze_before_the_cap_is_held_and_only_who_met_it_has_it_as_service() {
    // Every fourth call takes 2 s: of each user, the first, for which the others queue.
    let slow = |number: usize, _| if number.is_multiple_of(4) { ms(2_000) } else { ms(10) };
    let profile = Profile { cap: 1, ..pooled(fresh()) };
    let stage = Rehearsed::of(taking(slow), profile, burst(4));
    // Users four seconds apart, so that calls are numbered user by user.
    let dues = (0..10).map(|user| ms(4_000 * user));
    let shown = stage.open(dues).await;
    let parts: [&[u64]; 4] = [&[0; 4], &[0, 2_000, 2_010, 2_020], &[0; 4], &[2_000, 10, 10, 10]];
    assert_parts(&shown, parts);
    let felt = shown.summary.calls.times.response.steps().filter(|(value, _)| *value > 10_500);
    assert_eq!(felt.map(|(_, count)| count).sum::<u64>(), 40, "all four felt it");
}

#[tokio::test(start_paused = true)]
async fn what_connecting_and_handshakes_take_is_preparation() {
    let server = Server::behind(ms(30), ms(20), None, sound);
    let stage = Rehearsed::of(server, fresh(), steady(3, ms(0)));
    // The first user connects for 50 ms; a handshake of 50 ms comes before every call.
    let shown = stage.open(std::iter::once(ms(500))).await;
    let parts = shown.told.calls.iter().map(|call| {
        let at = call.instants;
        (at.lag(), at.held().unwrap(), at.preparation().unwrap(), at.service().unwrap())
    });
    let expected = [100, 50, 50].map(|preparation| (ms(0), ms(0), ms(preparation), ms(100)));
    assert_eq!(parts.collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_handshake_is_preparation_of_all_who_wait_for_it() {
    let slow = |seen: &Seen| match seen.what().as_str() {
        "initialize" => [vec![Do::After(ms(1_950))], sound(seen)].concat(),
        _ => sound(seen),
    };
    let stage = Rehearsed::of(Server::new(slow), pooled(plain()), burst(3));
    let parts: [&[u64]; 4] = [&[0; 3], &[0; 3], &[2_000; 3], &[100; 3]];
    assert_parts(&ten(&stage).await, parts);
}

#[tokio::test(start_paused = true)]
async fn a_generator_that_stood_still_is_lag_and_nothing_else() {
    let stage = Rehearsed::of(taking(|_, _| ms(4)), pooled(plain()), steady(1, ms(0)));
    // Nothing of ours runs from 3,000 ms to 3,750 ms; nobody is in flight then.
    let clock = stage.server.clock();
    tokio::spawn(async move {
        clock.sleep_until(ms(3_000)).await;
        tokio::time::advance(ms(750)).await;
    });
    let shown = stage.open(evenly(100, 10).due(7)).await;
    let due = |number: u64| ms(5 + 10 * number);
    let late = |due: Duration| {
        let stood = (ms(3_000)..ms(3_750)).contains(&due);
        if stood { ms(3_750).saturating_sub(due) } else { ms(0) }
    };
    let lag: Vec<_> = (0..1_000).map(|number| late(due(number))).collect();
    let times = &shown.summary.calls.times;
    assert_shows("lag", &times.lag, &lag);
    assert_shows("held", &times.held, &[ms(0); 1_000]);
    assert_shows("preparation", &times.preparation, &[ms(0); 1_000]);
    assert_shows("service", &times.service, &[ms(4); 1_000]);
    let response: Vec<_> = lag.iter().map(|lag| *lag + ms(4)).collect();
    assert_shows("response", &times.response, &response);
    assert_eq!(lag.iter().filter(|lag| !lag.is_zero()).count(), 75);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    /// Nothing is lost between the parts and nothing counted twice, whatever the server does.
    #[test]
    fn a_response_is_the_sum_of_its_parts(
        moods in prop::collection::vec(mood(), 1..12),
        profile in profile(),
        behaviour in behaviour(),
        tcp in prop_oneof![Just(0), 1..400_u64],
        dues in prop::collection::vec(0..20_000_000_u64, 1..8),
        over in prop::option::of(0..40_000_u64),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
        let mut dues: Vec<_> = dues.into_iter().map(Duration::from_micros).collect();
        dues.sort_unstable();
        let shown = runtime.block_on(async {
            let stage = at_the_mercy_of((moods, tcp), profile, behaviour, over);
            stage.open(dues.into_iter()).await
        });
        for call in &shown.told.calls {
            let at = call.instants;
            prop_assert_eq!(at.started, woken(at.due), "nothing but the timer is late: {:?}", at);
            let (held, rest) = match (at.held(), at.preparation(), at.service()) {
                (Some(held), Some(preparation), Some(service)) => (held, preparation + service),
                (Some(held), None, None) => (held, at.done.checked_sub(at.admitted.unwrap()).unwrap()),
                (None, None, None) => (at.done.checked_sub(at.started).unwrap(), ms(0)),
                parts => return Err(TestCaseError::fail(format!("{parts:?}"))),
            };
            prop_assert_eq!(at.response(), at.lag() + held + rest, "{:?}", at);
        }
        let calls = shown.told.calls.iter();
        let admitted = calls.clone().filter(|call| call.instants.admitted.is_some()).count() as u64;
        let sent = calls.clone().filter(|call| call.instants.sent.is_some()).count() as u64;
        let times = &shown.summary.calls.times;
        prop_assert_eq!(times.response.count(), calls.len() as u64);
        prop_assert_eq!(times.lag.count(), calls.len() as u64);
        prop_assert_eq!(times.held.count(), admitted);
        prop_assert_eq!(times.preparation.count(), sent);
        prop_assert_eq!(times.service.count(), sent);
        prop_assert_eq!(shown.summary.wire.total(), shown.told.sent() as u64);
    }
}
