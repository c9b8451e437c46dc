//! What goes on beside a client's calls: streams, answers to the server, last words.

use std::sync::{Mutex, PoisonError};

use tokio::task::{AbortHandle, JoinHandle};

/// The tasks of one client.
#[derive(Debug, Default)]
pub(super) struct Errands {
    /// Those that end with the session.
    under_way: Mutex<Vec<JoinHandle<()>>>,
    /// Those that the session's end waits for.
    words: Mutex<Vec<JoinHandle<()>>>,
}

impl Errands {
    /// Does something beside the calls, until the session ends.
    pub(super) fn begin(&self, errand: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        spawn(&self.under_way, errand)
    }

    /// Says something beside the calls that is to be said before the session ends. It must be
    /// bounded in time.
    pub(super) fn say(&self, word: impl Future<Output = ()> + Send + 'static) {
        spawn(&self.words, word);
    }

    /// Waits until all is said, or patience ends, and ends all the rest. An aborted errand tells its
    /// exchange when its task is dropped: the user does not leave before that, or a summary made
    /// then would lack it.
    pub(super) async fn end(&self, patience: impl Future<Output = ()>) {
        let mut words = take(&self.words);
        tokio::select! {
            biased;
            () = join(&mut words) => {}
            () = patience => {}
        }
        let mut errands = take(&self.under_way);
        errands.append(&mut words);
        for errand in &errands {
            errand.abort();
        }
        join(&mut errands).await;
    }
}

fn spawn(
    among: &Mutex<Vec<JoinHandle<()>>>,
    errand: impl Future<Output = ()> + Send + 'static,
) -> AbortHandle {
    let errand = tokio::spawn(errand);
    let handle = errand.abort_handle();
    let mut errands = among.lock().unwrap_or_else(PoisonError::into_inner);
    errands.retain(|errand| !errand.is_finished());
    errands.push(errand);
    handle
}

fn take(among: &Mutex<Vec<JoinHandle<()>>>) -> Vec<JoinHandle<()>> {
    among.lock().unwrap_or_else(PoisonError::into_inner).split_off(0)
}

/// Waits for each of them; those that are left when this is dropped still go on.
async fn join(errands: &mut Vec<JoinHandle<()>>) {
    while let Some(errand) = errands.last_mut() {
        let _aborted = errand.await.is_err();
        errands.pop();
    }
}
