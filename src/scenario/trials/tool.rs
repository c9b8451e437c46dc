//! Tools that knobs of scripts name.

use crate::model::plan::Plan;
use crate::scenario::checks::place;
use crate::scenario::reader::Table;

/// A tool that may not be called cannot be tried.
pub(super) fn refuse_unknown(
    root: &Table<'_>,
    plan: &Plan,
    (table, key): (&'static str, &'static str),
    name: Option<&str>,
) {
    let (Some(name), Some(allow)) = (name, &plan.tools.allow) else { return };
    if !allow.iter().any(|allowed| allowed == name) {
        let found = format!("load.{table}.{key} is {name}, which tools.allow does not name");
        let right = "add it to tools.allow, or name one of those";
        root.log().wrong(place(root, &["load", table, key]), found, right);
    }
}
