//! What `[[fault]]` reads, kind by kind, and the mistakes in it.

use std::time::Duration;

use crate::model::distribution::Distribution;
use crate::model::fault::outside::{Action, Hook, Request, Toxic, Toxiproxy};
use crate::model::fault::{
    Cut, Direction, Effect, Ending, Fault, Left, Mischief, Network, OnStream, Parting, Point,
    Scope, Skew, Traffic, What, When, windows,
};
use crate::model::leg::Leg;
use crate::model::operation::Operation;
use crate::model::plan::Plan;
use crate::scenario::{Input, read};

const SHORTEST: &str = "[target]\nurl = 'practice'\n[load]\nbehaviour = 'chat'\ndrain = '5s'\n\
                        stages = [{ over = '10s', to = '60/min' }]\n";

fn read_with(faults: &str) -> Result<Plan, String> {
    read_text(&format!("{SHORTEST}{faults}"))
}

fn read_text(text: &str) -> Result<Plan, String> {
    let input = Input {
        text,
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
    let text = format!("[[fault]]\n{}\n", lines.join("\n[[fault]]\n"));
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
fn every_kind_at_the_clients_end_arrives() {
    let cut = |point, parting| What::Stream(OnStream::Cut(Cut { point, parting }));
    let (reset, closed) = (Parting::Reset, Parting::Closed);
    let mischief = What::Mischief;
    let none = Duration::ZERO;
    let addresses = vec![[127, 0, 1, 1].into()];
    let table = [
        ("kind = 'cut-stream'", cut(Point::BeforeAnswer, reset)),
        (
            "kind = 'cut-stream'\npoint = 'after-events'\nevents = 2\nparting = 'close'",
            cut(Point::AfterEvents(2), closed),
        ),
        ("kind = 'cut-stream'\npoint = 'in-event'", cut(Point::InEvent(0), reset)),
        ("kind = 'hold-stream'", What::Stream(OnStream::Hold(None))),
        ("kind = 'hold-stream'\nsilence = '2s'", What::Stream(OnStream::Hold(Some(s(2))))),
        ("kind = 'drip-stream'\nrate = '10B/s'", What::Stream(OnStream::Drip(10))),
        ("kind = 'abandon'", mischief(Mischief::Abandon { after: None, parting: reset })),
        (
            "kind = 'abandon'\nafter = '2s'\nparting = 'close'",
            mischief(Mischief::Abandon { after: Some(s(2)), parting: closed }),
        ),
        ("kind = 'slow-read'", mischief(Mischief::SlowRead(1_000))),
        ("kind = 'slow-read'\nrate = '0B/s'", mischief(Mischief::SlowRead(0))),
        ("kind = 'slow-read'\nrate = '0.5kB/s'", mischief(Mischief::SlowRead(500))),
        ("kind = 'twice'", mischief(Mischief::Twice)),
        ("kind = 'no-session-header'", mischief(Mischief::Without(Left::Session))),
        ("kind = 'no-version-header'", mischief(Mischief::Without(Left::Version))),
        ("kind = 'cancel-herd'", mischief(Mischief::CancelHerd)),
        ("kind = 'retry'", mischief(Mischief::Retry { times: 3, pause: none })),
        (
            "kind = 'retry'\ntimes = 9\npause = '1s'",
            mischief(Mischief::Retry { times: 9, pause: s(1) }),
        ),
        ("kind = 'hop'\naddresses = ['127.0.1.1']", mischief(Mischief::Hop(addresses))),
        ("kind = 'half-open'\nconnections = 9", mischief(Mischief::HalfOpen(9))),
        ("kind = 'idle-streams'", mischief(Mischief::IdleStreams(s(5)))),
        ("kind = 'idle-streams'\nkeep = '1s'", mischief(Mischief::IdleStreams(s(1)))),
        ("kind = 'stray-initialized'", mischief(Mischief::StrayInitialized)),
    ];
    for (text, what) in table {
        let found = faults(&[&format!("{text}\nat = '1s'")]);
        assert_eq!(found[0].what, what, "{text}");
    }
    let text = "kind = 'twice'\nat = '1s'\nmatch = { operation = 'tools/call', tool = 'search' }";
    let scope = &faults(&[text])[0].scope;
    assert_eq!(scope.operation, Some(Operation::ToolsCall));
    assert_eq!(scope.tool.as_deref(), Some("search"));
}

#[test]
fn a_fault_says_when_and_whom() {
    let text = "kind = 'drop'\nname = 'no way in'\nat = '2s'\nlasts = '1s'\nevery = '3s'\nrepeat = 2\n\
                share = 0.5\nmatch = { traffic = 'mcp', profile = 'claude-ai-legacy' }";
    let other = "kind = 'down'\nat = '4s'";
    let found = faults(&[text, other]);
    let when = When { at: s(2), lasts: Some(s(1)), every: Some(s(3)), repeat: Some(2) };
    let profile = Some("claude-ai-legacy".to_owned());
    let scope = Scope { traffic: Traffic::Mcp, profile, ..Scope::default() };
    let fault = &found[0];
    assert_eq!((fault.name.as_str(), fault.when, fault.share), ("no way in", when, 0.5));
    assert_eq!(fault.scope, scope);
    assert_eq!(windows(&found, s(15)).len(), 3);
    let dated = faults(&["kind = 'drop'\nat = '2s'\nmatch.profile = 'claude-ai-legacy@2026-09'"]);
    assert_eq!(dated[0].scope.profile.as_deref(), Some("claude-ai-legacy@2026-09"));
    let page = read_with(
        "[[fault]]\nkind = 'drop'\nat = '2s'\nmatch.profile = 'claude-ai-legacy@2026-08'",
    );
    assert!(page.unwrap_err().contains("no user has the profile claude-ai-legacy@2026-08"));
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
fn a_clock_is_ahead_or_behind_where_tokens_are_renewed() {
    let auth = "[auth]\nkind = 'oauth'\n[practice.auth]\n";
    for (key, skew) in [("ahead", Skew::Ahead(s(90))), ("behind", Skew::Behind(s(90)))] {
        let fault = format!(
            "[[fault]]\nkind = 'clock-skew'\nat = '1s'\nshare = 0.5\n{key} = '90s'\n\
             match.profile = 'claude-ai-legacy'\n"
        );
        let plan = read_with(&format!("{auth}{fault}")).unwrap_or_else(|page| panic!("{page}"));
        assert_eq!(plan.faults[0].what, What::Mischief(Mischief::ClockSkew(skew)));
    }
    let clings = SHORTEST.replace("'chat'", "'check-expired-token'");
    let fault = "[[fault]]\nkind = 'clock-skew'\nat = '1s'\nbehind = '90s'\n";
    let page = read_text(&format!("{clings}{auth}{fault}")).unwrap_err();
    assert!(page.contains("check-expired-token, which never looks at the clock"), "{page}");
}

const SERVER: &str = "[toxiproxy]\nurl = 'http://127.0.0.1:8474'\n";

#[test]
fn toxics_and_hooks_arrive() {
    let attributes = |numbers: &[(&'static str, u64)]| numbers.to_vec();
    let (up, down) = (Direction::Upstream, Direction::Downstream);
    let own = Toxic { proxy: None, kind: "down", attributes: Vec::new(), direction: down };
    let database = Some("database".to_owned());
    let table = [
        ("toxic = 'down'", own.clone()),
        ("toxic = 'down'\nproxy = 'database'", Toxic { proxy: database, ..own.clone() }),
        ("toxic = 'timeout'", Toxic { kind: "timeout", ..own.clone() }),
        (
            "toxic = 'latency'\ndirection = 'upstream'\nattributes = { jitter = 1, latency = 2 }",
            Toxic {
                kind: "latency",
                attributes: attributes(&[("latency", 2), ("jitter", 1)]),
                direction: up,
                ..own.clone()
            },
        ),
        (
            "toxic = 'slow_close'\nattributes.delay = 9",
            Toxic { kind: "slow_close", attributes: attributes(&[("delay", 9)]), ..own.clone() },
        ),
    ];
    for (text, toxic) in table {
        let text = format!("{SERVER}[[fault]]\nkind = 'toxiproxy'\nat = '1s'\n{text}\n");
        let plan = read_with(&text).unwrap_or_else(|page| panic!("{page}"));
        assert_eq!(plan.faults[0].what, What::Toxic(toxic), "{text}");
        let (url, name) = ("http://127.0.0.1:8474/".to_owned(), None);
        let shown = "http://127.0.0.1:8474".to_owned();
        let listen = "127.0.0.1:0".to_owned();
        assert_eq!(plan.toxiproxy, Some(Toxiproxy { url, shown, name, listen }));
    }
    let command = ["sh", "-c", "exit"].map(str::to_owned).to_vec();
    let url = "http://127.0.0.1:9/x?key=1".to_owned();
    let shown = "http://127.0.0.1:9/x".to_owned();
    let asked = |method: &str, body: Option<&str>, status| {
        let (body, method) = (body.map(str::to_owned), method.to_owned());
        Action::Request(Request { url: url.clone(), shown: shown.clone(), method, body, status })
    };
    let table = [
        ("command = ['sh', '-c', 'exit']", Action::Command(command.clone()), s(30), false),
        (
            "command = ['sh', '-c', 'exit']\ntimeout = '1s'\ncleanup = ['sh', '-c', 'exit']",
            Action::Command(command.clone()),
            s(1),
            true,
        ),
        ("url = 'http://127.0.0.1:9/x?key=1'", asked("GET", None, None), s(30), false),
        (
            "url = 'http://127.0.0.1:9/x?key=1'\nbody = 'a'\nstatus = 202",
            asked("POST", Some("a"), Some(202)),
            s(30),
            false,
        ),
    ];
    for (text, action, timeout, cleans) in table {
        let found = faults(&[&format!("kind = 'hook'\nat = '1s'\n{text}")]);
        let hook = Hook { action, timeout, cleanup: cleans.then(|| command.clone()) };
        assert_eq!(found[0].what, What::Hook(hook), "{text}");
    }
}

#[test]
fn mistakes_of_toxics_and_hooks_are_shown_where_they_are() {
    let of = |lines: &str| format!("[[fault]]\nkind = 'toxiproxy'\nat = '1s'\n{lines}\n");
    let toxic = |lines: &str| format!("{SERVER}{}", of(lines));
    let hook = |lines: &str| format!("[[fault]]\nkind = 'hook'\nat = '1s'\n{lines}\n");
    let table = [
        of("toxic = 'down'"),
        toxic("toxic = 'latensy'"),
        toxic("toxic = 'latency'\nattributes.jitter = 9"),
        toxic("toxic = 'latency'\nattributes = { latency = 1.5, rate = 1, delai = 1 }"),
        toxic("toxic = 'down'\nshare = 0.5\ndirection = 'upstream'\nattributes.latency = 1"),
        toxic("toxic = 'noop'\nmatch.traffic = 'mcp'\ncommand = ['a']"),
        "[toxiproxy]\nurl = 'http://127.0.0.1:8474/proxies'\nname = 'a b'\nlisten = 'here'\n"
            .to_owned(),
        "[toxiproxy]\nurl = 'http://10.0.0.1:8474'\n".to_owned() + &of("toxic = 'down'"),
        "[toxiproxy]\nurl = '127.0.0.1:8474'\n".to_owned(),
        hook(""),
        hook("command = []"),
        hook("command = ['a']\nurl = '/restart'"),
        hook("command = ['a']\nstatus = 200\nshare = 0.5\ndirection = 'both'\nmatch.tool = 'a'"),
        hook("url = 'http://10.0.0.1/restart'\nmethod = 'SPLIT'"),
        hook("command = ['a']\nlasts = '1ms'\nevery = '10ms'"),
    ];
    let pages = table.map(|text| {
        let page = read_with(&text).expect_err(&text);
        page.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    });
    insta::assert_snapshot!(pages.join("\n"));
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
        "kind = 'down'\nat = '1s'\nshare = 0.5\ndirection = 'both'",
        "kind = 'drop'\nat = '0s'\nlasts = '1ms'\nevery = '2ms'",
        "kind = 'drop'\nat = '1s'\nlasts = '1s'\nevery = '30s'\nrepeat = 9",
        "kind = 'drop'\nname = 'a \"b\"'\nat = '1s'",
        "kind = 'drop'\nname = 'drop #2'\nat = '1s'",
        "kind = 'cut-stream'\nat = '1s'\npoint = 'after-events'",
        "kind = 'cut-stream'\nat = '1s'\nevents = 2\nmatch.operation = 'DELETE session'",
        "kind = 'hold-stream'\nat = '1s'\nmatch = { traffic = 'oauth', tool = 'x', operation = 'ping' }",
        "kind = 'retry'\nat = '1s'\ntimes = 0\nmatch.operation = 'tools/list'",
        "kind = 'twice'\nat = '1s'\nmatch.operation = 'GET stream'",
        "kind = 'hop'\nat = '1s'",
        "kind = 'hop'\nat = '1s'\naddresses = ['0.0.0.0', 'here']",
        "kind = 'stray-initialized'\nat = '1s'\nmatch.operation = 'initialize'\n\
         [clients]\nprofile = 'claude-ai-modern'\noverride.era = 'modern'",
        "kind = 'drip-stream'\nat = '1s'\nrate = '0B/s'",
        "kind = 'half-open'\nat = '1s'\nmatch.tool = 'search'",
        "kind = 'half-open'\nat = '1s'\nconnections = 2\nshare = 0.5",
        "kind = 'clock-skew'\nat = '1s'\nahead = '90s'",
        "kind = 'clock-skew'\nat = '1s'\nahead = '90s'\n\
         [auth]\nkind = 'client-credentials'\nclient_id = 'a'\nclient_secret = 'b'",
        "kind = 'clock-skew'\nat = '1s'\n[auth]\nkind = 'oauth'\n[practice.auth]",
        "kind = 'clock-skew'\nat = '1s'\nahead = '0s'\nbehind = '1s'\n\
         [auth]\nkind = 'oauth'\n[practice.auth]",
        "kind = 'clock-skew'\nat = '1s'\nbehind = '1s'\nmatch.operation = 'tools/call'\n\
         [auth]\nkind = 'oauth'\n[practice.auth]",
    ];
    let pages = table.map(|text| {
        let page = read_with(&format!("[[fault]]\n{text}\n")).expect_err(text);
        page.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    });
    insta::assert_snapshot!(pages.join("\n"));
}
