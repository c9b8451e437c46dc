//! What acts outside of squall on the timeline of a run: toxics are set and removed, hooks are run,
//! and everything is put back at the end.
//!
//! ```text
//! begin: checks ─► state file ─► own proxy │ follow: from ─► set ... until ─► removed │ state file
//!        nothing is changed yet            │ with the load's clock, to its end        │ removed
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::hook::{Means, micros};
use super::prepare::Server;
use super::restore;
use super::state::{Cleanup, Keeper};
use super::toxiproxy::Failure;
use crate::edge::clock::Clock;
use crate::edge::mark::Forces;
use crate::model::fault::outside::{
    Action, GIVEN_UP, Hook, HookReport, HookRun, Outcome, Toxic, ToxicReport,
};
use crate::model::fault::{Fault, What, Window, windows};

/// All that is to be put back takes at most this long.
const LONGEST_BACK: Duration = Duration::from_secs(20);

/// What acts outside in a run, ready to begin.
#[derive(Debug)]
pub struct Outside {
    pub(super) faults: Arc<[Fault]>,
    /// The end of the load, and of its windows.
    pub(super) end: Duration,
    pub(super) server: Option<Server>,
    pub(super) keeper: Keeper,
    pub(super) means: Means,
    /// What is on the whole way to the target, through squall's own proxy.
    pub(super) forces: Arc<Forces>,
}

/// How the load that this goes with ends. Clones are of the same load.
#[derive(Debug, Clone)]
pub struct Load {
    /// The load is over when this says so, or is closed.
    pub over: watch::Receiver<bool>,
    /// Set when it is a person who ends it.
    pub interrupted: Arc<AtomicBool>,
}

impl Load {
    async fn is_over(&self) {
        let mut over = self.over.clone();
        let _over_or_closed = over.wait_for(|over| *over).await.is_ok();
    }

    /// Completes when a person waits for the end.
    async fn is_given_up(&self) {
        self.is_over().await;
        if !self.interrupted.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
}

/// A point of the timeline; of those at the same time ends come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Point {
    End,
    Begin,
}

/// What is on, and what came of it.
struct Course {
    reports: BTreeMap<usize, ToxicReport>,
    /// Windows in which a proxy is to be disabled.
    down: BTreeMap<String, u32>,
    open: Vec<usize>,
}

impl Outside {
    /// Where connections to the target go instead, if they go through a proxy of squall's.
    pub fn instead(&self) -> Option<SocketAddr> {
        self.server.as_ref()?.instead
    }

    /// What befalls all connections to the target while it is set, if anything may.
    pub fn forces(&self) -> Option<&Arc<Forces>> {
        self.instead().map(|_| &self.forces)
    }

    /// Acts until the load is over, and puts everything back.
    pub async fn follow(mut self, clock: Clock, load: Load) -> Outcome {
        self.means.clock = clock.clone();
        let all: Vec<Window> = windows(&self.faults, self.end);
        let begins = all.iter().enumerate().map(|(number, w)| (w.from, Point::Begin, number));
        let ends = all.iter().enumerate().filter_map(|(n, w)| Some((w.until?, Point::End, n)));
        let mut points: Vec<_> = begins.chain(ends).collect();
        points.sort_unstable();
        let mut hooks = JoinSet::new();
        let (reports, down, open) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut course = Course { reports, down, open };
        for (at, point, number) in points {
            tokio::select! {
                biased;
                () = load.is_over() => break,
                () = clock.sleep_until(at) => {}
            }
            let window = all[number];
            let Some(fault) = self.faults.get(usize::from(window.fault)) else { continue };
            match (&fault.what, point) {
                (What::Toxic(toxic), Point::Begin) => {
                    self.set(&mut course, (number, window), (fault, toxic)).await;
                }
                (What::Toxic(toxic), Point::End) => {
                    self.unset(&mut course, (number, window), toxic).await;
                }
                (What::Hook(hook), Point::Begin) => {
                    let name = (fault.name.clone(), window.name(&self.faults));
                    let errand = Errand {
                        means: self.means.clone(),
                        keeper: self.keeper.clone(),
                        load: load.clone(),
                        hook: hook.clone(),
                        until: window.until,
                    };
                    hooks.spawn(errand.run(name));
                }
                (What::Hook(_), Point::End)
                | (What::Network(_) | What::Stream(_) | What::Mischief(_), _) => {}
            }
        }
        load.is_over().await;
        let mut outcome = Outcome::default();
        while let Some(ended) = hooks.join_next().await {
            match ended {
                Ok((report, left)) => {
                    outcome.hooks.push(report);
                    outcome.left.extend(left);
                }
                Err(error) => outcome.left.push(format!("a hook was lost: {error}")),
            }
        }
        for number in std::mem::take(&mut course.open) {
            let window = all[number];
            if let Some(What::Toxic(toxic)) =
                self.faults.get(usize::from(window.fault)).map(|fault| &fault.what)
            {
                self.unset(&mut course, (number, window), toxic).await;
            }
        }
        outcome.toxics = course.reports.into_values().collect();
        outcome.left.extend(self.put_back().await);
        outcome
    }

