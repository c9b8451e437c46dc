//! How long a target asks to wait, wherever it says so: headers, JSON members, plain words.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use serde_json::Value;

use super::phrase::head;

/// A number that large is a point in Unix time, not a wait: 2001 in seconds.
const EPOCH_SECONDS: f64 = 1e9;
/// The same in milliseconds.
const EPOCH_MILLISECONDS: f64 = 1e12;
/// How far behind its words a number may stand, in bytes.
const NEAR_BYTES: usize = 40;

/// Headers that say when a limit resets, in the order they are believed.
const RESETS: [&str; 5] = [
    "ratelimit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "ratelimit",
];
const MEMBERS: [(&str, f64); 9] = [
    ("retry_after_ms", 1e-3),
    ("retryAfterMs", 1e-3),
    ("retry_after_seconds", 1.0),
    ("retryAfterSeconds", 1.0),
    ("retry_after", 1.0),
    ("retryAfter", 1.0),
    ("retry-after", 1.0),
    ("reset_after", 1.0),
    ("resetAfter", 1.0),
];
/// Words before a wait, and whether a bare number behind them means seconds.
const CUES: [(&str, bool); 12] = [
    ("retry after", true),
    ("retry-after", true),
    ("retry_after", true),
    ("retryafter", true),
    ("retry in", true),
    ("try again", false),
    ("available in", false),
    ("wait", false),
    ("resets in", false),
    ("reset in", false),
    ("reset after", false),
    ("retry", false),
];

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3); a date counts from the
/// answer's own `Date`, so that nobody's clock matters, and without one it says nothing.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, "retry-after")?;
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse().ok().map(Duration::from_secs);
    }
    let until = httpdate::parse_http_date(value).ok()?;
    Some(until.duration_since(date(headers)?).unwrap_or_default())
}

/// The reset time of a limit, from `RateLimit-Reset` and its relatives, or `RateLimit`
/// (draft-ietf-httpapi-ratelimit-headers): seconds, or Unix time set against `Date`.
pub fn reset(headers: &HeaderMap) -> Option<Duration> {
    RESETS.iter().find_map(|name| {
        let value = text(headers, name)?;
        if *name != "ratelimit" {
            return from_now(value.parse().ok()?, headers);
        }
        let parameter = value.split([';', ',']).find_map(|part| {
            let (key, value) = part.trim().split_once('=')?;
            matches!(key, "t" | "reset").then_some(value)
        });
        from_now(parameter?.parse().ok()?, headers)
    })
}

/// Whether the headers say that nothing of a limit is left.
pub fn nothing_remains(headers: &HeaderMap) -> bool {
    let names = ["ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining"];
    names.iter().any(|name| text(headers, name) == Some("0"))
}

/// A wait among an object's members, or those of the `error`, `data` or `details` in it.
pub fn in_json(object: &Value) -> Option<Duration> {
    const INNER: [&str; 3] = ["error", "data", "details"];
    let inner = INNER.iter().map(|key| &object[*key]);
    let innermost = &object["error"]["data"];
    [object].into_iter().chain(inner).chain([innermost]).find_map(|object| {
        MEMBERS.iter().find_map(|(name, unit)| match &object[*name] {
            Value::Number(number) => seconds(number.as_f64()? * unit),
            Value::String(text) => seconds(text.trim().parse::<f64>().ok()? * unit),
            _ => None,
        })
    })
}

/// A wait in plain words: "retry after 60 seconds", "try again in 1m30s".
pub fn in_text(text: &str) -> Option<Duration> {
    let lower = head(text).to_ascii_lowercase();
    CUES.iter().find_map(|&(cue, bare_is_seconds)| {
        let bare = bare_is_seconds.then_some(1.0);
        lower.match_indices(cue).find_map(|(at, _)| amount(&lower[at + cue.len()..], bare))
    })
}

