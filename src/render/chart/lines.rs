//! Lines over the run's time without any text but the axes' and the names of hooks: what they are is
//! said beside them.
//!
//! Names of what a target measures are its own words: they never enter a picture.

use plotters::drawing::IntoDrawingArea;
use plotters::prelude::SVGBackend;
use plotters::style::RGBColor;

use super::axis::{self, Scale};
use super::content::{AMBER, Content, Line, QUIET, RESPONSE, SERVICE};
use super::marked::Marked;
use super::{DrawError, Look, draw};

pub use super::axis::Unit;

/// Colours of lines in their order; the page's style sheet has the same for its keys, `l0` to `l4`.
const COLOURS: [RGBColor; 5] = [RESPONSE, SERVICE, AMBER, QUIET, BAD];
/// The line of what must not be.
pub const BAD_LINE: usize = 4;
const BAD: RGBColor = RGBColor(0xdc, 0x26, 0x26);

/// A picture of lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// What its values are.
    pub unit: Unit,
    /// The end of the time axis, in seconds: the run's.
    pub end: f64,
    /// Seconds and values of each line, in pieces without a gap.
    pub lines: Vec<Vec<Vec<(f64, f64)>>>,
    /// What happened beside the load.
    pub marked: Marked,
    /// Whether it is half as wide as the page.
    pub small: bool,
}

impl Lines {
    /// The picture as an SVG element, with transparent ground.
    pub fn svg(&self) -> Result<String, DrawError> {
        let (size, ticks, across) =
            if self.small { ((420, 150), 3.0, 5.0) } else { ((860, 220), 4.0, 10.0) };
        let points = || self.lines.iter().flatten().flatten();
        let values = || points().map(|point| point.1);
        let (lowest, highest) =
            (values().fold(0.0, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let scale = Scale::linear(self.unit, lowest, highest, ticks);
        let lines = self.lines.iter().zip(0..).map(|(line, number)| self.drawn(line, number));
        let (lines, marked) = (lines.collect(), self.marked.clone());
        let content = Content { lines, marked, ..Content::on(scale, self.end, None) };
        let mut text = String::new();
        {
            let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
            let failed = |error: String| DrawError(error);
            draw::plain(&area, &content, Look { scale: 1, titled: false }, across)
                .map_err(|error| failed(error.to_string()))?;
            area.present().map_err(|error| failed(error.to_string()))?;
        }
        Ok(text)
    }

    fn drawn(&self, pieces: &[Vec<(f64, f64)>], number: usize) -> Line {
        // What was asked for just after the end belongs to the end.
        let within = |(at, value): &(f64, f64)| (at.min(self.end), *value);
        Line {
            name: "",
            colour: COLOURS[number % COLOURS.len()],
            width: 2,
            pieces: pieces.iter().map(|piece| piece.iter().map(within).collect()).collect(),
        }
    }
}

/// An instant of the run as it is written, such as `1m 30s`.
pub fn clock(seconds: f64) -> String {
    axis::clock(seconds)
}

/// A value as the axis writes it.
pub fn written(unit: Unit, value: f64) -> String {
    unit.written(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_axes_are_written() {
        let line = vec![vec![(0.5, -2e6), (59.5, 3e6)], vec![(61.0, 1e6)]];
        let lines = Lines {
            unit: Unit::Number,
            end: 60.0,
            lines: vec![line],
            small: true,
            marked: Marked::default(),
        };
        let svg = lines.svg().unwrap();
        for words in ["-2M", "4M", "15s", "1m", "#4338CA"] {
            assert!(svg.contains(words), "{words} in {svg}");
        }
        // The dot of the lone point past the end stands at the end.
        assert!(svg.contains("<circle") && !svg.contains("NaN"));
    }

    #[test]
    fn values_that_never_move_are_drawn_too() {
        for value in [0.0, -5.0, 7e-9, 1e12] {
            let line = vec![vec![(0.0, value), (1.0, value)]];
            let lines = Lines {
                unit: Unit::Rate,
                end: 1.0,
                lines: vec![line],
                small: false,
                marked: Marked::default(),
            };
            assert!(lines.svg().unwrap().contains("<polyline"), "{value}");
        }
    }
}
