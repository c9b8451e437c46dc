//! `[load.research]`: every symbol of the generative model of a Research run.

use crate::model::behaviour::{QuestionClass, Research, Subagents};

use super::behaviours::{REACTION, reaction};
use super::document::{Node, Table as Tree, Value};
use super::reader::Table;
use super::scalar::{Wrong, number_of, whole_of};

/// Most subagents and calls that a scenario may ask of one run.
const MOST: u32 = 1_000;

/// Reads `[load.research]` over a preset.
pub fn read(table: &Table<'_>, preset: Research) -> Research {
    let classes = table.tables("classes", "C: classes of question; all of them anew.", class);
    if classes.as_ref().is_some_and(|all| all.iter().all(|class| class.weight == 0.0)) {
        let found = "no class of question has a weight above zero";
        table.log().wrong(table.place_of("classes"), found, "give one a weight");
    }
    let research = Research {
        classes: classes.unwrap_or(preset.classes),
        wave: table
            .key("wave", "w: subagents started at once, with weights: { 3 = 0.5, 4 = 0.5 }.")
            .read("a table of sizes and weights", wave)
            .or_as(preset.wave, "{ 3 = 0.5, 4 = 0.25, 5 = 0.25 }"),
        probes: table
            .key("probes", "L: fewest and most probes of the lead, one after another.")
            .bounds(0..=MOST)
            .or(preset.probes),
        calls_shape: table
            .key("calls_shape", "N: shape of the Gamma distribution of calls a subagent.")
            .number(0.01..=1_000.0)
            .or(preset.calls_shape),
        calls_bounds: table
            .key("calls_bounds", "N: fewest and most calls a subagent.")
            .bounds(0..=MOST)
            .or(preset.calls_bounds),
        share: table
            .key("share", "p: share of a subagent's calls that hit this connector.")
            .share()
            .or(preset.share),
        batch: table
            .key("batch", "b: weights of batches of 1, 2, 3, ... calls.")
            .read("a list of weights", weights)
            .or(preset.batch),
        stopped: table
            .key("stopped", "X: share of runs their person stops somewhere on the way.")
            .share()
            .or(preset.stopped),
        reaction: table.table("reaction", REACTION, |table| reaction(table, preset.reaction)),
        ..preset
    };
    times(table, research)
}

fn times(table: &Table<'_>, preset: Research) -> Research {
    let time = |name, doc, default| table.key(name, doc).distribution().or(default);
    Research {
        think: time("think", "T: think time between turns.", preset.think),
        plan: time("plan", "T_lead: planning before the first probe.", preset.plan),
        first_start: time(
            "first_start",
            "T_first: a subagent's start after its fork.",
            preset.first_start,
        ),
        first_think: time(
            "first_think",
            "T_first: its thinking before its first turn.",
            preset.first_think,
        ),
        reflect: time("reflect", "T_wave: the lead's reflection between waves.", preset.reflect),
        synthesis: time(
            "synthesis",
            "T_syn: synthesis and citations, without calls.",
            preset.synthesis,
        ),
        ..preset
    }
}

fn class(class: &Table<'_>) -> Option<QuestionClass> {
    let name = class.key("name", "Its name in reports.").text().required();
    let weight = class.key("weight", "Its weight.").number(0.0..=1e6).required();
    let subagents = class
        .key("subagents", "S: how many subagents; uniform from-to, or Gamma clipped to from-to.")
        .read("{ from, to } and perhaps runaway = { share, size }, or shape and scale", subagents)
        .required();
    let calls_mean = class.key("calls", "N: mean calls a subagent.").number(0.0..=1e3).required();
    Some(QuestionClass {
        name: name?,
        weight: weight?,
        subagents: subagents?,
        calls_mean: calls_mean?,
    })
}

fn subagents(node: &Node) -> Result<Subagents, Wrong> {
    let such = "expected { from = 2, to = 3 }, with runaway = { share = 0.05, size = 20 } or \
                with shape = 5.0 and scale = 2.0";
    let Value::Table(table) = &node.value else { return Err(such.to_owned()) };
    let known = ["from", "to", "runaway", "shape", "scale"];
    let whole = |key| table.get(key).and_then(|entry| whole_of(&entry.node, &(0..=MOST)));
    let positive = |key| {
        table.get(key).and_then(|entry| number_of(&entry.node)).filter(|number| *number > 0.0)
    };
    if table.entries.iter().any(|entry| !known.contains(&entry.key.as_str())) {
        return Err(such.to_owned());
    }
    let (Some(from), Some(to)) = (whole("from"), whole("to")) else { return Err(such.to_owned()) };
    if from > to {
        return Err("expected from not above to".to_owned());
    }
    let gamma = table.get("shape").is_some() || table.get("scale").is_some();
    match (gamma, positive("shape"), positive("scale"), table.get("runaway")) {
        (true, Some(shape), Some(scale), None) => Ok(Subagents::Gamma { shape, scale, from, to }),
        (false, None, None, None) => Ok(Subagents::Uniform { from, to, runaway: (0.0, to) }),
        (false, None, None, Some(entry)) => {
            let runaway = runaway(&entry.node).ok_or(such)?;
            Ok(Subagents::Uniform { from, to, runaway })
        }
        _ => Err(such.to_owned()),
    }
}

fn runaway(node: &Node) -> Option<(f64, u32)> {
    let Value::Table(table) = &node.value else { return None };
    let share = number_of(&table.get("share")?.node).filter(|share| (0.0..=1.0).contains(share))?;
    let size = whole_of(&table.get("size")?.node, &(1..=MOST))?;
    (table.entries.len() == 2).then_some((share, size))
}

fn wave(node: &Node) -> Result<Vec<(u32, f64)>, Wrong> {
    let such = "expected sizes and weights such as { 3 = 0.5, 4 = 0.25, 5 = 0.25 }";
    let Value::Table(Tree { entries, .. }) = &node.value else { return Err(such.to_owned()) };
    let mut wave = Vec::with_capacity(entries.len());
    for entry in entries {
        let size = entry.key.parse::<u32>().ok().filter(|size| (1..=MOST).contains(size));
        let weight = number_of(&entry.node).filter(|weight| *weight >= 0.0);
        wave.push((size.ok_or(such)?, weight.ok_or(such)?));
    }
    some_weight(wave.iter().map(|(_, weight)| *weight))?;
    wave.sort_by_key(|(size, _)| *size);
    Ok(wave)
}

fn weights(node: &Node) -> Result<Vec<f64>, Wrong> {
    let such = "expected a list of weights such as [0.25, 0.35, 0.3, 0.07, 0.03]";
    let Value::List(list) = &node.value else { return Err(such.to_owned()) };
    let weight = |node| number_of(node).filter(|weight| *weight >= 0.0).ok_or(such);
    let weights = list.iter().map(weight).collect::<Result<Vec<_>, _>>()?;
    some_weight(weights.iter().copied())?;
    Ok(weights)
}

/// Weights of which one at least is above zero.
fn some_weight(weights: impl Iterator<Item = f64>) -> Result<(), Wrong> {
    let sum: f64 = weights.sum();
    if sum > 0.0 && sum.is_finite() {
        Ok(())
    } else {
        Err("expected at least one weight above zero".to_owned())
    }
}
