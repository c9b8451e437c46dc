//! Who may stand between and end what is idle, by the time after which that happens.

use std::time::Duration;

use crate::model::figure;

/// Who cuts after how many seconds.
const KNOWN: [(u64, &str); 5] = [
    (60, "an AWS ALB"),
    (100, "Cloudflare"),
    (125, "Cloudflare"),
    (300, "Railway"),
    (350, "an AWS NLB"),
];
/// A time is somebody's within this.
const WITHIN: Duration = Duration::from_secs(2);

/// Who cuts after such a time, give or take: `, as ... does`; nothing if nobody is known to.
pub(super) fn told(after: Duration, within: Duration) -> String {
    let within = within.max(WITHIN);
    let who =
        KNOWN.iter().find(|(seconds, _)| after.abs_diff(Duration::from_secs(*seconds)) <= within);
    who.map_or(String::new(), |(seconds, who)| {
        let idle = figure::duration(Duration::from_secs(*seconds));
        format!(", as {who} does, whose idle timeout is {idle} unless it is set otherwise")
    })
}
