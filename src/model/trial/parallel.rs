//! What `check-parallel-scaling` tries.

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trial {
    /// One of so many at once.
    Batch(At),
    /// One that failed among others, made again alone.
    Again(At),
}

/// Which batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct At {
    /// In which round.
    pub round: u32,
    /// So many calls.
    pub size: u32,
    /// Where they are made.
    pub spread: Spread,
}

/// Where the calls of a batch are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Spread {
    /// All in one session.
    One,
    /// Each in a session of its own.
    Each,
}

impl Spread {
    /// Both.
    pub const ALL: [Self; 2] = [Self::One, Self::Each];
}
