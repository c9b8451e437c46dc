//! The scenario as it may be shown: before `${NAME}` was replaced, and without a literal secret.

use super::document::{Node, Table, Value};
use super::mistake::Place;

/// Keys of `[auth]` that name things and hide nothing; everything else there may be a secret, a
/// misspelt key included.
const OPEN_KEYS: [&str; 3] = ["kind", "name", "user"];

/// Where a tree holds what must never be shown: the values of `[auth]`, and a URL's user info.
pub fn secrets(root: &Table) -> Vec<Place> {
    let mut places = Vec::new();
    if let Some(auth) = root.get("auth") {
        hide(&auth.node, &mut places);
    }
    if let Some(target) = root.get("target")
        && let Value::Table(target) = &target.node.value
        && let Some(url) = target.get("url")
        && matches!(&url.node.value, Value::Text(text) if text.contains('@'))
    {
        places.push(url.node.place);
    }
    places
}

fn hide(node: &Node, places: &mut Vec<Place>) {
    match &node.value {
        Value::Table(table) => {
            let closed = |key: &str| !OPEN_KEYS.contains(&key);
            table.entries.iter().filter(|e| closed(&e.key)).for_each(|e| hide(&e.node, places));
        }
        Value::List(list) => list.iter().for_each(|node| hide(node, places)),
        _ => places.push(node.place),
    }
}

/// The same for a text that is no TOML: the rest of every line that seems to give a secret.
pub fn guessed_secrets(text: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let words = ["token", "password", "value"];
        if let Some(word) = words.iter().filter_map(|word| line.find(word)).min()
            && let Some(equals) = line[word..].find('=')
        {
            spans.push((start + word + equals + 1, start + line.trim_end().len()));
        }
        start += line.len();
    }
    spans.into_iter().filter(|(from, to)| from < to).collect()
}

/// Covers a stretch of text with as many asterisks, so that no place moves.
pub fn cover(text: &mut String, start: usize, end: usize) {
    let Some(part) = text.get(start..end) else { return };
    if is_reference(part) {
        return;
    }
    let covered: String = part
        .chars()
        .map(|c| if c.is_whitespace() { c.to_string() } else { "*".repeat(c.len_utf8()) })
        .collect();
    text.replace_range(start..end, &covered);
}

/// A text with its secrets, given in order, replaced by `"***"`.
pub fn shown(text: &str, secrets: &[(usize, usize)]) -> String {
    let mut shown = text.to_owned();
    for (start, end) in secrets.iter().rev() {
        if shown.get(*start..*end).is_some_and(|part| !is_reference(part)) {
            shown.replace_range(*start..*end, "\"***\"");
        }
    }
    shown
}

/// Whether a value is nothing but `"${NAME}"`: that may be seen, and helps.
fn is_reference(part: &str) -> bool {
    let part = part.trim().trim_matches(['"', '\'']);
    let name = part.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::{cover, guessed_secrets, shown};

    #[test]
    fn secrets_are_covered_and_references_are_not() {
        let text = "token = \"hünter2\"";
        let mut covered = text.to_owned();
        cover(&mut covered, 8, text.len());
        assert_eq!(covered, "token = **********");
        assert_eq!(covered.len(), text.len());
        assert_eq!(shown(text, &[(8, text.len())]), "token = \"***\"");
        let reference = "token = \"${TOKEN}\"";
        assert_eq!(shown(reference, &[(8, reference.len())]), reference);
        let mixed = "token = \"${A}hunter2${B}\"";
        assert_eq!(shown(mixed, &[(8, mixed.len())]), "token = \"***\"");
    }

    #[test]
    fn a_broken_text_is_searched_by_words() {
        assert_eq!(guessed_secrets("a = 1\n token = \"x\nb"), vec![(14, 17)]);
        assert_eq!(guessed_secrets("token"), vec![]);
    }
}
