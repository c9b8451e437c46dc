//! Text that reads like words: phrases for plain strings, values for the formats we know.

use crate::model::chance::Chance;

/// Most digits after a phrase.
const DIGITS: usize = 9;

/// Plain ASCII, so that a phrase needs no escaping in JSON and its bytes are its characters.
const WORDS: [&str; 96] = [
    "amber", "archive", "atlas", "autumn", "balance", "basin", "beacon", "border", "bridge",
    "budget", "cabin", "canal", "carbon", "castle", "census", "chart", "circle", "climate",
    "coast", "copper", "cotton", "county", "crystal", "delta", "desert", "domain", "eagle",
    "early", "eastern", "energy", "engine", "estate", "export", "fabric", "falcon", "family",
    "ferry", "field", "forest", "galaxy", "garden", "glacier", "granite", "harbour", "harvest",
    "health", "history", "island", "ivory", "journal", "kernel", "lagoon", "language", "lantern",
    "legacy", "library", "linen", "market", "meadow", "medicine", "mineral", "modern", "museum",
    "native", "network", "northern", "ocean", "orchard", "origin", "paper", "pattern", "pepper",
    "planet", "policy", "prairie", "quarry", "railway", "record", "region", "river", "school",
    "season", "signal", "silver", "solar", "spring", "station", "summit", "theory", "timber",
    "trade", "valley", "village", "water", "winter", "yellow",
];

/// One word.
pub(super) fn word(chance: &mut Chance) -> &'static str {
    WORDS[chance.between(0, WORDS.len() as u64 - 1) as usize]
}

/// Appends a whole number.
pub(super) fn integer(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends some words and a number that makes them unlike any other phrase; at least `min` and at
/// most `max` characters.
pub(super) fn phrase(chance: &mut Chance, min: usize, max: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let digits = DIGITS.min(max / 2);
    let room = max.saturating_sub(digits + 1);
    let mut words = chance.between(2, 4);
    while out.len() - start < room && (words > 0 || out.len() - start + digits + 1 < min) {
        if out.len() > start {
            out.push(b' ');
        }
        out.extend_from_slice(word(chance).as_bytes());
        words = words.saturating_sub(1);
    }
    out.truncate(start + room);
    if out.len() > start {
        out.push(b' ');
    }
    for _ in 0..digits {
        out.push(b'0' + chance.between(0, 9) as u8);
    }
    while out.len() - start < min {
        out.push(b'a' + chance.between(0, 25) as u8);
    }
    out.truncate(start + max);
}

/// A `format` that can be honoured (JSON Schema validation, section 7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Date,
    Time,
    DateTime,
    Email,
    Uri,
    Uuid,
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "date" => Self::Date,
            "time" => Self::Time,
            "date-time" => Self::DateTime,
            "email" => Self::Email,
            "uri" | "url" => Self::Uri,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }

    /// Fewest and most characters.
    pub(super) const fn lengths(self) -> (usize, usize) {
        match self {
            Self::Date => (10, 10),
            Self::Time => (9, 9),
            Self::DateTime => (20, 20),
            Self::Email => (18, 40),
            Self::Uri => (25, 50),
            Self::Uuid => (36, 36),
        }
    }

    pub(super) fn make(self, chance: &mut Chance, out: &mut Vec<u8>) {
        match self {
            Self::Date => date(chance, out),
            Self::Time => time(chance, out),
            Self::DateTime => {
                date(chance, out);
                out.push(b'T');
                time(chance, out);
            }
            Self::Email => {
                out.extend_from_slice(word(chance).as_bytes());
                integer(chance.between(10, 99_999_999), out);
                out.extend_from_slice(b"@example.com");
            }
            Self::Uri => {
                out.extend_from_slice(b"https://example.com/");
                out.extend_from_slice(word(chance).as_bytes());
                out.push(b'/');
                integer(chance.between(1, 999_999_999), out);
            }
            Self::Uuid => uuid(chance, out),
        }
    }
}

/// The last 36 years up to 2026; the 28th is a day of every month.
fn date(chance: &mut Chance, out: &mut Vec<u8>) {
    integer(chance.between(1991, 2026), out);
    out.push(b'-');
    two_digits(chance.between(1, 12), out);
    out.push(b'-');
    two_digits(chance.between(1, 28), out);
}

fn time(chance: &mut Chance, out: &mut Vec<u8>) {
    two_digits(chance.between(0, 23), out);
    out.push(b':');
    two_digits(chance.between(0, 59), out);
    out.push(b':');
    two_digits(chance.between(0, 59), out);
    out.push(b'Z');
}

fn two_digits(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

/// Version 4, variant 10 (RFC 9562, section 5.4).
fn uuid(chance: &mut Chance, out: &mut Vec<u8>) {
    let bits = u128::from(chance.bits()) << 64 | u128::from(chance.bits());
    let bits = bits & !(0xf << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
    for digit in 0..32 {
        if matches!(digit, 8 | 12 | 16 | 20) {
            out.push(b'-');
        }
        hex_digit((bits >> (124 - 4 * digit)) as u8, out);
    }
}

/// Appends 16 hexadecimal digits.
pub(super) fn hex(bits: u64, out: &mut Vec<u8>) {
    for digit in 0..16 {
        hex_digit((bits >> (60 - 4 * digit)) as u8, out);
    }
}

fn hex_digit(nibble: u8, out: &mut Vec<u8>) {
    out.push(b"0123456789abcdef"[usize::from(nibble & 0xf)]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::chance::{Key, Purpose};
    use super::*;

    fn made(make: impl Fn(&mut Chance, &mut Vec<u8>), seed: u64) -> String {
        let mut out = b"[".to_vec();
        make(&mut Key::of_run(seed, 0).draw(Purpose::Arguments), &mut out);
        String::from_utf8(out.split_off(1)).unwrap()
    }

    #[test]
    fn formats_look_as_they_should() {
        let table = [
            ("date", r"^\d{4}-[01]\d-[0-3]\d$"),
            ("time", r"^[0-2]\d:[0-5]\d:[0-5]\dZ$"),
            ("date-time", r"^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\dZ$"),
            ("email", r"^[a-z]+\d+@example\.com$"),
            ("uri", r"^https://example\.com/[a-z]+/\d+$"),
            ("uuid", r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"),
        ];
        for (name, pattern) in table {
            let format = Format::named(name).unwrap();
            let pattern = regex::Regex::new(pattern).unwrap();
            for seed in 0..200 {
                let text = made(|chance, out| format.make(chance, out), seed);
                assert!(pattern.is_match(&text), "{name}: {text}");
                let (least, most) = format.lengths();
                assert!((least..=most).contains(&text.len()), "{name}: {text}");
            }
        }
    }

    #[test]
    fn words_need_no_escaping() {
        assert!(WORDS.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
    }

    proptest! {
        #[test]
        fn phrases_keep_their_bounds(seed: u64, min in 0..200_usize, more in 0..60_usize) {
            let text = made(|chance, out| phrase(chance, min, min + more, out), seed);
            prop_assert!((min..=min + more).contains(&text.len()), "{text}");
        }
    }
}
