//! Servers that we did not write, as processes of their own on loopback; `tests/run` installs them.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http;
use crate::squall::{Place, root};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{
    "protocolVersion":"2025-11-25","capabilities":{},
    "clientInfo":{"name":"readiness","version":"1"}}}"#;

/// A server may be slow to start while all of a machine's cores are busy.
const PATIENCE: Duration = Duration::from_secs(90);

/// Which server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// The official Python SDK, version 1, in this mode of `tests/peers/python_sdk_v1.py`.
    PythonV1(&'static str),
    /// The official TypeScript example that has a bit of everything.
    Everything,
}

/// A server that runs; killed when dropped, because some do not stop when they are asked to.
pub(crate) struct Peer {
    child: Child,
    address: SocketAddr,
    place: Place,
}

impl Peer {
    /// Starts it and waits until it answers.
    pub(crate) fn start(kind: Kind) -> Self {
        // Between choosing a free port and taking it, another test may have taken it.
        (0..3).find_map(|_| Self::try_start(kind)).expect("a server that listens")
    }

    fn try_start(kind: Kind) -> Option<Self> {
        let place = Place::new();
        let address = http::free_address();
        let log = File::create(place.path().join("log")).unwrap();
        let mut command = command(kind, address.port());
        command.current_dir(place.path()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut peer = Self { child, address, place };
        let until = Instant::now() + PATIENCE;
        while !peer.is_ready() {
            if peer.child.try_wait().unwrap().is_some() {
                eprintln!("{kind:?} ended: {}", peer.log());
                return None;
            }
            assert!(Instant::now() < until, "{kind:?} is not ready: {}", peer.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(peer)
    }

    fn is_ready(&self) -> bool {
        TcpStream::connect(self.address).is_ok()
            && matches!(http::status(self.address, "POST", "/mcp", INITIALIZE), Ok(200))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("log")).unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// How many requests it has seen.
    pub(crate) fn counted(&self) -> u64 {
        http::page(self.address, "/counted").parse().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _killed = self.child.kill().is_ok();
        let _reaped = self.child.wait().is_ok();
    }
}

fn command(kind: Kind, port: u16) -> Command {
    let ours = root().join("tests/peers");
    match kind {
        Kind::PythonV1(mode) => {
            let mut command = Command::new(installed("python", "requirements.txt", "bin/python"));
            command.arg(ours.join("python_sdk_v1.py")).arg(port.to_string()).arg(mode);
            command
        }
        Kind::Everything => {
            let server = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";
            let mut command = Command::new("node");
            command.arg("-r").arg(ours.join("loopback.cjs"));
            command.arg(installed("node", "package-lock.json", server)).arg("streamableHttp");
            // One of its tools prints the environment.
            let path = std::env::var_os("PATH").unwrap_or_default();
            command.env_clear().env("PATH", path).env("PORT", port.to_string());
            command
        }
    }
}

/// A file of an installed peer, if what is installed is what is pinned.
fn installed(room: &str, pins: &str, file: &str) -> PathBuf {
    let room = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers").join(room);
    let wanted = fs::read(root().join("tests/peers").join(pins)).unwrap();
    let found = fs::read(room.join("installed").join(pins));
    let file = room.join(file);
    assert!(
        found.is_ok_and(|found| found == wanted) && file.exists(),
        "a real server is missing: run tests/run, which installs it ({})",
        room.display()
    );
    file
}
