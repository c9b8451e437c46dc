//! What is asked of the target beside the load: its health page, its metrics, and the plan it is
//! held against.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use crate::practice::Practice;
use crate::squall::{Order, Place, Report};
use crate::storm::{QUICK, adds_up};
use crate::stranger::{Stranger, answer};

/// A page of metrics.
const PAGE: &str = "# TYPE up gauge\nup 1\n# TYPE a_total counter\na_total{b=\"<i>\"} 3\n";

/// A server whose page answers with the first of these, then the second, and so on with the last.
fn page(answers: Vec<String>) -> Stranger {
    let asked = AtomicU32::new(0);
    Stranger::answering(move |_| {
        let number = asked.fetch_add(1, Ordering::SeqCst) as usize;
        answers[number.min(answers.len() - 1)].clone()
    })
}

fn good() -> String {
    answer("200 OK", "text/plain; version=0.0.4", PAGE)
}

/// The shipped storm, four runs in a few seconds, with this page of the target's.
fn storm<'a>(place: &'a Place, key: &str, page: &str) -> Order<'a> {
    let order = place.run("research-storm").short().set("tools.allow", QUICK);
    order.set(&format!("target.{key}"), &format!("{{ url = {page:?} }}"))
}

/// So that pages are asked more than once: arrivals go on for this long.
fn lasting(order: Order<'_>, seconds: u32) -> Order<'_> {
    order.set("load.stages", &format!("[{{ over = \"{seconds}s\", to = \"2/s\" }}]"))
}

fn drawn(place: &Place) -> String {
    fs::read_to_string(place.path().join("report/report.html")).unwrap()
}

/// The sum of a figure over the series of this name.
fn total(report: &Report, name: &str, labels: &str, figure: &str) -> f64 {
    let series = report.at("/target_metrics/series").as_array().unwrap();
    let its = series.iter().filter(|series| series["name"] == name);
    let its = its.filter(|series| series["labels"].as_str().unwrap_or("").contains(labels));
    its.map(|series| series[figure].as_f64().unwrap()).sum()
}

#[test]
fn the_targets_own_count_is_ours() {
    let place = Place::new();
    let order = storm(&place, "metrics", "/metrics").set("clients.profile", r#""plain""#);
    // Requests without a body are counted when their connection ends, which may be later.
    let order =
        order.set("clients.override.stream_share", "0").set("clients.override.delete_share", "0");
    let done = order.go();
    let report = done.exits(0).report();
    adds_up(&report);
    let asked = report.count("/target_metrics/asked");
    assert!(asked >= 3, "before, during and after: {asked}");
    assert_eq!(report.count("/target_metrics/answered"), asked);
    let calls = total(&report, "practice_requests_total", "method=\"tools/call\"", "last");
    assert_eq!(calls as u64, report.count("/summary/calls_sent"));
    // All that was asked of it while it was watched is the load: its pages count as nothing.
    let rise = total(&report, "practice_requests_total", "", "rise");
    assert_eq!(rise as u64, report.count("/summary/http_exchanges"));
    let page = drawn(&place);
    assert!(page.contains("id=\"metrics\"") && page.contains("practice_requests_total"));
    assert!(!done.stdout.contains("\nmetrics "), "{}", done.stdout);
}

#[test]
fn a_page_that_begins_to_fail_changes_nothing_but_the_report() {
    let long = "a 1\n".repeat(9 << 18);
    let stranger = page(vec![
        good(),
        answer("200 OK", "text/plain", &long),
        answer("200 OK", "text/html", "<h1 id=\"owned\">Welcome</h1>"),
        answer("503 Service Unavailable", "text/plain", PAGE),
    ]);
    let place = Place::new();
    let done = lasting(storm(&place, "metrics", &stranger.url()), 5).go();
    let report = done.exits(0).report();
    adds_up(&report);
    assert_eq!(report.at("/verdict"), "passed");
    assert_eq!(report.count("/target_metrics/answered"), 1);
    let failures = report.at("/target_metrics/failures").as_array().unwrap();
    let why: Vec<_> = failures.iter().map(|failure| failure["why"].as_str().unwrap()).collect();
    let html = "it is not Prometheus text: line 1 is \"<h1 id=\\\"owned\\\">Welcome</h1>\"";
    assert_eq!(why, ["it is longer than 8 MiB", html, "it answers 503, not 200"]);
    let failed: u64 = failures.iter().map(|failure| failure["count"].as_u64().unwrap()).sum();
    assert_eq!(failed + 1, report.count("/target_metrics/asked"));
    assert!(done.stdout.contains("\nmetrics    "), "{}", done.stdout);
    let page = drawn(&place);
    assert!(page.contains("line 1 is &quot;&lt;h1 id=") && !page.contains("<h1 id=\"owned"));
    assert!(page.contains("it answers 503, not 200"));
}

#[test]
fn html_instead_of_metrics_is_said() {
    let stranger = page(vec![answer("200 OK", "text/html", "<!doctype html>")]);
    let place = Place::new();
    let report = storm(&place, "metrics", &stranger.url()).go().exits(0).report();
    assert_eq!(report.count("/target_metrics/answered"), 0);
    assert_eq!(report.at("/target_metrics/charts").as_array().unwrap().len(), 0);
    let summary = fs::read_to_string(place.path().join("report/summary.md")).unwrap();
    assert!(summary.contains("never answered with metrics"), "{summary}");
}

#[test]
fn a_page_is_asked_once_at_a_time_and_left_alone_as_long_as_it_took() {
    let (busy, most) = (AtomicU32::new(0), Arc::new(AtomicU32::new(0)));
    let seen = Arc::clone(&most);
    let stranger = Stranger::answering(move |_| {
        seen.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        busy.fetch_sub(1, Ordering::SeqCst);
        good()
    });
    let place = Place::new();
    let order = storm(&place, "metrics", &stranger.url());
    let order = order.set("target.metrics.series", r#"["a_total", "gone"]"#);
    let report = lasting(order, 5).go().exits(0).report();
    assert_eq!(most.load(Ordering::SeqCst), 1);
    assert_eq!(report.at("/target_metrics/charts/0/name"), "a_total");
    assert_eq!(report.at("/target_metrics/charts").as_array().unwrap().len(), 1);
    assert!(drawn(&place).contains("Asked for and never seen: gone."));
}

#[test]
fn a_target_that_is_unwell_for_a_while() {
    let ill = answer("503 Service Unavailable", "text/plain", "ill");
    let stranger = page(vec![good(), ill.clone(), ill, good()]);
    let place = Place::new();
    let done = lasting(storm(&place, "health", &stranger.url()), 8).go();
    let report = done.exits(0).report();
    assert_eq!(report.at("/verdict"), "passed");
    assert_eq!(report.at("/health/before/well"), true);
    let failures = report.at("/health/failures").as_array().unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0]["why"], "it answers 503, not 200");
    let (asked, well) = (report.count("/health/asked"), report.count("/health/well"));
    assert_eq!(failures[0]["count"].as_u64().unwrap(), asked.min(2));
    assert_eq!(well, asked.saturating_sub(2));
    assert_eq!(report.at("/health/after/well"), true);
    assert!(
        done.stdout.contains("\nhealth     Before the load it answered 200"),
        "{}",
        done.stdout
    );
    let page = drawn(&place);
    assert!(page.contains("During the load it was not well") && page.contains("it answers 503"));
}

#[test]
fn a_target_that_never_recovers() {
    let ill = answer("500 Internal Server Error", "text/plain", "ill");
    let stranger = page(vec![good(), ill]);
    let place = Place::new();
    let report = storm(&place, "health", &stranger.url()).go().exits(0).report();
    assert_eq!(report.at("/health/after/well"), false);
    assert_eq!(report.count("/health/asked_after"), 3);
    assert!(drawn(&place).contains("After the load it was not well: asked 3 times"));
}

/// An address that is not the one to be dialled hears nothing, from the load or from the pages.
#[test]
fn nothing_arrives_at_an_address_that_is_resolved_to_another() {
    let practice = Practice::with(&[]);
    let literal = TcpListener::bind("127.0.0.2:0").unwrap();
    let named = literal.local_addr().unwrap();
    let place = Place::new();
    let order = storm(&place, "health", &format!("http://{named}/health"));
    let report = order
        .target(&format!("http://{named}/mcp"))
        .sets([
            ("target.resolve", format!("\"{named}={}\"", practice.address()).as_str()),
            ("target.metrics", r#"{ url = "/metrics" }"#),
        ])
        .go()
        .exits(0)
        .report();
    assert_eq!(report.at("/health/after/well"), true);
    let asked = report.count("/target_metrics/asked");
    assert!(asked >= 2, "before and after: {asked}");
    assert_eq!(report.count("/target_metrics/answered"), asked);
    literal.set_nonblocking(true).unwrap();
    assert_eq!(literal.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// What is said about the target moves no page of another origin.
#[test]
fn a_page_elsewhere_is_asked_where_its_url_leads() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&heads);
    let stranger = Stranger::answering(move |head| {
        heard.lock().unwrap().push(head.to_ascii_lowercase());
        good()
    });
    let practice = Practice::with(&[]);
    let place = Place::new();
    let named = "127.0.0.1:9";
    let report = storm(&place, "health", &stranger.url())
        .target(&format!("http://{named}/mcp"))
        .sets([
            ("target.resolve", format!("\"{named}={}\"", practice.address()).as_str()),
            ("target.host", r#""page.localhost""#),
        ])
        .go()
        .exits(0)
        .report();
    assert_eq!(report.at("/health/after/well"), true);
    let heads = heads.lock().unwrap();
    assert!(heads.len() >= 2, "before and after: {heads:?}");
    let its = format!("host: 127.0.0.1:{}\r\n", stranger.port());
    assert!(heads.iter().all(|head| head.contains(&its)), "{heads:?}");
}

#[test]
fn the_plan_stands_beside_what_happened() {
    let place = Place::new();
    let report = storm(&place, "metrics", "/metrics").go().exits(0).report();
    assert_eq!(report.at("/plan/model"), "open");
    assert_eq!(report.at("/plan/runs/expected").as_f64(), Some(4.0));
    let over_time = report.at("/plan/over_time").as_array().unwrap();
    assert_eq!(over_time.iter().filter_map(serde_json::Value::as_f64).sum::<f64>() as u64, 4);
    let seconds = report.at("/timeline").as_array().unwrap();
    let arrived: u64 = seconds.iter().filter_map(|second| second["runs_due"].as_u64()).sum();
    assert_eq!(arrived, 4);
    let page = drawn(&place);
    assert!(page.contains("<td>Runs that arrived</td><td>4</td><td>4</td><td>none</td>"));
}

#[test]
fn what_makes_the_difference_is_said() {
    let place = Place::new();
    let order = storm(&place, "metrics", "/metrics").set("load.ceiling", "1");
    let order = order.set("practice.latency", r#""200ms""#).set("expect.thresholds", "[]");
    let report = order.go().exits(0).report();
    let dropped = report.count("/summary/dropped");
    assert!(dropped > 0);
    let planned = report.at("/plan/dropped/expected").as_f64().unwrap();
    assert!(planned >= 1.0, "one user at most, and {planned} dropped");
    let row = format!("<td>Arrivals dropped</td><td>{planned:.0}</td><td>{dropped}</td>");
    assert!(drawn(&place).contains(&row), "{row}");
    let place = Place::new();
    let report =
        place.run("steady").short_closed().set("tools.allow", QUICK).go().exits(0).report();
    assert_eq!(report.at("/plan/model"), "closed");
    assert_eq!(report.at("/plan/users/to").as_f64(), Some(3.0));
    assert!(drawn(&place).contains("users came round sooner"));
}
