//! Local references: `#`, `#/a/pointer`, `#anchor`. Nothing is ever fetched.

use serde_json::Value;

/// What a reference names in its own document, and the JSON pointer of that place.
pub(super) fn resolve<'a>(root: &'a Value, reference: &str) -> Option<(&'a Value, String)> {
    let own = root.get("$id").and_then(Value::as_str).map(|id| id.trim_end_matches('#'));
    let local = own.and_then(|own| reference.strip_prefix(own)).unwrap_or(reference);
    let fragment = if local.is_empty() { "" } else { local.strip_prefix('#')? };
    let fragment = decoded(fragment)?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return root.pointer(&fragment).map(|found| (found, fragment));
    }
    anchored(root, &fragment, "")
}

/// Percent-decoded (RFC 6901, section 6).
fn decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

fn anchored<'a>(value: &'a Value, name: &str, pointer: &str) -> Option<(&'a Value, String)> {
    match value {
        Value::Object(members) => {
            if members.get("$anchor").and_then(Value::as_str) == Some(name) {
                return Some((value, pointer.to_owned()));
            }
            members.iter().find_map(|(key, member)| anchored(member, name, &child(pointer, key)))
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| anchored(item, name, &format!("{pointer}/{index}"))),
        _ => None,
    }
}

/// The pointer of a member.
pub(super) fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_stay_in_their_document() {
        let root = json!({
            "$id": "https://example.com/tool",
            "$defs": {"a/b c": {"const": 1}, "named": {"$anchor": "here", "const": 2}},
        });
        let table = [
            ("#/$defs/a~1b%20c", Some((json!({"const": 1}), "/$defs/a~1b c"))),
            ("#here", Some((json!({"$anchor": "here", "const": 2}), "/$defs/named"))),
            ("https://example.com/tool#/$defs/named/const", Some((json!(2), "/$defs/named/const"))),
            ("#", Some((root.clone(), ""))),
            ("#/$defs/none", None),
            ("#there", None),
            ("#/%zz", None),
            ("other.json#/a", None),
            ("https://example.com/other", None),
        ];
        for (reference, expected) in table {
            let found = resolve(&root, reference).map(|(value, at)| (value.clone(), at));
            assert_eq!(found, expected.map(|(v, at)| (v, at.to_owned())), "{reference}");
        }
    }
}
