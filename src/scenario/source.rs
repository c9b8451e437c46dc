//! The scenario as it may be shown: before `${NAME}` was replaced, and without a literal secret.

use super::document::{Entry, Node, Table, Value};
use super::mistake::Place;

/// Keys of `[auth]` that name things and hide nothing; everything else there may be a secret, a
/// misspelt key included.
const OPEN_KEYS: [&str; 17] = [
    "grants",
    "authorization_servers",
    "kind",
    "name",
    "user",
    "file",
    "client_id",
    "private_key",
    "authentication",
    "scope",
    "consent",
    "press",
    "login",
    "login_over",
    "login_within",
    "callback",
    "one_grant",
];

/// A program of the author's and its arguments: what is started is shown, what it is told is not.
const COMMAND: &str = "command";

/// Where a tree of this text holds what must never be shown: the values of `[auth]`, and what
/// belongs to one person in a URL.
pub fn secrets(root: &Table, text: &str) -> Vec<Place> {
    let mut places = Vec::new();
    if let Some(auth) = root.get("auth") {
        hide(&auth.node, &mut places);
    }
    places.extend(urls(root).into_iter().filter_map(|url| personal(url, text)));
    places
}

/// The URLs of the target, of its pages, of Toxiproxy and of hooks.
fn urls(root: &Table) -> Vec<&Node> {
    let target = below(root.get("target"));
    let pages = ["health", "metrics"].map(|page| below(target?.get(page)));
    let outside = std::iter::once(below(root.get("toxiproxy"))).chain(faults(root));
    let tables = std::iter::once(target).chain(pages).chain(outside).flatten();
    tables.filter_map(|table| table.get("url")).map(|entry| &entry.node).collect()
}

fn faults(root: &Table) -> impl Iterator<Item = Option<&Table>> {
    let list = root.get("fault").map(|entry| &entry.node.value);
    let faults = match list {
        Some(Value::List(list)) => list.as_slice(),
        _ => &[],
    };
    faults.iter().map(|node| match &node.value {
        Value::Table(table) => Some(table),
        _ => None,
    })
}

fn below(entry: Option<&Entry>) -> Option<&Table> {
    match &entry?.node.value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

/// A URL's query, or the whole URL if it has user info or escapes.
fn personal(node: &Node, text: &str) -> Option<Place> {
    let Value::Text(url) = &node.value else { return None };
    if url.contains('@') {
        return Some(node.place);
    }
    let after = url.split_once('?')?.1;
    let (start, end) = node.place.span?;
    let raw = text.get(start..end)?.trim_end_matches(['"', '\'']);
    let whole = raw.strip_suffix(after).filter(|rest| rest.ends_with('?'));
    let span = whole.map_or((start, end), |rest| (start + rest.len(), start + raw.len()));
    Some(Place { span: Some(span), ..node.place })
}

fn hide(node: &Node, places: &mut Vec<Place>) {
    match &node.value {
        Value::Table(table) => {
            let closed = |key: &str| !OPEN_KEYS.contains(&key);
            for entry in table.entries.iter().filter(|entry| closed(&entry.key)) {
                match &entry.node.value {
                    Value::List(words) if entry.key == COMMAND => {
                        words.iter().skip(1).for_each(|word| hide(word, places));
                    }
                    Value::Text(line) if entry.key == COMMAND && !line.contains(' ') => {}
                    _ => hide(&entry.node, places),
                }
            }
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
        let words = ["token", "password", "value", "secret", "fill"];
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

/// A text with its secrets, given in order, replaced by `"***"`; a query is within its quotes.
pub fn shown(text: &str, secrets: &[(usize, usize)]) -> String {
    let mut shown = text.to_owned();
    for (start, end) in secrets.iter().rev() {
        if shown.get(*start..*end).is_some_and(|part| !is_reference(part)) {
            let quoted = !shown[..*start].ends_with('?');
            shown.replace_range(*start..*end, if quoted { "\"***\"" } else { "***" });
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