/// The first number near the beginning, with its unit, and those of smaller units behind it.
fn amount(text: &str, bare: Option<f64>) -> Option<Duration> {
    let begin = text.bytes().take(NEAR_BYTES).position(|byte| byte.is_ascii_digit())?;
    let before = &text[..begin];
    // A sentence that ends in between was about something else.
    if before.contains(['.', '\n']) {
        return None;
    }
    let bare =
        if before.starts_with("_ms") || before.starts_with("ms") { Some(1e-3) } else { bare };
    let (first, mut unit, mut rest) = number_and_unit(&text[begin..], bare)?;
    let mut total = first * unit;
    loop {
        let next = rest.trim_start_matches([' ', ',']);
        let next = next.strip_prefix("and ").unwrap_or(next);
        match number_and_unit(next, None) {
            Some((number, smaller, after)) if smaller < unit => {
                total += number * smaller;
                (unit, rest) = (smaller, after);
            }
            _ => return seconds(total),
        }
    }
}

/// A number at the very beginning, the seconds its unit has, and what follows.
fn number_and_unit(text: &str, bare: Option<f64>) -> Option<(f64, f64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text[..digits].trim_end_matches('.').parse().ok()?;
    let behind = &text[digits..];
    let spaced = behind.trim_start_matches([' ', '-']);
    let letters = spaced.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(spaced.len());
    let unit = match &spaced[..letters] {
        "ms" | "msec" | "millis" | "millisecond" | "milliseconds" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        // Dates and times of day are no amounts; "3 times" is no wait.
        _ if behind.starts_with(['-', ':', '/']) => return None,
        "" => return Some((number, bare?, behind)),
        _ => return None,
    };
    Some((number, unit, &spaced[letters..]))
}

