//! Who may stand between and end what is idle, by the time after which that happens.

use std::time::Duration;

/// Who cuts after how many seconds.
const KNOWN: [(u64, &str); 5] = [
    (60, "an AWS ALB or nginx"),
    (100, "Cloudflare"),
    (125, "Cloudflare"),
    (300, "Railway"),
    (350, "an AWS NLB"),
];
/// A time is somebody's within this.
const WITHIN: Duration = Duration::from_secs(2);

/// Who cuts after such a time, give or take, and after how many seconds exactly.
fn known(after: Duration, within: Duration) -> Option<(u64, &'static str)> {
    let within = within.max(WITHIN);
    let is_near = |seconds: u64| after.abs_diff(Duration::from_secs(seconds)) <= within;
    KNOWN.into_iter().find(|(seconds, _)| is_near(*seconds))
}

/// Who cuts what was idle for such a time, as a part of a sentence; nothing if nobody is known to.
pub(super) fn of_idle(after: Duration, within: Duration) -> String {
    known(after, within).map_or(String::new(), |(seconds, who)| {
        format!(", as {who} does, whose idle timeout is {seconds} s unless it is set otherwise")
    })
}

/// Who cuts after such a time, though it was not idle.
pub(super) fn of_life(after: Duration, within: Duration) -> String {
    known(after, within)
        .map_or(String::new(), |(seconds, who)| format!(", the {seconds} s after which {who} cuts"))
}
