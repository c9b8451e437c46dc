//! What runs came to: how they ended, how long they take, and what their waves waited for.

use serde::Serialize;

use super::figures::{Figure, drawn};
use super::tables::{Table, share};
use crate::model::figure;
use crate::model::histogram::Percentiles;
use crate::model::report::Report;
use crate::model::report::figures::Figures;
use crate::render::chart::{Chart, DrawError};
use crate::render::completion::{self, Marks};
use crate::render::percentile::{MAX, P50, P95, P99, Times};

/// The section on runs.
#[derive(Serialize)]
pub(super) struct Runs {
    lead: String,
    tables: [Table; 3],
    charts: Vec<Figure>,
}

/// The section of a report.
pub(super) fn section(report: &Report) -> Result<Runs, DrawError> {
    let summary = &report.summary;
    let tables = match summary.runs {
        0 => [Table::default(), Table::default(), Table::default()],
        _ => [fates(summary), completion(report), parts(summary)],
    };
    Ok(Runs { lead: lead(summary), tables, charts: drawn(report, &Chart::RUNS)? })
}

fn lead(summary: &Figures) -> String {
    let run = &summary.run;
    if summary.runs == 0 {
        return "No run was made.".to_owned();
    }
    if run.waves == 0 {
        let what = "A run is one chat turn or one Research run; none of these had subagents.";
        return format!("{what}{}", unseen(summary));
    }
    let cut = match run.waves.saturating_sub(run.waves_ended) {
        0 => String::new(),
        cut => format!(", of which {} never ended", figure::count(cut)),
    };
    format!(
        "{} subagents worked in {} waves{cut}. A wave is over when its slowest subagent is.{}",
        figure::count(run.subagents),
        figure::count(run.waves),
        unseen(summary)
    )
}

/// What runs that were not seen to complete mean for the times to completion.
fn unseen(summary: &Figures) -> String {
    let count = summary.run.cut + summary.run.stopped;
    if count == 0 {
        return String::new();
    }
    let were =
        if count == 1 { "1 run was" } else { &format!("{} runs were", figure::count(count)) };
    format!(
        " {were} cut or stopped before completing, so how long that takes is not known: a time \
         marked ≈ is an estimate for more runs than were seen to complete by then, one marked ≥ is \
         the longest that was seen."
    )
}

fn fates(summary: &Figures) -> Table {
    let run = &summary.run;
    let fates = [
        ("Completed", run.completed),
        ("Stopped by their person", run.stopped),
        ("Cut by the end of the load", run.cut),
        ("Failed: no call ended well", run.failed),
    ];
    let row = |(name, count): (&str, u64)| {
        vec![name.to_owned(), figure::count(count), share(count, summary.runs)]
    };
    Table {
        lead: String::new(),
        head: vec!["Runs", "Count", "Share"],
        rows: fates.map(row).to_vec(),
    }
}

fn completion(report: &Report) -> Table {
    let marked = completion::percentiles(report, Marks { at_least: "≥ ", about: "≈ " });
    let rows = marked.into_iter().map(|(name, shown)| vec![name.to_owned(), shown]);
    Table { lead: String::new(), head: vec!["Time to completion", ""], rows: rows.collect() }
}

fn parts(summary: &Figures) -> Table {
    let run = &summary.run;
    let columns = [P50, P95, P99, MAX];
    let times = |name: &str, us: Option<Percentiles>| {
        us.map(|_| {
            let cells = columns.map(|column| Times::exact(us).cell(column));
            std::iter::once(name.to_owned()).chain(cells).collect()
        })
    };
    let counts = |name: &str, of: Option<Percentiles>| {
        of.map(|of| {
            let cells = columns.map(|column| figure::count((column.of)(&of)));
            std::iter::once(name.to_owned()).chain(cells).collect()
        })
    };
    let rows = [
        times("A wave that ended", run.wave_us),
        times("Worst wait for its slowest subagent, a run", run.straggler_us),
        counts("Calls of a completed run", run.calls),
        counts("HTTP requests of a completed run", run.exchanges),
    ];
    Table {
        lead: String::new(),
        head: vec!["", "p50", "p95", "p99", "max"],
        rows: rows.into_iter().flatten().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn fates_add_up_and_waves_have_their_times() {
        let report = sample::storm();
        let Runs { tables: [fates, completion, parts], lead, .. } = section(&report).unwrap();
        let counts = fates.rows.iter().map(|row| row[1].parse::<u64>().unwrap());
        assert_eq!(counts.sum::<u64>(), report.summary.runs);
        assert_eq!(completion.rows.len(), 4);
        assert!(completion.rows[3][1].starts_with("≥ "), "cut runs are lower bounds");
        assert!(parts.rows.iter().any(|row| row[0] == "A wave that ended"));
        assert!(lead.contains("60 waves, of which 5 never ended"), "{lead}");
    }

    #[test]
    fn a_run_without_runs_says_so() {
        let section = section(&sample::nothing()).unwrap();
        assert_eq!(section.lead, "No run was made.");
        assert!(section.tables.iter().all(|table| table.rows.is_empty()));
    }
}
