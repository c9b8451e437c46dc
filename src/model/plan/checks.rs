//! What active checks hold a target to: those values of `[expect] tokens` that need a behaviour
//! `check-...`, and what goes with them.

use std::time::Duration;

use crate::model::behaviour::{Behaviour, Check};
use crate::model::duration::Shown;

/// How far from its end a token may still be accepted, or already be refused, where nothing else is
/// declared: `expires_in` and `exp` are whole seconds, and clocks differ a little.
pub const SKEW: Duration = Duration::from_secs(2);

/// What access tokens and registrations are held to; nothing is asked of what is `None` or false.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckLimits {
    /// The `expires_in` of every access token.
    pub lifetime: Option<Duration>,
    /// So far from its end a token may be accepted or refused; none: [`SKEW`].
    pub skew: Option<Duration>,
    /// Expired tokens are refused.
    pub expired: bool,
    /// Tokens for another resource are refused.
    pub foreign: bool,
    /// The most clients that one address may register.
    pub registrations: Option<u32>,
}

impl CheckLimits {
    /// How far from its end a token may be accepted or refused.
    pub fn skew(&self) -> Duration {
        self.skew.unwrap_or(SKEW)
    }

    /// The same, with what a behaviour that checks something asks for unsaid.
    #[must_use]
    pub fn asked_by(mut self, behaviour: &Behaviour) -> Self {
        match behaviour.check() {
            Some(Check::ExpiredToken(_)) => self.expired = true,
            Some(Check::WrongAudience(_)) => self.foreign = true,
            Some(Check::RegistrationFlood | Check::RateLimit(_) | Check::Script(_)) | None => {}
        }
        self
    }

    /// Those that are set and need a behaviour of their own, with its name: how a scenario has
    /// them, and whether this behaviour is the one.
    pub fn active(&self, behaviour: &Behaviour) -> Vec<Active> {
        let check = behaviour.check().map(Check::name);
        let all = [
            (self.expired.then(|| "tokens.expired = \"refused\"".to_owned()), EXPIRED_TOKEN),
            (self.foreign.then(|| "tokens.foreign = \"refused\"".to_owned()), AUDIENCE),
            (self.registrations.map(|most| format!("tokens.registrations = {most}")), FLOOD),
        ];
        let all = all.into_iter().filter_map(|(text, needs)| Some((text?, needs)));
        all.map(|(text, needs)| Active { text, needs, is_made: check == Some(needs) }).collect()
    }

    /// The declared lifetime as a scenario has it.
    pub fn lifetime_written(&self) -> Option<String> {
        self.lifetime.map(|lifetime| format!("tokens.lifetime = \"{}\"", Shown(lifetime)))
    }
}

/// An expectation that only a behaviour of its own can show to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    /// As a scenario has it.
    pub text: String,
    /// The behaviour that it needs.
    pub needs: &'static str,
    /// Whether that is the one of this load.
    pub is_made: bool,
}

/// The behaviour that goes on presenting a token past its end.
pub const EXPIRED_TOKEN: &str = "check-expired-token";
/// The behaviour that presents a token for another resource.
pub const AUDIENCE: &str = "check-wrong-audience";
/// The behaviour that registers one client after another.
pub const FLOOD: &str = "check-registration-flood";
/// The behaviour that looks for a rate limit.
pub const RATE_LIMIT: &str = "check-rate-limit";
/// The behaviour that tries what becomes of sessions.
pub const SESSIONS: &str = "check-sessions";
/// The behaviour that leaves calls in the middle of their answers.
pub const ABORTS: &str = "check-abort-liveness";
/// The behaviour that cancels calls.
pub const CANCELS: &str = "check-cancel";
/// The behaviour that holds streams on which nothing happens.
pub const SILENCES: &str = "check-idle-streams";
/// The behaviour that tries whether every answer is its own call's.
pub const ISOLATION: &str = "check-isolation";
/// The behaviour that tries whether sessions are found from everywhere.
pub const AFFINITY: &str = "check-affinity";
/// The behaviour that tries whether slow calls keep cheap requests waiting.
pub const STARVATION: &str = "check-starvation";
/// The behaviour that makes calls at once.
pub const PARALLEL: &str = "check-parallel-scaling";
/// The behaviour that reads slowly what it asked for.
pub const SLOW_CONSUMER: &str = "check-slow-consumer";
