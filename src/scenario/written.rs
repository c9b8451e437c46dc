//! Values as a scenario's author would write them, for defaults in the key table.

use std::time::Duration;

use crate::model::distribution::Distribution;
use crate::model::duration::Shown;

/// A value that can stand in a TOML file.
pub trait Written {
    /// The value as TOML.
    fn written(&self) -> String;
}

macro_rules! written_as_printed {
    ($($kind:ty),*) => {$(
        impl Written for $kind {
            fn written(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

written_as_printed!(bool, u32, u64, f64);

impl Written for str {
    fn written(&self) -> String {
        format!("\"{}\"", self.escape_default())
    }
}

impl Written for String {
    fn written(&self) -> String {
        self.as_str().written()
    }
}

impl Written for (u32, u32) {
    fn written(&self) -> String {
        format!("[{}, {}]", self.0, self.1)
    }
}

impl Written for Vec<f64> {
    fn written(&self) -> String {
        let numbers: Vec<_> = self.iter().map(f64::to_string).collect();
        format!("[{}]", numbers.join(", "))
    }
}

impl Written for Duration {
    fn written(&self) -> String {
        format!("\"{}\"", Shown(*self))
    }
}

impl Written for Distribution {
    fn written(&self) -> String {
        format!("\"{self}\"")
    }
}
