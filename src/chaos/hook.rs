//! A hook's program or request, and what it came to.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method};

use super::toxiproxy::innermost;
use crate::edge::clock::Clock;
use crate::edge::process::errand::{self, Ended};
use crate::model::duration::Shown;
use crate::model::fault::outside::{Action, HookRun, Request};

/// Bytes of an answer that are kept.
const MOST_BYTES: usize = 4096;

/// Takes secrets out of a text.
pub type Hide = Arc<dyn Fn(String) -> String + Send + Sync>;

/// What hooks act with. Clones act with the same.
#[derive(Clone)]
pub struct Means {
    /// The clock of the run.
    pub clock: Clock,
    /// Makes requests: follows no redirects, and uses no proxy.
    pub client: Client,
    /// Takes secrets out of what comes back.
    pub hide: Hide,
}

impl std::fmt::Debug for Means {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Means").finish_non_exhaustive()
    }
}

impl Means {
    /// Does what a hook is for, for at most `longest`.
    pub async fn act(&self, action: &Action, longest: Duration) -> HookRun {
        match action {
            Action::Command(command) => self.run(command, longest).await,
            Action::Request(request) => self.ask(request, longest).await,
        }
    }

    /// Runs a program, for at most `longest`.
    pub async fn run(&self, command: &[String], longest: Duration) -> HookRun {
        let at = self.clock.now();
        let errand = errand::run(command, longest).await;
        let mut run = self.began(at);
        (run.ok, run.exit_status, run.ended) = match &errand.ended {
            Ended::Itself(status) => {
                (status.success(), status.code(), format!("ended with {status}"))
            }
            Ended::Killed => {
                (false, None, format!("did not end within {} and was killed", Shown(longest)))
            }
            Ended::Never(error) => (false, None, format!("cannot be run: {error}")),
        };
        run.output = (self.hide)(errand.output);
        run
    }

    async fn ask(&self, request: &Request, longest: Duration) -> HookRun {
        let at = self.clock.now();
        let answer = self.clock.by(at + longest, self.answer(request)).await;
        let mut run = self.began(at);
        match answer {
            None => run.ended = format!("was not answered within {}", Shown(longest)),
            Some(Err(why)) => run.ended = format!("was not answered: {why}"),
            Some(Ok((status, body))) => {
                let (ok, more) = match request.status {
                    Some(expected) => (status == expected, format!(", not {expected}")),
                    None => ((200..300).contains(&status), ", not 200 to 299".to_owned()),
                };
                run.ended = format!("was answered {status}{}", if ok { "" } else { &more });
                (run.ok, run.http_status) = (ok, Some(status));
                run.output = (self.hide)(body);
            }
        }
        run
    }

    async fn answer(&self, request: &Request) -> Result<(u16, String), String> {
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| "no such method")?;
        let mut asked = self.client.request(method, &request.url);
        if let Some(body) = &request.body {
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
            let kind = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
            asked = asked.header(http::header::CONTENT_TYPE, kind).body(body.clone());
        }
        let failed = |error: reqwest::Error| innermost(&error.without_url());
        let mut answer = asked.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while body.len() < MOST_BYTES
            && let Some(part) = answer.chunk().await.map_err(failed)?
        {
            body.extend_from_slice(&part[..part.len().min(MOST_BYTES - body.len())]);
        }
        Ok((answer.status().as_u16(), String::from_utf8_lossy(&body).into_owned()))
    }

    /// One that began at `at` and is over now.
    pub(super) fn began(&self, at: Duration) -> HookRun {
        HookRun {
            at_us: micros(at),
            took_us: micros(self.clock.now().saturating_sub(at)),
            ok: false,
            ended: String::new(),
            exit_status: None,
            http_status: None,
            output: String::new(),
        }
    }
}

/// Whole microseconds.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
