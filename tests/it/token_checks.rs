//! Active checks against the practice authorization server: every shipped one passes on a sound
//! server, and finds what is wrong with each that is not.

use std::fs;
use std::thread;

use crate::defects;
use crate::squall::{Place, Report, root};
use crate::storm::QUICK;

/// Shipped scenarios that check what becomes of tokens; each passes as it is.
pub(crate) const SCENARIOS: [&str; 3] = ["expired-token", "registration-flood", "wrong-audience"];

type Sets<'a> = &'a [(&'a str, &'a str)];

/// Runs a scenario as patiently as a machine of others needs it.
fn run(place: &Place, scenario: &str, sets: Sets<'_>, code: i32) -> Report {
    let order = place.run(scenario).patient().set("tools.allow", QUICK);
    let done = order.set("expect.thresholds", r#"["dropped == 0"]"#).sets(sets.iter().copied());
    done.go().exits(code).report()
}

/// The findings' names.
fn found(report: &Report) -> Vec<String> {
    let findings = report.at("/findings").as_array().unwrap();
    let mut names: Vec<_> =
        findings.iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// A clock of whole seconds, and a machine of others: what is not refused by then is not refused.
const LENIENT: &str = r#"{ lifetime = "4s", skew = "3s", expired = "refused" }"#;
const SHORT: Sets<'_> = &[
    ("practice.auth.access", r#""4s""#),
    ("practice.auth.skew", r#""0s""#),
    ("expect.tokens", LENIENT),
];

/// A scenario, what makes the server wrong, and all that is found of it.
type Row<'a> = (&'a str, &'a str, &'a [&'a str]);

/// The rows, as the table of all defects has them.
pub(crate) fn rows() -> impl Iterator<Item = defects::Row> {
    let row =
        |(scenario, defect, findings): Row<'static>| (one(defect), scenario, findings.to_vec());
    ROWS.into_iter().map(row)
}

/// The only defect of a list.
pub(crate) fn one(list: &str) -> &str {
    list.trim_matches(|c| "[\"]".contains(c))
}

const ROWS: [Row<'static>; 12] = [
    ("expired-token", r#"["accepts-expired"]"#, &["expired-token-accepted"]),
    ("expired-token", r#"["refuses-with-403"]"#, &["token-refused-wrongly"]),
    ("expired-token", r#"["refuses-with-500"]"#, &["token-refused-wrongly"]),
    ("expired-token", r#"["refuses-with-200"]"#, &["token-refused-wrongly"]),
    ("expired-token", r#"["refuses-with-redirect"]"#, &["redirect", "token-refused-wrongly"]),
    ("expired-token", r#"["no-resource-metadata"]"#, &["no-resource-metadata"]),
    ("wrong-audience", r#"["ignores-resource"]"#, &["foreign-token-accepted"]),
    ("wrong-audience", r#"["refuses-with-403"]"#, &["token-refused-wrongly"]),
    ("wrong-audience", r#"["refuses-with-500"]"#, &["token-refused-wrongly"]),
    ("wrong-audience", r#"["refuses-with-200"]"#, &["malformed-result", "token-refused-wrongly"]),
    ("wrong-audience", r#"["refuses-with-redirect"]"#, &["redirect", "token-refused-wrongly"]),
    ("wrong-audience", r#"["no-resource-metadata"]"#, &["no-resource-metadata"]),
];

#[test]
fn every_shipped_check_passes_as_it_is() {
    thread::scope(|scope| {
        for scenario in SCENARIOS {
            scope.spawn(move || {
                let report = Place::new().run(scenario).patient_alone().go().exits(0).report();
                assert_eq!(found(&report), [""; 0], "{scenario}");
                let expected = report.at("/expectations").as_array().unwrap();
                assert!(expected.iter().all(|row| row["passed"] == true), "{expected:?}");
            });
        }
    });
}

#[test]
fn each_defect_is_found_and_nothing_else() {
    for rows in ROWS.chunks(4) {
        thread::scope(|scope| {
            for (scenario, list, expected) in rows {
                scope.spawn(move || {
                    let wrong = [
                        ("practice.auth.defects", *list),
                        ("practice.auth.spares_missing", "true"),
                    ];
                    let short = if *scenario == "expired-token" { SHORT } else { &[] };
                    let place = Place::new();
                    let report = run(&place, scenario, &[short, &wrong].concat(), 4);
                    assert_eq!(found(&report), *expected, "{scenario} {list}");
                    let rows = report.at("/expectations").as_array().unwrap();
                    let row = rows.last().unwrap();
                    assert_eq!(row["passed"], false, "{row}");
                    assert_eq!(row.get("unproven"), None, "{row}");
                    defects::met(one(list), scenario);
                });
            }
        });
    }
}

/// Without the defects the short run passes, too: it is they that are found.
#[test]
fn the_same_run_of_a_sound_server_passes() {
    let report = run(&Place::new(), "expired-token", SHORT, 0);
    assert_eq!(found(&report), [""; 0]);
}

/// Ways to speak MCP, by profile and by what the practice target speaks.
#[test]
fn every_way_to_speak_is_checked() {
    let ways = [
        ("plain", r#"["http+sse"]"#),
        ("claude-ai-legacy", r#"["legacy"]"#),
        ("claude-ai-modern", r#"["modern", "legacy"]"#),
        ("spec", r#"["modern"]"#),
    ];
    thread::scope(|scope| {
        for (profile, speaks) in ways {
            let profile = format!("{profile:?}");
            scope.spawn(move || {
                let way = [("clients.profile", profile.as_str()), ("practice.speaks", speaks)];
                for (scenario, defect, finding) in [
                    ("expired-token", "accepts-expired", "expired-token-accepted"),
                    ("wrong-audience", "ignores-resource", "foreign-token-accepted"),
                ] {
                    let short = if scenario == "expired-token" { SHORT } else { &[] };
                    let sound = [short, &way].concat();
                    let report = run(&Place::new(), scenario, &sound, 0);
                    assert_eq!(found(&report), [""; 0], "{scenario} {profile}");
                    let defects = format!("[{defect:?}]");
                    let broken = [&sound[..], &[("practice.auth.defects", &defects)]].concat();
                    let report = run(&Place::new(), scenario, &broken, 4);
                    assert_eq!(found(&report), [finding], "{scenario} {profile}");
                }
            });
        }
    });
}

#[test]
fn a_server_without_a_limit_registers_whoever_comes() {
    let (place, none) = (Place::new(), [("practice.auth.register_limit", "0")]);
    let report = run(&place, "registration-flood", &none, 4);
    place.squall().args(["report", "report"]).go().exits(0);
    assert_eq!(found(&report), ["registrations-unlimited"]);
    assert_eq!(report.count("/summary/grants/registered"), 60);
    assert_eq!(report.at("/expectations/0/passed"), false);
}

/// A flood in which nobody was refused shows no limit.
#[test]
fn too_few_registrations_are_no_pass() {
    let few = [("load.from", r#""2/s""#), ("load.stages", r#"[{ over = "2s", to = "2/s" }]"#)];
    let report = run(&Place::new(), "registration-flood", &few, 4);
    let row = report.at("/expectations/0");
    assert_eq!((&row["passed"], &row["unproven"]), (&false.into(), &true.into()), "{row}");
}

/// An authorization server that has no token for anybody else: there is nothing to present.
#[test]
fn a_token_that_is_not_issued_is_neither_a_pass_nor_a_finding() {
    let place = Place::new();
    let unknown = [("load.wrong_audience.resource", r#""https://other.example/mcp""#)];
    let report = run(&place, "wrong-audience", &unknown, 4);
    assert_eq!(found(&report), [""; 0]);
    let row = report.at("/expectations/0");
    assert_eq!(row["unproven"], true, "{row}");
    assert!(row["value"].as_str().unwrap().contains("invalid_target"), "{row}");
}

/// Tokens from a file: what the user has is good, and what it presents then is not.
#[test]
fn tokens_of_a_file_are_presented_as_well() {
    let place = Place::new();
    let lines: Vec<_> = (0..3).map(|n| format!(r#"{{"access":"foreign-{n}"}}"#)).collect();
    place.file("foreign.jsonl", &lines.join("\n"));
    let given = [("load.wrong_audience.tokens", r#""foreign.jsonl""#)];
    let report = run(&place, "wrong-audience", &given, 0);
    assert_eq!(report.at("/expectations/0/passed"), true);
    for entry in fs::read_dir(place.path().join("report")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("foreign-1"), "a token is in the report");
    }
}

/// A check's plan says what will be done to the target.
#[test]
fn the_plan_says_what_a_check_does() {
    for (scenario, words) in [
        (
            "expired-token",
            "3 users present one access token each, every 500ms for up to 15s, until",
        ),
        ("wrong-audience", "3 with one for the practice target's second resource"),
        ("registration-flood", "60 clients ask to be registered, and go no further; 20 may"),
    ] {
        let place = Place::new();
        let file = root().join(format!("scenarios/{scenario}.toml"));
        let done = place.squall().args(["check", file.to_str().unwrap()]).go();
        done.exits(0);
        assert!(done.stdout.contains(words), "{}", done.stdout);
        assert!(!done.stdout.contains("warning"), "{}", done.stdout);
    }
}

/// What only a check can show is listed as not checked in any other load, and decides nothing.
#[test]
fn a_storm_does_not_check_what_it_cannot_see() {
    let place = Place::new();
    let done = place.run("token-cliff").short_closed().set("tools.allow", QUICK).sets([
        ("expect.tokens", r#"{ lifetime = "1h", expired = "refused", foreign = "refused" }"#),
        ("practice.auth", r#"{ access = "1h" }"#),
        ("auth", r#"{ kind = "oauth" }"#),
    ]);
    let report = done.go().exits(0).report();
    let rows = report.at("/expectations").as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["passed"]), (3, &true.into()));
    for row in &rows[1..] {
        assert_eq!((&row["passed"], &row["unchecked"]), (&false.into(), &true.into()), "{row}");
        assert!(row["value"].as_str().unwrap().contains("load.behaviour = \"check-"), "{row}");
    }
}
