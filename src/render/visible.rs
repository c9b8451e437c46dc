//! Text from outside made harmless to look at, in a terminal as on a page.

/// The text with every control character, every noncharacter (Unicode Standard, section 23.7; XML
/// forbids two of them), and every character that turns or hides the reading of its neighbours
/// (Unicode Standard Annex 9, bidirectional controls; zero-width characters), shown as `\u{...}`.
/// Tabs and line ends become spaces.
pub fn line(text: &str) -> String {
    shown(text, |c| matches!(c, '\t' | '\n' | '\r').then_some(' '))
}

/// As [`line()`], but line ends stay, for texts of several lines.
pub fn block(text: &str) -> String {
    shown(text, |c| match c {
        '\n' | '\t' => Some(c),
        _ => None,
    })
}

fn shown(text: &str, kept: impl Fn(char) -> Option<char>) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        match kept(c) {
            Some(kept) => visible.push(kept),
            None if is_hidden(c) => visible.extend(c.escape_unicode()),
            None => visible.push(c),
        }
    }
    visible
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || u32::from(c) & 0xfffe == 0xfffe
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_unseen() {
        let table = [
            ("search", "search"),
            ("a\u{1b}[31mred", "a\\u{1b}[31mred"),
            ("evil\u{202e}txt", "evil\\u{202e}txt"),
            ("two\nlines", "two lines"),
            ("Größe 12\u{a0}345", "Größe 12\u{a0}345"),
            ("c1 \u{9b}2J", "c1 \\u{9b}2J"),
            (
                "none \u{fffe}\u{ffff}\u{1ffff}\u{fdd0}",
                "none \\u{fffe}\\u{ffff}\\u{1ffff}\\u{fdd0}",
            ),
            ("some \u{fffd}\u{10000}", "some \u{fffd}\u{10000}"),
        ];
        for (text, expected) in table {
            assert_eq!(line(text), expected);
        }
        assert_eq!(block("a\n\tb\u{7}"), "a\n\tb\\u{7}");
    }
}
