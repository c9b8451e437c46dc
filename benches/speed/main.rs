//! What load costs the machine that makes it, and how true its figures are:
//! `cargo bench --bench speed [-- calls|eras|users|streams|logins|proxy|judge|lag|accuracy]`.
//!
//! Everything runs against `squall serve` of latency 0 in a process of its own, on this machine.
//! Only figures of one run may be compared: the machine's own speed drifts by a quarter.
#![expect(clippy::disallowed_methods, reason = "a benchmark touches the world without ceremony")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on panics")]
#![expect(clippy::print_stdout, reason = "its result is printed")]

mod accuracy;
mod calls;
mod crowd;
mod eras;
mod judge;
mod lag;
mod logins;
mod measuring;
mod peers;
mod proxy;
mod streams;
mod target;
mod users;

fn main() {
    // cargo adds `--bench`.
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let all: [(&str, fn()); 9] = [
        ("calls", calls::run),
        ("eras", eras::run),
        ("users", users::run),
        ("streams", streams::run),
        ("logins", logins::run),
        ("proxy", proxy::run),
        ("judge", judge::run),
        ("lag", lag::run),
        ("accuracy", accuracy::run),
    ];
    for (name, bench) in all {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            bench();
        }
    }
}
