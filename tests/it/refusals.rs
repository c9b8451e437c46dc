//! Bad input gets one clear message, its exit code, and no report folder.

use std::fs;

use crate::http::free_address;
use crate::practice::Practice;
use crate::squall::{Done, Place, root};
use crate::stranger::{Stranger, answer};

/// The shipped storm against this target, with a client that has a second's patience.
fn against(place: &Place, url: &str) -> Done {
    let order = place.run("research-storm").target(url);
    order.set("clients.override.connect_timeout", r#""1s""#).go()
}

fn scenario(place: &Place, text: &str) -> Done {
    place.file("storm.toml", text);
    place.run_file("storm.toml", "report").go()
}

#[test]
fn a_scenario_that_does_not_parse() {
    let place = Place::new();
    let done = scenario(&place, "name = \"storm\"\n[target]\nurl = practice\n");
    insta::assert_snapshot!(done.refused(2, &place));
}

#[test]
fn a_scenario_with_many_mistakes() {
    let place = Place::new();
    let text = r#"
name = "storm"
[target]
url = "practice"
[load]
behaviour = "reserch"
speed = "fast"
stages = [{ over = "5", to = "60/min" }]
[[fault]]
kind = "latency"
[expect]
thresholds = ["p99(respons) < 2s"]
"#;
    insta::assert_snapshot!(scenario(&place, text).refused(2, &place));
}

#[test]
fn a_scenario_that_is_not_there() {
    let place = Place::new();
    let done = place.run_file("gone.toml", "report").go();
    insta::assert_snapshot!(done.refused(2, &place));
}

#[test]
fn an_unknown_profile() {
    let place = Place::new();
    let done = place.run("research-storm").set("clients.profile", r#""claude-legacy""#).go();
    insta::assert_snapshot!(done.refused(2, &place));
}

#[test]
fn a_tool_that_the_target_lacks() {
    let place = Place::new();
    let done = place.run("research-storm").set("tools.allow", r#"["serch"]"#).go();
    insta::assert_snapshot!(done.refused(2, &place));
}

#[test]
fn a_threshold_about_something_never_measured() {
    let place = Place::new();
    let thresholds = r#"["p99(response, resources/list) < 2s"]"#;
    let done = place.run("research-storm").set("expect.thresholds", thresholds).go();
    insta::assert_snapshot!("a_threshold_about_an_operation", done.refused(2, &place));
    let thresholds = r#"["errors(delete_document) < 1%"]"#;
    let done = place.run("research-storm").set("expect.thresholds", thresholds).go();
    insta::assert_snapshot!("a_threshold_about_a_tool", done.refused(2, &place));
}

#[test]
fn a_target_that_refuses_connections() {
    let place = Place::new();
    let done = against(&place, &format!("http://{}/mcp", free_address()));
    insta::assert_snapshot!(done.refused(3, &place));
}

#[test]
fn a_target_that_answers_html() {
    let stranger = Stranger::answering(|_| answer("200 OK", "text/html", "<h1>Welcome</h1>"));
    let place = Place::new();
    insta::assert_snapshot!(against(&place, &stranger.url()).refused(3, &place));
}

#[test]
fn a_target_without_the_path() {
    let stranger = Stranger::answering(|_| answer("404 Not Found", "text/html", "<h1>None</h1>"));
    let place = Place::new();
    insta::assert_snapshot!(against(&place, &stranger.url()).refused(3, &place));
}

/// The fix that is named for a profile on a server, both of which have no revision in common.
#[test]
fn a_target_that_speaks_nothing_its_clients_do() {
    let (modern, legacy) = (r#""claude-ai-modern""#, r#""claude-ai-legacy""#);
    for (speaks, profile, target, words) in [
        ("modern", legacy, None, "it speaks MCP 2026-07-28 only; the profile claude-ai-legacy"),
        (
            "modern",
            modern,
            Some(("target.protocol", r#""2025-06-18""#)),
            r#"it speaks MCP 2026-07-28 only; protocol = "2025-06-18" under [target]"#,
        ),
        (
            "legacy",
            modern,
            Some(("target.protocol", r#""2026-07-28""#)),
            r#"it does not answer server/discover (HTTP 400); protocol = "2026-07-28" under"#,
        ),
        (
            "legacy",
            modern,
            Some(("clients.override.era", r#""modern""#)),
            "the profile claude-ai-modern makes no handshake: try clients.profile =",
        ),
        (
            "http+sse",
            modern,
            Some(("target.transport", r#""streamable-http""#)),
            "it speaks the older HTTP+SSE: leave transport under [target] out",
        ),
        (
            "modern",
            modern,
            Some(("target.transport", r#""http+sse""#)),
            "it speaks Streamable HTTP: leave transport under [target] out",
        ),
    ] {
        let practice = Practice::with(&["--speaks", speaks]);
        let place = Place::new();
        let order = place.run("research-storm").target(&practice.url());
        let done = order.set("clients.profile", profile).sets(target).go();
        let said = done.refused(3, &place);
        assert!(said.contains(words), "{speaks} {profile}: {said}");
    }
}

#[test]
fn a_target_that_does_not_speak_http() {
    let stranger = Stranger::answering(|_| "220 mail.example ESMTP\r\n".to_owned());
    let place = Place::new();
    insta::assert_snapshot!(against(&place, &stranger.url()).refused(3, &place));
}

#[test]
fn a_target_that_never_answers() {
    let stranger = Stranger::silent();
    let place = Place::new();
    insta::assert_snapshot!(against(&place, &stranger.url()).refused(3, &place));
    assert!(stranger.connections() > 0);
}

#[test]
fn a_target_that_closes_at_once() {
    let stranger = Stranger::that(drop);
    let place = Place::new();
    insta::assert_snapshot!(against(&place, &stranger.url()).refused(3, &place));
}

/// 0.0.0.0 is no loopback address, and yet what is sent to it arrives on this machine: a listener
/// can tell whether anything was.
#[test]
fn a_target_elsewhere_gets_no_packet_without_authorisation() {
    let stranger = Stranger::that(drop);
    let url = format!("http://0.0.0.0:{}/mcp", stranger.port());
    let place = Place::new();
    insta::assert_snapshot!(against(&place, &url).refused(2, &place));
    assert_eq!(stranger.connections(), 0, "something was sent");

    let order = place.run("research-storm").target(&url).arg("--i-am-authorised");
    let authorised = order.set("target.max_rate", "1000").go();
    authorised.refused(3, &place);
    assert!(stranger.connections() > 0, "the listener does not notice");
}

#[test]
fn a_target_elsewhere_gets_no_more_than_its_ceiling() {
    let place = Place::new();
    let order = place.run("research-storm").set("target.max_rate", "1");
    let text = order.go().refused(2, &place);
    assert!(text.contains("max_rate under [target] allows 1"), "{text}");
}

#[test]
fn more_users_than_open_files() {
    let place = Place::new();
    let users =
        |to: u32| format!(r#"[{{ over = "1s", to = {to} }}, {{ over = "1s", to = {to} }}]"#);
    let steady = || place.run("steady").short_closed().set("clients.override.stream_share", "0.0");
    let done = steady().set("load.stages", &users(33)).files(64).go();
    insta::assert_snapshot!(done.refused(2, &place));
    // One fewer fits, and indeed does: a call without a descriptor would be an error.
    let done = steady().set("load.stages", &users(32)).files(64).go();
    assert_eq!(done.exits(0).report().count("/summary/users"), 32);
}

#[test]
fn a_report_folder_that_exists() {
    let place = Place::new();
    fs::create_dir(place.path().join("report")).unwrap();
    place.file("report/notes.txt", "mine");
    let done = place.run("research-storm").go();
    done.exits(2);
    insta::assert_snapshot!(done.stderr);
    assert_eq!(place.names(), ["report"]);
    assert_eq!(fs::read_to_string(place.path().join("report/notes.txt")).unwrap(), "mine");
}

#[test]
fn a_report_folder_that_cannot_be_made() {
    let place = Place::new();
    place.file("file", "");
    let scenario = root().join("scenarios/research-storm.toml");
    let done = place.run_file(scenario.to_str().unwrap(), "file/report").go();
    done.exits(2);
    insta::assert_snapshot!(done.stderr);
    assert_eq!(place.names(), ["file"]);
}

#[test]
fn a_dashboard_without_users_to_steer() {
    let place = Place::new();
    let done = place.run("research-storm").arg("--dashboard").go();
    insta::assert_snapshot!(done.refused(2, &place));
}

#[test]
fn a_refused_run_tells_scripts_why() {
    let place = Place::new();
    place.file("bad.toml", "[target]\nurl = 1\n");
    let storm = root().join("scenarios/research-storm.toml");
    let storm = storm.to_str().unwrap();
    let closed = format!("http://{}/mcp", free_address());
    let cases: [(&[&str], i32, &str); 4] = [
        (&["bad.toml"], 2, "target.url cannot be 1"),
        (&["gone.toml"], 2, "cannot read gone.toml"),
        (&[storm, "--set", "target.max_rate=1"], 2, "max_rate under [target] allows 1"),
        (&[storm, "--target", &closed], 3, "connection refused"),
    ];
    for (arguments, code, words) in cases {
        let done = place.squall().arg("run").args(arguments.iter().copied()).arg("--json").go();
        done.exits(code);
        let said: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(said["exit_code"], code, "{said}");
        let error = said["error"].as_str().unwrap();
        assert!(error.contains(words), "{error}");
        assert!(done.stderr.contains(error), "{}", done.stderr);
    }
}

/// What fits a target as it is taken to be may not fit it as it is: that shows in the look before
/// the load, and no load is made.
#[test]
fn a_load_that_does_not_fit_the_way_its_target_speaks() {
    let refused = |speaks: &str, users: u32, rate: &str, files: u32| {
        let target = Practice::with(&["--speaks", speaks]);
        let place = Place::new();
        let stages = format!(r#"[{{ over = "1s", to = {users} }}]"#);
        let order = place.run("steady").short_closed().target(&target.url()).sets([
            ("clients.profile", r#""spec""#),
            ("clients.override.sessions", "{ fresh = 1 }"),
            ("clients.override.stream_share", "0.0"),
            ("clients.override.lists", "[]"),
            ("load.stages", &stages),
            ("target.max_rate", rate),
        ]);
        let done = order.files(files).go();
        (done.code == 2).then(|| {
            assert_eq!(target.counted("practice_tool_calls_total"), 0, "a load was made");
            done.refused(2, &place)
        })
    };
    assert_eq!(refused("modern", 2, "8", 256), None);
    insta::assert_snapshot!("more_than_the_ceiling", refused("legacy", 2, "8", 256).unwrap());
    assert_eq!(refused("modern", 24, "5000", 64), None);
    let streams = refused("http+sse", 24, "5000", 64).unwrap();
    insta::assert_snapshot!("more_streams_than_open_files", streams);
}
