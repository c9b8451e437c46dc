//! What a probe never prints: what it was given to present, and what a server would have a terminal do.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::practice::Practice;
use crate::squall::Place;

const TOKEN: &str = "hush-4f1c9a-never-seen";

/// A server that says back whatever it is told, in whatever place it can, and would turn the
/// terminal red.
fn parrot() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut came = vec![0; 16_384];
                let length = socket.read(&mut came).unwrap_or_default();
                let said = String::from_utf8_lossy(&came[..length]).into_owned();
                let message = serde_json::json!({
                    "jsonrpc": "2.0", "id": 0,
                    "error": { "code": -1, "message": format!("\u{1b}[31m{said}") },
                });
                let body = message.to_string();
                let told = said.lines().find(|line| line.starts_with("authorization"));
                let told = told.unwrap_or_default();
                let answer = format!(
                    "HTTP/1.1 400 Bad\r\ncontent-type: application/json\r\nallow: {told}\r\n\
                     location: {told}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _went = socket.write_all(answer.as_bytes()).is_ok();
            });
        }
    });
    format!("http://{address}/mcp")
}

#[test]
fn a_token_is_nowhere_and_nothing_reaches_the_terminal_unseen() {
    let guarded = Practice::with(&["--auth"]);
    for url in [parrot(), guarded.url()] {
        for json in [&["--json"][..], &[]] {
            let place = Place::new();
            let order = place.squall().args(["probe", &url, "--bearer-env", "MY_TOKEN"]);
            let done = order.args(json.iter().copied()).env("MY_TOKEN", TOKEN).go();
            done.exits(3);
            let what_helps = "what was presented is refused";
            assert!(url != guarded.url() || done.stdout.contains(what_helps), "{}", done.stdout);
            for text in [&done.stdout, &done.stderr] {
                assert!(!text.contains(TOKEN), "{text}");
                assert!(!text.contains('\u{1b}'), "{text}");
            }
        }
    }
}

#[test]
fn mistakes_in_the_arguments_are_said() {
    let place = Place::new();
    let probe = |arguments: &[&str]| {
        let done = place.squall().arg("probe").args(arguments.iter().copied()).go();
        done.exits(2);
        assert_eq!(done.stdout, "");
        done.stderr
    };
    let refused = probe(&["https://tools.example.com/mcp"]);
    assert!(refused.contains("--i-am-authorised"), "{refused}");
    let unset = probe(&["http://127.0.0.1:9/mcp", "--bearer-env", "NO_SUCH_VARIABLE"]);
    assert!(unset.contains("NO_SUCH_VARIABLE"), "{unset}");
    probe(&[]);
    probe(&["tools.example.com"]);
    probe(&["--scenario", "no-such-file.toml"]);
}

#[test]
fn no_tool_that_destroys_is_called_even_if_it_is_named() {
    let practice = Practice::with(&[]);
    for (tool, code, calls) in [("delete_document", 0, 0), ("echo", 0, 1), ("no_such", 2, 1)] {
        let place = Place::new();
        place.squall().args(["probe", &practice.url(), "--tool", tool]).go().exits(code);
        assert_eq!(practice.counted("practice_tool_calls_total"), calls, "{tool}");
    }
}
