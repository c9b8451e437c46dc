//! Which faults are in force for whom, on paused time.

use super::*;
use crate::model::fault::{Cut, Parting, Point, When};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn fault(what: What, at: u64, lasts: Option<u64>) -> Fault {
    let when = When { at: s(at), lasts: lasts.map(s), every: None, repeat: None };
    let name = String::new();
    Fault { name, kind: "", when, share: 1.0, scope: Scope::default(), what }
}

fn over(faults: &[Fault]) -> Forecast {
    Forecast::of(faults, s(60), &[], (7, Clock::of_runtime())).unwrap()
}

const CUT: Cut = Cut { point: Point::BeforeAnswer, parting: Parting::Reset };

const CALL: Tag<'static> =
    Tag { user: 3, number: 0, operation: Operation::ToolsCall, tool: Some("search") };

#[tokio::test(start_paused = true)]
async fn a_fault_befalls_what_it_matches_while_it_lasts() {
    let mut cut = fault(What::Stream(OnStream::Cut(CUT)), 2, Some(3));
    cut.scope.tool = Some("search".to_owned());
    let twice = fault(What::Mischief(Mischief::Twice), 4, None);
    let network = fault(What::Network(fault::Network::Refuse), 0, None);
    let forecast = over(&[network.clone(), cut, twice]);
    assert!(Forecast::of(&[network], s(60), &[], (7, Clock::of_runtime())).is_none());
    let now = |tag: &Tag<'_>| {
        forecast
            .over_exchange(tag)
            .map(|spell| (spell.cut.map(|cut| cut.fault), spell.twice.map(|twice| twice.fault)))
    };
    let other = Tag { tool: Some("fetch"), ..CALL };
    let list = Tag { operation: Operation::ToolsList, tool: None, ..CALL };
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push([now(&CALL), now(&other), now(&list)]);
        forecast.clock.sleep(s(1)).await;
    }
    let (cut, both, twice) =
        (Some((Some(1), None)), Some((Some(1), Some(2))), Some((None, Some(2))));
    let expected = [
        [None; 3],
        [None; 3],
        [cut, None, None],
        [cut, None, None],
        [both, twice, twice],
        [twice; 3],
    ];
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn the_share_is_drawn_by_the_seed() {
    let mut half = fault(What::Mischief(Mischief::Twice), 0, None);
    half.share = 0.25;
    let hit = |seed: u64| {
        let clock = Clock::of_runtime();
        let forecast = Forecast::of(&[half.clone()], s(60), &[], (seed, clock)).unwrap();
        let tags = (0..4_000).map(|number| Tag { number, ..CALL });
        tags.map(|tag| forecast.over_exchange(&tag).is_some()).collect::<Vec<_>>()
    };
    let hits = hit(7).into_iter().filter(|hit| *hit).count();
    assert!((900..1_100).contains(&hits), "{hits}");
    assert!(hit(7) == hit(7) && hit(7) != hit(8));
}

#[tokio::test(start_paused = true)]
async fn calls_are_cancelled_at_the_next_beginning_and_retried_within_a_window() {
    let mut herd = fault(What::Mischief(Mischief::CancelHerd), 2, Some(1));
    herd.when.every = Some(s(10));
    let retry = What::Mischief(Mischief::Retry { times: 2, pause: s(1) });
    let forecast = over(&[herd, fault(retry, 3, Some(1))]);
    let asked = || {
        let cancels = forecast.cancels(&CALL).map(|by| (by.fault, by.what));
        (cancels, forecast.retries(&CALL).map(|by| (by.fault, by.what.times)))
    };
    assert_eq!(asked(), (Some((0, s(2))), None));
    forecast.clock.sleep(s(3)).await;
    assert_eq!(asked(), (Some((0, s(12))), Some((1, 2))));
    assert_eq!(forecast.over_exchange(&CALL), None, "both are of calls");
    forecast.clock.sleep(s(56)).await;
    assert_eq!(asked(), (None, None));
}

#[tokio::test(start_paused = true)]
async fn addresses_are_taken_in_turn() {
    let [one, two] = [1, 2].map(|last| IpAddr::from([127, 0, 1, last]));
    let hop = fault(What::Mischief(Mischief::Hop(vec![one, two])), 0, None);
    let forecast = over(&[hop]);
    let from = || forecast.over_exchange(&CALL).unwrap().alone.unwrap().what.unwrap();
    assert_eq!([from(), from(), from()], [one, two, one]);
}

#[tokio::test(start_paused = true)]
async fn clocks_of_a_share_of_users_are_wrong_while_it_lasts() {
    let skew = |skew| What::Mischief(Mischief::ClockSkew(skew));
    let (ahead, behind) = (Skew::Ahead(s(90)), Skew::Behind(s(5)));
    let mut quarter = fault(skew(ahead), 2, Some(3));
    quarter.share = 0.25;
    let forecast = over(&[quarter, fault(skew(behind), 4, None)]);
    let skews = |user| forecast.skews(user).map(|by| (by.fault, by.what));
    assert_eq!(skews(0), None);
    forecast.clock.sleep(s(2)).await;
    let wrong: Vec<_> = (0..4_000).filter(|user| skews(*user) == Some((0, ahead))).collect();
    assert!((900..1_100).contains(&wrong.len()), "{}", wrong.len());
    assert!((0..4_000).all(|user| skews(user).is_some() == wrong.contains(&user)));
    assert_eq!(forecast.over_exchange(&CALL), None, "it is of processes");
    forecast.clock.sleep(s(2)).await;
    assert_eq!(skews(wrong[0]), Some((0, ahead)), "of two the first one counts");
    forecast.clock.sleep(s(1)).await;
    assert!((0..4_000).all(|user| skews(user) == Some((1, behind))));
    assert_eq!((ahead.of(s(10)), behind.of(s(10)), behind.of(s(1))), (s(100), s(5), s(0)));
}
