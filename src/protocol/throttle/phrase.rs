//! The words by which a refusal says "too much", told apart from words that merely look like them.

/// How much of a text is looked at, in bytes: a refusal says so at its beginning.
pub const LOOKED_AT_BYTES: usize = 4096;

/// Words that, directly before a lone 429, make it a status.
const STATUS_WORDS: [&str; 6] = ["http", "status", "code", "error", "statuscode", "response"];
/// Words that do so where no noun follows: "got 429", but not "got 429 rows".
const VERBS: [&str; 4] = ["returned", "got", "received", "with"];
/// What may follow a 429 that is a status.
const FOLLOWS: [&str; 5] = ["too many", "client error", "from ", "error", "response"];
/// What follows "quota" where it is used up.
const USED_UP: [&str; 6] = ["exceed", "exhaust", "reached", "limit", "used up", "ran out"];

/// Whether a text says that there were too many requests.
pub fn too_much(text: &str) -> bool {
    let text = head(text);
    let lower = text.to_ascii_lowercase();
    let contains = |words: &str| lower.contains(words);
    contains("too many requests")
        || contains("too_many_requests")
        || contains("toomanyrequests")
        || contains("too many concurrent requests")
        || contains("resource_exhausted")
        || rate_limit(text, &lower)
        || begins(&lower, "rate exceeded")
        || begins(&lower, "throttled")
        || begins(&lower, "throttling")
        || quota(&lower)
        || status_429(&lower)
}

/// Whether a text says that the server has no room for another session.
pub fn pool_is_full(text: &str) -> bool {
    let lower = head(text).to_ascii_lowercase();
    let too_many = lower.match_indices("too many ").any(|(at, found)| {
        let mut words = lower[at + found.len()..].split_ascii_whitespace().take(3);
        words.any(|word| word.starts_with("session"))
    });
    let phrases = ["session limit", "session pool", "max sessions", "maximum sessions"];
    too_many
        || phrases.iter().any(|phrase| lower.contains(phrase))
        || (lower.contains("maximum number of") && lower.contains("sessions"))
}

/// Whether an error's type or code is the name of a rate limit, in any spelling.
pub fn is_limit_name(name: &str) -> bool {
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .take(40)
        .collect();
    let beginnings =
        ["ratelimit", "toomanyrequests", "throttl", "quotaexceeded", "resourceexhausted"];
    name == "429" || beginnings.iter().any(|beginning| name.starts_with(beginning))
}

