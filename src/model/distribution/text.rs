//! How distributions are written and printed, and every mistake in that.
//!
//! ```text
//! distribution = shape [ " clip " LO " " HI ]
//! shape        = DURATION                          the same as "constant DURATION"
//!              | "constant " DURATION
//!              | "uniform " FROM " " TO
//!              | "exponential " MEAN
//!              | "lognormal " MEDIAN " " SIGMA
//!              | "pareto " SCALE " " SHAPE
//!              | "normal " MEAN " " DEVIATION
//! ```

use std::fmt;
use std::str::FromStr;

use super::{Distribution, Shape};
use crate::model::duration::{self, DurationError, Shown};

/// Why a text is no distribution.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DistributionError {
    /// Nothing there.
    #[error("nothing is written; write a distribution such as \"40ms\" or \"lognormal 40ms 0.6\"")]
    Empty,
    /// A word that names no shape.
    #[error(
        "`{0}` is no distribution; use constant, uniform, normal, exponential, lognormal or pareto"
    )]
    UnknownShape(String),
    /// Too few or too many words after a shape or after `clip`.
    #[error("`{word}` takes {takes}; {found} given")]
    Arguments {
        /// The shape, or `clip`.
        word: &'static str,
        /// What it takes.
        takes: &'static str,
        /// How many words were there.
        found: usize,
    },
    /// A part is no duration.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// Sigma or tail index is no number in its range.
    #[error("`{found}` is no {what}; write a number {range}")]
    Number {
        /// What was written.
        found: String,
        /// What it should be.
        what: &'static str,
        /// Its range.
        range: &'static str,
    },
    /// Bounds the wrong way round.
    #[error("`{word}` from {from} to {to} is the wrong way round; write the smaller one first")]
    Reversed {
        /// `uniform` or `clip`.
        word: &'static str,
        /// The first bound.
        from: Shown,
        /// The second bound.
        to: Shown,
    },
    /// A median, mean or scale of zero.
    #[error("`{0}` of 0s draws nothing but 0s; write a duration above zero, or \"constant 0s\"")]
    Zero(&'static str),
    /// The clip leaves nothing of the distribution.
    #[error("the clip from {from} to {to} leaves nothing of `{shape}`; move its bounds")]
    NothingLeft {
        /// The distribution without its clip.
        shape: String,
        /// Lower bound.
        from: Shown,
        /// Upper bound.
        to: Shown,
    },
}

impl FromStr for Distribution {
    type Err = DistributionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "clip").unwrap_or(words.len());
        let (shape, clip) = words.split_at(at);
        let clip = match clip {
            [] => None,
            [_, from, to] => Some((duration::parse(from)?, duration::parse(to)?)),
            [_, rest @ ..] => return Err(wrong_count("clip", "two durations", rest.len())),
        };
        Self { shape: parse_shape(shape)?, clip }.validated()
    }
}

fn parse_shape(words: &[&str]) -> Result<Shape, DistributionError> {
    let length = duration::parse;
    Ok(match words {
        [] => return Err(DistributionError::Empty),
        ["constant", value] => Shape::Constant(length(value)?),
        ["uniform", from, to] => Shape::Uniform(length(from)?, length(to)?),
        ["exponential", mean] => Shape::Exponential(length(mean)?),
        ["lognormal", median, sigma] => {
            Shape::LogNormal(length(median)?, number(sigma, "sigma of a lognormal")?)
        }
        ["pareto", scale, shape] => {
            Shape::Pareto(length(scale)?, number(shape, "shape of a pareto")?)
        }
        ["normal", mean, deviation] => Shape::Normal(length(mean)?, length(deviation)?),
        [value] if value.starts_with(|first: char| first.is_ascii_digit()) => {
            Shape::Constant(length(value)?)
        }
        [word, rest @ ..] => return Err(wrong_shape(word, rest.len())),
    })
}

fn number(text: &str, what: &'static str) -> Result<f64, DistributionError> {
    text.parse().map_err(|_| DistributionError::Number {
        found: text.to_owned(),
        what,
        range: "such as 0.6",
    })
}

fn wrong_shape(word: &str, found: usize) -> DistributionError {
    match word {
        "constant" => wrong_count("constant", "one duration", found),
        "uniform" => wrong_count("uniform", "two durations", found),
        "exponential" => wrong_count("exponential", "one duration, its mean", found),
        "lognormal" => wrong_count("lognormal", "a duration, its median, and a sigma", found),
        "pareto" => wrong_count("pareto", "a duration, its scale, and a shape", found),
        "normal" => wrong_count("normal", "two durations, its mean and its deviation", found),
        _ => DistributionError::UnknownShape(word.to_owned()),
    }
}

const fn wrong_count(word: &'static str, takes: &'static str, found: usize) -> DistributionError {
    DistributionError::Arguments { word, takes, found }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "constant {}", Shown(*value)),
            Self::Uniform(from, to) => write!(f, "uniform {} {}", Shown(*from), Shown(*to)),
            Self::Exponential(mean) => write!(f, "exponential {}", Shown(*mean)),
            Self::LogNormal(median, sigma) => write!(f, "lognormal {} {sigma}", Shown(*median)),
            Self::Pareto(scale, shape) => write!(f, "pareto {} {shape}", Shown(*scale)),
            Self::Normal(mean, by) => write!(f, "normal {} {}", Shown(*mean), Shown(*by)),
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shape.fmt(f)?;
        match self.clip {
            Some((from, to)) => write!(f, " clip {} {}", Shown(from), Shown(to)),
            None => Ok(()),
        }
    }
}
