//! What the target counted, exactly, and its page in the Prometheus text format (version 0.0.4).

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::exhibits::EXHIBITS;
use super::tools::Tool;

mod method;

use method::METHODS;
pub use method::Method;

/// The counter of tool calls that repeat one of their session: those that are carried out twice.
pub const DUPLICATES: &str = "practice_duplicate_calls_total";

/// Everything counted since the start.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: [[AtomicU64; STATUSES.len()]; METHODS.len()],
    tool_calls: ToolCalls,
    /// Requests of the modern era at `/mcp`.
    pub modern: AtomicU64,
    /// Requests of the modern era whose client left before the answer's end: cancelled.
    pub cancelled: AtomicU64,
    /// Tool calls that repeat an earlier one of their session, id and all.
    pub duplicate_calls: AtomicU64,
    /// Sessions issued.
    pub sessions_opened: AtomicU64,
    /// Sessions ended by DELETE, or with their HTTP+SSE stream.
    pub sessions_closed: AtomicU64,
    /// Requests being worked on, event streams not among them.
    pub in_flight: Gauge,
    /// Event streams that are open: GET, `subscriptions/listen`, HTTP+SSE.
    pub streams: Gauge,
    /// Requests to clients that wait for their answers.
    pub asking: Gauge,
    /// Tool calls in their service time.
    pub workers_busy: Gauge,
    /// Tool calls that wait for a worker.
    pub queue: Gauge,
}

/// Calls by tool and end: the usual tools first, then the exhibits.
#[derive(Debug)]
struct ToolCalls(Vec<[AtomicU64; TOOL_ENDS.len()]>);

impl Default for ToolCalls {
    fn default() -> Self {
        let none = || std::array::from_fn(|_| AtomicU64::new(0));
        Self(std::iter::repeat_with(none).take(Tool::ALL.len() + EXHIBITS.len()).collect())
    }
}

/// The last is a client that went away before its answer; the one before it is our own fault.
const STATUSES: [&str; 15] = [
    "200",
    "202",
    "204",
    "400",
    "401",
    "403",
    "404",
    "405",
    "406",
    "409",
    "413",
    "415",
    "503",
    "500",
    "abandoned",
];
const TOOL_ENDS: [&str; 3] = ["ok", "error", "abandoned"];

/// A number that goes up and down, and the highest it ever was.
#[derive(Debug, Default)]
pub struct Gauge {
    now: AtomicI64,
    peak: AtomicI64,
}

impl Gauge {
    /// One more until the guard is dropped.
    pub fn hold(&self) -> Held<'_> {
        self.rise();
        Held(self)
    }

    /// One more; who says so says [`Gauge::fall`] too.
    pub fn rise(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
    }

    /// One less.
    pub fn fall(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }

    /// The number now.
    pub fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }
}

/// One of a gauge's count.
#[derive(Debug)]
pub struct Held<'a>(&'a Gauge);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fall();
    }
}

/// A request between its arrival and its answer; counted as abandoned if it has none when dropped.
#[derive(Debug)]
pub struct Received {
    metrics: Arc<Metrics>,
    /// What it is called, as far as it is known.
    pub method: Method,
    status: usize,
}

impl Received {
    /// It was answered with this HTTP status.
    pub fn answered(mut self, status: u16) {
        let mut digits = itoa::Buffer::new();
        let status = digits.format(status);
        let known = STATUSES.iter().position(|known| *known == status);
        self.status = known.unwrap_or(STATUSES.len() - 2);
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.metrics.in_flight.fall();
        self.metrics.requests[self.method.0][self.status].fetch_add(1, Ordering::Relaxed);
    }
}

/// A request that is worked on after its response began; in flight until dropped.
#[derive(Debug)]
pub struct Working(Arc<Metrics>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.in_flight.fall();
    }
}

/// A modern request: cancelled if it is dropped before its end.
#[derive(Debug)]
pub struct Modern {
    metrics: Arc<Metrics>,
    ended: bool,
}

impl Modern {
    /// It got its whole answer.
    pub fn ended(mut self) {
        self.ended = true;
    }
}

impl Drop for Modern {
    fn drop(&mut self) {
        if !self.ended {
            self.metrics.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A tool call between its arrival and its answer.
#[derive(Debug)]
pub struct Called<'a> {
    ends: &'a [AtomicU64; TOOL_ENDS.len()],
    end: usize,
}

impl Called<'_> {
    /// It was answered, with `isError` or without.
    pub fn answered(mut self, is_error: bool) {
        self.end = usize::from(is_error);
    }
}

impl Drop for Called<'_> {
    fn drop(&mut self) {
        self.ends[self.end].fetch_add(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// A request arrived.
    pub fn received(self: &Arc<Self>, method: Method) -> Received {
        self.in_flight.rise();
        Received { metrics: Arc::clone(self), method, status: STATUSES.len() - 1 }
    }

    /// A request goes on after its response began.
    pub fn working(self: &Arc<Self>) -> Working {
        self.in_flight.rise();
        Working(Arc::clone(self))
    }

    /// A request of the modern era arrived.
    pub fn modern(self: &Arc<Self>) -> Modern {
        self.modern.fetch_add(1, Ordering::Relaxed);
        Modern { metrics: Arc::clone(self), ended: false }
    }

    /// A tool was called.
    pub fn called(&self, tool: Tool) -> Called<'_> {
        self.call(tool as usize)
    }

    /// The exhibit at this place was called.
    pub fn called_exhibit(&self, at: usize) -> Called<'_> {
        self.call(Tool::ALL.len() + at)
    }

