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
