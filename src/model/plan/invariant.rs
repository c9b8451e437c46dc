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
    /// Who had a session before a restart is served after it.
    RestartSurvival,
    /// A session that is never ended costs others nothing.
    SessionLeak,
    /// Clients that leave in the middle of answers cost others nothing.
    AbortLiveness,
    /// A call that is cancelled ends, and nothing else does.
    Cancel,
    /// A cancellation may meet its answer.
    CancelRace,
    /// What is idle is not cut.
    IdleStreams,
    /// Events come when they are sent.
    StreamsFlow,
    /// An answer has the id of its request, whichever that is.
    IdFidelity,
    /// A session is found on every connection, wherever that comes from.
    Affinity,
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
    /// In any load, and with this behaviour, which is there for it.
    AlwaysAnd(&'static str),
    /// With this behaviour alone.
    With(&'static str),
}

impl Invariant {
    /// Every one, as a scenario names it.
    pub const WORDS: [(&'static str, Self); 19] = [
        ("isolation", Self::Isolation),
        ("delivery", Self::Delivery),
        ("sessions-stay", Self::SessionsStay),
        ("stale-sessions", Self::StaleSessions),
        ("foreign-sessions", Self::ForeignSessions),
        ("ended-sessions", Self::EndedSessions),
        ("restart-survival", Self::RestartSurvival),
        ("session-leak", Self::SessionLeak),
        ("abort-liveness", Self::AbortLiveness),
        ("cancel", Self::Cancel),
        ("cancel-race", Self::CancelRace),
        ("idle-streams", Self::IdleStreams),
        ("streams-flow", Self::StreamsFlow),
        ("id-fidelity", Self::IdFidelity),
        ("affinity", Self::Affinity),
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
            Self::SessionsStay => Seen::Always,
            Self::Isolation | Self::Delivery => Seen::AlwaysAnd(checks::ISOLATION),
            Self::IdFidelity => Seen::With(checks::ISOLATION),
            Self::Affinity => Seen::With(checks::AFFINITY),
            Self::StaleSessions
            | Self::ForeignSessions
            | Self::EndedSessions
            | Self::RestartSurvival
            | Self::SessionLeak => Seen::With(checks::SESSIONS),
            Self::AbortLiveness => Seen::With(checks::ABORTS),
            Self::Cancel | Self::CancelRace => Seen::With(checks::CANCELS),
            Self::IdleStreams => Seen::With(checks::SILENCES),
            Self::StreamsFlow => Seen::AlwaysAnd(checks::SILENCES),
            Self::Starvation => Seen::AlwaysAnd(checks::STARVATION),
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
            let own = match invariant.seen() {
                Seen::Always => None,
                Seen::AlwaysAnd(own) | Seen::With(own) => Some(own),
            };
            own.is_some() && own == name
        })
    }

    /// Whether it can be seen in a load of this behaviour.
    pub fn is_seen_in(self, behaviour: &Behaviour) -> bool {
        self.is_seen_by_storms(behaviour) || Self::of(behaviour).any(|seen| seen == self)
    }

    /// Whether what becomes of the users' calls in a load of this behaviour shows it.
    pub fn is_seen_by_storms(self, behaviour: &Behaviour) -> bool {
        // A script says itself what became of its calls.
        !behaviour.is_script() && matches!(self.seen(), Seen::Always | Seen::AlwaysAnd(_))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::behaviour::{AffinityTrials, Chat, Check, IsolationTrials, Trials};

    #[test]
    fn each_has_a_word_of_its_own() {
        let words: BTreeSet<_> = Invariant::WORDS.iter().map(|(word, _)| word).collect();
        assert_eq!(words.len(), Invariant::WORDS.len());
        for (word, invariant) in Invariant::WORDS {
            assert_eq!(invariant.word(), word);
        }
    }

    #[test]
    fn what_storms_show_some_scripts_show_too() {
        const STORM: [&str; 5] =
            ["isolation", "delivery", "sessions-stay", "streams-flow", "starvation"];
        let script = |trials| Behaviour::Check(Check::Script(trials));
        let isolation = script(Trials::Isolation(IsolationTrials::default()));
        let affinity = script(Trials::Affinity(AffinityTrials::default()));
        let chat = Behaviour::Chat(Chat::default());
        let seen = |behaviour: &Behaviour| {
            let all = Invariant::WORDS.into_iter().map(|(_, invariant)| invariant);
            let seen = all.filter(|invariant| invariant.is_seen_in(behaviour));
            seen.map(Invariant::word).collect::<Vec<_>>()
        };
        assert_eq!(seen(&chat), STORM);
        assert_eq!(seen(&isolation), ["isolation", "delivery", "id-fidelity"]);
        assert_eq!(seen(&affinity), ["affinity"]);
        assert!(Invariant::Isolation.is_seen_by_storms(&chat));
        assert!(!Invariant::Isolation.is_seen_by_storms(&isolation));
    }
}
