//! Which scopes are asked for.
//!
//! MCP specification 2025-11-25, basic/authorization, "Scope Selection Strategy": what the
//! challenge names; else all that the metadata of the resource list; else no parameter at all.

/// The scope that a refresh token may be tied to (OpenID Connect Core 1.0, section 11).
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

/// The scopes to ask for; empty: the parameter is left out.
pub(super) fn chosen(choice: &Choice<'_>) -> Vec<String> {
    if let Some(wanted) = choice.wanted {
        return wanted.to_vec();
    }
    let asked = if choice.challenged.is_empty() { choice.of_resource } else { choice.challenged };
    let mut scopes = union(choice.held, asked);
    let listed = choice.of_server.iter().any(|scope| scope == OFFLINE_ACCESS);
    if choice.offline_access && listed && !scopes.iter().any(|scope| scope == OFFLINE_ACCESS) {
        scopes.push(OFFLINE_ACCESS.to_owned());
    }
    scopes
}
