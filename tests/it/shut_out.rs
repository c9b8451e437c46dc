//! What keeps every user out is said before the load, once: the leg, the URL, the rule, what helps.
//! What keeps users out later counts them as locked out.

use std::fmt::Write;

use crate::practice::Practice;
use crate::squall::{Done, Place};
use crate::storm::adds_up;

const SCENARIO: &str = r#"
[target]
url = "practice"
[auth]
kind = "oauth"
[clients]
profile = "spec"
[load]
behaviour = "steady"
model = "closed"
stages = [{ over = "1s", to = 2 }]
[load.steady]
calls = 2
think = "20ms"
"#;

type Sets<'a> = &'a [(&'a str, &'a str)];

fn run(place: &Place, url: &str, sets: Sets<'_>) -> Done {
    place.file("oauth.toml", SCENARIO);
    place.run_file("oauth.toml", "report").target(url).sets(sets.iter().copied()).go()
}

/// How the practice target is, and what the scenario has besides.
const ROWS: [(&str, &str, Sets<'_>); 14] = [
    ("metadata-html", r#"{ defects = ["metadata-html"] }"#, &[]),
    ("metadata-oversized", r#"{ defects = ["metadata-oversized"] }"#, &[]),
    ("metadata-loops", r#"{ defects = ["metadata-loops"] }"#, &[]),
    ("metadata-other-issuer", r#"{ defects = ["metadata-other-issuer"] }"#, &[]),
    ("metadata-other-resource", r#"{ defects = ["metadata-other-resource"] }"#, &[]),
    ("metadata-private-address", r#"{ defects = ["metadata-private-address"] }"#, &[]),
    ("metadata-plain-http", r#"{ defects = ["metadata-plain-http"] }"#, &[]),
    ("iss-missing", r#"{ defects = ["iss-missing"] }"#, &[]),
    ("iss-wrong", r#"{ defects = ["iss-wrong"] }"#, &[]),
    ("state-dropped", r#"{ defects = ["state-dropped"] }"#, &[]),
    ("no way to register", "{ registration = false, documents = false }", &[]),
    ("a page where none was expected", r#"{ consent = "form" }"#, &[]),
    (
        "a script for another page",
        r#"{ consent = "form" }"#,
        &[
            ("auth.consent", r#""form""#),
            ("auth.forms", r#"[{ fill = { email = "user-{user}" }, press = "Sign in" }]"#),
        ],
    ),
    (
        "a script of too few steps",
        r#"{ consent = "form" }"#,
        &[
            ("auth.consent", r#""form""#),
            ("auth.forms", "[{ fill = { username = \"u\", password = \"p\" } }]"),
        ],
    ),
];

#[test]
fn what_keeps_every_user_out_is_said_before_the_load() {
    let mut all = String::new();
    for (name, auth, sets) in ROWS {
        let practice = Practice::with(&["--auth", auth]);
        let place = Place::new();
        let said = run(&place, &practice.url(), sets).refused(3, &place);
        let said = said.replace(&practice.address().to_string(), "TARGET");
        writeln!(all, "{name}\n{}", said.trim_end()).unwrap();
        assert_eq!(practice.counted("practice_tool_calls_total"), 0, "{name}");
        for word in ["code=", "state=", "code_verifier"] {
            assert!(!said.contains(word), "{name}: {said}");
        }
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_file_of_tokens_that_has_none_is_a_mistake() {
    let place = Place::new();
    place.file("tokens.jsonl", "\n");
    let sets: Sets<'_> = &[("auth", r#"{ kind = "tokens", file = "tokens.jsonl" }"#)];
    insta::assert_snapshot!(run(&place, "http://127.0.0.1:9/mcp", sets).refused(2, &place));
}

/// What users come to could not be kept: that is known before they come to it.
#[test]
fn grants_that_cannot_be_kept_are_said_before_the_load() {
    let practice = Practice::with(&["--auth", "{}"]);
    let place = Place::new();
    place.file("oauth.toml", SCENARIO);
    let check = |grants: &str| {
        let order = place.squall().args(["check", "oauth.toml"]);
        order.set("auth.grants", grants).go()
    };
    check(r#""grants.jsonl""#).exits(0);
    assert_eq!(place.names(), ["oauth.toml"], "a check leaves nothing");
    let nowhere = r#""no/such/folder/grants.jsonl""#;
    let said = run(&place, &practice.url(), &[("auth.grants", nowhere)]).refused(2, &place);
    for said in [said, check(nowhere).exits(2).stderr.clone()] {
        let expected = "grants or file under [auth]: cannot write no/such/folder/grants.jsonl: ";
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(practice.counted("practice_auth_tokens_total"), 0);
}

/// The authorization server takes every grant back, and then lets only some register anew.
#[test]
fn users_that_are_kept_out_later_are_locked_out() {
    let place = Place::new();
    let order = place.run("revoked-mid-burst").patient().sets([
        ("practice.auth.revoke_at", r#""6s""#),
        // The look, each user's login, and no more.
        ("practice.auth.register_limit", "6"),
        ("clients.override.oauth.registration", r#""per-connection""#),
        ("load.stages", r#"[{ over = "1s", to = 5 }, { over = "12s", to = 5 }]"#),
        ("expect.thresholds", r#"["dropped == 0"]"#),
        ("expect.tokens", "{ lost = 0 }"),
    ]);
    let report = order.go().exits(4).report();
    adds_up(&report);
    let findings = report.at("/findings").as_array().unwrap();
    let of = |id: &str| findings.iter().find(|finding| finding["id"] == id);
    let locked_out = of("locked-out").expect("a finding");
    assert!(of("grants-lost").is_some(), "{findings:?}");
    let evidence = locked_out["evidence"][0].as_str().unwrap();
    assert!(evidence.contains("oauth/registration: registration: http://127.0.0.1"), "{evidence}");
    assert_eq!(report.count("/summary/grants/locked_out"), 5);
    let unauthorised = report.count("/summary/outcomes/unauthorised");
    // All calls of a user that is locked out end so; only the one that found out sent something.
    assert!(unauthorised > 5, "{unauthorised}");
    let refused = report.count("/summary/statuses/401");
    assert!(refused < unauthorised, "{refused} of {unauthorised}");
}
