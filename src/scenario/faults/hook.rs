//! Hooks: a program or an HTTP request at a point of the timeline.

use std::time::Duration;

use crate::model::fault::outside::{Action, Hook, Request};
use crate::model::fault::{Fault, What};
use crate::model::plan::{Plan, TargetUrl};
use crate::scenario::document::Node;
use crate::scenario::mistake::Place;
use crate::scenario::reader::Table;
use crate::scenario::scalar::{Wrong, text_of};
use crate::scenario::target::{page_of, shown};

use super::{Kind, toxiproxy};

/// Its kinds.
pub(super) const KINDS: &[Kind] = &[Kind {
    name: "hook",
    keys: &["command", "url", "method", "body", "status", "timeout", "cleanup"],
    read: |table| hook(table).map(What::Hook),
}];

/// A hook comes again so much later, at least.
const SHORTEST: Duration = Duration::from_secs(1);
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// Keys of a request.
const OF_REQUESTS: [&str; 3] = ["method", "body", "status"];

fn hook(table: &Table<'_>) -> Option<Hook> {
    let doc = "The program and its arguments that are run when the window begins.";
    let command = program(table, "command", doc);
    let doc = "The URL that is asked when the window begins, instead of a command.";
    let url = table.key("url", doc).read("an http:// or https:// URL", request_url).optional();
    let doc = "The method of that request; without it GET, or POST where there is a body.";
    let method = table.key("method", doc).word(&METHODS.map(|name| (name, name)), &[]).optional();
    let body = table.key("body", "The body of that request.").text().optional();
    let doc = "The one status that is well; without it any of 200 to 299.";
    let status = table.key("status", doc).count(100..=599).optional();
    let doc = "It is ended, with all it started, when it takes longer; so is the cleanup.";
    let most = Duration::from_secs(3600);
    let timeout = table.key("timeout", doc).duration(Duration::from_millis(1)..=most);
    let timeout = timeout.or(Duration::from_secs(30));
    let doc = "A program that is run when the window ends, or with the run, whatever happened.";
    let cleanup = program(table, "cleanup", doc);
    let wrong =
        |place: Place, found: &str, right: &str| table.log().wrong(place, found.to_owned(), right);
    match (table.given("command"), table.given("url")) {
        (None, None) => {
            let right = "add command = [\"...\"], or url = \"...\"";
            wrong(table.place(), "a hook that does nothing", right);
            return None;
        }
        (Some(_), Some(place)) => {
            wrong(place, "a hook does one thing", "remove command or url, or write two faults");
        }
        (Some(_), None) => {
            for place in OF_REQUESTS.iter().filter_map(|key| table.given(key)) {
                wrong(place, "this belongs to a request, and the hook has none", "remove it");
            }
        }
        (None, Some(_)) => {}
    }
    for key in ["share", "match"] {
        if let Some(place) = table.given(key) {
            wrong(place, &format!("{key} of a hook"), "remove it: a hook acts once for all");
        }
    }
    let action = match (command, url) {
        (Some(command), _) => Action::Command(command),
        (None, Some(url)) => {
            let shown = shown(table, &url);
            let method = method.unwrap_or(if body.is_some() { "POST" } else { "GET" }).to_owned();
            let status = status.and_then(|status| u16::try_from(status).ok());
            Action::Request(Request { url, shown, method, body, status })
        }
        (None, None) => return None,
    };
    Some(Hook { action, timeout, cleanup })
}

fn program(table: &Table<'_>, key: &'static str, doc: &'static str) -> Option<Vec<String>> {
    let command = table.key(key, doc);
    let command = command.each("a list of texts", |node| text_of(node).map(str::to_owned));
    let command = command.optional()?;
    if command.first().is_none_or(String::is_empty) {
        let right = "expected a program, such as [\"sh\", \"-c\", \"...\"]";
        table.log().wrong(table.place_of(key), format!("{key} names no program"), right);
        return None;
    }
    Some(command)
}

fn request_url(node: &Node) -> Result<String, Wrong> {
    let text = text_of(node)?;
    if text.starts_with('/') || text == "practice" {
        return Err("expected a whole URL such as \"http://127.0.0.1:8000/restart\"".to_owned());
    }
    page_of(text, "")
}

/// What a hook cannot do in this scenario.
pub(super) fn refuse(root: &Table<'_>, plan: &Plan, (fault, place): (&Fault, Place), hook: &Hook) {
    if fault.when.every.is_some_and(|every| every < SHORTEST) {
        let right = "let every be a second or more";
        root.log().wrong(place, "a hook that comes again within a second", right);
    }
    if let Action::Request(request) = &hook.action
        && !plan.target.authorised
        && !TargetUrl::Url(request.url.clone()).is_loopback()
    {
        toxiproxy::elsewhere(root, place, "the url of this hook");
    }
}
