//! The behaviour against limits that are simulated on a clock of their own, judged: each way of
//! counting, by each of what may be counted, with an exact answer every time.

use std::collections::{HashMap, VecDeque};

use super::*;
use crate::model::behaviour::{Lead, RateLimit, Step};
use crate::model::chance::Key;
use crate::model::limit_probe::Shot;
use crate::model::outcome::{Outcome, Signal, Throttle};
use crate::model::plan::limits::{Allowance, Says};

const SERVICE: Duration = Duration::from_millis(2);
const CLIENTS: Clients =
    Clients { addresses: 2, patience: Duration::from_secs(20), told_apart: true };

/// How a simulated limit counts, so many in two seconds.
#[derive(Clone, Copy)]
enum Kind {
    None,
    Bucket {
        holds: f64,
    },
    /// Windows that begin with a request, or at whole times of the clock.
    Fixed {
        by_clock: bool,
    },
    Sliding {
        counts_refused: bool,
    },
}

const WINDOW: Duration = Duration::from_secs(2);
const BUCKET: Kind = Kind::Bucket { holds: 20.0 };

/// What a simulated limit counts by.
type KeyOf = fn(&Shot) -> String;

struct Simulated {
    kind: Kind,
    count: u32,
    key: KeyOf,
    /// What a refusal says, of what is left.
    tells: fn(Duration) -> Option<Duration>,
    buckets: HashMap<String, (f64, Duration)>,
    windows: HashMap<String, (Duration, u32)>,
    logs: HashMap<String, VecDeque<Duration>>,
}

fn user(shot: &Shot) -> String {
    shot.who.user.to_string()
}

/// Whole seconds, rounded up.
#[expect(clippy::unnecessary_wraps, reason = "as a limit that says nothing has it")]
fn whole(left: Duration) -> Option<Duration> {
    Some(Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0)))
}

fn simulated(kind: Kind) -> Simulated {
    let (buckets, windows, logs) = Default::default();
    Simulated { kind, count: 20, key: user, tells: whole, buckets, windows, logs }
}

impl Simulated {
    fn take(&mut self, shot: &Shot, now: Duration) -> Result<(), Duration> {
        let (key, count) = ((self.key)(shot), self.count);
        let rate = f64::from(count) / WINDOW.as_secs_f64();
        match self.kind {
            Kind::None => Ok(()),
            Kind::Bucket { holds } => {
                let (left, at) = self.buckets.entry(key).or_insert((holds, now));
                *left = (*left + now.saturating_sub(*at).as_secs_f64() * rate).min(holds);
                *at = now;
                if *left < 1.0 {
                    return Err(Duration::from_secs_f64((1.0 - *left) / rate));
                }
                *left -= 1.0;
                Ok(())
            }
            Kind::Fixed { by_clock } => {
                let (began, served) = self.windows.entry(key).or_insert((now, 0));
                if by_clock && *served == 0 {
                    *began = WINDOW * (now.as_millis() / WINDOW.as_millis()) as u32;
                }
                if now >= *began + WINDOW {
                    let past = now.saturating_sub(*began).as_millis() / WINDOW.as_millis();
                    *began = if by_clock { *began + WINDOW * past as u32 } else { now };
                    *served = 0;
                }
                if *served >= count {
                    return Err((*began + WINDOW).saturating_sub(now));
                }
                *served += 1;
                Ok(())
            }
            Kind::Sliding { counts_refused } => {
                let log = self.logs.entry(key).or_default();
                while log.front().is_some_and(|first| now >= *first + WINDOW) {
                    log.pop_front();
                }
                let is_full = log.len() >= count as usize;
                if !is_full || counts_refused {
                    log.push_back(now);
                }
                let first = log.front().copied().unwrap_or(now);
                if is_full { Err((first + WINDOW).saturating_sub(now)) } else { Ok(()) }
            }
        }
    }

    fn answer(&mut self, shot: Shot, now: Duration) -> Probe {
        let outcome = match shot.what {
            What::Call => match self.take(&shot, now) {
                Ok(()) => Outcome::Ok,
                Err(left) => {
                    let retry_after = (self.tells)(left);
                    Outcome::Throttled(Throttle { signal: Signal::Http429, retry_after })
                }
            },
            _ => Outcome::Ok,
        };
        Probe { shot, sent: now, done: now + SERVICE, outcome }
    }
}

fn declared() -> Declared {
    Declared {
        allow: Allowance { count: 20, window: WINDOW },
        burst: Some(20),
        per: Some(Per::User),
        retry_after: true,
        signal: Some(Says::Status429),
    }
}

