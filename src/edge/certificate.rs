//! How long a certificate is good: as much of X.509 as that takes. (RFC 5280, section 4.1.)

/// When a certificate ends, in seconds since 1970; `None` where it cannot be read.
pub fn not_after(der: &[u8]) -> Option<i64> {
    let (_, certificate) = Der(der).element(SEQUENCE)?;
    let (_, mut body) = Der(certificate).element(SEQUENCE)?;
    if body.first() == Some(&VERSION) {
        (body, _) = Der(body).element(VERSION)?;
    }
    // Serial number, signature algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        (body, _) = Der(body).element(tag)?;
    }
    let (_, validity) = Der(body).element(SEQUENCE)?;
    let (rest, _) = Der(validity).any()?;
    let (tag, time) = (*rest.first()?, Der(rest).any()?.1);
    time_of(tag, std::str::from_utf8(time).ok()?)
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Bytes that begin with an element.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// What follows the first element, and what is in it, if it has this tag.
    fn element(&self, tag: u8) -> Option<(&'a [u8], &'a [u8])> {
        self.any().filter(|_| self.0.first() == Some(&tag))
    }

    fn any(&self) -> Option<(&'a [u8], &'a [u8])> {
        let (first, mut rest) = self.0.get(1..)?.split_first()?;
        let length = match first {
            0..=0x7f => usize::from(*first),
            // A certificate is not longer than four bytes of length can say.
            0x81..=0x84 => {
                let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
                rest = after;
                bytes.iter().try_fold(0usize, |length, byte| {
                    length.checked_mul(256)?.checked_add(usize::from(*byte))
                })?
            }
            _ => return None,
        };
        rest.split_at_checked(length).map(|(content, rest)| (rest, content))
    }
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` (RFC 5280, section 4.1.2.5).
fn time_of(tag: u8, text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z').filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let year: i64 = digits.get(..2)?.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, digits.get(2..)?)
        }
        (GENERALIZED_TIME, 14) => (digits.get(..4)?.parse().ok()?, digits.get(4..)?),
        _ => return None,
    };
    let two = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
    let days = days_before(year, two(0)?, two(2)?);
    Some(((days * 24 + two(4)?) * 60 + two(6)?) * 60 + two(8)?)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, counted in years that begin in March,
/// so that a leap day is a year's last.
const fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_of_time() {
        for (tag, text, expected) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "000229235959Z", Some(951_868_799)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
            (GENERALIZED_TIME, "500101000000Z", None),
            (UTC_TIME, "700101000000", None),
            (UTC_TIME, "70010100000xZ", None),
        ] {
            assert_eq!(time_of(tag, text), expected, "{text}");
        }
    }

    #[test]
    fn the_end_of_a_certificate_is_read() {
        let key = rcgen::KeyPair::generate().unwrap();
        for (year, expected) in [(2030, 1_900_454_400), (2051, 2_563_142_400)] {
            let mut wanted = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
            wanted.not_after = rcgen::date_time_ymd(year, 3, 23);
            let made = wanted.self_signed(&key).unwrap();
            assert_eq!(not_after(made.der()), Some(expected));
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_only_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _any = not_after(&bytes);
        }
    }
}
