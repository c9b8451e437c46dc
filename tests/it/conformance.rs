//! The official conformance suite: its servers against our clients, its clients against the
//! practice target. A warning is a failure here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use yaml_rust2::YamlLoader;

use crate::peer::{node, of_suite};
use crate::practice::Practice;
use crate::squall::{Place, root};

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

/// The suite waits half a minute for a client, and for ever for what the client left behind.
const DEADLINE: Duration = Duration::from_secs(90);

/// What a scenario's checks came to: each status, with what it is about.
type Checks = Vec<(String, String)>;

/// Runs the suite; gives its exit code, what it said, and the checks of each scenario.
fn suite(arguments: &[&str]) -> (i32, String, BTreeMap<String, Checks>) {
    let place = Place::new();
    let said = place.path().join("said");
    let mut command = node();
    command.arg("-r").arg(root().join("tests/peers/loopback.cjs"));
    command.arg(of_suite("@modelcontextprotocol/conformance/dist/index.js"));
    command.args(arguments).args(["-o", "checks"]).env_remove("PORT");
    let log = File::create(&said).unwrap();
    command.current_dir(place.path()).stdin(Stdio::null()).stdout(log.try_clone().unwrap());
    // A group of its own, to be ended with all it started.
    let mut child = command.stderr(log).process_group(0).spawn().unwrap();
    let until = Instant::now() + DEADLINE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > until {
            kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
        }
        thread::sleep(Duration::from_millis(20));
    };
    let said = fs::read_to_string(said).unwrap();
    let code = status.code().unwrap_or_else(|| panic!("{status}: {said}"));
    (code, said, found(&place.path().join("checks"), ""))
}

/// The checks of every scenario in a folder; those about authorization have a folder of their own.
fn found(folder: &Path, group: &str) -> BTreeMap<String, Checks> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.join("checks.json").exists() {
            // A time follows the name.
            let name = &name[..name.len() - "-2026-11-21T17-16-27-753Z".len()];
            let file = fs::read_to_string(path.join("checks.json")).unwrap();
            all.insert(format!("{group}{name}"), checks(&file));
        } else {
            all.extend(found(&path, &format!("{name}/")));
        }
    }
    all
}

fn checks(file: &str) -> Checks {
    let checks: Vec<Value> = serde_json::from_str(file).unwrap();
    let word = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    checks.iter().map(|check| (word(check, "status"), word(check, "id"))).collect()
}

/// Whether something was tried, and all of it is well.
fn passes(checks: &Checks) -> bool {
    checks.iter().any(|(status, _)| status == "SUCCESS")
        && checks
            .iter()
            .all(|(status, _)| ["SUCCESS", "INFO", "SKIPPED"].contains(&status.as_str()))
}

/// Whether a client, a command to which the URL of the server is added, passes a scenario.
fn client_passes(command: &str, scenario: &str, revision: &str) -> Result<(), String> {
    let (code, said, checks) = suite(&[
        "client",
        "--command",
        command,
        "--scenario",
        scenario,
        "--spec-version",
        revision,
        "--timeout",
        "25000",
        // An extension stands in no revision: without this it is skipped in all.
        "--force",
    ]);
    let passed = code == 0 && checks.get(scenario).is_some_and(passes);
    if passed { Ok(()) } else { Err(format!("{scenario} {revision}: exit code {code}\n{said}")) }
}

/// The scenarios that a revision requires, of a `client` or of a `server`.
fn required(revision: &str, of: &str) -> Vec<String> {
    let file = format!("@modelcontextprotocol/conformance/requirements/{revision}.yaml");
    let file = fs::read_to_string(of_suite(&file)).unwrap();
    let file = YamlLoader::load_from_str(&file).unwrap();
    let names = file[0][of].as_vec().unwrap().iter().map(|name| name.as_str().unwrap());
    names.map(str::to_owned).collect()
}

/// Those about authorization that both revisions require.
const AUTHORIZATION: [&str; 14] = [
    "auth/metadata-default",
    "auth/metadata-var1",
    "auth/metadata-var2",
    "auth/metadata-var3",
    "auth/basic-cimd",
    "auth/scope-from-www-authenticate",
    "auth/scope-from-scopes-supported",
    "auth/scope-omitted-when-undefined",
    "auth/scope-step-up",
    "auth/scope-retry-limit",
    "auth/token-endpoint-auth-basic",
    "auth/token-endpoint-auth-post",
    "auth/token-endpoint-auth-none",
    "auth/pre-registration",
];

