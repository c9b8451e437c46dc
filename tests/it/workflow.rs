//! The README's GitHub Actions workflow: its YAML is sound, and its own steps do what they say.

use std::fs;
use std::process::Command;

use yaml_rust2::{Yaml, YamlLoader};

use crate::practice::Practice;
use crate::squall::{Place, root};

/// The README's YAML block.
fn workflow() -> Yaml {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, block) = readme.split_once("```yaml\n").expect("a workflow in the README");
    let (block, _) = block.split_once("```").unwrap();
    YamlLoader::load_from_str(block).unwrap().remove(0)
}

fn text<'a>(step: &'a Yaml, key: &str) -> Option<&'a str> {
    step[key].as_str()
}

/// The commands of its steps, but for those that install squall and start somebody's server.
fn commands(workflow: &Yaml) -> Vec<(String, bool)> {
    let steps = workflow["jobs"]["storm"]["steps"].as_vec().expect("steps");
    let own = steps.iter().filter_map(|step| Some((step, text(step, "run")?)));
    let foreign = ["start-server", "cargo install"];
    let own = own.filter(|(_, command)| !foreign.iter().any(|word| command.contains(word)));
    own.map(|(step, command)| (command.to_owned(), text(step, "if") == Some("always()"))).collect()
}

/// Runs the steps as a runner does: after a failure only those that always run.
fn run(place: &Place, target: &str) -> (bool, String) {
    let commands = commands(&workflow());
    assert_eq!(commands.len(), 2, "{commands:?}");
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_squall")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut sound = true;
    for (command, always) in commands {
        if !sound && !always {
            continue;
        }
        let command = command.replace("http://127.0.0.1:8000/mcp", target);
        let done = Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", &command])
            .current_dir(place.path())
            .env("PATH", &path)
            .env("GITHUB_STEP_SUMMARY", place.path().join("step-summary"))
            .output()
            .unwrap();
        sound &= done.status.success();
    }
    (sound, fs::read_to_string(place.path().join("step-summary")).unwrap())
}

const STORM: &str = r#"
name = "pull request"
[target]
url = "practice"
[load]
behaviour = "steady"
steady = { calls = 3, think = "10ms" }
from = "5/s"
stages = [{ over = "2s", to = "5/s" }]
drain = "20s"
[tools]
allow = ["echo"]
[generator]
lag = "60s"
loop_delay = "60s"
cpu = 1.0
[expect]
thresholds = ["errors == 0", "THRESHOLD"]
"#;

#[test]
fn a_sound_server_passes_and_a_slow_one_fails_and_both_are_shown() {
    let practice = Practice::with(&[]);
    for (threshold, sound, verdict) in
        [("runs_cut == 0", true, "passed"), ("p50(response, tools/call) < 1us", false, "failed")]
    {
        let place = Place::new();
        place.file("storm.toml", &STORM.replace("THRESHOLD", threshold));
        let (passed, summary) = run(&place, &practice.url());
        assert_eq!(passed, sound, "{summary}");
        assert!(summary.to_lowercase().contains(verdict), "{summary}");
    }
}
