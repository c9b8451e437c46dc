//! What went wrong with calls, and when it began.

use super::felt::at;
use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::outcome::Class;
use crate::model::report::figures::Figures;
use crate::model::report::timeline::Point;

/// Errors and refusals, each with its share of the calls sent, the larger share first.
pub(super) fn sentences(summary: &Figures, timeline: &[Point]) -> Vec<(f64, String)> {
    let share = |count: u64| count as f64 / summary.calls_sent.max(1) as f64;
    let mut said: Vec<(f64, String)> = [
        errors(summary, timeline).map(|sentence| (share(summary.errors), sentence)),
        throttled(summary, timeline).map(|sentence| (share(summary.throttled), sentence)),
    ]
    .into_iter()
    .flatten()
    .collect();
    said.sort_by(|one, other| other.0.total_cmp(&one.0));
    said
}

fn errors(summary: &Figures, timeline: &[Point]) -> Option<String> {
    let classes: Vec<Class> = Class::ALL.into_iter().filter(|class| class.is_error()).collect();
    let count = |class: &Class| summary.outcomes.get(class.name()).copied().unwrap_or(0);
    let most = classes.iter().copied().max_by_key(|class| (count(class), class.name()))?;
    if count(&most) == 0 {
        return None;
    }
    let (class, point) = first(timeline, &classes)?;
    let (of_sent, number) = (told(summary, summary.errors), figure::count(count(&most)));
    let mostly = if count(&most) == summary.errors {
        format!("all as {}", words(most))
    } else {
        format!("most as {} ({number})", words(most))
    };
    let began = if class == most { String::new() } else { format!("{} ", words(class)) };
    Some(format!("{of_sent} ended in an error, {mostly}; the first {began}came {}.", at(point)))
}

fn throttled(summary: &Figures, timeline: &[Point]) -> Option<String> {
    let (_, point) = first(timeline, &[Class::Throttled])?;
    let asked: u64 = summary.throttles.values().map(|seen| seen.with_retry_after).sum();
    let wait = if asked == 0 { ", never saying for how long" } else { "" };
    let of_sent = told(summary, summary.throttled);
    Some(format!("{of_sent} were refused as too many{wait}; the first refusal came {}.", at(point)))
}

fn told(summary: &Figures, count: u64) -> String {
    let share = figure::share(count as f64 / summary.calls_sent.max(1) as f64);
    format!("{share} of the calls sent ({})", figure::count(count))
}

/// The first step of time in which any of these occurred, and which of them most often.
fn first<'a>(timeline: &'a [Point], classes: &[Class]) -> Option<(Class, &'a Point)> {
    timeline.iter().find_map(|point| {
        let outcomes = &point.operations.get(Operation::ToolsCall.name())?.outcomes;
        let count = |class: &Class| outcomes.get(class.name()).copied().unwrap_or(0);
        let most = classes.iter().copied().max_by_key(|class| (count(class), class.name()))?;
        (count(&most) > 0).then_some((most, point))
    })
}

fn words(class: Class) -> String {
    class.name().replace('_', " ").replace("http", "HTTP").replace("rpc", "JSON-RPC")
}
