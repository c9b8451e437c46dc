//! `[toxiproxy]`, and the faults that are toxics of it.

use crate::model::fault::outside::{DOWN, Toxic, Toxiproxy};
use crate::model::fault::{Direction, Fault, What};
use crate::model::plan::{Plan, TargetUrl};
use crate::scenario::mistake::Place;
use crate::scenario::reader::Table;
use crate::scenario::scalar::{Wrong, text_of};
use crate::scenario::target::{page_of, shown};

use super::Kind;

/// Milliseconds of a day: no time is longer.
const DAY: u64 = 24 * 3600 * 1000;
/// Bytes, at most.
const MOST_BYTES: u64 = 1 << 40;

/// Its kinds.
pub(super) const KINDS: &[Kind] = &[Kind {
    name: "toxiproxy",
    keys: &["toxic", "attributes", "proxy", "direction"],
    read: |table| toxic(table).map(What::Toxic),
}];

/// Toxiproxy's words for what a toxic does: the attributes it has, and those it needs.
const TOXICS: [(&str, &[&str], &[&str]); 9] = [
    ("latency", &["latency", "jitter"], &["latency"]),
    ("bandwidth", &["rate"], &["rate"]),
    ("slow_close", &["delay"], &["delay"]),
    ("timeout", &["timeout"], &[]),
    ("reset_peer", &["timeout"], &[]),
    ("slicer", &["average_size", "size_variation", "delay"], &["average_size"]),
    ("limit_data", &["bytes"], &["bytes"]),
    ("noop", &[], &[]),
    (DOWN, &[], &[]),
];

/// Toxiproxy's attributes: what they say, the least and the most.
const ATTRIBUTES: [(&str, &str, u64, u64); 8] = [
    ("latency", "Milliseconds that each chunk comes later.", 0, DAY),
    ("jitter", "Milliseconds more or less.", 0, DAY),
    ("rate", "Kilobytes a second.", 1, 1_000_000_000),
    ("delay", "Of slow_close milliseconds, of slicer microseconds.", 0, DAY * 1000),
    ("timeout", "Milliseconds until the connection ends; of timeout, 0 is never.", 0, DAY),
    ("average_size", "Mean bytes of a slice.", 1, MOST_BYTES),
    ("size_variation", "So many bytes more or fewer.", 0, MOST_BYTES),
    ("bytes", "Bytes after which the connection is closed.", 0, MOST_BYTES),
];

/// Reads `[toxiproxy]`.
pub fn server(table: &Table<'_>) -> Option<Toxiproxy> {
    let doc = "The HTTP API of a running Toxiproxy server.";
    let such = "a URL such as \"http://127.0.0.1:8474\"";
    let url = table.key("url", doc).read(such, |node| server_url(text_of(node)?)).required();
    let doc = "The name of the proxy that squall makes on the path to the target; else a new one.";
    let name = table.key("name", doc).read("a name of letters, digits, - and _", |node| {
        let text = text_of(node)?;
        if is_name(text) { Ok(text.to_owned()) } else { Err(NAMES.to_owned()) }
    });
    let name = name.optional();
    let doc = "Where that proxy listens, as the server is told; port 0 takes a free one.";
    let listen = table.key("listen", doc).read("host:port", |node| {
        let text = text_of(node)?;
        let port = text.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        port.map(|_| text.to_owned()).ok_or_else(|| "expected 127.0.0.1:0 or the like".to_owned())
    });
    let listen = listen.or("127.0.0.1:0".to_owned());
    let url = url?;
    let shown = shown(table, &url).trim_end_matches('/').to_owned();
    Some(Toxiproxy { url, shown, name, listen })
}

const NAMES: &str = "expected a name of at most 100 letters, digits, - and _";

fn is_name(text: &str) -> bool {
    let is_in = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 100 && text.chars().all(is_in) && !text.starts_with('.')
}

fn server_url(text: &str) -> Result<String, Wrong> {
    let such = "expected a URL such as \"http://127.0.0.1:8474\"";
    if text.starts_with('/') || text == "practice" {
        return Err(such.to_owned());
    }
    let url = page_of(text, "").map_err(|wrong| {
        let reason = wrong.split(": expected").next().unwrap_or_default();
        if reason.starts_with("expected") { such.to_owned() } else { format!("{reason}: {such}") }
    })?;
    match url::Url::parse(&url) {
        Ok(parsed) if parsed.path() == "/" && parsed.query().is_none() => Ok(url),
        _ => Err(format!("it has a path or a query: {such}")),
    }
}

