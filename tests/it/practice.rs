//! The practice target as a server of its own, and what it counted.

use std::net::SocketAddr;
use std::process::Child;

use crate::http;
use crate::squall::serving;

/// `squall serve`; it ends when its standard input closes, with the test.
pub(crate) struct Practice {
    child: Child,
    address: SocketAddr,
    path: String,
}

impl Practice {
    pub(crate) fn with(flags: &[&str]) -> Self {
        let (child, line) = serving(&[&["serve"], flags].concat());
        let announced = line.strip_prefix("listening on http://").unwrap();
        let (address, path) = announced.split_once('/').unwrap();
        Self { child, address: address.parse().unwrap(), path: path.to_owned() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/{}", self.address, self.path)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its metrics page.
    pub(crate) fn page(&self) -> String {
        http::page(self.address, "/metrics")
    }

    /// The sum of all series of its metrics page that begin so.
    pub(crate) fn counted(&self, series: &str) -> u64 {
        let page = self.page();
        let samples = page.lines().filter(|line| line.starts_with(series));
        samples.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _reaped = self.child.wait().is_ok();
    }
}

#[test]
fn a_target_announces_where_its_clients_begin() {
    for (flags, path) in [
        (vec![], "/mcp"),
        (vec!["--speaks", "legacy,http+sse", "--resumable"], "/mcp"),
        (vec!["--speaks", "modern", "--catalogue", "full"], "/mcp"),
        (vec!["--speaks", "http+sse"], "/sse"),
    ] {
        let practice = Practice::with(&flags);
        assert!(practice.url().ends_with(path), "{flags:?}: {}", practice.url());
        assert_eq!(practice.counted("practice_requests_total"), 0);
    }
}
