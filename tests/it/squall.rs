//! The test language: `Place::new().run("steady").short().set("seed", "9").go()`.

use ::squall::model::report::saved;
use ::squall::scenario::declared::may_declare;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Limits of the generator that no machine breaks, however busy it is with other tests.
const PATIENT: [(&str, &str); 3] =
    [("generator.lag", r#""60s""#), ("generator.loop_delay", r#""60s""#), ("generator.cpu", "1.0")];

/// Thresholds that do not depend on how fast this machine is.
const TIMELESS: &str = r#"["errors == 0", "throttled == 0", "dropped == 0", "runs_cut == 0"]"#;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A squall that serves until its standard input closes, and the first line that it says.
pub(crate) fn serving(arguments: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(arguments)
        .arg("--until-stdin-closes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim_end().to_owned())
}

/// A fresh folder in which squall runs; removed at the end, unless its test fails.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Puts a file here.
    pub(crate) fn file(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    /// The names of everything here, hidden or not.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// `squall`, to be given arguments.
    pub(crate) fn squall(&self) -> Order<'_> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_squall"));
        command.current_dir(&self.0).stdin(Stdio::null());
        Order { place: self, command }
    }

    /// `squall run` of a shipped scenario, reporting into `report`.
    pub(crate) fn run(&self, scenario: &str) -> Order<'_> {
        let file = root().join(format!("scenarios/{scenario}.toml"));
        assert!(file.exists(), "no such scenario: {}", file.display());
        self.run_file(file.to_str().unwrap(), "report")
    }

    /// `squall run` of any file, reporting into any folder.
    pub(crate) fn run_file(&self, scenario: &str, out: &str) -> Order<'_> {
        self.squall().args(["run", scenario, "--out", out])
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !thread::panicking() {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }
}

/// A command line under way.
pub(crate) struct Order<'a> {
    place: &'a Place,
    command: Command,
}

