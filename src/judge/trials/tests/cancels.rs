//! `check-cancel` on fixed series of trials.

use super::*;
use crate::model::behaviour::CancelTrials;
use crate::model::trial::cancels::{Seen, Trial};

const CUT: How = (Outcome::CutStream, Some(200));
const DEAD: How = (Outcome::Timeout, None);
const CRASHED: How = (Outcome::Status(500), Some(500));

fn cancel(trial: Trial, how: How, millis: u64) -> Event {
    tried(What::Cancel(trial), how, Duration::from_millis(millis))
}

fn seen(answered_after: Option<u64>, has_ended: bool) -> Trial {
    let taken = Duration::from_secs(2);
    let answered = answered_after.map(|millis| taken + Duration::from_millis(millis));
    let left = Duration::from_millis(1_500);
    Trial::Cancelled(Seen { taken: Some(taken), answered, has_ended, left })
}

/// Cancelled calls, what came right after, calls behind slow ones, and races.
struct Series {
    cancelled: Trial,
    after: How,
    /// How long one waits behind slow calls that are left alone, and behind cancelled ones.
    waits: (u64, u64),
    raced: How,
    apart: u64,
    after_race: How,
}

const SOUND: Series = Series {
    cancelled: Trial::Closed,
    after: OK,
    waits: (1_000, 20),
    raced: OK,
    apart: 2,
    after_race: OK,
};

impl Series {
    fn events(&self) -> Vec<Event> {
        let due = Duration::from_secs(2);
        let behind = |cancelled| Trial::Behind { cancelled, due };
        let mut events = vec![cancel(Trial::Alone, OK, 2_000)];
        for _ in 0..5 {
            events.push(cancel(self.cancelled, CUT, 500));
            events.push(cancel(Trial::After, self.after, 30));
        }
        events.push(cancel(behind(false), OK, self.waits.0));
        events.extend((0..3).map(|_| cancel(behind(true), OK, self.waits.1)));
        for _ in 0..9 {
            let apart = Some(Duration::from_millis(self.apart));
            events.push(cancel(Trial::Raced { apart }, self.raced, 30));
            events.push(cancel(Trial::Notice, (Outcome::Ok, Some(202)), 1));
            events.push(cancel(Trial::AfterRace, self.after_race, 30));
        }
        events
    }

    fn said(&self) -> (BTreeMap<String, String>, Vec<String>) {
        let knobs = CancelTrials { workers: 4, ..CancelTrials::default() };
        judged(&script(Trials::Cancels(knobs)), &self.events())
    }
}

fn with(cancelled: Trial) -> Series {
    Series { cancelled, ..SOUND }
}

#[test]
fn what_is_cancelled_ends_and_nothing_else_does() {
    let (value, findings) = with(seen(None, true)).said();
    assert_eq!(findings, [""; 0]);
    insta::assert_debug_snapshot!(value);
    // What crosses it comes long before its end.
    let (value, findings) = with(seen(Some(700), true)).said();
    assert_eq!(findings, [""; 0]);
    assert!(value["cancel"].contains("5 crossed their answers"), "{value:?}");
    // Nobody knows whether work goes on that keeps nobody waiting.
    let nobody = Series { waits: (20, 20), ..with(seen(None, true)) };
    let (value, findings) = nobody.said();
    assert_eq!(findings, [""; 0]);
    assert!(value["cancel"].contains("4 slow calls keep nobody waiting"), "{value:?}");
}

#[test]
fn each_way_to_cancel_badly_has_a_name() {
    let sound = || with(seen(None, true));
    let table: [(Series, &[&str]); 8] = [
        (with(seen(Some(900), true)), &["answered-after-cancel"]),
        (with(seen(None, false)), &["cancelled-stream-open"]),
        (Series { after: LOST, ..sound() }, &["cancel-kills-session"]),
        (Series { after: DEAD, ..sound() }, &["cancel-kills-session"]),
        (Series { waits: (1_000, 990), ..sound() }, &["cancelled-work-goes-on"]),
        (Series { after_race: LOST, ..sound() }, &["cancel-race"]),
        (Series { raced: CRASHED, ..sound() }, &["cancel-race"]),
        (Series { after: LOST, after_race: LOST, ..sound() }, &["cancel-kills-session"]),
    ];
    for (series, expected) in table {
        assert_eq!(series.said().1, expected);
    }
}

#[test]
fn too_few_races_say_nothing() {
    let (value, findings) = Series { apart: 50, ..with(seen(None, true)) }.said();
    assert_eq!(findings, [""; 0]);
    assert!(value["cancel-race"].starts_with("not enough to say"), "{value:?}");
    let left = Duration::from_secs(1);
    let refused = Seen { taken: None, answered: None, has_ended: true, left };
    let (value, findings) = with(Trial::Cancelled(refused)).said();
    assert_eq!(findings, [""; 0]);
    assert!(
        value["cancel"].starts_with("not enough to say: 5 calls were cancelled, 5"),
        "{value:?}"
    );
    let (value, _) = judged(&script(Trials::Cancels(CancelTrials::default())), &[]);
    assert!(value.values().all(|said| said.starts_with("not checked")), "{value:?}");
}
