//! `check-affinity`.

/// What it does, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AffinityTrials {
    /// Sessions that are opened, one after another.
    pub sessions: u32,
    /// Calls in each, on a connection of their own each, from each address.
    pub tries: u32,
    /// Addresses that connections leave from. Settled with the whole scenario.
    pub addresses: u32,
}

impl Default for AffinityTrials {
    fn default() -> Self {
        Self { sessions: 3, tries: 20, addresses: 1 }
    }
}

impl AffinityTrials {
    pub(super) fn told(&self) -> String {
        let Self { sessions, tries, addresses } = self;
        let from = match addresses {
            1 => "from one address".to_owned(),
            addresses => format!("from each of {addresses} addresses"),
        };
        format!("{tries} calls {from} in each of {sessions} sessions, each on a new connection")
    }
}
