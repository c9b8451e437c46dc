//! Which tool makes the tail.
//!
//! Where 99 of 100 calls of each of some tools took at most so long, so did 99 of 100 of all their
//! calls together. A p99 of all calls far beyond every other tool's is therefore one tool's doing.

use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::report::Report;
use crate::model::report::figures::ToolFigures;
use crate::render::percentile::{P99, Times};

/// The p99 of all calls is so many times that of every tool but one.
const FAR: u64 = 3;
/// A tool's name is cut to so many characters.
const LONGEST_NAME: usize = 60;

/// The tool without which p99 would be far lower, if there is one.
pub(super) fn tool(report: &Report) -> Option<String> {
    let summary = &report.summary;
    let calls = summary.operations.get(Operation::ToolsCall.name())?;
    let all = calls.response_us?.p99;
    let called: Vec<_> = summary.tools.iter().filter(|(_, tool)| tool.count > 0).collect();
    let (name, _) = called.iter().max_by_key(|(_, tool)| tool.response_us.map(|us| us.p99))?;
    let others = called.iter().filter(|(other, _)| other != name);
    let longest = others.map(|(_, tool)| p99(tool)).collect::<Option<Vec<_>>>()?;
    let longest = longest.into_iter().max()?;
    let named: u64 = called.iter().map(|(_, tool)| tool.count).sum();
    (named == summary.calls && longest.saturating_mul(FAR) <= all).then(|| {
        let (name, longest) = (cut(name), figure::micros(longest));
        format!(" because of the tool \"{name}\", every other tool's p99 being at most {longest}")
    })
}

/// A tool's p99, unless it is only a lower bound.
fn p99(tool: &ToolFigures) -> Option<u64> {
    let is_bound = Times::new(tool.response_us, tool.response_at_least.as_ref()).is_bound(P99);
    tool.response_us.filter(|_| !is_bound).map(|us| us.p99)
}

fn cut(name: &str) -> String {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
