//! Mischief: faults that clients commit.

use std::net::IpAddr;
use std::time::Duration;

use crate::model::behaviour::Check;
use crate::model::fault::{Fault, Left, Mischief, Scope, Skew, What};
use crate::model::operation::Operation;
use crate::model::plan::auth::{Flow, Granted};
use crate::model::plan::{Plan, Way};
use crate::scenario::document::{Node, Value};
use crate::scenario::reader::Table;
use crate::scenario::scalar::{Wrong, number_of, text_of};

use super::network::{DAY, bytes_a_second};
use super::stream::parting;
use super::{Kind, Wrongly};

/// Its kinds.
pub(super) const KINDS: &[Kind] = &[
    Kind { name: "abandon", keys: &["after", "parting"], read: |table| Some(abandon(table)) },
    Kind { name: "slow-read", keys: &["rate"], read: |table| Some(slow_read(table)) },
    Kind { name: "twice", keys: &[], read: |_| Some(What::Mischief(Mischief::Twice)) },
    Kind { name: "no-session-header", keys: &[], read: |_| Some(without(Left::Session)) },
    Kind { name: "no-version-header", keys: &[], read: |_| Some(without(Left::Version)) },
    Kind { name: "cancel-herd", keys: &[], read: |_| Some(What::Mischief(Mischief::CancelHerd)) },
    Kind { name: "retry", keys: &["times", "pause"], read: |table| Some(retry(table)) },
    Kind { name: "hop", keys: &["addresses"], read: hop },
    Kind { name: "half-open", keys: &["connections"], read: half_open },
    Kind { name: "idle-streams", keys: &["keep"], read: |table| Some(idle_streams(table)) },
    Kind {
        name: "stray-initialized",
        keys: &[],
        read: |_| Some(What::Mischief(Mischief::StrayInitialized)),
    },
    Kind { name: "clock-skew", keys: &["ahead", "behind"], read: clock_skew },
];

/// A client that reads slowly, unless told otherwise, in bytes a second.
const SLOW: u64 = 1_000;
/// Addresses of one fault, at most.
const MOST_ADDRESSES: usize = 1_000;

fn without(left: Left) -> What {
    What::Mischief(Mischief::Without(left))
}

fn abandon(table: &Table<'_>) -> What {
    let doc = "So long after the exchange has a connection; without it with the answer's head.";
    let after = table.key("after", doc).duration(Duration::ZERO..=DAY).optional();
    What::Mischief(Mischief::Abandon { after, parting: parting(table) })
}

fn slow_read(table: &Table<'_>) -> What {
    let doc = "What passes, as bytes a second.";
    let rate = table.key("rate", doc).read("a rate such as \"64kB/s\"", bytes_or_none);
    What::Mischief(Mischief::SlowRead(rate.or_as(SLOW, "\"1kB/s\"")))
}

/// Bytes a second; at 0 nothing is read.
fn bytes_or_none(node: &Node) -> Result<u64, Wrong> {
    let is_none = match &node.value {
        Value::Text(text) => {
            text.starts_with('0') && text.trim_start_matches('0').starts_with("B/s")
        }
        _ => number_of(node) == Some(0.0),
    };
    if is_none { Ok(0) } else { bytes_a_second(node) }
}

fn retry(table: &Table<'_>) -> What {
    let doc = "How often a call that failed is made again, at most.";
    let times = table.key("times", doc).count(1..=100).or(3);
    let doc = "How long after it failed.";
    let pause = table.key("pause", doc).duration(Duration::ZERO..=DAY).or(Duration::ZERO);
    What::Mischief(Mischief::Retry { times, pause })
}

fn hop(table: &Table<'_>) -> Option<What> {
    let doc = "Addresses of this machine, in turn; without it those under [clients].";
    let such = "a list of addresses of this machine, such as [\"127.0.1.1\", \"127.0.1.2\"]";
    let addresses =
        table.key("addresses", doc).each(such, address).settled(Vec::new(), "clients.addresses")?;
    if addresses.len() > MOST_ADDRESSES {
        let found = format!("more than {MOST_ADDRESSES} addresses");
        table.log().wrong(table.place_of("addresses"), found, "leave some out");
    }
    Some(What::Mischief(Mischief::Hop(addresses)))
}

fn half_open(table: &Table<'_>) -> Option<What> {
    let doc = "How many connections stand half-open, all users' together.";
    let connections = table.key("connections", doc).count(1..=10_000).required()?;
    Some(What::Mischief(Mischief::HalfOpen(connections)))
}

fn idle_streams(table: &Table<'_>) -> What {
    let doc = "How long each stream is kept open.";
    let keep = table.key("keep", doc).duration(Duration::from_millis(1)..=DAY);
    What::Mischief(Mischief::IdleStreams(keep.or(Duration::from_secs(5))))
}

