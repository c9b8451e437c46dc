//! Active checks: the knobs of behaviours `check-...`, what they are held to in `[expect] tokens`,
//! and what each cannot do without.

use std::time::Duration;

use url::{Host, Url};

use crate::model::behaviour::{Behaviour, Check, ExpiredToken, Foreign, WrongAudience};
use crate::model::pace::Pace;
use crate::model::plan::checks::{self, CheckLimits};
use crate::model::plan::tokens::TokenLimits;
use crate::model::plan::{Plan, TargetUrl, auth};

use super::document::{Node, Table as Tree, Value};
use super::mistake::Place;
use super::reader::Table;
use super::scalar::{Wrong, text_of};
use super::{rate_limit, trials};

const DAY: Duration = Duration::from_secs(86_400);
/// A token that is still accepted so long past its end and skew will not be refused.
const MARGIN: Duration = Duration::from_secs(5);
/// Registrations of one flood: more would be an attack.
const MOST_REGISTRATIONS: usize = 10_000;

/// Reads `expired_token` of `[load]`.
pub fn expired_token(table: &Table<'_>) -> Check {
    let every = pause(table, Duration::from_millis(500));
    let doc = "From the first call to the last; default: the declared lifetime and skew, and 5 s.";
    let lasts = table.key("lasts", doc).duration(Duration::from_secs(1)..=DAY).optional();
    let doc = "Refusals in a row that are enough, besides those that the skew explains.";
    let refusals = table.key("refusals", doc).count(1..=1_000).or(4);
    // What it lasts by itself is settled with the whole scenario.
    Check::ExpiredToken(ExpiredToken { every, lasts: lasts.unwrap_or_default(), refusals })
}

/// Reads `wrong_audience` of `[load]`.
pub fn wrong_audience(table: &Table<'_>) -> Check {
    let doc = "Calls with a user's own token, and then as many with one for another resource.";
    let calls = table.key("calls", doc).count(1..=1_000).or(3);
    let every = pause(table, Duration::from_millis(200));
    let doc = "The other resource; default: the practice target's second one.";
    let resource = table
        .key("resource", doc)
        .read("a URL such as \"https://other.example.com/mcp\"", resource)
        .optional();
    let doc = "A file of tokens for another resource, one JSON object a line and user.";
    let tokens = table.key("tokens", doc).text().optional();
    if let (Some(place), true) = (table.given("tokens"), resource.is_some()) {
        let found = format!("{0}.resource and {0}.tokens are two sources", table.path());
        table.log().wrong(place, found, "remove one of them");
    }
    let foreign = match (resource, tokens) {
        (Some(resource), _) => Foreign::Resource(resource),
        (None, Some(tokens)) => Foreign::Tokens(tokens),
        (None, None) => Foreign::Elsewhere,
    };
    Check::WrongAudience(WrongAudience { calls, every, foreign })
}

fn pause(table: &Table<'_>, default: Duration) -> Duration {
    let shortest = Duration::from_millis(1);
    table.key("every", "Between two calls.").duration(shortest..=DAY).or(default)
}

/// An absolute URI without a fragment (RFC 8707, section 2).
fn resource(node: &Node) -> Result<String, Wrong> {
    let text = text_of(node)?;
    let url = url::Url::parse(text).ok().filter(|url| url.fragment().is_none());
    let expected = "expected an absolute URL without a fragment (RFC 8707 section 2)";
    url.map(|_| text.to_owned()).ok_or_else(|| expected.to_owned())
}

/// Reads those keys of `[expect] tokens`.
pub fn limits(tokens: &Table<'_>) -> CheckLimits {
    let all = Duration::ZERO..=DAY;
    let doc = "The expires_in of every access token, which is good until then.";
    let lifetime = tokens.key("lifetime", doc).duration(Duration::from_secs(1)..=DAY).optional();
    let doc = "How far from its end a token may be accepted, or refused; default 2 s.";
    let skew = tokens.key("skew", doc).duration(all).optional();
    let refused = [("refused", true), ("any", false)];
    let doc = "What becomes of access tokens past their end; needs check-expired-token.";
    let expired = tokens.key("expired", doc).word(&refused, &[]).or_as(false, "\"any\"");
    let doc = "What becomes of tokens for another resource; needs check-wrong-audience.";
    let foreign = tokens.key("foreign", doc).word(&refused, &[]).or_as(false, "\"any\"");
    let doc = "The most clients that one address may register; needs check-registration-flood.";
    let registrations = tokens.key("registrations", doc).count(1..=1_000_000).optional();
    CheckLimits { lifetime, skew, expired, foreign, registrations }
}

