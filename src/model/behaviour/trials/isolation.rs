//! `check-isolation`.

use std::time::Duration;

use crate::model::figure;

/// What it does, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsolationTrials {
    /// Calls at once.
    pub calls: u32,
    /// How often so many are made of each kind, with each tool.
    pub rounds: u32,
    /// Users among whom they are, where users have something that tells them apart.
    pub users: u32,
    /// The first so many of the tools that may be called.
    pub tools: u32,
    /// How long an answer is waited for.
    pub patience: Duration,
    /// Users have something that tells them apart. Settled with the whole scenario.
    pub has_users: bool,
}

impl Default for IsolationTrials {
    fn default() -> Self {
        let patience = Duration::from_secs(5);
        Self { calls: 8, rounds: 5, users: 3, tools: 4, patience, has_users: false }
    }
}

impl IsolationTrials {
    pub(super) fn told(&self) -> String {
        let Self { calls, rounds, users, tools, patience, has_users } = self;
        let among = if *has_users {
            format!("in one session, in several, and of {users} users")
        } else {
            "in one session, and in several".to_owned()
        };
        format!(
            "{rounds} times {calls} calls at once with one id {among}, with each of at most {tools} \
             tools; a few calls with ids of their own; an answer is waited for {}",
            figure::duration(*patience)
        )
    }
}
