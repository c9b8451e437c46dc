//! When something is due: arithmetic without a clock.

use std::time::Duration;

mod due;

use due::Curve;
pub use due::Due;

/// Who comes when.
#[derive(Debug, Clone, PartialEq)]
pub enum Pace {
    /// Runs arrive whether or not the target keeps up.
    Open(Arrivals),
    /// So many users, each starting its next run when the last one ended.
    Closed(Users),
}

/// Arrivals of an open model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arrivals {
    /// Rate at the start of the first stage, per second.
    pub from: f64,
    /// Linear ramps, one after another.
    pub stages: Vec<RateStage>,
    /// How arrivals lie under the curve.
    pub spacing: Spacing,
    /// Crowds that come at once, on top of the curve.
    pub herds: Vec<Herd>,
}

/// A ramp to a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateStage {
    /// How long it takes.
    pub over: Duration,
    /// The rate at its end, per second.
    pub to: f64,
}

/// How arrivals lie under the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spacing {
    /// Evenly: one each time the area under the curve grows by one.
    #[default]
    Even,
    /// As a Poisson process that has exactly as many arrivals as the area.
    Poisson,
}

/// A crowd that comes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Herd {
    /// When it begins.
    pub at: Duration,
    /// How many come.
    pub arrivals: u32,
    /// They spread uniformly over this long.
    pub within: Duration,
}

/// Users of a closed model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Users {
    /// Linear ramps from 0 users, one after another; each takes at least a second.
    pub stages: Vec<UserStage>,
}

/// A ramp to a number of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserStage {
    /// How long it takes.
    pub over: Duration,
    /// Users at its end.
    pub to: u32,
}

impl Pace {
    /// From the start to the last arrival that can be, or to the end of the last stage.
    pub fn length(&self) -> Duration {
        match self {
            Self::Open(arrivals) => arrivals.length(),
            Self::Closed(users) => users.length(),
        }
    }
}

impl Arrivals {
    /// Every arrival as an offset from the start, in order, generated as it is asked for: a plan
    /// of a thousand million arrivals takes no more memory than a plan of ten.
    pub fn due(&self, seed: u64) -> Due {
        Due::of(self, seed)
    }

    /// How many arrivals there are: the area under the curve, rounded, and every herd.
    pub fn expected(&self) -> u64 {
        let herds: u64 = self.herds.iter().map(|herd| u64::from(herd.arrivals)).sum();
        Curve::of(self).count() + herds
    }

    /// How many arrivals lie before this offset: exact to one where they lie evenly under the
    /// curve, the mean where chance decides.
    pub fn before(&self, at: Duration) -> f64 {
        let herds = self.herds.iter().map(|herd| {
            let within = herd.within.max(Duration::from_nanos(1));
            let share = at.saturating_sub(herd.at).div_duration_f64(within);
            share.min(1.0) * f64::from(herd.arrivals)
        });
        Curve::of(self).area_at(at.as_secs_f64()) + herds.sum::<f64>()
    }

    /// To the end of the last stage or herd, whichever is later.
    pub fn length(&self) -> Duration {
        let stages = self.stages.iter().map(|stage| stage.over).sum();
        self.herds.iter().map(|herd| herd.at + herd.within).fold(stages, Duration::max)
    }
}

impl Users {
    /// Users that should be there at this offset, 0 after the last stage. Where a stage of no
    /// length makes a step, the height after the step counts.
    pub fn users_at(&self, at: Duration) -> u32 {
        let (mut begin, mut height, mut found) = (Duration::ZERO, 0.0, 0.0);
        for stage in &self.stages {
            let (end, to) = (begin + stage.over, f64::from(stage.to));
            if (begin..=end).contains(&at) {
                let whole = stage.over.max(Duration::from_nanos(1));
                let share = at.saturating_sub(begin).div_duration_f64(whole);
                found = if stage.over.is_zero() { to } else { height + (to - height) * share };
            }
            (begin, height) = (end, to);
        }
        found.round() as u32
    }

