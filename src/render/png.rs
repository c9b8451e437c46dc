//! `timeline.png` and `latency.png`: charts of a run, one under the other, at twice the density.

use plotters::drawing::IntoDrawingArea;
use plotters::prelude::{BitMapBackend, Text};
use plotters::style::{IntoFont, RGBColor, WHITE};

use super::chart::{self, Chart, DrawError, Look};
use super::visible;
use crate::model::report::Report;
use crate::model::report::verdict::Verdict;

/// Width of a picture in pixels.
const WIDTH: u32 = 2000;
/// Height of its head, with verdict and target.
const HEAD: u32 = 120;
/// Height of one chart.
const CHART: u32 = 600;

/// `timeline.png`: latency, throughput, calls in flight and outcomes over time.
pub fn timeline(report: &Report) -> Result<Vec<u8>, DrawError> {
    picture(report, &Chart::ALL)
}

/// `latency.png`: where calls lie over time, then percentiles of response and service.
pub fn latency(report: &Report) -> Result<Vec<u8>, DrawError> {
    picture(report, &Chart::LATENCY)
}

const fn size(charts: &[Chart]) -> (u32, u32) {
    (WIDTH, HEAD + CHART * charts.len() as u32)
}

fn picture(report: &Report, charts: &[Chart]) -> Result<Vec<u8>, DrawError> {
    let size = size(charts);
    let mut pixels = vec![0; (size.0 * size.1 * 3) as usize];
    draw(report, charts, &mut pixels)?;
    encode(&pixels, size).map_err(|error| DrawError(error.to_string()))
}

fn draw(report: &Report, charts: &[Chart], pixels: &mut [u8]) -> Result<(), DrawError> {
    let failed = |error: &dyn std::fmt::Display| DrawError(error.to_string());
    let area = BitMapBackend::with_buffer(pixels, size(charts)).into_drawing_area();
    area.fill(&WHITE).map_err(|error| failed(&error))?;
    let (head, below) = area.split_vertically(HEAD);
    let line = |text: String, top: i32, size: f64, colour: RGBColor| {
        head.draw(&Text::new(text, (28, top), (chart::font(), size).into_font().color(&colour)))
    };
    let (word, colour) = word(report.verdict);
    let name = visible::line(&report.scenario.name);
    line(format!("{word}: {name}"), 22, 40.0, colour).map_err(|error| failed(&error))?;
    let facts = [&report.target.url, &report.scenario.profile, &report.environment.started_at];
    let facts = facts.map(|fact| visible::line(fact)).join("   ");
    line(facts, 76, 24.0, chart::INK).map_err(|error| failed(&error))?;
    for (area, chart) in below.split_evenly((charts.len(), 1)).iter().zip(charts) {
        chart::draw(area, report, *chart, Look { scale: 2, titled: true })?;
    }
    area.present().map_err(|error| failed(&error))
}

const fn word(verdict: Verdict) -> (&'static str, RGBColor) {
    match verdict {
        Verdict::Passed => ("Passed", RGBColor(0x15, 0x80, 0x3d)),
        Verdict::Failed => ("Failed", RGBColor(0xb9, 0x1c, 0x1c)),
        Verdict::Untrustworthy => ("Not trustworthy", RGBColor(0xb4, 0x53, 0x09)),
        Verdict::Stopped => ("Stopped", RGBColor(0xb4, 0x53, 0x09)),
        Verdict::Unreachable => ("Unreachable", RGBColor(0xb9, 0x1c, 0x1c)),
    }
}

fn encode(pixels: &[u8], size: (u32, u32)) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::sample;

    #[test]
    fn a_picture_has_its_size_and_no_chart_is_blank() {
        let report = sample::storm();
        let pictures =
            [(timeline(&report), &Chart::ALL[..]), (latency(&report), &Chart::LATENCY[..])];
        for (bytes, charts) in pictures {
            let bytes = bytes.unwrap();
            let mut reader = png::Decoder::new(bytes.as_slice()).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!((info.width, info.height), size(charts));
            for (number, chart) in charts.iter().enumerate() {
                let row = (HEAD as usize + number * CHART as usize) * WIDTH as usize * 3;
                let drawn = &pixels[row..row + (CHART * WIDTH * 3) as usize];
                let inked = drawn.chunks(3).filter(|pixel| *pixel != [255, 255, 255]).count();
                assert!(inked > 8_000, "{chart:?} has {inked} coloured pixels");
            }
        }
    }
}
