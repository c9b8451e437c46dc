//! Standard output carries what squall says there, and nothing of any library.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

/// While this lives, what anybody in the process prints to standard output goes nowhere.
///
/// goose prints one line during a load ("3 users launched.") and cannot be told not to.
#[derive(Debug)]
pub struct Hush {
    real: OwnedFd,
}

/// Hushes standard output until the value is dropped. One at a time.
pub fn hush() -> io::Result<Hush> {
    let mut stdout = io::stdout();
    stdout.flush()?;
    let real = rustix::io::fcntl_dupfd_cloexec(&stdout, 3)?;
    let nowhere = File::options().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    Ok(Hush { real })
}

impl Drop for Hush {
    fn drop(&mut self) {
        // What was printed meanwhile and still waits in the buffer goes nowhere too.
        let _flushed = io::stdout().flush().is_ok();
        let _restored = rustix::stdio::dup2_stdout(&self.real).is_ok();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::cli::signals::claim_ctrl_c;
    use crate::edge::clock::Clock;
    use crate::engine::crowd::{Stage, users};
    use crate::engine::stop::stop;
    use crate::model::pace::{UserStage, Users};

    /// Users who do nothing but wait.
    struct Waiting(Clock);

    impl Stage for Waiting {
        type User = ();

        fn enter(&self, _number: u32) {}

        async fn turn(&self, (): &mut (), _due: Duration) {
            self.0.sleep(Duration::from_millis(10)).await;
        }

        async fn leave(&self, (): ()) {}

        fn dropped(&self, _due: Duration) {}

        fn panicked(&self, message: &str) {
            eprintln!("{message}");
        }
    }

    /// What the test below looks at: a load of two users and two Ctrl-C.
    #[test]
    #[ignore = "the child of the test below, in a process of its own"]
    fn child() {
        let signals = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&signals);
        claim_ctrl_c(move || _ = counted.fetch_add(1, Ordering::SeqCst)).unwrap();
        println!("before");
        let hush = hush().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(load_with_signals(&signals));
        drop(hush);
        println!("after");
        assert!(claim_ctrl_c(|| {}).is_err());
    }

    async fn load_with_signals(signals: &AtomicU32) {
        let (clock, (end, _)) = (Clock::real(), stop());
        let stages = vec![
            UserStage { over: Duration::from_secs(1), to: 2 },
            UserStage { over: Duration::from_secs(1), to: 2 },
        ];
        let (load, stage) = (Users { stages }, Arc::new(Waiting(clock.clone())));
        let interrupt = async {
            for nth in 1..=2 {
                clock.sleep(Duration::from_millis(300)).await;
                let this = rustix::process::getpid();
                rustix::process::kill_process(this, rustix::process::Signal::INT).unwrap();
                while signals.load(Ordering::SeqCst) < nth {
                    clock.sleep(Duration::from_millis(10)).await;
                }
            }
        };
        let (ended, ()) = tokio::join!(users::run(stage, &load, None, &clock, &end), interrupt);
        ended.unwrap();
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "this test looks at a process from outside")]
    fn a_load_prints_nothing_and_leaves_ctrl_c_to_us() {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cli::stdout::tests::child", "--ignored", "--nocapture"])
            .args(["--test-threads", "1"])
            .output()
            .unwrap();
        let said = String::from_utf8(child.stdout).unwrap();
        assert!(child.status.success(), "{said}");
        assert_eq!(String::from_utf8(child.stderr).unwrap(), "");
        let between = said.split("before\n").nth(1).unwrap().split("after\n").next().unwrap();
        assert_eq!(between, "", "hushed");
        assert!(!said.contains("launched"), "{said}");
    }
}
