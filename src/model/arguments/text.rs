//! Text that reads like words: phrases for plain strings, short names for identifiers.

use crate::model::chance::Chance;
use crate::model::nonce::PLACE;

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
    words(chance, (min, max), digits, out);
    for _ in 0..digits {
        out.push(b'0' + chance.between(0, 9) as u8);
    }
    fill(chance, min, start, out);
    out.truncate(start + max);
}

/// Appends some words and the place of a nonce, for which `max` characters have room.
pub(super) fn marked(chance: &mut Chance, min: usize, max: usize, out: &mut Vec<u8>) {
    let start = out.len();
    words(chance, (min, max), PLACE.len(), out);
    out.extend_from_slice(PLACE);
    fill(chance, min, start, out);
}

/// Appends words, and a blank after them, so that there is room for `more` characters.
fn words(chance: &mut Chance, (min, max): (usize, usize), more: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let room = max.saturating_sub(more + 1);
    let mut words = chance.between(2, 4);
    while out.len() - start < room && (words > 0 || out.len() - start + more + 1 < min) {
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
}

/// Appends letters until there are `min` characters.
fn fill(chance: &mut Chance, min: usize, start: usize, out: &mut Vec<u8>) {
    while out.len() - start < min {
        out.push(b'a' + chance.between(0, 25) as u8);
    }
}

/// Appends one word and a number, `amber-31415926`: at least `min` and at most `max` characters.
pub(super) fn identifier(chance: &mut Chance, min: usize, max: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(word(chance).as_bytes());
    out.push(b'-');
    integer(chance.between(10_000_000, 99_999_999), out);
    while out.len() - start < min {
        out.push(b'0' + chance.between(0, 9) as u8);
    }
    // The digits at the end tell identifiers apart, so that a short one is made of them.
    if out.len() - start > max {
        out.drain(start..out.len() - max);
    }
}

/// Appends 16 hexadecimal digits.
pub(super) fn hex(bits: u64, out: &mut Vec<u8>) {
    for digit in 0..16 {
        hex_digit((bits >> (60 - 4 * digit)) as u8, out);
    }
}

pub(super) fn hex_digit(nibble: u8, out: &mut Vec<u8>) {
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
    fn words_need_no_escaping() {
        assert!(WORDS.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
    }

    proptest! {
        #[test]
        fn phrases_keep_their_bounds(seed: u64, min in 0..200_usize, more in 0..60_usize) {
            let text = made(|chance, out| phrase(chance, min, min + more, out), seed);
            prop_assert!((min..=min + more).contains(&text.len()), "{text}");
            let room = PLACE.len() + more;
            let text = made(|chance, out| marked(chance, min.min(room), room, out), seed);
            prop_assert!((min.min(room)..=room).contains(&text.len()), "{text}");
            prop_assert!(text.contains(std::str::from_utf8(PLACE).unwrap()));
            let text = made(|chance, out| identifier(chance, min, min + more, out), seed);
            prop_assert!((min..=min + more).contains(&text.len()), "{text}");
        }
    }
}
