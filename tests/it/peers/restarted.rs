//! Servers that are killed and started anew by a hook, in the middle of a load.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::peer::{Kind, Peer, Restart};
use crate::squall::Place;
use crate::storm::adds_up;

use super::no_violation;

/// Five users, each with one session that it keeps and call after call in it.
const SCENARIO: &str = "name = 'restarted'\nseed = 7\n[target]\nurl = 'practice'\n\
    transport = 'streamable-http'\nprotocol = '2025-11-25'\n[clients]\nprofile = 'plain'\n\
    [load]\nbehaviour = 'steady'\nmodel = 'closed'\nsteady = { calls = 1000000, think = '20ms' }\n\
    stages = [{ over = '1s', to = 5 }, { over = '10m', to = 5 }]\ndrain = '0s'\n\
    [tools]\nallow = ['echo']\n";

/// How many of its lines are of this.
fn lines(log: &[String], of: &str) -> usize {
    log.iter().filter(|line| *line == of).count()
}

/// Waits until the new server has served every user for a while.
fn until_served(restart: &Restart) {
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        let log = restart.access_log();
        let opened = lines(&log, "POST /mcp initialize 200");
        if opened >= 5 && lines(&log, "POST /mcp tools/call 200") >= 200 {
            return;
        }
        assert!(Instant::now() < end, "{log:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_restart_loses_sessions_and_serves_everybody_again() {
    let rows = [
        (Kind::PythonV2("stateful"), 404),
        (Kind::TypescriptV2("stateful"), 404),
        // Its clients give up the call that it says this to.
        (Kind::Everything("streamableHttp"), 400),
    ];
    thread::scope(|scope| {
        for (kind, status) in rows {
            scope.spawn(move || restarted(kind, status));
        }
    });
}

/// Restarts a server that answers so where a session is not known.
fn restarted(kind: Kind, status: u16) {
    let (peer, place) = (Peer::start(kind), Place::new());
    let restart = peer.restart();
    let hook = format!(
        "[[fault]]\nkind = 'hook'\nat = '3s'\nlasts = '1s'\ntimeout = '2m'\ncommand = {}\n",
        restart.command()
    );
    place.file("restarted.toml", &format!("{SCENARIO}{hook}"));
    let order = place.run_file("restarted.toml", "report").target(&peer.url());
    let running = order.patient_alone().start();
    until_served(&restart);
    // Nothing but its end is to depend on how long a server takes to start.
    running.interrupt();
    let report = running.end().exits(130).report();
    adds_up(&report);
    no_violation(&report);
    let window = report.at("/faults/0");
    assert_eq!(window.pointer("/hook/run/exit_status"), Some(&json!(0)), "{window}");
    assert_eq!(window.pointer("/hook/run/output"), Some(&json!("serves again\n")), "{window}");
    assert_eq!(window.pointer("/baseline/errors"), Some(&json!(0)), "{window}");
    assert_eq!([&window["sessions_lost"], &window["users_unserved"]], [5, 0], "{window}");
    assert_eq!(report.count("/summary/sessions/lost"), 5, "{kind:?}");
    assert_eq!(report.count("/summary/sessions/opened"), 10, "{kind:?}");
    // Whatever went wrong was a connection; calls in flight at the end are those of five users.
    let mut failed = report.at("/summary/outcomes").as_object().unwrap().clone();
    let mut of = |outcome: &str| failed.remove(outcome).map_or(0, |count| count.as_u64().unwrap());
    assert!(of("ok") > 0 && of("connect_failure") > 0 && of("unfinished") <= 5, "{report:?}");
    of("cut_stream");
    let lost = of("session_lost");
    assert!(failed.values().all(|count| *count == 0), "{failed:?}");
    // The new server refused nothing but the sessions of the old one.
    let log = restart.access_log();
    let refused = format!(" {status}");
    let (refused, answered): (Vec<_>, Vec<_>) =
        log.iter().partition(|line| line.ends_with(&refused));
    let good = |line: &&String| [" 200", " 202", " -"].iter().any(|end| line.ends_with(end));
    assert!(answered.iter().all(good), "{kind:?}: {log:?}");
    let calls = refused.iter().filter(|line| line.contains(" tools/call ")).count() as u64;
    assert!(!refused.is_empty() && calls <= 5, "{kind:?}: {refused:?}");
    assert_eq!(lost, if status == 404 { 0 } else { calls }, "{kind:?}");
}
