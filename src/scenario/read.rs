//! A scenario's text in, a plan or every mistake at once out.

use crate::model::plan::{IdentityMode, Plan};

use super::clients::{self, Files};
use super::document::{self, Table as Tree};
use super::environment::{self, Lookup};
use super::log::{KeyLine, Log};
use super::mistake::{Mistakes, Place};
use super::reader::Table;
use super::{auth, checks, expect, faults, generator, load, overrides, practice};
use super::{source, target, tools, trials};

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
    let (mut tree, text) = laid_over(input, log, file)?;
    environment::fill(&mut tree, input.environment, log);
    let root = Table::new(log, "", Place { source: file, span: None }, Some(&tree));
    let plan = sections(&root, input);
    root.close();
    plan.map(|plan| Plan { source: text, environment: log.environment(), ..plan })
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
                log.hide(&[Place { source: file, span: Some((start, end)) }]);
            }
            log.extend(mistakes);
            return None;
        }
    };
    let mut secrets = source::secrets(&tree, input.text);
    secrets.sort_unstable();
    log.hide(&secrets);
    let spans: Vec<_> = secrets.iter().filter_map(|place| place.span).collect();
    let mut text = source::shown(input.text, &spans);
    if !text.is_empty() && !text.ends_with('\n') && (!set.is_empty() || target.is_some()) {
        text.push('\n');
    }
    if let Some(gone) = input.target.and_then(|url| overrides::forget(&mut tree, url)) {
        text.extend(["# without ", &gone, ": about another target\n"]);
    }
    for line in set.into_iter().chain(target).flatten() {
        for line in line.shown.lines() {
            text.extend(["# ", line, "\n"]);
        }
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
    refuse_names(root);
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
    let doc = "A running Toxiproxy server, for faults that are toxics of it.";
    let toxiproxy = root.optional_table("toxiproxy", doc, faults::server);
    let doc = "What misbehaves, and when; several of them.";
    let faults = root.tables("fault", doc, faults::read);
    let mut plan = Plan {
        name,
        seed,
        target: target?,
        practice,
        auth: auth?,
        clients: clients?,
        load: load?,
        tools,
        expect,
        faults: Vec::new(),
        toxiproxy: toxiproxy.flatten(),
        generator,
        source: String::new(),
        environment: Vec::new(),
    };
    refuse_masks(root, &plan);
    checks::settle(root, &mut plan);
    faults::settle(root, &mut plan, faults.unwrap_or_default());
    trials::settle_faults(root, &mut plan);
    Some(plan)
}

fn refuse_names(root: &Table<'_>) {
    let right = "write [[fault]], with at, lasts and kind";
    for name in ["chaos", "mischief", "faults"] {
        root.never(name, "faults have another name", right);
    }
}

