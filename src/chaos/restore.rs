//! Putting back what a run changed outside of itself: at its end, or after it was killed. Whatever is
//! as it was already is left alone, so that it can be done as often as one likes.

use std::io;
use std::path::{Path, PathBuf};

use reqwest::Client;
use url::Url;

use super::hook::Means;
use super::state::{self, Changes, State, beside};
use super::toxiproxy::{Failure, Toxiproxy};
use crate::edge::held::{Held, Left};

/// What was done, and what could not be, a sentence each.
#[derive(Debug, Default)]
pub struct Restored {
    /// What was put back.
    pub done: Vec<String>,
    /// What was not.
    pub failed: Vec<String>,
}

/// What became of a state file.
#[derive(Debug)]
pub enum Found {
    /// Its process has ended, and this was done about it.
    Ours(Restored),
    /// Its process is still there and will put it back itself.
    Busy,
    /// It is gone: nothing is to be put back.
    Gone,
}

/// Puts back what was changed on a Toxiproxy server.
pub async fn undo(api: &Toxiproxy, changes: &Changes) -> Restored {
    let mut restored = Restored::default();
    for put in &changes.toxics {
        let what = format!("the toxic {} of the proxy {}", put.name, put.proxy);
        if restored.note(api.remove(&put.proxy, &put.name).await, "remove", &what) {
            return restored;
        }
    }
    for proxy in &changes.disabled {
        if restored.note(enabled(api, proxy).await, "enable", &format!("the proxy {proxy}")) {
            return restored;
        }
    }
    if let Some(made) = &changes.made {
        restored.note(api.delete(made).await, "remove", &format!("the proxy {made}"));
    }
    restored
}

/// Enables a proxy that is disabled; whether it was.
async fn enabled(api: &Toxiproxy, proxy: &str) -> Result<bool, Failure> {
    match api.proxies().await?.get(proxy) {
        Some(shown) if !shown.enabled => api.enable(proxy, true).await,
        _ => Ok(false),
    }
}

impl Restored {
    /// Notes what came of one thing; whether the server does not answer at all.
    fn note(&mut self, came: Result<bool, Failure>, verb: &str, what: &str) -> bool {
        match came {
            Ok(true) => self.done.push(format!("{verb}d {what}")),
            Ok(false) => {}
            Err(failure) => {
                self.failed.push(format!("cannot {verb} {what}: Toxiproxy {failure}"));
                return matches!(failure, Failure::Silent(_));
            }
        }
        false
    }
}

/// Puts back what one state file says, if its process has ended, and removes it when nothing is left
/// to do.
///
/// # Errors
/// When it cannot be read, or is no state file.
pub async fn file(path: PathBuf, means: &Means) -> Result<Found, String> {
    let failed = |path: &Path, error: &io::Error| format!("{}: {error}", path.display());
    let taken = {
        let path = path.clone();
        beside(move || Held::take(&path)).await
    };
    let (held, text) = match taken.map_err(|error| failed(&path, &error))? {
        Left::Busy => return Ok(Found::Busy),
        Left::Gone => return Ok(Found::Gone),
        Left::Ours(held, text) => (held, text),
    };
    let mut state = state::read(&path, &text)?;
    let cleanups = state.cleanups.len();
    let restored = put_back(&mut state, &means.client, means).await?;
    let (mut held, is_done) = (held, restored.failed.is_empty());
    let noted = beside(move || match is_done {
        true => held.remove(),
        false if state.cleanups.len() < cleanups => held.replace(&state.written()?),
        false => Ok(()),
    });
    noted.await.map_err(|error| failed(&path, &error))?;
    Ok(Found::Ours(restored))
}

/// Puts back all of it; only cleanups that did not go well are left in `state`.
async fn put_back(state: &mut State, client: &Client, means: &Means) -> Result<Restored, String> {
    let mut restored = Restored::default();
    if let Some(changes) = &state.toxiproxy {
        let url = Url::parse(&changes.url).map_err(|error| format!("{}: {error}", changes.url))?;
        restored = undo(&Toxiproxy::new(client.clone(), url), changes).await;
    }
    for cleanup in std::mem::take(&mut state.cleanups) {
        let run = means.run(&cleanup.command, cleanup.timeout()).await;
        let said = format!("the cleanup of the hook {} {}", cleanup.hook, run.ended);
        if run.ok {
            // Nobody knows what a second time would do.
            restored.done.push(said);
        } else {
            restored.failed.push(said);
            state.cleanups.push(cleanup);
        }
    }
    Ok(restored)
}
