//! What `[[fault]]` reads, kind by kind, and the mistakes in it.

use std::time::Duration;

use crate::model::distribution::Distribution;
use crate::model::fault::{
    Direction, Effect, Ending, Fault, Network, Scope, Traffic, What, When, windows,
};
use crate::model::leg::Leg;
use crate::model::plan::Plan;
use crate::scenario::{Input, read};

const SHORTEST: &str = "[target]\nurl = 'practice'\n[load]\nbehaviour = 'chat'\ndrain = '5s'\n\
                        stages = [{ over = '10s', to = '60/min' }]\n";

fn read_with(faults: &str) -> Result<Plan, String> {
    let text = format!("{SHORTEST}{faults}");
    let input = Input {
        text: &text,
        file: "storm.toml",
        overrides: &[],
        target: None,
        authorised: false,
        environment: &|_| None,
        files: &|_| Err(String::new()),
    };
    read(&input).map_err(|mistakes| mistakes.render(false))
}

fn faults(lines: &[&str]) -> Vec<Fault> {
    let text: String = lines.iter().flat_map(|line| ["[[fault]]\n", line, "\n"]).collect();
    read_with(&text).unwrap_or_else(|page| panic!("{page}")).faults
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn lane(directions: &[Direction], effect: &Effect) -> What {
    let lane = directions.iter().map(|direction| (*direction, effect.clone())).collect();
    What::Network(Network::Lane(lane))
}

#[test]
fn every_kind_on_the_network_arrives() {
    use Direction::{Downstream, Upstream};
    let both = &[Upstream, Downstream][..];
    let down = &[Downstream][..];
    let limit = |then| Effect::Limit { bytes: 9, then };
    let table = [
        (
            "kind = 'latency'\nlatency = '800ms'\njitter = '200ms'",
            lane(
                down,
                &Effect::Latency(Distribution::uniform(
                    Duration::from_millis(600),
                    Duration::from_secs(1),
                )),
            ),
        ),
        (
            "kind = 'latency'\nlatency = 'pareto 10ms 1.5'\ndirection = 'both'",
            lane(both, &Effect::Latency("pareto 10ms 1.5".parse().unwrap())),
        ),
        (
            "kind = 'bandwidth'\nrate = '64kB/s'\ndirection = 'upstream'",
            lane(&[Upstream], &Effect::Bandwidth(64_000)),
        ),
        ("kind = 'drop'", What::Network(Network::Refuse)),
        ("kind = 'down'", What::Network(Network::Down)),
        ("kind = 'reset'", lane(down, &Effect::EndAfter(s(0), Ending::Reset))),
        ("kind = 'reset'\nafter = '2s'", lane(down, &Effect::EndAfter(s(2), Ending::Reset))),
        ("kind = 'reset'\nafter_bytes = 9", lane(down, &limit(Ending::Reset))),
        ("kind = 'half-close'\nafter_bytes = 9", lane(down, &limit(Ending::HalfClosed))),
        ("kind = 'limit-data'\nafter_bytes = 9", lane(down, &limit(Ending::Closed))),
        ("kind = 'blackhole'", lane(both, &Effect::Discard(0))),
        (
            "kind = 'blackhole'\nafter_bytes = 9\ndirection = 'downstream'",
            lane(down, &Effect::Discard(9)),
        ),
        ("kind = 'slow-close'\ndelay = '3s'", lane(down, &Effect::SlowClose(s(3)))),
        (
            "kind = 'slicer'\nsize = 7\nvariation = 2\ndelay = '1s'",
            lane(down, &Effect::Slicer { size: 7, variation: 2, delay: s(1) }),
        ),
        ("kind = 'corrupt'\nbytes = 0.25", lane(down, &Effect::Corruption(0.25))),
    ];
    for (text, what) in table {
        let found = faults(&[&format!("{text}\nat = '1s'\nlasts = '2s'")]);
        assert_eq!(found[0].what, what, "{text}");
        assert!(text.contains(found[0].kind) && found[0].name == found[0].kind);
    }
}

#[test]
fn a_fault_says_when_and_whom() {
    let text = "kind = 'drop'\nname = 'no way in'\nat = '2s'\nlasts = '1s'\nevery = '3s'\nrepeat = 9\n\
                share = 0.5\nmatch = { traffic = 'mcp', profile = 'claude-ai-legacy' }";
    let other = "kind = 'down'\nat = '4s'";
    let found = faults(&[text, other]);
    let when = When { at: s(2), lasts: Some(s(1)), every: Some(s(3)), repeat: Some(9) };
    let profile = Some("claude-ai-legacy".to_owned());
    let scope = Scope { traffic: Traffic::Mcp, profile, ..Scope::default() };
    let fault = &found[0];
    assert_eq!((fault.name.as_str(), fault.when, fault.share), ("no way in", when, 0.5));
    assert_eq!(fault.scope, scope);
    assert_eq!(windows(&found, s(15)).len(), 6);
}

#[test]
fn a_leg_can_be_matched_where_there_is_one() {
    let fault = "[[fault]]\nkind = 'drop'\nat = '1s'\nmatch.traffic = 'refresh'\n";
    let page = read_with(fault).unwrap_err();
    assert!(page.contains("nobody gets tokens in this scenario"), "{page}");
    let auth = "[auth]\nkind = 'oauth'\n[practice.auth]\n";
    let plan = read_with(&format!("{auth}{fault}")).unwrap_or_else(|page| panic!("{page}"));
    assert_eq!(plan.faults[0].scope.traffic, Traffic::Leg(Leg::Refresh));
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let table = [
        "kind = 'latensy'\nat = '1s'",
        "kind = 'latency'\nlasts = '1s'",
        "kind = 'latency'\nat = '1s'\nlatency = 'normal 1s 1s'\njitter = '1s'\nrate = '1kB/s'",
        "kind = 'down'\nat = '15s'",
        "kind = 'drop'\nat = '1s'\nrepeat = 2\nshare = 2",
        "kind = 'drop'\nat = '1s'\nevery = '2s'",
        "kind = 'drop'\nat = '1s'\nlasts = '2s'\nevery = '2s'",
        "kind = 'drop'\nat = '1s'\nmatch = { operation = 'tools/call', profile = 'other' }",
        "kind = 'drop'\nat = '1s'\n[[fault]]\nkind = 'drop'\nat = '2s'",
        "kind = 'reset'\nat = '1s'\nafter = '1s'\nafter_bytes = 9",
        "kind = 'bandwidth'\nat = '1s'\nrate = '64kb/s'",
        "kind = 'limit-data'\nat = '1s'",
    ];
    let pages = table.map(|text| {
        let page = read_with(&format!("[[fault]]\n{text}\n")).expect_err(text);
        page.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    });
    insta::assert_snapshot!(pages.join("\n"));
}
