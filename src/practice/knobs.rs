//! The knobs as words: one list of names for `[practice]` in a scenario and the flags of
//! `squall serve`.

use super::authorization::ELSEWHERE;
use super::http_sse::STREAM_PATH;
use crate::model::duration::Shown;
use crate::model::plan::{Answers, Catalogue, Flaw, Practice, Sessions, Speaks, Way};

/// Every knob: its flag without the dashes (its scenario key has `_` for `-`) and its value.
pub fn words(knobs: &Practice) -> [(&'static str, String); 14] {
    let Practice { speaks, catalogue, latency, workers, answers, .. } = knobs;
    let Practice { sessions, resumable, idle, retry, result_bytes, seed, auth, limit, .. } = knobs;
    [
        ("speaks", speaks_words(*speaks)),
        ("catalogue", catalogue_word(*catalogue).to_owned()),
        ("latency", latency.to_string()),
        ("workers", workers.to_string()),
        ("answers", answers_word(*answers).to_owned()),
        ("sessions", sessions_word(*sessions).to_owned()),
        ("resumable", resumable.to_string()),
        ("idle", idle.map_or_else(|| OFF.to_owned(), |idle| Shown(idle).to_string())),
        ("retry", Shown(*retry).to_string()),
        ("result-bytes", result_bytes.to_string()),
        ("seed", seed.to_string()),
        ("defects", flaw_words(knobs)),
        ("auth", auth.as_ref().map_or_else(|| OFF.to_owned(), ToString::to_string)),
        ("limit", limit.as_ref().map_or_else(|| OFF.to_owned(), ToString::to_string)),
    ]
}

/// The arguments of `squall serve` that set these knobs.
pub fn arguments(knobs: &Practice) -> Vec<String> {
    words(knobs).into_iter().flat_map(|(flag, value)| [format!("--{flag}"), value]).collect()
}

/// Where the practice target that is announced at `url` is asked by who speaks HTTP+SSE alone.
pub fn stream_url(url: &str) -> String {
    format!("{}{STREAM_PATH}", url.strip_suffix("/mcp").unwrap_or(url))
}

/// A resource beside the practice target that is at `url`: its authorization server issues tokens
/// for it, which are good for nobody here.
pub fn elsewhere_url(url: &url::Url) -> String {
    format!("{}{ELSEWHERE}", url.origin().ascii_serialization())
}

fn speaks_words(speaks: Speaks) -> String {
    speaks.ways().map(Way::word).collect::<Vec<_>>().join(",")
}

/// The word of a target that has none.
pub const SOUND: &str = "none";

/// The word of what is not there.
pub const OFF: &str = "off";

fn flaw_words(knobs: &Practice) -> String {
    let words: Vec<_> = knobs.defects.list().map(Flaw::word).collect();
    if words.is_empty() { SOUND.to_owned() } else { words.join(",") }
}

fn catalogue_word(catalogue: Catalogue) -> &'static str {
    match catalogue {
        Catalogue::Usual => "usual",
        Catalogue::Full => "full",
    }
}

fn answers_word(answers: Answers) -> &'static str {
    match answers {
        Answers::Json => "json",
        Answers::Sse => "sse",
    }
}

fn sessions_word(sessions: Sessions) -> &'static str {
    match sessions {
        Sessions::Stateful => "stateful",
        Sessions::Stateless => "stateless",
    }
}
