//! Durations as people write them: `300ms`, `1.5s`, `2m`, `1h`, `250us`.
//!
//! ```text
//! duration = number unit
//! number   = digit+ [ "." digit+ ]
//! unit     = "ns" | "us" | "µs" | "ms" | "s" | "m" | "h"
//! ```
//!
//! Parsing is exact: what is finer than a nanosecond is refused, not rounded.

use std::fmt;
use std::time::Duration;

/// The longest duration that can be written or drawn: 365 days. Beyond it sums of instants would
/// overflow, and nobody means it.
pub const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Units from the coarsest, with their nanoseconds.
const UNITS: [(&str, u128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// No number in front.
    #[error("`{0}` does not begin with a number; write a duration such as \"300ms\" or \"2m\"")]
    NoNumber(String),
    /// A number alone.
    #[error("`{0}` has no unit; write one of ns, us, ms, s, m, h after it, such as \"{0}s\"")]
    NoUnit(String),
    /// A unit that is none.
    #[error("`{1}` in `{0}` is not a unit; use one of ns, us, ms, s, m, h")]
    UnknownUnit(String, String),
    /// More digits than nanoseconds have.
    #[error("`{0}` is finer than a nanosecond; write fewer digits or a larger value")]
    TooFine(String),
    /// Longer than [`LONGEST`].
    #[error("`{0}` is too long; the longest duration is 8760h (365 days)")]
    TooLong(String),
}

/// Reads a duration.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let (number, unit) = split_number(text);
    if number.is_empty() {
        return Err(DurationError::NoNumber(text.to_owned()));
    }
    if unit.is_empty() {
        return Err(DurationError::NoUnit(text.to_owned()));
    }
    let name = if unit == "µs" { "us" } else { unit };
    let nanos_per_unit = UNITS
        .iter()
        .find_map(|(known, nanos)| (*known == name).then_some(*nanos))
        .ok_or_else(|| DurationError::UnknownUnit(text.to_owned(), unit.to_owned()))?;
    let nanos = nanoseconds(number, nanos_per_unit, text)?;
    if nanos > LONGEST.as_nanos() {
        return Err(DurationError::TooLong(text.to_owned()));
    }
    Ok(Duration::from_nanos(nanos as u64))
}

/// The number in front (digits, perhaps one point with digits after it) and the rest.
fn split_number(text: &str) -> (&str, &str) {
    let digits = |from: usize| {
        text[from..]
            .bytes()
            .position(|byte| !byte.is_ascii_digit())
            .map_or(text.len(), |at| from + at)
    };
    let whole = digits(0);
    let end = match text.as_bytes().get(whole) {
        Some(b'.') if whole > 0 && digits(whole + 1) > whole + 1 => digits(whole + 1),
        _ => whole,
    };
    text.split_at(end)
}

fn nanoseconds(number: &str, nanos_per_unit: u128, text: &str) -> Result<u128, DurationError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    let whole: u128 = match whole.parse() {
        Ok(whole) if whole <= LONGEST.as_nanos() => whole,
        _ => return Err(DurationError::TooLong(text.to_owned())),
    };
    if fraction.len() > 18 {
        return Err(DurationError::TooFine(text.to_owned()));
    }
    let scale = 10_u128.pow(fraction.len() as u32);
    let part = fraction.parse::<u128>().unwrap_or(0) * nanos_per_unit;
    if !part.is_multiple_of(scale) {
        return Err(DurationError::TooFine(text.to_owned()));
    }
    Ok(whole * nanos_per_unit + part / scale)
}

/// A duration printed in its shortest exact form with a number of at least 1 (`1.5s`, not
/// `1500ms`, and `300ms`, not `0.3s`); [`parse`] reads it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown(pub Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let shortest = UNITS
            .iter()
            .filter(|(_, nanos_per_unit)| nanos >= *nanos_per_unit)
            .filter_map(|(unit, nanos_per_unit)| exact(nanos, *nanos_per_unit, unit))
            .min_by_key(String::len);
        f.pad(shortest.as_deref().unwrap_or("0s"))
    }
}

/// The value in this unit, if it has a finite decimal form.
fn exact(nanos: u128, nanos_per_unit: u128, unit: &str) -> Option<String> {
    let (whole, rest) = (nanos / nanos_per_unit, nanos % nanos_per_unit);
    if rest == 0 {
        return Some(format!("{whole}{unit}"));
    }
    (1..=12).find_map(|places: u32| {
        let scaled = rest * 10_u128.pow(places);
        scaled.is_multiple_of(nanos_per_unit).then(|| {
            let fraction = scaled / nanos_per_unit;
            format!("{whole}.{fraction:0width$}{unit}", width = places as usize)
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_and_their_durations() {
        let table = [
            ("300ms", 300_000_000, "300ms"),
            ("2m", 120_000_000_000, "2m"),
            ("1.5s", 1_500_000_000, "1.5s"),
            ("1500ms", 1_500_000_000, "1.5s"),
            ("1h", 3_600_000_000_000, "1h"),
            ("90s", 90_000_000_000, "90s"),
            ("250us", 250_000, "250us"),
            ("250µs", 250_000, "250us"),
            ("0.25ms", 250_000, "250us"),
            ("0.000000001s", 1, "1ns"),
            ("0h", 0, "0s"),
            ("007.50s", 7_500_000_000, "7.5s"),
            ("1.05s", 1_050_000_000, "1.05s"),
        ];
        for (text, nanos, shown) in table {
            let duration = Duration::from_nanos(nanos);
            assert_eq!(parse(text), Ok(duration), "{text}");
            assert_eq!(Shown(duration).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn mistakes_say_what_would_be_right() {
        let table = [
            ("", "does not begin with a number"),
            ("fast", "does not begin with a number"),
            ("-3s", "does not begin with a number"),
            (".5s", "does not begin with a number"),
            ("5", "such as \"5s\""),
            ("5 s", "` s` in `5 s` is not a unit"),
            ("5min", "`min` in `5min` is not a unit"),
            ("5.s", "`.s` in `5.s` is not a unit"),
            ("1.5ns", "finer than a nanosecond"),
            ("9000h", "8760h"),
            ("99999999999999999999999999999999999999999999s", "8760h"),
        ];
        for (text, part) in table {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    proptest! {
        #[test]
        fn shown_durations_parse_back(nanos in 0..=LONGEST.as_nanos() as u64, coarse in 0..10_u32) {
            let duration = Duration::from_nanos(nanos / 10_u64.pow(coarse) * 10_u64.pow(coarse));
            prop_assert_eq!(parse(&Shown(duration).to_string()), Ok(duration));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            drop(parse(&text));
        }
    }
}
