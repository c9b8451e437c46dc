//! The plan of `squall check`: what a scenario amounts to, for a person.

/// How users come to tokens.
mod logins;

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;

use super::visible;
use crate::model::behaviour::{Check, ExpiredToken, Foreign, WrongAudience};
use crate::model::fault::{Fault, Mischief, Skew, What};
use crate::model::figure;
use crate::model::outlook::{self, Outlook};
use crate::model::plan::{Plan, TargetUrl, Way};
use crate::model::report::planned::Planned;
use crate::model::summary::series::Series;

/// Width of the widest bar.
const BAR: f64 = 40.0;

/// The plan, lines ended by `\n`.
pub fn text(plan: &Plan, outlook: &Outlook) -> String {
    let mut out = String::new();
    let profile = &plan.clients.profile;
    let target = match &plan.target.url {
        TargetUrl::Practice => "the practice target, started as a child process",
        TargetUrl::Url(_) => &plan.target.shown,
    };
    let behaviour = outlook::behaviour_name(&plan.load.behaviour);
    line(&mut out, "scenario", &visible::line(&plan.name));
    line(&mut out, "target", &visible::line(target));
    line(&mut out, "clients", &format!("{}@{}", profile.name, profile.date));
    line(&mut out, "speaks", &speaks(plan));
    for (name, said) in logins::lines(plan) {
        line(&mut out, name, &said);
    }
    let knobs = match plan.load.behaviour.check() {
        Some(check) => checked(plan, check, outlook.runs),
        None => format!("think times divided by {}", plan.load.speed),
    };
    line(&mut out, "behaviour", &format!("{behaviour}, {knobs}"));
    let (load, drain) = (figure::duration(outlook.load), figure::duration(outlook.drain));
    line(&mut out, "duration", &format!("{load} of load, then up to {drain} to finish"));
    line(&mut out, "load", &amount(outlook));
    if makes_calls(plan) {
        costs(&mut out, plan, outlook);
    }
    line(&mut out, "cut", &cut(outlook));
    for fault in &plan.faults {
        line(&mut out, "fault", &visible::line(&broken(fault)));
    }
    for warning in warnings(outlook) {
        line(&mut out, "warning", &warning);
    }
    over_time(&mut out, outlook);
    out
}

/// Whether what its users do are calls, of a number that a plan knows.
fn makes_calls(plan: &Plan) -> bool {
    use Check::{RateLimit, RegistrationFlood, Script};
    !matches!(plan.load.behaviour.check(), Some(RegistrationFlood | RateLimit(_) | Script(_)))
}

/// What a run and a call take, and all of them.
fn costs(out: &mut String, plan: &Plan, outlook: &Outlook) {
    let profile = &plan.clients.profile;
    let run = &outlook.per_run;
    let seconds = figure::duration(Duration::from_secs_f64(run.seconds));
    let wanted = run.peak_in_flight;
    let at_once = match profile.cap {
        cap if cap < wanted => {
            format!("wants up to {wanted} at once, its client lets {cap} through")
        }
        _ => format!("up to {wanted} at once"),
    };
    let each =
        format!("{:.1} calls, {:.1} subagents, {seconds}; {at_once}", run.calls, run.subagents);
    line(out, "a run", &format!("{each} (modelled, calls answered after 0.8s)"));
    line(out, "a call", &format!("{:.2} HTTP exchanges (modelled)", outlook.exchanges_per_call));
    let (calls, exchanges, peak) = (outlook.calls, outlook.exchanges, outlook.peak_rate);
    let range = outlook
        .calls_range
        .map_or(String::new(), |(from, to)| format!(" ({from:.0} to {to:.0} with other seeds)"));
    let all = format!("about {calls:.0} calls{range}, {exchanges:.0} HTTP exchanges");
    line(out, "in all", &format!("{all}, {peak:.0} exchanges in the busiest second (modelled)"));
}

/// The plan as JSON with a line end: the `plan` of run.json in steps that are as wide as its
/// timeline's would be, a whole run, and what to beware of.
pub fn json(plan: &Plan, outlook: &Outlook) -> String {
    let width = Series::width_after(outlook.load + outlook.drain);
    let (run, seed) = (&outlook.per_run, plan.seed);
    let document = json!({
        "scenario": plan.name,
        "seed": seed,
        "plan": Planned::of(outlook, &plan.load.pace, seed, width),
        "run": {
            "calls": run.calls,
            "seconds": run.seconds,
            "subagents": run.subagents,
            "peak_in_flight": run.peak_in_flight,
        },
        "warnings": warnings(outlook),
    });
    format!("{document:#}\n")
}

