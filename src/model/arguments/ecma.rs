//! Patterns as JSON Schema writes them (ECMA-262), in the words of the `regex` crate.
//!
//! `\d`, `\w` and `\s` are ASCII or exactly ECMA's, `.` stops at four line ends, brackets in a
//! class are plain characters. Lookaheads are understood at the very beginning, where they are
//! conditions on the whole text; everything else that `regex` has not is refused.

use regex::{Regex, RegexBuilder};

/// Bytes a compiled pattern may take: a target must not be able to exhaust us.
const LARGEST: usize = 1 << 20;

/// ECMA-262's white space and line terminators.
const SPACE: &str = r"\t\n\x0B\x0C\r \u{A0}\u{FEFF}\u{1680}\u{2000}-\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}";

/// A pattern that can be asked.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    /// Its translation, without leading lookaheads.
    pub(super) body: String,
    regex: Regex,
    /// Leading lookaheads, and whether they must match.
    ahead: Vec<(Regex, bool)>,
}

impl Matcher {
    /// `None` when it cannot be understood.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        let (heads, rest) = lookaheads(pattern);
        let anchored = pattern.starts_with('^');
        if !heads.is_empty() && !anchored {
            return None;
        }
        let body = translated(&if heads.is_empty() { rest } else { format!("^{rest}") })?;
        let ahead = heads.into_iter().map(|(inner, wanted)| {
            Some((built(&format!("^(?:{})", translated(&inner)?))?, wanted))
        });
        Some(Self { regex: built(&body)?, ahead: ahead.collect::<Option<_>>()?, body })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
            && self.ahead.iter().all(|(ahead, wanted)| ahead.is_match(text) == *wanted)
    }

    /// Whether there are conditions besides the body.
    pub(super) fn has_lookaheads(&self) -> bool {
        !self.ahead.is_empty()
    }
}

fn built(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(LARGEST).build().ok()
}

/// Splits `^(?!a)(?=b)rest` into its conditions and the rest; without any, the rest is everything.
fn lookaheads(pattern: &str) -> (Vec<(String, bool)>, String) {
    let mut heads = Vec::new();
    let mut rest = pattern.strip_prefix('^').unwrap_or(pattern);
    while let Some(wanted) = [("(?!", false), ("(?=", true)]
        .into_iter()
        .find_map(|(opening, wanted)| rest.starts_with(opening).then_some(wanted))
    {
        let Some(end) = closing(rest) else { break };
        heads.push((rest[3..end].to_owned(), wanted));
        rest = &rest[end + 1..];
    }
    let is_alternation = top_level_bar(rest);
    if heads.is_empty() || is_alternation {
        (Vec::new(), pattern.to_owned())
    } else {
        (heads, rest.to_owned())
    }
}

/// Walks a pattern's characters with the depth of groups; escapes and classes are stepped over.
fn structure(pattern: &str) -> impl Iterator<Item = (usize, char, i32)> {
    let (mut depth, mut escaped, mut class) = (0, false, false);
    pattern.char_indices().filter_map(move |(at, character)| {
        if escaped {
            escaped = false;
            return None;
        }
        match character {
            '\\' => escaped = true,
            ']' => class = false,
            _ if class => return None,
            '[' => class = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        Some((at, character, depth))
    })
}

/// Where the group closes that opens at the beginning.
fn closing(pattern: &str) -> Option<usize> {
    structure(pattern).find(|(_, character, depth)| *character == ')' && *depth == 0).map(|at| at.0)
}

fn top_level_bar(pattern: &str) -> bool {
    structure(pattern).any(|(_, character, depth)| character == '|' && depth == 0)
}

fn translated(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut characters = pattern.chars().peekable();
    let mut class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => escape(characters.next()?, class, &mut out)?,
            '[' if !class => {
                class = true;
                out.push('[');
                if characters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // ECMA's `[]` matches nothing and `[^]` everything; nobody means either.
                if characters.peek() == Some(&']') {
                    return None;
                }
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            '[' | '&' | '~' if class => out.extend(['\\', character]),
            '-' if class && characters.peek() == Some(&'-') => return None,
            '.' if !class => out.push_str(r"[^\n\r\u{2028}\u{2029}]"),
            ' ' | '#' => out.extend([character]),
            other => out.push(other),
        }
    }
    (!class).then_some(out)
}

fn escape(character: char, class: bool, out: &mut String) -> Option<()> {
    let set = match character.to_ascii_lowercase() {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => SPACE,
        'b' if character == 'b' && !class => {
            out.push_str(r"(?-u:\b)");
            return Some(());
        }
        // A backspace, a null, control letters, references back, or another dialect's anchors.
        'a' | 'b' | 'c' | 'g' | 'k' | 'z' | '0'..='9' if character != 'a' => return None,
        _ => {
            out.extend(['\\', character]);
            return Some(());
        }
    };
    match (character.is_ascii_uppercase(), class) {
        (true, _) => out.extend(["[^", set, "]"]),
        (false, true) => out.push_str(set),
        (false, false) => out.extend(["[", set, "]"]),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_ecma_says() {
        let table = [
            (r"^\d{3}$", "123", "१२३"),
            (r"^[\w.-]+$", "a_b.c-d", "é"),
            (r"^a.b$", "a b", "a\nb"),
            (r"^[^\s]+$", "ab", "a\u{a0}b"),
            (r"^[a[]+$", "[a", "b"),
            (r"^https?:\/\/", "http://x", "ftp://x"),
            (r"^(?!\.)(?!.*\.\.)[a-z.]+$", "a.b", "a..b"),
            (r"^(?=.*\d)[a-z0-9]+$", "a1", "ab"),
            (r"^[\D]+$", "ab", "1"),
            (r"\bcat\b", "a cat sat", "concat"),
            (r"^[a&&b]+$", "a&b", "c"),
        ];
        for (pattern, yes, no) in table {
            let matcher = Matcher::new(pattern).unwrap();
            assert!(matcher.matches(yes) && !matcher.matches(no), "{pattern} {}", matcher.body);
        }
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for pattern in
            ["(", "[", "[]", "[^]", r"(a)\1", r"a(?=b)c", r"(?<!a)b", r"a\Z", "a{999999}", r"[+--]"]
        {
            assert!(Matcher::new(pattern).is_none(), "{pattern}");
        }
    }
}
