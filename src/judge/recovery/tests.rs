//! Windows of faults over loads made up to the millisecond.

use super::*;
use crate::model::event::SessionEvent;
use crate::model::fault::outside::Toxic;
use crate::model::fault::{Direction, Network, Scope, What, When};
use crate::model::outcome::Outcome;
use crate::model::summary::sample;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn faults(whens: &[(u64, u64)]) -> (Vec<Fault>, Vec<Window>) {
    let fault = |(number, (at, lasts)): (usize, &(u64, u64))| Fault {
        name: format!("fault {number}"),
        kind: "drop",
        when: When { at: ms(*at), lasts: Some(ms(*lasts)), every: None, repeat: None },
        share: 1.0,
        scope: Scope::default(),
        what: What::Network(Network::Refuse),
    };
    let faults: Vec<_> = whens.iter().enumerate().map(fault).collect();
    let windows = crate::model::fault::windows(&faults, ms(1_000_000));
    (faults, windows)
}

fn call(user: u32, due: u64, took: u64, outcome: Outcome, touched: Touched) -> Event {
    let mut call = sample::call(user, 0, 1);
    call.instants.due = ms(due);
    call.instants.started = ms(due);
    call.instants.done = ms(due + took);
    (call.outcome, call.touched) = (outcome, touched);
    Event::Call(call)
}

/// A call every 10 ms for so long, of ten users in turn; `how` says what becomes of each.
fn load(
    watched: &mut Watched,
    length: u64,
    how: impl Fn(u64) -> (u64, Outcome, Touched),
) -> Duration {
    for due in (0..length).step_by(10) {
        let (took, outcome, touched) = how(due);
        let user = u32::try_from(due / 10 % 10).unwrap();
        watched.observe(&call(user, due, took, outcome, touched));
        let mut exchange = sample::exchange(user, Operation::ToolsCall, 1);
        (exchange.began, exchange.sent) = (ms(due), Some(ms(due)));
        watched.observe(&Event::Exchange(exchange));
        if outcome != Outcome::Ok {
            exchange.operation = Operation::Initialize;
            watched.observe(&Event::Exchange(exchange));
        }
    }
    ms(length)
}

#[test]
fn a_fault_is_measured_against_what_was_before_and_until_it_is_over() {
    let (faults, windows) = faults(&[(10_000, 5_000)]);
    let mut watched = Watched::new(&faults, windows);
    let mine = Touched::by(0);
    let end = load(&mut watched, 30_000, |due| match due {
        // Every second call fails in the window; three seconds of slowness follow.
        10_000..15_000 if due / 10 % 2 == 0 => (400, Outcome::CutStream, mine),
        10_000..15_000 => (400, Outcome::Ok, mine),
        15_000..18_000 => (200, Outcome::Ok, Touched::default()),
        _ => (20, Outcome::Ok, Touched::default()),
    });
    let lost = |at| SessionEvent { user: 1, at: ms(at), change: SessionChange::Lost };
    watched.observe(&Event::Session(lost(9_000)));
    watched.observe(&Event::Session(lost(15_500)));
    let damage = watched.end(end, end).remove(0);
    assert_eq!((damage.name.as_str(), damage.kind.as_str()), ("fault 0", "drop"));
    let base = damage.baseline.clone().unwrap();
    assert_eq!((base.calls, base.errors, base.good_per_second), (1_000, 0, 99.8));
    assert_eq!((damage.inside.calls, damage.inside.errors), (500, 250));
    assert_eq!((damage.met, damage.explained, damage.unexplained), (500, 250, 0));
    assert!((390_000..410_000).contains(&damage.inside.p95_us.unwrap()));
    assert_eq!(damage.sessions_lost, 1);
    // The last quarter of a second before 18 s has slow calls in its group.
    let Recovery::Recovered { after_us } = damage.recovery else { panic!("{damage:?}") };
    assert!((2_500_000..=3_000_000).contains(&after_us), "{after_us}");
    assert!(!damage.is_metastable());
    // The even users failed, and were served by their next calls.
    assert_eq!((damage.users_hit, damage.users_unserved), (5, 0));
    assert!(damage.served_us > 0 && damage.served_us <= 300_000, "{}", damage.served_us);
    let amplification = damage.amplification.unwrap();
    assert!((1.25..1.4).contains(&amplification), "{amplification}");
    assert_eq!(damage.handshake_amplification, None, "there was none before");
}

