//! Strings of a `format` (JSON Schema validation, section 7.3, and names that servers use).

use crate::model::chance::Chance;

use super::text::{hex, hex_digit, integer, word};

/// A format that can be honoured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Date,
    Time,
    DateTime,
    Duration,
    Email,
    Hostname,
    Ipv4,
    Ipv6,
    Uri,
    Uuid,
    Pointer,
    RelativePointer,
    Path,
    Regex,
    Base64,
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "date" => Self::Date,
            "time" => Self::Time,
            "date-time" => Self::DateTime,
            "duration" => Self::Duration,
            "email" | "idn-email" => Self::Email,
            "hostname" | "idn-hostname" => Self::Hostname,
            "ipv4" | "ipvanyaddress" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "uri" | "url" | "uri-reference" | "iri" | "iri-reference" | "uri-template" => Self::Uri,
            "uuid" | "uuid4" | "guid" => Self::Uuid,
            "json-pointer" => Self::Pointer,
            "relative-json-pointer" => Self::RelativePointer,
            "path" | "file-path" | "directory-path" => Self::Path,
            "regex" => Self::Regex,
            "byte" | "base64" | "base64url" => Self::Base64,
            _ => return None,
        })
    }

    /// Whether it says how a text is shown, not what it is.
    pub(super) fn is_any_text(name: &str) -> bool {
        matches!(name, "" | "text" | "string" | "password" | "binary" | "textarea" | "multiline")
    }

    /// Fewest and most characters.
    pub(super) const fn lengths(self) -> (usize, usize) {
        match self {
            Self::Date => (10, 10),
            Self::Time => (9, 9),
            Self::DateTime => (20, 20),
            Self::Duration => (6, 8),
            Self::Email => (18, 40),
            Self::Hostname => (16, 40),
            Self::Ipv4 => (8, 14),
            Self::Ipv6 => (19, 19),
            Self::Uri => (25, 50),
            Self::Uuid => (36, 36),
            Self::Pointer => (6, 24),
            Self::RelativePointer => (7, 25),
            Self::Path => (10, 40),
            Self::Regex => (10, 26),
            Self::Base64 => (16, 16),
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
            Self::Duration => numbers(chance, &[("P", 1, 30), ("DT", 1, 23)], "H", out),
            Self::Email => worded(chance, "", "", 99_999_999, "@example.com", out),
            Self::Hostname => worded(chance, "", "", 999_999_999, ".example.com", out),
            // Addresses kept for private networks (RFC 1918) and documentation (RFC 3849).
            Self::Ipv4 => {
                numbers(chance, &[("10.", 0, 255), (".", 0, 255), (".", 1, 254)], "", out);
            }
            Self::Ipv6 => {
                numbers(chance, &[("2001:db8::", 1000, 9999), (":", 1000, 9999)], "", out);
            }
            Self::Uri => worded(chance, "https://example.com/", "/", 999_999_999, "", out),
            Self::Uuid => uuid(chance, out),
            Self::Pointer => worded(chance, "/", "/", 999_999_999, "", out),
            Self::RelativePointer => worded(chance, "1/", "/", 999_999_999, "", out),
            Self::Path => worded(chance, "/", "/", 999_999_999, ".txt", out),
            Self::Regex => worded(chance, "^", "[0-9]{1,", 99, "}$", out),
            // Twelve bytes of text that is its own alphabet: no padding.
            Self::Base64 => hex(chance.bits(), out),
        }
    }
}

/// A word and a number of at least two digits, with something before, between and after.
fn worded(
    chance: &mut Chance,
    before: &str,
    between: &str,
    most: u64,
    after: &str,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(word(chance).as_bytes());
    out.extend_from_slice(between.as_bytes());
    integer(chance.between(10, most), out);
    out.extend_from_slice(after.as_bytes());
}

/// Numbers, each within its bounds and after its text.
fn numbers(chance: &mut Chance, parts: &[(&str, u64, u64)], after: &str, out: &mut Vec<u8>) {
    for (before, from, to) in parts {
        out.extend_from_slice(before.as_bytes());
        integer(chance.between(*from, *to), out);
    }
    out.extend_from_slice(after.as_bytes());
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

#[cfg(test)]
mod tests {
    use super::super::super::chance::{Key, Purpose};
    use super::*;

    #[test]
    fn formats_look_as_they_should() {
        let table = [
            ("date", r"^\d{4}-[01]\d-[0-3]\d$"),
            ("time", r"^[0-2]\d:[0-5]\d:[0-5]\dZ$"),
            ("date-time", r"^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\dZ$"),
            ("duration", r"^P\d{1,2}DT\d{1,2}H$"),
            ("email", r"^[a-z]+\d+@example\.com$"),
            ("hostname", r"^[a-z]+\d+\.example\.com$"),
            ("ipv4", r"^10(\.\d{1,3}){3}$"),
            ("ipv6", r"^2001:db8::\d{4}:\d{4}$"),
            ("uri", r"^https://example\.com/[a-z]+/\d+$"),
            ("uuid", r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"),
            ("json-pointer", r"^/[a-z]+/\d+$"),
            ("relative-json-pointer", r"^1/[a-z]+/\d+$"),
            ("file-path", r"^/[a-z]+/\d+\.txt$"),
            ("regex", r"^\^[a-z]+\[0-9\]\{1,\d+\}\$$"),
            ("base64", r"^[0-9a-f]{16}$"),
        ];
        for (name, pattern) in table {
            let format = Format::named(name).unwrap();
            let pattern = regex::Regex::new(pattern).unwrap();
            for seed in 0..300 {
                let mut out = Vec::new();
                format.make(&mut Key::of_run(seed, 0).draw(Purpose::Arguments), &mut out);
                let text = String::from_utf8(out).unwrap();
                assert!(pattern.is_match(&text), "{name}: {text}");
                let (least, most) = format.lengths();
                assert!((least..=most).contains(&text.len()), "{name}: {text}");
            }
        }
    }
}
