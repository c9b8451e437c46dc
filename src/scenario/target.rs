//! `[target]`: the server under test, and whether it may be loaded at all.

use url::Url;

use crate::model::plan::{Health, Target, TargetUrl, Transport, same_origin};

use super::reach;
use super::reader::Table;
use super::scalar::{Wrong, text_of};

/// MCP requests a second that a target off loopback gets unless its scenario says more.
pub const CAREFUL_RATE: f64 = 20.0;

/// Reads `[target]`; `authorised` when the command line says so already.
pub fn read(target: &Table<'_>, authorised: bool) -> Option<Target> {
    let url = target
        .key("url", "Where the target is: \"practice\" starts the practice target.")
        .read("\"practice\" or an http:// or https:// URL", |node| url_of(text_of(node)?))
        .required();
    let transports = [Transport::Auto, Transport::Streamable, Transport::HttpSse]
        .map(|transport| (transport.word(), transport));
    let transport = target
        .key("transport", "How MCP is carried; auto finds out.")
        .word(&transports, &[])
        .or_as(Transport::Auto, "\"auto\"");
    let protocol = target
        .key("protocol", "Protocol revision to speak; auto takes what profile and target agree on.")
        .word(&REVISIONS.map(|name| (name, name)), &[])
        .or_as("auto", "\"auto\"");
    let protocol = Some(protocol).filter(|name| *name != "auto").map(str::to_owned);
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
        .key(
            "max_rate",
            "MCP requests a second, never exceeded; 20 off loopback. Pages come on top.",
        )
        .number(0.1..=1_000_000.0)
        .optional();
    let reach = reach::read(target, url.as_ref());

    let authorised = permitted || authorised;
    let (health, metrics) = (health.flatten(), metrics.flatten());
    let url = url?;
    let shown = match &url {
        TargetUrl::Practice => "practice".to_owned(),
        TargetUrl::Url(url) => shown(target, url),
    };
    let mut read = Target {
        url,
        shown,
        transport,
        protocol,
        authorised,
        mine,
        health,
        metrics,
        max_rate,
        reach,
    };
    permit(target, &read);
    if max_rate.is_none() && !read.is_loopback() {
        read.max_rate = Some(CAREFUL_RATE);
    }
    Some(read)
}

/// The revisions there are, newest first, and the word for whatever is agreed on.
const REVISIONS: [&str; 6] =
    ["auto", "2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// Nobody loads somebody else's server by accident, nor asks pages of somebody else's.
fn permit(table: &Table<'_>, target: &Target) {
    let refuse = |key: &str, what: &str| {
        let found = format!("{what} is not on this machine, and nobody said that you may load it");
        let right = "add --i-am-authorised, or authorised = true in [target], if you may";
        table.log().wrong(table.place_of(key), found, right);
    };
    if target.authorised {
        return;
    }
    if !target.is_loopback() {
        refuse("url", "the target");
    }
    let pages = [
        ("health", target.health.as_ref().map(|health| &health.url)),
        ("metrics", target.metrics.as_ref().map(|metrics| &metrics.url)),
    ];
    for (key, page) in pages {
        let elsewhere = |url: &String| {
            let is_its = matches!(&target.url, TargetUrl::Url(its) if same_origin(its, url));
            !url.starts_with('/') && !is_its && !TargetUrl::Url(url.clone()).is_loopback()
        };
        if page.is_some_and(elsewhere) {
            refuse(key, "this page");
        }
    }
}

fn url_of(text: &str) -> Result<TargetUrl, Wrong> {
    if text == "practice" {
        return Ok(TargetUrl::Practice);
    }
    let such = "expected \"practice\" or a URL such as \"http://127.0.0.1:8000/mcp\"";
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => {
            format!("it has no http:// or https://: {such}")
        }
        other => format!("{other}: {such}"),
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("squall does not speak {}: {such}", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials do not belong into a URL: use [auth] kind = \"basic\"".to_owned());
    }
    if url.fragment().is_some() {
        return Err("a fragment (#...) is never sent: remove it".to_owned());
    }
    // `http:host` and the like parse, too; two slashes are what a person means.
    if !text.get(url.scheme().len()..).is_some_and(|rest| rest.starts_with("://")) {
        return Err(such.to_owned());
    }
    Ok(TargetUrl::Url(url.into()))
}

fn health_of(health: &Table<'_>) -> Option<Health> {
    let url = health
        .key("url", "The page: a path on the target's origin, or an http:// or https:// URL.")
        .read("a path such as \"/health\", or an http:// or https:// URL", |node| {
            page_of(text_of(node)?, "/health")
        })
        .required();
    let status = health.key("status", "The status of a healthy answer.").count(100..=599).or(200);
    let url = url?;
    let shown = shown(health, &url);
    Some(Health { url, shown, status: u16::try_from(status).unwrap_or(200) })
}

/// A table's URL as it may be shown: with `${NAME}` in it, and without query, which may hold keys.
pub(super) fn shown(table: &Table<'_>, url: &str) -> String {
    let written = table.log().before(table.place_of("url"), url);
    written.split(['?', '#']).next().unwrap_or_default().to_owned()
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
            ("https://localhost:443/mcp", "https://localhost/mcp"),
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
            ("https:localhost", "expected"),
            ("http://me:pass@localhost/", "credentials"),
            ("http://localhost/#x", "fragment"),
        ];
        for (text, part) in bad {
            let wrong = url_of(text).expect_err(text);
            assert!(wrong.contains(part), "{text}: {wrong}");
        }
    }
}
