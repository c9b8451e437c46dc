//! A scenario's text in, a plan or every mistake at once out.

use crate::model::plan::{IdentityMode, Plan};

use super::clients::{self, Files};
use super::document::{self, Table as Tree};
use super::environment::{self, Lookup};
use super::log::{KeyLine, Log};
use super::mistake::{Mistakes, Place};
use super::reader::Table;
use super::{auth, expect, generator, load, overrides, practice, source, target, tools};

/// What a scenario is read from. Nothing here is I/O: the caller owns files and environment.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The file's text.
    pub text: &'a str,
    /// The file's name, for messages; its stem is the name of a scenario that gives none.
    pub file: &'a str,
    /// `KEY=VALUE` of each `--set`, in order.
    pub overrides: &'a [String],
    /// The URL of `--target`.
    pub target: Option<&'a str>,
    /// `--i-am-authorised` was given.
    pub authorised: bool,
    /// The environment that `${NAME}` reads.
    pub environment: Lookup<'a>,
    /// Reads a profile file that the scenario names by its path.
    pub files: Files<'a>,
}

/// Reads a scenario; all its mistakes at once if it has any.
pub fn read(input: &Input<'_>) -> Result<Plan, Mistakes> {
    let log = Log::default();
    let plan = whole(input, &log);
    match plan {
        Some(plan) if log.is_clean() => Ok(plan),
        _ => Err(log.mistakes()),
    }
}

/// The key table: every key a scenario may contain, with kind, default and meaning.
pub fn keys() -> Vec<KeyLine> {
    let log = Log::default();
    let place = Place { source: log.add_source(Some(""), ""), span: None };
    let tree = Tree::default();
    log.muted(|| drop(sections(&Table::new(&log, "", place, Some(&tree)), &NOTHING)));
    log.keys()
}

const NOTHING: Input<'static> = Input {
    text: "",
    file: "scenario.toml",
    overrides: &[],
    target: None,
    authorised: false,
    environment: &|_| None,
    files: &|_| Err(String::new()),
};

fn whole(input: &Input<'_>, log: &Log) -> Option<Plan> {
    let file = log.add_source(Some(input.file), input.text);
    let (tree, text) = laid_over(input, log, file)?;
    let mut tree = tree;
    let mistakes = environment::fill(&mut tree, input.environment, &log.sources());
    mistakes.into_iter().for_each(|mistake| log.mistake(mistake));
    let root = Table::new(log, "", Place { source: file, span: None }, Some(&tree));
    let plan = sections(&root, input);
    root.close();
    plan.map(|plan| Plan { source: text, ..plan })
}

/// The file with the command line laid over it, and the text that may be shown for both.
fn laid_over(input: &Input<'_>, log: &Log, file: usize) -> Option<(Tree, String)> {
    let set: Vec<_> = input.overrides.iter().map(|set| overrides::set(log, set)).collect();
    let target = input.target.map(|url| Some(overrides::target(log, url)));
    let parsed = document::parse(input.text, file, 0);
    let mut tree = match parsed {
        Ok(tree) => tree,
        Err(mistakes) => {
            for (start, end) in source::guessed_secrets(input.text) {
                log.secret(Place { source: file, span: Some((start, end)) });
            }
            mistakes.into_iter().for_each(|mistake| log.mistake(mistake));
            return None;
        }
    };
    let mut secrets = source::secrets(&tree);
    secrets.sort_unstable();
    secrets.iter().for_each(|place| log.secret(*place));
    let spans: Vec<_> = secrets.iter().filter_map(|place| place.span).collect();
    let mut text = source::shown(input.text, &spans);
    for line in set.into_iter().chain(target).flatten() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("# {}\n", line.shown.replace('\n', "\n# ")));
        overrides::lay_over(&mut tree, line.table, log);
    }
    Some((tree, text))
}

fn sections(root: &Table<'_>, input: &Input<'_>) -> Option<Plan> {
    let name = root
        .key("name", "Its name, the report folder's too; else the file's.")
        .text()
        .or_as(stem(input.file), "the file's name");
    let seed = root.key("seed", "Seed of every chance in it.").integer(0..=u64::MAX).or(1);
    refuse_later(root);
    let target = root
        .table("target", "The server under test.", |table| target::read(table, input.authorised));
    let practice = root.table("practice", "The practice target's knobs.", practice::read);
    let auth = root.table("auth", "What every user presents.", auth::read);
    let doc = "Which client is simulated.";
    let clients = root.table("clients", doc, |table| clients::read(table, input.files));
    let load = root.table("load", "Who comes when and does what.", load::read);
    let tools = root.table("tools", "What may be called.", tools::read);
    let expect = root.table("expect", "What must hold.", expect::read);
    let doc = "Past these limits the generator was the bottleneck.";
    let generator = root.table("generator", doc, generator::read);
    let plan = Plan {
        name,
        seed,
        target: target?,
        practice,
        auth: auth?,
        clients: clients?,
        load: load?,
        tools,
        expect,
        generator,
        source: String::new(),
    };
    refuse_masks(root, &plan);
    Some(plan)
}

fn refuse_later(root: &Table<'_>) {
    root.later("fault", "faults");
    root.later("chaos", "faults");
    root.later("mischief", "faults");
}

/// A borrowed name leaves this machine only towards a target of its author's.
fn refuse_masks(root: &Table<'_>, plan: &Plan) {
    let genuine = plan.clients.identity == Some(IdentityMode::Genuine);
    if genuine && !plan.target.mine && !plan.target.url.is_loopback() {
        let found = "genuine identity towards a target that is not on this machine";
        let right = "write identity = \"honest\", or mine = true in [target] if you own it";
        root.log().wrong(place_of_identity(root), found, right);
    }
}

fn place_of_identity(root: &Table<'_>) -> Place {
    let clients = root.entries().iter().find(|entry| entry.key == "clients");
    let identity = clients.and_then(|entry| match &entry.node.value {
        document::Value::Table(table) => table.get("identity"),
        _ => None,
    });
    identity.map_or(root.place(), |entry| entry.node.place)
}

fn stem(file: &str) -> String {
    let stem = std::path::Path::new(file).file_stem().map(|stem| stem.to_string_lossy());
    stem.filter(|stem| !stem.is_empty()).map_or_else(|| "scenario".to_owned(), Into::into)
}
