//! `[expect]`: what must hold.

use crate::model::finding::Severity;
use crate::model::plan::Expect;
use crate::model::threshold::Threshold;

use super::reader::Table;
use super::scalar::parsed;

const FINDINGS: [(&str, Severity); 4] = [
    ("none above info", Severity::Info),
    ("none above low", Severity::Low),
    ("none above medium", Severity::Medium),
    ("none above high", Severity::High),
];

/// Reads `[expect]`.
pub fn read(expect: &Table<'_>) -> Expect {
    let such = "a threshold such as \"p99(response, tools/call) < 2s\"";
    let thresholds = expect
        .key("thresholds", "Numbers to stay under, such as \"errors < 1%\".")
        .each("a list of thresholds", |node| parsed(node, str::parse::<Threshold>, such))
        .or_as(Vec::new(), "[]");
    let findings = expect
        .key("findings", "The worst findings that pass: \"none above medium\".")
        .word(&FINDINGS, &[])
        .optional();
    expect.later("rate_limit", "expectations about rate limits");
    expect.later("tokens", "expectations about tokens");
    Expect { thresholds, findings }
}
