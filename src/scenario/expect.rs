//! `[expect]`: what must hold.

use std::time::Duration;

use crate::model::finding::Severity;
use crate::model::plan::Expect;
use crate::model::plan::tokens::{Most, TokenLimits};
use crate::model::threshold::Threshold;

use super::document::Node;
use super::log::Log;
use super::reader::Table;
use super::scalar::{Wrong, text_of, whole_of};
use super::{checks, limits, trials};

const FINDINGS: [(&str, Severity); 4] = [
    ("none above info", Severity::Info),
    ("none above low", Severity::Low),
    ("none above medium", Severity::Medium),
    ("none above high", Severity::High),
];

/// Thresholds as they are written, of each family one: for editors that offer some.
pub(super) const EXAMPLES: [&str; 8] = [
    "p99(response, tools/call) < 2s",
    "p95(completion) < 1m",
    "errors < 1%",
    "runs_cut < 10%",
    "recovery < 10s",
    "errors(window \"restart\") < 20%",
    "lost_sessions == 0",
    "amplification < 2",
];
const MOST: &str = "a number of users such as 0, or a share such as \"1%\"";
const LONGEST: Duration = Duration::from_secs(86_400);

/// Reads `[expect]`.
pub fn read(expect: &Table<'_>) -> Expect {
    let nodes = expect
        .key(
            "thresholds",
            "Numbers to stay under, such as \"errors < 1%\"; of windows of faults \"recovery < 10s\", \
             \"errors(window \\\"restart\\\") < 20%\", \"lost_sessions == 0\" or \"amplification < 2\".",
        )
        .list("a list of thresholds")
        .or_as(&[], "[]");
    let thresholds = nodes.iter().filter_map(|node| threshold(expect.log(), node)).collect();
    let findings = expect
        .key("findings", "The worst findings that pass: \"none above medium\".")
        .word(&FINDINGS, &[])
        .optional();
    let rate_limits = limits::expected(expect);
    let doc = "What must hold when users' tokens end.";
    let both = |table: &Table<'_>| (tokens(table), checks::limits(table));
    let (tokens, checks) = expect.table("tokens", doc, both);
    let invariants = trials::invariants(expect);
    Expect { thresholds, findings, tokens, checks, rate_limits, invariants }
}

/// `tokens` of `[expect]`.
fn tokens(tokens: &Table<'_>) -> TokenLimits {
    let doc = "The most users that may need a new login, as a number or a share of all.";
    let lost = tokens.key("lost", doc).read(MOST, most).optional();
    let doc = "The longest a user may wait for a good answer after its token was refused.";
    let served_again =
        tokens.key("served_again", doc).duration(Duration::ZERO..=LONGEST).optional();
    let doc = "The most requests at the token endpoint and at the MCP endpoint, as a multiple of \
               those where each token is asked for once and each request sent once.";
    let amplification = tokens.key("amplification", doc).number(1.0..=1000.0).optional();
    let doc = "The most access tokens that may be refused before their lifetime is over.";
    let refused_early = tokens.key("refused_early", doc).count(0..=u32::MAX).optional();
    let doc = "So long after its rotation the old refresh token is good, and no longer.";
    let grace = tokens.key("grace", doc).duration(Duration::ZERO..=LONGEST).optional();
    let doc = "Whether each refresh has to replace the refresh token.";
    let rotation = tokens.key("rotation", doc).truth().or(false);
    let doc = "What the tokens of who refreshed first are after a race.";
    let winner = tokens.key("winner", doc).word(&[("alive", true), ("any", false)], &[]);
    let winner_alive = winner.or_as(false, "\"any\"");
    TokenLimits { lost, served_again, amplification, refused_early, grace, rotation, winner_alive }
}

/// `0`, or `"1%"`.
fn most(node: &Node) -> Result<Most, Wrong> {
    if let Some(users) = whole_of(node, &(0..=u32::MAX)) {
        return Ok(Most::Users(users));
    }
    let expected = || format!("expected {MOST}");
    let text = text_of(node).map_err(|_| expected())?;
    let percent = text.strip_suffix('%').and_then(|percent| percent.trim().parse::<f64>().ok());
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    percent.map(|percent| Most::Share(percent / 100.0)).ok_or_else(expected)
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
