//! What an answer tells of whose it is.

/// Whether an answer told whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Echo {
    /// The arguments had no place for a nonce.
    Unasked,
    /// They had one, and the answer said nothing of it.
    Silent,
    /// The answer had the call's own.
    Own,
}

impl Echo {
    /// The one with this number.
    pub const fn of(number: u8) -> Self {
        match number {
            0 => Self::Unasked,
            1 => Self::Silent,
            _ => Self::Own,
        }
    }
}
