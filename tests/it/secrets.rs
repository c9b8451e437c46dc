//! A secret is in nothing that squall writes or says.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::squall::{Done, Order, Place};
use crate::stranger::{Stranger, answer};

const TOKEN: &str = "s3cret-t0ken-of-the-test";

/// Says where the secret is among everything that a run left behind.
fn leaks(place: &Place, done: &Done) -> Vec<String> {
    let encoded = STANDARD.encode(format!("user:{TOKEN}"));
    let leaked = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.contains(TOKEN) || text.contains(&encoded)
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