#[test]
fn what_never_comes_back_is_metastable_and_its_baseline_stays() {
    let (faults, windows) = faults(&[(5_000, 1_000), (12_000, 1_000)]);
    let mut watched = Watched::new(&faults, windows);
    let end = load(&mut watched, 20_000, |due| match due {
        0..5_000 => (20, Outcome::Ok, Touched::default()),
        _ => (900, Outcome::Status(503), Touched::default()),
    });
    let damages = watched.end(end, end);
    assert_eq!(damages[0].recovery, Recovery::NotSeen { watched_us: 6_000_000 });
    assert!(damages[0].is_metastable());
    let found = findings(&damages);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].id.as_str(), found[0].count), ("not-recovered", 2));
    assert_eq!(damages[0].unexplained, 100);
    assert_eq!(damages[1].baseline, damages[0].baseline, "damage is no baseline");
    assert_eq!(damages[1].users_unserved, 10);
}

#[test]
fn what_cannot_be_said_is_not_said() {
    let (faults, windows) = faults(&[(100, 1_000), (9_000, 60_000)]);
    let mut watched = Watched::new(&faults, windows);
    let end = load(&mut watched, 10_000, |_| (20, Outcome::Ok, Touched::default()));
    let damages = watched.end(end, end);
    assert_eq!((damages[0].recovery, &damages[0].baseline), (Recovery::NoBaseline, &None));
    assert_eq!((damages[1].recovery, damages[1].open), (Recovery::Unwatched, true));
    assert_eq!(damages[1].until_us, 10_000_000);
}

#[test]
fn a_tail_that_was_there_before_is_none_of_the_faults() {
    let (faults, windows) = faults(&[(10_000, 1_000)]);
    let mut watched = Watched::new(&faults, windows);
    // One call in twelve takes a second: some groups of fifty have a p95 of that.
    let end = load(&mut watched, 20_000, |due| {
        let took = if due / 10 % 12 == 0 || (due / 1_000 % 4 == 0 && due / 10 % 5 == 0) {
            1_000
        } else {
            20
        };
        (took, Outcome::Ok, Touched::default())
    });
    let damage = watched.end(end, end).remove(0);
    assert_eq!(damage.recovery, Recovery::Recovered { after_us: 0 });
}

#[test]
fn a_long_run_takes_no_more_memory() {
    let mut bins = Bins::default();
    for second in 0..50_000 {
        bins.exchange(Duration::from_secs(second), second % 2 == 0);
    }
    let whole = bins.group(Duration::ZERO, Duration::from_secs(60_000));
    assert_eq!((whole.exchanges, whole.handshakes), (50_000, 25_000));
}

#[test]
fn errors_are_told_apart_where_all_that_is_under_way_meets_a_fault_outside() {
    let toxic = |proxy: Option<&str>| {
        let (proxy, attributes) = (proxy.map(str::to_owned), Vec::new());
        Toxic { proxy, kind: "timeout", attributes, direction: Direction::Downstream }
    };
    let own = || What::Toxic(toxic(None));
    for (what, share, is_untold) in
        [(own(), 1.0, false), (own(), 0.5, true), (What::Toxic(toxic(Some("database"))), 1.0, true)]
    {
        let (mut faults, windows) = faults(&[(5_000, 1_000)]);
        (faults[0].what, faults[0].share) = (what, share);
        let mut watched = Watched::new(&faults, windows);
        // Every second call fails in the window, and half of those met nothing that is known.
        let end = load(&mut watched, 9_000, |due| match due {
            5_000..6_000 if due % 40 == 0 && !is_untold => (20, Outcome::CutStream, Touched::by(0)),
            5_000..6_000 if due % 20 == 0 => (20, Outcome::CutStream, Touched::default()),
            _ => (20, Outcome::Ok, Touched::default()),
        });
        let damage = watched.end(end, end).remove(0);
        assert_eq!(damage.untold, is_untold);
        let told = (damage.met, damage.explained, damage.unexplained);
        assert_eq!(told, if is_untold { (0, 0, 0) } else { (25, 25, 25) });
        assert_eq!(damage.inside.errors, 50);
    }
}
