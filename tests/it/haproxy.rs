//! A rate limit that is not ours: haproxy's stick table in front of the practice target.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::http::free_address;
use crate::practice::Practice;
use crate::rate_limit::SCENARIO;
use crate::squall::Place;
use crate::storm::QUICK;

const PATIENCE: Duration = Duration::from_secs(30);

/// An haproxy in front of a practice target; killed when dropped.
struct Haproxy {
    child: Child,
    address: SocketAddr,
    _place: Place,
    _behind: Practice,
}

impl Haproxy {
    fn start() -> Self {
        // Between choosing a free port and taking it, another test may have taken it.
        (0..3).find_map(|_| Self::try_start()).expect("an haproxy that listens")
    }

    fn try_start() -> Option<Self> {
        let (place, address, behind) = (Place::new(), free_address(), Practice::with(&[]));
        place.file("haproxy.cfg", &configuration(address, behind.address()));
        let log = File::create(place.path().join("said")).unwrap();
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f", "haproxy.cfg"]).current_dir(place.path());
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let child = started.expect("haproxy is missing: run tests/run, which installs it");
        let mut haproxy = Self { child, address, _place: place, _behind: behind };
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
fn configuration(address: SocketAddr, upstream: SocketAddr) -> String {
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
    let haproxy = Haproxy::start();
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
