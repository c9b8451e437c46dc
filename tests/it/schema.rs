//! The schemas that squall prints hold for every scenario and every run in the repository.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::squall::{Place, root};

fn printed(arguments: &[&str]) -> Value {
    let done = Place::new().squall().args(arguments.iter().copied()).go();
    done.exits(0);
    assert_eq!(done.stderr, "");
    serde_json::from_str(&done.stdout).unwrap()
}

#[track_caller]
fn holds(schema: &Value, instance: &Value, name: &str) {
    let validator = jsonschema::draft202012::options().build(schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, [""; 0], "{name}");
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let found: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

#[test]
fn every_shipped_scenario_is_valid() {
    let schema = printed(&["schema"]);
    for path in files("scenarios", "toml") {
        let text = fs::read_to_string(&path).unwrap();
        let scenario: Value = toml::from_str(&text).unwrap();
        holds(&schema, &scenario, &path.display().to_string());
    }
}

#[test]
fn the_sample_and_a_fresh_run_are_valid() {
    let schema = printed(&["schema", "--run"]);
    let sample = fs::read_to_string(root().join("reports/sample/run.json")).unwrap();
    holds(&schema, &serde_json::from_str(&sample).unwrap(), "the sample");
    let place = Place::new();
    let done = place.run("research-storm").short().set("tools.allow", r#"["echo"]"#).go();
    holds(&schema, &done.exits(0).report().0, "a fresh run");
}
