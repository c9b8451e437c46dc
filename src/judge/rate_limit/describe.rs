//! What was found out, in one paragraph.

use super::Found;
use super::allowance::told;
use super::others::{self, Counted};
use super::shape::Shape;
use crate::model::figure;
use crate::model::limit_probe::Varied;

/// Worth saying: so many times as long.
const SLOWER: u32 = 5;

/// All of it, sentence by sentence; what was not seen is not said.
pub(super) fn paragraph(found: &Found) -> String {
    let sentences = [
        amount(found),
        counted(found),
        waits(found),
        besides(found),
        fairness(found),
        failures(found),
    ];
    let said: Vec<_> = sentences.into_iter().flatten().collect();
    said.join(" ")
}

fn amount(found: &Found) -> Option<String> {
    let Some((fewest, most)) = found.bursts.range() else {
        let served: usize = found.bursts.served.iter().sum();
        return (served > 0).then(|| {
            let served = figure::count(served as u64);
            format!("No limit was found: {served} calls at once were served.")
        });
    };
    let shape = match found.shape {
        Some(Shape::Bucket) => "A token bucket",
        Some(Shape::Fixed) => "A fixed window",
        Some(Shape::Sliding) => "A sliding window",
        Some(Shape::Window) => "A fixed or sliding window",
        Some(Shape::CountsRefused) => "A window that counts what it refuses",
        None => "A limit",
    };
    let at_once = told(fewest, most);
    let rate = found.pressed.rate.map(|rate| {
        let number = |rate: f64| figure::number(rate);
        format!(
            " and {}/s in the long run (between {} and {})",
            number(rate.near),
            number(rate.low),
            number(rate.high)
        )
    });
    let all = found.bursts.served.len();
    let rate = rate.unwrap_or_default();
    Some(format!("{shape} allows {at_once} at once after a rest (in {all} bursts){rate}."))
}

fn counted(found: &Found) -> Option<String> {
    let tried = [Varied::User, Varied::Session, Varied::Address, Varied::Tool];
    let of = |varied: &Varied| found.others.get(varied).map(|trials| (*varied, *trials));
    let each: Vec<_> = tried
        .iter()
        .filter_map(of)
        .map(|(varied, trials)| format!("{} {}", others::name(varied), others::shown(trials)))
        .collect();
    if each.is_empty() {
        return None;
    }
    let by =
        found.per.map_or("What it counts by is not clear".to_owned(), |per| match per.word() {
            "all" => "It counts everything together".to_owned(),
            word => format!("It counts by {word}"),
        });
    Some(format!("{by}: {}.", each.join(", ")))
}

fn waits(found: &Found) -> Option<String> {
    (found.signals.refused() > 0).then(|| {
        let (signals, waits) = (found.signals.value(), found.waits.value());
        format!("Refusals were {signals}. When to come again was {waits}.")
    })
}

/// What else shares it.
fn besides(found: &Found) -> Option<String> {
    let of = |varied| found.others.get(&varied).and_then(|trials| trials.counted());
    let all = [Varied::Handshake, Varied::List, Varied::Refresh];
    let named = |counted| {
        let those = all.iter().filter(|varied| of(**varied) == Some(counted));
        those.map(|varied| others::name(*varied)).collect::<Vec<_>>().join(", ")
    };
    let (shared, free) = (named(Counted::Together), named(Counted::Apart));
    match (shared.as_str(), free.as_str()) {
        ("", "") => None,
        ("", free) => Some(format!("It does not refuse {free}.")),
        (shared, "") => Some(format!("It refuses {shared}, too.")),
        (shared, free) => Some(format!("It refuses {shared}, too, but not {free}.")),
    }
}

fn fairness(found: &Found) -> Option<String> {
    (found.fairness.quiet > 0).then(|| {
        let value = found.fairness.value();
        let first = value.chars().next().map(|first| first.to_uppercase().to_string());
        format!("{}{}.", first.unwrap_or_default(), value.get(1..).unwrap_or_default())
    })
}

fn failures(found: &Found) -> Option<String> {
    let failed = found.signals.failed;
    let failed =
        (failed > 0).then(|| format!("{} calls ended in failures.", figure::count(failed)));
    let slowed =
        found.slowed.filter(|(calm, press)| *press > *calm * SLOWER).map(|(calm, press)| {
            let (calm, press) = (figure::duration(calm), figure::duration(press));
            format!("A call took {calm} below the limit, and {press} when more was asked for.")
        });
    let both: Vec<_> = failed.into_iter().chain(slowed).collect();
    (!both.is_empty()).then(|| both.join(" "))
}
