//! What is linked into squall: licences, sources and bans, as deny.toml has them.
//!
//! `cargo deny check` reads the same file; it takes minutes to build, so that its offline part is
//! held here.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::squall::root;

struct Rules {
    licences: HashSet<String>,
    banned: Vec<String>,
    /// Left out, with what only they bring.
    excluded: Vec<String>,
}

fn rules() -> Rules {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let words = |value: &toml::Value, key: Option<&str>| -> Vec<String> {
        let word = |value: &toml::Value| match key {
            Some(key) => value[key].as_str().unwrap().to_owned(),
            None => value.as_str().unwrap().to_owned(),
        };
        value.as_array().unwrap().iter().map(word).collect()
    };
    Rules {
        licences: words(&table["licenses"]["allow"], None).into_iter().collect(),
        banned: words(&table["bans"]["deny"], Some("crate")),
        excluded: words(&table["graph"]["exclude"], None),
    }
}

/// Whether an SPDX expression can be met with allowed licences alone.
fn is_allowed(expression: &str, allowed: &HashSet<String>) -> bool {
    let expression = expression.trim();
    // `/` was OR before SPDX expressions were demanded.
    for separator in [" OR ", "/"] {
        if let Some((left, right)) = at_top(expression, separator) {
            return is_allowed(left, allowed) || is_allowed(right, allowed);
        }
    }
    if let Some((left, right)) = at_top(expression, " AND ") {
        return is_allowed(left, allowed) && is_allowed(right, allowed);
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => is_allowed(inner, allowed),
        None => allowed.contains(expression),
    }
}

/// Splits at the first separator outside parentheses.
fn at_top<'a>(expression: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let mut depth = 0;
    for (at, character) in expression.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 && expression[at..].starts_with(separator) {
            return Some((&expression[..at], &expression[at + separator.len()..]));
        }
    }
    None
}

/// The packages that squall comes to without those that are left out, by their ids.
fn reached<'a>(metadata: &'a Value, rules: &Rules) -> HashSet<&'a str> {
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap().iter();
    let texts = |value: &'a Value| value.as_array().unwrap().iter().filter_map(Value::as_str);
    let needs: HashMap<&str, Vec<&str>> = nodes
        .map(|node| (node["id"].as_str().unwrap(), texts(&node["dependencies"]).collect()))
        .collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let is_excluded =
        |package: &&Value| rules.excluded.iter().any(|name| package["name"].as_str() == Some(name));
    let mut reached: HashSet<&str> =
        packages.filter(is_excluded).filter_map(|package| package["id"].as_str()).collect();
    let excluded = reached.clone();
    let mut next = vec![metadata["resolve"]["root"].as_str().unwrap()];
    while let Some(package) = next.pop() {
        if reached.insert(package) {
            next.extend(&needs[package]);
        }
    }
    &reached - &excluded
}

/// What is wrong with the packages of `cargo metadata`, a line each.
fn wrongs(metadata: &Value, rules: &Rules) -> Vec<String> {
    let mut wrongs = Vec::new();
    let reached = reached(metadata, rules);
    let packages = metadata["packages"].as_array().unwrap().iter();
    for package in packages.filter(|package| reached.contains(package["id"].as_str().unwrap())) {
        let name = package["name"].as_str().unwrap();
        let version = package["version"].as_str().unwrap();
        let mut wrong = |what: String| wrongs.push(format!("{name} {version}: {what}"));
        match package["license"].as_str() {
            Some(licence) if is_allowed(licence, &rules.licences) => {}
            other => wrong(format!("its licence {other:?} is not allowed")),
        }
        match package["source"].as_str() {
            None if name == "squall" => {}
            Some("registry+https://github.com/rust-lang/crates.io-index") => {}
            other => wrong(format!("it comes from {other:?}")),
        }
        if rules.banned.iter().any(|banned| banned == name) {
            wrong("it is banned".to_owned());
        }
    }
    wrongs
}

#[test]
fn every_dependency_is_allowed() {
    let about = Command::new("rustc").arg("-vV").current_dir(root()).output().unwrap();
    let about = String::from_utf8(about.stdout).unwrap();
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(metadata["packages"].as_array().unwrap().len() > 100);
    let wrongs = wrongs(&metadata, &rules());
    assert!(wrongs.is_empty(), "\n{}", wrongs.join("\n"));
}

#[test]
fn each_rule_can_be_broken() {
    let allowed: HashSet<String> = ["MIT", "Apache-2.0"].map(str::to_owned).into();
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("MIT/Apache-2.0", true),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR GPL-3.0-only) AND Apache-2.0", true),
        ("(MIT AND GPL-3.0-only) OR Zlib", false),
    ] {
        assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
    }
    let package = |name: &str, licence: &str, source: &str| serde_json::json!({ "id": name, "name": name, "version": "1.0.0", "license": licence, "source": source });
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    let node =
        |name: &str, needs: &[&str]| serde_json::json!({ "id": name, "dependencies": needs });
    let metadata = serde_json::json!({
        "packages": [
            package("fine", "MIT", registry),
            package("openssl", "MIT", registry),
            package("elsewhere", "MIT", "git+https://example.com/"),
            package("copyleft", "GPL-3.0-only", registry),
            package("only-for-tests", "GPL-3.0-only", registry),
            package("of-that", "GPL-3.0-only", registry),
        ],
        "resolve": { "root": "fine", "nodes": [
            node("fine", &["openssl", "only-for-tests", "copyleft"]),
            node("openssl", &["elsewhere"]),
            node("elsewhere", &[]),
            node("copyleft", &["fine"]),
            node("only-for-tests", &["of-that", "copyleft"]),
            node("of-that", &[]),
        ]},
    });
    let (banned, excluded) = (vec!["openssl".to_owned()], vec!["only-for-tests".to_owned()]);
    let rules = Rules { licences: allowed, banned, excluded };
    assert_eq!(
        wrongs(&metadata, &rules),
        [
            "openssl 1.0.0: it is banned",
            "elsewhere 1.0.0: it comes from Some(\"git+https://example.com/\")",
            "copyleft 1.0.0: its licence Some(\"GPL-3.0-only\") is not allowed",
        ]
    );
}
