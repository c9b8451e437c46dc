//! Prometheus' text page as bytes in, samples out: format 0.0.4, and `OpenMetrics` 1.0 as far as it
//! is the same.
//!
//! ```text
//! line   = "# TYPE " name " " type | "# EOF" | "#" anything | sample | ""
//! sample = name [ "{" [ label { "," label } [ "," ] ] "}" ] value [ timestamp ] [ "# " exemplar ]
//! label  = name "=" "\"" text "\""          with \\, \" and \n escaped
//! ```
//!
//! The buckets of histograms and the quantiles of summaries are passed over: their counts and sums
//! say how many and how much. Whatever breaks the grammar makes the whole page no such page, as it
//! does for Prometheus.

use std::collections::HashMap;

use crate::model::metrics::{Kind, Sample};

/// Samples of a page that are kept; more are only looked at.
pub const MOST_SAMPLES: usize = 20_000;
/// Characters of a wrong line that are shown.
const SHOWN: usize = 60;

/// A page's samples, in its order.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<'a> {
    /// Those that are kept.
    pub samples: Vec<Sample<'a>>,
    /// How many there were beyond.
    pub more: u64,
}

/// Why a page is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPrometheus {
    /// It is not UTF-8.
    #[error("it is not Prometheus text: it is not UTF-8")]
    NotUtf8,
    /// A line that breaks the grammar.
    #[error("it is not Prometheus text: line {number} is {line:?}")]
    Line {
        /// Its number, from 1.
        number: usize,
        /// How it begins.
        line: String,
    },
    /// No sample at all.
    #[error("it holds no sample")]
    Empty,
}

/// Reads a page.
pub fn read(body: &[u8]) -> Result<Page<'_>, NotPrometheus> {
    let text = std::str::from_utf8(body).map_err(|_| NotPrometheus::NotUtf8)?;
    let mut types: HashMap<&str, &str> = HashMap::new();
    let mut page = Page { samples: Vec::new(), more: 0 };
    let mut any = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_matches([' ', '\t', '\r']);
        if let Some(comment) = line.strip_prefix('#') {
            if comment.trim() == "EOF" {
                break;
            }
            if let Some((name, kind)) = declared(comment) {
                types.insert(name, kind);
            }
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let (name, labels, value) = sample(line).ok_or_else(|| {
            let line = line.chars().take(SHOWN).collect();
            NotPrometheus::Line { number: number + 1, line }
        })?;
        any = true;
        let Some(kind) = kind(&types, name, labels) else { continue };
        if page.samples.len() < MOST_SAMPLES {
            page.samples.push(Sample { name, labels, kind, value });
        } else {
            page.more += 1;
        }
    }
    if any { Ok(page) } else { Err(NotPrometheus::Empty) }
}

/// ` TYPE name type`.
fn declared(comment: &str) -> Option<(&str, &str)> {
    let mut words = comment.split_ascii_whitespace();
    (words.next()? == "TYPE").then_some(())?;
    Some((words.next()?, words.next()?))
}

/// What a sample's value is; `None` for what is passed over.
fn kind(types: &HashMap<&str, &str>, name: &str, labels: &str) -> Option<Kind> {
    match types.get(name).copied() {
        Some("counter") => return Some(Kind::Counter),
        Some("summary" | "histogram") => return None,
        Some("gauge" | "info" | "stateset") => return Some(Kind::Gauge),
        _ => {}
    }
    let (family, suffix) = name.rsplit_once('_').unwrap_or((name, ""));
    let known = types.get(family).copied();
    let is_many = matches!(known, Some("histogram" | "gaugehistogram" | "summary"));
    match suffix {
        "bucket" | "gcount" | "gsum" if is_many => None,
        "created" if known.is_some() => None,
        "bucket" if labels.contains("le=\"") => None,
        "total" => Some(Kind::Counter),
        "sum" if is_many || known.is_none() => Some(Kind::Sum),
        "count" if is_many || known.is_none() => Some(Kind::Count),
        _ => Some(Kind::Gauge),
    }
}

/// A sample's name, labels and value.
fn sample(line: &str) -> Option<(&str, &str, f64)> {
    let end = name_length(line, true)?;
    let (name, rest) = line.split_at(end);
    let after = rest.trim_start_matches([' ', '\t']);
    let (labels, rest) = match after.strip_prefix('{') {
        Some(inside) => {
            let length = labels_length(inside)?;
            (&inside[..length], &inside[length + 1..])
        }
        None if after.len() < rest.len() => ("", after),
        None => return None,
    };
    let rest = rest.split_once(" # ").map_or(rest, |(sample, _exemplar)| sample);
    let mut words = rest.split_ascii_whitespace();
    let value = number(words.next()?)?;
    let stamped = words.next().is_none_or(|stamp| stamp.parse::<f64>().is_ok());
    (stamped && words.next().is_none()).then_some((name, labels, value))
}

/// As Go reads numbers: also `+Inf`, `-Inf`, `NaN`.
fn number(text: &str) -> Option<f64> {
    let is_number = text.chars().next()?.is_ascii_digit() || text.starts_with(['+', '-', '.']);
    let is_word = ["nan", "inf"].iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_number || is_word { text.parse().ok() } else { None }
}

/// Bytes of the name a text begins with; colons only in names of metrics.
fn name_length(text: &str, colons: bool) -> Option<usize> {
    let is_in = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
    let length = text.find(|c: char| !is_in(c)).unwrap_or(text.len());
    let digit = text.starts_with(|c: char| c.is_ascii_digit());
    (length > 0 && !digit).then_some(length)
}

