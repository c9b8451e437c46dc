//! `[expect]`: what must hold.

use crate::model::finding::Severity;
use crate::model::plan::Expect;
use crate::model::threshold::Threshold;

use super::document::Node;
use super::log::Log;
use super::reader::Table;
use super::scalar::text_of;

const FINDINGS: [(&str, Severity); 4] = [
    ("none above info", Severity::Info),
    ("none above low", Severity::Low),
    ("none above medium", Severity::Medium),
    ("none above high", Severity::High),
];

/// Reads `[expect]`.
pub fn read(expect: &Table<'_>) -> Expect {
    let nodes = expect
        .key("thresholds", "Numbers to stay under, such as \"errors < 1%\".")
        .list("a list of thresholds")
        .or_as(&[], "[]");
    let thresholds = nodes.iter().filter_map(|node| threshold(expect.log(), node)).collect();
    let findings = expect
        .key("findings", "The worst findings that pass: \"none above medium\".")
        .word(&FINDINGS, &[])
        .optional();
    expect.later("rate_limit", "expectations about rate limits");
    expect.later("tokens", "expectations about tokens");
    Expect { thresholds, findings }
}

/// One threshold; its mistakes point at the word that is wrong.
fn threshold(log: &Log, node: &Node) -> Option<Threshold> {
    let found = || format!("{} is no threshold", log.written(node.place));
    let such = "expected a threshold such as \"p99(response, tools/call) < 2s\"";
    let Ok(text) = text_of(node) else {
        log.wrong(node.place, found(), such);
        return None;
    };
    match text.parse::<Threshold>() {
        Ok(threshold) => Some(threshold),
        Err(wrong) => {
            let length = wrong.found.trim_matches('`').len();
            let place = log.within(node.place, text, wrong.at, length);
            let right = log.discreet(place, format!("expected {}", wrong.expected), "a threshold");
            log.wrong(place, found(), right);
            None
        }
    }
}
