//! `target.metrics`: the target's own Prometheus page.

use crate::model::metrics::choice::MOST_CHARTS;
use crate::model::plan::Metrics;

use super::reader::Table;
use super::scalar::{Wrong, text_of};
use super::target::{page_of, shown};

/// Characters of a name.
const LONGEST: usize = 200;

/// Reads `target.metrics`.
pub fn read(metrics: &Table<'_>) -> Option<Metrics> {
    let url = metrics
        .key("url", "The page: a path on the target's origin, or an http:// or https:// URL.")
        .read("a path such as \"/metrics\", or an http:// or https:// URL", |node| {
            page_of(text_of(node)?, "/metrics")
        })
        .required();
    let series = metrics
        .key("series", "Which metrics are drawn, by name; without it squall chooses.")
        .each("a list of metric names", |node| name_of(text_of(node)?))
        .or_as(Vec::new(), "[]");
    if series.len() > MOST_CHARTS {
        let found = format!("{} names are more than can be drawn", series.len());
        metrics.log().wrong(
            metrics.place_of("series"),
            found,
            format!("name at most {MOST_CHARTS}"),
        );
    }
    let duplicates = metrics
        .key("duplicates", "The counter of calls that were carried out twice, over all its labels.")
        .read("a metric's name", |node| name_of(text_of(node)?))
        .optional();
    let url = url?;
    let shown = shown(metrics, &url);
    Some(Metrics { url, shown, series, duplicates })
}

/// A name as Prometheus has them.
fn name_of(text: &str) -> Result<String, Wrong> {
    let is_in = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let digit = text.starts_with(|c: char| c.is_ascii_digit());
    if text.is_empty() || text.len() > LONGEST || digit || !text.chars().all(is_in) {
        return Err("expected a metric's name such as \"http_requests_total\"".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn names_are_those_of_metrics() {
        for (text, good) in
            [("up", true), ("a:b_9", true), ("", false), ("9a", false), ("a{b=\"c\"}", false)]
        {
            assert_eq!(name_of(text).is_ok(), good, "{text}");
        }
    }
}
