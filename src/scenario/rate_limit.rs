//! `check-rate-limit`: its knobs in `[load.rate_limit]`, and what it needs of the rest of a scenario.

use std::time::Duration;

use crate::model::behaviour::{Behaviour, Check, RateLimit};
use crate::model::plan::Plan;
use crate::model::plan::checks::RATE_LIMIT;
use crate::model::plan::limits::{self, Declared};

use super::checks::place;
use super::reader::Table;
use super::trials;

const LONGEST: Duration = Duration::from_secs(3_600);

/// Reads the knobs; what the rest of the scenario says is settled with it.
pub fn read(table: &Table<'_>) -> RateLimit {
    let doc = "Requests in all, whatever is found.";
    let max_requests = table.key("max_requests", doc).count(20..=100_000).or(4_000);
    let doc = "Calls sent at once where it has to be quick.";
    let together = table.key("together", doc).count(1..=64).or(4);
    let doc = "Calls below the declared limit, of which none may be refused.";
    let calm_calls = table.key("calm_calls", doc).count(0..=10_000).or(10);
    let doc = "Their pace, as a share of what is declared.";
    let calm = table.key("calm", doc).number(0.01..=1.0).or(0.8);
    let doc = "Bursts after a rest, until all of a volley is refused.";
    let bursts = table.key("bursts", doc).count(1..=100).or(3);
    let span = Duration::from_millis(1)..=LONGEST;
    let doc = "Quiet before each burst; default: two windows of the limit.";
    let rest = table.key("rest", doc).duration(span.clone()).optional();
    let doc = "How long more is asked for than is allowed; default: three windows.";
    let pressing = table.key("pressing", doc).duration(span.clone()).optional();
    let doc = "How much more, as a multiple of what is allowed.";
    let press = table.key("press", doc).number(1.2..=20.0).or(2.0);
    let doc = "Times that all is asked for about a window's edge, where a limit is declared.";
    let edges = table.key("edges", doc).count(0..=100).or(2);
    let doc = "Times that each other user, session, address, tool and method is tried.";
    let tries = table.key("tries", doc).count(0..=100).or(3);
    let doc = "Users that ask little while one asks too much.";
    let quiet = table.key("quiet", doc).count(0..=1_000).or(9);
    let doc = "For so long; default: two windows.";
    let fair = table.key("fair", doc).duration(span.clone()).optional();
    let doc = "The longest that a refusal is waited for, if that is less than a window.";
    let patience = table.key("patience", doc).duration(span).or(Duration::from_secs(120));
    RateLimit {
        allow: None,
        at_once: 0,
        max_requests,
        together,
        calm: (calm_calls * 2, calm),
        bursts,
        rest,
        pressing,
        press,
        edges,
        tries,
        quiet,
        fair,
        patience,
        has_users: false,
        has_tokens: false,
        addresses: 1,
    }
}

/// Holds the rest of the scenario against it, and takes from it what it has to know.
pub fn settle(root: &Table<'_>, plan: &mut Plan, knobs: RateLimit) {
    trials::refuse_runs(root, plan, RATE_LIMIT);
    let weights = plan.clients.profile.sessions;
    if weights.fresh + weights.unechoed > 0.0 {
        let found = format!("{RATE_LIMIT} is about clients that keep their sessions");
        let right = "write profile = \"plain\": this one makes a handshake before each call";
        root.log().wrong(place(root, &["clients", "profile"]), found, right);
    }
    let tightest = limits::tightest(&plan.expect.rate_limits).map(|(_, limit)| limit);
    let settled = RateLimit {
        allow: tightest.map(|limit| limit.allow),
        at_once: tightest.map_or(0, Declared::at_once),
        has_users: trials::has_users(plan),
        has_tokens: plan.auth.granted().is_some(),
        addresses: u32::try_from(plan.clients.addresses.len()).unwrap_or(1).max(1),
        ..knobs
    };
    plan.load.behaviour = Behaviour::Check(Check::RateLimit(settled));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::limits::Allowance;
    use crate::scenario::rehearsal;

    const SHORTEST: &str = r#"
[target]
url = "practice"
[auth]
kind = "oauth"
[clients]
profile = "plain"
addresses = ["127.0.1.1", "127.0.1.2"]
[load]
behaviour = "check-rate-limit"
stages = [{ over = "1s", to = "120/min" }]
[[expect.rate_limit]]
allow = "500/min"
per = "address"
[[expect.rate_limit]]
allow = "60/min"
burst = 10
"#;

    fn with(overrides: &[&str]) -> Result<Plan, String> {
        rehearsal::plan(SHORTEST, "limit.toml", overrides)
    }

    fn knobs(plan: &Plan) -> RateLimit {
        match plan.load.behaviour.check() {
            Some(Check::RateLimit(knobs)) => *knobs,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_tightest_limit_is_looked_for_with_whoever_there_is() {
        let found = knobs(&with(&[]).unwrap());
        let minute = Allowance { count: 60, window: Duration::from_secs(60) };
        assert_eq!((found.allow, found.at_once), (Some(minute), 10));
        assert_eq!((found.has_users, found.has_tokens, found.addresses), (true, true, 2));
        let bare = with(&["auth={}", "expect={}", "clients={ profile = 'plain' }"]).unwrap();
        let found = knobs(&bare);
        assert_eq!((found.allow, found.at_once, found.addresses), (None, 0, 1));
        assert!(!found.has_users && !found.has_tokens);
        let several = ["load.rate_limit={ calm_calls = 7, tries = 5, rest = '3s' }"];
        let found = knobs(&with(&several).unwrap());
        assert_eq!((found.calm.0, found.tries, found.rest), (14, 5, Some(Duration::from_secs(3))));
    }

    #[test]
    fn what_it_lacks_is_shown_in_place() {
        let cases: [&[&str]; 4] = [
            &["load.stages=[{ over = '9s', to = '120/min' }]"],
            &["clients.profile=claude-ai-legacy"],
            &["load.behaviour=steady", "load.rate_limit={ tries = 5 }"],
            &["expect.rate_limit=[{ allow = '60', per = 'users', tries = 3 }]"],
        ];
        let said = cases.map(|sets| with(sets).unwrap_err()).join("\n");
        insta::assert_snapshot!(said);
    }
}
