//! Durations as scenarios write them: `300ms`, `2m`, `1.5s`.

use std::fmt;
use std::time::Duration;

/// Units with their length in nanoseconds; longer names first where one begins with another.
const UNITS: [(&str, f64); 6] =
    [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];

/// A text that is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found `{found}`, expected a number and a unit, such as `300ms`, `2s` or `5m`")]
pub struct NotADuration {
    found: String,
}

/// Reads a number with a unit: ns, us, ms, s, m or h.
pub fn parse(text: &str) -> Result<Duration, NotADuration> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let length = UNITS.iter().find(|(name, _)| *name == unit.trim_start());
    match (number.parse::<f64>(), length) {
        (Ok(number), Some((_, nanos))) if number * nanos < 1e18 => {
            Ok(Duration::from_nanos((number * nanos).round() as u64))
        }
        _ => Err(NotADuration { found: text.to_owned() }),
    }
}

/// A duration shown so that [`parse`] reads it back.
#[derive(Debug, Clone, Copy)]
pub struct Shown(pub Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            return f.write_str("0s");
        }
        let whole = UNITS.iter().rev().find(|(_, length)| nanos % (*length as u128) == 0);
        let (unit, length) = whole.copied().unwrap_or(UNITS[0]);
        write!(f, "{}{unit}", nanos / length as u128)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_reads_back() {
        for text in ["300ms", "2m", "0s", "7us", "90s", "1h"] {
            let value = parse(text).unwrap();
            assert_eq!(parse(&Shown(value).to_string()), Ok(value));
        }
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        for text in ["", "5", "ms", "5 parsecs", "1..2s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
