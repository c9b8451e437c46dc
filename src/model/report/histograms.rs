//! The histograms of a run by their names in `run.json`.

use std::collections::BTreeMap;

use crate::model::histogram::Histogram;
use crate::model::operation::Operation;
use crate::model::summary::Summary;
use crate::model::summary::unanswered::Unanswered;

type Named<'a> = Vec<(String, &'a Histogram)>;

/// Every histogram in which anything was counted, encoded.
pub(super) fn encoded(summary: &Summary) -> BTreeMap<String, String> {
    let mut named = calls(summary);
    named.extend(exchanges(summary));
    named.extend(parts(summary));
    named.extend(runs(summary));
    named.push(("grants.first_call".to_owned(), &summary.grants.first_call));
    let counted = named.into_iter().filter(|(_, histogram)| histogram.count() > 0);
    counted.map(|(name, histogram)| (name, histogram.encode())).collect()
}

fn calls(summary: &Summary) -> Named<'_> {
    let times = &summary.calls.times;
    let mut named: Named<'_> = [
        ("response", &times.response),
        ("response_ok", &times.response_ok),
        ("service", &times.service),
        ("preparation", &times.preparation),
        ("held", &times.held),
        ("lag", &times.lag),
    ]
    .into_iter()
    .map(|(time, histogram)| (format!("tools/call.{time}"), histogram))
    .collect();
    named.extend(unanswered("tools/call", &times.unanswered));
    named
}

fn exchanges(summary: &Summary) -> Named<'_> {
    // Exchanges of tool calls keep no times: those under that name are the calls'.
    let timed = summary.wire.operations.iter().filter(|(name, _)| **name != Operation::ToolsCall);
    let named = timed.flat_map(|(operation, exchanges)| {
        let name = operation.name();
        let times = (&exchanges.response, &exchanges.service, &exchanges.unanswered);
        let preparation = (format!("{name}.preparation"), &exchanges.preparation);
        part(name, times).into_iter().chain([preparation])
    });
    named.collect()
}

fn parts(summary: &Summary) -> Named<'_> {
    let tools = summary.tools.iter().flat_map(|tool| {
        let times = (&tool.response, &tool.service, &tool.unanswered);
        part(&format!("tool.{}", tool.name), times)
    });
    let classes = summary.classes.iter().flat_map(|class| {
        let times = (&class.response, &class.service, &class.unanswered);
        part(&format!("class.{}", class.name), times)
    });
    tools.chain(classes).collect()
}

fn part<'a>(
    name: &str,
    (response, service, open): (&'a Histogram, &'a Histogram, &'a Unanswered),
) -> Named<'a> {
    let mut named =
        vec![(format!("{name}.response"), response), (format!("{name}.service"), service)];
    named.extend(unanswered(name, open));
    named
}

fn unanswered<'a>(name: &str, open: &'a Unanswered) -> [(String, &'a Histogram); 2] {
    [
        (format!("{name}.response_unanswered"), &open.response),
        (format!("{name}.service_unanswered"), &open.service),
    ]
}

fn runs(summary: &Summary) -> Named<'_> {
    let runs = &summary.runs;
    [
        ("run.completion", &runs.completion),
        ("run.censored", &runs.censored),
        ("run.straggler", &runs.straggler),
        ("run.wave", &runs.wave),
    ]
    .map(|(name, histogram)| (name.to_owned(), histogram))
    .to_vec()
}