fn clock_skew(table: &Table<'_>) -> Option<What> {
    let shortest = Duration::from_millis(1);
    let doc = "A process takes the time to be so much later when it looks at its token.";
    let ahead = table.key("ahead", doc).duration(shortest..=DAY).optional();
    let doc = "A process takes the time to be so much earlier when it looks at its token.";
    let behind = table.key("behind", doc).duration(shortest..=DAY).optional();
    match (table.given("ahead"), table.given("behind")) {
        (None, None) => {
            let right = "add ahead = \"90s\", or behind = \"90s\"";
            table.log().wrong(table.place(), "clock-skew, and the clock is right", right);
        }
        (Some(_), Some(place)) => {
            let found = "a clock is ahead or behind";
            table.log().wrong(place, found, "remove one of them, or write two faults");
            return None;
        }
        _ => {}
    }
    let skew = ahead.map(Skew::Ahead).or(behind.map(Skew::Behind))?;
    Some(What::Mischief(Mischief::ClockSkew(skew)))
}

fn address(node: &Node) -> Result<IpAddr, Wrong> {
    let such = || "expected an address of this machine such as \"127.0.1.1\"".to_owned();
    let address: IpAddr = text_of(node)?.parse().map_err(|_| such())?;
    let is_one = !address.is_unspecified() && !address.is_multicast();
    if is_one { Ok(address) } else { Err(such()) }
}

/// Refuses what this mischief cannot be done to.
pub(super) fn refuse(plan: &Plan, fault: &Fault, mischief: &Mischief, wrong: Wrongly<'_>) {
    let (kind, operation) = (fault.kind, fault.scope.operation);
    let is_other = |only: Operation| operation.filter(|operation| *operation != only);
    match mischief {
        Mischief::CancelHerd | Mischief::Retry { .. } => {
            if let Some(other) = is_other(Operation::ToolsCall) {
                let found = format!("{kind} is about calls, and {} is none", other.name());
                wrong(found, "leave operation out, or write operation = \"tools/call\"");
            }
        }
        Mischief::StrayInitialized => {
            if let Some(other) = is_other(Operation::Initialized) {
                let found = format!("{kind} is about another exchange than {}", other.name());
                wrong(found, "leave operation out");
            }
        }
        Mischief::Twice => {
            use Operation::{Delete, Resume, Stream};
            if let Some(other @ (Delete | Resume | Stream)) = operation {
                let found = format!("{kind} is about POST, and {} is none", other.name());
                wrong(found, "match another operation, or leave operation out");
            }
        }
        Mischief::Hop(addresses) if addresses.is_empty() && plan.clients.addresses.is_empty() => {
            let found = "hop, and no addresses to hop between".to_owned();
            wrong(found, "add addresses = [\"127.0.1.1\", \"127.0.1.2\"], here or under [clients]");
        }
        Mischief::HalfOpen(_) if fault.scope != Scope::default() => {
            let found = format!("{kind} belongs to no user, and to no operation");
            wrong(found, "leave match out");
        }
        Mischief::HalfOpen(_) if fault.share < 1.0 => {
            let found = format!("a share of {kind}");
            wrong(found, "leave share out, and say how many connections");
        }
        Mischief::ClockSkew(_) => refuse_skew(plan, fault, wrong),
        Mischief::HalfOpen(_)
        | Mischief::IdleStreams(_)
        | Mischief::Abandon { .. }
        | Mischief::SlowRead(_)
        | Mischief::Without(_)
        | Mischief::Hop(_) => {}
    }
    let is_legacy = matches!(
        mischief,
        Mischief::StrayInitialized | Mischief::Without(Left::Session) | Mischief::IdleStreams(_)
    );
    if is_legacy && !plan.may_speak(Way::Legacy) {
        let found = format!("{kind}, and no client of this scenario has sessions");
        wrong(found, "take a profile and a protocol before 2026-07-28, or leave the fault out");
    }
}

/// What no clock changes anything about.
fn refuse_skew(plan: &Plan, fault: &Fault, wrong: Wrongly<'_>) {
    let kind = fault.kind;
    if (Scope { profile: None, ..fault.scope.clone() }) != Scope::default() {
        let found = format!("{kind} is of a client's process, whatever that sends");
        wrong(found, "leave match out, or match a profile");
    }
    let renews = |granted: &Granted| granted.flow != Flow::ClientCredentials;
    if !plan.auth.granted().is_some_and(renews) {
        let found = format!("{kind}, and no user of this scenario has tokens to renew");
        wrong(found, "give [auth] the kind oauth or tokens, or leave the fault out");
    }
    if let Some(check @ Check::ExpiredToken(_)) = plan.load.behaviour.check() {
        let found = format!("{kind} with {}, which never looks at the clock", check.name());
        wrong(found, "take another behaviour, or leave the fault out");
    }
}