    /// Puts everything back; what could not be is told, a sentence each.
    pub async fn put_back(&self) -> Vec<String> {
        let mut left = Vec::new();
        if let Some(server) = &self.server {
            let clock = Clock::of_runtime();
            let undone = restore::undo(&server.api, &server.changes);
            left = match clock.by(clock.now() + LONGEST_BACK, undone).await {
                Some(restored) => restored.failed,
                None => vec!["Toxiproxy took too long to put everything back".to_owned()],
            };
        }
        if left.is_empty() {
            let removed = self.keeper.end().await;
            left.extend(removed.err().map(|error| {
                format!("everything is put back, but its state file cannot be removed: {error}")
            }));
        } else if let Some(path) = self.keeper.path() {
            left.push(format!("`squall chaos restore {}` puts that back", path.display()));
        }
        left
    }

    async fn set(
        &self,
        course: &mut Course,
        (number, window): (usize, Window),
        (fault, toxic): (&Fault, &Toxic),
    ) {
        let Some(server) = &self.server else { return };
        let proxy = server.proxy_of(toxic);
        let name = if toxic.is_down() { String::new() } else { server.toxic(window.fault) };
        if !fault.is_untold() {
            self.forces.begin(window.fault);
        }
        let set = if toxic.is_down() {
            let count = course.down.entry(proxy.to_owned()).or_default();
            *count += 1;
            if *count == 1 { there(server.api.enable(proxy, false).await, proxy) } else { Ok(()) }
        } else {
            server
                .api
                .add(proxy, &name, (toxic, fault.share))
                .await
                .map_err(|failure| told(&failure))
        };
        let now = micros(self.means.clock.now());
        let (set_us, errors) = match set {
            Ok(()) => (Some(now), Vec::new()),
            Err(why) => {
                self.forces.take_back(window.fault);
                (None, vec![format!("could not be set: {why}")])
            }
        };
        let report = ToxicReport {
            fault: fault.name.clone(),
            window: window.name(&self.faults),
            proxy: proxy.to_owned(),
            toxic: toxic.kind.to_owned(),
            name,
            set_us,
            removed_us: None,
            errors,
        };
        course.reports.insert(number, report);
        // One that the server did not answer for may be there all the same.
        course.open.push(number);
    }

    async fn unset(&self, course: &mut Course, (number, window): (usize, Window), toxic: &Toxic) {
        let Some(server) = &self.server else { return };
        let proxy = server.proxy_of(toxic);
        course.open.retain(|open| *open != number);
        let removed = if toxic.is_down() {
            let count = course.down.entry(proxy.to_owned()).or_default();
            *count = count.saturating_sub(1);
            if *count == 0 { there(server.api.enable(proxy, true).await, proxy) } else { Ok(()) }
        } else {
            server
                .api
                .remove(proxy, &server.toxic(window.fault))
                .await
                .map(drop)
                .map_err(|failure| told(&failure))
        };
        let now = self.means.clock.now();
        let Some(report) = course.reports.get_mut(&number) else { return };
        match removed {
            Ok(()) => {
                self.forces.end(window.fault, now);
                report.removed_us = report.set_us.map(|_| micros(now));
            }
            Err(why) => report.errors.push(format!("could not be removed: {why}")),
        }
    }
}

fn told(failure: &Failure) -> String {
    format!("Toxiproxy {failure}")
}

/// A proxy that is not there any more cannot be changed.
fn there(answer: Result<bool, Failure>, proxy: &str) -> Result<(), String> {
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("Toxiproxy has no proxy {proxy} any more")),
        Err(failure) => Err(told(&failure)),
    }
}

/// One window of a hook.
struct Errand {
    means: Means,
    keeper: Keeper,
    load: Load,
    hook: Hook,
    until: Option<Duration>,
}

impl Errand {
    async fn run(self, (fault, window): (String, String)) -> (HookReport, Vec<String>) {
        let mut left = Vec::new();
        let Hook { action, timeout, cleanup } = &self.hook;
        if let Some(command) = cleanup {
            let (hook, command) = (window.clone(), command.clone());
            let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            let noted = self.keeper.cleanup(Cleanup { hook, command, timeout_ms }).await;
            left.extend(noted.err().map(|error| {
                format!("the cleanup of the hook {window} cannot be written down: {error}")
            }));
        }
        let run = self.act(action, *timeout).await;
        let mut cleaned = None;
        if let Some(command) = cleanup {
            self.window_ends().await;
            cleaned = Some(self.means.run(command, *timeout).await);
            let forgotten = self.keeper.cleaned(window.clone()).await;
            left.extend(forgotten.err().map(|error| {
                format!("the cleanup of the hook {window} cannot be crossed out: {error}")
            }));
        }
        (HookReport { fault, window, run, cleanup: cleaned }, left)
    }

    /// Completes when the window ends, at the latest with the load.
    async fn window_ends(&self) {
        let Some(until) = self.until else { return self.load.is_over().await };
        tokio::select! {
            () = self.load.is_over() => {}
            () = self.means.clock.sleep_until(until) => {}
        }
    }

    /// Does it, unless a person ends the run meanwhile.
    async fn act(&self, action: &Action, timeout: Duration) -> HookRun {
        let at = self.means.clock.now();
        let given_up = pin!(self.load.is_given_up());
        tokio::select! {
            biased;
            run = self.means.act(action, timeout) => run,
            () = given_up => {
                let ended = GIVEN_UP.to_owned();
                HookRun { ended, ..self.means.began(at) }
            }
        }
    }
}
