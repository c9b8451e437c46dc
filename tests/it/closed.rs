//! The closed model end to end: goose brings the users, and says nothing.

use std::time::{Duration, Instant};

use crate::http;
use crate::squall::Place;

#[test]
fn users_come_call_and_leave() {
    let place = Place::new();
    let order = place.run("steady").short_closed().set("tools.allow", r#"["echo"]"#);
    let done = order.arg("--json").go();
    let report = done.exits(0).report();
    // Anything of goose's on standard output would make it no JSON.
    let printed: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(printed, *report.at("/summary"));
    assert_eq!(report.count("/summary/users"), 3);
    // A run is five calls, and none is cut.
    assert_eq!(report.count("/summary/calls"), report.count("/summary/runs") * 5);
    assert!(report.count("/summary/runs") >= 3);
    // plain: a run is a conversation with a session of its own, which is closed in the end.
    assert_eq!(report.count("/summary/sessions/opened"), report.count("/summary/runs"));
    assert_eq!(report.count("/summary/sessions/closed"), report.count("/summary/runs"));
}

#[test]
fn the_dashboard_answers_while_the_load_lasts() {
    let place = Place::new();
    let address = http::free_address();
    let order = place.run("steady").short_closed().set("tools.allow", r#"["echo"]"#);
    let stages = r#"[{ over = "1s", to = 2 }, { over = "5m", to = 2 }]"#;
    let order = order.set("load.stages", stages);
    let mut running = order.args(["--dashboard", &address.to_string()]).start();
    running.until(&format!("http://{address}/"));
    running.until(" load ");
    let page = page_within(address, Duration::from_secs(20));
    assert!(page.to_lowercase().contains("<html"), "{page}");
    running.interrupt();
    let done = running.end();
    done.exits(130);
    assert!(!done.stdout.contains("launched"), "{}", done.stdout);
}

fn page_within(address: std::net::SocketAddr, patience: Duration) -> String {
    let until = Instant::now() + patience;
    loop {
        match http::ask(address, "GET", "/", "") {
            Ok((200, page)) => return page,
            other => assert!(Instant::now() < until, "no page at {address}: {other:?}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn stages_that_goose_would_round_away_are_refused() {
    let place = Place::new();
    let order = place.run("steady").set("load.stages", r#"[{ over = "500ms", to = 3 }]"#);
    insta::assert_snapshot!(order.go().refused(2, &place));
}
