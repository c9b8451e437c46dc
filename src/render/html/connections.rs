//! Connections as a table: what opening them took, TCP and TLS apart.

use super::tables::Table;
use crate::model::figure;
use crate::model::report::figures::ConnectionFigures;
use crate::render::percentile::{MAX, P50, P95, P99, Times};

/// The connections of a run; without rows when none was opened.
pub(super) fn table(connections: &ConnectionFigures) -> Table {
    let of = |name: &str, count: u64, us| {
        let times = Times::exact(us);
        let cells = [P50, P95, P99, MAX].map(|which| times.cell(which));
        [name.to_owned(), figure::count(count)].into_iter().chain(cells).collect::<Vec<_>>()
    };
    let ConnectionFigures { opened, tls, .. } = *connections;
    let mut rows = Vec::new();
    if opened > 0 {
        rows.push(of("Name resolution", opened, connections.dns_us));
        rows.push(of("TCP handshake", opened, connections.tcp_us));
    }
    if tls > 0 {
        rows.push(of("TLS handshake", tls, connections.tls_us));
    }
    let head = vec!["Connecting", "Count", "p50", "p95", "p99", "max"];
    Table { lead: lead(connections), head, rows }
}

fn lead(connections: &ConnectionFigures) -> String {
    let ConnectionFigures { opened, http2, tls, tls_resumed, .. } = *connections;
    let count = figure::count;
    let version = match http2 {
        0 => "all speak HTTP/1.1".to_owned(),
        all if all == opened => "all speak HTTP/2".to_owned(),
        some => format!("{} speak HTTP/2, the others HTTP/1.1", count(some)),
    };
    let trust = match tls {
        0 => "without TLS".to_owned(),
        _ => format!("{} with TLS, {} of them resumed", count(tls), count(tls_resumed)),
    };
    let opened = match opened {
        0 => "No connection was opened.".to_owned(),
        1 => format!("One connection was opened: {version}, {trust}."),
        _ => format!("{} connections were opened: {version}, {trust}.", count(opened)),
    };
    match connections.unprocessed {
        0 => opened,
        some => format!(
            "{opened} Requests the target said it did nothing about (GOAWAY, REFUSED_STREAM), which \
             were sent again and are counted nowhere else: {}.",
            count(some)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::histogram::Histogram;
    use std::time::Duration;

    fn took(millis: u64, count: u64) -> Option<crate::model::histogram::Percentiles> {
        let mut histogram = Histogram::default();
        (0..count).for_each(|_| histogram.record(Duration::from_millis(millis)));
        histogram.percentiles()
    }

    #[test]
    fn tcp_and_tls_stand_apart() {
        let secure = ConnectionFigures {
            opened: 5,
            http2: 2,
            tls: 5,
            tls_resumed: 3,
            unprocessed: 0,
            dns_us: took(1, 5),
            tcp_us: took(2, 5),
            tls_us: took(30, 5),
        };
        let Table { lead, rows, .. } = table(&secure);
        let said = "5 connections were opened: 2 speak HTTP/2, the others HTTP/1.1, 5 with TLS, 3 of \
                    them resumed.";
        assert_eq!(lead, said);
        let p50: Vec<_> = rows.iter().map(|row| (row[0].as_str(), row[2].as_str())).collect();
        let expected =
            [("Name resolution", "1ms"), ("TCP handshake", "2ms"), ("TLS handshake", "30ms")];
        assert_eq!(p50, expected);
        let plain = ConnectionFigures { tls: 0, tls_us: None, http2: 0, ..secure };
        assert!(table(&plain).lead.ends_with("all speak HTTP/1.1, without TLS."));
        assert_eq!(table(&plain).rows.len(), 2);
        assert!(table(&ConnectionFigures::default()).rows.is_empty());
        let refused = ConnectionFigures { unprocessed: 12, ..secure };
        assert!(table(&refused).lead.ends_with("counted nowhere else: 12."));
    }
}
