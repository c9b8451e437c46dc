//! The plan against what happened, as a section of the page.

use serde::Serialize;

use crate::model::report::Report;
use crate::model::report::planned::{Model, Planned};
use crate::model::report::timeline::Point;
use crate::render::chart::DrawError;
use crate::render::chart::lines::{Lines, Unit, clock, written};
use crate::render::chart::marked::Marked;
use crate::render::planned;

/// The section.
#[derive(Serialize)]
pub(super) struct Section {
    rows: Vec<Row>,
    causes: Vec<String>,
    /// What is drawn over time.
    title: &'static str,
    svg: String,
    head: Vec<&'static str>,
    figures: Vec<Vec<String>>,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    planned: String,
    happened: String,
    difference: String,
    /// `yes` or `no`, as the style sheet calls them; nothing without a range.
    holds: Option<&'static str>,
}

/// The section of a report that has a plan.
pub(super) fn section(report: &Report) -> Result<Option<Section>, DrawError> {
    let Some(plan) = &report.plan else { return Ok(None) };
    let (title, unit) = match plan.model {
        Model::Open => ("Arrivals of runs, planned and real", Unit::Rate),
        Model::Closed => ("Users, planned and at work", Unit::Count),
    };
    let points = &report.timeline;
    let (planned, happened) = (planned_over_time(plan), happened(plan, points));
    let end = points.last().map_or(1.0, |last| (last.at_s + last.width_s) as f64);
    let piece = |values: &[Option<f64>]| {
        let middle = |number: usize| (number as f64 + 0.5) * plan.width_s as f64;
        let known = values.iter().enumerate();
        vec![known.filter_map(|(number, value)| Some((middle(number), (*value)?))).collect()]
    };
    let lines = vec![piece(&planned), piece(&happened)];
    let rows = planned::rows(report).into_iter().map(|row| Row {
        name: row.name,
        planned: row.planned,
        happened: row.happened,
        difference: row.difference,
        holds: row.holds.map(|holds| if holds { "yes" } else { "no" }),
    });
    let cell = |values: &[Option<f64>], number: usize| {
        values.get(number).copied().flatten().map_or("–".to_owned(), |value| written(unit, value))
    };
    let steps = 0..planned.len().max(happened.len());
    let figures = steps.map(|number| {
        let from = clock((number as u64 * plan.width_s) as f64);
        vec![from, cell(&planned, number), cell(&happened, number)]
    });
    Ok(Some(Section {
        rows: rows.collect(),
        causes: planned::causes(report),
        title,
        svg: Lines { unit, end, lines, marked: Marked::of(report), small: false }.svg()?,
        head: vec!["From", "planned", "happened"],
        figures: figures.collect(),
    }))
}

fn planned_over_time(plan: &Planned) -> Vec<Option<f64>> {
    let width = plan.width_s as f64;
    let value = |value: &f64| Some(if plan.model == Model::Open { value / width } else { *value });
    plan.over_time.iter().map(value).collect()
}

fn happened(plan: &Planned, points: &[Point]) -> Vec<Option<f64>> {
    let value = |point: &Point| match plan.model {
        Model::Open => Some(f64::from(point.runs_due + point.dropped) / point.width_s as f64),
        Model::Closed => point.users.map(f64::from),
    };
    points.iter().map(value).collect()
}
