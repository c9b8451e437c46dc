//! What acts outside of squall in a run: toxics through Toxiproxy's API, as `squall chaos` serves it,
//! and hooks. Everything is put back, whatever becomes of the run.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;
use serde_json::{Value, json};

use crate::chaos::Chaos;
use crate::http::free_address;
use crate::practice::Practice;
use crate::squall::{Done, Order, Place, Report, filtered};
use crate::storm::adds_up;

/// Four seconds of calls of three users, and these faults.
fn scenario(place: &Place, target: &str, more: &str) {
    let text = format!(
        "name = \"outside\"\nseed = 7\n[target]\nurl = \"{target}\"\n[clients]\nprofile = \"plain\"\n\
         [load]\nbehaviour = \"steady\"\nmodel = \"closed\"\nsteady = {{ calls = 5, think = \"50ms\" }}\n\
         stages = [{{ over = \"1s\", to = 3 }}, {{ over = \"2s\", to = 3 }}, \
         {{ over = \"1s\", to = 0 }}]\ndrain = \"30s\"\n[tools]\nallow = [\"echo\"]\n\
         [generator]\nlag = \"60s\"\nloop_delay = \"60s\"\ncpu = 1.0\n{more}\n"
    );
    place.file("outside.toml", &text);
}

/// `squall run` of it, whose state files are in this place.
fn order(place: &Place) -> Order<'_> {
    with_state(place, place.run_file("outside.toml", "report"))
}

fn with_state<'a>(place: &'a Place, order: Order<'a>) -> Order<'a> {
    order.env("XDG_STATE_HOME", place.path().join("state").to_str().unwrap())
}

fn restore(place: &Place, file: &[&str]) -> Done {
    let order = place.squall().args(["chaos", "restore"]);
    with_state(place, order.args(file.iter().copied())).go()
}

/// The state files that are there.
fn left(place: &Place) -> Vec<String> {
    let Ok(entries) = fs::read_dir(place.path().join("state/squall")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path().to_str().unwrap().to_owned()).collect()
}

/// `[toxiproxy]` of this server.
fn server(chaos: &Chaos) -> String {
    format!("[toxiproxy]\nurl = \"http://{}\"\n", chaos.api())
}

fn fault(name: &str, lines: &str) -> String {
    format!("[[fault]]\nname = \"{name}\"\n{lines}\n")
}

