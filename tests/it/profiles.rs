//! `squall profiles`: what is listed, shown and compared, and a profile of one's own in a run.

use serde_json::Value;

use crate::squall::Place;

#[test]
fn all_are_listed_and_each_can_be_shown() {
    let place = Place::new();
    let list = place.squall().args(["profiles"]).go().exits(0).stdout.clone();
    insta::assert_snapshot!(list);
    for name in list.lines().filter_map(|line| line.split_once("  ")).map(|(name, _)| name) {
        let shown =
            place.squall().args(["profiles", "show", name.trim()]).go().exits(0).stdout.clone();
        assert!(shown.starts_with(&format!("{}: ", name.trim())), "{shown}");
        assert!(shown.contains("\ncap = ") && shown.contains("\noauth.holders = "), "{shown}");
    }
    let json = place.squall().args(["profiles", "show", "claude-code-v2", "--json"]).go();
    let json: Value = serde_json::from_str(&json.exits(0).stdout).unwrap();
    assert_eq!(json["inherits"], "claude-code-v1@2026-08");
    assert_eq!(json["values"]["cap"]["value"], 10);
}

#[test]
fn two_are_told_apart() {
    let place = Place::new();
    let said = place.squall().args(["profiles", "diff", "claude-code-v1", "claude-code-v2"]).go();
    insta::assert_snapshot!(said.exits(0).stdout.clone());
}

#[test]
fn a_profile_of_ones_own_is_used_and_its_mistakes_are_shown() {
    let place = Place::new();
    let mine = "name = 'mine'\ndate = '2026-12'\nabout = 'Ours.'\ninherits = 'plain'\n\
        cap = { is = 3, source = 'our proxy', confidence = 'observed' }\n";
    place.file("mine.toml", mine);
    let diff = place
        .squall()
        .args(["profiles", "diff", "plain", "mine.toml"])
        .go()
        .exits(0)
        .stdout
        .clone();
    assert!(diff.contains("mine@2026-12   3  (observed, 2026-12)"), "{diff}");
    let report = place.run("steady").patient().set("clients.profile", "\"mine.toml\"").go();
    assert_eq!(report.exits(0).report().at("/scenario/profile"), "mine@2026-12");
    place.file("mine.toml", &mine.replace("is = 3", "is = 0"));
    for (name, part) in [("mine.toml", "mine.toml:5"), ("claude-ai", "unknown profile claude-ai")] {
        let wrong = place.squall().args(["profiles", "show", name]).go();
        wrong.exits(2);
        assert!(wrong.stderr.contains(part), "{}", wrong.stderr);
    }
}
