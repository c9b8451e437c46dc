//! What is drawn of a run: every file beside `run.json`, each by one pure function.

use super::chart::DrawError;
use super::html::PageError;
use super::junit::JunitError;
use super::{html, junit, markdown, png};
use crate::model::report::Report;

/// A file of a report folder and what draws it.
#[derive(Debug, Clone, Copy)]
pub struct Drawing {
    /// Its name in the folder.
    pub file: &'static str,
    draw: fn(&Report) -> Result<Vec<u8>, DrawingError>,
}

/// A file that could not be drawn: a fault of ours, never of the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "named after the file that failed")]
pub enum DrawingError {
    #[error(transparent)]
    Page(#[from] PageError),
    #[error(transparent)]
    Picture(#[from] DrawError),
    #[error(transparent)]
    Junit(#[from] JunitError),
}

/// Every file drawn of a run. `run.json` alone decides their bytes.
pub const ALL: [Drawing; 5] = [
    Drawing { file: "report.html", draw: |report| Ok(html::page(report)?.into_bytes()) },
    Drawing { file: "timeline.png", draw: |report| Ok(png::timeline(report)?) },
    Drawing { file: "latency.png", draw: |report| Ok(png::latency(report)?) },
    Drawing { file: "junit.xml", draw: |report| Ok(junit::suites(report)?.into_bytes()) },
    Drawing { file: "summary.md", draw: |report| Ok(markdown::summary(report).into_bytes()) },
];

/// All of them, by name, in the order of [`ALL`].
pub fn all(report: &Report) -> Result<Vec<(&'static str, Vec<u8>)>, DrawingError> {
    ALL.iter().map(|drawing| Ok((drawing.file, (drawing.draw)(report)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::{sample, saved};
    use crate::model::summary;

    /// A page goes by mail and a run into a repository's artefacts.
    #[test]
    fn an_hour_is_small() {
        let report = sample::of(&summary::sample::hour(), &["p99(response, tools/call) < 2s"]);
        assert_eq!((report.timeline.len(), report.timeline[0].width_s), (453, 8));
        assert_eq!(report.summary.tools.len(), 30);
        let page = html::page(&report).unwrap().len();
        assert!(page < 2_000_000, "the page is {page} bytes");
        let run = serde_json::to_string_pretty(&report).unwrap();
        assert!(run.len() < 3_000_000, "run.json is {} bytes", run.len());
        // What is that small is still whole.
        assert!(saved::read(&run).unwrap() == report);
        let markdown = markdown::summary(&report).len();
        assert!(markdown < 65_536, "summary.md is {markdown} bytes");
    }

    #[test]
    fn what_was_saved_draws_the_same_bytes() {
        for report in [sample::storm(), sample::watched(), sample::nothing()] {
            let text = serde_json::to_string_pretty(&report).unwrap();
            let read = saved::parse(&text).unwrap();
            assert!(all(&report).unwrap() == all(&read).unwrap());
            assert!(all(&read).unwrap().iter().all(|(_, bytes)| !bytes.is_empty()));
        }
    }
}
