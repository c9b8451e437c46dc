//! What must hold of a target whatever the load: `[expect] invariants`.

use crate::model::behaviour::Behaviour;

use super::checks;

/// Something that must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// An answer goes to the call that asked for it.
    Isolation,
    /// Each call is answered, whole.
    Delivery,
    /// Sessions stay until their clients end them.
    SessionsStay,
    /// A request in a session that is not open is answered 404.
    StaleSessions,
    /// A session is its user's alone.
    ForeignSessions,
    /// DELETE ends a session.
    EndedSessions,
    /// A session that is never ended costs others nothing.
    SessionLeak,
    /// Slow calls keep no cheap request waiting.
    Starvation,
    /// Calls at once do not take as long as one after another.
    ParallelScaling,
    /// Calls at once are served as one alone is.
    ParallelServed,
    /// Who reads slowly keeps nobody else waiting.
    SlowConsumers,
}

/// Where an invariant can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// In any load.
    Always,
    /// With this behaviour alone.
    With(&'static str),
}

impl Invariant {
    /// Every one, as a scenario names it.
    pub const WORDS: [(&'static str, Self); 11] = [
        ("isolation", Self::Isolation),
        ("delivery", Self::Delivery),
        ("sessions-stay", Self::SessionsStay),
        ("stale-sessions", Self::StaleSessions),
        ("foreign-sessions", Self::ForeignSessions),
        ("ended-sessions", Self::EndedSessions),
        ("session-leak", Self::SessionLeak),
        ("starvation", Self::Starvation),
        ("parallel-scaling", Self::ParallelScaling),
        ("parallel-served", Self::ParallelServed),
        ("slow-consumers", Self::SlowConsumers),
    ];

    /// Its name in scenarios and reports.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, other)| *other == self).map_or("", |(word, _)| word)
    }

    /// Where it can be seen.
    pub const fn seen(self) -> Seen {
        match self {
            Self::Isolation | Self::Delivery | Self::SessionsStay => Seen::Always,
            Self::StaleSessions
            | Self::ForeignSessions
            | Self::EndedSessions
            | Self::SessionLeak => Seen::With(checks::SESSIONS),
            Self::Starvation => Seen::With(checks::STARVATION),
            Self::ParallelScaling | Self::ParallelServed => Seen::With(checks::PARALLEL),
            Self::SlowConsumers => Seen::With(checks::SLOW_CONSUMER),
        }
    }

    /// As a report has it.
    pub fn written(self) -> String {
        format!("invariants: {}", self.word())
    }

    /// Those that a behaviour is there to see.
    pub fn of(behaviour: &Behaviour) -> impl Iterator<Item = Self> {
        let name = behaviour.check().map(super::super::behaviour::Check::name);
        Self::WORDS.into_iter().map(|(_, invariant)| invariant).filter(move |invariant| {
            matches!((invariant.seen(), name), (Seen::With(needs), Some(name)) if needs == name)
        })
    }

    /// Whether it can be seen in a load of this behaviour.
    pub fn is_seen_in(self, behaviour: &Behaviour) -> bool {
        match self.seen() {
            // A script says itself what became of its calls.
            Seen::Always => !behaviour.is_script(),
            Seen::With(_) => Self::of(behaviour).any(|seen| seen == self),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_word_of_its_own() {
        let words: BTreeSet<_> = Invariant::WORDS.iter().map(|(word, _)| word).collect();
        assert_eq!(words.len(), Invariant::WORDS.len());
        for (word, invariant) in Invariant::WORDS {
            assert_eq!(invariant.word(), word);
        }
    }
}
