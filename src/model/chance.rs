//! Chance keyed by what it decides: (seed, run, subagent, turn, purpose), never a shared stream.