    /// To the end of the last stage.
    pub fn length(&self) -> Duration {
        self.stages.iter().map(|stage| stage.over).sum()
    }

    /// Most users at once.
    pub fn peak(&self) -> u32 {
        self.stages.iter().map(|stage| stage.to).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn s(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn stages(from: f64, stages: &[(f64, f64)]) -> Arrivals {
        let stages = stages.iter().map(|(over, to)| RateStage { over: s(*over), to: *to });
        Arrivals { from, stages: stages.collect(), ..Arrivals::default() }
    }

    fn per_second(arrivals: &Arrivals) -> Vec<usize> {
        let mut counts = vec![0; arrivals.length().as_secs() as usize];
        for due in arrivals.due(1) {
            counts[due.as_secs() as usize] += 1;
        }
        counts
    }

    #[test]
    fn a_constant_rate_gives_exact_spacing() {
        let due: Vec<_> = stages(10.0, &[(1.0, 10.0)]).due(1).collect();
        let expected: Vec<_> = (0..10).map(|k| Duration::from_millis(50 + 100 * k)).collect();
        assert_eq!(due, expected);
    }

    #[test]
    fn arrivals_in_each_second() {
        let table = [
            (stages(5.0, &[(3.0, 5.0)]), vec![5, 5, 5]),
            (stages(0.0, &[(4.0, 8.0)]), vec![1, 3, 5, 7]),
            (stages(8.0, &[(4.0, 0.0)]), vec![7, 5, 3, 1]),
            (stages(0.0, &[(2.0, 0.0), (0.0, 3.0), (2.0, 3.0)]), vec![0, 0, 3, 3]),
            (
                stages(2.0, &[(1.0, 2.0), (0.0, 0.0), (1.0, 0.0), (0.0, 4.0), (1.0, 4.0)]),
                vec![2, 0, 4],
            ),
            (stages(0.0, &[(2.0, 4.0), (1.0, 4.0), (2.0, 0.0)]), vec![1, 3, 4, 3, 1]),
            (stages(0.0, &[]), vec![]),
        ];
        for (arrivals, counts) in table {
            assert_eq!(per_second(&arrivals), counts, "{arrivals:?}");
            assert_eq!(arrivals.expected(), counts.iter().sum::<usize>() as u64);
        }
    }

    #[test]
    fn herds_come_on_top_in_order() {
        let mut arrivals = stages(1.0, &[(4.0, 1.0)]);
        let second = Duration::from_secs(1);
        arrivals.herds = vec![
            Herd { at: 2 * second, arrivals: 50, within: second },
            Herd { at: second, arrivals: 3, within: Duration::ZERO },
            Herd { at: 5 * second, arrivals: 2, within: second },
        ];
        assert_eq!(arrivals.expected(), 59);
        assert_eq!(arrivals.length(), 6 * second);
        assert_eq!(per_second(&arrivals), [1, 4, 51, 1, 0, 2]);
        let due: Vec<_> = arrivals.due(1).collect();
        assert!(due.is_sorted());
        assert_eq!(due.iter().filter(|due| **due == second).count(), 3);
        assert_ne!(due, arrivals.due(2).collect::<Vec<_>>());
        assert_eq!(due, arrivals.due(1).collect::<Vec<_>>());
    }

    #[test]
    fn arrivals_before_an_offset_are_those_that_were_due() {
        let mut arrivals = stages(3.0, &[(2.0, 9.0), (0.0, 1.0), (3.0, 40.0), (1.5, 0.0)]);
        arrivals.herds = vec![Herd { at: s(2.0), arrivals: 50, within: Duration::ZERO }];
        let due: Vec<_> = arrivals.due(1).collect();
        for tenth in 0..80 {
            let at = Duration::from_millis(100 * tenth + 1);
            let count = due.iter().filter(|due| **due < at).count() as f64;
            let before = arrivals.before(at);
            assert!((before - count).abs() <= 0.5 + 1e-6, "{at:?}: {count} {before}");
        }
        arrivals.herds = vec![Herd { at: s(2.0), arrivals: 50, within: s(4.0) }];
        let halfway = arrivals.before(s(4.0)) - arrivals.before(s(2.0));
        arrivals.herds.clear();
        let alone = arrivals.before(s(4.0)) - arrivals.before(s(2.0));
        assert!((halfway - alone - 25.0).abs() < 1e-6);
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let mut arrivals = stages(100.0, &[(100.0, 100.0)]);
        arrivals.spacing = Spacing::Poisson;
        let due: Vec<_> = arrivals.due(3).collect();
        assert_eq!(due.len(), 10_000);
        let gaps: Vec<f64> =
            due.windows(2).map(|pair| pair[1].saturating_sub(pair[0]).as_secs_f64()).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let square = gaps.iter().map(|gap| gap * gap).sum::<f64>() / gaps.len() as f64;
        assert!((mean / 0.01 - 1.0).abs() < 0.02, "{mean}");
        assert!((square / (mean * mean) - 2.0).abs() < 0.15, "coefficient of variation is 1");
        let first_half = due.iter().filter(|due| due.as_secs() < 50).count();
        assert!((4_800..5_200).contains(&first_half), "{first_half}");
    }

    #[test]
    fn a_huge_plan_is_not_materialised() {
        for spacing in [Spacing::Even, Spacing::Poisson] {
            let mut arrivals = stages(1e6, &[(10_000.0, 1e6)]);
            arrivals.spacing = spacing;
            assert_eq!(arrivals.expected(), 10_000_000_000);
            let thousandth = arrivals.due(1).nth(999).unwrap();
            assert!((900..1_100).contains(&thousandth.as_micros()), "{thousandth:?}");
        }
    }

    #[test]
    fn users_along_the_ramps() {
        let stage = |over, to| UserStage { over: s(over), to };
        let users = Users { stages: vec![stage(2.0, 10), stage(3.0, 10), stage(1.0, 0)] };
        for (at, count) in [(0.0, 0), (0.5, 3), (2.0, 10), (4.0, 10), (5.5, 5), (6.0, 0), (7.0, 0)]
        {
            assert_eq!(users.users_at(s(at)), count, "{at}");
        }
        assert_eq!(users.peak(), 10);
        assert_eq!(Pace::Closed(users).length(), s(6.0));
    }

    fn plans() -> impl Strategy<Value = Arrivals> {
        let rate = || prop_oneof![Just(0.0), 0.0..200.0];
        let over = prop_oneof![Just(0), 0..5_000_u64].prop_map(Duration::from_millis);
        let stage = (over, rate()).prop_map(|(over, to)| RateStage { over, to });
        let herd = (0..20_000_u64, 0..200_u32, 0..5_000_u64).prop_map(|(at, arrivals, within)| {
            Herd { at: Duration::from_millis(at), arrivals, within: Duration::from_millis(within) }
        });
        let spacing = prop_oneof![Just(Spacing::Even), Just(Spacing::Poisson)];
        (rate(), vec(stage, 0..6), spacing, vec(herd, 0..4))
            .prop_map(|(from, stages, spacing, herds)| Arrivals { from, stages, spacing, herds })
    }

    proptest! {
        #[test]
        fn due_never_goes_back_and_n_is_the_area(arrivals in plans(), seed: u64) {
            let due: Vec<_> = arrivals.due(seed).collect();
            prop_assert!(due.is_sorted());
            prop_assert_eq!(due.len() as u64, arrivals.expected());
            let end = arrivals.length() + Duration::from_nanos(1);
            prop_assert!(due.last().is_none_or(|last| *last <= end));
            let mut area = 0.0;
            let mut from = arrivals.from;
            for stage in &arrivals.stages {
                area += f64::midpoint(from, stage.to) * stage.over.as_secs_f64();
                from = stage.to;
            }
            let herds: u32 = arrivals.herds.iter().map(|herd| herd.arrivals).sum();
            prop_assert!((due.len() as f64 - f64::from(herds) - area).abs() <= 0.5 + 1e-6);
        }
    }
}
