//! A secret is in nothing that squall writes or says.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::http::free_address;
use crate::practice::Practice;
use crate::squall::{Done, Order, Place, root};
use crate::storm::QUICK;
use crate::stranger::{Stranger, answer};

const TOKEN: &str = "s3cret-t0ken-of-the-test";

/// Says where the secret is among everything that a run left behind.
fn leaks(place: &Place, done: &Done) -> Vec<String> {
    let encoded = STANDARD.encode(format!("user:{TOKEN}"));
    leaks_of(place, done, &BTreeSet::from([TOKEN.to_owned(), encoded]))
}

/// The same of any secrets.
pub(crate) fn leaks_of(place: &Place, done: &Done, secrets: &BTreeSet<String>) -> Vec<String> {
    let leaked = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        secrets.iter().any(|secret| text.contains(secret.as_str()))
    };
    let mut leaks = Vec::new();
    for (name, text) in [("standard output", &done.stdout), ("standard error", &done.stderr)] {
        if leaked(text.as_bytes()) {
            leaks.push(format!("{name}: {text}"));
        }
    }
    for entry in fs::read_dir(place.path().join("report")).into_iter().flatten() {
        let path = entry.unwrap().path();
        if leaked(&fs::read(&path).unwrap()) {
            leaks.push(path.display().to_string());
        }
    }
    leaks
}

fn with<'a>(order: Order<'a>, auth: &[(&'a str, &'a str)]) -> Order<'a> {
    order.env("SQUALL_TEST_TOKEN", TOKEN).sets(auth.iter().copied())
}

