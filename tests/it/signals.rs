//! Ctrl-C once lets runs finish and reports; twice reports now. The report is written either way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::squall::{Order, Place};
use crate::stranger::{Stranger, answer};

/// A storm that would last for minutes.
fn open(place: &Place) -> Order<'_> {
    let order = place.run("research-storm").short().set("tools.allow", r#"["echo"]"#);
    order.set("load.stages", r#"[{ over = "5m", to = "2/s" }]"#).set("load.drain", r#""5m""#)
}

fn closed(place: &Place) -> Order<'_> {
    let order = place.run("steady").short_closed().set("tools.allow", r#"["echo"]"#);
    let stages = r#"[{ over = "1s", to = 3 }, { over = "5m", to = 3 }]"#;
    order.set("load.stages", stages).set("load.drain", r#""5m""#)
}

#[test]
fn once_drains_and_reports() {
    for scenario in [open, closed] {
        let place = Place::new();
        let mut running = scenario(&place).start();
        running.until(" load ");
        running.interrupt();
        running.until("runs may finish; once more to report now");
        let done = running.end();
        let report = done.exits(130).report();
        assert_eq!(report.at("/verdict"), "stopped");
        assert!(report.count("/summary/runs") > 0);
        assert_eq!(report.count("/summary/runs_cut"), 0, "runs may finish");
        assert_eq!(report.outcomes(), ["ok"]);
    }
}

#[test]
fn twice_reports_now() {
    for scenario in [open, closed] {
        let place = Place::new();
        // No call is ever answered: nothing can finish while the load drains.
        let mut running = scenario(&place).set("practice.latency", r#""10m""#).start();
        running.until(" load ");
        running.interrupt();
        running.until("once more to report now");
        running.interrupt();
        let done = running.end();
        let report = done.exits(130).report();
        assert_eq!(report.at("/verdict"), "stopped");
        let cut = report.count("/summary/runs_cut");
        assert!(cut > 0);
        assert_eq!(report.count("/summary/runs"), cut);
        assert_eq!(report.outcomes(), ["unfinished"]);
    }
}

/// A page that is well before the load and never answers again keeps nobody waiting.
#[test]
fn a_health_page_that_hangs_is_not_waited_for() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let stranger = Stranger::answering(move |_| {
        while counted.fetch_add(1, Ordering::SeqCst) > 0 {
            std::thread::park();
        }
        answer("200 OK", "text/plain", "well")
    });
    let place = Place::new();
    let health = format!("{{ url = {:?} }}", stranger.url());
    let order = open(&place).set("target.health", &health).set("practice.latency", r#""10m""#);
    let mut running = order.start();
    running.until(" load ");
    while asked.load(Ordering::SeqCst) < 2 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    running.interrupt();
    running.until("once more to report now");
    running.interrupt();
    let done = running.end();
    let report = done.exits(130).report();
    assert_eq!(report.count("/health/asked_after"), 0);
    assert!(report.0.pointer("/health/after").is_none());
    let said = "After the load it was not asked: the run was stopped.";
    assert!(done.stdout.contains(said), "{}", done.stdout);
    place.squall().args(["report", "report", "--out", "again"]).go().exits(0);
}

#[test]
fn before_the_load_there_is_nothing_to_report() {
    let stranger = Stranger::silent();
    let place = Place::new();
    let running = open(&place).target(&stranger.url()).start();
    while stranger.connections() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    running.interrupt();
    let done = running.end();
    done.exits(130);
    assert!(done.stderr.contains("there is nothing to report"), "{}", done.stderr);
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_practice_target_that_dies_is_our_own_fault() {
    let place = Place::new();
    let mut running = open(&place).start();
    running.until(" load ");
    running.kill_its_child();
    running.interrupt();
    let done = running.end();
    let report = done.exits(1).report();
    assert!(done.stdout.contains("the practice target ended during the load"), "{}", done.stdout);
    assert_eq!(report.at("/verdict"), "untrustworthy");
    assert_eq!(report.at("/generator/trustworthy"), false);
    place.squall().args(["report", "report", "--out", "again"]).go().exits(0);
}