fn knobs(declared: Option<&Declared>) -> RateLimit {
    RateLimit {
        allow: declared.map(|limit| limit.allow),
        at_once: declared.map_or(0, Declared::at_once),
        max_requests: 4_000,
        together: 4,
        calm: (20, 0.8),
        bursts: 3,
        rest: None,
        pressing: None,
        press: 2.0,
        edges: 2,
        tries: 3,
        quiet: 9,
        fair: None,
        patience: Duration::from_secs(120),
        has_users: true,
        has_tokens: true,
        addresses: 2,
    }
}

/// Plays the whole check against a simulated limit.
fn play(mut target: Simulated, knobs: RateLimit) -> Vec<Probe> {
    let behaviour = Behaviour::Check(Check::RateLimit(knobs));
    let mut lead: Lead = behaviour.run(Key::of_run(7, 0), 2, 1.0);
    let (mut now, mut all) = (Duration::from_millis(700), Vec::new());
    for _ in 0..20_000 {
        match lead.next(&[]) {
            Step::Think(pause) => now += pause,
            Step::Volley(shots) => {
                let probes: Vec<_> =
                    shots.into_iter().map(|shot| target.answer(shot, now)).collect();
                lead.hear(&probes);
                all.extend(probes);
                now += SERVICE;
            }
            Step::End => return all,
            step => panic!("{step:?}"),
        }
    }
    panic!("a check must end");
}

/// What became of each declared part, and the names of the findings.
fn judged(target: Simulated, declared: &Declared) -> (Vec<Option<bool>>, Vec<String>, RateLimits) {
    let knobs = knobs(Some(declared));
    let behaviour = Behaviour::Check(Check::RateLimit(knobs));
    let mut limits = Limits::new(&behaviour, std::slice::from_ref(declared), CLIENTS);
    for probe in play(target, knobs) {
        limits.observe(&Event::Probe(Box::new(probe)));
    }
    let (expectations, found) = limits.end();
    let rows = expectations.judged.iter();
    let rows = rows.map(|row| (!row.unproven).then_some(row.passed)).collect();
    let mut ids: Vec<_> = expectations.findings.iter().map(|it| it.id.clone()).collect();
    ids.sort();
    (rows, ids, found.unwrap())
}

fn all_hold(target: Simulated, declared: &Declared, shape: &str) {
    let (rows, ids, found) = judged(target, declared);
    assert!(rows.iter().all(|row| *row == Some(true)), "{shape}: {rows:?} {found:?}");
    assert_eq!(ids, [""; 0], "{shape}: {found:?}");
    assert_eq!(found.shape.as_deref(), Some(shape));
    if let Some(rate) = found.per_second {
        assert!(rate.low <= 10.0 && 10.0 <= rate.high, "{shape}: {rate:?}");
        assert!(rate.high - rate.low <= 1.5, "{shape}: {rate:?}");
    }
}

#[test]
fn a_sound_limit_holds_however_it_counts() {
    let bare = Declared { burst: None, ..declared() };
    all_hold(simulated(BUCKET), &declared(), "token bucket");
    all_hold(simulated(Kind::Fixed { by_clock: false }), &bare, "fixed window");
    all_hold(simulated(Kind::Fixed { by_clock: true }), &bare, "fixed window");
    all_hold(simulated(Kind::Sliding { counts_refused: false }), &declared(), "sliding window");
    let small = Declared { burst: Some(8), ..declared() };
    all_hold(simulated(Kind::Bucket { holds: 8.0 }), &small, "token bucket");
}

#[test]
fn what_is_refused_may_count_too() {
    let bare = Declared { per: None, retry_after: false, ..declared() };
    let target = Simulated { tells: |_| None, ..simulated(Kind::Sliding { counts_refused: true }) };
    let (rows, ids, found) = judged(target, &bare);
    assert_eq!(rows, [Some(true); 3], "{found:?}");
    assert_eq!(ids, ["retry-after-missing"]);
    assert_eq!(found.shape.as_deref(), Some("window that counts what it refuses"));
    assert_eq!(found.burst, Some(Between { low: 20.0, high: 20.0 }));
}

