//! What a plan is refused for before anybody is asked anything: `run` and `check` say the same.

use std::net::{IpAddr, Ipv4Addr};

use super::endpoint::{self, Endpoint};
use super::failure::RunError;
use super::grants;
use super::health::HealthPage;
use super::metrics::MetricsPage;
use crate::edge::net;
use crate::model::fault::{Fault, Mischief, What};
use crate::model::outlook;
use crate::model::plan::{IdentityMode, Plan, TargetUrl, Way};
use crate::model::profile::Profile;

/// Tools assumed where the target has not been asked and the scenario names none.
const ASSUMED_TOOLS: u16 = 2;

/// Descriptors beside the users' connections: standard streams, event loop, report, practice
/// target, health page.
const OWN_FILES: u64 = 32;

/// How many tools a plan is modelled with as long as its target has not been asked.
pub fn tools(plan: &Plan) -> u16 {
    let named = plan.tools.allow.as_ref().map(Vec::len);
    named.map_or(ASSUMED_TOOLS, |count| u16::try_from(count).unwrap_or(u16::MAX))
}

/// The target's endpoint, unless it is the practice target that is still to be started.
///
/// # Errors
/// When the plan cannot be run as it is: it needs more than the `files` this process may have open,
/// asks for more than `max_rate`, is held to what it never measures, or names files, names or
/// headers that cannot be used.
pub fn endpoint(plan: &Plan, files: Option<u64>) -> Result<Option<Endpoint>, RunError> {
    check_ways(plan)?;
    check_files(plan, plan.way(), files)?;
    check_thresholds(plan, plan.tools.allow.as_deref())?;
    check_rate(plan, plan.way(), tools(plan))?;
    grants::checked(plan)?;
    let target = &plan.target;
    let TargetUrl::Url(url) = &target.url else {
        check_addresses(plan, Some(Ipv4Addr::LOCALHOST.into()))?;
        return Ok(None);
    };
    let endpoint = Endpoint::of(url, &target.shown, &target.reach)?;
    let route = &endpoint.route;
    let dialled = route.instead.map(|at| at.ip()).or_else(|| route.host.parse().ok());
    check_addresses(plan, dialled)?;
    endpoint::identity_headers(&endpoint, &introduced(plan).identity)
        .map_err(RunError::Identity)?;
    HealthPage::of(plan, &endpoint)?;
    MetricsPage::of(plan, &endpoint, plan.way())?;
    Ok(Some(endpoint))
}

/// Connections can leave from each of the plan's addresses, and come to the target, as far as can be
/// told before its name is resolved.
fn check_addresses(plan: &Plan, target: Option<IpAddr>) -> Result<(), RunError> {
    let hops = plan.faults.iter().flat_map(|fault| match &fault.what {
        What::Mischief(Mischief::Hop(addresses)) => addresses.as_slice(),
        _ => &[],
    });
    for address in plan.clients.addresses.iter().chain(hops).copied() {
        let apart = |target, right| Err(RunError::AddressApart { address, target, right });
        match target {
            Some(IpAddr::V4(_)) if address.is_ipv6() => {
                return apart("reached over IPv4", "give IPv4 addresses of this machine");
            }
            Some(IpAddr::V6(_)) if address.is_ipv4() => {
                return apart("reached over IPv6", "give IPv6 addresses of this machine");
            }
            _ if address.is_loopback() && !plan.target.is_loopback() => {
                let right = "from there only this machine is reached; `ip addr` lists the others";
                return apart("elsewhere", right);
            }
            _ => {}
        }
        net::has(address).map_err(|error| RunError::NoSuchAddress { address, error })?;
    }
    Ok(())
}

/// The profile, saying who it is as the plan, or else the target's place, wants it.
pub(super) fn introduced(plan: &Plan) -> Profile {
    let by_place =
        if plan.target.is_loopback() { IdentityMode::Genuine } else { IdentityMode::Honest };
    let mode = plan.clients.identity.unwrap_or(by_place);
    endpoint::introduced(plan.clients.profile.clone(), mode)
}

/// A scenario may insist on a transport and a revision that do not go together.
fn check_ways(plan: &Plan) -> Result<(), RunError> {
    if Way::ALL.into_iter().any(|way| plan.may_speak(way)) {
        return Ok(());
    }
    Err(RunError::NothingToSpeak(if plan.target.protocol.is_some() {
        "HTTP+SSE carries revisions with a handshake, and the protocol under [target] has none: \
         leave out protocol or transport"
    } else {
        "HTTP+SSE carries revisions with a handshake, and the profile makes none: leave out \
         transport under [target], or take another profile"
    }))
}

/// A load in this way that runs out of descriptors would say nothing about the target.
pub(super) fn check_files(plan: &Plan, way: Way, limit: Option<u64>) -> Result<(), RunError> {
    let Some(limit) = limit else { return Ok(()) };
    let connections = outlook::connections::held(plan, way);
    let is_through = |fault: &Fault| matches!(fault.what, What::Network(_));
    // A proxy of ours holds both ends of a connection that passes it.
    let each = if plan.faults.iter().any(is_through) { 3 } else { 1 };
    let needed = connections * each + OWN_FILES;
    if needed <= limit {
        return Ok(());
    }
    Err(RunError::TooManyFiles { connections, needed, limit })
}

/// Every threshold is about something that is measured; which tools are called may not be known.
pub(super) fn check_thresholds<T: AsRef<str>>(
    plan: &Plan,
    tools: Option<&[T]>,
) -> Result<(), RunError> {
    let end = plan.load.pace.length() + plan.load.drain;
    for threshold in &plan.expect.thresholds {
        let refers = threshold.refers_to();
        let never = |about: String| {
            Err(RunError::NeverMeasured { threshold: threshold.text.clone(), about })
        };
        if let Some(named) = refers.fault
            && !plan.faults.iter().any(|fault| named.is_none_or(|name| fault.is_called(name, end)))
        {
            return never(match named {
                Some(name) => format!("a fault called {name:?}"),
                None => "a fault".to_owned(),
            });
        }
        if let (Some(name), Some(tools)) = (refers.tool, tools)
            && !tools.iter().any(|tool| tool.as_ref() == name)
        {
            return never(format!("the tool {name:?}"));
        }
        if let Some(operation) = refers.operation
            && !outlook::may_occur(operation, plan)
        {
            return never(operation.name().to_owned());
        }
    }
    Ok(())
}

/// The load of a target that is spoken to in this way, and has so many tools, held to `max_rate`.
pub(super) fn check_rate(plan: &Plan, way: Way, tools: u16) -> Result<(), RunError> {
    let Some(allowed) = plan.target.max_rate else { return Ok(()) };
    let planned = outlook::of(plan, way, tools).peak_rate;
    if planned > allowed { Err(RunError::TooFast { planned, allowed }) } else { Ok(()) }
}
