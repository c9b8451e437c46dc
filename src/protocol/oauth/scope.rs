//! Which scopes are asked for.
//!
//! MCP specification 2025-11-25, basic/authorization, "Scope Selection Strategy": what the
//! challenge names; else all that the metadata of the resource list; else no parameter at all.

/// The scope that a refresh token may be tied to (`OpenID` Connect Core 1.0, section 11).
pub const OFFLINE_ACCESS: &str = "offline_access";
/// Most scopes that are taken from a server.
const MOST_SCOPES: usize = 64;
/// Most bytes of one scope.
const MOST_BYTES: usize = 256;

/// The scopes of a list separated by blanks (RFC 6749, section 3.3), each once, in order.
pub fn split(text: &str) -> Vec<String> {
    bounded(text.split([' ', '\t', '\n', '\r']))
}

/// Scopes as a server lists them, each once, in order; what cannot be one is left out.
pub fn bounded<'a>(scopes: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for scope in scopes.filter(|scope| is_scope(scope)) {
        if kept.len() < MOST_SCOPES && !kept.iter().any(|known| known == scope) {
            kept.push(scope.to_owned());
        }
    }
    kept
}

/// Both lists, each scope once: those held before, then the new ones.
pub fn union(held: &[String], asked: &[String]) -> Vec<String> {
    bounded(held.iter().chain(asked).map(String::as_str))
}

/// `scope-token` of RFC 6749, section 3.3.
fn is_scope(text: &str) -> bool {
    let usable = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=MOST_BYTES).contains(&text.len()) && text.bytes().all(usable)
}

/// What a choice of scopes depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice<'a> {
    /// What the scenario asks for instead of everything else.
    pub(super) wanted: Option<&'a [String]>,
    /// What the challenge named.
    pub(super) challenged: &'a [String],
    /// What the metadata of the resource list.
    pub(super) of_resource: &'a [String],
    /// What the metadata of the authorization server list.
    pub(super) of_server: &'a [String],
    /// What the grant already has.
    pub(super) held: &'a [String],
    /// Whether the client asks for `offline_access` where it is listed.
    pub(super) offline_access: bool,
}

/// The scopes to ask for; empty: the parameter is left out. A step-up keeps what is held and adds
/// what the challenge names, whatever else was wanted.
pub(super) fn chosen(choice: &Choice<'_>) -> Vec<String> {
    let named = if choice.challenged.is_empty() { choice.of_resource } else { choice.challenged };
    let mut scopes = union(choice.held, choice.wanted.unwrap_or(named));
    if choice.wanted.is_some() {
        let missing = if choice.held.is_empty() { &[] } else { choice.challenged };
        return union(&scopes, missing);
    }
    let listed = choice.of_server.iter().any(|scope| scope == OFFLINE_ACCESS);
    if choice.offline_access && listed {
        scopes = union(&scopes, &[OFFLINE_ACCESS.to_owned()]);
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        split(text)
    }

    #[test]
    fn what_can_be_a_scope() {
        let long = "x".repeat(257);
        let text = format!("  read  write\tread a\"b a\\b ä files:read/* {long} ");
        assert_eq!(split(&text), ["read", "write", "files:read/*"]);
        let many: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        assert_eq!(union(&many, &many).len(), 64);
        assert_eq!(union(&list("a b"), &list("c b a d")), ["a", "b", "c", "d"]);
    }

    /// wanted, challenged, resource's, server's, held, asked for `offline_access` -> scopes.
    #[test]
    fn which_scopes_are_asked_for() {
        let cases = [
            (None, "", "", "", "", true, ""),
            (None, "a", "b c", "x", "", true, "a"),
            (None, "", "b c", "x", "", true, "b c"),
            (None, "", "b", "x offline_access", "", true, "b offline_access"),
            (None, "", "b", "x offline_access", "", false, "b"),
            (None, "", "", "offline_access", "", true, "offline_access"),
            (None, "", "offline_access b", "offline_access", "", true, "offline_access b"),
            // The metadata of the resource do not decide about offline_access.
            (None, "", "b offline_access", "x", "", true, "b offline_access"),
            (None, "c", "b", "", "a b", true, "a b c"),
            (None, "", "b", "", "a", true, "a b"),
            (Some("w"), "a", "b", "offline_access", "", true, "w"),
            (Some(""), "a", "b", "offline_access", "", true, ""),
            (Some("w"), "c", "b", "", "a", true, "a w c"),
        ];
        for (wanted, challenged, of_resource, of_server, held, offline_access, expected) in cases {
            let wanted = wanted.map(list);
            let choice = Choice {
                wanted: wanted.as_deref(),
                challenged: &list(challenged),
                of_resource: &list(of_resource),
                of_server: &list(of_server),
                held: &list(held),
                offline_access,
            };
            assert_eq!(chosen(&choice).join(" "), expected, "{choice:?}");
        }
    }
}
