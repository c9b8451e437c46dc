//! The target's health page over the run, as a section of the page.

use serde::Serialize;

use crate::model::figure;
use crate::model::report::Report;
use crate::model::report::health::Answer;
use crate::render::chart::DrawError;
use crate::render::chart::lines::{BAD_LINE, Lines, Unit, clock};
use crate::render::chart::marked::Marked;
use crate::render::health::{failures, sentences};
use crate::render::visible;

/// The section.
#[derive(Serialize)]
pub(super) struct Section {
    url: String,
    sentences: Vec<String>,
    svg: String,
    rows: Vec<Vec<String>>,
}

/// The section of a report whose scenario names a health page.
pub(super) fn section(report: &Report) -> Result<Option<Section>, DrawError> {
    let Some(health) = &report.health else { return Ok(None) };
    let during = health.during.iter().copied();
    let asked: Vec<Answer> =
        [health.before].into_iter().chain(during).chain(health.after).collect();
    let end = report.timeline.last().map_or(1.0, |last| (last.at_s + last.width_s) as f64);
    let taken = |answer: &Answer| (answer.at_s, answer.us as f64 / 1e6);
    let well: Vec<Vec<(f64, f64)>> = asked
        .split(|answer| !answer.well)
        .filter(|run| !run.is_empty())
        .map(|run| run.iter().map(taken).collect())
        .collect();
    // One point each: failures are dots.
    let bad =
        asked.iter().filter(|answer| !answer.well).map(|answer| vec![taken(answer)]).collect();
    let mut lines = vec![Vec::new(); BAD_LINE + 1];
    (lines[1], lines[BAD_LINE]) = (well, bad);
    let row = |answer: &Answer| {
        let status = answer.status.map_or("no answer".to_owned(), |status| status.to_string());
        let well = if answer.well { "yes" } else { "no" };
        vec![clock(answer.at_s), status, well.to_owned(), figure::micros(answer.us)]
    };
    Ok(Some(Section {
        url: visible::line(&health.url),
        sentences: sentences(health).into_iter().chain(failures(&health.failures)).collect(),
        svg: Lines { unit: Unit::Seconds, end, lines, marked: Marked::of(report), small: false }
            .svg()?,
        rows: asked.iter().map(row).collect(),
    }))
}
