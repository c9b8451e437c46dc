//! Storms through nginx, which speaks TLS and both versions of HTTP, in front of the Python SDK.

mod faults;

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::certificates::{Authority, Years};
use crate::http::{Port, free_address};
use crate::peer::{Kind, Peer};
use crate::practice::Practice;
use crate::squall::{Order, Place, Report};

const PATIENCE: Duration = Duration::from_secs(30);

/// An nginx in front of another server; killed when dropped.
pub(crate) struct Nginx<B = Peer> {
    child: Child,
    port: Port,
    authority: Authority,
    place: Place,
    pub(crate) behind: B,
}

/// One that speaks TLS and both versions of HTTP, in front of the practice target.
pub(crate) fn before_practice(flags: &[&str]) -> Nginx<Practice> {
    let practice = Practice::with(flags);
    let upstream = practice.address();
    Nginx::before((practice, upstream), "ssl http2", "")
}

/// One request, as nginx's log has it.
#[derive(Debug, PartialEq, Eq)]
struct Logged {
    http: String,
    tls: String,
    resumed: bool,
    host: String,
    asked_for: String,
}

impl<B> Nginx<B> {
    /// Starts it in front of what listens at `upstream`, with these words on its `listen` line and
    /// these in its `server` block.
    fn before((behind, upstream): (B, SocketAddr), listen: &str, more: &str) -> Self {
        let (place, port, authority) = (Place::new(), Port::new(), Authority::new());
        let identity = authority.signs(&["tools.test"], Years::Now);
        place.file("server.pem", &identity.pem());
        place.file("server.key", &identity.key_pem());
        place.file("nginx.conf", &configuration(port.address(), upstream, listen, more));
        let log = File::create(place.path().join("said")).unwrap();
        let mut command = Command::new("nginx");
        command.args(["-c", "nginx.conf", "-e", "stderr", "-p"]).arg(place.path());
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let child = started.expect("a real server is missing: run tests/run, which installs nginx");
        let mut nginx = Self { child, port, authority, place, behind };
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(nginx.address()).is_err() {
            let has_ended = nginx.child.try_wait().unwrap().is_some();
            let is_late = Instant::now() > until;
            assert!(!has_ended && !is_late, "nginx is not ready: {}", nginx.text("said"));
            std::thread::sleep(Duration::from_millis(20));
        }
        nginx
    }

    fn address(&self) -> SocketAddr {
        self.port.address()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.place.path().join(name)).unwrap()
    }

    /// What arrived at the endpoint.
    fn logged(&self) -> Vec<Logged> {
        self.logged_in("log")
    }

    fn logged_in(&self, file: &str) -> Vec<Logged> {
        let line = |line: &str| {
            let [http, tls, resumed, host, asked_for] = line.split(' ').collect::<Vec<_>>()[..]
            else {
                panic!("{line}")
            };
            let [http, tls, host, asked_for] = [http, tls, host, asked_for].map(str::to_owned);
            Logged { http, tls, resumed: resumed == "r", host, asked_for }
        };
        self.text(file).lines().map(line).collect()
    }

    /// What reaches it by name, trusting its authority; the name resolves here only.
    pub(crate) fn reached<'a>(&self, place: &Place, order: Order<'a>) -> Order<'a> {
        place.file("ca.pem", &self.authority.pem());
        let port = self.address().port();
        order.target(&format!("https://tools.test:{port}/mcp")).sets([
            ("target.tls.ca_file", r#""ca.pem""#),
            ("target.resolve", &format!("\"tools.test:{port}=127.0.0.1\"")),
        ])
    }

    /// The storm to it by name, trusting its authority; the name resolves here only.
    fn storm<'a>(&self, place: &'a Place, profile: &str) -> Order<'a> {
        let resolve = format!("\"tools.test:{}=127.0.0.1\"", self.address().port());
        let at = ("tools.test", self.address().port());
        self.storm_to(at, place, profile).set("target.resolve", &resolve)
    }

    fn storm_to<'a>(
        &self,
        (host, port): (&str, u16),
        place: &'a Place,
        profile: &str,
    ) -> Order<'a> {
        place.file("ca.pem", &self.authority.pem());
        let url = format!("https://{host}:{port}/mcp");
        place.run("research-storm").short().target(&url).sets([
            ("clients.profile", format!("{profile:?}").as_str()),
            ("tools.allow", r#"["echo"]"#),
            ("target.tls.ca_file", r#""ca.pem""#),
        ])
    }
}

impl Nginx {
    /// Starts it in front of a Python SDK server.
    fn start(listen: &str, more: &str) -> Self {
        let behind = Peer::start(Kind::PythonV1("stateless"));
        let upstream = behind.address();
        Self::before((behind, upstream), listen, more)
    }

