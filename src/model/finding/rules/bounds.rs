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
        Rule::UnaskedCoding => Described {
            severity: Severity::Medium,
            ..must(
                "unasked-coding",
                "Answers were encoded in a way nobody had asked for",
                "A body is compressed only for who sends Accept-Encoding; the others get it as it is.",
                "RFC 9110, section 12.5.3 (a server without a preference given should send none)",
                "Compress only where Accept-Encoding allows it; look at the proxy in front, too.",
            )
        },
        Rule::RequestFlood => Described {
            severity: Severity::Medium,
            provenance: Provenance::Modelled,
            ..must(
                "request-flood",
                "The server asked more at once than a client answers",
                "A server waits for answers before it asks on: a client has so many hands.",
                "squall's own bounds; no specification names any",
                "Wait for the answer to a ping or a question before the next one.",
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
