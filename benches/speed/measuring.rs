//! What processes use: processor time of a whole command, and of one that still runs.

use std::process::Command;

/// What a command came to.
pub(crate) struct Ended {
    /// User and system time of it and its children, in microseconds.
    pub(crate) cpu_us: f64,
    pub(crate) stdout: String,
    /// Exit status 0.
    pub(crate) succeeded: bool,
}

/// Runs a command to its end.
pub(crate) fn timed(command: &[String], environment: &[(&str, &str)]) -> Ended {
    let output = Command::new("bash")
        .args(["-c", "TIMEFORMAT='cpu %U %S'; time \"$@\" 2>/dev/null", "bash"])
        .args(command)
        .envs(environment.iter().copied())
        .output()
        .expect("bash runs");
    let told = String::from_utf8_lossy(&output.stderr);
    let line = told.lines().rfind(|line| line.starts_with("cpu ")).expect("bash times it");
    let seconds: f64 = line[4..].split(' ').map(|part| part.parse::<f64>().expect("a time")).sum();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    Ended { cpu_us: seconds * 1e6, stdout, succeeded: output.status.success() }
}

/// Memory that a running process has in use, in kB.
pub(crate) fn resident_kb(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has a size");
    size.trim().trim_end_matches(" kB").parse().expect("a size in kB")
}

/// User and system time that a running process has used, in microseconds, to 10 ms.
pub(crate) fn cpu_us(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // The name before the last parenthesis may hold spaces; utime and stime are fields 14 and 15.
    let fields: Vec<&str> = stat[stat.rfind(')').expect("a name")..].split(' ').collect();
    let ticks: f64 = fields[12..14].iter().map(|ticks| ticks.parse::<f64>().expect("ticks")).sum();
    ticks * 10_000.0
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
