//! What a process does beside the calls of its user, and how that ends when the user leaves.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::process::Process;

/// A renewal under way when its user leaves has so long to end.
const LAST_RENEWAL: Duration = Duration::from_secs(5);

/// What goes on beside the calls.
#[derive(Debug, Default)]
pub(super) struct Errands(Mutex<Vec<(JoinHandle<()>, Errand)>>);

/// One thing that goes on beside the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// The user's tokens are renewed.
    Renewing,
    /// A further process renews them, too.
    Racing,
}

impl Errands {
    fn lock(&self) -> MutexGuard<'_, Vec<(JoinHandle<()>, Errand)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    /// Goes on beside the calls from now on.
    pub(super) fn errand(&self, errand: JoinHandle<()>, what: Errand) {
        let mut errands = self.errands.lock();
        errands.retain(|(errand, _)| !errand.is_finished());
        errands.push((errand, what));
    }

    /// Ends what goes on beside the calls, and waits until that has been told.
    pub(super) async fn leave(&self) {
        let errands = std::mem::take(&mut *self.errands.lock());
        for (errand, _) in errands.iter().filter(|(_, what)| *what == Errand::Racing) {
            errand.abort();
        }
        // A server may have replaced the tokens already: they are not thrown away for a few seconds.
        let by = self.now() + LAST_RENEWAL;
        for (mut errand, _) in errands {
            if self.realm.clock.by(by, &mut errand).await.is_none() {
                errand.abort();
                let _aborted = errand.await.is_err();
            }
        }
        self.races_over();
    }
}
