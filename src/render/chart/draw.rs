//! The drawing of a chart: a strip with title and legend, then axes, then curves.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{self, Scale, Ticked, Unit};
use super::content::{Content, Field, Layer, Line};
use super::{Chart, Look, font, marked};

/// Text; pages recolour exactly these three in dark mode, so a curve never uses them.
pub(in crate::render) const INK: RGBColor = RGBColor(0x33, 0x41, 0x55);
const GRID: RGBColor = RGBColor(0xe2, 0xe8, 0xf0);
/// The side of a square in the legend, in units of length.
const SQUARE: u32 = 10;
const LIMIT: RGBColor = RGBColor(0xdc, 0x26, 0x26);

pub(super) type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;
type Area<DB> = DrawingArea<DB, Shift>;
pub(super) type Plot<'a, DB> = ChartContext<'a, DB, Cartesian2d<Ticked, Ticked>>;

/// Draws everything.
pub(super) fn whole<DB: DrawingBackend>(
    area: &Area<DB>,
    chart: Chart,
    content: &Content,
    look: Look,
) -> Drawn<DB> {
    let title = if look.titled { 24 } else { 0 };
    let (strip, below) = area.split_vertically((title + 26) * look.scale);
    if look.titled {
        let at = (px(look, 14), px(look, 6));
        strip.draw(&Text::new(chart.title(), at, style(look, 15)))?;
    }
    if let Some(empty) = content.empty {
        return note(&below, empty, look);
    }
    legend(&strip, content, look, px(look, title + 13))?;
    let mut plot = axes(&below, content, look, 10.0)?;
    marked::shades(&mut plot, content)?;
    fields(&mut plot, &content.fields, &content.scale)?;
    layers(&mut plot, &content.layers, &content.scale)?;
    for line in &content.lines {
        curve(&mut plot, line, &content.scale, look)?;
    }
    for line in &content.lone {
        open_points(&mut plot, line, &content.scale, look)?;
    }
    for limit in &content.limits {
        let at = content.scale.place(*limit);
        let ends = [(0.0, at), (content.end, at)];
        let dashes = (7 * look.scale, 5 * look.scale);
        let colour = LIMIT.stroke_width(look.scale);
        plot.draw_series(DashedLineSeries::new(ends, dashes.0, dashes.1, colour))?;
    }
    marked::hooks(&mut plot, content, look)
}

/// Draws axes and curves alone: what is named beside the picture needs no strip in it.
pub(super) fn plain<DB: DrawingBackend>(
    area: &Area<DB>,
    content: &Content,
    look: Look,
    most_ticks: f64,
) -> Drawn<DB> {
    let mut plot = axes(area, content, look, most_ticks)?;
    marked::shades(&mut plot, content)?;
    for line in &content.lines {
        curve(&mut plot, line, &content.scale, look)?;
    }
    marked::hooks(&mut plot, content, look)
}

pub(super) fn px(look: Look, length: u32) -> i32 {
    (length * look.scale).cast_signed()
}

pub(super) fn style(look: Look, size: u32) -> TextStyle<'static> {
    // plotters takes a font's size to be its line height, which is 1.24 times the em.
    (font(), f64::from(size * look.scale) * 1.24).into_font().color(&INK)
}

fn note<DB: DrawingBackend>(area: &Area<DB>, text: &str, look: Look) -> Drawn<DB> {
    let (width, height) = area.dim_in_pixel();
    let centred = style(look, 14).pos(Pos::new(HPos::Center, VPos::Center));
    area.draw(&Text::new(
        text.to_owned(),
        ((width / 2).cast_signed(), (height / 2).cast_signed()),
        centred,
    ))
}

/// Names beside their colours, in the strip above the plot, where they cover no data.
fn legend<DB: DrawingBackend>(
    strip: &Area<DB>,
    content: &Content,
    look: Look,
    middle: i32,
) -> Drawn<DB> {
    // A square stands for what is filled; the mark of a line is about as high as the line is wide.
    let lines = content.lines.iter().map(|line| (line.name, line.colour, line.width.max(2)));
    let layers = content.layers.iter().map(|layer| (layer.name, layer.colour, SQUARE));
    let limit = (!content.limits.is_empty()).then_some(("limit", LIMIT, 2));
    let text = style(look, 12).pos(Pos::new(HPos::Left, VPos::Center));
    let mut left = px(look, 70);
    let key = content.key.iter().map(|(name, colour)| (name.as_str(), *colour, SQUARE));
    let marked = &content.marked;
    let fault = (!marked.faults.is_empty()).then_some(("fault", marked::FAULT, SQUARE));
    let hook = (!marked.hooks.is_empty()).then_some(("hook", marked::HOOK, SQUARE));
    let others = limit.into_iter().chain(fault).chain(hook);
    for (name, colour, height) in lines.chain(layers).chain(key).chain(others) {
        let top = middle - px(look, height) / 2;
        let mark = [(left, top), (left + px(look, SQUARE), top + px(look, height))];
        strip.draw(&Rectangle::new(mark, colour.filled()))?;
        strip.draw(&Text::new(name, (left + px(look, 15), middle), text.clone()))?;
        let (width, _) = strip.estimate_text_size(name, &text)?;
        left += width.cast_signed() + px(look, 27);
    }
    Ok(())
}

