//! Where the time of tool calls went. Only means add up, so the reading is of means.

use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::report::figures::Figures;

/// A part that makes up this share of the whole is what limits.
const MAIN: f64 = 0.5;

/// The largest part of the mean response, in words.
pub(super) fn sentence(summary: &Figures) -> Option<String> {
    let calls = summary.operations.get(Operation::ToolsCall.name())?;
    let response = calls.response_us?.mean;
    let parts = [
        (Part::Service, calls.service_us),
        (Part::Preparation, calls.preparation_us),
        (Part::Held, calls.held_us),
        (Part::Lag, calls.lag_us),
    ];
    let means = parts.into_iter().filter_map(|(part, us)| Some((part, us?.mean)));
    let (part, mean) = means.max_by_key(|(_, mean)| *mean)?;
    let share = mean as f64 / response.max(1) as f64;
    let service = calls.service_us.map_or(0, |us| us.mean);
    // Rounding alone can make a part larger than the whole.
    (mean > 0 && share >= MAIN).then(|| {
        let share = figure::share(share.min(1.0));
        told(part, &share, response, service)
    })
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Service,
    Preparation,
    Held,
    Lag,
}

fn told(part: Part, share: &str, response: u64, service: u64) -> String {
    let (response, service) = (figure::micros(response), figure::micros(service));
    let queued = format!("the target itself took {service} of a mean response of {response}");
    match part {
        Part::Service => format!(
            "The time is the target's own: {share} of the mean response is service, from a \
             request's first byte to its end."
        ),
        Part::Preparation => format!(
            "Most of the wait is preparation: connecting and handshakes before a call's own request \
             take {share} of it; {queued}."
        ),
        Part::Held => format!(
            "Most of the wait is a queue in the client, whose cap on calls at once takes {share} of \
             it; {queued}."
        ),
        Part::Lag => format!(
            "Most of the wait is squall's own: calls started late take {share} of it; {queued}."
        ),
    }
}
