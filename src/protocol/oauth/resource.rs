//! The protected resource: its metadata, and whether they are those of the target (RFC 9728).

use url::Url;

use super::exchange::shown;
use super::refusal::What;
use crate::model::profile::oauth::{OAuth, ResourceMatch, ResourceParameter};

/// Metadata of a protected resource, as far as a client uses them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource {
    /// `resource`, as it is written.
    pub resource: String,
    /// `authorization_servers`; a client takes the first.
    pub servers: Vec<String>,
    /// `scopes_supported`.
    pub scopes: Vec<String>,
}

/// The target's URL as a resource: scheme and host in lower case, no fragment, no trailing slash
/// (MCP specification, basic/authorization, "Canonical Server URI").
pub fn canonical(target: &Url) -> String {
    let mut url = target.clone();
    url.set_fragment(None);
    let text = url.to_string();
    if url.query().is_some() { text } else { text.trim_end_matches('/').to_owned() }
}

/// Whether a resource that metadata name is the target, by the client's own rule.
pub(super) fn check(found: &str, target: &Url, rule: ResourceMatch) -> Result<(), What> {
    let agrees = Url::parse(found).is_ok_and(|found| match rule {
        ResourceMatch::Exact => canonical(&found) == canonical(target),
        ResourceMatch::Prefix => {
            found.origin() == target.origin() && is_above(found.path(), target.path())
        }
    });
    if agrees {
        return Ok(());
    }
    let rule = match rule {
        ResourceMatch::Exact => "it must be the same URL (RFC 9728 section 3.3)",
        ResourceMatch::Prefix => {
            "it must have the same origin and a path at or above (RFC 9728 section 3.3)"
        }
    };
    let found =
        Url::parse(found).map_or_else(|_| super::reading::cut(found, 200), |url| shown(&url));
    Err(What::OtherResource { found, target: shown(target), rule })
}

/// Whether one path is another or one above it, by whole segments.
fn is_above(above: &str, path: &str) -> bool {
    let above = above.trim_end_matches('/');
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the client sends as `resource` (RFC 8707).
pub(super) fn parameter(
    profile: &OAuth,
    resource: Option<&Resource>,
    target: &Url,
) -> Option<String> {
    match profile.resource {
        ResourceParameter::Named => resource.map(|resource| resource.resource.clone()),
        ResourceParameter::Canonical => Some(canonical(target)),
    }
}
