//! The practice target in a process of its own, and squall loading it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const SQUALL: &str = env!("CARGO_BIN_EXE_squall");

/// `squall serve`; ended when dropped.
pub(crate) struct Target {
    child: Child,
    pub(crate) url: String,
}

impl Target {
    pub(crate) fn serve(knobs: &[&str]) -> Self {
        let mut child = Command::new(SQUALL)
            .args(["serve", "--until-stdin-closes"])
            .args(knobs)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("squall serve starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("standard output is piped");
        BufReader::new(out).read_line(&mut line).expect("it announces its address");
        let url = line.trim().trim_start_matches("listening on ").to_owned();
        Self { child, url }
    }

    /// Another path of it.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches("/mcp"))
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Tool calls it has answered, by its own count.
    pub(crate) fn calls(&self) -> u64 {
        let page = self.page("/metrics");
        let series = r#"practice_tool_calls_total{tool="echo",outcome="ok"} "#;
        let count = page.lines().find_map(|line| line.strip_prefix(series)).expect("it counts");
        count.parse().expect("a count")
    }

    fn page(&self, path: &str) -> String {
        let address = self.url.trim_start_matches("http://").trim_end_matches("/mcp");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("it answers");
        page
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _killed = self.child.kill().is_ok();
        let _reaped = self.child.wait().is_ok();
    }
}

/// `squall run` of a scenario beside this file, with a report folder that is thrown away.
pub(crate) struct Order {
    pub(crate) command: Vec<String>,
    out: PathBuf,
}

impl Order {
    pub(crate) fn new(scenario: &str, target: &Target) -> Self {
        Self::at(scenario, &target.url)
    }

    /// The same at a URL of one's own.
    pub(crate) fn at(scenario: &str, url: &str) -> Self {
        let file = beside(scenario);
        let out = std::env::temp_dir().join(format!("squall-bench-{}", std::process::id()));
        let _absent = std::fs::remove_dir_all(&out).is_err();
        let folder = out.display().to_string();
        let words = [SQUALL, "run", &file, "--target", url, "--out", &folder, "--json"];
        Self { command: words.map(str::to_owned).to_vec(), out }
    }

    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.command.extend(["--set".to_owned(), format!("{key}={value}")]);
        self
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        let _removed = std::fs::remove_dir_all(&self.out).is_ok();
    }
}

/// The path of a file beside this one.
pub(crate) fn beside(name: &str) -> String {
    format!("{}/benches/speed/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// squall's summary, of a run in which every call was answered.
pub(crate) fn sound(json: &str) -> serde_json::Value {
    let summary: serde_json::Value = serde_json::from_str(json).expect("a summary");
    assert_eq!(summary["errors"], 0, "{summary}");
    assert_ne!(summary["ok"], 0, "{summary}");
    summary
}
