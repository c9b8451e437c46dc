//! The house as its plan says: which floor uses which, and how large a file may be.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::squall::root;

/// What each floor may use besides itself.
const FLOORS: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("scenario", &["model"]),
    ("protocol", &["model"]),
    ("edge", &["model"]),
    ("judge", &["model"]),
    ("chaos", &["model", "edge"]),
    ("engine", &["model", "protocol", "edge"]),
    ("practice", &["model", "protocol", "edge"]),
    ("render", &["model"]),
    ("conduct", &["model", "scenario", "protocol", "edge", "judge", "chaos", "engine", "practice"]),
    (
        "cli",
        &[
            "model", "scenario", "protocol", "edge", "judge", "chaos", "engine", "practice",
            "render", "conduct",
        ],
    ),
];

const MOST_LINES: usize = 400;

/// What is wrong with a file at this path below `src/`, a line each.
fn wrongs(path: &str, text: &str) -> Vec<String> {
    let mut wrongs = Vec::new();
    let mut wrong = |what: String| wrongs.push(format!("{path}: {what}"));
    if !text.starts_with("//! ") {
        wrong("does not begin with the sentence that says what it owns".to_owned());
    }
    if path.ends_with("mod.rs") {
        wrong("is a mod.rs: src/lib.rs declares the floors".to_owned());
    }
    if text.contains("#[allow(") || text.contains("#![allow(") {
        wrong("allows a lint: #[expect(lint, reason = \"...\")] says why".to_owned());
    }
    let lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text).lines().count();
    if lines > MOST_LINES {
        wrong(format!("has {lines} lines above its tests, {MOST_LINES} are the most"));
    }
    for found in uses(path, text) {
        wrong(found);
    }
    wrongs
}

/// Uses of floors that are not this file's to use.
fn uses(path: &str, text: &str) -> Vec<String> {
    let module: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    let floor = module[0];
    let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == floor) else {
        let is_root = matches!(path, "lib.rs" | "main.rs");
        return if is_root { Vec::new() } else { vec![format!("{floor} is no floor")] };
    };
    let mut wrongs = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut wrong = |what: &str| wrongs.push(format!("line {}: {what}", number + 1));
        for found in named(line) {
            if found != floor && !allowed.contains(&found) {
                wrong(&format!("{floor} may not use {found}"));
            }
        }
        if line.contains("crate::{") {
            wrong("names several floors in one line: give each its own");
        }
        // A module inside the file, such as its tests, is one further down.
        let depth = module.len() + usize::from(line.starts_with(' '));
        if line.contains(&"super::".repeat(depth)) {
            wrong("leaves its floor through super::");
        }
    }
    wrongs
}

/// The floors that a line names.
fn named(line: &str) -> Vec<&str> {
    static NAMED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(?:crate|squall)::(\w+)").unwrap());
    NAMED.captures_iter(line).map(|found| found.get(1).unwrap().as_str()).collect()
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn every_file_keeps_to_its_floor() {
    let src = root().join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 100, "only {} files were found", files.len());
    files.sort();
    let wrongs: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let path = file.strip_prefix(&src).unwrap().to_str().unwrap();
            wrongs(path, &fs::read_to_string(file).unwrap())
        })
        .collect();
    assert!(wrongs.is_empty(), "\n{}", wrongs.join("\n"));
}

#[test]
fn the_plan_in_lib_rs_has_these_floors() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut floors: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(" {")).collect();
    floors.sort_unstable();
    let mut known = FLOORS.map(|(floor, _)| floor);
    known.sort_unstable();
    assert_eq!(floors, known);
}

#[test]
fn each_rule_can_be_broken() {
    let long = format!("//! A.\n{}", "//\n".repeat(MOST_LINES));
    let broken = [
        ("model/pace.rs", "//! A.\nuse crate::edge::clock;", "line 2: model may not use edge"),
        (
            "render/text.rs",
            "//! A.\nlet a = crate::engine::user::f();",
            "render may not use engine",
        ),
        ("engine/wire.rs", "//! A.\nuse crate::conduct::run;", "engine may not use conduct"),
        ("practice/server.rs", "//! A.\nuse crate::engine::wire;", "practice may not use engine"),
        ("conduct/run.rs", "//! A.\nuse crate::render::html;", "conduct may not use render"),
        ("model/pace.rs", "//! A.\nuse crate::{edge, render};", "several floors in one line"),
        ("model/pace.rs", "//! A.\nuse super::super::edge;", "leaves its floor through super::"),
        ("judge/tokens.rs", "//! A.\nuse crate::engine::wire;", "judge may not use engine"),
        ("attic/pipe.rs", "//! A.", "attic is no floor"),
        ("model/pace.rs", "// A.", "does not begin with the sentence"),
        ("model/pace/mod.rs", "//! A.", "is a mod.rs"),
        ("model/pace.rs", "//! A.\n#[allow(dead_code)]", "allows a lint"),
        ("model/pace.rs", &long, "has 401 lines above its tests"),
    ];
    for (path, text, expected) in broken {
        let found = wrongs(path, text);
        assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
    }
    let sound = [
        ("engine/client/post.rs", "//! A.\nuse super::super::wire;\nuse crate::edge::clock;"),
        ("model/pace.rs", &format!("//! A.\n#[cfg(test)]\nmod tests {{\n{long}}}")),
        ("cli/run.rs", "//! A.\nuse crate::render::html;"),
    ];
    for (path, text) in sound {
        assert_eq!(wrongs(path, text), [""; 0], "{path}");
    }
}
