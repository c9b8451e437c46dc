//! The knobs as words: one list of names for `[practice]` in a scenario and the flags of
//! `squall serve`.

use crate::model::plan::{Answers, Practice, Sessions};

/// Every knob: its flag without the dashes (its scenario key has `_` for `-`) and its value.
pub fn words(knobs: &Practice) -> [(&'static str, String); 6] {
    let Practice { latency, workers, answers, sessions, result_bytes, seed } = knobs;
    [
        ("latency", latency.to_string()),
        ("workers", workers.to_string()),
        ("answers", answers_word(*answers).to_owned()),
        ("sessions", sessions_word(*sessions).to_owned()),
        ("result-bytes", result_bytes.to_string()),
        ("seed", seed.to_string()),
    ]
}

/// The arguments of `squall serve` that set these knobs.
pub fn arguments(knobs: &Practice) -> Vec<String> {
    words(knobs).into_iter().flat_map(|(flag, value)| [format!("--{flag}"), value]).collect()
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
