//! How much work one schema may ask for: no target keeps us busy before the load.

use std::cell::Cell;

use super::check;

/// Schemas looked at in one compilation: references can ask for exponentially many.
const MOST_STEPS: u32 = 20_000;

/// Schemas within one another, references and what is made of them counted: each takes stack.
const DEEPEST: u32 = 200;

/// Schemas held against values in one compilation, and what it takes to make the values.
const PATIENCE: u32 = 2_000_000;

/// What is left of the bounds of one compilation.
#[derive(Debug)]
pub(super) struct Bounds {
    steps: Cell<u32>,
    depth: Cell<u32>,
    patience: Cell<u32>,
}

impl Default for Bounds {
    fn default() -> Self {
        let [steps, depth, patience] = [MOST_STEPS, DEEPEST, PATIENCE].map(Cell::new);
        Self { steps, depth, patience }
    }
}

impl Bounds {
    /// Counts one schema that is looked at; whether it may be.
    pub(super) fn step(&self) -> bool {
        let left = self.steps.get().checked_sub(1);
        self.steps.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Looks one schema deeper; `None` when that is too deep.
    pub(super) fn deeper<T>(&self, look: impl FnOnce() -> T) -> Option<T> {
        let depth = self.depth.get();
        self.depth.set(depth.checked_sub(1)?);
        let found = look();
        self.depth.set(depth);
        Some(found)
    }

    /// Checks with the steps of one check, as far as the patience lasts.
    pub(super) fn patiently<T>(&self, check: impl FnOnce(&Cell<u32>) -> T) -> T {
        let given = self.patience.get().min(check::MOST_STEPS);
        let steps = Cell::new(given);
        let found = check(&steps);
        self.spend(given - steps.get());
        found
    }

    /// Takes an effort off the patience; whether any is left.
    pub(super) fn spend(&self, effort: u32) -> bool {
        self.patience.set(self.patience.get().saturating_sub(effort));
        self.patience.get() > 0
    }
}