    /// Runs it; nothing goes wrong, and nginx and the server behind it saw what we counted.
    fn sound(&self, order: Order<'_>) -> Report {
        let (before, logged) = (self.behind.counted(), self.logged().len());
        let report = order.go().exits(0).report();
        assert_eq!(report.outcomes(), ["ok"]);
        assert_eq!(report.at("/findings"), &serde_json::json!([]));
        assert_eq!(self.behind.counted() - before, report.exchanges());
        // nginx writes its line when a request is over, which may be after its answer.
        let until = Instant::now() + PATIENCE;
        while ((self.logged().len() - logged) as u64) < report.exchanges() {
            assert!(Instant::now() < until, "{} of {:?}", self.logged().len(), report.exchanges());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!((self.logged().len() - logged) as u64, report.exchanges());
        report
    }
}

impl<B> Drop for Nginx<B> {
    fn drop(&mut self) {
        let _killed = self.child.kill().is_ok();
        let _reaped = self.child.wait().is_ok();
    }
}

fn configuration(at: SocketAddr, upstream: SocketAddr, listen: &str, more: &str) -> String {
    format!(
        "daemon off; master_process off; pid pid; error_log stderr;
        events {{ worker_connections 1024; }}
        http {{
            log_format seen '$server_protocol $ssl_protocol $ssl_session_reused $host $ssl_server_name';
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi; scgi_temp_path scgi;
            server {{
                listen {at} {listen};
                ssl_certificate server.pem; ssl_certificate_key server.key;
                ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:all:1m;
                {more}
                proxy_http_version 1.1; proxy_set_header Connection '';
                proxy_buffering off; proxy_read_timeout 600s;
                location / {{ proxy_pass http://{upstream}; access_log pages seen; }}
                location = /mcp {{ proxy_pass http://{upstream}; access_log log seen; }}
            }}
        }}"
    )
}

#[test]
fn a_storm_over_http_1_and_tls() {
    for profile in ["plain", "claude-ai-legacy"] {
        let nginx = Nginx::start("ssl http2", "");
        let place = Place::new();
        let order = nginx.storm(&place, profile).set("target.http", r#""1.1""#);
        let report = nginx.sound(order);
        let opened = report.count("/summary/connections/opened");
        assert!(opened > 0);
        assert_eq!(report.count("/summary/connections/tls"), opened);
        assert_eq!(report.count("/summary/connections/http2"), 0);
        assert_eq!(report.count("/summary/connections/tls_resumed"), 0);
        assert!(report.count("/summary/connections/tls_us/p50") > 0);
        for logged in nginx.logged() {
            assert_eq!((logged.http.as_str(), logged.tls.as_str()), ("HTTP/1.1", "TLSv1.3"));
            let names = (logged.asked_for.as_str(), logged.host.as_str());
            assert_eq!((names, logged.resumed), (("tools.test", "tools.test"), false));
        }
    }
}

#[test]
fn a_storm_over_http_2_agreed_within_tls() {
    for (profile, http) in [("plain", "auto"), ("claude-ai-legacy", "2")] {
        let nginx = Nginx::start("ssl http2", "");
        let place = Place::new();
        let order = nginx.storm(&place, profile).set("target.http", &format!("{http:?}"));
        let report = nginx.sound(order);
        let opened = report.count("/summary/connections/opened");
        assert_eq!(report.count("/summary/connections/http2"), opened);
        assert_eq!(report.count("/summary/connections/tls"), opened);
        assert!(nginx.logged().iter().all(|logged| logged.http == "HTTP/2.0"));
        if profile == "claude-ai-legacy" {
            assert_eq!(opened, 1, "everybody shares one connection");
        }
    }
}

#[test]
fn a_server_without_http_2_is_spoken_http_1_to() {
    let nginx = Nginx::start("ssl", "");
    let place = Place::new();
    let report = nginx.sound(nginx.storm(&place, "plain"));
    assert_eq!(report.count("/summary/connections/http2"), 0);
    assert!(nginx.logged().iter().all(|logged| logged.http == "HTTP/1.1"));
}

/// nginx ends an HTTP/2 connection after so many requests; what it did not look at is asked again.
#[test]
fn connections_that_end_while_in_use_lose_nothing() {
    let nginx = Nginx::start("ssl http2", "keepalive_requests 7;");
    let place = Place::new();
    let order = nginx.storm(&place, "claude-ai-legacy").set("target.http", r#""2""#);
    let report = nginx.sound(order);
    assert!(report.count("/summary/connections/opened") > 5);
}

#[test]
fn http_2_without_tls_is_spoken_by_prior_knowledge() {
    let nginx = Nginx::start("http2", "");
    let place = Place::new();
    let order = place.run("research-storm").short();
    let order = order.target(&format!("http://{}/mcp", nginx.address())).sets([
        ("clients.profile", r#""plain""#),
        ("tools.allow", r#"["echo"]"#),
        ("target.http", r#""2""#),
    ]);
    let report = nginx.sound(order);
    let opened = report.count("/summary/connections/opened");
    assert_eq!(report.count("/summary/connections/http2"), opened);
    assert_eq!(report.count("/summary/connections/tls"), 0);
}

#[test]
fn sessions_are_resumed_where_the_scenario_says_so() {
    let nginx = Nginx::start("ssl", "");
    let place = Place::new();
    let order = nginx.storm(&place, "plain").set("target.tls.resumption", "true");
    let report = nginx.sound(order);
    let resumed = report.count("/summary/connections/tls_resumed");
    assert!(resumed > 0);
    assert!(nginx.logged().iter().any(|logged| logged.resumed));
}

#[test]
fn names_can_be_given_apart_from_the_url() {
    let nginx = Nginx::start("ssl http2", "");
    let place = Place::new();
    // The address is in no certificate: only the name asked for is.
    let order = nginx
        .storm_to(("127.0.0.1", nginx.address().port()), &place, "plain")
        .sets([("target.tls.server_name", r#""tools.test""#), ("target.host", r#""front.test""#)]);
    nginx.sound(order);
    for logged in nginx.logged() {
        let names = (logged.asked_for.as_str(), logged.host.as_str());
        assert_eq!(names, ("tools.test", "front.test"));
    }
}

/// nginx sees through plain HTTP on its TLS port, and says so with an HTTP page.
#[test]
fn plain_http_to_its_tls_port() {
    let nginx = Nginx::start("ssl http2", "");
    let place = Place::new();
    let done = place.run("research-storm").target(&format!("http://{}/mcp", nginx.address())).go();
    let text = done.refused(3, &place);
    assert!(text.contains("plain HTTP was spoken to a port that speaks TLS"), "{text}");
    assert!(text.contains("the URL must begin with https://"), "{text}");
}

#[test]
fn health_and_metrics_are_asked_over_the_same_tls() {
    let nginx = Nginx::start("ssl http2", "");
    let place = Place::new();
    let order = nginx.storm(&place, "plain");
    let health = r#"{ url = "/counted", status = 200 }"#;
    let report = order.set("target.health", health).go().exits(0).report();
    assert_eq!(report.at("/health/after/status"), 200);
    assert_eq!(report.count("/health/well"), report.count("/health/asked"));
    // The Python server has no metrics: it is asked, and its answer told.
    assert_eq!(report.count("/target_metrics/answered"), 0);
    let why = report.at("/target_metrics/failures/0/why").as_str().unwrap();
    assert!(why.contains("404"), "{why}");
}

#[test]
fn pages_are_asked_the_way_the_target_is_reached() {
    let metrics = "location = /metrics { default_type text/plain; return 200 'up 1\\n';
                   access_log pages seen; }";
    let nginx = Nginx::start("ssl http2", metrics);
    let place = Place::new();
    // Nothing listens where the URL leads: everything is dialled elsewhere, under other names.
    let [there, here] = [free_address().port(), nginx.address().port()];
    let order = nginx.storm_to(("front.test", there), &place, "plain");
    let report = order
        .sets([
            ("target.resolve", format!("\"front.test:{there}=127.0.0.1:{here}\"").as_str()),
            ("target.tls.server_name", r#""tools.test""#),
            ("target.host", r#""page.test""#),
            ("target.http", r#""2""#),
            ("target.metrics", r#"{ url = "/metrics" }"#),
            (
                "target.health",
                format!("{{ url = \"https://front.test:{there}/counted\" }}").as_str(),
            ),
        ])
        .go()
        .exits(0)
        .report();
    assert_eq!(report.at("/health/after/well"), true);
    assert_eq!(report.count("/health/well"), report.count("/health/asked"));
    let asked = report.count("/target_metrics/asked");
    assert!(asked >= 2, "before and after: {asked}");
    assert_eq!(report.count("/target_metrics/answered"), asked);
    let pages = nginx.logged_in("pages");
    assert!(pages.len() as u64 > asked, "health before and after, too: {pages:?}");
    for page in pages {
        let names = (page.asked_for.as_str(), page.host.as_str());
        assert_eq!((names, page.http.as_str()), (("tools.test", "page.test"), "HTTP/1.1"));
    }
    assert!(nginx.logged().iter().all(|logged| logged.http == "HTTP/2.0"));
}
