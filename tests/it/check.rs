//! `squall check` shows the plan of a scenario, and asks nobody.

use crate::squall::{Place, filtered, root};
use crate::stranger::Stranger;

#[test]
fn the_plan_of_every_shipped_scenario() {
    for name in ["chat-morning", "research-storm", "steady"] {
        let place = Place::new();
        let file = root().join(format!("scenarios/{name}.toml"));
        let done = place.squall().args(["check", file.to_str().unwrap()]).go();
        done.exits(0);
        assert_eq!(done.stderr, "");
        insta::assert_snapshot!(name, filtered(&done.stdout));
        assert_eq!(place.names(), [""; 0], "check leaves nothing behind");
    }
}

#[test]
fn no_request_is_made() {
    let stranger = Stranger::that(drop);
    let place = Place::new();
    let file = root().join("scenarios/research-storm.toml");
    let file = file.to_str().unwrap();
    place.squall().args(["check", file]).target(&stranger.url()).go().exits(0);
    assert_eq!(stranger.connections(), 0, "check connected to the target");
    place.squall().args(["run", file]).target(&stranger.url()).go().exits(3);
    assert!(stranger.connections() > 0, "the listener does not notice");
}

/// What both commands say of a scenario that cannot be run as it is.
fn refused(place: &Place, arguments: &[&str]) -> String {
    let file = root().join("scenarios/research-storm.toml");
    let command = |name| place.squall().args([name, file.to_str().unwrap()]);
    let said = ["check", "run"].map(|name| {
        let done = command(name).args(arguments.iter().copied()).go();
        done.refused(2, place)
    });
    assert_eq!(said[0], said[1], "check and run differ");
    said.into_iter().next().unwrap()
}

#[test]
fn what_run_refuses_unasked_check_refuses_in_the_same_words() {
    let place = Place::new();
    place.file("text.pem", "hello");
    let stranger = Stranger::that(drop);
    let far = format!("http://0.0.0.0:{}/mcp", stranger.port());
    let near = format!("https://127.0.0.1:{}/mcp", stranger.port());
    let cases: [(&[&str], &str); 5] = [
        (&["--target", &far, "--i-am-authorised"], "max_rate under [target] allows 20"),
        (&["--set", "target.max_rate=1"], "max_rate under [target] allows 1"),
        (
            &["--target", &near, "--set", "target.tls.ca_file='none.pem'"],
            "ca_file under [target.tls]: cannot read none.pem",
        ),
        (
            &["--target", &near, "--set", "target.tls.crl_file='text.pem'"],
            "crl_file under [target.tls]: text.pem holds none",
        ),
        (
            &["--set", "expect.thresholds=['p99(response, resources/list) < 2s']"],
            "which this run never measures",
        ),
    ];
    for (arguments, words) in cases {
        let text = refused(&place, arguments);
        assert!(text.contains(words), "{arguments:?}: {text}");
    }
    assert_eq!(stranger.connections(), 0, "something was sent");
}