/// What a check does, and with how many.
fn checked(plan: &Plan, check: &Check, users: u64) -> String {
    match check {
        Check::ExpiredToken(ExpiredToken { every, lasts, refusals }) => {
            let (every, lasts) = (figure::duration(*every), figure::duration(*lasts));
            format!(
                "{users} users present one access token each, every {every} for up to {lasts}, \
                 until it is refused {refusals} times in a row"
            )
        }
        Check::WrongAudience(WrongAudience { calls, foreign, .. }) => {
            let foreign = match foreign {
                Foreign::Elsewhere => "the practice target's second resource".to_owned(),
                Foreign::Resource(resource) => visible::line(resource),
                Foreign::Tokens(file) => format!("another resource, of {}", visible::line(file)),
            };
            format!(
                "{users} users make {calls} calls with their token, {calls} with one for {foreign}"
            )
        }
        Check::RateLimit(knobs) => {
            let declared = knobs.allow.map_or("none is declared".to_owned(), |allow| {
                format!("{allow} is declared, {} at once", knobs.at_once)
            });
            let most = figure::count(u64::from(knobs.max_requests));
            format!("looks for a rate limit with at most {most} requests; {declared}")
        }
        Check::Script(trials) => trials.told(),
        Check::RegistrationFlood => {
            let most = plan.expect.checks.registrations;
            let most = most.map_or("no limit declared".to_owned(), |most| format!("{most} may"));
            format!("{users} clients ask to be registered, and go no further; {most}")
        }
    }
}

/// A fault, when it is in force, and where.
fn broken(fault: &Fault) -> String {
    let Fault { name, kind, when, share, .. } = fault;
    let at = figure::duration(when.at);
    let lasts = match when.lasts {
        Some(lasts) => format!("for {}", figure::duration(lasts)),
        None => "to the end".to_owned(),
    };
    let again = match (when.every, when.repeat) {
        (Some(every), Some(times)) => {
            format!(", every {}, {times} times", figure::duration(every))
        }
        (Some(every), None) => format!(", every {}", figure::duration(every)),
        (None, _) => String::new(),
    };
    let share =
        if *share < 1.0 { format!(", {} of them", figure::share(*share)) } else { String::new() };
    let called = if name == kind { String::new() } else { format!("{name}: ") };
    let skew = match &fault.what {
        What::Mischief(Mischief::ClockSkew(Skew::Ahead(by))) => {
            format!(" {} ahead", figure::duration(*by))
        }
        What::Mischief(Mischief::ClockSkew(Skew::Behind(by))) => {
            format!(" {} behind", figure::duration(*by))
        }
        _ => String::new(),
    };
    format!("{called}{kind}{skew} from {at} {lasts}{again}, {}{share}", fault.what.place())
}

/// What is tried, in its order.
fn speaks(plan: &Plan) -> String {
    let with = |way| plan.revision(way).map(visible::line);
    let legacy = with(Way::Legacy);
    let old = with(Way::HttpSse).map(|revision| match legacy {
        Some(_) => "the same over HTTP+SSE".to_owned(),
        None => format!("MCP {revision} over HTTP+SSE"),
    });
    let modern = with(Way::Modern).map(|revision| format!("MCP {revision}"));
    let legacy = legacy.map(|revision| format!("MCP {revision} with a handshake"));
    let ways: Vec<String> = modern.into_iter().chain(legacy).chain(old).collect();
    match ways.split_first() {
        Some((first, [])) => first.clone(),
        Some((first, others)) => {
            let others = others.join(", or ");
            format!("{first}, as planned here; where the target does not, {others}")
        }
        None => "nothing".to_owned(),
    }
}

fn cut(outlook: &Outlook) -> String {
    let (cut, runs) = (outlook.cut.round(), outlook.runs as f64 - outlook.dropped);
    if cut == 0.0 {
        return "no run is cut at the end of the drain (modelled)".to_owned();
    }
    format!("about {cut:.0} of {runs:.0} runs are cut at the end of the drain (modelled)")
}

