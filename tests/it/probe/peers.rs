//! Servers that we did not write, as a probe finds them. What is kept of each is what does not
//! depend on time.

use std::fmt::Write;

use super::Probed;
use crate::peer::{Kind, Peer};

/// Steps and checks that say something, a line each, without times and ports.
fn findings(kind: Kind) -> String {
    findings_of(&Peer::start(kind))
}

fn findings_of(peer: &Peer) -> String {
    let probed = Probed::of(&peer.url(), &["--tool", "echo"]);
    let address = peer.address().to_string();
    let mut text = format!("exit code {}\n", probed.code);
    for step in probed.list("steps") {
        let (name, state) = (step["name"].as_str().unwrap(), step["state"].as_str().unwrap());
        let found = step["found"].as_str().unwrap().replace(&address, "ADDRESS");
        writeln!(text, "{name} [{state}] {found}").unwrap();
    }
    for check in probed.list("checks").iter().filter(|check| check["result"] != "not_applicable") {
        let text_of = |key: &str| check[key].as_str().unwrap();
        let why = text_of("why").replace(&address, "ADDRESS");
        writeln!(text, "{} {}: {why}", text_of("result"), text_of("id")).unwrap();
    }
    for finding in probed.list("findings") {
        writeln!(text, "broken rule {}", finding["id"].as_str().unwrap()).unwrap();
    }
    text
}

#[test]
fn version_1_of_the_python_sdk() {
    insta::assert_snapshot!(findings(Kind::PythonV1("stateful")));
}

#[test]
fn version_2_of_the_python_sdk() {
    insta::assert_snapshot!(findings(Kind::PythonV2("stateful")));
}

#[test]
fn version_2_of_the_typescript_sdk() {
    insta::assert_snapshot!(findings(Kind::TypescriptV2("stateful")));
}

#[test]
fn version_1_of_the_typescript_sdk_with_its_authorization_server() {
    insta::assert_snapshot!(findings(Kind::Limited));
}

#[test]
fn version_2_of_the_python_sdk_with_a_certified_authorization_server() {
    let authority = Peer::start(Kind::Oidc("access=60"));
    let server = Peer::start(Kind::Guarded(authority.address().port()));
    let found = findings_of(&server);
    insta::assert_snapshot!(found.replace(&authority.address().to_string(), "AUTHORITY"));
}

#[test]
fn the_example_that_has_everything() {
    insta::assert_snapshot!(findings(Kind::Everything("streamableHttp")));
}
