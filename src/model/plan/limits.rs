//! Rate limits as people declare them: so many in a time, how many at once, and per what.

use std::fmt;
use std::time::Duration;

use crate::model::duration::{self, Shown};

/// So many requests in each stretch of time: `60/min`, `20/2s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests, at least one.
    pub count: u32,
    /// In this time, which is above zero.
    pub window: Duration,
}

/// What a scenario's reader says a wrong one should be.
pub const SUCH: &str = "an allowance such as \"60/min\", \"1000/h\" or \"20/2s\"";

/// The longest stretch of time that an allowance is about.
const LONGEST: Duration = Duration::from_secs(86_400);

impl Allowance {
    /// Reads one: a whole number, a slash, and `s`, `min`, `h`, `day` or a duration.
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let is_plain = count.bytes().all(|byte| byte.is_ascii_digit());
        let count = count.parse().ok().filter(|count| is_plain && *count > 0)?;
        let seconds = match unit {
            "s" => Some(1),
            "min" => Some(60),
            "h" => Some(3_600),
            "day" => Some(86_400),
            _ => None,
        };
        let window = match seconds {
            Some(seconds) => Duration::from_secs(seconds),
            None => duration::parse(unit).ok()?,
        };
        (Duration::from_millis(1)..=LONGEST).contains(&window).then_some(Self { count, window })
    }

    /// Requests a second in the long run.
    pub fn rate(&self) -> f64 {
        f64::from(self.count) / self.window.as_secs_f64()
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, window } = self;
        match window.as_millis() {
            1_000 => write!(f, "{count}/s"),
            60_000 => write!(f, "{count}/min"),
            3_600_000 => write!(f, "{count}/h"),
            86_400_000 => write!(f, "{count}/day"),
            _ => write!(f, "{count}/{}", Shown(*window)),
        }
    }
}

/// What a limit counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Per {
    /// Whoever the credential says it is.
    User,
    /// The address that the request came from.
    Address,
    /// The session of MCP.
    Session,
    /// The tool, whoever calls it.
    Tool,
    /// Everything together.
    All,
}

impl Per {
    /// Each, by its word.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("user", Self::User),
        ("address", Self::Address),
        ("session", Self::Session),
        ("tool", Self::Tool),
        ("all", Self::All),
    ];

    /// Its word in scenarios.
    pub fn word(self) -> &'static str {
        word(&Self::WORDS, &self)
    }
}

/// How a limit says that it was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Says {
    /// HTTP 429, whatever its body.
    Status429,
    /// HTTP 503 with `Retry-After`.
    Status503,
    /// HTTP 200 with a JSON-RPC error.
    RpcError,
    /// HTTP 200 with a result that has `isError`.
    IsError,
}

impl Says {
    /// Each, by its word.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("429", Self::Status429),
        ("503", Self::Status503),
        ("200-error", Self::RpcError),
        ("200-is-error", Self::IsError),
    ];

    /// Its word in scenarios.
    pub fn word(self) -> &'static str {
        word(&Self::WORDS, &self)
    }
}

/// The word of a value that has one.
pub(super) fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, its)| its == value).map_or("", |(word, _)| word)
}

/// A limit that a target is held to; nothing is asked of what is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// How much it allows.
    pub allow: Allowance,
    /// How many at once after a rest.
    pub burst: Option<u32>,
    /// What it counts by.
    pub per: Option<Per>,
    /// Every refusal says when to come again.
    pub retry_after: bool,
    /// How it refuses.
    pub signal: Option<Says>,
}

/// The one of several limits that a single client runs into first: that fewest calls at once exhaust.
pub fn tightest(limits: &[Declared]) -> Option<(usize, &Declared)> {
    let order = |limit: &Declared| (limit.at_once(), limit.allow.rate());
    limits.iter().enumerate().min_by(|(_, one), (_, other)| {
        let ((one, rate), (other, other_rate)) = (order(one), order(other));
        one.cmp(&other).then(rate.total_cmp(&other_rate))
    })
}

impl Declared {
    /// How many at once it has to serve after a rest.
    pub fn at_once(&self) -> u32 {
        self.burst.unwrap_or(self.allow.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowances_print_and_parse_back() {
        let table = [
            ("60/min", 60, 60_000),
            ("20/2s", 20, 2_000),
            ("5/s", 5, 1_000),
            ("1000/h", 1_000, 3_600_000),
            ("10000/10m", 10_000, 600_000),
            ("100/day", 100, 86_400_000),
            ("3/250ms", 3, 250),
        ];
        for (text, count, millis) in table {
            let allowance = Allowance { count, window: Duration::from_millis(millis) };
            assert_eq!(Allowance::parse(text), Some(allowance), "{text}");
            assert_eq!(Allowance::parse(&allowance.to_string()), Some(allowance), "{allowance}");
        }
        let wrong =
            ["", "60", "60/", "/min", "0/s", "1.5/s", "+5/s", "5/0s", "5/fortnight", "5/25h"];
        for text in wrong {
            assert_eq!(Allowance::parse(text), None, "{text}");
        }
        assert!((Allowance::parse("20/2s").unwrap().rate() - 10.0).abs() < 1e-9);
    }

    #[test]
    fn words_are_told_back() {
        assert_eq!(Per::WORDS.map(|(word, per)| per.word() == word), [true; 5]);
        assert_eq!(Says::WORDS.map(|(word, says)| says.word() == word), [true; 4]);
    }
}