/// The proxy `database`, which the user has made.
fn database(chaos: &Chaos) {
    let made = json!({ "name": "database", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9" });
    assert_eq!(chaos.ask("POST", "/proxies", &made.to_string()).0, 201);
}

fn proxies(chaos: &Chaos) -> Value {
    serde_json::from_str(&chaos.ask("GET", "/proxies", "").1).unwrap()
}

/// Holds the server to having nothing but the user's own proxy, enabled and without toxics.
#[track_caller]
fn is_put_back(chaos: &Chaos, place: &Place) {
    let found = proxies(chaos);
    let names: Vec<_> = found.as_object().unwrap().keys().collect();
    assert_eq!(names, ["database"], "{found}");
    assert_eq!(found["database"]["enabled"], true, "{found}");
    assert_eq!(found["database"]["toxics"], json!([]), "{found}");
    assert_eq!(left(place), [""; 0]);
}

/// Waits until something holds.
#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn has_toxic(chaos: &Chaos) -> bool {
    !proxies(chaos)["database"]["toxics"].as_array().unwrap().is_empty()
}

/// Text without numbers of runs, processes and ports.
fn anonymous(text: &str, place: &Place) -> String {
    let text = filtered(&text.replace(place.path().to_str().unwrap(), "[PLACE]"));
    let run = Regex::new(r"\b\d{14}-\d+").unwrap();
    run.replace_all(&text, "[RUN]").into_owned()
}

/// The faults of a report with this kind.
fn told(report: &Report, kind: &str) -> Vec<Value> {
    let faults = report.at("/faults").as_array().unwrap();
    faults
        .iter()
        .filter(|fault| fault["kind"] == kind)
        .map(|fault| fault[wrapped(kind)].clone())
        .collect()
}

fn wrapped(kind: &str) -> &str {
    if kind == "hook" { "hook" } else { "toxic" }
}

fn findings(report: &Report) -> Vec<(String, u64)> {
    let findings = report.at("/findings").as_array().unwrap();
    let shown = |finding: &Value| {
        (finding["id"].as_str().unwrap().to_owned(), finding["count"].as_u64().unwrap())
    };
    findings.iter().map(shown).collect()
}

#[test]
fn toxics_on_the_path_and_on_a_proxy_of_the_users_are_set_and_put_back() {
    let (chaos, practice, place) = (Chaos::start(), Practice::with(&[]), Place::new());
    database(&chaos);
    let toxiproxy = "kind = \"toxiproxy\"";
    let faults = [
        fault(
            "slow",
            &format!(
                "{toxiproxy}\nat = \"500ms\"\nlasts = \"1s\"\ntoxic = \"latency\"\n\
             attributes = {{ latency = 40, jitter = 10 }}"
            ),
        ),
        fault(
            "sliced",
            &format!(
                "{toxiproxy}\nat = \"700ms\"\nlasts = \"200ms\"\nevery = \"500ms\"\nrepeat = 2\n\
             toxic = \"slicer\"\nattributes = {{ average_size = 64, delay = 10 }}\n\
             direction = \"upstream\"\nshare = 0.5"
            ),
        ),
        fault(
            "away",
            &format!(
                "{toxiproxy}\nat = \"600ms\"\nlasts = \"600ms\"\nproxy = \"database\"\ntoxic = \"down\""
            ),
        ),
        fault(
            "resets",
            &format!("{toxiproxy}\nat = \"800ms\"\nproxy = \"database\"\ntoxic = \"reset_peer\""),
        ),
        fault(
            "still away",
            &format!(
                "{toxiproxy}\nat = \"1s\"\nlasts = \"600ms\"\nproxy = \"database\"\ntoxic = \"down\""
            ),
        ),
    ];
    scenario(&place, &practice.url(), &(server(&chaos) + &faults.concat()));
    let running = order(&place).start();
    until("both proxies", || proxies(&chaos).as_object().unwrap().len() == 2);
    let found = proxies(&chaos);
    let (name, own) =
        found.as_object().unwrap().iter().find(|(name, _)| *name != "database").unwrap();
    assert!(name.starts_with("squall-"), "{found}");
    assert_eq!(own["upstream"], practice.address().to_string());
    assert_eq!(left(&place).len(), 1, "what is to be put back is written down");
    let done = running.end();
    let report = done.exits(0).report();
    adds_up(&report);
    // Each request arrived once, by way of the proxy.
    assert_eq!(report.outcomes(), ["ok"]);
    assert_eq!(practice.counted("practice_requests_total"), report.exchanges());
    let toxics = told(&report, "toxiproxy");
    let mut names: Vec<_> = toxics.iter().map(|toxic| toxic["window"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["away", "resets", "sliced #1", "sliced #2", "slow", "still away"]);
    for toxic in &toxics {
        let (set, removed) = (toxic["set_us"].as_u64(), toxic["removed_us"].as_u64());
        assert!(set.is_some() && set < removed && toxic.get("errors").is_none(), "{toxic}");
    }
    assert_eq!(findings(&report), []);
    is_put_back(&chaos, &place);
    // Only a toxic that is on every connection of the path is known to have befallen a call.
    let said = &done.stdout;
    for fault in report.at("/faults").as_array().unwrap() {
        let (name, met) = (fault["name"].as_str().unwrap(), fault["met"].as_u64().unwrap());
        let (is_told, untold) = (name == "slow", &fault["untold"]);
        assert_eq!((met > 0, *untold == json!(true)), (is_told, !is_told), "{fault}");
        let line = said.lines().find(|line| line.contains(&format!("{name} (toxiproxy,")));
        let says = line.unwrap().contains("Nobody can tell which calls met it.");
        assert_eq!(says, !is_told, "{said}");
    }
}

#[test]
fn a_path_that_is_broken_fails_calls_and_comes_back() {
    for toxic in ["down", "reset_peer"] {
        let (chaos, practice, place) = (Chaos::start(), Practice::with(&[]), Place::new());
        database(&chaos);
        let lines =
            format!("kind = \"toxiproxy\"\nat = \"1s\"\nlasts = \"2500ms\"\ntoxic = {toxic:?}");
        scenario(&place, &practice.url(), &(server(&chaos) + &fault("broken", &lines)));
        let report = order(&place).set("target.health", r#"{ url = "/health" }"#).go().report();
        adds_up(&report);
        // A page tells of the target, not of what squall puts in its way.
        assert!(report.count("/health/asked") > 0);
        assert_eq!(report.at("/health/well"), report.at("/health/asked"));
        assert!(report.outcomes().contains(&"ok"), "{:?}", report.outcomes());
        let errors = report.count("/summary/errors");
        assert!(errors > 0, "{:?}", report.outcomes());
        // Nothing else was wrong: every error met the fault.
        let told = |name: &str| report.count(&format!("/faults/0/{name}"));
        assert_eq!((told("explained"), told("unexplained")), (errors, 0), "{toxic}");
        assert!(told("met") >= errors);
        is_put_back(&chaos, &place);
    }
}

#[test]
fn a_person_who_stops_the_run_gets_everything_put_back() {
    for times in [1, 2] {
        let (chaos, practice, place) = (Chaos::start(), Practice::with(&[]), Place::new());
        database(&chaos);
        let toxic = "kind = \"toxiproxy\"\nat = \"0s\"\nproxy = \"database\"\ntoxic = \"noop\"";
        let own = "kind = \"toxiproxy\"\nat = \"0s\"\ntoxic = \"noop\"";
        let hook = "kind = \"hook\"\nat = \"0s\"\ntimeout = \"5m\"\n\
                    command = [\"sh\", \"-c\", \"echo begun > begun; sleep 600\"]\n\
                    cleanup = [\"sh\", \"-c\", \"echo cleaned > cleaned\"]";
        let faults = [fault("there", toxic), fault("here", own), fault("hangs", hook)].concat();
        scenario(&place, &practice.url(), &(server(&chaos) + &faults));
        let long = r#"[{ over = "1s", to = 3 }, { over = "5m", to = 3 }]"#;
        let order = order(&place).set("load.stages", long).set("load.steady.calls", "1");
        let mut running = order.start();
        until("a toxic", || has_toxic(&chaos));
        until("the hook", || place.path().join("begun").exists());
        running.interrupt();
        running.until("once more to report now");
        if times == 2 {
            running.interrupt();
        }
        let report = running.end().exits(130).report();
        is_put_back(&chaos, &place);
        assert!(place.path().join("cleaned").exists());
        let hook = &told(&report, "hook")[0];
        assert_eq!(hook["run"]["ended"], "was ended with the run, which a person stopped");
        assert_eq!(hook["cleanup"]["ok"], true, "{hook}");
    }
}

#[test]
fn what_a_killed_squall_left_is_put_back_by_another() {
    let (chaos, practice, place) = (Chaos::start(), Practice::with(&[]), Place::new());
    database(&chaos);
    let toxic = "kind = \"toxiproxy\"\nat = \"100ms\"\nproxy = \"database\"\ntoxic = \"noop\"";
    let down = "kind = \"toxiproxy\"\nat = \"200ms\"\nproxy = \"database\"\ntoxic = \"down\"";
    let own = "kind = \"toxiproxy\"\nat = \"0s\"\ntoxic = \"noop\"";
    let hook = "kind = \"hook\"\nat = \"0s\"\ncommand = [\"true\"]\n\
                cleanup = [\"sh\", \"-c\", \"echo cleaned > cleaned\"]";
    let faults = [("there", toxic), ("away", down), ("here", own), ("tidy", hook)];
    let faults: String = faults.iter().map(|(name, lines)| fault(name, lines)).collect();
    scenario(&place, &practice.url(), &(server(&chaos) + &faults));
    let long = r#"[{ over = "1s", to = 3 }, { over = "5m", to = 3 }]"#;
    let running = order(&place).set("load.stages", long).start();
    until("all faults", || has_toxic(&chaos) && proxies(&chaos)["database"]["enabled"] == false);
    let files = left(&place);
    until("the cleanup in the state file", || {
        fs::read_to_string(&files[0]).unwrap().contains("cleaned > cleaned")
    });
    // As long as it lives, it is left alone.
    let busy = restore(&place, &[]);
    let alive = anonymous(&busy.exits(0).stdout, &place);
    assert_eq!(restore(&place, &[&files[0]]).code, 2);
    running.kill();
    assert_eq!(left(&place), files);
    assert!(has_toxic(&chaos));
    assert_eq!(proxies(&chaos).as_object().unwrap().len(), 2);
    let done = restore(&place, &[]);
    let restored = anonymous(&done.exits(0).stdout, &place);
    is_put_back(&chaos, &place);
    assert!(place.path().join("cleaned").exists());
    let again = restore(&place, &[]);
    let again = &again.exits(0).stdout;
    let gone = anonymous(&restore(&place, &[&files[0]]).exits(0).stdout, &place);
    insta::assert_snapshot!([alive.as_str(), &restored, again, &gone].join("---\n"));
}

#[test]
fn a_server_that_goes_away_is_told_and_put_back_later() {
    let (chaos, practice, place) = (Chaos::start(), Practice::with(&[]), Place::new());
    database(&chaos);
    let toxic = "kind = \"toxiproxy\"\nat = \"0s\"\nproxy = \"database\"\ntoxic = \"noop\"";
    let killing = format!(
        "kind = \"hook\"\nat = \"500ms\"\ncommand = [\"kill\", \"-9\", \"{}\"]",
        chaos.id()
    );
    let faults = [fault("there", toxic), fault("killer", &killing)].concat();
    scenario(&place, &practice.url(), &(server(&chaos) + &faults));
    let done = order(&place).go();
    let report = done.exits(4).report();
    assert_eq!(findings(&report), [("toxic-failed".to_owned(), 1)]);
    let notes = report.at("/scenario/notes").as_array().unwrap();
    let notes = notes.iter().map(|note| note.as_str().unwrap());
    let notes: Vec<_> =
        notes.filter(|note| note.contains("Toxiproxy") || note.contains("restore")).collect();
    assert_eq!(left(&place).len(), 1);
    assert!(done.stdout.contains("squall chaos restore"), "{}", done.stdout);
    let failed = restore(&place, &[]);
    let said = [notes.join("\n"), failed.exits(1).stdout.clone()].join("\n---\n");
    insta::assert_snapshot!(anonymous(&said, &place));
    assert_eq!(left(&place).len(), 1, "it can be tried again");
}

#[test]
fn a_cleanup_that_fails_is_told_and_tried_again() {
    let place = Place::new();
    fs::create_dir_all(place.path().join("state/squall")).unwrap();
    let file = "state/squall/chaos-left.json";
    let cleanup = |hook: &str, command: &str| -> Value {
        json!({ "hook": hook, "command": ["sh", "-c", command], "timeout_ms": 10_000 })
    };
    let cleanups = [cleanup("once", "echo done >> once"), cleanup("twice", "test -e mended")];
    let state = json!({ "schema": "squall.chaos/1", "scenario": "left", "cleanups": cleanups });
    place.file(file, &state.to_string());
    let failed = restore(&place, &[]);
    let said = &failed.exits(1).stdout;
    assert!(said.contains("the cleanup of the hook once ended with exit status: 0"), "{said}");
    assert!(said.contains("the cleanup of the hook twice ended with exit status: 1"), "{said}");
    assert!(said.contains("the file stays"), "{said}");
    place.file("mended", "");
    let said = restore(&place, &[]).exits(0).stdout.clone();
    assert!(said.contains("everything is as it was; the file is removed"), "{said}");
    let once = fs::read_to_string(place.path().join("once")).unwrap();
    assert_eq!((once.as_str(), left(&place).len()), ("done\n", 0));
}

/// What is refused, whoever asks: the target is asked nothing.
#[test]
fn what_cannot_be_done_is_said_before_the_load() {
    let (chaos, practice) = (Chaos::start(), Practice::with(&[]));
    database(&chaos);
    let disabled = json!({ "name": "off", "upstream": "127.0.0.1:9", "enabled": false });
    assert_eq!(chaos.ask("POST", "/proxies", &disabled.to_string()).0, 201);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let of = |address: SocketAddr| format!("[toxiproxy]\nurl = \"http://{address}\"\n");
    let own = "kind = \"toxiproxy\"\nat = \"0s\"\ntoxic = \"noop\"";
    let on = |proxy: &str| format!("{own}\nproxy = \"{proxy}\"");
    let rows = [
        (of(free_address()), own.to_owned()),
        (of(silent.local_addr().unwrap()), own.to_owned()),
        (of(practice.address()), own.to_owned()),
        (server(&chaos), on("datbase")),
        (server(&chaos), on("off")),
        (server(&chaos) + "name = \"database\"\n", own.to_owned()),
        (server(&chaos) + &format!("listen = \"{taken}\"\n"), own.to_owned()),
    ];
    let before = proxies(&chaos);
    let requests = practice.counted("practice_requests_total{method=\"initialize\"");
    let mut pages = Vec::new();
    for (server, lines) in rows {
        let place = Place::new();
        scenario(&place, &practice.url(), &(server + &fault("wrong", &lines)));
        pages.push(anonymous(&order(&place).go().refused(2, &place), &place));
        assert_eq!(left(&place), [""; 0], "nothing is left to be put back");
    }
    let place = Place::new();
    scenario(&place, &practice.url(), &(server(&chaos) + &fault("nowhere", own)));
    let order = place.run_file("outside.toml", "report").env("XDG_STATE_HOME", "").env("HOME", "");
    pages.push(anonymous(&order.go().refused(2, &place), &place));
    insta::assert_snapshot!(pages.concat());
    assert_eq!(proxies(&chaos), before, "nothing was changed");
    let after = practice.counted("practice_requests_total{method=\"initialize\"");
    assert_eq!(after, requests, "the target was asked nothing");
}

/// A target that cannot be reached ends the run before its load, and the proxy goes with it.
#[test]
fn a_run_without_a_load_puts_everything_back() {
    let (chaos, place) = (Chaos::start(), Place::new());
    database(&chaos);
    let own = "kind = \"toxiproxy\"\nat = \"0s\"\ntoxic = \"noop\"";
    let url = format!("http://{}/mcp", free_address());
    scenario(&place, &url, &(server(&chaos) + &fault("path", own)));
    let done = order(&place).set("clients.override.connect_timeout", r#""1s""#).go();
    let said = done.refused(3, &place);
    assert!(said.contains("a proxy of Toxiproxy's: does that reach the target?"), "{said}");
    is_put_back(&chaos, &place);
}

#[test]
fn hooks_are_told_with_their_end_and_what_they_said() {
    let (practice, place) = (Practice::with(&[]), Place::new());
    let page = format!("http://{}", practice.address());
    let hook =
        |name: &str, lines: &str| fault(name, &format!("kind = \"hook\"\nat = \"100ms\"\n{lines}"));
    let faults = [
        hook("restarts nothing", "command = [\"true\"]"),
        hook("fails", "command = [\"sh\", \"-c\", \"echo no unit ${SECRET}; exit 3\"]"),
        hook("hangs", "command = [\"sh\", \"-c\", \"sleep 600\"]\ntimeout = \"200ms\""),
        hook("is not there", "command = [\"/no/such/program\"]"),
        hook("asks", &format!("url = \"{page}/metrics\"")),
        hook("asks in vain", &format!("url = \"{page}/nothing?key=1\"\nstatus = 204")),
        hook("asks nobody", &format!("url = \"http://{}/\"", free_address())),
        hook(
            "cleans up",
            "lasts = \"500ms\"\ncommand = [\"sh\", \"-c\", \"exit 1\"]\n\
             cleanup = [\"sh\", \"-c\", \"echo cleaned; exit 4\"]",
        ),
    ];
    scenario(&place, &practice.url(), &faults.concat());
    let done = order(&place).env("SECRET", "hunter22").go();
    let report = done.exits(4).report();
    adds_up(&report);
    assert_eq!(report.outcomes(), ["ok"], "no hook ends the run, or touches it");
    assert_eq!(findings(&report), [("hook-failed".to_owned(), 6)]);
    assert!(!report.0.to_string().contains("hunter22"));
    let mut hooks = told(&report, "hook");
    hooks.sort_by_key(|hook| hook["window"].as_str().unwrap().to_owned());
    for hook in &mut hooks {
        for run in ["run", "cleanup"] {
            if let Some(run) = hook.get_mut(run).and_then(Value::as_object_mut) {
                assert!(run.remove("at_us").is_some() && run.remove("took_us").is_some());
                let output = run.get("output").and_then(Value::as_str).unwrap_or_default();
                if output.len() > 100 {
                    run.insert("output".to_owned(), json!("[PAGE]"));
                }
            }
        }
    }
    let notes = report.at("/scenario/notes").as_array().unwrap();
    let mut notes: Vec<_> =
        notes.iter().filter_map(Value::as_str).filter(|note| note.contains("hook")).collect();
    notes.sort_unstable();
    let shown = format!("{}\n{}", notes.join("\n"), serde_json::to_string_pretty(&hooks).unwrap());
    insta::assert_snapshot!(anonymous(&shown, &place));
    assert_eq!(left(&place), [""; 0]);
    // One who asks for no such finding is told by the exit code.
    let strict = with_state(&place, place.run_file("outside.toml", "strict"));
    let strict = strict.env("SECRET", "hunter22").set("expect.findings", r#""none above low""#);
    strict.go().exits(4);
}