/// The beginning of a text, cut between characters.
pub(super) fn head(text: &str) -> &str {
    let mut end = text.len().min(LOOKED_AT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// `rate`, at most one character, `limit`; not as the end of "accurate" or "separate".
fn rate_limit(text: &str, lower: &str) -> bool {
    lower.match_indices("rate").any(|(at, _)| {
        let behind = &lower[at + 4..];
        let mut after_one = behind.chars();
        after_one.next();
        let limit = behind.starts_with("limit") || after_one.as_str().starts_with("limit");
        // A capital begins a word in CamelCase, too.
        limit && (begins_word(lower, at) || text[at..].starts_with('R'))
    })
}

fn quota(lower: &str) -> bool {
    // "quotation" and "quote" are other words.
    let named = ["quota", "quotas"]
        .iter()
        .any(|quota| lower.split(|c: char| !c.is_alphanumeric()).any(|word| word == *quota));
    named && USED_UP.iter().any(|used_up| lower.contains(used_up))
}

/// A 429 that stands alone and next to a word that makes it a status.
fn status_429(lower: &str) -> bool {
    lower.match_indices("429").any(|(at, _)| {
        let (before, behind) = (&lower[..at], &lower[at + 3..]);
        if is_part_of_a_number(before, behind) {
            return false;
        }
        let words = behind.trim_start_matches([' ', ':', '-', ')', ']']);
        let last = before.trim_end_matches(|c: char| !c.is_alphanumeric());
        let word = last.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        let followed = FOLLOWS.iter().any(|follow| words.starts_with(follow));
        let noun = behind.starts_with(' ') && words.starts_with(|c: char| c.is_alphanumeric());
        STATUS_WORDS.contains(&word)
            || last.ends_with("http/1.1")
            || last.ends_with("http/2")
            || (VERBS.contains(&word) && (followed || !noun))
            || words.starts_with("too many")
            || (word.is_empty() && (followed || words.is_empty()))
    })
}

/// 1429, 4.429, $429, #429, 10-429, 429.50 and 429,000 are not statuses.
fn is_part_of_a_number(before: &str, behind: &str) -> bool {
    let fraction = behind
        .strip_prefix(['.', ','])
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    before.ends_with(|c: char| c.is_alphanumeric() || ".$#-,".contains(c))
        || behind.starts_with(char::is_alphanumeric)
        || fraction
}

/// Whether `words` stand in the text, not as the end of a longer word.
fn begins(lower: &str, words: &str) -> bool {
    lower.match_indices(words).any(|(at, _)| begins_word(lower, at))
}

fn begins_word(lower: &str, at: usize) -> bool {
    !lower[..at].ends_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refusals() {
        let said = [
            "Rate limit exceeded",
            "rate-limited, slow down",
            "RATE_LIMIT_EXCEEDED",
            "openai.RateLimitError: no",
            "ApiRateLimit reached",
            "You have hit the secondary rate limits.",
            "Too Many Requests",
            "429",
            "Error 429",
            "HTTP/1.1 429",
            "429 Client Error: for url: https://x/",
            "429: Too many",
            "Request failed with status code 429",
            "API returned 429.",
            "got 429 from upstream",
            "→ failed with 429",
            "upstream status=429, body=",
            "[GoogleGenerativeAI Error]: [429 Too Many Requests]",
            "Quota exceeded for quota metric 'Read requests'",
            "You exceeded your current quota, please check your plan",
            "Request was throttled. Expected available in 60 seconds.",
            "An error occurred (ThrottlingException): Rate exceeded",
            "RESOURCE_EXHAUSTED: try later",
        ];
        for text in said {
            assert!(too_much(text), "{text}");
        }
    }

    #[test]
    fn what_merely_looks_like_one() {
        let not_said = [
            "",
            "Order 429 not found",
            "got 429 rows, expected 500",
            "429 rows are too few",
            "No such file: report-429.pdf",
            "page 14290 is missing",
            "error 4.429 out of range",
            "error: 429.50 EUR is more than 100",
            "error code 42900",
            "status: 429,000 rows",
            "unknown flag --429",
            "the separate limits differ",
            "accurate limit unknown",
            "generate limited output",
            "the rate of the limit",
            "quotation marks exceed the line",
            "no quota is set",
            "throttle valve is stuck",
            "connection refused",
        ];
        for text in not_said {
            assert!(!too_much(text), "{text}");
        }
        let late = format!("{}rate limit exceeded", "x ".repeat(LOOKED_AT_BYTES));
        assert!(!too_much(&late));
        assert!(!too_much(&"é".repeat(LOOKED_AT_BYTES)));
    }

    #[test]
    fn session_pools() {
        let full = [
            "Too many sessions",
            "Too many active sessions (8)",
            "503: too many open client sessions",
            "Session limit reached",
            "The session pool is full",
            "Maximum number of concurrent sessions reached",
        ];
        for text in full {
            assert!(pool_is_full(text), "{text}");
        }
        let other =
            ["Session not found", "Too many requests for this session", "No valid session ID"];
        for text in other {
            assert!(!pool_is_full(text), "{text}");
        }
    }

    #[test]
    fn names() {
        let cases = [
            ("rate_limited", true),
            ("RATE_LIMIT_EXCEEDED", true),
            ("RateLimitError", true),
            ("too-many-requests", true),
            ("ThrottlingException", true),
            ("quota_exceeded", true),
            ("429", true),
            ("4290", false),
            ("not_found", false),
            ("limit", false),
            ("", false),
        ];
        for (name, is) in cases {
            assert_eq!(is_limit_name(name), is, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("429".to_owned()), Just("rate".to_owned()), Just("limit".to_owned()),
                    Just("quota".to_owned()), Just("too many ".to_owned()), "\\PC{0,3}", ".{0,2}",
                ],
                0..20,
            ),
        ) {
            let text = pieces.concat();
            let _ = (too_much(&text), pool_is_full(&text), is_limit_name(&text));
            let said = format!("Too many requests: {text}");
            prop_assert!(too_much(&said));
        }
    }
}
