//! What faults did and how the target came back, in sentences and as rows.

use crate::model::damage::{Damage, Recovery, Stretch};
use crate::model::figure;

/// The heads of [`row`].
pub const HEAD: [&str; 11] = [
    "Window",
    "Calls, hung",
    "Errors before, in it",
    "p95 before, in it",
    "Good a second before, in it",
    "Met it, failed",
    "As before after",
    "Users hit, not served again, others after",
    "Sessions, runs, grants lost",
    "Carried out twice",
    "HTTP requests, handshakes a call, to before",
];

/// These windows, a sentence or two each, and what is not known of them, as text that is not yet escaped.
pub fn sentences(damages: &[Damage]) -> Vec<String> {
    let unknown: Vec<_> = damages.iter().filter(|damage| damage.duplicates.is_none()).collect();
    let said = "How many calls the target carried out twice is unknown";
    let name =
        "duplicates of metrics under [target] is to name a counter of them that the page has";
    let unknown = match &unknown[..] {
        [] => None,
        all if all.len() == damages.len() => Some(format!("{said}: {name}.")),
        some => {
            let names: Vec<_> = some.iter().map(|damage| damage.name.as_str()).collect();
            Some(format!("{said} of {}.", names.join(", ")))
        }
    };
    damages.iter().map(sentence).chain(unknown).collect()
}

/// One window in a sentence or two, as text that is not yet escaped.
fn sentence(damage: &Damage) -> String {
    let Damage { name, kind, inside, .. } = damage;
    let (from, until) = (figure::micros(damage.from_us), figure::micros(damage.until_us));
    let open = if damage.open { ", when the run ended" } else { "" };
    let errors = match (inside.error_share(), before(damage, Stretch::error_share)) {
        (None, _) => "no call was due in it".to_owned(),
        (Some(share), before) => {
            let before = before
                .map_or(String::new(), |before| format!(", {} before", figure::share(before)));
            let share = figure::share(share);
            format!("{share} of {} calls failed{before}", figure::count(inside.calls))
        }
    };
    let p95 = match (inside.p95_us, damage.baseline.as_ref().and_then(|base| base.p95_us)) {
        (Some(now), Some(then)) => {
            format!(", p95 {} ({} before)", figure::micros(now), figure::micros(then))
        }
        (Some(now), None) => format!(", p95 {}", figure::micros(now)),
        (None, _) => String::new(),
    };
    let unexplained = match damage.unexplained {
        0 => String::new(),
        count => format!(" {} of these errors met no fault.", figure::count(count)),
    };
    let hung = match damage.hung {
        0 => String::new(),
        count => format!(" Nobody answered {} of the calls.", figure::count(count)),
    };
    let untold = match damage.met {
        _ if damage.untold => " Nobody can tell which calls met it.",
        0 if ON_EVENTS.contains(&damage.kind.as_str()) => {
            " It met no call: it acts on answers that come as events, with as many of them as it names."
        }
        0 if !BESIDE.contains(&damage.kind.as_str()) => " It met no call.",
        _ => "",
    };
    let twice = match damage.duplicates {
        None => String::new(),
        Some(0) => " The target carried out no call twice.".to_owned(),
        Some(1) => " The target carried out 1 call twice.".to_owned(),
        Some(count) => format!(" The target carried out {} calls twice.", figure::count(count)),
    };
    let stuck = if damage.is_metastable() {
        " It was not back within twice as long as the fault lasted: load alone may hold it down."
    } else {
        ""
    };
    let recovered = recovered(damage);
    let hook = damage.hook.as_ref().map_or_else(String::new, |hook| {
        let took = figure::micros(hook.run.took_us);
        let cleanup = hook.cleanup.as_ref().filter(|cleanup| !cleanup.ok);
        let cleanup = cleanup.map_or_else(String::new, |cleanup| {
            format!(" Its cleanup {}: put right by hand what it was to.", cleanup.ended)
        });
        format!(" It {} after {took}.{cleanup}", hook.run.ended)
    });
    format!(
        "{name} ({kind}, {from} to {until}{open}): {errors}{p95}. {recovered}.{hung}{unexplained}{untold}{twice}{hook}{stuck}"
    )
}

/// Kinds that befall nothing but answers that come as events.
const ON_EVENTS: [&str; 3] = ["cut-stream", "hold-stream", "drip-stream"];
/// Kinds that act beside calls, and of which no call has a mark.
const BESIDE: [&str; 3] = ["half-open", "idle-streams", "slow-close"];

/// Whether and when it was as before.
fn recovered(damage: &Damage) -> String {
    match damage.recovery {
        Recovery::Recovered { after_us: 0 } => "As before at once after it".to_owned(),
        Recovery::Recovered { after_us } => {
            format!("As before {} after it", figure::micros(after_us))
        }
        Recovery::NotSeen { watched_us } => {
            format!("Not as before within the {} that followed", figure::micros(watched_us))
        }
        Recovery::Unwatched if damage.open => "It was still in force at the end".to_owned(),
        Recovery::Unwatched => "Too few calls came after it to see a recovery".to_owned(),
        Recovery::NoBaseline => "Too few calls came before it to compare with".to_owned(),
    }
}

fn before<T>(damage: &Damage, of: impl Fn(&Stretch) -> Option<T>) -> Option<T> {
    damage.baseline.as_ref().and_then(of)
}

