//! Text that must never be seen: tokens, passwords, cookies.

use std::fmt;

/// A shorter secret, or a shorter piece of one at a text's end, is no different from other words.
const RECOGNISABLE: usize = 4;

/// A secret. It prints as `***`, is not serialised, and is read only by [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one header it belongs in.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Takes it out of a text that somebody else wrote, and a piece of it that the text was cut
    /// after.
    pub fn hide_in(&self, text: &mut String) {
        let secret = self.expose();
        if secret.len() < RECOGNISABLE {
            return;
        }
        if text.contains(secret) {
            *text = text.replace(secret, "***");
        }
        let whole = text.trim_end_matches('.').len();
        let pieces = (RECOGNISABLE..secret.len()).rev().filter_map(|cut| secret.get(..cut));
        for piece in pieces {
            if text[..whole].ends_with(piece) {
                text.replace_range(whole - piece.len()..whole, "***");
                break;
            }
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn no_format_shows_it() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "*** *** ***");
    }
}
