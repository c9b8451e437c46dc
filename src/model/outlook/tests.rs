//! Small plans whose every figure can be counted by hand, and what holds for all plans.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::model::behaviour::{Chat, Research, Steady};
use crate::model::distribution::Distribution;
use crate::model::pace::{Arrivals, Herd, RateStage, Spacing, UserStage, Users};
use crate::model::plan::auth::{Consent, Flow, FormStep, Granted, Login};
use crate::model::plan::{Credential, sample};
use crate::model::profile::{SessionWeights, Source};

const SECOND: Duration = Duration::from_secs(1);

/// Calls of 0.8 s with 0.2 s between them: one begins each second of a run.
fn each_second(calls: u32) -> Behaviour {
    Behaviour::Steady(Steady { calls, think: Distribution::constant(SECOND / 5) })
}

fn load(behaviour: Behaviour, pace: Pace, drain: u32) -> Load {
    Load { behaviour, speed: 1.0, pace, drain: drain * SECOND, ceiling: 1_000 }
}

/// So many arrivals a second for so many seconds, each in the middle of its share of the time.
fn evenly(rate: f64, seconds: u32) -> Arrivals {
    let stages = vec![RateStage { over: seconds * SECOND, to: rate }];
    Arrivals { from: rate, stages, ..Arrivals::default() }
}

/// Two users who begin together, for so many seconds.
fn two_users(seconds: u32) -> Pace {
    let stage = |over: u32| UserStage { over: over * SECOND, to: 2 };
    Pace::Closed(Users { stages: vec![stage(2), stage(seconds - 2)] })
}

/// The outlook under the `plain` profile: a session for each run, of initialize, initialized,
/// tools/list and the stream, ended with DELETE.
fn outlook(load: Load) -> Outlook {
    of(&sample::plan(load, sample::plain()), Way::Legacy, 2)
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
}

#[test]
fn what_begins_by_the_end_of_the_drain_is_counted() {
    // One run, due at 0.5 s of a load of a second, its calls at 0.5, 1.5, 2.5 s and so on.
    for (drain, calls, cut) in
        [(0, 1, 1), (1, 2, 1), (2, 3, 1), (9, 10, 1), (10, 10, 0), (60, 10, 0)]
    {
        let outlook = outlook(load(each_second(10), Pace::Open(evenly(1.0, 1)), drain));
        assert_near(outlook.calls, f64::from(calls));
        assert_near(outlook.cut, f64::from(cut));
        // The session is ended only where its run is not cut.
        assert_near(outlook.exchanges, f64::from(calls + 4 + 1 - cut));
        assert_near(outlook.peak_rate, 5.0);
        assert_eq!((outlook.runs, outlook.per_run.calls), (1, 10.0), "a whole run is a whole run");
        // It would end at 0.5 s + 9.8 s, so a drain of 9.3 s is enough.
        assert_eq!(outlook.whole_drain, 10 * SECOND);
    }
}

#[test]
fn a_call_that_begins_in_the_last_instant_is_counted() {
    let herd = Herd { at: Duration::ZERO, arrivals: 3, within: Duration::ZERO };
    let herd = |length| Arrivals { herds: vec![herd], ..evenly(0.0, length) };
    let outlook = |drain| outlook(load(each_second(4), Pace::Open(herd(1)), drain));
    // Each run calls at 0, 1, 2 and 3 s, and ends at 3.8 s.
    assert_near(outlook(2).calls, 12.0);
    assert_near(outlook(2).cut, 3.0);
    assert_near(outlook(1).calls, 9.0);
    assert_near(outlook(3).cut, 0.0);
}

