//! The page in a real browser, headless: whole, silent, and a hostile name is only text in it; it
//! fits a phone and is used without a mouse.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::squall::{Place, root};

const HOSTILE: &str = r#"<img src="x" onerror="document.title='owned'">"#;

/// What the browser made of a page, and what it said meanwhile.
fn shown(page: &Path) -> (String, String) {
    // Browsers that share a profile refuse to run at once.
    let profile = Place::new();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
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
        "users",
        "handshake",
        "runs",
        "generator",
        "environment",
        "scenario",
    ] {
        assert!(dom.contains(&format!("id=\"{id}\"")), "{id} is not there");
    }
    assert_eq!(dom.matches("class=\"gist\"").count(), 3, "the sentences that matter first");
    for chart in
        ["Where the tool calls lie", "Sessions and users", "Runs completed", "Runs at work"]
    {
        assert!(dom.contains(&format!("<b>{chart}")), "{chart} is not there");
    }
    let pictures = dom.matches("</svg>").count();
    let behind = dom.matches("</figure>").count();
    assert!(pictures > 10 && pictures == behind, "{pictures} pictures");
    assert!(dom.contains("&lt;img src="), "the name is not shown");
    assert!(!dom.contains("<img") && !dom.contains("<title>owned"), "the name was not only text");

    // A page that complains is heard, and one that breaks its promise is seen.
    place.file("loud.html", &format!("<script>console.error('loud')</script>{HOSTILE}"));
    let (dom, said) = shown(&place.path().join("loud.html"));
    assert!(said.contains("CONSOLE") && dom.contains("<img"), "{said}\n{dom}");
}

/// Shows a page in a frame as wide as a phone and says what is wrong with it.
const PHONE: &str = r#"<iframe id="phone" width="390" height="800"></iframe><script>
const frame = document.getElementById('phone');
frame.onload = () => {
  const page = frame.contentDocument, wrong = [];
  if (page.documentElement.scrollWidth > 390) wrong.push('wider than a phone');
  let before = 0;
  for (const head of page.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    const level = Number(head.tagName[1]);
    if (level > before + 1) wrong.push('a heading skips a level: ' + head.textContent);
    before = level;
  }
  for (const part of page.querySelectorAll('[tabindex]'))
    if (!part.getAttribute('aria-label')) wrong.push('a stop of the keyboard has no name');
  for (const part of page.querySelectorAll('section'))
    if (!part.querySelector('h2') && !part.getAttribute('aria-label')) wrong.push('a section has no name');
  for (const chart of page.querySelectorAll('figure'))
    if (!chart.querySelector('details table tbody tr')) wrong.push('a chart has no table');
  const ids = [...page.querySelectorAll('[id]')].map(part => part.id);
  if (new Set(ids).size < ids.length) wrong.push('an id is there twice');
  document.title = 'wrong: ' + wrong.join('; ') + '.';
};
frame.srcdoc = PAGE;
</script>"#;

#[test]
fn the_page_fits_a_phone_and_a_keyboard() {
    let place = Place::new();
    let seen = |name: &str, page: &str| {
        // A page in a script must not end it.
        let text = serde_json::to_string(page).unwrap().replace("</", "<\\/");
        place.file(name, &PHONE.replace("PAGE", &text));
        let (dom, said) = shown(&place.path().join(name));
        assert!(!said.contains("CONSOLE"), "{said}");
        let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
        title.expect("the page was never shown").to_owned()
    };
    let page = fs::read_to_string(root().join("reports/sample/report.html")).unwrap();
    assert_eq!(seen("phone.html", &page), "wrong: .");
    let wide = "<h1>a</h1><h3>b</h3><p tabindex=0 style='width:900px'>c</p><figure id=x></figure>";
    assert_eq!(
        seen("wide.html", wide),
        "wrong: wider than a phone; a heading skips a level: b; a stop of the keyboard has no name; \
         a chart has no table."
    );
}
