//! What happened on the timeline beside the load: shades while faults were in force, and a line with its
//! name where a hook ran.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::draw::{Drawn, Plot, px, style};
use super::{Look, content::Content};
use crate::model::figure;
use crate::model::report::Report;
use crate::render::visible;

/// What is shaded while a fault is in force.
pub(super) const FAULT: RGBColor = RGBColor(0xf5, 0x9e, 0x0b);
/// The line of a hook, and what is shaded while it runs.
pub(super) const HOOK: RGBColor = RGBColor(0xc0, 0x26, 0xd3);
/// Letters of a hook's name that are shown.
const LONGEST: usize = 24;
/// Names stand in so many rows at most, one below the other where they would overlap.
const ROWS: usize = 3;

/// What is marked in a chart over time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Marked {
    /// When faults were in force, in seconds, from and to.
    pub faults: Vec<(f64, f64)>,
    /// When hooks ran, by their beginning.
    pub hooks: Vec<Ran>,
}

/// One program or request of a hook.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// Its window's name, safe to be shown.
    pub name: String,
    /// When it ran, in seconds, from and to.
    pub seconds: (f64, f64),
}

impl Marked {
    /// What is marked in the charts of this report.
    pub fn of(report: &Report) -> Self {
        let seconds = |us: u64| us as f64 / 1e6;
        let faults = report.faults.iter();
        let faults = faults.map(|damage| (seconds(damage.from_us), seconds(damage.until_us)));
        let hooks = report.faults.iter().filter_map(|damage| damage.hook.as_ref());
        let runs = hooks.flat_map(|hook| {
            let cleanup = hook.cleanup.iter().map(|run| (run, " cleanup"));
            std::iter::once((&hook.run, "")).chain(cleanup).map(|(run, what)| Ran {
                name: format!("{}{what}", shortened(&visible::line(&hook.window))),
                seconds: (seconds(run.at_us), seconds(run.at_us.saturating_add(run.took_us))),
            })
        });
        let mut hooks: Vec<_> = runs.collect();
        hooks.sort_by(|one, other| one.seconds.0.total_cmp(&other.seconds.0));
        Self { faults: faults.collect(), hooks }
    }
}

impl Ran {
    /// What it is, and when it began, as text that is not yet escaped.
    pub(super) fn said(&self) -> String {
        format!("{} at {}", self.name, figure::micros((self.seconds.0 * 1e6).round() as u64))
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    name.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// When faults were in force, and while hooks ran: under everything else.
pub(super) fn shades<DB: DrawingBackend>(plot: &mut Plot<'_, DB>, content: &Content) -> Drawn<DB> {
    let Marked { faults, hooks } = &content.marked;
    shade(plot, content, faults.iter().copied(), FAULT)?;
    shade(plot, content, hooks.iter().map(|ran| ran.seconds), HOOK)
}

fn shade<DB: DrawingBackend>(
    plot: &mut Plot<'_, DB>,
    content: &Content,
    shades: impl Iterator<Item = (f64, f64)>,
    colour: RGBColor,
) -> Drawn<DB> {
    let (bottom, top) = (content.scale.from, content.scale.to);
    plot.draw_series(shades.filter(|(from, _)| *from < content.end).map(|(from, until)| {
        let until = until.min(content.end);
        Rectangle::new([(from, bottom), (until, top)], colour.mix(0.16).filled())
    }))?;
    Ok(())
}

/// When hooks began: a line over everything else, with its name beside it.
pub(super) fn hooks<DB: DrawingBackend>(
    plot: &mut Plot<'_, DB>,
    content: &Content,
    look: Look,
) -> Drawn<DB> {
    let (bottom, top) = (content.scale.from, content.scale.to);
    let shown = |ran: &&Ran| ran.seconds.0 < content.end;
    let ran: Vec<_> = content.marked.hooks.iter().filter(shown).collect();
    plot.draw_series(ran.iter().map(|ran| {
        let line = vec![(ran.seconds.0, bottom), (ran.seconds.0, top)];
        PathElement::new(line, HOOK.stroke_width(look.scale))
    }))?;
    let area = plot.plotting_area();
    let places = ran.iter().map(|ran| (area.map_coordinate(&(ran.seconds.0, top)).0, *ran));
    names(&area.strip_coord_spec(), &places.collect::<Vec<_>>(), look)
}

/// Names to the right of their lines, or to the left where there is no room; one that would lie on
/// others stands below them, and where there are too many it is left out.
fn names<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    places: &[(i32, &Ran)],
    look: Look,
) -> Drawn<DB> {
    let (left, text) = (area.get_base_pixel().0, style(look, 11));
    let width = area.dim_in_pixel().0.cast_signed();
    let mut ends = [i32::MIN; ROWS];
    for (at, ran) in places {
        let (wide, high) = area.estimate_text_size(&ran.name, &text)?;
        let (wide, line, gap) = (wide.cast_signed(), at - left, px(look, 3));
        let fits = line + gap + wide <= width;
        let from = if fits { line + gap } else { line - gap - wide };
        let Some(row) = ends.iter().position(|end| *end < from) else { continue };
        ends[row] = from + wide;
        let below = (row as u32 * high).cast_signed();
        area.draw(&Text::new(ran.name.clone(), (from, px(look, 3) + below), text.clone()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;
    use crate::render::chart::{Chart, svg};

    #[test]
    fn hooks_have_a_line_and_a_name_in_every_chart_over_time() {
        let report = sample::hooked();
        let marked = Marked::of(&report);
        let said: Vec<_> = marked.hooks.iter().map(Ran::said).collect();
        assert_eq!(
            said,
            ["<restart> at 12s", "a hook whose name is to… at 12.1s", "<restart> cleanup at 40s"]
        );
        for chart in Chart::OVER_TIME {
            let svg = svg(&report, chart).unwrap();
            // Three lines, three stretches, and a mark in the key.
            assert_eq!(svg.matches("#C026D3").count(), 7, "{chart:?}");
            for name in ["&lt;restart&gt;", "a hook whose name is to…", "&lt;restart&gt; cleanup"]
            {
                assert!(svg.contains(name), "{chart:?} lacks {name}: {svg}");
            }
        }
        let without = svg(&report, Chart::Completion).unwrap();
        assert!(!without.contains("#C026D3") && !without.contains("restart"));
    }

    #[test]
    fn names_that_would_overlap_stand_below_each_other_and_too_many_are_left_out() {
        let mut report = sample::hooked();
        let hook = report.faults[2].clone();
        report.faults = (0..9).map(|_| hook.clone()).collect();
        let svg = svg(&report, Chart::Throughput).unwrap();
        let rows: std::collections::BTreeSet<_> = svg
            .split("<text ")
            .filter(|text| text.contains("&lt;restart&gt;\n") || text.contains("&lt;restart&gt;<"))
            .filter_map(|text| text.split(" y=\"").nth(1)?.split('"').next())
            .collect();
        assert_eq!(rows.len(), ROWS);
    }
}
