//! Rates as people write them: `60/min`, `5/s`, `100/h`.
//!
//! ```text
//! rate = number "/" ( "s" | "min" | "h" )
//! ```

use std::fmt;

/// Units with their seconds.
const UNITS: [(&str, f64); 3] = [("s", 1.0), ("min", 60.0), ("h", 3600.0)];

/// The highest rate that can be written, per second.
pub const HIGHEST: f64 = 1e9;

/// Why a text is no rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// No slash.
    #[error("`{0}` has no unit; write a rate such as \"5/s\", \"60/min\" or \"100/h\"")]
    NoUnit(String),
    /// A unit that is none.
    #[error("`{1}` in `{0}` is not a unit of a rate; use /s, /min or /h")]
    UnknownUnit(String, String),
    /// No number, or one below zero, or without end.
    #[error("`{1}` in `{0}` is not a number of at least 0")]
    NotANumber(String, String),
    /// Above [`HIGHEST`].
    #[error("`{0}` is too high; the highest rate is 1000000000/s")]
    TooHigh(String),
}

/// Reads a rate, in events per second.
pub fn parse(text: &str) -> Result<f64, RateError> {
    let (number, unit) = text.split_once('/').ok_or_else(|| RateError::NoUnit(text.to_owned()))?;
    let seconds = UNITS
        .iter()
        .find_map(|(known, seconds)| (*known == unit).then_some(*seconds))
        .ok_or_else(|| RateError::UnknownUnit(text.to_owned(), unit.to_owned()))?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let count: f64 = match number.parse() {
        Ok(count) if plain => count,
        _ => return Err(RateError::NotANumber(text.to_owned(), number.to_owned())),
    };
    let rate = count / seconds;
    if rate > HIGHEST { Err(RateError::TooHigh(text.to_owned())) } else { Ok(rate) }
}

/// A rate per second, printed in the unit that makes it shortest; [`parse`] reads it back exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown(pub f64);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shortest = UNITS
            .iter()
            .filter_map(|(unit, seconds)| exact(self.0, *seconds, unit))
            .min_by_key(String::len);
        f.pad(&shortest.unwrap_or_else(|| format!("{}/s", self.0)))
    }
}

/// The rate in this unit: rounded to what a person would write if that is still the same rate.
fn exact(rate: f64, seconds: f64, unit: &str) -> Option<String> {
    let number = rate * seconds;
    let round = format!("{}/{unit}", (number * 1e6).round() / 1e6);
    [round, format!("{number}/{unit}")].into_iter().find(|text| parse(text) == Ok(rate))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_and_their_rates() {
        let table = [
            ("60/min", 1.0, "1/s"),
            ("5/s", 5.0, "5/s"),
            ("100/h", 100.0 / 3600.0, "100/h"),
            ("0/s", 0.0, "0/s"),
            ("0.5/s", 0.5, "0.5/s"),
            ("7/min", 7.0 / 60.0, "7/min"),
        ];
        for (text, rate, shown) in table {
            assert_eq!(parse(text), Ok(rate), "{text}");
            assert_eq!(Shown(rate).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn mistakes_say_what_would_be_right() {
        let table = [
            ("60", "such as \"5/s\""),
            ("60/day", "use /s, /min or /h"),
            ("/s", "`` in `/s` is not a number"),
            ("-1/s", "`-1` in `-1/s` is not a number of at least 0"),
            ("inf/s", "not a number"),
            ("1e300/s", "not a number"),
            ("99999999999/s", "highest rate"),
        ];
        for (text, part) in table {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    proptest! {
        #[test]
        fn shown_rates_parse_back(
            count in 0..1_000_000_u32,
            thousandths in 0..1000_u32,
            unit in 0..3_usize,
        ) {
            let (unit, _) = UNITS[unit];
            let rate = parse(&format!("{count}.{thousandths:03}/{unit}")).unwrap();
            prop_assert_eq!(parse(&Shown(rate).to_string()), Ok(rate));
        }
    }
}