/// One window as cells of a table, in the order of [`HEAD`].
pub fn row(damage: &Damage) -> Vec<String> {
    let dash = || "–".to_owned();
    let pair = |before: Option<String>, now: Option<String>| {
        format!("{}, {}", before.unwrap_or_else(dash), now.unwrap_or_else(dash))
    };
    let share = |stretch: &Stretch| stretch.error_share().map(figure::share);
    let p95 = |stretch: &Stretch| stretch.p95_us.map(figure::micros);
    let good = |stretch: &Stretch| Some(figure::number(stretch.good_per_second));
    let inside = &damage.inside;
    let counts = |counts: &[u64]| {
        counts.iter().map(|count| figure::count(*count)).collect::<Vec<_>>().join(", ")
    };
    let after = match damage.recovery {
        Recovery::Recovered { after_us } => figure::micros(after_us),
        Recovery::NotSeen { watched_us } => format!("> {}", figure::micros(watched_us)),
        Recovery::Unwatched | Recovery::NoBaseline => dash(),
    };
    let ratio = |ratio: Option<f64>| ratio.map(|ratio| format!("{}x", figure::number(ratio)));
    let is_served = damage.users_hit > damage.users_unserved;
    let served = if is_served { figure::micros(damage.served_us) } else { dash() };
    vec![
        damage.name.clone(),
        counts(&[inside.calls, damage.hung]),
        pair(before(damage, share), share(inside)),
        pair(before(damage, p95), p95(inside)),
        pair(before(damage, good), good(inside)),
        if damage.untold { dash() } else { counts(&[damage.met, damage.explained]) },
        after,
        format!("{}, {served}", counts(&[damage.users_hit, damage.users_unserved])),
        counts(&[damage.sessions_lost, damage.runs_lost, damage.grants_lost]),
        damage.duplicates.map_or_else(|| "unknown".to_owned(), figure::count),
        pair(ratio(damage.amplification), ratio(damage.handshake_amplification)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn damage() -> Damage {
        let baseline =
            Stretch { calls: 1_000, errors: 1, p95_us: Some(48_000), ..Stretch::default() };
        let inside =
            Stretch { calls: 487, errors: 15, p95_us: Some(846_000), ..Stretch::default() };
        Damage {
            name: "resets #2".to_owned(),
            kind: "reset".to_owned(),
            met: 20,
            from_us: 25_000_000,
            until_us: 30_000_000,
            baseline: Some(baseline),
            inside,
            recovery: Recovery::Recovered { after_us: 2_250_000 },
            ..Damage::default()
        }
    }

    #[test]
    fn each_way_back_has_its_words() {
        let plain = damage();
        let said = sentence(&plain);
        let expected = "resets #2 (reset, 25s to 30s): 3.08% of 487 calls failed, 0.1% before, \
                        p95 846ms (48ms before). As before 2.25s after it.";
        assert_eq!(said, expected);
        let never = Recovery::NotSeen { watched_us: 17_000_000 };
        let said = sentence(&Damage { recovery: never, unexplained: 3, ..damage() });
        assert!(said.contains("Not as before within the 17s that followed."), "{said}");
        assert!(said.contains("3 of these errors met no fault.") && said.contains("twice as long"));
        for (recovery, open, words) in [
            (Recovery::Unwatched, true, "still in force at the end"),
            (Recovery::Unwatched, false, "Too few calls came after it"),
            (Recovery::NoBaseline, false, "Too few calls came before it"),
        ] {
            let said = sentence(&Damage { open, recovery, ..damage() });
            assert!(said.contains(words), "{said}");
        }
        let said = sentence(&Damage { untold: true, ..damage() });
        assert!(said.ends_with("2.25s after it. Nobody can tell which calls met it."), "{said}");
        let said = sentence(&Damage { hung: 10, ..damage() });
        assert!(said.ends_with("2.25s after it. Nobody answered 10 of the calls."), "{said}");
        let said = sentence(&Damage { inside: Stretch::default(), ..damage() });
        assert!(said.contains("no call was due in it."), "{said}");
    }

    #[test]
    fn what_was_carried_out_twice_is_said_or_said_to_be_unknown() {
        let twice = |duplicates| Damage { duplicates, ..damage() };
        for (count, words) in [(0, "no call twice."), (1, "1 call twice."), (9, "9 calls twice.")] {
            let said = sentences(&[twice(Some(count))]);
            assert!(said.len() == 1 && said[0].ends_with(words), "{said:?}");
        }
        let all = sentences(&[twice(None), twice(None)]);
        assert_eq!(
            all[2],
            "How many calls the target carried out twice is unknown: duplicates of metrics under \
             [target] is to name a counter of them that the page has."
        );
        let one = sentences(&[twice(None), twice(Some(1))]);
        assert_eq!(one[2], "How many calls the target carried out twice is unknown of resets #2.");
        assert_eq!(row(&twice(None))[9], "unknown");
        assert_eq!(row(&twice(Some(7)))[9], "7");
        assert_eq!(sentences(&[]), [""; 0]);
    }

    #[test]
    fn a_row_has_a_cell_for_each_head() {
        let cells = row(&damage());
        assert_eq!(cells.len(), HEAD.len());
        assert_eq!(cells[2..4], ["0.1%, 3.08%", "48ms, 846ms"]);
        assert_eq!([&cells[1], &cells[6], &cells[7]], ["487, 0", "2.25s", "0, 0, –"]);
        let hit = Damage { users_hit: 3, users_unserved: 1, served_us: 70_000, ..damage() };
        let cells = row(&Damage { hung: 1, handshake_amplification: Some(2.5), ..hit });
        assert_eq!([&cells[1], &cells[7], &cells[10]], ["487, 1", "3, 1, 70ms", "–, 2.5x"]);
    }
}
