//! The plan of `squall check`: what a scenario amounts to, for a person.

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;

use super::visible;
use crate::model::figure;
use crate::model::outlook::{self, Outlook};
use crate::model::plan::{Plan, TargetUrl};
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
    line(
        &mut out,
        "behaviour",
        &format!("{behaviour}, think times divided by {}", plan.load.speed),
    );
    let (load, drain) = (figure::duration(outlook.load), figure::duration(outlook.drain));
    line(&mut out, "duration", &format!("{load} of load, then up to {drain} to finish"));
    line(&mut out, "load", &amount(outlook));
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
    line(&mut out, "a run", &format!("{each} (modelled, calls answered after 0.8s)"));
    line(
        &mut out,
        "a call",
        &format!("{:.2} HTTP exchanges (modelled)", outlook.exchanges_per_call),
    );
    let (calls, exchanges, peak) = (outlook.calls, outlook.exchanges, outlook.peak_rate);
    let range = outlook
        .calls_range
        .map_or(String::new(), |(from, to)| format!(" ({from:.0} to {to:.0} with other seeds)"));
    let all = format!("about {calls:.0} calls{range}, {exchanges:.0} HTTP exchanges");
    line(
        &mut out,
        "in all",
        &format!("{all}, {peak:.0} exchanges in the busiest second (modelled)"),
    );
    line(&mut out, "cut", &cut(outlook));
    for warning in warnings(outlook) {
        line(&mut out, "warning", &warning);
    }
    over_time(&mut out, outlook);
    out
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
