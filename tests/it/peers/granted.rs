//! Users with grants of their own, from a certified authorization server, in front of a server that
//! verifies its tokens: nobody loses a grant, and its count of everything is ours.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{SPEC, no_violation};
use crate::http;
use crate::peer::{Kind, Peer};
use crate::squall::{Order, Place, Report};

const USERS: u64 = 200;

/// An authorization server, and the server that it is for.
struct Guarded {
    authority: Peer,
    server: Peer,
}

impl Guarded {
    fn start(setting: &'static str) -> Self {
        let authority = Peer::start(Kind::Oidc(setting));
        let server = Peer::start(Kind::Guarded(authority.address().port()));
        Self { authority, server }
    }

    /// What the authorization server says that it did.
    fn did(&self) -> Did {
        let page = http::page(self.authority.address(), "/grants");
        Did(serde_json::from_str(&page).unwrap())
    }

    /// How often it was asked for what, by path and grant type, with the status.
    fn asked(&self) -> BTreeMap<String, u64> {
        let mut asked = BTreeMap::new();
        for line in self.authority.access_log(0) {
            *asked.entry(line).or_default() += 1;
        }
        asked
    }
}

/// A load of users who think a second between calls of `echo`, in these stages.
fn load<'a>(place: &'a Place, server: &Peer, stages: &str) -> Order<'a> {
    let order = place.run("steady").patient().target(&server.url()).sets([
        ("clients.profile", SPEC),
        ("auth.kind", r#""oauth""#),
        ("tools.allow", r#"["echo"]"#),
        ("load.steady", r#"{ calls = 5, think = "1s" }"#),
        ("load.drain", r#""60s""#),
    ]);
    order.set("load.stages", stages)
}

struct Did(Value);

impl Did {
    /// How often each account did this.
    fn each(&self, what: &str) -> Vec<u64> {
        let accounts = self.0["accounts"].as_object().unwrap();
        accounts.values().map(|account| account[what].as_u64().unwrap()).collect()
    }

    /// Who came, in order.
    fn accounts(&self) -> Vec<String> {
        let accounts = self.0["accounts"].as_object().unwrap();
        let mut accounts: Vec<String> = accounts.keys().cloned().collect();
        accounts.sort();
        accounts
    }

    fn count(&self, what: &str) -> u64 {
        self.0[what].as_u64().unwrap()
    }

    /// Every user, and the look before the load, was authorised once, and never refused again; each
    /// user's tokens were refreshed at least so often, `refreshed` times in all.
    #[track_caller]
    fn kept_all(&self, least: u64, refreshed: u64) {
        assert_eq!(self.each("authorised"), vec![1; 201]);
        let [registered, revoked, refused] =
            ["registered", "revoked", "refused"].map(|what| self.count(what));
        assert_eq!((registered, revoked, refused), (201, 0, 0));
        let each = self.each("refreshed");
        assert_eq!(each.iter().filter(|times| **times >= least).count(), 200, "{each:?}");
        assert_eq!(each.iter().sum::<u64>(), refreshed);
    }
}

/// Nothing went wrong: no call, no grant, no user.
#[track_caller]
fn is_sound(report: &Report) {
    assert_eq!(report.outcomes(), ["ok"]);
    no_violation(report);
    for never in ["lost", "locked_out", "authorised_again", "clients_forgotten", "scope_refused"] {
        assert_eq!(report.count(&format!("/summary/grants/{never}")), 0, "{never}");
    }
}

#[track_caller]
fn legs(report: &Report, leg: &str) -> u64 {
    report.count(&format!("/summary/exchanges/oauth~1{leg}"))
}

/// From nothing to a token of one's own, which then dies every few seconds.
#[test]
fn users_come_to_grants_and_keep_them() {
    let guarded = Guarded::start("access=6");
    let place = Place::new();
    let stages =
        r#"[{ over = "6s", to = 200 }, { over = "16s", to = 200 }, { over = "1s", to = 0 }]"#;
    let report = load(&place, &guarded.server, stages).go().exits(0).report();
    is_sound(&report);
    let grants = |what: &str| report.count(&format!("/summary/grants/{what}"));
    assert_eq!((grants("registered"), grants("authorised")), (USERS, USERS));
    assert_eq!(grants("refreshed"), grants("rotated"), "each refresh token is used once");

    // The look before the load is a user of its own.
    guarded.did().kept_all(2, grants("refreshed"));

    // What it was asked is what the report says was asked, and what was looked at before.
    let expected = [
        ("GET /.well-known/oauth-authorization-server - 200", USERS + 1),
        ("POST /reg answer 201", legs(&report, "registration") + 1),
        ("GET /auth - 303", legs(&report, "authorize") + 1),
        ("POST /token authorization_code 200", legs(&report, "token") + 1),
        ("POST /token refresh_token 200", legs(&report, "refresh")),
    ];
    let mut asked = guarded.asked();
    // The server fetches its keys, the test asks what was done.
    asked.retain(|line, _| !line.starts_with("GET /jwks ") && !line.starts_with("GET /grants "));
    assert_eq!(asked, expected.map(|(line, count)| (line.to_owned(), count)).into());
}

/// Users log in at about the same time, long before; then all their tokens die under load, and are
/// renewed only when they are dead.
#[test]
fn everybody_gets_over_a_token_cliff() {
    let guarded = Guarded::start("access=14");
    let place = Place::new();
    let stages =
        r#"[{ over = "1s", to = 200 }, { over = "16s", to = 200 }, { over = "1s", to = 0 }]"#;
    let order = load(&place, &guarded.server, stages).sets([
        ("auth.login", r#""before""#),
        ("auth.login_over", r#""4s""#),
        ("clients.override.oauth.refresh_margin", r#""0s""#),
    ]);
    let report = order.go().exits(0).report();
    is_sound(&report);
    let grants = |what: &str| report.count(&format!("/summary/grants/{what}"));
    // They have logged in already: the load is of refreshes alone.
    assert_eq!((grants("registered"), grants("authorised")), (0, 0));
    let legs_of_load = report.keys("/summary/exchanges").into_iter();
    let legs_of_load: Vec<_> = legs_of_load.filter(|leg| leg.starts_with("oauth/")).collect();
    assert_eq!(legs_of_load, ["oauth/refresh"]);

    guarded.did().kept_all(1, grants("refreshed"));
    assert_eq!(guarded.asked()["POST /token refresh_token 200"], legs(&report, "refresh"));
}

/// Each page has a field to hand back and a cookie; who logs in stands in the scenario.
#[test]
fn users_log_in_and_consent_by_forms() {
    let guarded = Guarded::start("consent=forms");
    let place = Place::new();
    let stages = r#"[{ over = "1s", to = 5 }, { over = "1s", to = 0 }]"#;
    let order = load(&place, &guarded.server, stages).sets([
        ("auth.consent", r#""form""#),
        ("auth.forms", r#"[{ fill = { login = "user-{user}" } }, {}]"#),
    ]);
    let report = order.go().exits(0).report();
    is_sound(&report);
    assert_eq!(report.count("/summary/grants/authorised"), 5);
    let did = guarded.did();
    // The look before the load is a user that comes again.
    let expected: Vec<String> = (0..5).map(|user| format!("user-{user}")).collect();
    assert_eq!(did.accounts(), expected);
    assert_eq!(did.each("authorised").iter().sum::<u64>(), 6);
    let asked = guarded.asked();
    assert_eq!(asked["POST /token authorization_code 200"], 6);
    let pages = asked.iter().filter(|(line, _)| line.starts_with("GET /interaction/"));
    assert_eq!(pages.map(|(_, times)| times).sum::<u64>(), 12, "{asked:?}");
}

/// Twenty registrations an hour from one address: whoever comes later is throttled on that leg, and
/// told for how long. It is nothing that we did wrong, and nothing is tried again in vain.
#[test]
fn a_limit_of_registrations_is_throttling_of_that_leg() {
    let server = Peer::start(Kind::Limited);
    let place = Place::new();
    let stages = r#"[{ over = "1s", to = 30 }, { over = "3s", to = 30 }, { over = "1s", to = 0 }]"#;
    let done = load(&place, &server, stages).go();
    let report = done.exits(4).report();
    let at = |pointer: &str| report.count(&format!("/summary/{pointer}"));
    // One of the twenty is the look before the load.
    let grants = ["registered", "authorised", "locked_out", "lost"];
    let grants = grants.map(|what| at(&format!("grants/{what}")));
    assert_eq!(grants, [19, 19, 11, 0]);
    let registration = ["count", "errors", "throttled"];
    let registration =
        registration.map(|what| at(&format!("operations/oauth~1registration/{what}")));
    assert_eq!(registration, [30, 0, 11]);
    for leg in ["discovery", "authorize", "token"] {
        let [errors, throttled] =
            ["errors", "throttled"].map(|what| at(&format!("operations/oauth~1{leg}/{what}")));
        assert_eq!((errors, throttled), (0, 0), "{leg}");
    }
    assert_eq!(report.keys("/summary/throttles"), ["HTTP 429"]);
    assert_eq!(
        (at("throttles/HTTP 429/count"), at("throttles/HTTP 429/with_retry_after")),
        (11, 11)
    );
    let hour = 3_600_000_000;
    let wait = at("throttles/HTTP 429/retry_after_us/max");
    assert!(wait > hour / 2 && wait <= hour + hour / 100, "{wait}");
    assert_eq!(report.at("/generator/trustworthy"), true);
    let findings = report.at("/findings").as_array().unwrap();
    let [finding] = &findings[..] else { panic!("{findings:#?}") };
    assert_eq!((&finding["id"], &finding["count"]), (&"locked-out".into(), &11.into()));
    let evidence = finding["evidence"][0].as_str().unwrap();
    assert!(evidence.contains("oauth/registration: ") && evidence.contains("429"), "{evidence}");

    let log = server.access_log(0);
    let registrations = |status: &str| {
        log.iter().filter(|line| **line == format!("POST /register answer {status}")).count()
    };
    assert_eq!((registrations("201"), registrations("429")), (20, 11));
    assert_eq!(log.iter().filter(|line| line.starts_with("GET /authorize ")).count(), 20);
}