#[test]
fn what_is_required_of_a_client() {
    let legacy = ["initialize", "tools_call", "elicitation-sep1034-client-defaults", "sse-retry"];
    assert_eq!(required(LEGACY, "client"), [&legacy[..], &AUTHORIZATION].concat());
    let authorization = [
        "auth/resource-mismatch",
        "auth/offline-access-scope",
        "auth/offline-access-not-supported",
        "auth/authorization-server-migration",
        "auth/iss-supported",
        "auth/iss-not-advertised",
        "auth/iss-supported-missing",
        "auth/iss-wrong-issuer",
        "auth/iss-unexpected",
        "auth/iss-normalized",
        "auth/metadata-issuer-mismatch",
    ];
    let modern = [
        "sep-2322-client-request-state",
        "http-standard-headers",
        "http-custom-headers",
        "http-invalid-tool-headers",
        "json-schema-ref-no-deref",
    ];
    let first = ["tools_call", "request-metadata"];
    let modern = [&first[..], &AUTHORIZATION, &authorization, &modern].concat();
    assert_eq!(required(MODERN, "client"), modern);
}

/// The suite itself lets it pass `initialize`: nothing was tried, and so nothing failed.
#[test]
fn a_client_that_does_nothing_passes_nothing() {
    for (scenario, revision) in [("initialize", LEGACY), ("tools_call", MODERN)] {
        assert!(client_passes("true", scenario, revision).is_err());
    }
}

/// Has the hidden command made for the suite pass these scenarios, a few at a time.
fn squall_passes(scenarios: &[String], revision: &str) {
    let command = &format!("'{}' conformance", env!("CARGO_BIN_EXE_squall"));
    let failed: Vec<String> = scenarios
        .chunks(8)
        .flat_map(|some| {
            thread::scope(|scope| {
                let run = |name| scope.spawn(move || client_passes(command, name, revision).err());
                let running: Vec<_> = some.iter().map(|name| run(name.as_str())).collect();
                let ended = running.into_iter().filter_map(|running| running.join().unwrap());
                ended.collect::<Vec<_>>()
            })
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn clients_pass_all_that_2025_11_25_requires() {
    squall_passes(&required(LEGACY, "client"), LEGACY);
}

#[test]
fn clients_pass_all_that_2026_07_28_requires() {
    squall_passes(&required(MODERN, "client"), MODERN);
}

/// Servers of 2025-03-26, whose authorization server is their own origin, with metadata and without.
#[test]
fn clients_get_along_with_authorization_of_2025_03_26() {
    let scenarios = ["oauth-metadata-backcompat", "oauth-endpoint-fallback"];
    squall_passes(&scenarios.map(|name| format!("auth/2025-03-26-{name}")), "2025-03-26");
}

/// An extension: nobody consents, the client is trusted by its secret or by its key.
#[test]
fn clients_have_credentials_of_their_own() {
    let scenarios = ["jwt", "basic"].map(|name| format!("auth/client-credentials-{name}"));
    for revision in [LEGACY, MODERN] {
        squall_passes(&scenarios, revision);
    }
}

/// The scenarios that the practice target passes, and what the suite said of all of them.
fn practice_passes(flags: &[&str], revision: &str) -> (BTreeSet<String>, i32, String) {
    let practice = Practice::with(flags);
    let url = practice.url();
    let (code, said, checks) = suite(&["server", "--url", &url, "--requirements", revision]);
    let passed = checks.into_iter().filter(|(_, checks)| passes(checks));
    let name = |name: String| name.strip_prefix("server-").unwrap().to_owned();
    (passed.map(|(folder, _)| name(folder)).collect(), code, said)
}

/// With its usual tools it passes what needs no others: all of these, and nothing else.
#[test]
fn the_practice_target_passes_what_it_offers() {
    let expected = [
        "dns-rebinding-protection",
        "ping",
        "prompts-list",
        "resources-list",
        "server-initialize",
        "server-session-lifecycle",
        "server-sse-multiple-streams",
        "tools-list",
    ];
    for flags in [&[][..], &["--answers", "sse"]] {
        let (passed, _, said) = practice_passes(flags, LEGACY);
        assert_eq!(passed, expected.map(str::to_owned).into(), "{flags:?}\n{said}");
    }
}

/// With everything that MCP has a form for, it passes everything that is required of a server.
fn passes_all(flags: &[&str], revision: &str, scenarios: usize) {
    let flags = [&["--catalogue", "full"], flags].concat();
    let required: BTreeSet<String> = required(revision, "server").into_iter().collect();
    assert_eq!(required.len(), scenarios, "{revision}");
    let (passed, code, said) = practice_passes(&flags, revision);
    let failed: Vec<_> = required.difference(&passed).collect();
    assert!(failed.is_empty() && code == 0, "{flags:?} {revision}: {code} {failed:?}\n{said}");
}

#[test]
fn the_practice_target_passes_all_that_2025_11_25_requires() {
    passes_all(&[], LEGACY, 30);
    passes_all(&["--resumable", "--answers", "sse"], LEGACY, 30);
}

#[test]
fn the_practice_target_passes_all_that_2026_07_28_requires() {
    passes_all(&[], MODERN, 37);
    passes_all(&["--speaks", "modern", "--answers", "sse"], MODERN, 37);
}
