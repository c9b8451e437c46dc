//! `check-idle-streams`.

use std::time::Duration;

use crate::model::figure;

/// What it does, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilenceTrials {
    /// So long nothing happens on streams and in calls: all of them at once.
    pub silences: Vec<Duration>,
    /// Streams and calls for each of these.
    pub each: u32,
    /// A tool that takes as long as an argument says; none: no call is held.
    pub call: Option<String>,
    /// The argument that says how many seconds it takes.
    pub seconds: String,
    /// A tool that tells how far it is; none: whichever does.
    pub progress: Option<String>,
    /// Calls of it.
    pub calls: u32,
}

impl Default for SilenceTrials {
    fn default() -> Self {
        Self {
            silences: [30, 60, 100, 125, 300, 350].map(Duration::from_secs).to_vec(),
            each: 2,
            call: None,
            seconds: "seconds".to_owned(),
            progress: None,
            calls: 5,
        }
    }
}

impl SilenceTrials {
    /// The longest silence.
    pub fn longest(&self) -> Duration {
        self.silences.iter().max().copied().unwrap_or_default()
    }

    pub(super) fn told(&self) -> String {
        let Self { silences, each, call, calls, .. } = self;
        let all: Vec<_> = silences.iter().map(|silence| figure::duration(*silence)).collect();
        let call = call.as_ref().map_or(String::new(), |call| format!(" and calls of {call}"));
        format!(
            "{each} streams{call} for each of {} of silence, all at once; {calls} calls of a tool \
             that tells progress",
            all.join(", ")
        )
    }
}
