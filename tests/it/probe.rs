//! `squall probe`: a sound target passes the readiness list, each defect fails what it must fail and
//! nothing else, and the first line that fails says what to do.

mod broken;
mod peers;
mod secrets;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use ::squall::judge::readiness;
use ::squall::model::plan::{Defect, Flaw};

use crate::check_defects::is_of_checks;
use crate::practice::Practice;
use crate::squall::{Place, root};
use crate::storm_defects::is_of_answers;

/// A scenario has a load, though none is brought.
const LOAD: &str = "[load]\nbehaviour = \"steady\"\nmodel = \"closed\"\n\
                    stages = [{ over = \"1s\", to = 1 }]\n";

/// Probes at the same time.
const AT_ONCE: usize = 4;

/// What `squall probe --json` said, and its exit code.
pub(crate) struct Probed {
    document: Value,
    code: i32,
}

impl Probed {
    pub(crate) fn of(url: &str, arguments: &[&str]) -> Self {
        let place = Place::new();
        let order = place.squall().args(["probe", url, "--json"]).args(arguments.iter().copied());
        let done = order.go();
        let document: Value = serde_json::from_str(&done.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", done.stdout, done.stderr));
        assert_eq!(document["schema"], "squall.probe/1");
        assert_eq!(document["exit_code"], done.code);
        Self { document, code: done.code }
    }

    /// With a scenario whose `[target]` has this key, too.
    fn with(url: &str, key: &str) -> Self {
        let place = Place::new();
        place.file("own.toml", &format!("[target]\nurl = {url:?}\n{key}\n{LOAD}"));
        let file = place.path().join("own.toml");
        Self::of(url, &["--scenario", file.to_str().unwrap()])
    }

    fn list(&self, name: &str) -> &[Value] {
        self.document[name].as_array().unwrap()
    }

    /// The ids of checks and findings that say that something is wrong.
    pub(crate) fn fired(&self) -> BTreeSet<&str> {
        let failed = self.list("checks").iter().filter(|check| check["result"] == "failed");
        failed.chain(self.list("findings")).map(|of| of["id"].as_str().unwrap()).collect()
    }

    /// The first step that failed, and what helps.
    fn first_failure(&self) -> Option<String> {
        let step = self.list("steps").iter().find(|step| step["state"] == "failed")?;
        let text = |key: &str| step[key].as_str().unwrap();
        Some(format!("{}: {}; {}", text("name"), text("found"), text("what_to_do")))
    }
}

/// Runs `judge` for each row, a few at once.
fn each<T: Sync>(rows: &[T], judge: impl Fn(&T) + Sync) {
    let rows = Mutex::new(rows.iter());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(row) = rows.lock().unwrap().next() else { return };
                    judge(row);
                }
            });
        }
    });
}

fn set<'a>(ids: &[&'a str]) -> BTreeSet<&'a str> {
    ids.iter().copied().collect()
}

#[test]
fn a_sound_target_passes_in_whatever_way_it_speaks() {
    let kinds: [&[&str]; 12] = [
        &[],
        &["--sessions", "stateless"],
        &["--answers", "sse"],
        &["--answers", "sse", "--resumable"],
        &["--speaks", "legacy"],
        &["--speaks", "modern"],
        &["--speaks", "modern", "--answers", "sse"],
        &["--speaks", "http+sse"],
        &["--speaks", "legacy", "--sessions", "stateless", "--answers", "sse"],
        &["--auth"],
        &["--auth", "--speaks", "modern"],
        &["--auth", "--speaks", "http+sse"],
    ];
    each(&kinds, |flags| {
        let practice = Practice::with(flags);
        let probed = Probed::of(&practice.url(), &[]);
        assert_eq!((probed.fired(), probed.first_failure()), (set(&[]), None), "{flags:?}");
        assert_eq!((probed.code, &probed.document["verdict"]), (0, &"passed".into()), "{flags:?}");
        let requests = probed.document["requests"].as_u64().unwrap();
        assert!((10..=32).contains(&requests), "{flags:?}: {requests}");
        assert_eq!(practice.counted("practice_tool_calls_total"), 1, "{flags:?}");
        let [opened, closed] = ["opened", "closed"]
            .map(|what| practice.counted(&format!("practice_sessions_{what}_total")));
        let over_sse = flags.contains(&"http+sse");
        assert!(opened == closed || over_sse, "{flags:?}: {opened} sessions, {closed} closed");
    });
}