#[test]
fn a_run_whose_calls_all_lie_beyond_the_end_makes_none() {
    let chat = Chat { think: Distribution::constant(30 * SECOND), ..Chat::default() };
    let outlook = outlook(load(Behaviour::Chat(chat), Pace::Open(evenly(2.0, 10)), 19));
    assert_eq!((outlook.runs, outlook.cut.round()), (20, 20.0));
    assert_eq!((outlook.calls, outlook.exchanges, outlook.peak_rate), (0.0, 0.0, 0.0));
    assert_eq!(outlook.calls_range, Some((0.0, 0.0)));
    assert_eq!(outlook.much_cut(), Some(1.0));
    assert!(outlook.per_run.calls >= 1.0, "a whole run has calls");
}

#[test]
fn the_height_is_the_busiest_second() {
    // Two runs a second, of three calls each: from the third second on six calls begin in each,
    // and two sessions (4 exchanges) begin and two end.
    let outlook = outlook(load(each_second(3), Pace::Open(evenly(2.0, 10)), 10));
    assert_near(outlook.calls, 60.0);
    assert_near(outlook.exchanges, 60.0 + 20.0 * 5.0);
    assert_near(outlook.peak_rate, 6.0 + 2.0 * 4.0 + 2.0);
    assert_near(outlook.at_once, 6.0);
    // Only its first second: the runs due at 0.25 s and 0.75 s, and no call but their first.
    let first = super::tests::outlook(load(each_second(3), Pace::Open(evenly(2.0, 1)), 0));
    assert_near(first.peak_rate, 2.0 * (1.0 + 4.0));
}

#[test]
fn who_finds_the_ceiling_reached_calls_nothing() {
    let ceiling =
        |ceiling| Load { ceiling, ..load(each_second(10), Pace::Open(evenly(1.0, 10)), 20) };
    // Runs last 9.8 s: nine and a half seconds later the tenth finds the first still there.
    let outlook = |most| outlook(ceiling(most));
    assert_near(outlook(10).dropped, 0.0);
    assert_near(outlook(4).dropped, 6.0);
    assert_near(outlook(4).calls, 40.0);
    assert_near(outlook(4).at_once, 4.0);
    assert_eq!(outlook(4).runs, 10, "who is dropped has arrived");
}

#[test]
fn whom_a_person_stops_calls_no_more() {
    let mut research = Research { stopped: 0.0, ..Research::standard() };
    let whole = outlook(load(
        Behaviour::Research(Box::new(research.clone())),
        Pace::Open(evenly(1.0, 50)),
        24 * 3600,
    ));
    assert_near(whole.calls, whole.per_run.calls * 50.0);
    research.stopped = 1.0;
    let behaviour = Behaviour::Research(Box::new(research));
    let stopped = outlook(load(behaviour, Pace::Open(evenly(1.0, 50)), 24 * 3600));
    assert_near(stopped.per_run.calls, whole.per_run.calls);
    assert!(stopped.calls < 0.8 * whole.calls, "{} of {}", stopped.calls, whole.calls);
    assert_near(stopped.cut, 0.0);
}

#[test]
fn users_come_round_until_the_load_is_over() {
    // Runs of two calls last 1.8 s. The first user comes at once, the second after a second.
    // Until 6 s they start 4 and 3 runs: at 0, 1.8, 3.6, 5.4 s and 1, 2.8, 4.6 s.
    let closed = |calls, drain| outlook(load(each_second(calls), two_users(6), drain));
    let all = closed(2, 60);
    assert_eq!((all.runs, all.peak_users, all.calls_range), (7, Some(2), None));
    assert_near(all.calls, 14.0);
    assert_near(all.cut, 0.0);
    // The last run ends at 7.2 s.
    assert_eq!(all.whole_drain, 2 * SECOND);
    // Without a drain the run of 4.6 s has made both its calls and is cut within the second one;
    // that of 5.4 s has made one.
    assert_near(closed(2, 0).calls, 13.0);
    assert_near(closed(2, 0).cut, 2.0);
    // Longer runs: one for each user, at 0 s and at 1 s, cut at 8 s.
    let long = closed(1_000_000, 2);
    assert_near(long.calls, 9.0 + 8.0);
    assert_eq!((long.runs, long.cut.round(), long.per_run.calls), (2, 2.0, 1e6));
    // Every second each calls: initialize, initialized, list and stream come on top in the first.
    assert_near(long.peak_rate, 1.0 + 1.0 + 4.0);
}

