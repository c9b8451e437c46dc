//! What becomes of a list of tools.

use serde_json::{Value, json};

use crate::model::plan::Flaw;

/// Changes a result of `tools/list`; `turn` says, each time it is asked, whether the list is in the
/// other order now.
pub(super) fn spoil(result: &mut Value, has: impl Fn(Flaw) -> bool, turn: impl Fn() -> bool) {
    let Some(tools) = result["tools"].as_array_mut() else { return };
    for tool in tools.iter_mut() {
        let Some(tool) = tool.as_object_mut() else { continue };
        if has(Flaw::UnannotatedTools) && tool["name"] != "search" {
            tool.remove("annotations");
        }
        if has(Flaw::UntitledTools) {
            tool.remove("title");
        }
    }
    let Some(last) = tools.last_mut() else { return };
    if has(Flaw::LongNames) {
        last["name"] = "delete_document".repeat(6).into();
    }
    if has(Flaw::LongDescriptions) {
        last["description"] = "Deletes a document. ".repeat(150).into();
    }
    if has(Flaw::LargeList) {
        let about = "The document's id. ".repeat(9_000);
        last["inputSchema"]["properties"]["id"]["description"] = about.into();
    }
    let last = last.clone();
    if has(Flaw::DuplicateTools) {
        tools.push(last.clone());
    }
    if has(Flaw::ManyTools) {
        let numbered = (0..40).map(|number| {
            let mut tool = last.clone();
            tool["name"] = json!(format!("delete_document_{number}"));
            tool
        });
        tools.extend(numbered);
    }
    if has(Flaw::UnorderedLists) && turn() {
        tools.reverse();
    }
}
