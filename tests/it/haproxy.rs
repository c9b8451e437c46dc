//! What stands in front and is not ours: haproxy's stick table as a rate limit of the practice target,
//! and haproxy that gives each request to one of several servers.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::free_address;
use crate::peer::{Kind, Peer};
use crate::practice::Practice;
use crate::rate_limit::SCENARIO;
use crate::squall::Place;
use crate::storm::QUICK;

const PATIENCE: Duration = Duration::from_secs(30);

/// An haproxy in front of others; killed when dropped.
struct Haproxy {
    child: Child,
    address: SocketAddr,
    _place: Place,
}

impl Haproxy {
    /// Starts one whose configuration is this one, for the address that it listens on.
    fn start(configuration: impl Fn(SocketAddr) -> String) -> Self {
        // Between choosing a free port and taking it, another test may have taken it.
        (0..3).find_map(|_| Self::try_start(&configuration)).expect("an haproxy that listens")
    }

    fn try_start(configuration: impl Fn(SocketAddr) -> String) -> Option<Self> {
        let (place, address) = (Place::new(), free_address());
        place.file("haproxy.cfg", &configuration(address));
        let log = File::create(place.path().join("said")).unwrap();
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f", "haproxy.cfg"]).current_dir(place.path());
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let child = started.expect("haproxy is missing: run tests/run, which installs it");
        let mut haproxy = Self { child, address, _place: place };
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(haproxy.address).is_err() {
            if haproxy.child.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(Instant::now() < until, "haproxy is not ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(haproxy)
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _killed = self.child.kill().is_ok();
        let _reaped = self.child.wait().is_ok();
    }
}

/// Twenty POSTs in two seconds by address, of which it counts those that it refuses, too.
fn limited(address: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
backend counted
    stick-table type ip size 1k expire 60s store http_req_rate(2s)
frontend limited
    bind {address}
    http-request track-sc0 src table counted if METH_POST
    http-request return status 429 content-type text/plain string \"too many requests\" \
    hdr Retry-After 4 if METH_POST {{ sc_http_req_rate(0) gt 20 }}
    default_backend behind
backend behind
    server one {upstream}
"
    )
}

#[test]
fn its_limit_is_found() {
    let behind = Practice::with(&[]);
    let haproxy = Haproxy::start(|address| limited(address, behind.address()));
    let place = Place::new();
    let url = format!("http://{}/mcp", haproxy.address);
    let limit = r#"{ allow = "20/2s", burst = 20, per = "address", signal = "429" }"#;
    let order = place.run(SCENARIO).patient_alone().target(&url).sets([
        ("tools.allow", QUICK),
        ("auth", "{}"),
        ("expect.rate_limit", limit),
        // Whether four seconds are too many depends on when its periods begin.
        ("expect.findings", r#""none above low""#),
    ]);
    let report = order.go().exits(0).report();
    for row in report.at("/expectations").as_array().unwrap() {
        assert_eq!(row["passed"], true, "{row}");
    }
    let burst = report.at("/rate_limits/burst");
    assert_eq!((&burst["low"], &burst["high"]), (&20.0.into(), &20.0.into()));
    assert_eq!(report.at("/rate_limits/shape"), "window that counts what it refuses");
    assert_eq!(report.at("/rate_limits/per"), "address");
    let signals = report.at("/rate_limits/signals").as_object().unwrap();
    assert_eq!(signals.keys().collect::<Vec<_>>(), ["HTTP 429"]);
    let waits = report.at("/rate_limits/retry_after");
    assert!(waits["untold"] == 0 && waits["told"].as_u64() >= signals["HTTP 429"].as_u64());
}

/// Each request goes to the next server.
fn in_turn(address: SocketAddr, servers: &[&Peer]) -> String {
    let servers = servers.iter().enumerate();
    let servers = servers.map(|(at, peer)| format!("    server s{at} {}\n", peer.address()));
    format!(
        "defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend one
    bind {address}
    default_backend several
backend several
    balance roundrobin
{}",
        servers.collect::<String>()
    )
}

/// The Python SDK keeps sessions in the memory of its process.
#[test]
fn sessions_behind_two_servers_are_found_half_the_time() {
    let servers = [(); 2].map(|()| Peer::start(Kind::PythonV2("stateful")));
    let [one, two] = servers.each_ref();
    let cases: [(&[&Peer], i32, &str); 2] = [
        (&[one], 0, "all 180 calls on new connections found their session, from 3 addresses"),
        (&[one, two], 4, "30 of 60 calls on new connections found their session: 2 replicas"),
    ];
    for (servers, code, expected) in cases {
        let haproxy = Haproxy::start(|address| in_turn(address, servers));
        let place = Place::new();
        let url = format!("http://{}/mcp", haproxy.address);
        let order = place.run("check-affinity").patient_alone().target(&url);
        let report = order.set("tools.allow", r#"["echo"]"#).go().exits(code).report();
        let value = report.at("/expectations/0/value").as_str().unwrap();
        assert!(value.starts_with(expected), "{value}");
        let findings = report.at("/findings").as_array().unwrap();
        let found: Vec<_> = findings.iter().map(|finding| &finding["id"]).collect();
        let replicas: &[&str] = if code == 0 { &[] } else { &["sessions-in-one-replica"] };
        assert_eq!(found, replicas);
    }
}