#[test]
fn a_user_who_pools_keeps_one_session_for_its_stay() {
    let pooled = SessionWeights { fresh: 0.0, unechoed: 0.0, pooled: 1.0, echo: 0.0 };
    let profile = Profile { sessions: pooled, ..sample::plain() };
    let plan = sample::plan(load(each_second(2), two_users(6), 60), profile);
    let outlook = of(&plan, Way::Legacy, 2);
    assert_near(outlook.exchanges, 14.0 + 2.0 * 5.0);
    // An arrival's stay is its run.
    let profile = Profile { sessions: pooled, ..sample::plain() };
    let load = load(each_second(2), Pace::Open(evenly(1.0, 10)), 60);
    assert_near(of(&sample::plan(load, profile), Way::Legacy, 2).exchanges, 20.0 + 10.0 * 5.0);
}

#[test]
fn a_users_way_to_tokens_is_part_of_its_stay() {
    let bare = outlook(load(each_second(2), two_users(6), 60)).exchanges;
    let with = |consent: Consent, login: Login| {
        let mut plan = sample::plan(load(each_second(2), two_users(6), 60), sample::plain());
        let granted = Granted { login, ..sample::granted(Flow::Code(consent)) };
        plan.auth = Credential::Granted(Box::new(granted));
        assert!(may_occur(Operation::OauthToken, &plan));
        of(&plan, Way::Legacy, 2).exchanges - bare
    };
    // The refused request, two documents, a registration, a consent and the token, twice.
    assert_near(with(Consent::Redirect, Login::OnArrival), 2.0 * 6.0);
    let pages = vec![FormStep::default(), FormStep::default()];
    assert_near(with(Consent::Form(pages), Login::OnArrival), 2.0 * 8.0);
    let before = Login::Before { over: Duration::ZERO };
    assert_near(with(Consent::Redirect, before), 0.0);
}

#[test]
fn users_leave_as_the_stages_say() {
    let stage = |over: u32, to| UserStage { over: over * SECOND, to };
    let stages = vec![stage(2, 2), stage(4, 2), stage(2, 0), stage(2, 0), stage(1, 1)];
    let load = load(each_second(1), Pace::Closed(Users { stages }), 0);
    // Runs of 0.8 s: one user from 0 s to 7 s, one from 1 s to 6 s, one in the last second.
    assert_eq!(outlook(load).runs, 9 + 7 + 2);
}

#[test]
fn a_large_plan_is_like_its_small_ones() {
    // 4 million runs, of which not all are looked at, but each of the same kind.
    let large = outlook(Load {
        ceiling: 1_000_000,
        ..load(each_second(3), Pace::Open(evenly(4_000.0, 1_000)), 10)
    });
    assert_eq!(large.runs, 4_000_000);
    assert_near(large.calls / 12e6, 1.0);
    assert!((large.peak_rate / (4_000.0 * 8.0) - 1.0).abs() < 0.01, "{}", large.peak_rate);
    assert!((large.at_once / 11_200.0 - 1.0).abs() < 0.01, "{}", large.at_once);
}

#[test]
fn chance_alone_makes_the_range() {
    // Every run has three calls: other seeds would have the same, though the last runs are cut.
    let even = outlook(load(each_second(3), Pace::Open(evenly(1.0, 100)), 0));
    let (from, to) = even.calls_range.unwrap();
    assert_near(even.calls, 297.0);
    assert!(to - from <= 6.0, "{from} to {to}");
    // The range holds nearly all storms of other seeds.
    let chat = |seed| {
        let load = load(Behaviour::Chat(Chat::default()), Pace::Open(evenly(2.0, 50)), 5);
        of(&Plan { seed, ..sample::plan(load, sample::plain()) }, Way::Legacy, 2)
    };
    let (from, to) = chat(1).calls_range.unwrap();
    let within = (2..102).filter(|seed| (from..=to).contains(&chat(*seed).calls)).count();
    assert!((75..=100).contains(&within), "{within} of 100 within {from} to {to}");
    assert!(to - from < 100.0, "{from} to {to} says nothing");
}

