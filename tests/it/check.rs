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
