//! What has to be put back, on the disk before it is changed: one file a run, removed when all is as
//! it was.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::edge::held::Held;

/// The name and version of what is in such a file.
pub const SCHEMA: &str = "squall.chaos/1";

/// What a run changes outside of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// [`SCHEMA`].
    pub schema: String,
    /// The scenario's name.
    pub scenario: String,
    /// What happens on a Toxiproxy server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toxiproxy: Option<Changes>,
    /// Programs that clean up after hooks that began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleanups: Vec<Cleanup>,
}

/// What a run changes on a Toxiproxy server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The server's API.
    pub url: String,
    /// The proxy that squall makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// Proxies that are disabled for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disabled: Vec<String>,
    /// Toxics that are put on proxies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub toxics: Vec<Put>,
}

/// A toxic on a proxy of the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put {
    /// The proxy.
    pub proxy: String,
    /// The toxic's name.
    pub name: String,
}

/// What cleans up after a hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleanup {
    /// The name of the hook's window.
    pub hook: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
}

impl Cleanup {
    /// How long it may take.
    pub const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

impl State {
    /// As it is written: pretty, for a person who has to put something back by hand.
    ///
    /// # Errors
    /// Never: these values always are JSON.
    pub fn written(&self) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        text.push(b'\n');
        Ok(text)
    }
}

/// The file of this run, and what is in it. Clones are the same file.
#[derive(Debug, Clone)]
pub struct Keeper(Arc<Mutex<Option<(Held, State)>>>);

impl Keeper {
    /// Writes the file.
    ///
    /// # Errors
    /// What the system says to it.
    pub async fn begin(folder: PathBuf, run: String, state: State) -> io::Result<Self> {
        beside(move || {
            let held = Held::begin(&folder, &run, &state.written()?)?;
            Ok(Self(Arc::new(Mutex::new(Some((held, state))))))
        })
        .await
    }

    /// Where it is.
    pub fn path(&self) -> Option<PathBuf> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(|(held, _)| held.path().to_owned())
    }

    /// Writes down that a hook began, before it does.
    ///
    /// # Errors
    /// What the system says to it.
    pub async fn cleanup(&self, cleanup: Cleanup) -> io::Result<()> {
        self.change(|state| state.cleanups.push(cleanup)).await
    }

    /// Forgets a cleanup that was run.
    ///
    /// # Errors
    /// What the system says to it.
    pub async fn cleaned(&self, hook: String) -> io::Result<()> {
        self.change(move |state| state.cleanups.retain(|cleanup| cleanup.hook != hook)).await
    }

    async fn change(&self, change: impl FnOnce(&mut State) + Send + 'static) -> io::Result<()> {
        let kept = Arc::clone(&self.0);
        beside(move || {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((held, state)) = kept.as_mut() else { return Ok(()) };
            change(state);
            held.replace(&state.written()?)
        })
        .await
    }

    /// Removes the file: all is as it was.
    ///
    /// # Errors
    /// What the system says to it.
    pub async fn end(&self) -> io::Result<()> {
        let kept = Arc::clone(&self.0);
        beside(move || {
            let kept = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
            kept.map_or(Ok(()), |(held, _)| held.remove())
        })
        .await
    }
}

/// Does something that waits for a disk, beside the event loop.
pub(super) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// What is in such a file.
///
/// # Errors
/// Why it is none.
pub fn read(path: &Path, text: &str) -> Result<State, String> {
    let state: State = serde_json::from_str(text)
        .map_err(|error| format!("{} is no state file of squall: {error}", path.display()))?;
    if state.schema != SCHEMA {
        let schema = state.schema;
        return Err(format!(
            "{} is of another version ({schema:?}); this squall reads {SCHEMA}",
            path.display()
        ));
    }
    Ok(state)
}
