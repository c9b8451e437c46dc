//! Processes: the practice target as a child of ours, and what this process may use.
#![expect(clippy::disallowed_methods, reason = "edge starts processes")]

/// Programs run to their end.
pub mod errand;

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// What the practice target says on its standard output before its address.
pub const ANNOUNCEMENT: &str = "listening on ";

/// A child that has not announced its address by then never will.
const START_LIMIT: Duration = Duration::from_secs(10);

/// A child that has not ended by then after its input closed is killed.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The longest announcement that is read.
const MAX_ANNOUNCEMENT_BYTES: u64 = 1024;

/// Why the practice target could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The system would not start it.
    #[error("the practice target could not be started: {0}")]
    Start(#[source] io::Error),
    /// It ended before it announced its address.
    #[error("the practice target ended before it listened ({0}); its reason is above")]
    Ended(ExitStatus),
    /// It announced nothing in time.
    #[error("the practice target did not announce its address within {} s", START_LIMIT.as_secs())]
    Silent,
    /// It said something else.
    #[error("the practice target announced `{0}`; `{ANNOUNCEMENT}http://...` was expected")]
    Announcement(String),
    /// Its output broke off, or waiting for it did.
    #[error("the practice target cannot be followed: {0}")]
    Follow(#[source] io::Error),
}

/// Why a program of the scenario's author gave no answer; goes on from "the program".
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The system would not start it.
    #[error("cannot be started: {0}")]
    Start(#[source] io::Error),
    /// Its output broke off.
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    /// It ended without a line, or badly.
    #[error("ended with {0} and no line on its standard output")]
    Nothing(ExitStatus),
}

/// The longest line that is read of such a program.
const MAX_LINE_BYTES: u64 = 16 * 1024;

/// The first line that a program prints, asked with one more argument; then, or when nobody waits for
/// it any longer, it is killed, and so is what it started. Its standard error is ours.
///
/// # Errors
/// When there is none.
pub async fn first_line(command: &[String], last: &str) -> Result<String, AskError> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(AskError::Start(io::ErrorKind::NotFound.into()));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .arg(last)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(AskError::Start)?;
    let _all = Group::led_by(&child);
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        let mut reading = BufReader::new(output).take(MAX_LINE_BYTES);
        reading.read_line(&mut line).await.map_err(AskError::Read)?;
    }
    if line.trim().is_empty() {
        return Err(AskError::Nothing(child.wait().await.map_err(AskError::Read)?));
    }
    Ok(line)
}

/// A process and all it started, unless they left its group; killed when this is dropped.
struct Group(Option<Pid>);

impl Group {
    /// The group that this child was started as the leader of.
    fn led_by(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // One that is empty by now has nobody to be killed.
            let _killed = kill_process_group(leader, Signal::KILL).is_ok();
        }
    }
}

/// Opens a page where its reader is logged in, within a runtime; that it cannot be opened is no
/// error, and what is opened outlives us. `browser` is what the environment's BROWSER holds: commands,
/// divided by colons, of which the first that can be started is, `%s` standing for the URL.
pub fn open(browser: Option<&str>, url: &str) {
    let system = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let commands = browser.unwrap_or(system).split(':');
    for command in commands.filter(|command| !command.trim().is_empty()) {
        let mut words: Vec<String> =
            command.split_whitespace().map(|word| word.replace("%s", url)).collect();
        if !command.contains("%s") {
            words.push(url.to_owned());
        }
        let [program, arguments @ ..] = &words[..] else { continue };
        let started = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        if let Ok(mut child) = started {
            tokio::spawn(async move { child.wait().await.is_ok() });
            return;
        }
    }
}

/// The practice target as a running child process; killed when dropped.
#[derive(Debug)]
pub struct PracticeChild {
    /// Its MCP endpoint, absolute.
    pub url: String,
    child: Child,
    // Closed, its writes would fail.
    _output: BufReader<ChildStdout>,
}

impl PracticeChild {
    /// How it ended, if it has ended by itself.
    pub fn early_end(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Its process id while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Closes its standard input, by which it ends, and waits for that; kills it after 5 s.
    pub async fn stop(mut self) -> Result<ExitStatus, ProcessError> {
        drop(self.child.stdin.take());
        if let Ok(ended) = timeout(STOP_LIMIT, self.child.wait()).await {
            return ended.map_err(ProcessError::Follow);
        }
        self.child.kill().await.map_err(ProcessError::Follow)?;
        self.child.wait().await.map_err(ProcessError::Follow)
    }
}

/// Starts this program's own `serve` with these arguments on a free loopback port.
pub async fn spawn_practice(arguments: &[String]) -> Result<PracticeChild, ProcessError> {
    let program = std::env::current_exe().map_err(ProcessError::Start)?;
    let fixed = ["serve", "--until-stdin-closes", "--listen", "127.0.0.1:0"];
    let arguments = fixed.into_iter().chain(arguments.iter().map(String::as_str));
    spawn(&program, arguments).await
}

async fn spawn(
    program: &Path,
    arguments: impl Iterator<Item = impl AsRef<OsStr>>,
) -> Result<PracticeChild, ProcessError> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Ctrl-C in a terminal goes to the whole group; the target must outlive our draining.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(ProcessError::Start)?;
    let Some(output) = child.stdout.take() else {
        return Err(ProcessError::Follow(io::ErrorKind::BrokenPipe.into()));
    };
    let mut output = BufReader::new(output);
    let mut line = String::new();
    let mut reading = (&mut output).take(MAX_ANNOUNCEMENT_BYTES);
    match timeout(START_LIMIT, reading.read_line(&mut line)).await {
        Err(_) => Err(ProcessError::Silent),
        Ok(Err(error)) => Err(ProcessError::Follow(error)),
        Ok(Ok(0)) => Err(ended(&mut child).await),
        Ok(Ok(_)) => Ok(PracticeChild { url: announced(&line)?, child, _output: output }),
    }
}

