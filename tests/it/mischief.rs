//! Faults at the client's end against the practice target: what it saw is what the report says.

use std::thread;
use std::time::{Duration, Instant};

use crate::nginx;
use crate::practice::Practice;
use crate::squall::{Order, Place, Report};
use crate::storm::adds_up;

/// Three users with four calls each, one after the other.
const SCENARIO: &str = "name = 'mischief'\nseed = 7\n[target]\nurl = 'practice'\n\
    [clients]\nprofile = 'plain'\noverride = { stream_share = 0.0, cancels = false }\n\
    [load]\nbehaviour = 'steady'\nsteady = { calls = 4, think = '0s' }\nfrom = '3/s'\n\
    stages = [{ over = '1s', to = '3/s' }]\ndrain = '60s'\n\
    [tools]\nallow = ['search']\n";

/// A run of it with these faults.
fn run(faults: &str, flags: &[&str]) -> (Report, Practice) {
    run_until(faults, flags, r#""60s""#)
}

/// The same, with so much time after the last arrival.
fn run_until(faults: &str, flags: &[&str], drain: &str) -> (Report, Practice) {
    let (practice, place) = (Practice::with(flags), Place::new());
    let order = order(&place, faults).target(&practice.url());
    let report = order.set("load.drain", drain).go().report();
    rests(&practice);
    (report, practice)
}

/// It with these faults.
fn order<'a>(place: &'a Place, faults: &str) -> Order<'a> {
    place.file("mischief.toml", &format!("{SCENARIO}{faults}"));
    place.run_file("mischief.toml", "report").patient()
}

/// Waits until the target has nothing to do any more.
fn rests(practice: &Practice) {
    let until = Instant::now() + Duration::from_secs(30);
    while practice.counted("practice_in_flight ") > 0 && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
}

fn calls_seen(practice: &Practice) -> u64 {
    practice.counted("practice_requests_total{method=\"tools/call\",")
}

const SSE: &[&str] = &["--answers", "sse", "--latency", "5ms"];

