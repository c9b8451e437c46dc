//! `[target]`: the server under test, and whether it may be loaded at all.

use url::Url;

use crate::model::plan::{Health, Target, TargetUrl};

use super::reader::Table;
use super::scalar::{Wrong, text_of};

/// HTTP exchanges a second that a target off loopback gets unless its scenario says more.
pub const CAREFUL_RATE: f64 = 20.0;

/// Reads `[target]`; `authorised` when the command line says so already.
pub fn read(target: &Table<'_>, authorised: bool) -> Option<Target> {
    let url = target
        .key("url", "Where the target is: \"practice\" starts the practice target.")
        .read("\"practice\" or an http:// URL", |node| url_of(text_of(node)?))
        .required();
    target
        .key("transport", "How MCP is carried; auto finds out.")
        .word(&[("auto", ()), ("streamable-http", ())], &["http+sse", "sse"])
        .or_as((), "\"auto\"");
    target
        .key("protocol", "Protocol revision to speak; auto takes the client profile's.")
        .word(&[("auto", ()), ("2025-11-25", ())], &LATER_REVISIONS)
        .or_as((), "\"auto\"");
    let permitted = target
        .key("authorised", "You may load this target; needed off loopback.")
        .truth()
        .or(false);
    let mine = target
        .key("mine", "You own this target; needed for genuine identity off loopback.")
        .truth()
        .or(false);
    let health = target.optional_table(
        "health",
        "A page asked before, during and after the run.",
        |health| health_of(health),
    );
    let metrics = target.optional_table(
        "metrics",
        "The target's own Prometheus page, asked once a second and drawn beside squall's figures.",
        |metrics| super::metrics::read(metrics),
    );
    let max_rate = target
        .key("max_rate", "HTTP exchanges a second that are never exceeded; 20 off loopback.")
        .number(0.1..=1_000_000.0)
        .optional();
    refuse_later(target);

    let authorised = permitted || authorised;
    let url = url?;
    permit(target, "url", &url, authorised);
    let (health, metrics) = (health.flatten(), metrics.flatten());
    let pages = [
        ("health", health.as_ref().map(|health| &health.url)),
        ("metrics", metrics.as_ref().map(|metrics| &metrics.url)),
    ];
    for (key, page) in pages {
        if let Some(page) = page.filter(|page| !page.starts_with('/')) {
            permit(target, key, &TargetUrl::Url(page.clone()), authorised);
        }
    }
    let max_rate = max_rate.or((!url.is_loopback()).then_some(CAREFUL_RATE));
    Some(Target { url, authorised, mine, health, metrics, max_rate })
}

const LATER_REVISIONS: [&str; 4] = ["2026-07-28", "2025-06-18", "2025-03-26", "2024-11-05"];

fn refuse_later(target: &Table<'_>) {
    for key in ["tls", "ca", "insecure"] {
        target.later(key, "TLS");
    }
}

/// Nobody loads somebody else's server by accident.
fn permit(target: &Table<'_>, key: &str, url: &TargetUrl, authorised: bool) {
    if !authorised && !url.is_loopback() {
        let what = if key == "url" { "the target" } else { "this page" };
        let found = format!("{what} is not on this machine, and nobody said that you may load it");
        let right = "add --i-am-authorised, or authorised = true in [target], if you may";
        target.log().wrong(target.place_of(key), found, right);
    }
}

fn url_of(text: &str) -> Result<TargetUrl, Wrong> {
    if text == "practice" {
        return Ok(TargetUrl::Practice);
    }
    let such = "expected \"practice\" or a URL such as \"http://127.0.0.1:8000/mcp\"";
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => format!("it has no http://: {such}"),
        other => format!("{other}: {such}"),
    })?;
    match url.scheme() {
        "http" => {}
        "https" => return Err("squall does not know TLS yet: use an http:// URL".to_owned()),
        other => return Err(format!("squall does not speak {other}: {such}")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials do not belong into a URL: use [auth] kind = \"basic\"".to_owned());
    }
    if url.fragment().is_some() {
        return Err("a fragment (#...) is never sent: remove it".to_owned());
    }
    // `http:host` and the like parse, too; two slashes are what a person means.
    if !text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://")) {
        return Err(such.to_owned());
    }
    Ok(TargetUrl::Url(url.into()))
}

fn health_of(health: &Table<'_>) -> Option<Health> {
    let url = health
        .key("url", "The page: a path on the target's origin, or an http:// URL.")
        .read("a path such as \"/health\", or an http:// URL", |node| {
            page_of(text_of(node)?, "/health")
        })
        .required();
    let status = health.key("status", "The status of a healthy answer.").count(100..=599).or(200);
    Some(Health { url: url?, status: u16::try_from(status).unwrap_or(200) })
}

/// The URL of a page beside the endpoint: a path on its origin, or absolute.
pub(super) fn page_of(text: &str, such: &str) -> Result<String, Wrong> {
    if text.starts_with('/') && !text.starts_with("//") {
        return Ok(text.to_owned());
    }
    match url_of(text)? {
        TargetUrl::Url(url) => Ok(url),
        TargetUrl::Practice => Err(format!("expected a path such as {such:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::url_of;

    #[test]
    fn only_plain_absolute_urls_are_targets() {
        let good = [
            ("http://127.0.0.1:8000/mcp", "http://127.0.0.1:8000/mcp"),
            ("HTTP://LOCALHOST", "http://localhost/"),
            ("http://[::1]/mcp?x=1", "http://[::1]/mcp?x=1"),
        ];
        for (text, url) in good {
            assert_eq!(url_of(text), Ok(super::TargetUrl::Url(url.to_owned())), "{text}");
        }
        let bad = [
            ("127.0.0.1:8000", "expected"),
            ("/mcp", "expected"),
            ("http://", "expected"),
            ("http:localhost", "expected"),
            ("ftp://localhost/", "squall does not speak ftp"),
            ("https://localhost/mcp", "TLS"),
            ("http://me:pass@localhost/", "credentials"),
            ("http://localhost/#x", "fragment"),
        ];
        for (text, part) in bad {
            let wrong = url_of(text).expect_err(text);
            assert!(wrong.contains(part), "{text}: {wrong}");
        }
    }
}
