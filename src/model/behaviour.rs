//! What simulated Claude does in one run: state machines that plan calls and react to outcomes.

use std::time::Duration;

use super::distribution::Distribution;

/// The behaviour a scenario chose, with every symbol of its model.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// Calls one after another at an even pace.
    Steady(Steady),
    /// A conversation's turn: one agent, a few calls.
    Chat(Chat),
    /// A Research run: lead, waves of subagents, synthesis.
    Research(Box<Research>),
}

/// `steady`: `calls` calls one after another, `think` between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Steady {
    /// Calls in one run.
    pub calls: u32,
    /// Pause between two calls.
    pub think: Distribution,
}

/// `chat`: one agent, 1-3 calls, one at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Chat {
    /// Fewest and most calls in a turn, uniform.
    pub calls: (u32, u32),
    /// Thinking before each call.
    pub think: Distribution,
    /// Writing the answer, without calls.
    pub answer: Distribution,
    /// What the model does with a failed call.
    pub reaction: Reaction,
}

/// `research` and `research-advanced`: claude-clients' generative model of a Research run.
#[derive(Debug, Clone, PartialEq)]
pub struct Research {
    /// C: classes of question with their weight, subagents and calls. `research-advanced` has one.
    pub classes: Vec<QuestionClass>,
    /// w: subagents started at once, with weights.
    pub wave: Vec<(u32, f64)>,
    /// L: fewest and most lead probes, one after another, uniform.
    pub probes: (u32, u32),
    /// Shape of the Gamma distribution of calls a subagent.
    pub calls_shape: f64,
    /// Fewest and most calls a subagent; the rounded draw is clipped to them.
    pub calls_bounds: (u32, u32),
    /// p: share of a subagent's calls that hit this connector.
    pub share: f64,
    /// b: weights of batches of 1, 2, 3, ... calls.
    pub batch: Vec<f64>,
    /// T: think time between turns.
    pub think: Distribution,
    /// `T_lead`: planning before the first probe.
    pub plan: Distribution,
    /// `T_first`: a subagent's start after its fork...
    pub first_start: Distribution,
    /// ... and its thinking before its first turn.
    pub first_think: Distribution,
    /// `T_wave`: the lead's reflection between waves.
    pub reflect: Distribution,
    /// `T_syn`: synthesis and citations, without calls.
    pub synthesis: Distribution,
    /// R: what the model does with a failed call.
    pub reaction: Reaction,
    /// X: share of runs their person stops somewhere on the way.
    pub stopped: f64,
}

/// One class of question.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionClass {
    /// Its name in reports.
    pub name: String,
    /// Its weight.
    pub weight: f64,
    /// S: how many subagents.
    pub subagents: Subagents,
    /// N: mean calls a subagent.
    pub calls_mean: f64,
}

/// How many subagents a question takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Subagents {
    /// Uniform between two bounds; with probability `runaway.0` it is `runaway.1` instead.
    Uniform {
        /// Fewest.
        from: u32,
        /// Most.
        to: u32,
        /// Share of runaways, and their size.
        runaway: (f64, u32),
    },
    /// Gamma with shape and scale, rounded, clipped.
    Gamma {
        /// Shape.
        shape: f64,
        /// Scale.
        scale: f64,
        /// Fewest.
        from: u32,
        /// Most.
        to: u32,
    },
}

/// R: what the model does when a call fails; the rest of the shares drops the tool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reaction {
    /// Share of failures after which the same call is made once more.
    pub retry: f64,
    /// Share after which it is asked in other words.
    pub rephrase: f64,
    /// Failures in a row after which the agent may stop using the tool.
    pub circuit_after: u32,
    /// Chance that it then does.
    pub circuit: f64,
}

/// What a run does next.
#[derive(Debug)]
pub enum Step {
    /// Wait; the next step is due when this ends.
    Think(Duration),
    /// Calls fired together; their classes go into the next call of `next`, in this order.
    Burst(Vec<Ask>),
    /// Subagents that run at once. `Join` follows.
    Fork(Vec<Agent>),
    /// Wait for all subagents of the last fork: the wave's barrier.
    Join,
    /// The run is over.
    End,
}

/// One call that a behaviour asks for. It names no tool and no argument: it gives the chance that
/// chooses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Index into the plan's tools.
    pub tool: u16,
    /// Seed of the arguments: the same variation of the same tool is the same call.
    pub variation: u64,
}

/// One subagent of a run: a state machine of its own.
#[derive(Debug)]
pub struct Agent {}
