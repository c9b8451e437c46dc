//! How a limit counts: a bucket, fixed windows, or one that slides.
//!
//! ```text
//!                      asked for more than is allowed     all there is about an edge
//! bucket               one at a time                      full, then what came back
//! fixed windows        a window's worth, then nothing     full, then full again
//! sliding window       a window's worth, then nothing     full, then next to nothing
//! ```

use std::fmt;

use super::allowance::{Pressed, ROW};
use super::burst::Bursts;

/// Smaller limits do not tell their shapes apart.
const LEAST: f64 = 8.0;
/// After an edge, of what a window allows: so much is a new window, so little what slides.
const NEW: f64 = 0.7;
const OLD: f64 = 0.35;
/// Before it, so much has to have been there.
const FULL: f64 = 0.5;

/// How a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Bucket,
    Fixed,
    Sliding,
    /// One of the two above.
    Window,
    /// Who goes on asking is served nothing.
    CountsRefused,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bucket => "token bucket",
            Self::Fixed => "fixed window",
            Self::Sliding => "sliding window",
            Self::Window => "fixed or sliding window",
            Self::CountsRefused => "window that counts what it refuses",
        })
    }
}

/// What was seen of it; `None`: too little.
pub(super) fn shape(pressed: &Pressed, bursts: &Bursts) -> Option<Shape> {
    let (_, most) = bursts.range()?;
    let size = most as f64;
    if pressed.asked == 0 || size < LEAST {
        return None;
    }
    if pressed.served == 0 {
        return Some(Shape::CountsRefused);
    }
    pressed.rate?;
    if (pressed.longest_row as f64) < ROW * size {
        return Some(Shape::Bucket);
    }
    let full = bursts.edges.iter().filter(|(before, ..)| *before as f64 >= FULL * size);
    let after: Vec<_> = full.map(|(_, after, _)| *after as f64 / size).collect();
    Some(match () {
        () if after.is_empty() => Shape::Window,
        () if after.iter().all(|share| *share >= NEW) => Shape::Fixed,
        () if after.iter().all(|share| *share <= OLD) => Shape::Sliding,
        () => Shape::Window,
    })
}
