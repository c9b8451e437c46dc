//! What results hold.

use super::{Described, must};
use crate::model::finding::Severity;
use crate::model::outcome::Rule;

const TOOLS: &str = "MCP 2025-11-25, Server Features, Tools, Output Schema";

pub(super) const fn content(rule: Rule) -> Described {
    match rule {
        Rule::OutputMissing => must(
            "output-missing",
            "Tools with an output schema gave no structured content",
            "A tool with an outputSchema answers with structuredContent that conforms to it.",
            TOOLS,
            "Send structuredContent beside the text, or take the outputSchema back.",
        ),
        Rule::InvalidOutputSchema => Described {
            severity: Severity::Medium,
            ..must(
                "invalid-output-schema",
                "Tools had an output schema that is none",
                "An outputSchema is a JSON Schema, so that clients can validate against it.",
                TOOLS,
                "Correct the keyword the evidence names; until then nobody can check the results.",
            )
        },
        Rule::OutputMismatch => must(
            "output-mismatch",
            "Structured content did not conform to the output schema",
            "A tool with an outputSchema answers with structuredContent that conforms to it.",
            TOOLS,
            "Compare the member the evidence names with the schema: clients refuse such a result.",
        ),
        Rule::InvalidBase64 => must(
            "invalid-base64",
            "Binary content was not base64",
            "Images, audio and blobs are base64 in the standard alphabet, padded.",
            "MCP 2025-11-25, Schema Reference (ImageContent, AudioContent, BlobResourceContents)",
            "Encode with the standard alphabet, with padding and without line ends.",
        ),
        // Clients show the first few whatever the number.
        _ => Described {
            severity: Severity::Low,
            ..must(
                "too-many-completions",
                "Completions had more than 100 values",
                "A completion has 100 values at most.",
                "MCP 2025-11-25, Server Features, Utilities, Completion",
                "Send the 100 best and set hasMore.",
            )
        },
    }
}