fn behaviours() -> impl Strategy<Value = Behaviour> {
    let think = Distribution::uniform(Duration::ZERO, 3 * SECOND);
    prop_oneof![
        (1..30_u32).prop_map(move |calls| Behaviour::Steady(Steady { calls, think })),
        Just(Behaviour::Chat(Chat::default())),
        Just(Behaviour::Research(Box::new(Research::standard()))),
    ]
}

fn paces() -> impl Strategy<Value = Pace> {
    let spacing = prop_oneof![Just(Spacing::Even), Just(Spacing::Poisson)];
    let open = (0.1..3.0_f64, 1..20_u32, spacing).prop_map(|(rate, seconds, spacing)| {
        Pace::Open(Arrivals { spacing, ..evenly(rate, seconds) })
    });
    let stage = (1..10_u32, 0..4_u32).prop_map(|(over, to)| UserStage { over: over * SECOND, to });
    let closed = vec(stage, 1..4).prop_map(|stages| Pace::Closed(Users { stages }));
    prop_oneof![open, closed]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_longer_drain_never_means_less(
        behaviour in behaviours(), pace in paces(), drain in 0..60_u32, more in 1..600_u32,
    ) {
        let at = |drain| outlook(load(behaviour.clone(), pace.clone(), drain));
        let (cut, longer, whole) = (at(drain), at(drain + more), at(24 * 3600));
        for (less, more) in [(&cut, &longer), (&longer, &whole)] {
            prop_assert!(less.calls <= more.calls && less.exchanges <= more.exchanges);
            prop_assert!(less.cut >= more.cut);
            prop_assert_eq!(less.runs, more.runs);
            prop_assert_eq!(less.whole_drain, more.whole_drain);
        }
        prop_assert!(whole.cut == 0.0 && cut.cut <= cut.runs as f64);
        prop_assert!(cut.peak_rate <= cut.exchanges + 1e-6);
        if let Some((from, to)) = cut.calls_range {
            prop_assert!(from <= cut.calls && cut.calls <= to);
        }
        let enough = at(whole.whole_drain.as_secs() as u32);
        prop_assert_eq!((enough.cut, enough.calls), (0.0, whole.calls));
    }
}

#[test]
fn only_what_clients_go_by_is_called_inferred() {
    let inferred = |key: &&str| {
        let (confidence, reference) = (Confidence::Modelled, String::new());
        let (date, value) = ("2026-11".to_owned(), serde_json::Value::Null);
        let source = Source { confidence, reference, date, value };
        ((*key).to_owned(), source)
    };
    let keys = [
        "cap",
        "delete_share",
        "honours_ttl",
        "oauth.holders",
        "probe_lasts",
        "sessions",
        "stream_share",
    ];
    let sources = keys.iter().map(inferred).collect();
    let profile = Profile { era: Era::Auto, sources, ..sample::plain() };
    let load = load(each_second(1), Pace::Open(evenly(1.0, 1)), 1);
    let mut plan = sample::plan(load, profile);
    for (way, expected) in [
        (Way::Legacy, &["cap", "delete_share", "probe_lasts", "sessions", "stream_share"][..]),
        (Way::Modern, &["cap", "honours_ttl", "probe_lasts", "stream_share"]),
        (Way::HttpSse, &["cap", "probe_lasts", "sessions"]),
    ] {
        assert_eq!(modelled(&plan, way), expected, "{way:?}");
    }
    plan.clients.profile.era = Era::Legacy;
    assert!(!modelled(&plan, Way::Legacy).contains(&"probe_lasts"));
    plan.auth = Credential::Granted(Box::new(sample::granted(Flow::ClientCredentials)));
    assert!(modelled(&plan, Way::Legacy).contains(&"oauth.holders"));
}
