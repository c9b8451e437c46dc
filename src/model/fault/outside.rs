//! Faults outside of squall's own processes: toxics of a Toxiproxy server, and hooks; and what
//! became of them in a run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::network::Direction;

/// A running Toxiproxy server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toxiproxy {
    /// Its HTTP API: an absolute `http://` or `https://` URL without a path.
    pub url: String,
    /// The URL as it may be shown: before `${NAME}` was replaced.
    pub shown: String,
    /// The name of the proxy that squall makes on the path to the target; a new one for each run
    /// where nothing is said.
    pub name: Option<String>,
    /// Where that proxy listens, as the server is told: `host:port`.
    pub listen: String,
}

/// A toxic on one proxy of a Toxiproxy server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toxic {
    /// A proxy that is there already; squall's own, on the path to the target, where there is none.
    pub proxy: Option<String>,
    /// Toxiproxy's word for what it does; `down` disables the proxy.
    pub kind: &'static str,
    /// Its numbers, in Toxiproxy's units.
    pub attributes: Vec<(&'static str, u64)>,
    /// The direction it is in.
    pub direction: Direction,
}

/// The kind that is no toxic: the whole proxy is disabled.
pub const DOWN: &str = "down";

impl Toxic {
    /// Whether it disables the whole proxy.
    pub fn is_down(&self) -> bool {
        self.kind == DOWN
    }
}

/// Something done at a point of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// What is done when the window begins.
    pub action: Action,
    /// It is ended when it takes longer, and so is what cleans up.
    pub timeout: Duration,
    /// A program and its arguments, run when the window ends and at the latest with the run,
    /// whatever became of the action.
    pub cleanup: Option<Vec<String>>,
}

/// What a hook does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Runs a program with arguments.
    Command(Vec<String>),
    /// Makes an HTTP request.
    Request(Request),
}

/// An HTTP request of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Absolute.
    pub url: String,
    /// The URL as it may be shown: before `${NAME}` was replaced, without query.
    pub shown: String,
    /// The method.
    pub method: String,
    /// The body, if it has one.
    pub body: Option<String>,
    /// The one status that is well; any of 200 to 299 where nothing is said.
    pub status: Option<u16>,
}

/// What became of one window of a hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookReport {
    /// The fault's name.
    pub fault: String,
    /// Its window's name.
    pub window: String,
    /// What it did when the window began.
    pub run: HookRun,
    /// What cleaned up after it, if anything was to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup: Option<HookRun>,
}

/// What became of one program or request of a hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRun {
    /// When it began, microseconds since the start of the load.
    pub at_us: u64,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// Whether it did what was asked.
    pub ok: bool,
    /// How it ended, for a person, such as `exit status: 3`.
    pub ended: String,
    /// The exit status of a program that ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<i32>,
    /// The status of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The beginning of what it printed, or of the answer's body; without secrets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
}

/// What became of one window of a toxic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToxicReport {
    /// The fault's name.
    pub fault: String,
    /// Its window's name.
    pub window: String,
    /// The proxy it was on.
    pub proxy: String,
    /// Toxiproxy's word for what it does, or `down`.
    pub toxic: String,
    /// The name it had there; that of `down` is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// When it was in force, microseconds since the start of the load; nothing if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_us: Option<u64>,
    /// When it was so no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_us: Option<u64>,
    /// Why it could not be set or removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

/// How a hook ended that was under way when a person stopped its run.
pub const GIVEN_UP: &str = "was ended with the run, which a person stopped";

/// What acted outside in a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Hooks, by the time they ended.
    pub hooks: Vec<HookReport>,
    /// Toxics, by the time they were set.
    pub toxics: Vec<ToxicReport>,
    /// What could not be put back, a sentence each.
    pub left: Vec<String>,
}

impl HookReport {
    /// What went wrong, in the order it did. What a person ended did not.
    fn wrongs(&self) -> impl Iterator<Item = (&'static str, &HookRun)> {
        let cleanup = self.cleanup.iter().map(|run| ("its cleanup", run));
        std::iter::once(("it", &self.run))
            .chain(cleanup)
            .filter(|(_, run)| !run.ok && run.ended != GIVEN_UP)
    }

    /// What went wrong, a sentence each; empty for one that did what was asked.
    pub fn failures(&self) -> Vec<String> {
        let told = |(which, run): (&str, &HookRun)| {
            let said = run.output.lines().find(|line| !line.trim().is_empty());
            let said = said.map_or_else(String::new, |line| format!("; it said: {}", line.trim()));
            format!("the hook {}: {which} {}{said}", self.window, run.ended)
        };
        self.wrongs().map(told).collect()
    }
}

impl ToxicReport {
    /// What went wrong, a sentence each.
    pub fn failures(&self) -> Vec<String> {
        let told = |error: &String| format!("the fault {}: {error}", self.window);
        self.errors.iter().map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(ok: bool, ended: &str, output: &str) -> HookRun {
        let (ended, output) = (ended.to_owned(), output.to_owned());
        HookRun { at_us: 1, took_us: 2, ok, ended, exit_status: None, http_status: None, output }
    }

    #[test]
    fn a_hook_tells_what_went_wrong_and_what_it_said() {
        let mut hook = HookReport {
            fault: "restart".to_owned(),
            window: "restart #2".to_owned(),
            run: run(true, "exit status: 0", "fine"),
            cleanup: None,
        };
        assert_eq!(hook.failures(), [""; 0]);
        hook.run = run(false, "ended with exit status: 3", "\n no such unit\nmore");
        hook.cleanup = Some(run(false, "did not end within 1s and was killed", ""));
        let expected = [
            "the hook restart #2: it ended with exit status: 3; it said: no such unit",
            "the hook restart #2: its cleanup did not end within 1s and was killed",
        ];
        assert_eq!(hook.failures(), expected);
        let text = serde_json::to_string(&hook).unwrap();
        assert_eq!(serde_json::from_str::<HookReport>(&text).unwrap(), hook);
    }
}
