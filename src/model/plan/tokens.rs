//! What must hold of users' tokens: the values of `[expect] tokens`.

use std::fmt;
use std::time::Duration;

use crate::model::duration::Shown;

/// What must hold of users' tokens; nothing is asked of what is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TokenLimits {
    /// The most users that may need a new login.
    pub lost: Option<Most>,
    /// The longest that a user whose token was refused may wait for its next good answer.
    pub served_again: Option<Duration>,
    /// The most requests at the token endpoint and at the MCP endpoint, as a multiple of those
    /// of a plain course, where each token is asked for once and each request sent once.
    pub amplification: Option<f64>,
    /// The most access tokens that may be refused before their lifetime is over.
    pub refused_early: Option<u32>,
    /// So long after its rotation the old refresh token is still good, and no longer.
    pub grace: Option<Duration>,
    /// Each refresh replaces the refresh token.
    pub rotation: bool,
    /// After a race the tokens that the first process got are still good.
    pub winner_alive: bool,
}

/// A number of users, or a share of them all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Most {
    /// So many.
    Users(u32),
    /// 0 to 1.
    Share(f64),
}

impl Most {
    /// Whether `count` of `all` is more.
    pub fn is_passed(self, count: u64, all: u64) -> bool {
        match self {
            Self::Users(most) => count > u64::from(most),
            Self::Share(most) => count as f64 > most * all as f64,
        }
    }
}

/// As in a scenario.
impl fmt::Display for Most {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Users(most) => write!(f, "{most}"),
            Self::Share(most) => write!(f, "\"{}%\"", most * 100.0),
        }
    }
}

impl TokenLimits {
    /// Each limit that is set, as a scenario has it: `tokens.lost = 0`.
    pub fn written(&self) -> impl Iterator<Item = String> {
        let time = |name: &str, time: Duration| format!("tokens.{name} = \"{}\"", Shown(time));
        [
            self.lost.map(|most| format!("tokens.lost = {most}")),
            self.served_again.map(|most| time("served_again", most)),
            self.amplification.map(|most| format!("tokens.amplification = {most}")),
            self.refused_early.map(|most| format!("tokens.refused_early = {most}")),
            self.grace.map(|grace| time("grace", grace)),
            self.rotation.then(|| "tokens.rotation = true".to_owned()),
            self.winner_alive.then(|| "tokens.winner = \"alive\"".to_owned()),
        ]
        .into_iter()
        .flatten()
    }
}
