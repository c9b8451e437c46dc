//! What any client can bear.

use super::{Described, must};
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::Rule;

pub(super) const fn bounds(rule: Rule) -> Described {
    match rule {
        Rule::TooLarge => Described {
            severity: Severity::Medium,
            provenance: Provenance::Modelled,
            ..must(
                "too-large",
                "Answers were larger than a client accepts",
                "A body, an event and a head stay within what clients read.",
                "squall's own bounds; no specification names any",
                "Page large results, or return a link to them.",
            )
        },
        Rule::Redirect => Described {
            severity: Severity::Medium,
            provenance: Provenance::Observed,
            ..must(
                "redirect",
                "The endpoint answered with redirects",
                "The MCP endpoint answers POST itself: a client that follows may send GET instead.",
                "RFC 9110, sections 15.4.2 and 15.4.3 (301 and 302 may change POST to GET)",
                "Give users the final URL, with or without the trailing slash as the server wants.",
            )
        },
        _ => Described {
            provenance: Provenance::Observed,
            ..must(
                "endless-pages",
                "Lists repeated a cursor or did not end",
                "A client reads pages until nextCursor is missing, so each cursor has to lead on.",
                "MCP 2025-11-25, Server Utilities, Pagination",
                "Leave nextCursor out on the last page.",
            )
        },
    }
}
