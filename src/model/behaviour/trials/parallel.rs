//! `check-parallel-scaling`.

/// What it does, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParallelTrials {
    /// So many calls at once, one after another; 1 comes first.
    pub batches: Vec<u32>,
    /// How often all of it is done.
    pub rounds: u32,
    /// Which tool is called; the slowest one if nothing is said.
    pub tool: Option<String>,
}

impl Default for ParallelTrials {
    fn default() -> Self {
        Self { batches: vec![1, 2, 4, 8, 16, 32], rounds: 5, tool: None }
    }
}

impl ParallelTrials {
    /// The largest batch.
    pub fn most(&self) -> u32 {
        self.batches.iter().copied().max().unwrap_or(1)
    }

    pub(super) fn told(&self) -> String {
        let Self { batches, rounds, tool } = self;
        let batches: Vec<String> = batches.iter().map(u32::to_string).collect();
        format!(
            "{} calls of {} at once, in one session and in as many, {rounds} times",
            batches.join(", "),
            tool.as_deref().unwrap_or("the slowest tool")
        )
    }
}