impl Order<'_> {
    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<'a>(self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    pub(crate) fn set(self, key: &str, value: &str) -> Self {
        self.arg("--set").arg(&format!("{key}={value}"))
    }

    pub(crate) fn sets<'a>(self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        pairs.into_iter().fold(self, |order, (key, value)| order.set(key, value))
    }

    pub(crate) fn target(self, url: &str) -> Self {
        self.arg("--target").arg(url)
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Asks nothing of the machine's speed: only counts and outcomes decide.
    pub(crate) fn patient(self) -> Self {
        self.patient_alone().set("expect.thresholds", TIMELESS)
    }

    /// The same, with its own thresholds.
    pub(crate) fn patient_alone(self) -> Self {
        self.sets(PATIENT)
    }

    /// The Research storm, or another with open arrivals, in a few seconds: four runs.
    pub(crate) fn short(self) -> Self {
        self.patient().sets([
            ("load.from", r#""2/s""#),
            ("load.stages", r#"[{ over = "2s", to = "2/s" }]"#),
            ("load.speed", "200"),
            ("load.drain", r#""60s""#),
        ])
    }

    /// A closed load in a few seconds: three users, thirty calls each and more.
    pub(crate) fn short_closed(self) -> Self {
        let stages =
            r#"[{ over = "1s", to = 3 }, { over = "2s", to = 3 }, { over = "1s", to = 0 }]"#;
        self.patient().sets([
            ("load.stages", stages),
            ("load.steady", r#"{ calls = 5, think = "20ms" }"#),
            ("load.drain", r#""60s""#),
        ])
    }

    /// Lets it have so many open files and no more.
    pub(crate) fn files(mut self, limit: u32) -> Self {
        let mut limited = Command::new("sh");
        limited.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")]);
        limited.arg(self.command.get_program()).args(self.command.get_args());
        limited.current_dir(&self.place.0).stdin(Stdio::null());
        self.command = limited;
        self
    }

    /// Runs it to its end.
    pub(crate) fn go(self) -> Done {
        self.start().end()
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let reading = thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let report = self.place.0.join("report");
        Running { child, reading: Some(reading), stderr, said: String::new(), report }
    }
}

/// A squall that runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    reading: Option<JoinHandle<String>>,
    stderr: BufReader<ChildStderr>,
    said: String,
    report: PathBuf,
}

impl Running {
    /// Waits until standard error says this.
    pub(crate) fn until(&mut self, words: &str) {
        self.line_with(words);
    }

    /// The next line of standard error that has these words.
    pub(crate) fn line_with(&mut self, words: &str) -> String {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let read = self.stderr.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended before it said {words:?}:\n{}", self.said);
            self.said.push_str(&line);
        }
        line
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Kills it, as nobody can be prepared for.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Watches how much memory it holds at most, until it ends; in bytes.
    pub(crate) fn peak_memory(&self) -> JoinHandle<u64> {
        let status = format!("/proc/{}/status", self.child.id());
        thread::spawn(move || {
            let mut peak = 0;
            // A process that has ended has no such line.
            while let Some(kib) = fs::read_to_string(&status).ok().as_deref().and_then(most_held) {
                peak = kib * 1024;
                thread::sleep(Duration::from_millis(10));
            }
            peak
        })
    }

    /// Kills the process that it started: the practice target.
    pub(crate) fn kill_its_child(&self) {
        let parent = format!("PPid:\t{}", self.child.id());
        let is_its = |folder: &Path| {
            fs::read_to_string(folder.join("status"))
                .is_ok_and(|status| status.lines().any(|line| line == parent))
        };
        let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let child = processes.map(|entry| entry.path()).find(|folder| is_its(folder)).unwrap();
        let number = child.file_name().unwrap().to_str().unwrap().parse().unwrap();
        kill_process(Pid::from_raw(number).unwrap(), Signal::KILL).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Done {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let status = self.child.wait().unwrap();
        Done {
            code: status.code().unwrap_or_else(|| panic!("{status}: {}", self.said)),
            stdout: self.reading.take().unwrap().join().unwrap(),
            stderr: std::mem::take(&mut self.said),
            report: self.report.clone(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, or is not to outlive its test.
        let _killed = self.child.kill().is_ok();
        let _reaped = self.child.wait().is_ok();
    }
}

/// The largest resident size in a process's status, in KiB.
fn most_held(status: &str) -> Option<u64> {
    let held = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    held.trim().strip_suffix(" kB")?.parse().ok()
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    report: PathBuf,
}

impl Done {
    /// Asserts the exit code; shows everything that was said if it is another.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        let Self { stdout, stderr, .. } = self;
        assert_eq!(self.code, code, "\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// `run.json`, which agrees with itself whatever became of the run.
    #[track_caller]
    pub(crate) fn report(&self) -> Report {
        let text = fs::read_to_string(self.report.join("run.json"))
            .unwrap_or_else(|error| panic!("no run.json: {error}\n{}", self.stderr));
        match saved::read(&text) {
            Ok(report) => {
                let judged = report.thresholds.iter().map(|judged| judged.text.as_str());
                assert!(may_declare(&report.scenario.text, &judged.collect::<Vec<_>>()));
            }
            Err(error) => assert_eq!(error, saved::Unusable::NoCalls, "{}", self.stdout),
        }
        Report(serde_json::from_str(&text).unwrap())
    }

    /// Asserts that it said nothing but this snapshot's words, and left no folder behind.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, place: &Place) -> String {
        self.exits(code);
        assert_eq!(self.stdout, "", "the result of a refused run");
        assert!(!self.report.exists(), "a report folder was left behind");
        let left: Vec<_> =
            place.names().into_iter().filter(|name| name.contains("partial")).collect();
        assert_eq!(left, [""; 0], "left behind");
        filtered(&self.stderr)
    }
}

/// `run.json`, read.
#[derive(Debug)]
pub(crate) struct Report(pub(crate) Value);

impl Report {
    /// The value at a JSON pointer.
    #[track_caller]
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or_else(|| panic!("run.json has no {pointer}"))
    }

    /// The count at a JSON pointer.
    #[track_caller]
    pub(crate) fn count(&self, pointer: &str) -> u64 {
        let value = self.at(pointer);
        value.as_u64().unwrap_or_else(|| panic!("{pointer} is no count: {value}"))
    }

    /// The sum of an object's counts.
    #[track_caller]
    pub(crate) fn sum(&self, pointer: &str) -> u64 {
        let counts = self.at(pointer).as_object().unwrap_or_else(|| panic!("{pointer}: no object"));
        counts.values().map(|count| count.as_u64().unwrap()).sum()
    }

    /// The keys of an object.
    #[track_caller]
    pub(crate) fn keys(&self, pointer: &str) -> Vec<&str> {
        self.at(pointer).as_object().unwrap().keys().map(String::as_str).collect()
    }

    /// The outcomes that some call had.
    #[track_caller]
    pub(crate) fn outcomes(&self) -> Vec<&str> {
        let outcomes = self.at("/summary/outcomes").as_object().unwrap();
        let had = outcomes.iter().filter(|(_, count)| **count != 0);
        had.map(|(name, _)| name.as_str()).collect()
    }

    /// Every exchange the target was sent: the load's, and those of the look before it.
    #[track_caller]
    pub(crate) fn exchanges(&self) -> u64 {
        self.count("/summary/http_exchanges") + self.count("/receipt/exchanges_before_the_load")
    }
}

/// Text without what differs from run to run: ports, and the paths of this machine.
pub(crate) fn filtered(text: &str) -> String {
    let text = text.replace(root().to_str().unwrap(), "[ROOT]");
    let port = Regex::new(r"(127\.0\.0\.1|0\.0\.0\.0):\d+").unwrap();
    port.replace_all(&text, "$1:[PORT]").into_owned()
}
