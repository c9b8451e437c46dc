//! The behaviours as shipped: their defaults, and what is modelled because nobody published it.
//!
//! Sizes follow Anthropic's own figures for Research (1 agent with 3-10 calls, 2-4 subagents with
//! 10-15, more than 10 for complex questions; 3-5 subagents and 3 or more tools in parallel). Think
//! times and shapes are modelled: chosen so that runs last the documented 1-45 minutes.

use std::time::Duration;

use crate::model::chance::{Key, Purpose};
use crate::model::distribution::Distribution;

use super::{Chat, QuestionClass, Reaction, Research, Steady, Subagents};

/// What a call takes when nothing is known about the target: the median of the model's service
/// times. Speed does not divide it: it is not thinking.
pub(super) const MODELLED_SERVICE: Duration = Duration::from_millis(800);

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How long a batch takes whose calls all go to other connectors: the slowest of them.
pub(super) fn elsewhere(key: Key, calls: u32) -> Duration {
    let service =
        Distribution::lognormal(MODELLED_SERVICE, 0.8).clipped(Duration::from_millis(50), s(300));
    let mut chance = key.draw(Purpose::Elsewhere);
    (0..calls).map(|_| service.draw(&mut chance)).max().unwrap_or_default()
}

impl Default for Steady {
    /// 10 calls, a second between them.
    fn default() -> Self {
        Self { calls: 10, think: Distribution::constant(s(1)) }
    }
}

impl Default for Chat {
    /// 1-3 calls; think times are modelled.
    fn default() -> Self {
        Self {
            calls: (1, 3),
            think: Distribution::lognormal(s(5), 0.6).clipped(s(1), s(30)),
            answer: Distribution::lognormal(s(10), 0.5).clipped(s(2), s(60)),
            reaction: Reaction::default(),
        }
    }
}

impl Default for Reaction {
    /// Modelled: 45% the same again, 35% in other words, 20% another tool; after three failures in
    /// a row every second agent stops using the tool.
    fn default() -> Self {
        Self { retry: 0.45, rephrase: 0.35, circuit_after: 3, circuit: 0.5 }
    }
}

impl Research {
    /// A Research run over the usual mix of questions.
    pub fn standard() -> Self {
        Self {
            classes: vec![
                class("simple", 0.30, (1, 1), 0.0, 5.0),
                class("standard", 0.35, (2, 3), 0.0, 8.0),
                class("medium", 0.25, (3, 5), 0.0, 10.0),
                class("high", 0.10, (5, 10), 0.05, 12.0),
            ],
            wave: vec![(3, 0.5), (4, 0.25), (5, 0.25)],
            probes: (1, 2),
            calls_shape: 6.0,
            calls_bounds: (3, 20),
            share: 1.0,
            batch: vec![0.25, 0.35, 0.30, 0.07, 0.03],
            think: Distribution::lognormal(s(7), 0.7).clipped(s(1), s(90)),
            plan: Distribution::lognormal(s(15), 0.5).clipped(s(4), s(60)),
            first_start: Distribution::uniform(Duration::ZERO, s(2)),
            first_think: Distribution::lognormal(s(5), 0.5).clipped(s(1), s(30)),
            reflect: Distribution::lognormal(s(20), 0.5).clipped(s(5), s(120)),
            synthesis: Distribution::lognormal(s(60), 0.5).clipped(s(15), s(240)),
            reaction: Reaction::default(),
            stopped: 0.05,
        }
    }

    /// An advanced Research run: one class of long questions, slower thinking.
    pub fn advanced() -> Self {
        let subagents = Subagents::Gamma { shape: 5.0, scale: 2.0, from: 5, to: 20 };
        Self {
            classes: vec![QuestionClass {
                name: "advanced".to_owned(),
                weight: 1.0,
                subagents,
                calls_mean: 12.0,
            }],
            think: Distribution::lognormal(s(15), 0.8).clipped(s(2), s(180)),
            plan: Distribution::lognormal(s(30), 0.5).clipped(s(4), s(60)),
            ..Self::standard()
        }
    }
}

fn class(
    name: &str,
    weight: f64,
    (from, to): (u32, u32),
    runaways: f64,
    calls_mean: f64,
) -> QuestionClass {
    let subagents = Subagents::Uniform { from, to, runaway: (runaways, 20) };
    QuestionClass { name: name.to_owned(), weight, subagents, calls_mean }
}

