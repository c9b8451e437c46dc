//! Chance keyed by what it decides: (seed, run, subagent, turn, purpose), never a shared stream.
//!
//! A shared stream makes every decision depend on all decisions before it, so that one slow answer
//! reshuffles the rest of the storm. Here each decision has a generator of its own, seeded by its
//! key: the same key always decides the same, in whatever order the keys are asked.
//!
//! The values are part of what a seed means: a scenario with `seed = 7` must give the same storm
//! with the next version. Changing the mixing, the generator, a purpose's number or the order of
//! draws in one decision changes every storm, and the tests below pin them.

use rand_distr::{Distribution as _, Exp1, Gamma, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

/// Whose decision it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The scenario's seed.
    pub seed: u64,
    /// The run's number, counted over the whole test.
    pub run: u64,
    /// 0 is the run's lead (or its only agent); subagents count from 1 in the order of their forks.
    pub subagent: u32,
    /// The turn within that agent.
    pub turn: u32,
}

/// What is decided. The numbers belong to the meaning of a seed and are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// Arrivals under the curve of an open model.
    Arrivals = 1,
    /// Arrivals of a herd.
    Herd = 2,
    /// Class of question of a run.
    Class = 3,
    /// Subagents of a run.
    Subagents = 4,
    /// Subagents started at once in a wave.
    Wave = 5,
    /// Lead probes of a run.
    Probes = 6,
    /// Planned calls of an agent.
    Calls = 7,
    /// Calls of a turn.
    Batch = 8,
    /// Which of a turn's calls hit this connector.
    Share = 9,
    /// Tools of a turn's calls.
    Tool = 10,
    /// Arguments of a turn's calls.
    Variation = 11,
    /// Thinking before or after a turn.
    Think = 12,
    /// Planning of a run.
    Plan = 13,
    /// A subagent's start and first thinking.
    First = 14,
    /// Reflection after a wave.
    Reflect = 15,
    /// Synthesis, or writing an answer.
    Synthesis = 16,
    /// Reaction to a turn's failures.
    Reaction = 17,
    /// Whether and when a person stops a run.
    Stop = 18,
    /// Time that calls to other connectors take.
    Elsewhere = 19,
    /// Delays within a burst.
    Stagger = 20,
    /// Session policy of a user.
    SessionPolicy = 21,
    /// Whether a handshake is followed by the GET stream.
    Stream = 22,
    /// Whether a session is ended with DELETE.
    Delete = 23,
    /// Arguments made from a variation.
    Arguments = 24,
    /// Service times of the practice target.
    Service = 25,
    /// Result sizes of the practice target.
    Size = 26,
    /// How much later a further process refreshes.
    HolderGap = 27,
    /// Whether a fault befalls a connection, and what it does there by chance.
    Fault = 28,
}

/// The number of a user's run, for [`Key::of_run`]; turns count from 0. In an open model a user has
/// one run: its number is its arrival's.
pub const fn run_number(user: u32, turn: u32) -> u64 {
    (turn as u64) << 32 | user as u64
}

impl Key {
    /// The key of a run's lead at its first turn.
    pub const fn of_run(seed: u64, run: u64) -> Self {
        Self { seed, run, subagent: 0, turn: 0 }
    }

    /// The same run, another agent, at its first turn.
    #[must_use]
    pub const fn of_subagent(self, subagent: u32) -> Self {
        Self { subagent, turn: 0, ..self }
    }

    /// The same agent, another turn.
    #[must_use]
    pub const fn at_turn(self, turn: u32) -> Self {
        Self { turn, ..self }
    }

    /// The chance that decides this purpose.
    pub fn draw(self, purpose: Purpose) -> Chance {
        Chance(Xoshiro256PlusPlus::seed_from_u64(self.mixed(purpose)))
    }

    /// The chance that decides the `index`-th thing of this purpose, independent of the others.
    pub fn draw_at(self, purpose: Purpose, index: u32) -> Chance {
        Chance(Xoshiro256PlusPlus::seed_from_u64(self.value(purpose, index)))
    }

    /// One 64-bit value for the `index`-th thing of this purpose: cheaper than a chance when one
    /// value is all that is needed.
    pub fn value(self, purpose: Purpose, index: u32) -> u64 {
        mix(self.mixed(purpose) ^ mix(u64::from(index)))
    }

    /// Every part goes through the finaliser with what came before, so that neighbouring keys
    /// (run 1 turn 2, run 2 turn 1) share nothing.
    fn mixed(self, purpose: Purpose) -> u64 {
        let place = u64::from(self.subagent) << 32 | u64::from(self.turn);
        let who = mix(mix(self.seed) ^ self.run);
        mix(mix(who ^ place) ^ purpose as u64)
    }
}

