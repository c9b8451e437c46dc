//! A person at a headless browser, over the pipe of its debugging protocol.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::squall::Place;

/// A page is there by then.
const LIMIT: Duration = Duration::from_secs(60);

/// One tab.
pub(crate) struct Browser {
    child: Child,
    orders: File,
    answers: BufReader<File>,
    session: Option<String>,
    next: u32,
}

impl Browser {
    /// Opens a page.
    pub(crate) fn at(place: &Place, url: &str) -> Self {
        let script = "mkfifo orders answers && exec chromium --headless --no-sandbox --disable-gpu \
                      --disable-dev-shm-usage --remote-debugging-pipe --user-data-dir=profile \
                      about:blank 3<orders 4>answers";
        let child = Command::new("sh")
            .args(["-c", script])
            .current_dir(place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let [orders, answers] = ["orders", "answers"].map(|name| place.path().join(name));
        let begun = Instant::now();
        while !answers.exists() {
            assert!(begun.elapsed() < LIMIT, "chromium was not started");
            thread::sleep(Duration::from_millis(20));
        }
        let orders = File::options().write(true).open(orders).unwrap();
        let answers = BufReader::new(File::open(answers).unwrap());
        let mut browser = Self { child, orders, answers, session: None, next: 0 };
        let tab = browser.order("Target.createTarget", &json!({ "url": url }));
        let tab = json!({ "targetId": tab["targetId"], "flatten": true });
        let session = browser.order("Target.attachToTarget", &tab);
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        browser
    }

    /// Has the page compute something.
    pub(crate) fn compute(&mut self, script: &str) -> Value {
        let script = json!({ "expression": script, "returnByValue": true });
        self.order("Runtime.evaluate", &script)["result"]["value"].clone()
    }

    /// Waits until a page of this title is there.
    pub(crate) fn until(&mut self, title: &str) {
        let begun = Instant::now();
        loop {
            let found = self.compute("document.readyState + ' ' + document.title");
            if found == format!("complete {title}") {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "{found} is shown, not {title}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn order(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let mut order = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            order["sessionId"] = Value::from(session.as_str());
        }
        self.orders.write_all(format!("{order}\0").as_bytes()).unwrap();
        loop {
            let mut answer = Vec::new();
            self.answers.read_until(0, &mut answer).unwrap();
            let answer = answer.strip_suffix(b"\0").expect("chromium has ended");
            let mut answer: Value = serde_json::from_slice(answer).unwrap();
            if answer["id"] == self.next {
                return answer["result"].take();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _killed = self.child.kill().is_ok();
        let _reaped = self.child.wait().is_ok();
    }
}
