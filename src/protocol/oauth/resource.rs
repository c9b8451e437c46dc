//! The protected resource: its metadata, and whether they are those of the target (RFC 9728).

use serde::{Deserialize, Serialize};
use url::Url;

use super::exchange::shown;
use super::refusal::What;
use crate::model::profile::oauth::{OAuth, ResourceMatch, ResourceParameter};

/// Metadata of a protected resource, as far as a client uses them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    let url = bare(target);
    let text = url.to_string();
    if url.query().is_some() { text } else { text.trim_end_matches('/').to_owned() }
}

/// Whether a resource that metadata name is the target, by the client's own rule.
pub(super) fn check(found: &str, target: &Url, rule: ResourceMatch) -> Result<(), What> {
    let agrees = Url::parse(found).is_ok_and(|found| match rule {
        ResourceMatch::Exact => bare(&found) == bare(target),
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

/// A URL without its fragment, which is never sent.
fn bare(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url
}

/// Whether one path is another or one above it, by whole segments; a slash at the end says nothing,
/// as the Python SDK has it.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::sample;
    use crate::protocol::oauth::rehearsal::url;

    #[test]
    fn the_canonical_form() {
        let cases = [
            ("HTTPS://Tools.Test:443/A/Mcp/", "https://tools.test/A/Mcp"),
            ("https://tools.test", "https://tools.test"),
            ("https://tools.test/", "https://tools.test"),
            ("https://tools.test:8443/mcp#part", "https://tools.test:8443/mcp"),
            ("https://tools.test/mcp/?tenant=/", "https://tools.test/mcp/?tenant=/"),
        ];
        for (target, expected) in cases {
            assert_eq!(canonical(&url(target)), expected);
        }
    }

    /// resource named -> whether it is the target's exactly, by the SDKs' rule.
    #[test]
    fn whose_metadata_they_are() {
        let cases = [
            ("https://tools.test/a/mcp", true, true),
            ("https://TOOLS.test:443/a/mcp", true, true),
            ("https://tools.test/a/mcp/", false, true),
            ("https://tools.test/a", false, true),
            ("https://tools.test/a/", false, true),
            ("https://tools.test", false, true),
            ("https://tools.test/a/m", false, false),
            ("https://tools.test/a/mcp/deeper", false, false),
            ("https://tools.test/b", false, false),
            ("http://tools.test/a/mcp", false, false),
            ("https://tools.test:8443/a/mcp", false, false),
            ("https://evil.test/a/mcp", false, false),
            ("https://tools.test.evil.test/a/mcp", false, false),
            ("urn:mcp:tools", false, false),
            ("/a/mcp", false, false),
        ];
        let target = url("https://tools.test/a/mcp");
        for (found, exact, prefix) in cases {
            let is = |rule| check(found, &target, rule).is_ok();
            assert_eq!(is(ResourceMatch::Exact), exact, "{found} exactly");
            assert_eq!(is(ResourceMatch::Prefix), prefix, "{found} by prefix");
        }
    }

    #[test]
    fn what_is_sent_as_resource() {
        let target = url("https://tools.test/a/mcp/");
        let named = Resource { resource: "https://Tools.test/a".to_owned(), ..Resource::default() };
        let cases = [
            (ResourceParameter::Named, Some(&named), Some("https://Tools.test/a")),
            (ResourceParameter::Named, None, None),
            (ResourceParameter::Canonical, Some(&named), Some("https://tools.test/a/mcp")),
            (ResourceParameter::Canonical, None, Some("https://tools.test/a/mcp")),
        ];
        for (rule, found, expected) in cases {
            let profile = OAuth { resource: rule, ..sample::oauth() };
            assert_eq!(parameter(&profile, found, &target).as_deref(), expected, "{rule:?}");
        }
    }
}