/// Seconds from now, or Unix time in seconds or milliseconds, less now.
fn from_now(number: f64, headers: &HeaderMap) -> Option<Duration> {
    if number < EPOCH_SECONDS {
        return seconds(number);
    }
    let unix = if number < EPOCH_MILLISECONDS { number } else { number / 1e3 };
    let until = SystemTime::UNIX_EPOCH.checked_add(seconds(unix)?)?;
    Some(until.duration_since(date(headers)?).unwrap_or_default())
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, "date")?).ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const NOON: (&str, &str) = ("date", "Fri, 20 Nov 2026 12:00:00 GMT");

    type Pairs = &'static [(&'static str, &'static str)];

    fn headers(pairs: Pairs) -> HeaderMap {
        let pairs = pairs.iter().map(|&(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        });
        pairs.collect()
    }

    #[test]
    fn retry_after_in_both_forms() {
        let cases: &[(Pairs, Option<u64>)] = &[
            (&[], None),
            (&[("retry-after", "120")], Some(120)),
            (&[("retry-after", "0")], Some(0)),
            (&[("retry-after", " 7 ")], Some(7)),
            (&[("retry-after", "Fri, 20 Nov 2026 12:01:30 GMT"), NOON], Some(90)),
            (&[("retry-after", "Friday, 20-Nov-26 12:00:05 GMT"), NOON], Some(5)),
            (&[("retry-after", "Fri, 20 Nov 2026 11:00:00 GMT"), NOON], Some(0)),
            (&[("retry-after", "Fri, 20 Nov 2026 12:01:30 GMT")], None),
            (&[("retry-after", "-1"), NOON], None),
            (&[("retry-after", "1.5"), NOON], None),
            (&[("retry-after", "soon"), NOON], None),
            (&[("retry-after", ""), NOON], None),
            (&[("retry-after", "99999999999999999999999")], None),
        ];
        for (pairs, expected) in cases {
            let found = retry_after(&headers(pairs));
            assert_eq!(found, expected.map(Duration::from_secs), "{pairs:?}");
        }
    }

    #[test]
    fn resets() {
        let cases: &[(Pairs, Option<f64>)] = &[
            (&[], None),
            (&[("ratelimit-reset", "30")], Some(30.0)),
            (&[("x-ratelimit-reset-after", "1.25")], Some(1.25)),
            (&[("x-ratelimit-reset", "15")], Some(15.0)),
            // 2026-11-20 12:01:00 UTC in Unix time.
            (&[("x-ratelimit-reset", "1795176060"), NOON], Some(60.0)),
            (&[("x-ratelimit-reset", "1795176060000"), NOON], Some(60.0)),
            (&[("x-ratelimit-reset", "1795176060")], None),
            (&[("x-ratelimit-reset", "1000000001"), NOON], Some(0.0)),
            (&[("ratelimit", "\"default\";r=0;t=12")], Some(12.0)),
            (&[("ratelimit", "limit=100, remaining=0, reset=8")], Some(8.0)),
            (&[("ratelimit", "\"default\";r=0")], None),
            (&[("ratelimit-reset", "inf")], None),
            (&[("ratelimit-reset", "-5")], None),
        ];
        for (pairs, expected) in cases {
            let found = reset(&headers(pairs));
            assert_eq!(found, expected.map(Duration::from_secs_f64), "{pairs:?}");
        }
        assert!(nothing_remains(&headers(&[("x-ratelimit-remaining", "0")])));
        assert!(!nothing_remains(&headers(&[("x-ratelimit-remaining", "10")])));
    }

    #[test]
    fn members() {
        let cases = [
            (json!({"retryAfter": 60}), Some(60.0)),
            (json!({"retry_after": "30"}), Some(30.0)),
            (json!({"retry_after_ms": 1500}), Some(1.5)),
            (json!({"retry_after_seconds": 0.5}), Some(0.5)),
            (json!({"error": {"retryAfterMs": 20}}), Some(0.02)),
            (json!({"error": {"data": {"retryAfter": 3}}}), Some(3.0)),
            (json!({"details": {"retryAfterSeconds": 4}}), Some(4.0)),
            (json!({"retryAfter": -1}), None),
            (json!({"retryAfter": 1e300}), None),
            (json!({"retryAfter": "soon"}), None),
            (json!({"retryAfter": null}), None),
            (json!({"limit": 60}), None),
            (json!([{"retryAfter": 60}]), None),
            (json!("retryAfter"), None),
        ];
        for (json, expected) in cases {
            assert_eq!(in_json(&json), expected.map(Duration::from_secs_f64), "{json}");
        }
    }

    #[test]
    fn words() {
        let cases = [
            ("Rate limited. Please retry after 60 seconds.", Some(60.0)),
            ("Too many requests, please try again in 20s", Some(20.0)),
            ("Please try again in 1.5 seconds. Visit https://x", Some(1.5)),
            ("Please retry in 12.338s.", Some(12.338)),
            ("Expected available in 45 seconds.", Some(45.0)),
            ("Rate limit hit; wait 2 minutes and 30 seconds", Some(150.0)),
            ("try again in 1m30s", Some(90.0)),
            ("Limit resets in 1 hour, 5 minutes", Some(3900.0)),
            ("retry after 500ms", Some(0.5)),
            ("Retry-After: 30", Some(30.0)),
            ("{\"retry_after\": 30}", Some(30.0)),
            ("{\"retry_after_ms\": 250}", Some(0.25)),
            ("try again in a 10-second window", Some(10.0)),
            ("Rate limit of 100 requests exceeded", None),
            ("retry 3 times", None),
            ("try again later. Order 17 s", None),
            ("retry after 2026-11-20T10:00:00Z", None),
            ("retry after 10:30", None),
            ("wait 5", None),
            ("wait", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(in_text(text), expected.map(Duration::from_secs_f64), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("retry after ".to_owned()), Just("wait".to_owned()), "[0-9.]{1,30}",
                    Just(" seconds".to_owned()), Just("m".to_owned()), "\\PC{0,3}",
                ],
                0..20,
            ),
        ) {
            let _ = in_text(&pieces.concat());
            prop_assert_eq!(in_text("retry after 5 s"), Some(Duration::from_secs(5)));
        }
    }
}