/// What is done, how every call ends, and how often the target sees and executes each.
type Row = (String, &'static str, u64, u64);

fn rows() -> [Row; 12] {
    let fault =
        |rest: &str| format!("[[fault]]\nat = '0s'\nmatch.operation = 'tools/call'\n{rest}\n");
    [
        (fault("kind = 'cut-stream'"), "cut_stream", 1, 1),
        (fault("kind = 'cut-stream'\npoint = 'in-event'\nparting = 'close'"), "cut_stream", 1, 1),
        (fault("kind = 'twice'"), "ok", 2, 2),
        (fault("kind = 'slow-read'\nrate = '1MB/s'"), "ok", 1, 1),
        (fault("kind = 'drip-stream'\nrate = '1MB/s'"), "ok", 1, 1),
        (fault("kind = 'hold-stream'\nsilence = '10ms'"), "ok", 1, 1),
        (fault("kind = 'hop'\naddresses = ['127.0.3.1', '127.0.3.2']"), "ok", 1, 1),
        (fault("kind = 'no-version-header'"), "ok", 1, 1),
        (fault("kind = 'no-session-header'"), "session_lost", 1, 0),
        (fault("kind = 'abandon'"), "cancelled", 1, 1),
        ("[[fault]]\nat = '0s'\nkind = 'stray-initialized'\n".to_owned(), "ok", 1, 1),
        (fault("kind = 'cut-stream'") + &fault("kind = 'retry'\ntimes = 2"), "cut_stream", 3, 3),
    ]
}

/// Holds a run with the faults of a row against what the target saw.
#[track_caller]
fn saw(practice: &Practice, report: &Report, (faults, outcome, seen, executed): &Row) {
    adds_up(report);
    let calls = report.count("/summary/calls");
    assert_eq!(report.outcomes(), [*outcome], "{faults}");
    assert_eq!(calls_seen(practice), seen * calls, "{faults}");
    assert_eq!(report.count("/summary/exchanges/tools~1call"), seen * calls, "{faults}");
    assert_eq!(practice.counted("practice_requests_total"), report.exchanges(), "{faults}");
    let done = practice.counted("practice_tool_calls_total");
    assert_eq!(done, executed * calls, "{faults}");
    let repeats = if faults.contains("twice") { calls } else { 0 };
    assert_eq!(practice.counted("practice_duplicate_calls_total"), repeats, "{faults}");
    let findings = report.at("/findings").as_array().unwrap();
    assert!(findings.is_empty(), "what the client does is no fault of the target: {findings:?}");
}

#[test]
fn the_target_saw_what_each_fault_says() {
    in_halves(|row| {
        let (report, practice) = run(&row.0, SSE);
        saw(&practice, &report, row);
    });
}

/// All rows, two at a time.
fn in_halves(each: impl Fn(&Row) + Sync) {
    let rows = rows();
    thread::scope(|scope| {
        for rows in rows.chunks(rows.len().div_ceil(2)) {
            scope.spawn(|| rows.iter().for_each(&each));
        }
    });
}

/// The same behind nginx, over TLS and both versions of HTTP.
#[test]
fn it_saw_the_same_behind_tls() {
    thread::scope(|scope| {
        for http in ["1.1", "2"] {
            scope.spawn(move || in_halves(|row| behind_tls(http, row)));
        }
    });
}

fn behind_tls(http: &str, row: &Row) {
    let (nginx, place) = (nginx::before_practice(SSE), Place::new());
    let order = nginx.reached(&place, order(&place, &row.0));
    let done = order.set("target.http", &format!("{http:?}")).go();
    // What is no fault of the target is none that passes: not one call ended well.
    let code = if row.1 == "ok" { 0 } else { 4 };
    let report = done.exits(code).report();
    rests(&nginx.behind);
    saw(&nginx.behind, &report, row);
    let opened = report.count("/summary/connections/opened");
    assert_eq!(report.count("/summary/connections/tls"), opened, "{http} {}", row.0);
    let http2 = if http == "2" { opened } else { 0 };
    assert_eq!(report.count("/summary/connections/http2"), http2, "{http} {}", row.0);
}

/// Who counts calls that are carried out twice is believed; of who does not, it is said that nobody knows.
#[test]
fn calls_that_were_carried_out_twice_are_as_many_as_the_target_counted() {
    let twice = "[[fault]]\nname = 'again'\nkind = 'twice'\nat = '0s'\nlasts = '9s'\n\
                 match.operation = 'tools/call'\n\
                 [[fault]]\nname = 'later'\nkind = 'twice'\nat = '50s'\n";
    let run = |sets: &[(&str, &str)], target: Option<&Practice>, words: &str| {
        let place = Place::new();
        place.file("mischief.toml", &format!("{SCENARIO}{twice}"));
        let order = place.run_file("mischief.toml", "report").patient().sets(sets.iter().copied());
        let done = match target {
            Some(practice) => order.target(&practice.url()).go(),
            None => order.go(),
        };
        let read =
            |name: &str| std::fs::read_to_string(place.path().join("report").join(name)).unwrap();
        for said in [done.stdout.clone(), read("summary.md"), read("report.html")] {
            assert!(said.contains(words), "{words}: {said}");
        }
        let report = done.report();
        adds_up(&report);
        assert_eq!((report.count("/summary/calls"), report.count("/faults/0/met")), (12, 12));
        report
    };
    let known = "The target carried out 12 calls twice";
    // The practice target's counter is known, and its page is none of what is drawn.
    let report = run(&[], None, known);
    let duplicates = [0, 1].map(|window| report.count(&format!("/faults/{window}/duplicates")));
    assert_eq!(duplicates, [12, 0]);
    assert!(report.0.get("target_metrics").is_none());
    // Another target's has to be named.
    let practice = Practice::with(&[]);
    let metrics = "{ url = '/metrics', duplicates = 'practice_duplicate_calls_total' }";
    let report = run(&[("target.metrics", metrics)], Some(&practice), known);
    let counted = practice.counted("practice_duplicate_calls_total");
    assert_eq!((report.count("/faults/0/duplicates"), counted), (12, 12));
    assert!(report.0.get("target_metrics").is_some());
    // It is not, or nobody has it.
    let unknown = "How many calls the target carried out twice is unknown";
    let misnamed = "{ url = '/metrics', duplicates = 'again_total' }";
    for (metrics, is_noted) in [("{}", false), (misnamed, true)] {
        let report = run(&[("target.metrics", metrics)], Some(&practice), unknown);
        assert!(report.at("/faults/0").get("duplicates").is_none(), "{metrics}");
        let notes = report.at("/scenario/notes").to_string();
        assert_eq!(notes.contains("no page of metrics had again_total"), is_noted, "{notes}");
    }
}

#[test]
fn a_herd_is_cancelled_in_the_middle_of_its_calls() {
    let text = "[[fault]]\nkind = 'cancel-herd'\nat = '2s'\n";
    let (report, practice) = run_until(text, &["--latency", "1h"], r#""2s""#);
    adds_up(&report);
    // Each user's first call hangs and is cancelled; the second hangs until the run is cut.
    assert_eq!(report.count("/summary/outcomes/cancelled"), 3);
    assert_eq!(report.count("/summary/outcomes/unfinished"), 3);
    assert_eq!(calls_seen(&practice), 6);
}

#[test]
fn half_of_the_calls_are_the_same_half_with_the_same_seed() {
    let fault = "[[fault]]\nkind = 'cut-stream'\nat = '0s'\nshare = 0.5\nmatch.tool = 'search'\n";
    let cut = || {
        let (report, _) = run(fault, SSE);
        (report.count("/summary/outcomes/cut_stream"), report.count("/summary/outcomes/ok"))
    };
    let (some, rest) = cut();
    assert_eq!(some + rest, 12);
    assert!(some > 0 && rest > 0);
    assert_eq!(cut(), (some, rest));
}

#[test]
fn addresses_that_are_not_here_are_refused_before_the_load() {
    let place = Place::new();
    let fault = "[[fault]]\nkind = 'hop'\nat = '0s'\naddresses = ['192.0.2.7']\n";
    place.file("mischief.toml", &format!("{SCENARIO}{fault}"));
    let order = place.run_file("mischief.toml", "report");
    let said = order.go().refused(2, &place);
    assert!(said.contains("no address 192.0.2.7") && said.contains("ip addr add"), "{said}");
}