/// Holds the parts of a scenario against each other, and settles what follows from them.
pub fn settle(root: &Table<'_>, plan: &mut Plan) {
    refuse_unmade(root, plan);
    plan.expect.checks = plan.expect.checks.asked_by(&plan.load.behaviour);
    let limits = plan.expect.checks;
    if limits.skew.is_some() && limits.lifetime.is_none() && !limits.expired {
        let found = "expect.tokens.skew has no effect: nothing is said about the end of tokens";
        let right = "add lifetime, or expired = \"refused\"";
        root.log().wrong(place(root, &["expect", "tokens", "skew"]), found, right);
    }
    trials::refuse_unseen(root, plan);
    let check = match plan.load.behaviour.check().cloned() {
        None => return,
        Some(Check::RateLimit(knobs)) => return rate_limit::settle(root, plan, knobs),
        Some(Check::Script(knobs)) => return trials::settle(root, plan, &knobs),
        Some(check) => check,
    };
    let chosen = place(root, &["load", "behaviour"]);
    refuse_ways(root, plan, &check, chosen);
    match check {
        Check::ExpiredToken(knobs) => settle_expired(root, plan, knobs),
        Check::WrongAudience(knobs) => refuse_sources(root, plan, &knobs),
        Check::RegistrationFlood => refuse_floods(root, plan, chosen),
        Check::RateLimit(_) | Check::Script(_) => {}
    }
}

/// A load in which nothing of an expectation can be seen is not made.
fn refuse_unmade(root: &Table<'_>, plan: &Plan) {
    let (behaviour, limits) = (&plan.load.behaviour, plan.expect.checks);
    let active = limits.active(behaviour);
    let is_seen = plan.expect.tokens != TokenLimits::default()
        || limits.lifetime.is_some()
        || active.iter().any(|active| active.is_made);
    if let Some(active) = active.first().filter(|_| !is_seen) {
        let found = format!("{} cannot be seen in this load", active.text);
        let right = format!("write load.behaviour = \"{}\", which checks it", active.needs);
        root.log().wrong(place(root, &["expect", "tokens"]), found, right);
    }
}

/// Users have tokens of their own, and one run each.
fn refuse_ways(root: &Table<'_>, plan: &Plan, check: &Check, chosen: Place) {
    let name = check.name();
    if plan.auth.granted().is_none() {
        let found = format!("{name} is about tokens that users get");
        root.log().wrong(
            chosen,
            found,
            "write kind = \"oauth\" under [auth], or another behaviour",
        );
    }
    let has_one = plan.auth.granted().is_some_and(|granted| granted.one.is_some());
    if has_one && !matches!(check, Check::ExpiredToken(_)) {
        let found = format!("{name} is about users that have grants of their own");
        root.log().wrong(place(root, &["auth", "one_grant"]), found, "remove auth.one_grant");
    }
    if matches!(plan.load.pace, Pace::Closed(_)) {
        let found = format!("{name} is one run a user, and closed users make many");
        let place = place(root, &["load", "model"]);
        root.log().wrong(place, found, "write model = \"open\"");
    }
}

fn settle_expired(root: &Table<'_>, plan: &mut Plan, knobs: ExpiredToken) {
    let limits = plan.expect.checks;
    // From as long before the end as it may be refused to as long past it as it may be accepted.
    let within = (limits.skew() * 2).div_duration_f64(knobs.every).ceil();
    let refusals = knobs.refusals.saturating_add(within as u32);
    let lasts = match limits.lifetime {
        _ if !knobs.lasts.is_zero() => Some(knobs.lasts),
        Some(lifetime) => Some(lifetime + limits.skew() + MARGIN),
        None => None,
    };
    if let Some(lasts) = lasts {
        let check = Check::ExpiredToken(ExpiredToken { lasts, refusals, ..knobs });
        plan.load.behaviour = Behaviour::Check(check);
    } else {
        let found = format!("{} does not know how long tokens last", checks::EXPIRED_TOKEN);
        let right = "add lifetime to tokens under [expect], or lasts under [load.expired_token]";
        root.log().wrong(place(root, &["load", "behaviour"]), found, right);
    }
}

