//! `squall probe`: one careful client, what it found, and an exit code.
#![expect(clippy::disallowed_methods, reason = "the environment is read here and handed down")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::args::ScenarioArgs;
use super::plan::{self, Mistaken};
use super::run::refuse;
use super::{login, terminal};
use crate::conduct::probe::{self, Order};
use crate::edge::files;
use crate::model::plan::Plan;
use crate::render::probe::text;
use crate::scenario::{self, Input};

/// A plan without a load: only its target, what is presented there, and its tools are used.
const SCENARIO: &str = r#"
name = "probe"
[target]
url = "http://127.0.0.1/mcp"
[clients]
profile = "spec"
override = { connect_timeout = "15s" }
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

/// What is probed, and as whom.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ProbeArgs {
    /// The MCP endpoint: `https://tools.example.com/mcp`
    #[arg(required_unless_present = "scenario")]
    pub url: Option<String>,
    /// Take `[target]`, `[auth]` and `[tools.arguments]` of this scenario; URL then replaces its target
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// The environment variable that holds a bearer token
    #[arg(long, value_name = "NAME", conflicts_with_all = ["scenario", "login"])]
    pub bearer_env: Option<String>,
    /// Have a person log in, in a browser on this machine
    #[arg(long, conflicts_with = "scenario")]
    pub login: bool,
    /// The tool to call, instead of the first that is annotated readOnlyHint
    #[arg(long, value_name = "NAME")]
    pub tool: Option<String>,
    /// Print what was found as JSON; without a result, an object with the members `error`, a text,
    /// and `exit_code`
    #[arg(long)]
    pub json: bool,
    /// I may ask a target that is not on this machine
    #[arg(long)]
    pub i_am_authorised: bool,
}

const EXAMPLES: &str = "\
Examples:
  squall probe http://127.0.0.1:8000/mcp
  squall probe https://tools.example.com/mcp --i-am-authorised --login
  TOKEN=... squall probe https://tools.example.com/mcp --i-am-authorised --bearer-env TOKEN --json

Exit codes: 0 nothing failed that is medium or above; 2 a mistake in the arguments; 3 there was no
session: no connection, no handshake, or no token; 4 a check, or a rule of the protocol, failed
at medium or above.";

/// Probes, prints.
pub fn run(arguments: &ProbeArgs) -> anyhow::Result<ExitCode> {
    if let Some(name) = &arguments.bearer_env
        && std::env::var_os(name).is_none_or(|token| token.is_empty())
    {
        let said = format!(
            "squall: --bearer-env names {name}, which the environment does not have: export it before \
             starting squall"
        );
        return refuse(arguments.json, &said, &said, 2);
    }
    let plan = match plan(arguments)? {
        Ok(plan) => plan,
        Err(wrong) => {
            let (shown, plain) = (wrong.text(terminal::colour()), wrong.text(false));
            return refuse(arguments.json, &shown, &plain, 2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let probed = runtime.block_on(probe::probe(Order { plan, ask: login::ask() }));
    runtime.shutdown_background();
    let probed = match probed {
        Ok(probed) => probed,
        Err(error) => {
            let said = format!("squall: {error}");
            return refuse(arguments.json, &said, &said, error.exit_code());
        }
    };
    let result = if arguments.json {
        format!("{}\n", serde_json::to_string_pretty(&probed)?)
    } else {
        text(&probed)
    };
    terminal::result(&result).context("cannot write to standard output")?;
    Ok(ExitCode::from(probed.exit_code))
}

fn plan(arguments: &ProbeArgs) -> anyhow::Result<Result<Plan, Mistaken>> {
    let ProbeArgs { url, bearer_env, tool, i_am_authorised, .. } = arguments;
    let mut overrides = Vec::new();
    if let Some(name) = bearer_env {
        overrides.push("auth.kind=\"bearer\"".to_owned());
        overrides.push(format!("auth.token=\"${{{name}}}\""));
    }
    if arguments.login {
        overrides.push("auth.consent=\"browser\"".to_owned());
    }
    let of_file = match &arguments.scenario {
        None => None,
        Some(scenario) => {
            let (scenario, target) = (scenario.clone(), url.clone());
            let (overrides, seed, i_am_authorised) = (Vec::new(), None, *i_am_authorised);
            let asked = ScenarioArgs { scenario, target, overrides, seed, i_am_authorised };
            match plan::read(&asked)? {
                Ok(plan) => Some(plan),
                Err(wrong) => return Ok(Err(wrong)),
            }
        }
    };
    let base = scenario::read(&Input {
        text: SCENARIO,
        file: "probe.toml",
        overrides: &overrides,
        target: url.as_deref().filter(|_| of_file.is_none()),
        authorised: *i_am_authorised,
        environment: &|name| std::env::var(name).ok(),
        files: &|path| files::read(path).map_err(|error| error.to_string()),
    });
    let mut plan = match base {
        Ok(plan) => plan,
        Err(mistakes) => return Ok(Err(Mistaken::Scenario(mistakes))),
    };
    if let Some(Plan { target, auth, environment, tools, practice, .. }) = of_file {
        plan.tools.arguments = tools.arguments;
        plan = Plan { target, practice, auth, environment, ..plan };
    }
    if let Some(tool) = tool {
        plan.tools.allow = Some(vec![tool.clone()]);
    }
    Ok(Ok(plan))
}
