//! Distributions of durations as scenarios write them: `lognormal 40ms 0.6 clip 1ms 2s`.

use std::time::Duration;

/// A distribution of durations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distribution {
    /// Its shape.
    pub shape: Shape,
    /// Draws outside these bounds are drawn again.
    pub clip: Option<(Duration, Duration)>,
}

/// The shape of a distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// Always this.
    Constant(Duration),
    /// Evenly between two bounds.
    Uniform(Duration, Duration),
    /// Exponential with this mean.
    Exponential(Duration),
    /// Log-normal with this median and this sigma of the logarithm.
    LogNormal(Duration, f64),
    /// Pareto with this scale (its minimum) and this shape (tail index).
    Pareto(Duration, f64),
}