/// Bytes of labels up to the closing brace.
fn labels_length(text: &str) -> Option<usize> {
    let mut at = 0;
    let skip = |mut at: usize| {
        while text[at..].starts_with([' ', '\t']) {
            at += 1;
        }
        at
    };
    loop {
        at = skip(at);
        if text[at..].starts_with('}') {
            return Some(at);
        }
        at = skip(at + name_length(&text[at..], false)?);
        text[at..].starts_with('=').then_some(())?;
        at = skip(at + 1);
        text[at..].starts_with('"').then_some(())?;
        at += 1;
        at = skip(at + quoted_length(&text[at..])? + 1);
        match text[at..].chars().next()? {
            ',' => at += 1,
            '}' => return Some(at),
            _ => return None,
        }
    }
}

/// Bytes up to the closing quote.
fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Name, labels, kind and value of each sample, a text each.
    fn told(page: &str) -> Vec<String> {
        let page = read(page.as_bytes()).unwrap();
        let told = |sample: &Sample<'_>| {
            let Sample { name, labels, kind, value } = sample;
            format!("{name}{{{labels}}} {kind:?} {value}")
        };
        page.samples.iter().map(told).collect()
    }

    #[test]
    fn the_text_format_0_0_4() {
        let page = r#"
# HELP http_requests_total The total number of "HTTP" requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total { method = "a\\b\"}\n, c" , } 3
# any other comment
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="no \"file\""} 1.458255915e9
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
nothing NaN
# TYPE took_seconds histogram
took_seconds_bucket{le="0.05"} 24054
took_seconds_bucket{le="+Inf"} 144320
took_seconds_sum 53423
took_seconds_count 144320
# TYPE rpc_duration summary
rpc_duration{quantile="0.99"} 76656
rpc_duration_sum 1.7e+07
rpc_duration_count 2693
# TYPE process_open_fds gauge
process_open_fds -0.5
untyped_total 4
untyped_bucket{le="1"} 4
"#;
        let expected = [
            r#"http_requests_total{method="post",code="200"} Counter 1027"#,
            r#"http_requests_total{ method = "a\\b\"}\n, c" , } Counter 3"#,
            r#"msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="no \"file\""} Gauge 1458255915"#,
            "metric_without_timestamp_and_labels{} Gauge 12.47",
            r#"something_weird{problem="division by zero"} Gauge inf"#,
            "nothing{} Gauge NaN",
            "took_seconds_sum{} Sum 53423",
            "took_seconds_count{} Count 144320",
            "rpc_duration_sum{} Sum 17000000",
            "rpc_duration_count{} Count 2693",
            "process_open_fds{} Gauge -0.5",
            "untyped_total{} Counter 4",
        ];
        assert_eq!(told(page), expected);
    }

    #[test]
    fn openmetrics() {
        let page = "# TYPE foo counter\n# UNIT foo seconds\nfoo_total 17.0 1520879607.789 # {trace_id=\"a # b\"} 0.67\n\
            foo_created 1520430000.123\n# TYPE bar info\nbar_info{v=\"1\"} 1\n# EOF\n<html>";
        assert_eq!(told(page), ["foo_total{} Counter 17", "bar_info{v=\"1\"} Gauge 1"]);
    }

    #[test]
    fn whatever_else_is_no_such_page() {
        for line in [
            "<!doctype html>",
            "{\"status\":\"ok\"}",
            "a",
            "a b",
            "a 1 2 3",
            "a 1 now",
            "a{b=\"c} 1",
            "a{b=c} 1",
            "a{b\"c\"} 1",
            "a{b=\"c\"",
            "a{b=\"c\";} 1",
            "1a 1",
            "a-b 1",
            "a infinity1",
        ] {
            let page = format!("good 1\n{line}\n");
            let wrong = NotPrometheus::Line { number: 2, line: line.to_owned() };
            assert_eq!(read(page.as_bytes()), Err(wrong), "{line}");
        }
        for empty in ["", "\n\n", "# EOF", "# HELP a b"] {
            assert_eq!(read(empty.as_bytes()), Err(NotPrometheus::Empty));
        }
        assert_eq!(read(b"a 1\n\xff 1"), Err(NotPrometheus::NotUtf8));
        let long = read("é".repeat(1000).as_bytes()).unwrap_err().to_string();
        assert!(long.len() < 200, "{long}");
    }

    #[test]
    fn a_page_of_any_length_keeps_so_many() {
        let page: String = "a 1\n".repeat(MOST_SAMPLES + 7);
        let page = read(page.as_bytes()).unwrap();
        assert_eq!((page.samples.len(), page.more), (MOST_SAMPLES, 7));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(read(&bytes));
        }

        #[test]
        fn no_text_of_its_own_letters_makes_it_panic(text in "([a-c{}=\"\\\\, \t\r\n#1.é+]|# TYPE |NaN|_sum){0,60}") {
            drop(read(text.as_bytes()));
        }

        #[test]
        fn what_is_written_is_read(
            labels in proptest::collection::vec("[^\"\\\\\n\r]{0,9}", 0..4), value in any::<f64>()
        ) {
            let labels: Vec<String> =
                labels.iter().enumerate().map(|(number, text)| format!("l{number}=\"{text}\"")).collect();
            let labels = labels.join(",");
            let page = format!("m{{{labels}}} {value:e}\n");
            let page = page.replace("inf", "Inf");
            let read = read(page.as_bytes()).unwrap();
            let sample = read.samples[0];
            prop_assert_eq!((sample.name, sample.labels), ("m", labels.as_str()));
            prop_assert!(sample.value.to_bits() == value.to_bits() || value.is_nan());
        }
    }
}
