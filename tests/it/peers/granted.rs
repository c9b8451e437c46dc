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

    /// A load of users who think a second between calls of `echo`, in these stages.
    fn load<'a>(&self, place: &'a Place, stages: &str) -> Order<'a> {
        let order = place.run("steady").patient().target(&self.server.url()).sets([
            ("clients.profile", SPEC),
            ("auth.kind", r#""oauth""#),
            ("tools.allow", r#"["echo"]"#),
            ("load.steady", r#"{ calls = 5, think = "1s" }"#),
            ("load.drain", r#""60s""#),
        ]);
        order.set("load.stages", stages)
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

struct Did(Value);

impl Did {
    /// How often each account did this.
    fn each(&self, what: &str) -> Vec<u64> {
        let accounts = self.0["accounts"].as_object().unwrap();
        accounts.values().map(|account| account[what].as_u64().unwrap()).collect()
    }

    fn count(&self, what: &str) -> u64 {
        self.0[what].as_u64().unwrap()
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
    let report = guarded.load(&place, stages).go().exits(0).report();
    is_sound(&report);
    let grants = |what: &str| report.count(&format!("/summary/grants/{what}"));
    assert_eq!((grants("registered"), grants("authorised")), (USERS, USERS));
    assert_eq!(grants("refreshed"), grants("rotated"), "each refresh token is used once");

    // The look before the load is a user of its own.
    let did = guarded.did();
    assert_eq!(did.each("authorised"), vec![1; 201]);
    assert_eq!((did.count("registered"), did.count("revoked"), did.count("refused")), (201, 0, 0));
    let refreshed = did.each("refreshed");
    assert_eq!(refreshed.iter().filter(|times| **times >= 2).count(), 200, "{refreshed:?}");
    assert_eq!(refreshed.iter().sum::<u64>(), grants("refreshed"));

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
    let order = guarded.load(&place, stages).sets([
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

    let did = guarded.did();
    assert_eq!(did.each("authorised"), vec![1; 201]);
    assert_eq!((did.count("registered"), did.count("revoked"), did.count("refused")), (201, 0, 0));
    let refreshed = did.each("refreshed");
    assert_eq!(refreshed.iter().filter(|times| **times >= 1).count(), 200, "{refreshed:?}");
    assert_eq!(refreshed.iter().sum::<u64>(), grants("refreshed"));
    assert_eq!(guarded.asked()["POST /token refresh_token 200"], legs(&report, "refresh"));
}
