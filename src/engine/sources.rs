//! Which of this machine's addresses connections leave from: those of the scenario, in turn.

use std::net::IpAddr;
use std::sync::Arc;

use super::wire::line::Lines;

/// The addresses; none is whichever the system takes.
#[derive(Debug, Clone, Default)]
pub struct Sources(Arc<[IpAddr]>);

impl Sources {
    /// These, in turn.
    pub fn new(addresses: &[IpAddr]) -> Self {
        Self(addresses.into())
    }

    /// Where the connections of a user's process leave from; processes of one user that hold copies
    /// of one grant are counted from 0, and each has the next address.
    pub fn of(&self, user: u32, process: u32) -> Option<IpAddr> {
        self.0.get(self.turn(user, process)).copied()
    }

    /// Connections that all users of an address share.
    pub fn lines(&self) -> Vec<Arc<Lines>> {
        let all = self.0.iter().copied().map(Some);
        let none = self.0.is_empty().then_some(None);
        all.chain(none).map(|from| Arc::new(Lines::leaving(from))).collect()
    }

    /// The number of this user's among [`Sources::lines`].
    pub fn turn(&self, user: u32, process: u32) -> usize {
        let count = u64::try_from(self.0.len().max(1)).unwrap_or(1);
        usize::try_from((u64::from(user) + u64::from(process)) % count).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_their_processes_take_turns() {
        let [one, two] = [1, 2].map(|last| IpAddr::from([127, 0, 1, last]));
        let sources = Sources::new(&[one, two]);
        let of = [(0, 0), (1, 0), (2, 0), (0, 1), (u32::MAX, 1)];
        let of = of.map(|(user, process)| sources.of(user, process).unwrap());
        assert_eq!(of, [one, two, one, two, one]);
        assert_eq!(sources.lines().len(), 2);
        let none = Sources::default();
        assert_eq!((none.of(7, 1), none.turn(7, 1), none.lines().len()), (None, 0, 1));
    }
}
