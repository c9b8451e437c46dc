//! A program that kills a server and starts it anew on its port, as one who deploys does.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use super::asked;
use crate::squall::Place;

/// It ends when the new server listens; that is ended when this is dropped.
pub(crate) struct Restart {
    place: PathBuf,
}

impl Restart {
    /// Of the process of this number, with the command that started it.
    pub(super) fn of(process: u32, command: &Command, address: SocketAddr, place: &Place) -> Self {
        let words = [command.get_program()].into_iter().chain(command.get_args());
        let words: Vec<String> = words.map(|word| quoted(word.to_str().unwrap())).collect();
        let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let variables: Vec<String> = variables
            .map(|(name, value)| format!("{}={}", name.display(), quoted(value.to_str().unwrap())))
            .collect();
        let (words, variables) = (words.join(" "), variables.join(" "));
        let (at, port) = (quoted(place.path().to_str().unwrap()), address.port());
        // It listens until the last of its threads is gone.
        let text = format!(
            "set -eu\ncd {at}\nkill -9 {process}\n\
             while (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.02; done\n\
             env -i PATH=\"$PATH\" PYTHONDONTWRITEBYTECODE=1 {variables} ACCESS_LOG={at}/accessed {words} </dev/null >said-anew 2>&1 &\n\
             echo $! > anew\n\
             until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do kill -0 $!; sleep 0.05; done\n\
             echo serves again\n"
        );
        place.file("restart", &text);
        Self { place: place.path().to_owned() }
    }

    /// The program and its argument, as a hook has them.
    pub(crate) fn command(&self) -> String {
        format!("[\"bash\", \"{}\"]", self.place.join("restart").display())
    }

    /// What the new server was asked so far, as in [`super::Peer::access_log`].
    pub(crate) fn access_log(&self) -> Vec<String> {
        asked(&fs::read_to_string(self.place.join("accessed")).unwrap_or_default())
    }
}

impl Drop for Restart {
    fn drop(&mut self) {
        if let Some(process) = started(&self.place.join("anew")) {
            let _ended = kill_process(process, Signal::KILL).is_ok();
        }
    }
}

fn started(file: &Path) -> Option<Pid> {
    Pid::from_raw(fs::read_to_string(file).ok()?.trim().parse().ok()?)
}

fn quoted(word: &str) -> String {
    assert!(!word.contains('\''), "{word}");
    format!("'{word}'")
}
