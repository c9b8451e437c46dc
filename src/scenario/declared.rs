//! The thresholds that the scenario in a saved run declares, for holding them against those judged.
//!
//! That text is the file's, with what the command line said in its place as comments at its end,
//! one line each: `# --set KEY=VALUE`. A file may hold such a comment of its own, so each of them is
//! only a possibility.

use super::document::{self, Table, Value};

/// What a report's copy of an override begins with.
const SET: &str = "# --set ";

/// Whether the thresholds judged, as they were written, can be those that this text declares. A
/// text that says it in a way this cannot read, such as by `${NAME}`, allows any.
pub fn may_declare(text: &str, judged: &[&str]) -> bool {
    let Ok(file) = document::parse(text, 0, 0) else { return true };
    let mut possible = vec![thresholds(&file).unwrap_or(Declared::These(Vec::new()))];
    for line in text.lines().filter_map(|line| line.strip_prefix(SET)) {
        match document::parse(line, 0, 0) {
            Ok(table) => possible.extend(thresholds(&table)),
            // One of several lines: it could be anything.
            Err(_) => possible.push(Declared::Unknown),
        }
    }
    possible.iter().any(|declared| match declared {
        Declared::These(list) => list == judged,
        Declared::Unknown => true,
    })
}

/// What stands under `expect.thresholds`.
enum Declared {
    These(Vec<String>),
    Unknown,
}

fn thresholds(table: &Table) -> Option<Declared> {
    let Value::Table(expect) = &table.get("expect")?.node.value else { return None };
    // A table that takes the place of another may have left them out.
    let Some(thresholds) = expect.get("thresholds") else {
        return Some(Declared::These(Vec::new()));
    };
    let Value::List(list) = &thresholds.node.value else {
        return Some(Declared::Unknown);
    };
    let text = |value: &Value| match value {
        Value::Text(text) if !text.contains("${") => Some(text.clone()),
        _ => None,
    };
    let texts: Option<Vec<_>> = list.iter().map(|node| text(&node.value)).collect();
    Some(texts.map_or(Declared::Unknown, Declared::These))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_judged_is_what_the_text_declares() {
        let file = "[expect]\nthresholds = [\"errors < 1%\", \"dropped == 0\"]\n";
        let both = ["errors < 1%", "dropped == 0"];
        let set = |argument: &str| format!("{file}# --set {argument}\n");
        let table: [(&str, &[&str], bool); 13] = [
            (file, &both, true),
            (file, &both[..1], false),
            (file, &[], false),
            (file, &["errors < 9%", "dropped == 0"], false),
            ("name = \"x\"\n", &[], true),
            ("name = \"x\"\n", &both, false),
            (&set("expect.thresholds=[\"errors < 9%\"]"), &["errors < 9%"], true),
            (&set("expect.thresholds=[\"errors < 9%\"]"), &["errors < 8%"], false),
            (&set("expect={ thresholds = [] }"), &[], true),
            (&set("expect={}"), &[], true),
            (&set("load.speed=2"), &[], false),
            // What cannot be read could be anything.
            (&set("expect.thresholds=["), &["errors < 9%"], true),
            ("expect.thresholds = [\"p99(response) < ${LIMIT}\"]\n", &["p99(response) < 2s"], true),
        ];
        for (text, judged, may) in table {
            assert_eq!(may_declare(text, judged), may, "{text} {judged:?}");
        }
        assert!(may_declare("this is = no TOML = at all", &both));
    }
}
