//! When something is due: arithmetic without a clock.

use std::time::Duration;

/// Who comes when.
#[derive(Debug, Clone, PartialEq)]
pub enum Pace {
    /// Runs arrive whether or not the target keeps up.
    Open(Arrivals),
    /// So many users, each starting its next run when the last one ended.
    Closed(Users),
}

/// Arrivals of an open model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arrivals {
    /// Rate at the start of the first stage, per second.
    pub from: f64,
    /// Linear ramps, one after another.
    pub stages: Vec<RateStage>,
    /// How arrivals lie under the curve.
    pub spacing: Spacing,
    /// Crowds that come at once, on top of the curve.
    pub herds: Vec<Herd>,
}

/// A ramp to a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateStage {
    /// How long it takes.
    pub over: Duration,
    /// The rate at its end, per second.
    pub to: f64,
}

/// How arrivals lie under the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spacing {
    /// Evenly: one each time the area under the curve grows by one.
    #[default]
    Even,
    /// As a Poisson process that has exactly as many arrivals as the area.
    Poisson,
}

/// A crowd that comes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Herd {
    /// When it begins.
    pub at: Duration,
    /// How many come.
    pub arrivals: u32,
    /// They spread uniformly over this long.
    pub within: Duration,
}

/// Users of a closed model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Users {
    /// Linear ramps from 0 users, one after another; each takes at least a second.
    pub stages: Vec<UserStage>,
}

/// A ramp to a number of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserStage {
    /// How long it takes.
    pub over: Duration,
    /// Users at its end.
    pub to: u32,
}
