//! `[load.idle_streams]`: the knobs of `check-idle-streams`.

use std::time::Duration;

use crate::model::behaviour::SilenceTrials;
use crate::model::duration;
use crate::scenario::document::Node;
use crate::scenario::reader::Table;
use crate::scenario::scalar::{Wrong, parsed};

const SHORTEST: Duration = Duration::from_millis(100);
/// The longest silence that is tried.
const LONGEST: Duration = Duration::from_secs(3_600);
/// So many at most.
const MOST: usize = 32;

pub(super) fn read(table: &Table<'_>) -> SilenceTrials {
    let default = SilenceTrials::default();
    let doc = "So long nothing happens on streams and in calls; all of them are tried at once.";
    let silences = table
        .key("silences", doc)
        .each("a list of durations", silence)
        .or_as(default.silences, r#"["30s", "60s", "100s", "125s", "300s", "350s"]"#);
    if silences.is_empty() || silences.len() > MOST {
        let found = format!("{} silences", silences.len());
        table.log().wrong(table.place_of("silences"), found, "write between 1 and 32 of them");
    }
    let each =
        table.key("each", "Streams and calls for each of them.").count(2..=10).or(default.each);
    let doc = "A tool that takes as long as an argument says. Default: no call is held.";
    let call = table.key("call", doc).text().optional();
    let doc = "The argument that says how many seconds it takes.";
    let seconds = table.key("seconds", doc).text().or_as(default.seconds, "\"seconds\"");
    let doc = "A tool that tells how far it is. Default: the first one that does.";
    let progress = table.key("progress", doc).text().optional();
    let calls = table.key("calls", "Calls of it.").count(3..=1_000).or(default.calls);
    SilenceTrials { silences, each, call, seconds, progress, calls }
}

fn silence(node: &Node) -> Result<Duration, Wrong> {
    let silence = parsed(node, duration::parse, "a duration such as \"60s\"")?;
    let is_good = (SHORTEST..=LONGEST).contains(&silence);
    is_good.then_some(silence).ok_or_else(|| "expected durations from 100ms to 1h".to_owned())
}