fn refuse_sources(root: &Table<'_>, plan: &Plan, knobs: &WrongAudience) {
    let place = place(root, &["load", "wrong_audience"]);
    let flow = plan.auth.granted().map(|granted| &granted.flow);
    let is_given = matches!(flow, Some(auth::Flow::Tokens(_)));
    let is_practice = plan.target.url == TargetUrl::Practice;
    let wrong = match knobs.foreign {
        Foreign::Tokens(_) => return,
        _ if is_given => "users that have tokens from a file cannot get others",
        Foreign::Elsewhere if !is_practice => "which other resource there is, is not said",
        Foreign::Elsewhere | Foreign::Resource(_) => return,
    };
    let right = "add resource or tokens under [load.wrong_audience]: a URL of another resource of \
                 the same authorization server, or a file of tokens for one";
    let right =
        if is_given { "add tokens under [load.wrong_audience]: a file of them" } else { right };
    root.log().wrong(place, wrong, right);
}

/// Whether an origin is on this machine.
fn is_here(origin: &str) -> bool {
    let url = Url::parse(origin).ok();
    url.as_ref().and_then(Url::host).is_some_and(|host| match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    })
}

/// A flood fills an authorization server with clients: only its owner may want that.
fn refuse_floods(root: &Table<'_>, plan: &Plan, chosen: Place) {
    let elsewhere = plan
        .auth
        .granted()
        .is_some_and(|granted| granted.servers.iter().any(|server| !is_here(server)));
    if (elsewhere || !plan.target.is_loopback()) && !plan.target.mine {
        let found = format!("{} towards what is not on this machine", checks::FLOOD);
        let right = "write mine = true in [target] if you own it and its authorization server";
        root.log().wrong(chosen, found, right);
    }
    let granted = plan.auth.granted();
    let registers = granted.is_some_and(|granted| {
        matches!(granted.flow, auth::Flow::Code(_)) && granted.client.is_none()
    });
    if granted.is_some() && !registers {
        let found = format!("{} registers clients, and this [auth] has one", checks::FLOOD);
        let right = "write kind = \"oauth\" without a client_id";
        root.log().wrong(place(root, &["auth"]), found, right);
    }
    let Pace::Open(arrivals) = &plan.load.pace else { return };
    let users = arrivals.due(plan.seed).take(MOST_REGISTRATIONS + 1).count();
    if users > MOST_REGISTRATIONS {
        let found = format!("{} of more than {MOST_REGISTRATIONS} registrations", checks::FLOOD);
        let right = "lower the rates, or end the stages sooner: 10,000 at most";
        root.log().wrong(place(root, &["load", "stages"]), found, right);
    }
}

