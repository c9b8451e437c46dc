//! What can be typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::chaos::ChaosArgs;
use super::probe::ProbeArgs;
use super::serve::ServeArgs;

/// Load testing for remote MCP servers, as Claude's clients really use them.
#[derive(Debug, Parser)]
#[command(name = "squall", version, about, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 passed; 1 a fault of squall's own; 2 a mistake in the scenario or the arguments, or
nothing to call; 3 the target cannot be reached, refuses every handshake, speaks no revision that its
clients speak, or is not well before the load; 4 a threshold or a finding broke what was expected; 5
the run is not trustworthy: the generator was the bottleneck, or max_rate held the load back; 130
stopped by the user, the report is still written.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario and write its report.
    Run(RunArgs),
    /// Check a scenario and print its plan, without a single request.
    Check(CheckArgs),
    /// Look at a server with one careful client, step by step, and hold it to what reviewers of
    /// connectors ask.
    Probe(ProbeArgs),
    /// List the client profiles, say what one holds and where each value comes from, or what tells two
    /// apart.
    Profiles(ProfilesArgs),
    /// Draw a saved run again, from its run.json alone: the page, the pictures, junit.xml,
    /// summary.md.
    Report(ReportArgs),
    /// Print the JSON Schema of a scenario, for editors and CI.
    Schema(SchemaArgs),
    /// Print a shell's completions.
    Completions(CompletionsArgs),
    /// Print the manual page, as roff.
    Man,
    /// Serve the practice target: a small real MCP server to try scenarios on.
    Serve(ServeArgs),
    /// Put a proxy on the way to a server, and let faults befall what passes it: driven as
    /// Toxiproxy is, by its clients and scripts.
    Chaos(ChaosArgs),
    /// Be the client that the official conformance suite drives.
    #[command(hide = true)]
    Conformance(ConformanceArgs),
}

/// Which scenario, and what is different this time.
#[derive(Debug, Args)]
pub struct ScenarioArgs {
    /// The scenario file.
    pub scenario: PathBuf,
    /// The target to use instead of the scenario's; what the scenario says of its own alone
    /// (`host`, `resolve`, `tls.server_name`; `tls` without https) is left out on another origin
    #[arg(long, value_name = "URL")]
    pub target: Option<String>,
    /// Set any scenario key, with a TOML value or plain text: `--set load.speed=10 --set
    /// tools.allow='["echo"]'`. A dotted key sets one value; a table in braces replaces the
    /// scenario's: `--set target.tls={}`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// The seed to use instead of the scenario's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// I may put this load on a target that is not on this machine.
    #[arg(long)]
    pub i_am_authorised: bool,
}

/// Which profiles to look at.
#[derive(Debug, Args)]
pub struct ProfilesArgs {
    /// What to say of them [default: list those that come with squall].
    #[command(subcommand)]
    pub what: Option<Profiles>,
}

/// What is said of profiles.
#[derive(Debug, Subcommand)]
pub enum Profiles {
    /// Print every value of a profile: how sure it is, its month, and where it comes from.
    Show {
        /// Its name, `name@date`, or the path of a profile file
        name: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the values that two profiles do not share.
    Diff {
        /// The one
        one: String,
        /// The other
        other: String,
    },
}

/// How to show the plan.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Which scenario, and what is different this time.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// Print the plan as JSON: what run.json holds of it, and the warnings.
    #[arg(long)]
    pub json: bool,
}

/// How to run it.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Which scenario, and what is different this time.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// The report folder itself [default: reports/NAME-TIME].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print only the summary.
    #[arg(long)]
    pub quiet: bool,
    /// Print run.json's summary to standard output instead of the one for people; of a run that
    /// makes no report, an object with the members `error`, a text, and `exit_code`
    #[arg(long)]
    pub json: bool,
    /// Show goose's page with the closed model's users and their control [default address:
    /// 127.0.0.1:5117].
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:5117")]
    pub dashboard: Option<SocketAddr>,
}

/// Which run to draw.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run's folder, or its run.json.
    pub run: PathBuf,
    /// Where to put what is drawn; only files of those names are replaced [default: beside
    /// run.json].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Which schema.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Print the schema of run.json instead.
    #[arg(long)]
    pub run: bool,
}

/// Where the suite listens.
#[derive(Debug, Args)]
pub struct ConformanceArgs {
    /// The URL that the suite appends to its command.
    pub url: String,
}

/// Whose completions.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
}
