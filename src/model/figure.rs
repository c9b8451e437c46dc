//! Numbers as a person reads them: three digits and a unit.

use std::time::Duration;

/// A time in microseconds: `83us`, `4.12ms`, `1.24s`, `2m 5s`.
pub fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us}us"),
        1_000..1_000_000 => format!("{}ms", three(us as f64 / 1e3)),
        1_000_000..120_000_000 => format!("{}s", three(us as f64 / 1e6)),
        _ => {
            let seconds = us / 1_000_000;
            match seconds {
                0..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
                _ => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
            }
        }
    }
}

/// A duration, as [`micros`] shows it; nothing at all is `0s`.
pub fn duration(duration: Duration) -> String {
    if duration.is_zero() {
        return "0s".to_owned();
    }
    micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

/// A share between 0 and 1 as percent: `0.42%`, `100%`. Only nothing is `0%` and only all is
/// `100%`: what rounding would make of one call in a million is `<0.01%` or `>99.99%`.
pub fn share(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        f64::MIN_POSITIVE..0.005 => "<0.01%".to_owned(),
        99.95..99.995 => format!("{percent:.2}%"),
        99.995..100.0 => ">99.99%".to_owned(),
        _ => format!("{}%", three(percent)),
    }
}

/// A number with at most two decimals and no trailing zeros: `2.31`, `40`.
pub fn number(number: f64) -> String {
    three(number)
}

/// Any number in three digits, with k, M, G and T for what is large: `12.3k`, `-4`, `2.1e-5`.
pub fn short(number: f64) -> String {
    /// From where on a unit is used, what it stands for, and its letter.
    const UNITS: [(f64, f64, &str); 4] =
        [(1e12, 1e12, "T"), (1e9, 1e9, "G"), (1e6, 1e6, "M"), (9_999.5, 1e3, "k")];
    let size = number.abs();
    if size >= 1e15 || (size > 0.0 && size < 0.01) {
        return format!("{number:.1e}");
    }
    let unit = UNITS.into_iter().find(|(from, ..)| size >= *from);
    unit.map_or_else(|| three(number), |(_, unit, name)| format!("{}{name}", three(number / unit)))
}

/// A count with narrow gaps between thousands: `12 345`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

/// How often: `once`, `12 345 times`.
pub fn times(number: u64) -> String {
    if number == 1 { "once".to_owned() } else { format!("{} times", count(number)) }
}

/// Bytes in decimal units: `512 B`, `1.2 MB`.
pub fn bytes(bytes: u64) -> String {
    let mut size = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB"].into_iter();
    let mut unit = units.next().unwrap_or("B");
    for larger in units {
        if size < 1000.0 {
            break;
        }
        size /= 1000.0;
        unit = larger;
    }
    format!("{} {unit}", three(size))
}

/// Two decimals below ten, one below a hundred, none above; trailing zeros dropped.
fn three(number: f64) -> String {
    let decimals = match number.abs() {
        size if size < 9.995 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{number:.decimals$}");
    if decimals == 0 {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        let shown = [0, 83, 999, 1_000, 4_123, 41_230, 412_300, 1_240_000, 125_000_000];
        let expected =
            ["0us", "83us", "999us", "1ms", "4.12ms", "41.2ms", "412ms", "1.24s", "2m 5s"];
        assert_eq!(shown.map(micros), expected);
        assert_eq!([0.0, 0.0042, 0.5, 1.0].map(share), ["0%", "0.42%", "50%", "100%"]);
        let nearly = [0.000_04, 0.000_06, 0.999_4, 0.999_64, 0.999_96, 1.0 - 1e-12];
        let expected = ["<0.01%", "0.01%", "99.9%", "99.96%", ">99.99%", ">99.99%"];
        assert_eq!(nearly.map(share), expected);
        assert_eq!([7, 1_234, 1_234_567].map(count), ["7", "1\u{a0}234", "1\u{a0}234\u{a0}567"]);
        let table = [0.0, 0.000_021, 1.5, -4.0, 9_876.0, 12_345.0, -2e6, 3e20];
        let expected = ["0", "2.1e-5", "1.5", "-4", "9876", "12.3k", "-2M", "3.0e20"];
        assert_eq!(table.map(short), expected);
        assert_eq!([1, 3].map(times), ["once", "3 times"]);
        assert_eq!([512, 1_200_000].map(bytes), ["512 B", "1.2 MB"]);
    }
}