/// Where the value of a dotted key stands, or the last table on the way to it.
pub(super) fn place(root: &Table<'_>, path: &[&str]) -> Place {
    let (mut tree, mut place): (Option<&Tree>, _) = (None, root.place());
    for (depth, key) in path.iter().enumerate() {
        let entry = match tree {
            None if depth == 0 => root.entries().iter().find(|entry| entry.key == *key),
            None => None,
            Some(tree) => tree.get(key),
        };
        let Some(entry) = entry else { break };
        place = entry.node.place;
        tree = match &entry.node.value {
            Value::Table(table) => Some(table),
            _ => None,
        };
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::rehearsal;

    const SHORTEST: &str = r#"
[target]
url = "practice"
[auth]
kind = "oauth"
[load]
behaviour = "check-expired-token"
stages = [{ over = "10s", to = "60/min" }]
[expect]
tokens = { lifetime = "30s" }
"#;

    fn with(overrides: &[&str]) -> Result<Plan, String> {
        rehearsal::plan(SHORTEST, "check.toml", overrides)
    }

    #[test]
    fn a_check_asks_for_what_it_checks_and_lasts_as_long_as_that_takes() {
        let plan = with(&[]).unwrap();
        let s = Duration::from_secs;
        let lasting = |lasts: u64, refusals| {
            let every = Duration::from_millis(500);
            Behaviour::Check(Check::ExpiredToken(ExpiredToken { every, lasts: s(lasts), refusals }))
        };
        // Lifetime, skew and margin; refusals within the skew, before the end and past it, are few.
        assert_eq!(plan.load.behaviour, lasting(30 + 2 + 5, 8 + 4));
        assert!(plan.expect.checks.expired && !plan.expect.checks.foreign);
        let knobs = ["load.expired_token={ lasts = '9s', refusals = 1 }", "expect.tokens.skew=1s"];
        assert_eq!(with(&knobs).unwrap().load.behaviour, lasting(9, 4 + 1));
        let bare = ["load.expired_token={ lasts = '9s' }", "expect={}"];
        assert_eq!(with(&bare).unwrap().load.behaviour, lasting(9, 8 + 4));
        let audience = ["load.behaviour=check-wrong-audience", "expect={}"];
        let plan = with(&audience).unwrap();
        assert!(plan.expect.checks.foreign && !plan.expect.checks.expired);
    }

    #[test]
    fn what_a_check_lacks_is_said_before_anything_is_sent() {
        let audience = "load.behaviour=check-wrong-audience";
        let flood = "load.behaviour=check-registration-flood";
        let far = "target={ url = 'https://192.0.2.1/mcp' }";
        let servers = "auth.authorization_servers=['https://login.example.com']";
        let given = "auth={ kind = 'tokens', file = 'own.jsonl' }";
        let own = "auth.client_id=me";
        let two = "load.wrong_audience={ resource = 'https://a.test/', tokens = 'b' }";
        let fragment = "load.wrong_audience={ resource = 'https://a.test/#b' }";
        let many = "load.stages=[{ over = '101s', to = '200/s' }]";
        let closed = "load={ behaviour = 'check-expired-token', model = 'closed', \
                      stages = [{ over = '1s', to = 3 }] }";
        let steady = "load.behaviour=steady";
        let cases: [(&[&str], &str); 18] = [
            (&["auth={}"], "check-expired-token is about tokens that users get"),
            (&[closed], "check-expired-token is one run a user, and closed users make many"),
            (&["expect={}"], "check-expired-token does not know how long tokens last"),
            (&[audience, far], "which other resource there is, is not said"),
            (&[audience, given], "users that have tokens from a file cannot get others"),
            (&[audience, "auth.one_grant=shared"], "about users that have grants of their own"),
            (&[audience, two], "load.wrong_audience.resource and load.wrong_audience.tokens"),
            (&[audience, fragment], "expected an absolute URL without a fragment"),
            (&[audience, "load.expired_token.every=1s"], "load.expired_token has no effect"),
            (&[flood, far], "check-registration-flood towards what is not on this machine"),
            (&[flood, servers], "check-registration-flood towards what is not on this machine"),
            (&[flood, own], "check-registration-flood registers clients, and this [auth] has one"),
            (&[flood, many], "check-registration-flood of more than 10000 registrations"),
            (&[flood, "expect.tokens={ skew = '1s' }"], "expect.tokens.skew has no effect"),
            (&[steady, "expect.tokens={ expired = 'refused' }"], "cannot be seen in this load"),
            (&[steady, "expect.tokens={ registrations = 3 }"], "cannot be seen in this load"),
            (&[steady, "expect.tokens={ expired = 'accepted' }"], "expect.tokens.expired"),
            (&["load.behaviour=check-everything"], "check-everything"),
        ];
        for (overrides, words) in cases {
            let said = with(overrides).map(drop).unwrap_err();
            assert!(said.contains(words), "{overrides:?}: {said}");
        }
        for fine in [
            &[flood, "target={ url = 'https://192.0.2.1/mcp', mine = true }"][..],
            &[flood, "load.stages=[{ over = '100s', to = '200/s' }]"],
            &[audience, given, "load.wrong_audience.tokens=foreign.jsonl"],
            &[audience, far, "load.wrong_audience.resource='https://192.0.2.1/other'"],
            &[steady, "expect.tokens={ lost = 0, expired = 'refused' }"],
        ] {
            if let Err(said) = with(fine) {
                panic!("{fine:?}: {said}");
            }
        }
    }
}