const BEARER: [(&str, &str); 2] =
    [("auth.kind", r#""bearer""#), ("auth.token", r#""${SQUALL_TEST_TOKEN}""#)];
const BASIC: [(&str, &str); 3] = [
    ("auth.kind", r#""basic""#),
    ("auth.user", r#""user""#),
    ("auth.password", r#""${SQUALL_TEST_TOKEN}""#),
];
const HEADER: [(&str, &str); 3] = [
    ("auth.kind", r#""header""#),
    ("auth.name", r#""x-key""#),
    ("auth.value", r#""${SQUALL_TEST_TOKEN}""#),
];

#[test]
fn no_artefact_of_a_run_holds_one() {
    for auth in [&BEARER[..], &BASIC, &HEADER] {
        let place = Place::new();
        let order = place.run("research-storm").short().set("tools.allow", r#"["echo"]"#);
        let done = with(order, auth).go();
        done.exits(0);
        assert_eq!(leaks(&place, &done), [""; 0]);
    }
}

#[test]
fn a_target_that_says_it_back_does_not_make_squall_say_it() {
    let stranger = Stranger::answering(|head| answer("401 Unauthorized", "text/plain", head));
    for auth in [&BEARER[..], &BASIC, &HEADER] {
        let place = Place::new();
        let done = with(place.run("research-storm").target(&stranger.url()), auth).go();
        done.exits(3);
        assert!(done.stderr.contains("It said: "), "{}", done.stderr);
        assert_eq!(leaks(&place, &done), [""; 0]);
    }
}

#[test]
fn a_mistake_beside_one_does_not_show_it() {
    let place = Place::new();
    let order = with(place.run("research-storm"), &BEARER).set("auth.tokne", "1");
    let done = order.go();
    done.refused(2, &place);
    assert_eq!(leaks(&place, &done), [""; 0]);
}

/// What passed through a relay, both ways.
type Heard = Arc<Mutex<Vec<u8>>>;

/// A practice target behind a relay that makes `change` of what squall says, and hears everything.
fn relayed(
    practice: &Practice,
    change: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
) -> (Stranger, Heard) {
    let (address, heard) = (practice.address(), Heard::default());
    let all = Arc::clone(&heard);
    let relay = Stranger::that(move |client| {
        let target = TcpStream::connect(address).unwrap();
        let (back, answers) = (client.try_clone().unwrap(), target.try_clone().unwrap());
        let one = Arc::clone(&all);
        thread::spawn(move || pass(answers, back, &one, <[u8]>::to_vec));
        pass(client, target, &all, &change);
    });
    (relay, heard)
}

fn pass(
    mut from: TcpStream,
    mut to: TcpStream,
    heard: &Mutex<Vec<u8>>,
    change: impl Fn(&[u8]) -> Vec<u8>,
) {
    let mut part = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut part) {
        heard.lock().unwrap().extend_from_slice(&part[..length]);
        if to.write_all(&change(&part[..length])).is_err() {
            break;
        }
    }
    let _gone = to.shutdown(std::net::Shutdown::Both).is_err();
}

/// A practice target that only who knows the secret finds: it stands in the path.
fn behind_a_secret_path(practice: &Practice) -> Stranger {
    let secret = format!("/s/{TOKEN}/");
    let openly =
        move |said: &[u8]| String::from_utf8_lossy(said).replacen(&secret, "/", 1).into_bytes();
    relayed(practice, openly).0
}

/// Everything that passed between squall and a practice target.
pub(crate) fn overheard(practice: &Practice) -> (Stranger, Heard) {
    relayed(practice, <[u8]>::to_vec)
}

/// The storm in a few seconds, its URLs holding the secret in path and query.
fn secretive<'a>(place: &'a Place, port: u16, page: &str) -> Order<'a> {
    let url =
        format!("http://127.0.0.1:{port}/s/${{SQUALL_TEST_TOKEN}}/mcp?key=${{SQUALL_TEST_TOKEN}}");
    let page = format!(r#"{{ url = "{page}" }}"#);
    let order = place.run("research-storm").short().env("SQUALL_TEST_TOKEN", TOKEN);
    let order = order.set("tools.allow", QUICK).set("target.url", &format!("{url:?}"));
    order.set("target.health", &page).set("target.metrics", &page)
}

const PAGE: &str = "/s/${SQUALL_TEST_TOKEN}/metrics?token=${SQUALL_TEST_TOKEN}";

#[test]
fn a_url_is_shown_as_it_was_written_and_without_query() {
    let practice = Practice::with(&[]);
    let port = behind_a_secret_path(&practice).port();
    let place = Place::new();
    let done = secretive(&place, port, PAGE).go();
    let report = done.exits(0).report();
    assert_eq!(leaks(&place, &done), [""; 0]);
    let shown = format!("http://127.0.0.1:{port}/s/${{SQUALL_TEST_TOKEN}}/mcp");
    assert_eq!(report.at("/target/url"), &shown);
    for page in ["/health", "/target_metrics"] {
        assert_eq!(report.at(&format!("{page}/url")), "/s/${SQUALL_TEST_TOKEN}/metrics");
    }
    assert_eq!(report.at("/target_metrics/failures").as_array().unwrap().len(), 0);
}

#[test]
fn the_command_lines_queries_are_not_shown() {
    let practice = Practice::with(&[]);
    let place = Place::new();
    let url = format!("{}?key={TOKEN}", practice.url());
    let page = format!(r#""/metrics?token={TOKEN}""#);
    let order = place.run("research-storm").short().set("tools.allow", QUICK).target(&url);
    let order = order.set("target.health.url", &page).set("target.metrics.url", &page);
    let done = order.go();
    let report = done.exits(0).report();
    assert_eq!(leaks(&place, &done), [""; 0]);
    let text = report.at("/scenario/text").as_str().unwrap();
    assert!(text.contains("# --set target.health.url=\"/metrics?***\"\n"), "{text}");
    assert!(text.contains(&format!("# --target {}?***\n", practice.url())), "{text}");
    for set in [format!("target.url={url}"), format!(r#"target={{ url = "{url}", x = 1 }}"#)] {
        let done = place.run("research-storm").args(["--set", &set]).go();
        assert_eq!(done.code, 2, "{}", done.stderr);
        assert!(!done.stderr.contains(TOKEN), "{}", done.stderr);
    }
}

/// The shipped storm's file.
fn storm() -> String {
    root().join("scenarios/research-storm.toml").to_str().unwrap().to_owned()
}

#[test]
fn a_plan_does_not_show_one() {
    let place = Place::new();
    let order = place.squall().args(["check", &storm()]);
    let order = order.env("SQUALL_TEST_TOKEN", TOKEN);
    let done = order.target("http://127.0.0.1:1/s/${SQUALL_TEST_TOKEN}/mcp?key=1").go();
    assert!(done.exits(0).stdout.contains("/s/${SQUALL_TEST_TOKEN}/mcp\n"), "{}", done.stdout);
    assert_eq!(leaks(&place, &done), [""; 0]);
}

#[test]
fn a_run_that_fails_does_not_show_one() {
    let says_back = Stranger::answering(|head| answer("404 Not Found", "text/plain", head));
    let silent = free_address().port();
    let elsewhere = format!("http://127.0.0.1:{silent}{PAGE}");
    for (port, page, said) in [
        (silent, PAGE, "cannot be loaded"),
        (says_back.port(), PAGE, "answers 404, not 200"),
        (says_back.port(), elsewhere.as_str(), "cannot be read"),
    ] {
        let place = Place::new();
        let done = secretive(&place, port, page).go();
        let stderr = &done.exits(3).stderr;
        assert!(stderr.contains(said) && stderr.contains("/s/${SQUALL_TEST_TOKEN}/"), "{stderr}");
        assert_eq!(leaks(&place, &done), [""; 0]);
    }
    let place = Place::new();
    let url = format!("{}/${{SQUALL_TEST_TOKEN}}", says_back.url());
    let order = place.run("research-storm").target(&url).env("SQUALL_TEST_TOKEN", TOKEN);
    let done = order.go();
    assert!(done.exits(3).stderr.contains("It said: POST /mcp/***"), "{}", done.stderr);
    assert_eq!(leaks(&place, &done), [""; 0]);
}

#[test]
fn a_page_that_fails_does_not_show_one() {
    let practice = Practice::with(&[]);
    let place = Place::new();
    let silent = free_address();
    let metrics = format!(r#"{{ url = "http://{silent}{PAGE}" }}"#);
    let order = place.run("research-storm").short().target(&practice.url());
    let order = order.env("SQUALL_TEST_TOKEN", TOKEN).set("tools.allow", QUICK);
    let done = order.set("target.metrics", &metrics).go();
    let report = done.exits(0).report();
    assert_eq!(report.count("/target_metrics/answered"), 0);
    assert_eq!(leaks(&place, &done), [""; 0]);
}

#[test]
fn a_mistake_in_one_names_the_variable() {
    let storm = storm();
    for (key, value) in [
        ("load.speed", r#""${SQUALL_TEST_TOKEN}""#),
        ("load.drain", r#""${SQUALL_TEST_TOKEN}""#),
        ("load.from", r#""${SQUALL_TEST_TOKEN}/min""#),
        ("load.behaviour", r#""${SQUALL_TEST_TOKEN}""#),
        ("load.behaviour", r#""check-${SQUALL_TEST_TOKEN}""#),
        ("load.stages", r#"[{ over = "1s", to = "${SQUALL_TEST_TOKEN}" }]"#),
        ("practice.latency", r#""uniform ${SQUALL_TEST_TOKEN} 2ms""#),
        ("clients.profile", r#""${SQUALL_TEST_TOKEN}""#),
        ("clients.profile", r#""./${SQUALL_TEST_TOKEN}.toml""#),
        ("clients.override.ids", r#""${SQUALL_TEST_TOKEN}""#),
        ("expect.thresholds", r#"["${SQUALL_TEST_TOKEN} < 1"]"#),
        ("tools.arguments.echo", r#"["${SQUALL_TEST_TOKEN}"]"#),
        ("target.url", r#""${SQUALL_TEST_TOKEN}://127.0.0.1/""#),
        ("target.host", r#""a b ${SQUALL_TEST_TOKEN}""#),
        ("target.health.url", r#""${SQUALL_TEST_TOKEN}""#),
        ("target.metrics", r#"{ url = "/m", series = ["${SQUALL_TEST_TOKEN}"] }"#),
        ("target", r#"{ url = "http://${SQUALL_TEST_TOKEN}.test:1/", resolve = "a:1=127.0.0.1" }"#),
        (
            "target",
            r#"{ url = "http://127.0.0.1:1/", resolve = "${SQUALL_TEST_TOKEN}:1=127.0.0.1" }"#,
        ),
    ] {
        let place = Place::new();
        let order = place.squall().args(["check", &storm]).set(key, value);
        let done = order.env("SQUALL_TEST_TOKEN", TOKEN).go();
        let said = done.refused(2, &place);
        assert!(said.contains("${SQUALL_TEST_TOKEN}"), "{said}");
        assert_eq!(leaks(&place, &done), [""; 0], "{key}");
    }
}

/// What of it must be known to nobody else.
pub(crate) fn secrets_in(heard: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(heard);
    let patterns = [
        r#""(?:access_token|refresh_token|client_secret)": *"([^"]+)""#,
        r"[?&]code=([^&\s]+)",
        r"(?:code_verifier|refresh_token|client_secret|client_assertion)=([^&\s]+)",
        r"(?i)set-cookie: *[^=]+=([^;\s]+)",
        r"(?i)authorization: *\S+ +(\S+)",
        r#"name="csrf" value="([^"]+)""#,
    ];
    let found = patterns.iter().flat_map(|pattern| {
        let pattern = regex::Regex::new(pattern).unwrap();
        let values = pattern.captures_iter(&text).map(|found| found[1].to_owned());
        let values: Vec<_> = values.collect();
        assert!(!values.is_empty() || pattern.as_str().contains("assertion"), "{pattern}");
        values
    });
    found.filter(|secret| secret.len() >= 8).collect()
}

#[test]
fn of_all_that_oauth_issues_nothing_is_shown() {
    let auth =
        r#"{ access = "2s", consent = "form", documents = false, tools = { echo = "mcp:write" } }"#;
    let practice = Practice::with(&["--auth", auth]);
    let (relay, heard) = overheard(&practice);
    let place = Place::new();
    let order = place.run("steady").short_closed().target(&relay.url());
    let order = order.set("auth.kind", r#""oauth""#).set("auth.consent", r#""form""#);
    let forms = r#"[{ fill = { username = "u{user}", password = "${SQUALL_TEST_TOKEN}" } }, { press = "allow" }]"#;
    let order = order.set("auth.forms", forms).env("SQUALL_TEST_TOKEN", TOKEN);
    let order = order.set("tools.allow", QUICK).set("load.steady.think", r#""200ms""#);
    let done = order.set("expect.thresholds", r#"["errors < 1"]"#).go();
    let report = done.exits(0).report();
    assert!(report.count("/summary/grants/refreshed") > 0, "tokens were renewed");
    let mut secrets = secrets_in(&heard.lock().unwrap());
    assert!(secrets.len() > 10, "{}", secrets.len());
    secrets.insert(TOKEN.to_owned());
    assert_eq!(leaks_of(&place, &done, &secrets), [""; 0]);
}