/// A borrowed name leaves this machine only towards a target of its author's.
fn refuse_masks(root: &Table<'_>, plan: &Plan) {
    let genuine = plan.clients.identity == Some(IdentityMode::Genuine);
    if genuine && !plan.target.mine && !plan.target.is_loopback() {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use crate::model::behaviour::{Behaviour, Subagents};
    use crate::model::finding::Severity;
    use crate::model::pace::{Arrivals, Herd, Pace, RateStage, Spacing, UserStage};
    use crate::model::plan::auth::{Browser, Consent, Flow, One};
    use crate::model::plan::checks::CheckLimits;
    use crate::model::plan::tokens::{Most, TokenLimits};
    use crate::model::plan::{
        Answers, Credential, Health, Http, IdentityMode, Metrics, Plan, Reach, Sessions, TargetUrl,
        Tls,
    };
    use crate::model::profile::{
        Confidence, Connections, Era, Ids, List, OnSessionLoss, ServerRequests,
    };
    use crate::model::secret::Secret;

    use super::super::profiles::{self, SHIPPED};
    use super::{Input, KeyLine, clients, keys, read};

    const EVERY_KEY: &str = include_str!("every-key.toml");

    const SHORTEST: &str = r#"
[target]
url = "practice"
[load]
behaviour = "chat"
stages = [{ over = "10s", to = "60/min" }]
"#;

    fn input(text: &str) -> Input<'_> {
        Input {
            text,
            file: "storms/storm.toml",
            overrides: &[],
            target: None,
            authorised: false,
            environment: &|name| (name == "TOKEN").then(|| "s3cret".to_owned()),
            files: &|path| Err(format!("no file {path}")),
        }
    }

    fn good(text: &str) -> Plan {
        read(&input(text)).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    fn bad(input: &Input<'_>) -> String {
        let page = read(input).expect_err("a mistake").render(false);
        // Lines end without the blanks that editors eat.
        page.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }

    /// The shortest scenario with some of its text replaced.
    fn but(from: &str, to: &str) -> String {
        assert!(SHORTEST.contains(from), "{from}");
        SHORTEST.replace(from, to)
    }

    fn set(overrides: &[&str]) -> Result<Plan, String> {
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        let input = Input { overrides: &overrides, ..input(SHORTEST) };
        read(&input).map_err(|_| bad(&input))
    }

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn how_a_target_is_reached_agrees_with_where_it_is() {
        let practice = "url = \"practice\"";
        let at = |url: &str, more: &str| but(practice, &format!("url = \"{url}\"\n{more}"));
        let wrong = [
            at("http://127.0.0.1:1/mcp", "tls = { insecure = true, ca_file = \"ca.pem\" }"),
            at("https://127.0.0.1:1/mcp", "resolve = \"127.0.0.1:2=127.0.0.1\"\nhttp = \"3\""),
            at("practice", "http = \"2\""),
        ];
        let pages: Vec<_> = wrong.iter().map(|text| bad(&input(text))).collect();
        insta::assert_snapshot!(pages.join("\n"));
    }

    #[test]
    fn the_address_that_is_dialled_decides_whose_machine_it_is() {
        let at = |url: &str, address: &str| {
            let line = format!("url = \"http://{url}/mcp\"\nresolve = \"{url}={address}\"");
            but("url = \"practice\"", &line)
        };
        assert!(good(&at("tools.test:80", "127.0.0.1")).target.is_loopback());
        let page = bad(&input(&at("localhost:80", "0.0.0.0")));
        assert!(page.contains("the target is not on this machine"), "{page}");
    }

    #[test]
    fn every_key_arrives_in_the_plan() {
        let plan = good(EVERY_KEY);
        assert_eq!((plan.name.as_str(), plan.seed), ("every key", 7));
        let target = &plan.target;
        assert_eq!(target.url, TargetUrl::Url("https://192.0.2.1:8000/mcp".to_owned()));
        let reach = Reach {
            http: Http::Two,
            host: Some("tools.test:8000".to_owned()),
            resolve: Some(([127, 0, 0, 1], 8443).into()),
            tls: Tls {
                ca_file: Some("ca.pem".to_owned()),
                crl_file: Some("crl.pem".to_owned()),
                server_name: Some("tools.test".to_owned()),
                resumption: true,
            },
        };
        assert_eq!(target.reach, reach);
        assert_eq!((target.authorised, target.mine, target.max_rate), (true, true, Some(50.0)));
        let health = Health { url: "/health".to_owned(), shown: "/health".to_owned(), status: 204 };
        assert_eq!(target.health, Some(health));
        let series = ["http_requests_total", "up"].map(str::to_owned).to_vec();
        let (url, shown) = ("/metrics".to_owned(), "/metrics".to_owned());
        let duplicates = Some("again_total".to_owned());
        assert_eq!(target.metrics, Some(Metrics { url, shown, series, duplicates }));
        let practice = &plan.practice;
        assert_eq!(practice.latency, "uniform 1ms 2ms".parse().expect("a distribution"));
        assert_eq!((practice.workers, practice.result_bytes, practice.seed), (32, 9_000, 8));
        assert_eq!((practice.answers, practice.sessions), (Answers::Sse, Sessions::Stateless));
        let token = Secret::new("s3cret");
        assert_eq!(plan.auth, Credential::Bearer(token));
        assert_eq!(plan.clients.identity, Some(IdentityMode::Genuine));
        let addresses = [1, 2].map(|last| std::net::IpAddr::from([127, 0, 1, last]));
        assert_eq!(plan.clients.addresses, addresses);
        assert_eq!((plan.load.speed, plan.load.drain, plan.load.ceiling), (20.0, s(20), 300));
        let stages = vec![RateStage { over: s(5), to: 1.0 }, RateStage { over: s(35), to: 2.0 }];
        let herds = vec![Herd { at: s(10), arrivals: 30, within: s(5) }];
        let spacing = Spacing::Poisson;
        assert_eq!(plan.load.pace, Pace::Open(Arrivals { from: 0.5, stages, spacing, herds }));
        assert_eq!(plan.tools.allow, Some(vec!["search".to_owned(), "fetch".to_owned()]));
        let search =
            serde_json::json!([{ "query": "{word} in {year}", "limit": 3, "exact": true }]);
        assert_eq!(serde_json::json!(plan.tools.arguments["search"]), search);
        let tokens = TokenLimits {
            lost: Some(Most::Share(0.01)),
            served_again: Some(s(60)),
            amplification: Some(2.5),
            refused_early: Some(3),
            grace: Some(s(10)),
            rotation: true,
            winner_alive: true,
        };
        assert_eq!(plan.expect.tokens, tokens);
        let (lifetime, skew) = (Some(s(30)), Some(s(3)));
        let (expired, foreign, registrations) = (true, true, Some(20));
        let checks = CheckLimits { lifetime, skew, expired, foreign, registrations };
        assert_eq!(plan.expect.checks, checks);
        let thresholds: Vec<_> = plan.expect.thresholds.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(thresholds, ["p99(response, tools/call) < 2s", "errors < 1%"]);
        assert_eq!(plan.expect.findings, Some(Severity::Medium));
        let limits = plan.generator;
        assert_eq!((limits.lag, limits.cpu, limits.loop_delay), (s(1), 0.5, s(2)));
        assert_eq!(plan.source, EVERY_KEY);
    }

    #[test]
    fn an_empty_table_takes_back_what_the_file_asks_for() {
        let text = but(
            "url = \"practice\"",
            "url = \"practice\"\nhealth = { url = \"/well\" }\nmetrics = { url = \"/figures\" }",
        );
        let overrides = ["target.health={}".to_owned(), "target.metrics = {}".to_owned()];
        let plan = read(&Input { overrides: &overrides, ..input(&text) });
        let target = plan.unwrap_or_else(|_| panic!("{text}")).target;
        assert_eq!((target.health, target.metrics), (None, None));
        assert!(good(&text).target.health.is_some());
        let begun = bad(&input(&but("[target]", "[target.health]\n[target]")));
        assert!(begun.contains("url"), "a table that is begun is to be finished: {begun}");
    }

    #[test]
    fn a_page_elsewhere_is_not_asked_unasked() {
        for key in ["health", "metrics"] {
            let said = set(&[&format!("target.{key}={{ url = \"http://10.0.0.1/page\" }}")]);
            let said = said.map(drop).unwrap_err();
            assert!(said.contains("this page is not on this machine"), "{said}");
            let loopback = format!("target.{key}={{ url = \"http://127.0.0.2/page\" }}");
            assert!(set(&[&loopback]).is_ok());
        }
    }

    #[test]
    fn what_is_dialled_instead_decides_about_the_targets_own_pages_alone() {
        for (page, is_asked) in [("80/page", true), ("81/page", false)] {
            let line = format!(
                "url = \"http://tools.test/mcp\"\nresolve = \"tools.test:80=127.0.0.1\"\n\
                 health = {{ url = \"http://tools.test:{page}\" }}"
            );
            let text = but("url = \"practice\"", &line);
            if is_asked {
                assert!(good(&text).target.is_loopback());
            } else {
                assert!(bad(&input(&text)).contains("this page is not on this machine"));
            }
        }
    }

    #[test]
    fn more_series_than_charts_are_refused() {
        let names = (0..13).map(|number| format!("\"a{number}\"")).collect::<Vec<_>>().join(", ");
        let said = set(&[&format!("target.metrics={{ url = \"/m\", series = [{names}] }}")]);
        assert!(said.map(drop).unwrap_err().contains("13 names are more than can be drawn"));
        let said = set(&[r#"target.metrics={ url = "/m", duplicates = "a b" }"#]);
        assert!(said.unwrap_err().contains("expected a metric's name such as"));
        let said = set(&[r#"target.metrics={ url = "/m", series = ["a b"] }"#]);
        assert!(said.map(drop).unwrap_err().contains("a metric's name"));
    }

    #[test]
    fn every_symbol_of_research_arrives_in_the_plan() {
        let Behaviour::Research(research) = good(EVERY_KEY).load.behaviour else {
            panic!("research")
        };
        let class = &research.classes[0];
        assert_eq!((class.name.as_str(), class.weight, class.calls_mean), ("small", 0.5, 5.0));
        let runaway = Subagents::Uniform { from: 2, to: 3, runaway: (0.05, 20) };
        assert_eq!(class.subagents, runaway);
        let gamma = Subagents::Gamma { shape: 5.0, scale: 2.0, from: 5, to: 20 };
        assert_eq!(research.classes[1].subagents, gamma);
        assert_eq!(research.wave, [(2, 0.25), (10, 0.75)]);
        assert_eq!((research.probes, research.calls_bounds), ((2, 4), (1, 9)));
        assert_eq!((research.calls_shape, research.share, research.stopped), (3.0, 0.5, 0.25));
        assert_eq!(research.batch, [0.5, 0.25, 0.25]);
        let times = [
            research.think,
            research.plan,
            research.first_start,
            research.first_think,
            research.reflect,
            research.synthesis,
        ];
        for (index, time) in times.into_iter().enumerate() {
            assert_eq!(time, format!("constant {}s", index + 1).parse().expect("a distribution"));
        }
        let reaction = research.reaction;
        assert_eq!((reaction.retry, reaction.rephrase), (0.1, 0.2));
        assert_eq!((reaction.circuit_after, reaction.circuit), (4, 0.3));
    }

    #[test]
    fn every_profile_value_can_be_replaced() {
        let profile = good(EVERY_KEY).clients.profile;
        assert_eq!((profile.name.as_str(), profile.date.as_str()), ("plain", "2026-11"));
        let identity = &profile.identity;
        assert_eq!((identity.user_agent.as_str(), identity.client_name.as_str()), ("ua", "name"));
        assert_eq!(identity.client_version, "9");
        assert_eq!(identity.headers, [("x-one".to_owned(), "1".to_owned())]);
        assert_eq!(profile.protocol_version, "2025-06-18");
        assert_eq!(profile.capabilities, r#"{"roots":{}}"#);
        assert_eq!(profile.ids, Ids::Constant(3));
        let weights = profile.sessions;
        assert_eq!((weights.fresh, weights.unechoed), (1.0, 2.0));
        assert_eq!((weights.pooled, weights.echo), (3.0, 4.0));
        let all = [List::Prompts, List::Resources, List::Templates, List::Tools];
        assert_eq!(profile.lists, all);
        assert_eq!((profile.era, profile.probe_lasts), (Era::Auto, Some(s(300))));
        assert_eq!((profile.reads, profile.resumes, profile.input_rounds), (3, 2, 5));
        assert!(profile.honours_ttl && profile.stream_awaited);
        assert!(profile.progress && profile.cancels);
        assert_eq!((profile.stream_share, profile.delete_share), (0.1, 0.2));
        assert!(!profile.initialized_when_fresh);
        assert_eq!((profile.connections, profile.cap), (Connections::Shared, 5));
        assert_eq!((profile.queue_limit, profile.result_cap), (Some(s(90)), Some(1_000)));
        assert_eq!(profile.stagger, "constant 1s".parse().expect("a distribution"));
        assert_eq!((profile.connect_timeout, profile.call_timeout), (s(3), s(4)));
        assert_eq!(profile.on_session_404, OnSessionLoss::GiveUp);
        assert_eq!(profile.on_session_400, OnSessionLoss::Reinitialise);
        assert_eq!(profile.server_requests, ServerRequests::Ignore);
        assert!(profile.sources.values().all(|source| source.reference == "the scenario"));
    }

    /// The text of every key is in the file of every key, or in a table of this file's
    /// or of its faults'.
    #[test]
    fn the_key_table_is_whole() {
        let elsewhere = [
            "load.chat",
            "load.steady",
            "load.expired_token",
            "load.wrong_audience",
            "load.rate_limit",
            "load.sessions",
            "load.abort_liveness",
            "load.cancel",
            "load.idle_streams",
            "load.isolation",
            "load.affinity",
            "load.starvation",
            "load.parallel_scaling",
            "load.slow_consumer",
            "auth.",
            "fault[].ahead",
            "fault[].behind",
        ];
        let missing: Vec<String> = keys()
            .into_iter()
            .map(|line: KeyLine| line.path)
            .filter(|path| !elsewhere.iter().any(|start| path.starts_with(start)))
            .filter(|path| !EVERY_KEY.contains(path.rsplit('.').next().unwrap_or(path)))
            .collect();
        assert_eq!(missing, Vec::<String>::new());
        let line = |line: &KeyLine| {
            let default = line.default.as_deref().unwrap_or("-");
            format!("{} = {default} ({}) {}", line.path, line.kind, line.doc)
        };
        let table: Vec<String> = keys().iter().map(line).collect();
        insta::assert_snapshot!(table.join(
            "
    "
        ));
    }

    #[test]
    fn behaviours_have_their_knobs_and_their_defaults() {
        let chat = but(
            "[load]",
            "[load.chat]\ncalls = [2, 4]\nthink = '1s'\nanswer = '2s'\nreaction.retry = 1\n\
             reaction.rephrase = 0\n[load]",
        );
        let Behaviour::Chat(chat) = good(&chat).load.behaviour else { panic!("chat") };
        assert_eq!(
            (chat.calls, chat.reaction.retry, chat.reaction.circuit_after),
            ((2, 4), 1.0, 3)
        );
        let steady = but("\"chat\"", "\"steady\"\nsteady = { calls = 3, think = '5ms' }");
        let Behaviour::Steady(steady) = good(&steady).load.behaviour else { panic!("steady") };
        assert_eq!(steady.calls, 3);
        let classes = |word: &str| match good(&but("\"chat\"", word)).load.behaviour {
            Behaviour::Research(research) => research.classes.len(),
            _ => panic!("research"),
        };
        assert_eq!((classes("\"research\""), classes("\"research-advanced\"")), (4, 1));
    }

    #[test]
    fn a_short_scenario_has_defaults() {
        let plan = good(SHORTEST);
        assert_eq!((plan.name.as_str(), plan.seed), ("storm", 1));
        assert_eq!(plan.target.max_rate, None);
        assert_eq!(plan.auth, Credential::None);
        assert_eq!((plan.load.speed, plan.load.ceiling), (1.0, 1_000));
        assert_eq!(plan.clients.profile, clients::shipped("claude-ai-legacy").expect("shipped"));
        assert_eq!((plan.tools.allow, plan.expect.findings), (None, None));
    }

    #[test]
    fn credentials_are_read_and_unseen() {
        let table = [
            ("kind = 'bearer'\ntoken = '${TOKEN}'", "${TOKEN}"),
            ("kind = 'bearer'\ntoken = 's3cret'", "***"),
            ("kind = 'header'\nname = 'X-Key'\nvalue = 's3cret'", "***"),
            ("kind = 'basic'\nuser = 'me'\npassword = 's3cret'", "***"),
        ];
        for (auth, seen) in table {
            let plan = good(&format!("{SHORTEST}[auth]\n{auth}"));
            assert_ne!(plan.auth, Credential::None);
            assert!(plan.source.contains(seen), "{}", plan.source);
            assert!(!plan.source.contains("s3cret") && !format!("{plan:?}").contains("s3cret"));
        }
    }

    #[test]
    fn no_mistake_shows_a_secret() {
        let table = [
            "[auth]\nkind = 'none'\ntoken = 's3cret'",
            "[auth]\nkind = 'bearer'\ntoke = 's3cret'",
            "[auth]\nkind = 'bearer'\ntoken = ['s3cret']",
            "[auth]\nkind = 'bearer'\ntoken = \"s3cret\\n\"",
            "[auth]\nkind = 'header'\nname = 'x'\nvalue = 's3cret é'",
            "[auth]\nkind = 'bearer'\ntoken = 's3cret",
            "auth = { kind = 'bearer', token = \"s3cret\" ",
            "[[auth]]\ntoken = 's3cret'",
            "[auth]\nkind = 'basic'\nuser = 'a:b'\npassword = 's3cret'\nx = 1",
        ];
        for auth in table {
            let page = bad(&input(&format!("{SHORTEST}{auth}")));
            assert!(!page.contains("s3cret"), "{page}");
        }
        let url = "http://me:s3cret@127.0.0.1/";
        assert!(!bad(&input(&but("practice", url))).contains("s3cret"));
        let target = Input { target: Some(url), ..input(SHORTEST) };
        assert!(!bad(&target).contains("s3cret"));
        for argument in [
            "auth.token=s3cret",
            "auth.token='s3cret",
            "auth.token=[s3cret",
            "auth.token='s3cret'",
            "auth={token='s3cret'}",
        ] {
            let page = set(&[argument]).expect_err("a mistake");
            assert!(!page.contains("s3cret"), "{page}");
        }
    }

    #[test]
    fn the_command_line_lies_over_the_file() {
        let plan = set(&[
            r#"tools.allow=["echo"]"#,
            "load.stages=[{ over = '2s', to = 5 }]",
            "load.model='closed'",
            "auth={ kind = 'bearer', token = 's3cret' }",
            "seed = 9",
            "clients.override.sessions.echo=1",
        ])
        .expect("a plan");
        assert_eq!(plan.tools.allow, Some(vec!["echo".to_owned()]));
        let Pace::Closed(users) = plan.load.pace else { panic!("closed") };
        assert_eq!(users.stages, [UserStage { over: s(2), to: 5 }]);
        assert_eq!(plan.seed, 9);
        let weights = plan.clients.profile.sessions;
        assert_eq!((weights.fresh, weights.echo), (0.0, 1.0));
        assert_eq!(plan.clients.profile.sources["sessions"].confidence, Confidence::Modelled);
        let comments = plan.source.strip_prefix(SHORTEST).expect("the file first");
        assert!(comments.contains("# --set tools.allow=[\"echo\"]\n"), "{comments}");
        assert!(comments.contains("token = \"***\""), "{comments}");

        let url = Some("http://127.0.0.1:9/mcp");
        let plan = read(&Input { target: url, ..input(SHORTEST) }).expect("a plan");
        assert_eq!(plan.target.url, TargetUrl::Url("http://127.0.0.1:9/mcp".to_owned()));
        assert!(plan.source.ends_with("# --target http://127.0.0.1:9/mcp\n"));
    }

    #[test]
    fn text_on_the_command_line_needs_no_quotes() {
        let plan = set(&["load.behaviour=steady", "load.drain= 7s ", "name=a storm"]);
        let plan = plan.expect("a plan");
        assert!(matches!(plan.load.behaviour, Behaviour::Steady(_)));
        assert_eq!((plan.load.drain, plan.name.as_str()), (s(7), "a storm"));
        assert!(plan.source.contains("# --set load.drain= 7s"), "{}", plan.source);
        let plan = set(&["target.protocol=2025-11-25"]).expect("a plan");
        assert_eq!(plan.target.protocol.as_deref(), Some("2025-11-25"));
        let plan = set(&["auth.kind=bearer", "auth.token=s3cret-token"]).expect("a plan");
        assert_eq!(plan.auth, Credential::Bearer(Secret::new("s3cret-token")));
        assert!(plan.source.ends_with("# --set auth.token=\"***\"\n"), "{}", plan.source);
    }

    #[test]
    fn a_table_in_braces_replaces_and_a_dotted_key_joins() {
        let table = "[tools.arguments]\nsearch = [{ query = 'x' }]\nfetch = [{ id = '1' }]\n";
        let text = format!("{SHORTEST}{table}");
        let named = |overrides: &[&str]| -> Vec<String> {
            let overrides: Vec<_> = overrides.iter().map(|text| (*text).to_owned()).collect();
            let plan = read(&Input { overrides: &overrides, ..input(&text) });
            plan.expect("a plan").tools.arguments.into_keys().collect()
        };
        assert_eq!(named(&["tools.arguments={}"]), [""; 0]);
        assert_eq!(named(&["tools.arguments={ echo = [{}] }"]), ["echo"]);
        assert_eq!(named(&["tools={ arguments.echo = [{}] }"]), ["echo"]);
        assert_eq!(named(&["tools.arguments.echo=[{}]"]), ["echo", "fetch", "search"]);
        assert_eq!(named(&["tools.arguments={}", "tools.arguments.a=[{}]"]), ["a"]);
    }

    #[test]
    fn another_target_is_not_reached_by_what_was_said_of_the_old_one() {
        let text = but(
            "url = \"practice\"",
            "url = \"https://a.test/mcp\"\nhost = 'b.test'\nresolve = 'a.test:443=127.0.0.1'\n\
             tls = { ca_file = 'ca.pem', server_name = 'c.test' }",
        );
        let reach = |url: &str, overrides: &[String]| {
            let authorised = true;
            let more = Input { target: Some(url), overrides, authorised, ..input(&text) };
            let plan = read(&more).unwrap_or_else(|mistakes| panic!("{mistakes}"));
            let gone = plan.source.lines().find(|line| line.starts_with("# without"));
            (plan.target.reach, gone.unwrap_or_default().to_owned())
        };
        let (same, gone) = reach("https://a.test/other", &[]);
        assert_eq!((same.host.as_deref(), gone.as_str()), (Some("b.test"), ""));
        assert!(same.resolve.is_some() && same.tls.server_name.is_some());

        let tls = Tls { ca_file: Some("ca.pem".to_owned()), ..Tls::default() };
        let (elsewhere, gone) = reach("https://127.0.0.1:8443/mcp", &[]);
        assert_eq!(elsewhere, Reach { tls: tls.clone(), ..Reach::default() });
        let about = "target.host, target.resolve, target.tls.server_name: about another target";
        assert_eq!(gone, format!("# without {about}"));
        let set = ["target.host='d.test'".to_owned()];
        let (said, _) = reach("https://127.0.0.1:8443/mcp", &set);
        assert_eq!(said, Reach { host: Some("d.test".to_owned()), tls, ..Reach::default() });
        for url in ["http://127.0.0.1:8000/mcp", "practice"] {
            assert_eq!(reach(url, &[]).0, Reach::default(), "{url}");
        }
        assert!(!reach("http://127.0.0.1/", &["target.tls={}".to_owned()]).1.is_empty());
    }

    #[test]
    fn authorisation_can_be_given_in_two_places() {
        let far = but("practice", "http://192.0.2.1/mcp");
        assert!(bad(&input(&far)).contains("--i-am-authorised"));
        let plan = read(&Input { authorised: true, ..input(&far) }).expect("a plan");
        assert_eq!((plan.target.authorised, plan.target.max_rate), (true, Some(20.0)));
        good(&far.replace("[load]", "authorised = true\n[load]"));
        let genuine = format!("{far}[clients]\nidentity = 'genuine'");
        let page = bad(&Input { authorised: true, ..input(&genuine) });
        assert!(page.contains("mine = true"), "{page}");
    }

    #[test]
    fn one_unknown_key_a_table_is_found() {
        let mut headers = vec![""];
        headers.extend(EVERY_KEY.lines().filter(|line| line.starts_with('[')));
        for header in headers {
            if header == "[tools.arguments]" {
                continue; // Its keys are names of tools.
            }
            let (before, after) = EVERY_KEY.split_at(match header {
                "" => 0,
                header => {
                    EVERY_KEY.find(&format!("\n{header}\n")).expect(header) + header.len() + 2
                }
            });
            let text = format!("{before}surplus = 1\n{after}");
            let line = before.lines().count() + 1;
            let mistakes = read(&input(&text)).expect_err(header);
            assert_eq!(mistakes.count(), 1, "{header}: {mistakes}");
            let page = mistakes.render(false);
            assert!(page.contains(&format!("storm.toml:{line}:1")), "{header}: {page}");
            assert!(page.contains("surplus"), "{header}: {page}");
        }
        for inline in [
            "over = \"5s\"",
            "at = \"10s\"",
            "url = \"/health\"",
            "retry = 0.1",
            "name = \"small\"",
        ] {
            let text = EVERY_KEY.replacen(inline, &format!("{inline}, surplus = 1"), 1);
            let mistakes = read(&input(&text)).expect_err(inline);
            assert_eq!(mistakes.count(), 1, "{inline}: {mistakes}");
            assert!(mistakes.list()[0].found.contains("unknown key"), "{inline}: {mistakes}");
        }
    }

    #[test]
    fn ten_mistakes_are_shown_at_once() {
        let text = r#"nmae = "storm"
seed = -1

[target]
url = "ftp://tools.example.com/mcp"
transport = "websocket"

[load]
behaviour = "reserch"
speed = "fast"
stages = [{ over = "5 seconds", to = 50 }, { to = "60/min" }]
drain = "-5s"

[expect]
thresholds = ["p99 is low"]

[clients]
profile = "claude-ai-legcy"

[[fault]]
kind = "latency"
"#;
        insta::assert_snapshot!(bad(&input(text)));
    }

    #[test]
    fn syntax_errors_look_like_all_others() {
        insta::assert_snapshot!(bad(&input("name = storm\n[load\nspeed = 1\nspeed = 2\n")));
    }

    #[test]
    fn arguments_are_shown_with_their_caret() {
        let pages = vec![
            set(&["load.speed=\"fast\""]),
            set(&["load.behaviour=chatt"]),
            set(&["auth.kind=oauth", "auth.consent=nobody"]),
            set(&["load.stages=[{"]),
            set(&["load.speed= "]),
            set(&["lod.speed=1"]),
            set(&["seed"]),
            set(&["load.stages.over='1s'"]),
        ];
        let target = Input { target: Some("ftp://127.0.0.1"), ..input(SHORTEST) };
        let mut text: Vec<String> = pages.into_iter().map(|page| page.expect_err("bad")).collect();
        text.push(bad(&target));
        insta::assert_snapshot!(text.join("\n----\n"));
    }

    #[test]
    fn what_is_not_built_yet_is_refused_by_name() {
        let tables = [
            ("[chaos]\n", "faults have another name"),
            (
                "[clients]\nhop = 'request'",
                "addresses that change from connection to connection yet: remove clients.hop",
            ),
            (
                "[clients]\nprofile = [{ name = 'plain', weight = 1 }]",
                "several profiles at once yet",
            ),
        ];
        for (table, expected) in tables {
            let page = bad(&input(&format!("{SHORTEST}{table}\n")));
            assert!(page.contains(expected), "{table}: {page}");
        }
        let replaced = [
            ("[load]", "protocol = '2026-07-29'\n[load]", "2026-07-28"),
            ("\"chat\"", "\"fleet\"", "load.behaviour fleet yet"),
            ("\"chat\"", "\"burst\"", "load.behaviour burst yet"),
            ("\"chat\"", "\"trace\"", "load.behaviour trace yet"),
            ("\"chat\"", "\"runaway\"", "load.behaviour runaway yet"),
            ("\"chat\"", "\"check-session\"", "did you mean \"check-sessions\"?"),
            ("[target]", "[[target]]", "squall does not know several of them yet: write [target]"),
        ];
        for (from, to, expected) in replaced {
            let page = bad(&input(&but(from, to)));
            assert!(page.contains(expected), "{to}: {page}");
        }
    }

    #[test]
    fn contradictions_are_named() {
        let stage = "{ over = \"10s\", to = \"60/min\" }";
        let table = [
            (
                stage,
                "{ over = \"10s\", to = 5 }",
                "in an open model runs arrive at a rate: write \"5/min\"",
            ),
            (stage, "{ over = \"10s\", to = 5.0 }", "cannot be 5.0"),
            (stage, "{ over = \"0s\", to = \"1/s\" }", "load.stages[].over cannot be"),
            (stage, "{ to = \"1/s\" }", "load.stages[].over is missing"),
            (stage, "{ over = \"10s\", to = \"0/s\" }", "nobody ever comes"),
            (
                stage,
                "{ over = \"10s\", to = \"2/min\" }",
                "the stages end before the first arrival",
            ),
            (stage, "{ over = \"10s\", to = -1 }", "expected a rate such as"),
            (
                stage,
                "{ over = '5s', to = '50' }]\nmodel = 'closed'\nx = [",
                "write 50 without the quotes",
            ),
            (
                stage,
                "{ over = '5s', to = 2.5 }]\nmodel = 'closed'\nx = [",
                "expected a number of users, 0 to 1000000",
            ),
            (stage, "", "load.stages is empty"),
            ("stages = [", "model = 'closed'\nstages = [", "a closed model keeps so many users"),
            (
                stage,
                "{ over = '500ms', to = 5 }]\nmodel = 'closed'\nherds = [",
                "less than a second",
            ),
            (stage, "{ over = '5s', to = 5 }]\nmodel = 'closed'\nherds = [", "belongs to the open"),
            (
                stage,
                "{ over = '5s', to = 0 }]\nmodel = 'closed'\nceiling = 1\nx = [",
                "nobody ever",
            ),
            (
                "stages",
                "herds = [{ at = '9s', users = 1, within = '2s' }]\nstages",
                "not over when",
            ),
            ("stages", "drain = '-5s'\nstages", "load.drain cannot be"),
            ("stages", "speed = 0\nstages", "load.speed cannot be 0"),
            ("stages", "steady = { calls = 1 }\nstages", "load.steady has no effect"),
            ("stages", "chat.reaction = { retry = 0.9, rephrase = 0.2 }\nstages", "more than 1"),
            ("[load]", "[tools]\nallow = []\n[load]", "tools.allow is empty"),
            ("[load]", "[tools]\nallow = ['a']\narguments.b = [{}]\n[load]", "arguments for b"),
            ("[load]", "[tools.arguments]\nb = [{ x = nan }]\n[load]", "unusable arguments for b"),
            (
                "[load]",
                "[expect]\nfindings = 'none above mild'\n[load]",
                "expect.findings cannot be",
            ),
            ("[load]", "[clients]\nprofile = 'nobody'\n[load]", "unknown profile nobody"),
            ("[load]", "[clients]\nprofile = './mine'\n[load]", "no file ./mine"),
            ("url", "health.url = '${NO_SUCH}'\nurl", "the environment has no NO_SUCH"),
            ("url = \"practice\"", "", "target.url is missing"),
            ("behaviour = \"chat\"", "", "load.behaviour is missing"),
            ("[target]\nurl = \"practice\"", "target = 'practice'", "target is a string"),
        ];
        for (from, to, expected) in table {
            let page = bad(&input(&but(from, to)));
            assert!(page.contains(expected), "{to}: {page}");
        }
        assert!(bad(&input("")).contains("target.url is missing"));
    }

    #[test]
    fn each_way_to_authorise_has_its_own_keys() {
        let table = [
            ("kind = 'bearer'", "auth.token is missing"),
            ("user = 'me'", "auth.user does not belong to kind \"none\""),
            ("kind = 'bearer'\ntoken = 't'\nscope = 's'", "auth.scope does not belong"),
            ("kind = 'oauth'\nconsent = 'form'", "auth.forms is missing"),
            ("kind = 'oauth'\ncommand = ['x']", "auth.command does not belong to this"),
            ("kind = 'oauth'\nconsent = 'command'\ncommand = []", "auth.command is empty"),
            (
                "kind = 'oauth'\nconsent = 'command'\ncommand = './login.sh'",
                "auth.command cannot be './login.sh'",
            ),
            (
                "kind = 'oauth'\nconsent = 'command'\ncommand = 'sh login.sh --key k'",
                "auth.command cannot be *** (a string)",
            ),
            (
                "kind = 'oauth'\nconsent = 'command'\ncommand = ['./login.sh', 5]",
                "auth.command cannot hold *** (an integer)",
            ),
            (
                "kind = 'oauth'\nconsent = 'form'\nforms = [{ fill = { name = 'user{usr}' } }]",
                "auth.forms[].fill.name has {usr}, for which nothing stands",
            ),
            (
                "kind = 'oauth'\nconsent = 'form'\nforms = [{ fill = { name = 'u{usr}' } }]",
                "did you mean {user}?",
            ),
            (
                "kind = 'oauth'\nconsent = 'form'\nforms = [{ fill = { name = '{number}' } }]",
                "expected {user} alone",
            ),
            ("kind = 'oauth'\nclient_secret = 'x'", "auth.client_id is missing"),
            ("kind = 'oauth'\nlogin_over = '1s'", "auth.login_over says how"),
            ("kind = 'oauth'\nscope = 'a\\\\'", "expected scopes separated by blanks"),
            ("kind = 'oauth'\nauthorization_servers = ['https://a.test/b']", "expected an origin"),
            ("kind = 'oauth'\ncallback = 'http://127.0.0.1/'", "auth.callback does not belong to"),
            ("kind = 'oauth'\nconsent = 'browser'\nlogin = 'before'", "auth.login says when"),
            ("kind = 'oauth'\none_grant = 'cloned'\nlogin_over = '1s'", "auth.login_over says"),
            ("kind = 'oauth'\none_grant = 'stolen'", "expected one of shared | cloned"),
            (
                "kind = 'oauth'\nconsent = 'browser'\ncallback = 'https://a.test/cb'",
                "expected http on 127.0.0.1, [::1] or localhost",
            ),
            (
                "kind = 'oauth'\nconsent = 'browser'\ncallback = 'http://127.0.0.1/cb?a=b'",
                "expected http on 127.0.0.1, [::1] or localhost",
            ),
            ("kind = 'client-credentials'\none_grant = 'shared'", "auth.one_grant does not belong"),
            ("kind = 'bearer'\ntoken = 't'\ngrants = 'g'", "auth.grants does not belong to kind"),
            ("kind = 'client-credentials'", "auth.client_id is missing"),
            ("kind = 'tokens'", "auth.file is missing"),
        ];
        for (auth, expected) in table {
            let page = bad(&input(&but("[load]", &format!("[auth]\n{auth}\n[load]"))));
            assert!(page.contains(expected), "{auth}: {page}");
        }
    }

    #[test]
    fn a_person_logs_in_once_for_all() {
        let granted = |auth: &str| {
            let text = but("[load]", &format!("[auth]\nkind = {auth}\n[load]"));
            let plan = read(&input(&text)).map_err(|mistakes| mistakes.render(false)).unwrap();
            plan.auth.granted().cloned().expect("grants")
        };
        let browser = |auth: &str| match granted(auth).flow {
            Flow::Code(Consent::Browser(browser)) => browser,
            flow => panic!("{flow:?}"),
        };
        assert_eq!(granted("'oauth'").one, None);
        assert_eq!(granted("'oauth'\nconsent = 'browser'").one, Some(One::Shared));
        let cloned = "'oauth'\nconsent = 'browser'\none_grant = 'cloned'";
        assert_eq!(granted(cloned).one, Some(One::Cloned));
        assert_eq!(granted("'tokens'\nfile = 'f'\none_grant = 'shared'").one, Some(One::Shared));
        assert_eq!(browser(cloned), Browser { callback: None, within: s(300) });
        let more = "callback = 'http://localhost:8765/cb'\nlogin_within = '90s'";
        let given = browser(&format!("{cloned}\n{more}"));
        assert_eq!(given.within, s(90));
        assert_eq!(given.callback.as_deref(), Some("http://localhost:8765/cb"));
    }

    #[test]
    fn a_profile_of_ones_own_is_read_with_the_same_care() {
        let text = profiles::shipped("plain").expect("shipped").text;
        let scenario = format!("{SHORTEST}[clients]\nprofile = 'mine/odd.toml'\n");
        let own = |text: String| {
            let files = move |_: &str| Ok(text.clone());
            read(&Input { files: &files, ..input(&scenario) })
                .map_err(|mistakes| mistakes.render(false))
        };
        let plan = own(text.replace("\"60s\"", "\"61s\"")).expect("a plan");
        assert_eq!(plan.clients.profile.call_timeout, s(61));
        let cap = text.lines().find(|line| line.starts_with("cap =")).expect("a cap");
        let table = [
            ("cap = 7", "expected a table: [cap]"),
            ("cap = { is = 7, source = 'x' }", "cap.confidence is missing"),
            ("cap = { is = 7, confidence = 'sure', source = 'x' }", "cap.confidence cannot be"),
            ("cap = { is = 0, confidence = 'observed', source = 'x' }", "cap.is cannot be 0"),
            ("", "cap is missing"),
        ];
        for (line, expected) in table {
            let page = own(text.replace(cap, line)).expect_err(line);
            assert!(page.contains(expected) && page.contains("mine/odd.toml"), "{page}");
            assert!(page.contains("1 mistake,"), "{page}");
        }
    }

    #[test]
    fn shipped_profiles_are_whole_and_sourced() {
        for shipped in SHIPPED {
            let profile = clients::shipped(shipped.name).expect(shipped.name);
            assert_eq!(
                (profile.name.as_str(), profile.date.as_str()),
                (shipped.name, shipped.date)
            );
            assert_eq!(profile.sources.len(), 61, "{:?}", profile.sources.keys());
        }
        let claude = clients::shipped("claude-ai-legacy").expect("shipped");
        assert_eq!((claude.cap, claude.ids), (7, Ids::Constant(1)));
        assert_eq!(claude.identity.user_agent, "Claude-User");
    }

    #[test]
    fn shipped_scenarios_are_good() {
        let scenarios = [
            include_str!("../../scenarios/research-storm.toml"),
            include_str!("../../scenarios/modern-storm.toml"),
            include_str!("../../scenarios/steady.toml"),
            include_str!("../../scenarios/chat-morning.toml"),
        ];
        for text in scenarios {
            let plan = good(text);
            assert_eq!(plan.target.url, TargetUrl::Practice);
            assert_eq!(plan.tools.allow, None, "shipped scenarios name no tool");
            assert!(!plan.expect.thresholds.is_empty());
        }
    }

    /// Pieces from which proptest builds texts that are nearly scenarios.
    const PIECES: [&str; 24] = [
        "[load]",
        "[[load]]",
        "[target]",
        "url",
        "stages",
        "=",
        "\"practice\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\n",
        "over",
        "to",
        "'60/min'",
        "7",
        "-1.5e9",
        "${TOKEN}",
        "\"$${\"",
        "é\u{202e}",
        "auth",
        "token",
        ".",
    ];

    proptest! {
        #[test]
        fn any_text_is_a_plan_or_mistakes(text in any::<String>(), set in any::<String>()) {
            let overrides = [set];
            let input = Input { overrides: &overrides, target: Some(&text), ..input(&text) };
            if let Err(mistakes) = read(&input) {
                prop_assert!(mistakes.count() > 0 && !mistakes.render(true).is_empty());
            }
        }

        #[test]
        fn near_scenarios_are_a_plan_or_mistakes(
            pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40),
        ) {
            let text = pieces.join(" ");
            let overrides = [text.clone()];
            if let Err(mistakes) = read(&Input { overrides: &overrides, ..input(&text) }) {
                prop_assert!(mistakes.count() > 0 && !mistakes.render(false).is_empty());
            }
        }

        #[test]
        fn a_scenario_cut_or_changed_anywhere_is_a_plan_or_mistakes(
            at in 0..EVERY_KEY.len(), other in any::<char>(), cut in any::<bool>(),
        ) {
            prop_assume!(EVERY_KEY.is_char_boundary(at));
            let after = if cut { "" } else { &EVERY_KEY[at + 1..] };
            let text = format!("{}{other}{after}", &EVERY_KEY[..at]);
            if let Err(mistakes) = read(&input(&text)) {
                prop_assert!(mistakes.count() > 0 && !mistakes.render(false).is_empty());
            }
        }
    }
}
