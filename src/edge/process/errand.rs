//! A program run to its end within a time: how it ended, and the beginning of what it printed.
#![expect(clippy::disallowed_methods, reason = "edge starts processes")]

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Bytes that are kept of what it prints.
const MOST_BYTES: usize = 4096;
/// Once it has ended, what it printed last is waited for this long: what it started may hold its
/// output open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What became of it.
#[derive(Debug)]
pub struct Errand {
    /// How it ended.
    pub ended: Ended,
    /// The first 4 KiB of its standard output and error, as they came.
    pub output: String,
}

/// How a program ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    Itself(ExitStatus),
    /// It took too long, and was killed with all that it started in its process group.
    Killed,
    /// The system would not start it, or lost it.
    Never(io::Error),
}

/// Runs a program with arguments, in a process group of its own and without input, for at most
/// `longest`. What it leaves running may go on; its output is read as long as the runtime is there.
pub async fn run(command: &[String], longest: Duration) -> Errand {
    let Some((program, arguments)) = command.split_first() else {
        let ended = Ended::Never(io::ErrorKind::NotFound.into());
        return Errand { ended, output: String::new() };
    };
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let mut group = match spawned {
        Ok(child) => Group(child),
        Err(error) => return Errand { ended: Ended::Never(error), output: String::new() },
    };
    let kept = Arc::new(Mutex::new(Vec::new()));
    let reading = [
        group.0.stdout.take().map(|output| keep(output, &kept)),
        group.0.stderr.take().map(|output| keep(output, &kept)),
    ];
    let ended = match timeout(longest, group.0.wait()).await {
        Ok(Ok(status)) => Ended::Itself(status),
        Ok(Err(error)) => Ended::Never(error),
        Err(_) => {
            group.kill();
            // A zombie is the worst that is left of one that does not die.
            let _reaped = timeout(LAST_WORDS, group.0.wait()).await.is_ok();
            Ended::Killed
        }
    };
    let all_read = async {
        for task in reading.into_iter().flatten() {
            let _read = task.await.is_ok();
        }
    };
    let _closed = timeout(LAST_WORDS, all_read).await.is_ok();
    let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    Errand { ended, output: String::from_utf8_lossy(&kept).into_owned() }
}

/// Keeps the beginning of an output, and reads all of it, so that nobody who writes there is held up
/// or dies of it.
fn keep(
    mut output: impl AsyncRead + Unpin + Send + 'static,
    kept: &Arc<Mutex<Vec<u8>>>,
) -> JoinHandle<()> {
    let kept = Arc::clone(kept);
    tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = output.read(&mut buffer).await {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MOST_BYTES.saturating_sub(kept.len());
            kept.extend_from_slice(&buffer[..read.min(room)]);
        }
    })
}

/// A child that leads a process group; killed with it when dropped before its end.
struct Group(Child);

impl Group {
    fn kill(&self) {
        // One that has ended and was waited for has no number any more.
        let Some(number) = self.0.id().and_then(|id| i32::try_from(id).ok()) else { return };
        if let Some(group) = Pid::from_raw(number) {
            let _gone = kill_process_group(group, Signal::KILL).is_err();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, longest: Duration) -> Errand {
        run(&["/bin/sh", "-c", script].map(str::to_owned), longest).await
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_program_ends_with_its_status_and_its_words() {
        let errand = shell("echo one; echo two >&2; exit 3", LONG).await;
        let Ended::Itself(status) = errand.ended else { panic!("{errand:?}") };
        assert_eq!(status.code(), Some(3));
        let mut words: Vec<_> = errand.output.lines().collect();
        words.sort_unstable();
        assert_eq!(words, ["one", "two"]);
        let loud = shell("head -c 100000 /dev/zero | tr '\\0' x", LONG).await;
        assert_eq!(loud.output.len(), MOST_BYTES);
    }

    #[tokio::test]
    async fn one_that_hangs_is_killed_with_what_it_started() {
        let scratch = crate::edge::scratch::Scratch::new().unwrap();
        let file = scratch.path().join("child");
        let script = format!("sleep 600 & echo $! > {}; wait", file.display());
        let errand = shell(&script, Duration::from_secs(1)).await;
        assert!(matches!(errand.ended, Ended::Killed), "{errand:?}");
        let child = std::fs::read_to_string(&file).unwrap();
        let state = format!("/proc/{}/stat", child.trim());
        // Gone, or a zombie that nobody has waited for yet.
        let lives = || std::fs::read_to_string(&state).is_ok_and(|stat| !stat.contains(") Z "));
        while lives() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_a_program_leaves_running_is_not_waited_for() {
        let errand = shell("sleep 5 & echo started", LONG).await;
        assert!(matches!(errand.ended, Ended::Itself(status) if status.success()));
        assert_eq!(errand.output, "started\n");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_said() {
        let errand = run(&["/no/such/program".to_owned()], LONG).await;
        assert!(matches!(errand.ended, Ended::Never(_)), "{errand:?}");
        assert!(matches!(run(&[], LONG).await.ended, Ended::Never(_)));
    }
}