/// A defect of the target, what it must cause, and the exit code.
const FLAWS: [(Flaw, &[&str], i32); 33] = [
    (Flaw::LostSession400, &["lost-session"], 4),
    (Flaw::LostSession200, &["lost-session"], 4),
    (Flaw::EndpointRedirect, &["redirect"], 3),
    (Flaw::SlashRedirect, &["slash-redirect"], 0),
    (Flaw::Get500, &["get"], 4),
    (Flaw::Delete500, &["delete"], 4),
    (Flaw::AnyOrigin, &["origin"], 4),
    (Flaw::CorsCredentials, &["cors"], 4),
    // What is a page is no JSON-RPC error either.
    (Flaw::HtmlErrors, &["html-errors", "header-mismatch", "modern-version", "unknown-method"], 4),
    (Flaw::BufferedStreams, &["buffering"], 0),
    (Flaw::Unhealthy, &["health"], 4),
    (Flaw::SlowHandshake, &["handshake-budget"], 4),
    (Flaw::DiscoverHangs, &["discover"], 4),
    (Flaw::Discover500, &["discover"], 4),
    (Flaw::UnknownMethod500, &["unknown-method"], 4),
    (Flaw::UnknownMethodCode, &["unknown-method-code"], 0),
    (Flaw::EchoesVersion, &["unknown-version"], 4),
    (Flaw::VersionUnsaid, &["modern-version"], 4),
    (Flaw::TrustsHeaders, &["header-mismatch"], 4),
    (Flaw::BrokenJson500, &["broken-json"], 4),
    (Flaw::RoundsIds, &["id-echo"], 4),
    (Flaw::UnannotatedTools, &["tool-annotations"], 4),
    (Flaw::UntitledTools, &["tool-titles"], 0),
    (Flaw::LongNames, &["tool-names"], 4),
    (Flaw::LongDescriptions, &["tool-descriptions"], 0),
    (Flaw::DuplicateTools, &["duplicate-tools"], 4),
    (Flaw::ManyTools, &["tool-count"], 0),
    (Flaw::LargeList, &["list-size"], 4),
    (Flaw::UnorderedLists, &["tool-order"], 0),
    (Flaw::FailingTools, &["read-only-call"], 4),
    (Flaw::LargeResults, &["result-size"], 4),
    (Flaw::UnknownTool500, &["unknown-tool"], 4),
    (Flaw::BareErrors, &["bare-errors"], 4),
];

/// The same of the authorization server. Those that are not here show only in a token's later life.
const DEFECTS: [(Defect, &[&str], i32); 16] = [
    (Defect::RefusesWith403, &["unauthorised"], 3),
    (Defect::RefusesWith500, &["discover"], 3),
    (Defect::RefusesWith200, &["malformed-result"], 3),
    (Defect::RefusesWithRedirect, &["redirect"], 3),
    (Defect::NoResourceMetadata, &["challenge"], 4),
    (Defect::SlowToken, &["oauth-budget"], 4),
    (Defect::MetadataHtml, &["oauth-discovery"], 3),
    (Defect::MetadataOversized, &["oauth-discovery"], 3),
    (Defect::MetadataLoops, &["oauth-discovery"], 3),
    (Defect::MetadataOtherIssuer, &["oauth-discovery"], 3),
    (Defect::MetadataOtherResource, &["oauth-discovery"], 3),
    (Defect::MetadataPrivateAddress, &["oauth-discovery"], 3),
    (Defect::MetadataPlainHttp, &["oauth-discovery"], 3),
    (Defect::IssMissing, &["oauth-authorization"], 3),
    (Defect::IssWrong, &["oauth-authorization"], 3),
    (Defect::StateDropped, &["oauth-authorization"], 3),
];

