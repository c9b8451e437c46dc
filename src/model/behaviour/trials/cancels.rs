//! `check-cancel`.

use std::time::Duration;

use crate::model::figure;

/// What it does, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelTrials {
    /// The tool whose calls are cancelled in the middle; none: the slowest that may be called.
    pub tool: Option<String>,
    /// So many calls of it are.
    pub calls: u32,
    /// So long after they were sent, or after a third of what they take, if that is less.
    pub after: Duration,
    /// What crosses a notification on the wire comes within this.
    pub grace: Duration,
    /// Right after it a request that takes longer is late.
    pub budget: Duration,
    /// So many calls the target works on at once; 0 if nobody knows.
    pub workers: u32,
    /// Sweeps about the instant of the answer.
    pub sweeps: u32,
}

impl Default for CancelTrials {
    fn default() -> Self {
        Self {
            tool: None,
            calls: 5,
            after: Duration::from_millis(500),
            grace: Duration::from_secs(1),
            budget: Duration::from_secs(2),
            workers: 0,
            sweeps: 5,
        }
    }
}

impl CancelTrials {
    /// A sweep goes from so many milliseconds before the answer is due to as many after it.
    pub const SWEEP: i32 = 5;
    /// Calls that take less cannot be cancelled in the middle.
    pub const SLOW: Duration = Duration::from_millis(300);

    pub(super) fn told(&self) -> String {
        let Self { tool, calls, after, workers, sweeps, .. } = self;
        let tool = tool.as_deref().unwrap_or("the slowest tool");
        let workers = match workers {
            0 => String::new(),
            workers => format!("; {workers} at once, and a call behind them"),
        };
        let races = sweeps * (2 * Self::SWEEP.unsigned_abs() + 1);
        format!(
            "{calls} calls of {tool} that are cancelled after {}{workers}; {races} calls that are \
             cancelled about the instant of their answer",
            figure::duration(*after)
        )
    }
}