#[cfg(test)]
mod tests {
    use super::super::{Behaviour, Outline};
    use super::*;

    const RUNS: u64 = 2_000;

    fn only(mut research: Research, class: &str) -> Behaviour {
        research.classes.retain(|candidate| candidate.name == class);
        Behaviour::Research(Box::new(research))
    }

    fn percentile(outlines: &[Outline], share: f64, what: impl Fn(&Outline) -> f64) -> f64 {
        let mut values: Vec<f64> = outlines.iter().map(what).collect();
        values.sort_by(f64::total_cmp);
        values[(share * values.len() as f64) as usize]
    }

    fn outlines(preset: Research, class: &str) -> Vec<Outline> {
        let behaviour = only(preset, class);
        (0..RUNS)
            .map(|run| behaviour.outline(Key::of_run(1, run), 4, 1.0, MODELLED_SERVICE))
            .collect()
    }

    fn calls(outline: &Outline) -> f64 {
        f64::from(outline.calls)
    }

    fn minutes(outline: &Outline) -> f64 {
        outline.duration.as_secs_f64() / 60.0
    }

    /// What an independent Monte-Carlo of the same model yields: calls p50 and p95, minutes p50.
    /// Subagents and calls are rounded and then clipped; durations are drawn again. The duration of
    /// `advanced` is not compared: its published 14 minutes need slower reflection or synthesis
    /// than its published think times, which give 12.
    #[test]
    fn sizes_and_durations_are_those_of_the_published_model() {
        let table = [
            ("simple", Research::standard(), 6.0, 10.0, Some(2.5)),
            ("standard", Research::standard(), 21.0, 33.0, Some(3.0)),
            ("medium", Research::standard(), 41.0, 61.0, Some(3.9)),
            ("advanced", Research::advanced(), 112.0, 218.0, None),
        ];
        for (class, preset, p50, p95, duration) in table {
            let outlines = outlines(preset, class);
            assert_near(percentile(&outlines, 0.5, calls), p50, class);
            assert_near(percentile(&outlines, 0.95, calls), p95, class);
            if let Some(duration) = duration {
                assert_near(percentile(&outlines, 0.5, minutes), duration, class);
            }
        }
    }

    fn assert_near(measured: f64, published: f64, class: &str) {
        assert!((measured / published - 1.0).abs() < 0.1, "{class}: {measured}, not {published}");
    }

    /// Of `high`, 5% are runaways of about 240 calls and the rest have at most about 150, so its
    /// 95th percentile falls into the gap between the two: samples of 2000 runs give anything from
    /// 145 to 215, and the published 156 is one of them. Held are the other direction - 156 calls
    /// are enough for 95% of the runs - and that a third of such samples come within 10% of it.
    #[test]
    fn high_has_its_median_and_its_runaways() {
        let outlines = outlines(Research::standard(), "high");
        assert_near(percentile(&outlines, 0.5, calls), 91.0, "high");
        assert_near(percentile(&outlines, 0.5, minutes), 6.2, "high");
        let within = |bound: f64| {
            outlines.iter().filter(|outline| calls(outline) <= bound).count() as f64 / RUNS as f64
        };
        assert!((within(156.0) - 0.95).abs() < 0.01, "{}", within(156.0));
        assert!((within(140.0) - 0.94).abs() < 0.01, "{}", within(140.0));
        let behaviour = only(Research::standard(), "high");
        let sample = |seed| -> Vec<Outline> {
            let key = |run| Key::of_run(seed, run);
            (0..2_000).map(|run| behaviour.outline(key(run), 4, 1.0, MODELLED_SERVICE)).collect()
        };
        let p95s: Vec<f64> = (1..=6).map(|seed| percentile(&sample(seed), 0.95, calls)).collect();
        let near = p95s.iter().filter(|p95| (*p95 / 156.0 - 1.0).abs() < 0.1).count();
        assert!(near >= 2, "{p95s:?}");
    }

    #[test]
    fn questions_come_in_their_shares() {
        let behaviour = Behaviour::Research(Box::new(Research::standard()));
        let single = (0..RUNS)
            .map(|run| behaviour.outline(Key::of_run(2, run), 4, 1.0, MODELLED_SERVICE))
            .filter(|outline| outline.subagents == 1)
            .count() as f64;
        assert!((single / RUNS as f64 - 0.30).abs() < 0.03, "{single} of {RUNS}");
    }
}
