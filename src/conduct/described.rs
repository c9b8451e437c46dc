//! What a report says of its run besides figures: the scenario, the target, where it was made, how it
//! ended.

use super::load::{Found, cores};
use super::look::way_of;
use crate::edge::health;
use crate::engine::client::Scouted;
use crate::model::outcome::Class;
use crate::model::outlook;
use crate::model::plan::auth::Granted;
use crate::model::plan::{Plan, Transport, Way};
use crate::model::report::receipt::Receipt;
use crate::model::report::verdict::Ending;
use crate::model::report::{Environment, Scenario, Target};
use crate::model::summary::Summary;

/// What happened before the load and is counted nowhere else.
pub(super) fn receipt(plan: &Plan, found: &Found<'_>) -> Receipt {
    let logged_in = found.logged_in.as_ref();
    let exchanges = found.exchanges + logged_in.map_or(0, |logged_in| logged_in.exchanges);
    Receipt::of(&plan.auth, &found.told, exchanges, logged_in.map(|logged_in| logged_in.users))
}

/// Whom the load went to, and how it is spoken to.
pub(super) fn target(plan: &Plan, scouted: &Scouted) -> Target {
    Target {
        url: plan.target.shown.clone(),
        server: Some(scouted.server.clone()).filter(|server| !server.is_empty()),
        protocol: Some(scouted.protocol_version.to_owned()),
        transport: Some(carried(scouted).word().to_owned()),
    }
}

/// What carries MCP to the target, as it turned out.
const fn carried(scouted: &Scouted) -> Transport {
    match way_of(scouted) {
        Way::HttpSse => Transport::HttpSse,
        Way::Legacy | Way::Modern => Transport::Streamable,
    }
}

pub(super) fn environment(started_at: String) -> Environment {
    Environment {
        os: health::system(),
        cores: cores(),
        squall: env!("CARGO_PKG_VERSION").to_owned(),
        started_at,
    }
}

/// A load whose every handshake failed reached nobody: no session was opened, and no call left. One
/// that was cut in its first handshakes was refused nothing.
pub(super) fn ending(summary: &Summary, interrupted: bool) -> Ending {
    let tally = &summary.calls.tally;
    let cut = tally.of(Class::Unfinished) + tally.of(Class::Cancelled);
    let reached = summary.sessions.opened > 0 || summary.calls.times.service.count() > 0;
    if tally.count() > cut && !reached {
        Ending::Unreachable
    } else if interrupted {
        Ending::Stopped
    } else {
        Ending::Finished
    }
}

/// The scenario, with what a reader of its report has to know besides.
pub(super) fn scenario(plan: &Plan, way: Way, unchecked: Vec<String>) -> Scenario {
    let profile = &plan.clients.profile;
    let modelled = outlook::modelled(plan, way);
    let mut notes = Vec::new();
    if (plan.load.speed - 1.0).abs() > f64::EPSILON {
        notes.push(format!("think times are divided by {}", plan.load.speed));
    }
    if plan.tools.arguments.is_empty() {
        notes.push("arguments are made from each tool's inputSchema".to_owned());
    }
    if !modelled.is_empty() {
        notes.push(format!("inferred, not observed, in the profile: {}", modelled.join(", ")));
    }
    if !plan.clients.addresses.is_empty() {
        let all: Vec<_> = plan.clients.addresses.iter().map(ToString::to_string).collect();
        notes.push(format!("users' connections leave from {} in turn", all.join(", ")));
    }
    let lost = plan.auth.granted().and_then(Granted::lost_for);
    notes.extend(lost.map(|lost| format!("grants are {lost}")));
    notes.extend(unchecked);
    Scenario {
        name: plan.name.clone(),
        text: plan.source.clone(),
        profile: format!("{}@{}", profile.name, profile.date),
        behaviour: outlook::behaviour_name(&plan.load.behaviour).to_owned(),
        notes,
    }
}
