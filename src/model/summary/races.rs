//! Races for a refresh token by their gap: how each went, and which gaps two processes may leave.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::event::{Race, Second};
use crate::model::figure;

/// Gaps from here on are counted in steps of it, in milliseconds.
const STEP: u32 = 100;
/// All gaps from here on are counted as this one, in milliseconds.
const LONGEST: u32 = 3_600_000;
/// Ranges in which races are told: from each of these to the next, in milliseconds.
const RANGES: [u32; 7] = [0, 10, 100, 1_000, 5_000, 20_000, 80_000];

/// Races by how long after the first process the second one presented the refresh token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Races(BTreeMap<u32, Went>);

/// How races went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Went {
    /// The second process got tokens.
    pub granted: u64,
    /// It was told that the refresh token is no longer good.
    pub refused: u64,
    /// It was answered 500.
    pub broken: u64,
    /// None of these: this was no trial.
    pub failed: u64,
    /// The first one's tokens were good no longer.
    pub killed: u64,
    /// The second one got tokens, and nothing was seen to befall the first one's.
    pub well: u64,
}

impl Went {
    /// How many trials there were.
    pub const fn all(&self) -> u64 {
        self.granted + self.refused + self.broken
    }

    fn merge(&mut self, other: Self) {
        self.granted += other.granted;
        self.refused += other.refused;
        self.broken += other.broken;
        self.failed += other.failed;
        self.killed += other.killed;
        self.well += other.well;
    }
}

impl Races {
    /// One more.
    pub fn add(&mut self, race: &Race) {
        let exact = u32::try_from(race.gap.as_millis()).unwrap_or(u32::MAX).min(LONGEST);
        // Long gaps differ by their tenths of a second.
        let gap = if exact < STEP { exact } else { exact / STEP * STEP };
        let is_killed = race.first_alive == Some(false);
        let went = Went {
            granted: (race.second == Second::Granted).into(),
            refused: (race.second == Second::Refused).into(),
            broken: (race.second == Second::Broken).into(),
            failed: (race.second == Second::Failed).into(),
            killed: is_killed.into(),
            well: (race.second == Second::Granted && !is_killed).into(),
        };
        self.put(gap, went);
    }

    /// Those of this gap, in milliseconds, went so.
    pub fn put(&mut self, gap: u32, went: Went) {
        self.0.entry(gap).or_default().merge(went);
    }

    /// Those of others are in this, too.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(gap, went)| self.put(gap, went));
    }

    /// Each gap that was tried, in milliseconds, and how it went.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Went)> {
        self.0.iter().map(|(gap, went)| (*gap, *went))
    }

    /// The gaps that were tried, how often and how they went, for a person.
    pub fn said(&self) -> String {
        let mut tried = self.iter().filter(|(_, went)| went.all() > 0).map(|(gap, _)| gap);
        let Some(shortest) = tried.next() else { return "no race was tried".to_owned() };
        let longest = tried.last().unwrap_or(shortest);
        let (well, all) = self.count(0..=u32::MAX);
        let ends = RANGES.iter().skip(1).copied().chain([u32::MAX]);
        let ranges = RANGES.iter().zip(ends).filter_map(|(from, to)| {
            let (well, all) = self.count(*from..=to - 1);
            let is_last = to == u32::MAX;
            let range = match is_last {
                true => format!("from {}", shown(*from)),
                false => format!("{} to {}", shown(*from), shown(to)),
            };
            (all > 0).then(|| format!("{range}: {well} of {all}"))
        });
        format!(
            "gaps tried: {} to {}, {well} of {all} went well ({}); {}",
            shown(shortest),
            shown(longest),
            ranges.collect::<Vec<_>>().join(", "),
            self.safe()
        )
    }

    /// From which gap on all went well.
    fn safe(&self) -> String {
        let ill = |went: &Went| went.well < went.all();
        let last_ill = self.0.iter().rev().find(|(_, went)| ill(went)).map(|(gap, _)| *gap);
        let first_ill = self.0.iter().find(|(_, went)| ill(went)).map(|(gap, _)| *gap);
        let (Some(first_ill), Some(last_ill)) = (first_ill, last_ill) else {
            return "no gap tried was unsafe".to_owned();
        };
        let is_tried = |(_, went): &(&u32, &Went)| went.all() > 0;
        if let Some((safe, _)) = self.0.range(last_ill + 1..).find(is_tried) {
            let (_, trials) = self.count(*safe..=u32::MAX);
            return format!(
                "smallest safe gap: {}, {trials} of {trials} from there on",
                shown(*safe)
            );
        }
        match self.0.range(..first_ill).rfind(is_tried) {
            Some((safe, _)) => {
                let (_, trials) = self.count(0..=*safe);
                format!(
                    "safe up to {}, {trials} of {trials}; the shortest that was not is {}",
                    shown(*safe),
                    shown(first_ill)
                )
            }
            None => "no gap tried is known to be safe".to_owned(),
        }
    }

    /// Of the races with these gaps how many went well, and how many there were.
    fn count(&self, gaps: std::ops::RangeInclusive<u32>) -> (u64, u64) {
        let went = self.0.range(gaps).map(|(_, went)| (went.well, went.all()));
        went.fold((0, 0), |(well, all), (more, of)| (well + more, all + of))
    }
}

