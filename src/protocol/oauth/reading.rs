//! What servers say, made fit for a message: cut, and without anything that is not text.

/// The beginning of a text of a stranger; what cannot be printed becomes a question mark.
pub fn cut(text: &str, most_chars: usize) -> String {
    let mut rest = text.chars();
    let mut cut: String = rest
        .by_ref()
        .take(most_chars)
        .map(|c| if c.is_control() || is_invisible(c) { '?' } else { c })
        .collect();
    if rest.next().is_some() {
        cut.push('…');
    }
    cut
}

/// Characters that change how others are shown (Unicode, bidirectional and zero-width controls).
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn what_is_shown_is_short_and_visible() {
        let cases = [
            ("invalid_grant", "invalid_grant"),
            ("ä\u{1b}[2J\n\u{202e}x", "ä?[2J??x"),
            ("12345678901234567890", "12345678901234567890"),
            ("123456789012345678901", "12345678901234567890…"),
        ];
        for (text, expected) in cases {
            assert_eq!(cut(text, 20), expected);
        }
    }
}
