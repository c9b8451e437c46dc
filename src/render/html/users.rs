//! Calls by class of user. A class is named after the client profile its users have.

use super::tables::{CALLS, Table, calls};
use crate::model::report::figures::Figures;
use crate::render::percentile::Times;
use crate::render::visible;

/// One row a class.
pub(super) fn table(summary: &Figures) -> Table {
    let rows = summary.classes.iter().filter(|_| summary.calls > 0).map(|(name, class)| {
        let response = Times::new(class.response_us, class.response_at_least.as_ref());
        let service = Times::new(class.service_us, class.service_at_least.as_ref());
        let failed = (class.errors, class.throttled);
        let calls = calls(class.count, failed, response, service);
        [visible::line(name)].into_iter().chain(calls).collect()
    });
    let lead = match summary.classes.len() {
        1 => "All users of this run are of one class, named after its client profile.",
        _ => "A class of users has one client profile and is named after it.",
    };
    let head = ["Profile"].into_iter().chain(CALLS).collect();
    Table { lead: lead.to_owned(), head, rows: rows.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn each_class_has_its_row() {
        let summary = sample::storm().summary;
        let table = table(&summary);
        let names: Vec<_> = table.rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(names, ["free", "team"]);
        assert!(table.rows.iter().all(|row| row.len() == table.head.len()));
        assert_eq!(super::table(&sample::nothing().summary).rows.len(), 0);
    }
}