fn shown(milliseconds: u32) -> String {
    figure::duration(Duration::from_millis(milliseconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(races: &[(u64, Second, Option<bool>)]) -> String {
        let mut all = Races::default();
        for (gap, second, first_alive) in races {
            let (gap, second, first_alive) = (Duration::from_millis(*gap), *second, *first_alive);
            let within = (gap, gap);
            all.add(&Race { user: 0, at: Duration::ZERO, gap, within, second, first_alive });
        }
        all.said()
    }

    #[test]
    fn gaps_are_told_with_their_trials() {
        const WELL: (Second, Option<bool>) = (Second::Granted, Some(true));
        const REFUSED: (Second, Option<bool>) = (Second::Refused, None);
        const KILLED: (Second, Option<bool>) = (Second::Granted, Some(false));
        let of = |gaps: &[(u64, (Second, Option<bool>))]| {
            let races: Vec<_> =
                gaps.iter().map(|(gap, (how, alive))| (*gap, *how, *alive)).collect();
            said(&races)
        };
        assert_eq!(of(&[]), "no race was tried");
        for (races, expected) in [
            (
                &[(0, WELL), (250, WELL), (1_490, WELL)][..],
                "gaps tried: 0s to 1.4s, 3 of 3 went well (0s to 10ms: 1 of 1, 100ms to 1s: 1 of \
                 1, 1s to 5s: 1 of 1); no gap tried was unsafe",
            ),
            (
                &[(13, KILLED), (900, REFUSED), (1_100, WELL), (90_000, WELL)],
                "gaps tried: 13ms to 90s, 2 of 4 went well (10ms to 100ms: 0 of 1, 100ms to 1s: 0 \
                 of 1, 1s to 5s: 1 of 1, from 80s: 1 of 1); smallest safe gap: 1.1s, 2 of 2 from \
                 there on",
            ),
            (
                &[(13, WELL), (14, WELL), (6_000, REFUSED)],
                "gaps tried: 13ms to 6s, 2 of 3 went well (10ms to 100ms: 2 of 2, 5s to 20s: 0 of \
                 1); safe up to 14ms, 2 of 2; the shortest that was not is 6s",
            ),
            (
                &[(13, REFUSED), (20, WELL), (30, REFUSED)],
                "gaps tried: 13ms to 30ms, 1 of 3 went well (10ms to 100ms: 1 of 3); no gap tried \
                 is known to be safe",
            ),
        ] {
            assert_eq!(of(races), expected);
        }
    }
}
