//! The page in a real browser, headless: whole, silent, and a hostile name is only text in it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::squall::{Place, root};

const HOSTILE: &str = r#"<img src="x" onerror="document.title='owned'">"#;

/// What the browser made of a page, and what it said meanwhile.
fn shown(page: &Path) -> (String, String) {
    let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chromium");
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("chromium is missing: run tests/run, which installs it");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    (String::from_utf8(output.stdout).unwrap(), said)
}

/// The sample's run with a tool of this name, and metrics with such labels.
fn run_with(tool: &str) -> String {
    let text = fs::read_to_string(root().join("reports/sample/run.json")).unwrap();
    let mut run: Value = serde_json::from_str(&text).unwrap();
    let mut rename = |table: &str, from: &str, to: String| {
        let table = run.pointer_mut(table).unwrap().as_object_mut().unwrap();
        let value = table.remove(from).unwrap();
        table.insert(to, value);
    };
    rename("/summary/tools", "search", tool.to_owned());
    for time in ["response", "service"] {
        rename("/histograms", &format!("tool.search.{time}"), format!("tool.{tool}.{time}"));
    }
    // A target that calls its metrics so, too.
    let metrics = run.pointer_mut("/target_metrics").unwrap();
    metrics["charts"][0]["name"] = Value::from(tool);
    for series in metrics["series"].as_array_mut().unwrap() {
        series["labels"] = Value::from(tool);
    }
    run.to_string()
}

#[test]
fn the_page_is_whole_and_silent_whatever_a_tool_is_called() {
    let place = Place::new();
    place.file("run.json", &run_with(HOSTILE));
    place.squall().args(["report", "."]).go().exits(0);
    let (dom, said) = shown(&place.path().join("report.html"));
    assert!(!said.contains("CONSOLE"), "{said}");
    for id in [
        "verdict",
        "thresholds",
        "findings",
        "times",
        "where",
        "charts",
        "metrics",
        "health",
        "plan",
        "tools",
        "outcomes",
        "handshake",
        "runs",
        "generator",
        "environment",
        "scenario",
    ] {
        assert!(dom.contains(&format!("id=\"{id}\"")), "{id} is not there");
    }
    let pictures = dom.matches("</svg>").count();
    assert!(pictures > 8 && pictures == dom.matches("<figure>").count(), "{pictures} pictures");
    assert!(dom.contains("&lt;img src="), "the name is not shown");
    assert!(!dom.contains("<img") && !dom.contains("<title>owned"), "the name was not only text");

    // A page that complains is heard, and one that breaks its promise is seen.
    place.file("loud.html", &format!("<script>console.error('loud')</script>{HOSTILE}"));
    let (dom, said) = shown(&place.path().join("loud.html"));
    assert!(said.contains("CONSOLE") && dom.contains("<img"), "{said}\n{dom}");
}
