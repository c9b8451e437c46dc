//! `squall conformance`: the official suite's client, driven through the environment that the
//! suite sets (`@modelcontextprotocol/conformance`, "client").
#![expect(clippy::disallowed_methods, reason = "the suite speaks through the environment")]

use std::process::ExitCode;

use anyhow::{Context as _, anyhow};

use super::args::ConformanceArgs;
use super::terminal;
use crate::conduct::conformance::{Context, PATIENCE, conform};
use crate::edge::clock::Clock;
use crate::model::plan::Plan;
use crate::scenario::{self, Input};

/// A load of one client; only how it connects is used.
const SCENARIO: &str = r#"
name = "conformance"
[target]
url = "practice"
[clients]
profile = "spec"
override = { oauth = { metadata_document = "https://conformance-test.local/client-metadata.json" } }
[auth]
kind = "oauth"
[load]
behaviour = "steady"
model = "closed"
stages = [{ over = "1s", to = 1 }]
[load.steady]
calls = 1
think = "1s"
"#;

/// Connects, looks, calls, leaves; says on standard error what came of each call.
pub fn run(arguments: &ConformanceArgs) -> anyhow::Result<ExitCode> {
    let version = variable("MCP_CONFORMANCE_PROTOCOL_VERSION");
    let mut context = match variable("MCP_CONFORMANCE_CONTEXT") {
        Some(text) => serde_json::from_str(&text).context("MCP_CONFORMANCE_CONTEXT")?,
        None => Context::default(),
    };
    let Some(mut plan) = plan(&arguments.url, version) else { return Ok(ExitCode::from(2)) };
    context.introduce(&mut plan, is_trusted());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let clock = Clock::real();
        let conform = Box::pin(conform(&plan, &arguments.url, &context));
        clock.by(clock.now() + PATIENCE, conform).await
    });
    let ends = ended.ok_or_else(|| anyhow!("not done within {} s", PATIENCE.as_secs()))??;
    for (tool, class) in ends {
        terminal::say(&format!("{tool:?}: {}\n", class.name()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The plan of a client that speaks this revision; `None` when its mistakes have been shown.
fn plan(url: &str, version: Option<String>) -> Option<Plan> {
    let protocol = version.map(|version| format!("target.protocol={version:?}"));
    let read = scenario::read(&Input {
        text: SCENARIO,
        file: "conformance.toml",
        overrides: &Vec::from_iter(protocol),
        target: Some(url),
        authorised: false,
        environment: &|_| None,
        files: &|_| Err(String::new()),
    });
    read.map_err(|mistakes| terminal::say(&mistakes.render(terminal::colour()))).ok()
}

/// Whether the scenario is about a client that is trusted itself; its context does not say.
fn is_trusted() -> bool {
    variable("MCP_CONFORMANCE_SCENARIO").is_some_and(|it| it.starts_with("auth/client-credentials"))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