    fn call(&self, row: usize) -> Called<'_> {
        Called { ends: &self.tool_calls.0[row], end: TOOL_ENDS.len() - 1 }
    }

    /// The page.
    pub fn page(&self) -> String {
        let mut page = String::with_capacity(4096);
        self.write(&mut page).map_or_else(|_| String::new(), |()| page)
    }

    fn write(&self, page: &mut String) -> std::fmt::Result {
        head(page, "requests_total", "counter", "HTTP requests at the MCP endpoint by outcome.")?;
        for (method, row) in METHODS.iter().zip(&self.requests) {
            for (status, count) in STATUSES.iter().zip(row).map(loaded).filter(|(_, n)| *n > 0) {
                writeln!(
                    page,
                    "practice_requests_total{{method=\"{method}\",status=\"{status}\"}} {count}"
                )?;
            }
        }
        head(page, "tool_calls_total", "counter", "Calls of known tools by outcome.")?;
        let exhibits = EXHIBITS.iter().map(|exhibit| exhibit.name);
        let names = Tool::ALL.into_iter().map(Tool::name).chain(exhibits);
        for (at, (tool, row)) in names.zip(&self.tool_calls.0).enumerate() {
            for (end, count) in TOOL_ENDS.iter().zip(row).map(loaded) {
                // Most targets have no exhibits.
                if at < Tool::ALL.len() || count > 0 {
                    writeln!(
                        page,
                        "practice_tool_calls_total{{tool=\"{tool}\",outcome=\"{end}\"}} {count}"
                    )?;
                }
            }
        }
        let (modern, gone, again) = (&self.modern, &self.cancelled, &self.duplicate_calls);
        for (name, help, count) in [
            (
                DUPLICATES.trim_start_matches("practice_"),
                "Tool calls that repeat one of their session, id and all.",
                again,
            ),
            ("modern_requests_total", "Requests of the modern era.", modern),
            ("cancelled_total", "Modern requests whose client left before their end.", gone),
        ] {
            one(page, name, "counter", help, count.load(Ordering::Relaxed))?;
        }
        let opened = self.sessions_opened.load(Ordering::Relaxed);
        let closed = self.sessions_closed.load(Ordering::Relaxed);
        one(page, "sessions_opened_total", "counter", "Sessions issued.", opened)?;
        one(page, "sessions_closed_total", "counter", "Sessions ended by their clients.", closed)?;
        let open = opened.saturating_sub(closed);
        one(page, "sessions_open", "gauge", "Sessions that are open.", open)?;
        let level = |page: &mut String, name: &str, help: &str, gauge: &Gauge| {
            one(page, name, "gauge", help, gauge.now())
        };
        level(page, "streams_open", "Event streams that are open.", &self.streams)?;
        level(page, "asking", "Requests to clients that wait for answers.", &self.asking)?;
        level(page, "in_flight", "Requests being worked on.", &self.in_flight)?;
        level(page, "workers_busy", "Tool calls in their service time.", &self.workers_busy)?;
        let peak = self.workers_busy.peak.load(Ordering::Relaxed);
        one(page, "workers_busy_peak", "gauge", "The most workers ever busy at once.", peak)?;
        level(page, "queue", "Tool calls waiting for a worker.", &self.queue)
    }
}

fn loaded<'a>((label, count): (&'a &'a str, &AtomicU64)) -> (&'a str, u64) {
    (label, count.load(Ordering::Relaxed))
}

fn head(page: &mut String, name: &str, kind: &str, help: &str) -> std::fmt::Result {
    writeln!(page, "# HELP practice_{name} {help}\n# TYPE practice_{name} {kind}")
}

fn one(
    page: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    value: impl std::fmt::Display,
) -> std::fmt::Result {
    head(page, name, kind, help)?;
    writeln!(page, "practice_{name} {value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_counted_once_under_its_name_and_status() {
        let metrics = Arc::new(Metrics::default());
        let mut read = metrics.received(Method::UNREAD);
        read.method = Method::rpc("tools/call");
        read.answered(200);
        metrics.received(Method::rpc("GET")).answered(400);
        metrics.received(Method::GET).answered(418);
        metrics.received(Method::DELETE).answered(204);
        drop(metrics.received(Method::rpc("ping")));
        let waiting = metrics.received(Method::DELETE);
        let page = metrics.page();
        let requests: Vec<_> =
            page.lines().filter(|line| line.starts_with("practice_requests_total{")).collect();
        assert_eq!(
            requests,
            [
                r#"practice_requests_total{method="other",status="400"} 1"#,
                r#"practice_requests_total{method="GET",status="500"} 1"#,
                r#"practice_requests_total{method="DELETE",status="204"} 1"#,
                r#"practice_requests_total{method="tools/call",status="200"} 1"#,
                r#"practice_requests_total{method="ping",status="abandoned"} 1"#,
            ]
        );
        assert!(page.contains("\npractice_in_flight 1\n"), "{page}");
        drop(waiting);
    }

    #[test]
    fn every_series_has_a_help_and_a_type_before_it() {
        let page = Metrics::default().page();
        let mut announced = "";
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                announced = rest.split(' ').next().unwrap();
            } else if !line.starts_with("# HELP ") {
                assert_eq!(line.split(['{', ' ']).next(), Some(announced));
            }
        }
        assert_eq!(page.matches("# HELP ").count(), page.matches("# TYPE ").count());
    }
}