#[test]
fn each_way_of_being_wrong_has_its_finding() {
    let sessions: KeyOf = |shot| format!("{:?}", (shot.who.user, shot.who.session));
    let places: KeyOf = |shot| shot.who.place.to_string();
    let tools: KeyOf = |shot| shot.ask.tool.to_string();
    let all: KeyOf = |_| String::new();
    let otherwise = "limit-counted-otherwise";
    let unfair = "quiet-users-throttled";
    let table: [(&str, Simulated, &[&str]); 13] = [
        ("none", simulated(Kind::None), &["limit-exceeded"]),
        ("half", Simulated { count: 10, ..simulated(BUCKET) }, &["refused-below-limit"]),
        ("double", Simulated { count: 40, ..simulated(BUCKET) }, &["limit-exceeded"]),
        ("small", simulated(Kind::Bucket { holds: 10.0 }), &["burst-refused"]),
        ("large", simulated(Kind::Bucket { holds: 33.0 }), &["burst-exceeded"]),
        ("edge", simulated(Kind::Fixed { by_clock: false }), &["double-burst"]),
        ("session", Simulated { key: sessions, ..simulated(BUCKET) }, &[otherwise]),
        ("address", Simulated { key: places, ..simulated(BUCKET) }, &[otherwise, unfair]),
        ("tool", Simulated { key: tools, ..simulated(BUCKET) }, &[otherwise, unfair]),
        ("all", Simulated { key: all, ..simulated(BUCKET) }, &[otherwise, unfair]),
        ("unsaid", Simulated { tells: |_| None, ..simulated(BUCKET) }, &["retry-after-missing"]),
        (
            "short",
            Simulated {
                tells: |left| Some(left / 2),
                ..simulated(Kind::Sliding { counts_refused: false })
            },
            &["retry-after-too-short"],
        ),
        (
            "long",
            Simulated { tells: |_| Some(Duration::from_secs(300)), ..simulated(BUCKET) },
            &["retry-after-too-long"],
        ),
    ];
    for (name, target, expected) in table {
        let (_, ids, found) = judged(target, &declared());
        assert_eq!(ids, expected, "{name}: {found:?}");
    }
}

#[test]
fn what_it_counts_by_is_told() {
    let keys: [(KeyOf, Per); 5] = [
        (user, Per::User),
        (|shot| format!("{:?}", (shot.who.user, shot.who.session)), Per::Session),
        (|shot| shot.who.place.to_string(), Per::Address),
        (|shot| shot.ask.tool.to_string(), Per::Tool),
        (|_| String::new(), Per::All),
    ];
    for (key, per) in keys {
        let limit = Declared { per: Some(per), ..declared() };
        let (rows, ids, found) = judged(Simulated { key, ..simulated(BUCKET) }, &limit);
        assert_eq!(found.per.as_deref(), Some(per.word()), "{found:?}");
        assert_eq!((rows, ids.len()), (vec![Some(true); 5], 0), "{per:?} {found:?}");
    }
}

#[test]
fn without_a_declaration_the_limit_is_found() {
    for kind in [
        BUCKET,
        Kind::Fixed { by_clock: false },
        Kind::Fixed { by_clock: true },
        Kind::Sliding { counts_refused: false },
    ] {
        let knobs = knobs(None);
        let behaviour = Behaviour::Check(Check::RateLimit(knobs));
        let mut limits = Limits::new(&behaviour, &[], CLIENTS);
        for probe in play(simulated(kind), knobs) {
            limits.observe(&Event::Probe(Box::new(probe)));
        }
        let (expectations, found) = limits.end();
        let found = found.unwrap();
        assert_eq!((expectations.judged.len(), expectations.findings.len()), (0, 0), "{found:?}");
        let (rate, burst) = (found.per_second.unwrap(), found.burst.unwrap());
        assert!(rate.low <= 10.3 && 9.7 <= rate.high, "{found:?}");
        assert!((19.0..=21.0).contains(&burst.high), "{found:?}");
        assert_eq!(found.per.as_deref(), Some("user"), "{found:?}");
    }
}

#[test]
fn no_more_is_sent_than_allowed() {
    let limit = declared();
    for most in [20, 50, 200] {
        let knobs = RateLimit { max_requests: most, ..knobs(Some(&limit)) };
        assert!(play(simulated(BUCKET), knobs).len() <= most as usize);
    }
    let knobs = RateLimit { max_requests: 60, ..knobs(Some(&limit)) };
    let mut limits = Limits::new(&Behaviour::Check(Check::RateLimit(knobs)), &[limit], CLIENTS);
    for probe in play(simulated(BUCKET), knobs) {
        limits.observe(&Event::Probe(Box::new(probe)));
    }
    let (expectations, _) = limits.end();
    assert!(expectations.judged.iter().any(|row| row.unproven), "{:?}", expectations.judged);
    assert!(
        expectations.judged.iter().filter(|row| row.text.contains("allow")).all(|row| !row.passed)
    );
}

#[test]
fn a_window_gives_nothing_back_during_a_burst() {
    let bursts = |served: usize, back: f64| {
        let mut bursts = Bursts::default();
        bursts.served = vec![served; 3];
        bursts.sizes = vec![served as f64 - back; 3];
        bursts.said(30, false).held
    };
    // Thirty were served, of which three may have come back, or none.
    assert_eq!(bursts(30, 3.0), Some(true));
    assert_eq!(bursts(33, 3.0), Some(true));
    assert_eq!((bursts(27, 0.0), bursts(27, 3.0)), (Some(false), Some(false)));
    assert_eq!(bursts(36, 3.0), Some(false));
}