fn toxic(table: &Table<'_>) -> Option<Toxic> {
    let words = TOXICS.map(|toxic| (toxic.0, toxic));
    let doc = "What it does, in Toxiproxy's word; down disables the proxy.";
    let kind = table.key("toxic", doc).word(&words, &[]).required();
    let doc =
        "A proxy that the server has already; else one on the path to the target, squall's own.";
    let proxy = table.key("proxy", doc).text().optional();
    let words = [("upstream", Direction::Upstream), ("downstream", Direction::Downstream)];
    let doc = "To the server (upstream), from it (downstream).";
    let direction = table.key("direction", doc).word(&words, &[]);
    let direction = direction.or_as(Direction::Downstream, "\"downstream\"");
    let doc = "Its numbers, in Toxiproxy's units.";
    let attributes = table.table("attributes", doc, |attributes| numbers(attributes, kind));
    let (kind, _, needed) = kind?;
    if let Some(missing) =
        needed.iter().find(|name| !attributes.iter().any(|(has, _)| has == *name))
        && !has(table, missing)
    {
        let found = format!("the toxic {kind} without {missing}");
        let right = format!("add attributes.{missing}, a whole number in Toxiproxy's units");
        table.log().wrong(table.place_of("attributes"), found, right);
    }
    if kind == DOWN {
        let wrong = |key: &str, found: &str| {
            let right = "remove it: the whole proxy is disabled, in both directions";
            if let Some(place) = table.given(key) {
                table.log().wrong(place, found, right);
            }
        };
        wrong("share", "a share of down");
        wrong("direction", "a direction of down");
    }
    Some(Toxic { proxy, kind, attributes, direction })
}

/// Whether an attribute is given at all: one that is wrong was said to be.
fn has(table: &Table<'_>, name: &str) -> bool {
    table.entries().iter().filter(|entry| entry.key == "attributes").any(|entry| {
        matches!(&entry.node.value, crate::scenario::document::Value::Table(table) if table.get(name).is_some())
    })
}

/// The attributes that are given; those that the toxic does not have are refused.
fn numbers(
    table: &Table<'_>,
    kind: Option<(&'static str, &[&str], &[&str])>,
) -> Vec<(&'static str, u64)> {
    let mut numbers = Vec::new();
    for (name, doc, least, most) in ATTRIBUTES {
        let most = if name == "delay" && kind.is_some_and(|kind| kind.0 == "slow_close") {
            DAY
        } else {
            most
        };
        let number = table.key(name, doc).integer(least..=most).optional();
        let (Some((word, has, _)), Some(place)) = (kind, table.given(name)) else { continue };
        if has.contains(&name) {
            numbers.extend(number.map(|number| (name, number)));
            continue;
        }
        let right = match has {
            [] => "remove it: it has none".to_owned(),
            has => format!("it has {}", has.join(", ")),
        };
        table.log().wrong(place, format!("the toxic {word} has no {name}"), right);
    }
    numbers
}

/// What a toxic cannot be in this scenario.
pub(super) fn refuse(plan: &Plan, fault: &Fault, toxic: &Toxic, wrong: &dyn Fn(String, &str)) {
    let Some(server) = &plan.toxiproxy else {
        let found = format!("{} is a toxic, and no Toxiproxy is given", fault.name);
        return wrong(found, "add [toxiproxy] with the url of its HTTP API");
    };
    let is_here = TargetUrl::Url(server.url.clone()).is_loopback();
    if toxic.proxy.is_none() && plan.target.is_loopback() && !is_here {
        let found = format!("{} is on the path to the target on this machine", fault.name);
        let right = "name a proxy: a Toxiproxy that is not on this machine does not lead here";
        wrong(found, right);
    }
}

/// Nobody disturbs somebody else's Toxiproxy by accident.
pub(super) fn permit(root: &Table<'_>, plan: &Plan) {
    let Some(server) = &plan.toxiproxy else { return };
    if !plan.target.authorised && !TargetUrl::Url(server.url.clone()).is_loopback() {
        elsewhere(root, root.place_of("toxiproxy"), "this Toxiproxy");
    }
}

/// What is not on this machine is touched only by who may.
pub(super) fn elsewhere(root: &Table<'_>, place: Place, what: &str) {
    let found = format!("{what} is not on this machine, and nobody said that you may use it");
    let right = "add --i-am-authorised, or authorised = true in [target], if you may";
    root.log().wrong(place, found, right);
}
