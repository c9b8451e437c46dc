//! Where the time of tool calls went. Only means add up, so the reading is of means.

use crate::model::damage::Damage;
use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::report::Report;
use crate::render::percentile::{MEAN, Times};
use crate::render::split::{self, Part};

/// A part that makes up this share of the whole is what limits.
const MAIN: f64 = 0.5;

/// The largest part of the mean response, in words.
pub(super) fn sentence(report: &Report) -> Option<String> {
    let split = split::of(report, Operation::ToolsCall.name())?;
    let (part, mean) = *split.parts.iter().max_by_key(|(_, mean)| *mean)?;
    let whole = split.parts.iter().map(|(_, mean)| mean).sum::<u64>();
    let share = mean as f64 / whole.max(1) as f64;
    (mean > 0 && share >= MAIN).then(|| {
        let calls = report.summary.operations.get(Operation::ToolsCall.name());
        let mean = |us, at_least| Times::new(us, at_least).shown(MEAN, "at least ");
        let service = calls.and_then(|it| mean(it.service_us, it.service_at_least.as_ref()));
        let response = calls.and_then(|it| mean(it.response_us, it.response_at_least.as_ref()));
        told(
            (part, &report.faults),
            &figure::share(share),
            &response.unwrap_or_else(|| figure::micros(split.response)),
            &service.unwrap_or_else(|| figure::micros(0)),
        )
    })
}

fn told((part, faults): (Part, &[Damage]), share: &str, response: &str, service: &str) -> String {
    let queued = format!("the target itself took {service} of a mean response of {response}");
    match part {
        Part::Service => {
            // Nobody can take from a service what a fault added to it.
            let whose =
                if faults.is_empty() { "the target's own" } else { "the target's and the faults'" };
            format!(
                "The time is {whose}: {share} of the mean response is service, from a request's \
                 first byte to its answer's last."
            )
        }
        Part::Preparation => format!(
            "Most of the wait is preparation: connecting and handshakes before a call's own request \
             take {share} of it; {queued}."
        ),
        Part::Held => format!(
            "Most of the wait is a queue in the client, whose cap on calls at once takes {share} of \
             it; {queued}."
        ),
        Part::Unsent => format!(
            "Most of the wait is that of calls of which no byte left, such as for a connection that \
             never came: {share} of a mean response of {response}."
        ),
        Part::Lag => format!(
            "Most of the wait is squall's own: calls started late take {share} of it; {queued}."
        ),
    }
}