#[test]
fn each_defect_of_the_target_fails_what_it_must_and_nothing_else() {
    let named: BTreeSet<_> = FLAWS.iter().map(|(flaw, ..)| flaw.word()).collect();
    // Those of answers and of rate limits show under load, and have tables of their own.
    let is_of_load = |word: &str| {
        word.starts_with("limit-")
            || word.starts_with("retry-after-")
            || is_of_answers(word)
            || is_of_checks(word)
    };
    let all = Flaw::WORDS.iter().map(|(word, _)| *word);
    // Some show in both.
    let is_named = |word: &&str| named.contains(word) || !is_of_load(word);
    assert_eq!(named, all.filter(is_named).collect());
    each(&FLAWS, |(flaw, expected, code)| {
        let streams = *flaw == Flaw::BufferedStreams;
        let answers = if streams { "sse" } else { "json" };
        let practice = Practice::with(&["--defect", flaw.word(), "--answers", answers]);
        let probed = if *flaw == Flaw::Unhealthy {
            Probed::with(&practice.url(), "health = { url = \"/health\" }")
        } else {
            Probed::of(&practice.url(), &[])
        };
        assert_eq!((probed.fired(), probed.code), (set(expected), *code), "{}", flaw.word());
    });
}

#[test]
fn each_defect_of_the_authorization_server_fails_what_it_must_and_nothing_else() {
    each(&DEFECTS, |(defect, expected, code)| {
        let auth = format!("{{ defects = [{:?}] }}", defect.word());
        let practice = Practice::with(&["--auth", &auth]);
        let probed = Probed::of(&practice.url(), &[]);
        assert_eq!((probed.fired(), probed.code), (set(expected), *code), "{}", defect.word());
    });
}

/// Limits of the authorization server that a second probe meets.
const LIMITS: [(&str, &str); 2] =
    [("register_limit", "oauth-registration"), ("token_limit", "oauth-token")];

#[test]
fn a_limit_that_is_met_fails_the_leg_that_it_is_of() {
    each(&LIMITS, |(limit, expected)| {
        let practice = Practice::with(&["--auth", &format!("{{ {limit} = 1 }}")]);
        Probed::of(&practice.url(), &[]);
        let probed = Probed::of(&practice.url(), &[]);
        assert_eq!((probed.fired(), probed.code), (set(&[expected]), 3), "{limit}");
    });
}

/// Checks that no target on loopback can fail without TLS; `judge/readiness` has tests of them.
const ELSEWHERE: [&str; 2] = ["https", "certificate"];

#[test]
fn every_check_has_a_defect_that_fails_it() {
    let of_target = FLAWS.iter().flat_map(|(_, expected, _)| expected.iter());
    let of_server = DEFECTS.iter().flat_map(|(_, expected, _)| expected.iter());
    let fired = of_target.chain(of_server).copied().chain(ELSEWHERE);
    let fired: BTreeSet<&str> = fired.chain(LIMITS.map(|(_, check)| check)).collect();
    let all: BTreeSet<&str> = readiness::ids().collect();
    let never: Vec<_> = all.difference(&fired).collect();
    assert_eq!(never, [&""; 0]);
}

#[test]
fn the_readme_names_every_check_and_no_other() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, table) = readme.split_once("| about | checks |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let named: Vec<&str> = table.split('`').skip(1).step_by(2).collect();
    assert_eq!(named, readiness::ids().collect::<Vec<_>>());
}

#[test]
fn a_scenario_says_what_is_presented_and_the_practice_target_is_one() {
    let place = Place::new();
    let scenario = format!(
        "[target]\nurl = \"practice\"\n[practice]\nauth = {{ access = \"60s\" }}\n[auth]\nkind = \"oauth\"\n\
         [tools.arguments]\necho = [{{ message = \"four\" }}]\n{LOAD}"
    );
    place.file("own.toml", &scenario);
    let done = place.squall().args(["probe", "--scenario", "own.toml", "--tool", "echo"]).go();
    done.exits(0);
    assert!(done.stdout.contains("\"echo\": 4 characters"), "{}", done.stdout);
    assert!(done.stdout.contains("HTTP 401: who has no token is not let in"), "{}", done.stdout);
}
