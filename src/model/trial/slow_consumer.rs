//! What `check-slow-consumer` tries.

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trial {
    /// The call with the largest result of all, which had so many bytes.
    Largest(u64),
    /// An ordinary call.
    Other(At),
    /// A call whose answer is read slowly, and in the end as it comes.
    Reader(u32),
}

/// When an ordinary call was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct At {
    /// In which round.
    pub round: u32,
    /// With which company.
    pub phase: Phase,
}

/// Who was there besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Nobody yet.
    Before,
    /// Slow readers.
    During,
    /// Nobody any longer.
    After,
}