/// `SplitMix64`'s step: Stafford's variant 13 of `MurmurHash3`'s finaliser on the golden-ratio
/// increment.
pub(super) const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The generator of one decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chance(Xoshiro256PlusPlus);

impl Chance {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform integer, both bounds included; `from` when the bounds are the wrong way round.
    ///
    /// Lemire's multiplication without its rejection: the bias is below 2^-64 times the span.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        let span = u128::from(to.saturating_sub(from)) + 1;
        from + ((u128::from(self.bits()) * span) >> 64) as u64
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Index drawn in proportion to the weights; weights that are not above zero are never drawn.
    /// 0 when no weight is.
    pub fn weighted<W>(&mut self, weights: W) -> usize
    where
        W: Iterator<Item = f64> + Clone,
    {
        let weights = weights.map(|weight| weight.max(0.0));
        let mut left = self.unit() * weights.clone().sum::<f64>();
        let mut chosen = 0;
        for (index, weight) in weights.enumerate().filter(|(_, weight)| *weight > 0.0) {
            chosen = index;
            if left < weight {
                break;
            }
            left -= weight;
        }
        chosen
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        Exp1.sample(&mut self.0)
    }

    /// Gamma with this shape and scale; its mean when one of them is not above zero.
    pub fn gamma(&mut self, shape: f64, scale: f64) -> f64 {
        Gamma::new(shape, scale).map_or(shape * scale, |gamma| gamma.sample(&mut self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_what_a_seed_means() {
        let key = Key::of_run(7, 3).of_subagent(2).at_turn(5);
        let mut chance = key.draw(Purpose::Think);
        let drawn = [chance.bits(), chance.bits(), chance.between(1, 6)];
        assert_eq!(drawn, [14_093_881_372_208_578_800, 10_417_523_501_817_066_410, 3]);
        assert_eq!(key.value(Purpose::Variation, 1), 8_663_319_468_581_117_150);
        assert_eq!(Key::of_run(0, 0).draw(Purpose::Arrivals).bits(), 8_010_081_158_365_759_262);
        let mut chance = key.draw(Purpose::Calls);
        let shapes = [chance.normal(), chance.exponential(), chance.gamma(6.0, 2.0)];
        let micro = shapes.map(|value| (value * 1e6).round() as i64);
        assert_eq!(micro, [1_932_072, 2_136_126, 9_444_550]);
    }

    #[test]
    fn neighbouring_keys_share_nothing() {
        let mut seen = HashSet::new();
        for (seed, run, subagent, turn) in corners(6) {
            let key = Key { seed, run, subagent, turn };
            for purpose in [Purpose::Arrivals, Purpose::Herd, Purpose::Class] {
                assert!(seen.insert(key.draw(purpose).bits()), "{key:?} {purpose:?}");
                assert!(seen.insert(key.value(purpose, 0)), "{key:?} {purpose:?}");
                assert!(seen.insert(key.value(purpose, 1)), "{key:?} {purpose:?}");
            }
        }
    }

    fn corners(side: u64) -> impl Iterator<Item = (u64, u64, u32, u32)> {
        (0..side.pow(4)).map(move |number| {
            let digit = |place: u32| number / side.pow(place) % side;
            (digit(0), digit(1), digit(2) as u32, digit(3) as u32)
        })
    }

    #[test]
    fn weights_are_kept() {
        let mut counts = [0_u32; 4];
        for run in 0..20_000 {
            let weights = [0.1, 0.0, 0.6, 0.3];
            counts[Key::of_run(1, run).draw(Purpose::Class).weighted(weights.into_iter())] += 1;
        }
        assert_eq!(counts[1], 0);
        for (count, expected) in counts.into_iter().zip([2_000_i64, 0, 12_000, 6_000]) {
            assert!((i64::from(count) - expected).abs() < 300, "{counts:?}");
        }
        let nothing = Key::of_run(1, 1).draw(Purpose::Class).weighted([0.0, -1.0].into_iter());
        assert_eq!(nothing, 0);
    }

    proptest! {
        #[test]
        fn draws_stay_inside(seed: u64, from: u64, to: u64) {
            let mut chance = Key::of_run(seed, 0).draw(Purpose::Tool);
            prop_assert!((0.0..1.0).contains(&chance.unit()));
            let drawn = chance.between(from, to);
            prop_assert!(drawn == from || (from..=to).contains(&drawn));
        }
    }
}