/// What makes a load another one than it seems, a sentence each.
fn warnings(outlook: &Outlook) -> Vec<String> {
    let cut = outlook.much_cut().map(|share| {
        let drain = figure::duration(outlook.whole_drain);
        let share = figure::share(share);
        format!(
            "{share} of the runs are cut, and what they have left is never asked: give the load \
             a longer drain (no run is cut after {drain}) or shorter runs"
        )
    });
    let dropped = (outlook.dropped >= 0.5).then(|| {
        let dropped = outlook.dropped;
        format!("about {dropped:.0} arrivals find the ceiling of users reached and are dropped")
    });
    cut.into_iter().chain(dropped).collect()
}

fn amount(outlook: &Outlook) -> String {
    let runs = outlook.runs;
    match outlook.peak_users {
        None => format!(
            "{runs} runs arrive, whether or not the target keeps up; about {:.0} at once (modelled)",
            outlook.at_once
        ),
        Some(users) => format!(
            "up to {users} users, each starting again when it is done: about {runs} runs (modelled)"
        ),
    }
}

fn line(out: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _written = writeln!(out, "{name:<10} {value}").is_ok();
}

fn over_time(out: &mut String, outlook: &Outlook) {
    let most = outlook.over_time.iter().map(|(_, count)| *count).fold(0.0, f64::max);
    if most == 0.0 {
        return;
    }
    let _written = writeln!(out, "\n{} over time", outlook.unit).is_ok();
    for (start, count) in &outlook.over_time {
        let bar = "#".repeat((count / most * BAR).round() as usize);
        let from = figure::duration(*start);
        let _written = writeln!(out, "{from:>8} {count:>8.0} {bar}").is_ok();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::behaviour::{Behaviour, Chat};
    use crate::model::fault::{Scope, When};
    use crate::model::pace::{Arrivals, Pace};
    use crate::model::plan::{Load, Transport, sample};
    use crate::model::profile::Era;

    #[test]
    fn what_is_spoken_is_said_in_the_order_it_is_tried() {
        let (legacy, modern, auto) = (Era::Legacy, Era::Modern, Era::Auto);
        for (era, transport, protocol, expected) in [
            (
                legacy,
                Transport::Auto,
                None,
                "MCP 2025-11-25 with a handshake, as planned here; where the target does not, the \
                 same over HTTP+SSE",
            ),
            (
                auto,
                Transport::Auto,
                None,
                "MCP 2026-07-28, as planned here; where the target does not, MCP 2025-11-25 with a \
                 handshake, or the same over HTTP+SSE",
            ),
            (auto, Transport::Streamable, Some("2026-07-28"), "MCP 2026-07-28"),
            (auto, Transport::HttpSse, Some("2024-11-05"), "MCP 2024-11-05 over HTTP+SSE"),
            (legacy, Transport::Streamable, None, "MCP 2025-11-25 with a handshake"),
            (modern, Transport::Auto, None, "MCP 2026-07-28"),
            (modern, Transport::HttpSse, None, "nothing"),
        ] {
            let pace = Pace::Open(Arrivals::default());
            let (behaviour, drain) = (Behaviour::Chat(Chat::default()), Duration::ZERO);
            let load = Load { behaviour, speed: 1.0, pace, drain, ceiling: 1 };
            let mut plan = sample::plan(load, sample::plain());
            plan.clients.profile.era = era;
            plan.target.transport = transport;
            plan.target.protocol = protocol.map(str::to_owned);
            assert_eq!(speaks(&plan), expected);
        }
    }

    #[test]
    fn a_wrong_clock_says_which_way() {
        let when = When {
            at: Duration::from_secs(10),
            lasts: Some(Duration::from_secs(5)),
            every: None,
            repeat: None,
        };
        let skew = Skew::Behind(Duration::from_secs(90));
        let (kind, scope) = ("clock-skew", Scope::default());
        let what = What::Mischief(Mischief::ClockSkew(skew));
        let fault = Fault { name: "late".to_owned(), kind, when, share: 0.5, scope, what };
        let expected = "late: clock-skew 90s behind from 10s for 5s, in clients' processes, to their \
                        clocks, 50% of them";
        assert_eq!(broken(&fault), expected);
    }
}
