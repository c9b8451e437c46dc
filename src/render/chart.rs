//! The charts of a run, each drawn once by plotters, for SVG and for pixels alike.

/// Where ticks stand on an axis.
mod axis;
/// When runs complete.
mod completion;
/// What each chart shows.
mod content;
/// The drawing itself.
mod draw;
/// Where calls lie in time and latency.
mod heat;
/// Lines without a name in the picture.
pub mod lines;
/// What happened beside the load.
pub mod marked;
/// The figures behind it.
pub mod table;

pub(super) use draw::INK;

use std::sync::Once;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::prelude::{DrawingBackend, SVGBackend};
use plotters::style::{FontStyle, register_font};

use crate::model::report::Report;

/// The charts, in the order a report shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chart {
    /// Response and service of tool calls over time.
    Latency,
    /// Calls due and ended, and HTTP exchanges, a second.
    Throughput,
    /// Exchanges in flight, calls open and users.
    InFlight,
    /// How calls ended, a second, stacked.
    Outcomes,
    /// Percentiles of the response of tool calls over time.
    Response,
    /// Percentiles of their service over time.
    Service,
    /// How many calls had which response, over time.
    Heat,
    /// Sessions open and users.
    Sessions,
    /// Runs at work.
    Runs,
    /// The share of runs that has completed after so long.
    Completion,
}

impl Chart {
    /// The charts of a whole run.
    pub const ALL: [Self; 4] = [Self::Latency, Self::Throughput, Self::InFlight, Self::Outcomes];
    /// The charts that look at latency closely.
    pub const LATENCY: [Self; 3] = [Self::Heat, Self::Response, Self::Service];
    /// Everything of a run over time, in the order of the page.
    pub const OVER_TIME: [Self; 8] = [
        Self::Latency,
        Self::Heat,
        Self::Throughput,
        Self::InFlight,
        Self::Sessions,
        Self::Outcomes,
        Self::Response,
        Self::Service,
    ];
    /// The charts of runs rather than calls.
    pub const RUNS: [Self; 2] = [Self::Completion, Self::Runs];

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Latency => "Latency of tool calls",
            Self::Throughput => "Throughput",
            Self::InFlight => "In flight",
            Self::Outcomes => "How tool calls ended",
            Self::Response => "Response of tool calls: from due to done",
            Self::Service => "Service of tool calls: what the target did",
            Self::Heat => "Where the tool calls lie: response over time",
            Self::Sessions => "Sessions and users",
            Self::Runs => "Runs at work",
            Self::Completion => "Runs completed",
        }
    }
}

/// How a chart looks apart from what it shows.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Pixels for each unit of length: 1, or 2 for dense screens.
    pub scale: u32,
    /// Whether the chart carries its own title.
    pub titled: bool,
}

/// A chart that could not be drawn: a fault of ours, never of the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to draw a chart: {0}")]
pub struct DrawError(pub String);

/// Size of a chart as SVG, in CSS pixels.
const SIZE: (u32, u32) = (860, 280);

/// A chart as an SVG element, with transparent ground.
pub fn svg(report: &Report, chart: Chart) -> Result<String, DrawError> {
    let content = content::of(report, chart);
    // One sentence needs no room for axes.
    let size = if content.empty.is_some() { (SIZE.0, 96) } else { SIZE };
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw::whole(&area, chart, &content, Look { scale: 1, titled: false })
            .map_err(|error| DrawError(error.to_string()))?;
        area.present().map_err(|error| DrawError(error.to_string()))?;
    }
    Ok(text)
}

/// Draws a chart over any backend.
pub fn draw<DB: DrawingBackend>(
    area: &DrawingArea<DB, Shift>,
    report: &Report,
    chart: Chart,
    look: Look,
) -> Result<(), DrawError> {
    let content = content::of(report, chart);
    draw::whole(area, chart, &content, look).map_err(|error| DrawError(error.to_string()))
}

/// Makes the embedded font known under the name that SVG resolves on every system.
pub(super) fn font() -> &'static str {
    static ONCE: Once = Once::new();
    const DEJAVU: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");
    ONCE.call_once(|| {
        let known = register_font("sans-serif", FontStyle::Normal, DEJAVU);
        debug_assert!(known.is_ok());
    });
    "sans-serif"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;
    use crate::model::summary;

    #[test]
    fn each_chart_names_its_lines_and_units() {
        let report = sample::storm();
        let table: [(Chart, &[&str]); 10] = [
            (Chart::Heat, &[" calls", "logarithmic", "50ms", "limit", "30s"]),
            (Chart::Sessions, &["sessions open", "users", "1m"]),
            (Chart::Runs, &["runs at work", "1m"]),
            (Chart::Completion, &["runs completed", "100%", "5s"]),
            (Chart::Latency, &["response p99", "service p50", "500ms", "30s", "limit"]),
            (Chart::Throughput, &["calls due", "calls ended", "/s", "1m"]),
            (Chart::InFlight, &["calls open", "users", "exchanges in flight"]),
            (Chart::Outcomes, &["ok", "throttled", "timeout or network", "/s"]),
            (Chart::Response, &["p50", "p95", "p99", "max", "limit", "30s"]),
            (Chart::Service, &["p50", "p95", "p99", "max", "30s"]),
        ];
        for (chart, words) in table {
            let svg = svg(&report, chart).unwrap();
            for word in words {
                assert!(svg.contains(word), "{chart:?} lacks {word}: {svg}");
            }
        }
    }

    #[test]
    fn a_legend_fits_whatever_is_in_it() {
        let report = sample::of(&summary::sample::hour(), &["p99(response, tools/call) < 2s"]);
        for chart in Chart::OVER_TIME.into_iter().chain(Chart::RUNS) {
            let svg = svg(&report, chart).unwrap();
            let number = |text: &str, name: &str| -> f64 {
                let value = text.split(&format!(" {name}=\"")).nth(1).unwrap();
                value.split('"').next().unwrap().parse().unwrap()
            };
            let texts = svg.split("<text").skip(1).filter(|text| number(text, "y") < 26.0);
            let ends = texts.map(|text| {
                let words = text.split('>').nth(1).unwrap().split('<').next().unwrap().trim();
                number(text, "x") + 7.0 * words.chars().count() as f64
            });
            let end = ends.fold(0.0, f64::max);
            assert!(end > 100.0 && end < f64::from(SIZE.0), "{chart:?} ends at {end}");
        }
    }

    #[test]
    fn an_empty_run_says_so() {
        for chart in [Chart::Latency, Chart::Throughput, Chart::Outcomes] {
            assert!(svg(&sample::nothing(), chart).unwrap().contains("No tool call was made"));
        }
        for chart in [Chart::InFlight, Chart::Sessions] {
            assert!(svg(&sample::nothing(), chart).unwrap().contains("Nothing was sampled"));
        }
        assert!(svg(&sample::nothing(), Chart::Heat).unwrap().contains("No tool call was made"));
        for chart in Chart::RUNS {
            assert!(svg(&sample::nothing(), chart).unwrap().contains("No run was made"));
        }
    }
}