fn axes<'a, DB: DrawingBackend + 'a>(
    area: &Area<DB>,
    content: &Content,
    look: Look,
    most_ticks: f64,
) -> Result<Plot<'a, DB>, DrawingAreaErrorKind<DB::ErrorType>> {
    let scale = &content.scale;
    let seconds = Ticked::new(0.0..content.end, axis::seconds(content.end, most_ticks));
    let values = Ticked::new(scale.from..scale.to, scale.ticks.clone());
    let mut plot = ChartBuilder::on(area)
        .margin_right(18 * look.scale)
        .margin_top(8 * look.scale)
        .margin_bottom(4 * look.scale)
        .x_label_area_size(26 * look.scale)
        .margin_left(8 * look.scale)
        .y_label_area_size(62 * look.scale)
        .build_cartesian_2d(seconds, values)?;
    let title = if scale.unit == Unit::LogTime { "time, logarithmic" } else { "" };
    plot.configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID.stroke_width(look.scale))
        .light_line_style(TRANSPARENT)
        .axis_style(GRID.stroke_width(look.scale))
        .set_all_tick_mark_size(3 * look.scale)
        .label_style(style(look, 12))
        .y_desc(title)
        .x_label_formatter(&|seconds| axis::clock(*seconds))
        .y_label_formatter(&|place| scale.label(*place))
        .draw()?;
    Ok(plot)
}

fn curve<DB: DrawingBackend>(
    plot: &mut Plot<'_, DB>,
    line: &Line,
    scale: &Scale,
    look: Look,
) -> Drawn<DB> {
    let width = line.width * look.scale;
    for piece in &line.pieces {
        let points = piece.iter().map(|(seconds, value)| (*seconds, scale.place(*value)));
        // A line through one point is nothing: a lone second is a dot.
        if piece.len() == 1 {
            let dots = points.map(|point| Circle::new(point, width, line.colour.filled()));
            plot.draw_series(dots)?;
        } else {
            plot.draw_series(LineSeries::new(points, line.colour.stroke_width(width)))?;
        }
    }
    Ok(())
}

/// A ring each, wider and thicker as the line would be, so that one may lie in another.
fn open_points<DB: DrawingBackend>(
    plot: &mut Plot<'_, DB>,
    line: &Line,
    scale: &Scale,
    look: Look,
) -> Drawn<DB> {
    let radius = (4 + line.width) * look.scale / 2;
    let rim = line.colour.stroke_width(line.width.div_ceil(4) * look.scale);
    let points = line.pieces.iter().flatten();
    let rings = points.map(|(at, value)| Circle::new((*at, scale.place(*value)), radius, rim));
    plot.draw_series(rings)?;
    Ok(())
}

fn fields<DB: DrawingBackend>(
    plot: &mut Plot<'_, DB>,
    fields: &[Field],
    scale: &Scale,
) -> Drawn<DB> {
    let drawn = fields.iter().map(|field| {
        let low = (field.seconds.0, scale.place(field.micros.0));
        let high = (field.seconds.1, scale.place(field.micros.1));
        Rectangle::new([low, high], field.colour.filled())
    });
    plot.draw_series(drawn)?;
    Ok(())
}

/// Each layer stands on the ones before it, as steps: a bin is one number, not a slope. Where a
/// layer is empty nothing is drawn, not even its edge.
fn layers<DB: DrawingBackend>(
    plot: &mut Plot<'_, DB>,
    layers: &[Layer],
    scale: &Scale,
) -> Drawn<DB> {
    let bins = layers.first().map_or(0, |layer| layer.rates.len());
    let mut ground = vec![0.0; bins];
    for layer in layers {
        let steps: Vec<_> = layer.rates.iter().copied().zip(ground.iter().copied()).collect();
        for piece in steps.split(|((_, _, rate), _)| *rate <= 0.0) {
            let edge = |(from, to): (f64, f64), value| {
                let height = scale.place(value);
                [(from, height), (to, height)]
            };
            let tops = piece
                .iter()
                .flat_map(|((from, to, rate), ground)| edge((*from, *to), ground + rate));
            let bottoms =
                piece.iter().rev().flat_map(|((from, to, _), ground)| edge((*to, *from), *ground));
            let outline: Vec<_> = tops.chain(bottoms).collect();
            if !outline.is_empty() {
                plot.draw_series([Polygon::new(outline, layer.colour.filled())])?;
            }
        }
        ground.iter_mut().zip(&layer.rates).for_each(|(ground, (_, _, rate))| *ground += rate);
    }
    Ok(())
}