async fn ended(child: &mut Child) -> ProcessError {
    match timeout(STOP_LIMIT, child.wait()).await {
        Ok(Ok(status)) => ProcessError::Ended(status),
        Ok(Err(error)) => ProcessError::Follow(error),
        Err(_) => ProcessError::Silent,
    }
}

fn announced(line: &str) -> Result<String, ProcessError> {
    let line = line.trim_end();
    let url = line.strip_prefix(ANNOUNCEMENT).filter(|url| url.starts_with("http://"));
    url.map(str::to_owned).ok_or_else(|| ProcessError::Announcement(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str) -> Result<PracticeChild, ProcessError> {
        spawn(Path::new("/bin/sh"), ["-c", script].into_iter()).await
    }

    #[tokio::test]
    async fn a_page_is_opened_by_the_first_command_that_can_be_started() {
        let scratch = crate::edge::scratch::Scratch::new().unwrap();
        let opened = scratch.path().join("opened");
        let script = scratch.path().join("browser");
        std::fs::write(&script, format!("#!/bin/sh\necho \"$@\" > {}\n", opened.display()))
            .unwrap();
        let url = "http://127.0.0.1:9/a?b=c&d=$(e)";
        let by =
            |command: &str| format!("/no/such/browser: :/bin/sh {} {command}", script.display());
        for (browser, expected) in
            [(by("-x"), format!("-x {url}\n")), (by("%s -y"), format!("{url} -y\n"))]
        {
            open(Some(&browser), url);
            while std::fs::read_to_string(&opened).unwrap_or_default() != expected {
                tokio::task::yield_now().await;
            }
        }
        open(Some(""), url);
        open(Some("/no/such/browser"), url);
    }

    /// Whether the process whose id stands in this file runs.
    #[cfg(target_os = "linux")]
    fn runs(file: &Path) -> bool {
        let id = std::fs::read_to_string(file).unwrap_or_default();
        let id = id.trim().parse().ok().and_then(Pid::from_raw).expect("an id");
        let state = std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero()));
        // What nobody has waited for yet has ended all the same.
        state.is_ok_and(|state| !state.contains(") Z "))
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_a_program_started_ends_with_it() {
        let scratch = crate::edge::scratch::Scratch::new().unwrap();
        for (name, then) in [("hangs", "wait"), ("answers", "echo line; wait"), ("ends", "exit 3")]
        {
            let id = scratch.path().join(name);
            let script = format!("sleep 600 >/dev/null & echo $! > {}; {then}", id.display());
            let command = ["/bin/sh".to_owned(), "-c".to_owned(), script];
            let asked = tokio::spawn(async move { first_line(&command, "url").await });
            while !std::fs::read_to_string(&id).is_ok_and(|id| id.ends_with('\n')) {
                tokio::task::yield_now().await;
            }
            if name == "hangs" {
                assert!(runs(&id));
                asked.abort();
                assert!(asked.await.is_err());
            } else {
                let line = asked.await.unwrap();
                assert_eq!(line.is_ok(), name == "answers", "{line:?}");
            }
            while runs(&id) {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn an_announced_child_ends_when_its_input_closes() {
        let child = shell("echo listening on http://127.0.0.1:9/mcp; cat").await.unwrap();
        assert_eq!(child.url, "http://127.0.0.1:9/mcp");
        assert!(child.id().is_some());
        assert!(child.stop().await.unwrap().success());
    }

    #[tokio::test]
    async fn a_child_that_does_not_announce_is_an_error_that_says_so() {
        for (script, expected) in [
            ("exit 3", "the practice target ended before it listened (exit status: 3); its reason"),
            ("echo hello; cat", "the practice target announced `hello`; `listening on http://...`"),
        ] {
            let said = shell(script).await.unwrap_err().to_string();
            assert!(said.starts_with(expected), "{said}");
        }
        let none = spawn(Path::new("/no/such/program"), [""; 0].into_iter()).await;
        assert!(matches!(none, Err(ProcessError::Start(_))));
    }
}
