//! A number to stay under, as scenarios write it: `p99(response, tools/call) < 2s`.

/// One threshold, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// As its author wrote it.
    pub text: String,
}
