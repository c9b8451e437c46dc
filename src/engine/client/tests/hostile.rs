//! What servers must not do to a client: whatever comes is bounded in bytes and in time, has a
//! name, and the next call is made. Floods of one body or head are in wire/tests.rs.

use serde_json::json;

use super::eras::{modern, sound_modern, typed};
use super::*;
use crate::engine::wire::STREAM_LIMIT;

mod streams;

const MIB: u64 = 1024 * 1024;
/// What is on its way in a pipe and in buffers when a client goes.
const SLACK: u64 = MIB;

/// Something that a server does with a call, once.
struct Case {
    what: &'static str,
    script: Vec<Do>,
    expected: Outcome,
    /// The call's service is over by then.
    within: Duration,
    /// The server wrote no more than this, in bytes.
    most: u64,
}

fn case(what: &'static str, script: Vec<Do>, expected: Outcome) -> Case {
    Case { what, script, expected, within: ms(100), most: 100_000 }
}

fn broken(what: &'static str, bytes: Vec<u8>, rule: Rule) -> Case {
    case(what, vec![Do::Write(bytes), Do::Close], Outcome::Violation(rule))
}

/// What a server does that is hostile in one thing and never takes an answer of ours.
fn otherwise(seen: &Seen) -> Vec<Do> {
    if seen.what() == "answer" { vec![Do::Hang] } else { sound(seen) }
}

/// A stream that brings these events for ever, with a pause before each time.
fn endless(text: &str, pause: Duration) -> Vec<Do> {
    vec![Do::Write(stream_head()), Do::Endless(chunk(text), pause)]
}

fn note() -> String {
    event(r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info"}}"#)
}

fn ping() -> String {
    event(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#)
}

/// Answers without a length, so that they end only with their connection.
fn head(status: u16, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\n{headers}\r\n").into_bytes()
}

fn never_ending() -> Vec<Case> {
    let cut_off = profile_timeout();
    let slow = |what, script, expected| Case {
        within: cut_off,
        most: 2 * MIB,
        ..case(what, script, expected)
    };
    let large = format!(": {}\n\n", "x".repeat(100_000));
    let json = "content-type: application/json\r\n";
    let drip = vec![Do::Write(head(200, json)), Do::Endless(b" ".to_vec(), ms(1_000))];
    let go_on = vec![Do::Endless(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(), ms(10))];
    let flood = Outcome::Violation(Rule::TooLarge);
    vec![
        slow("endless notes", endless(&note(), ms(10)), Outcome::Timeout),
        slow("endless comments", endless(": x\n\n", ms(10)), Outcome::Timeout),
        slow("a byte a second", drip, Outcome::Timeout),
        slow("100 Continue for ever", go_on, Outcome::Timeout),
        Case {
            most: STREAM_LIMIT + SLACK,
            ..case("comments as fast as they go", endless(&large, ms(0)), flood)
        },
        Case {
            within: ms(5_000),
            ..case(
                "endless pings",
                endless(&ping().repeat(10), ms(1)),
                Outcome::Violation(Rule::RequestFlood),
            )
        },
    ]
}

fn profile_timeout() -> Duration {
    plain().call_timeout
}

fn unreadable() -> Vec<Case> {
    let in_event = |data: &[u8]| {
        let event = [b"data: ", data, b"\n\n"].concat();
        let size = format!("{:x}\r\n", event.len()).into_bytes();
        [stream_head(), size, event, b"\r\n".to_vec()].concat()
    };
    let as_json = |body: &[u8]| {
        let headers =
            format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        [head(200, &headers), body.to_vec()].concat()
    };
    let utf8 = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[],\"x\":\"\xff\xfe\"}}";
    let deep = |member: &str, levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{{member}:{open}{close}}}}}"#).into_bytes()
    };
    let unclosed = [br#"{"jsonrpc":"2.0","id":1,"result":"#.to_vec(), vec![b'['; 40_000]].concat();
    vec![
        broken("invalid UTF-8", as_json(utf8), Rule::NotJson),
        broken("invalid UTF-8 in an event", in_event(utf8), Rule::NotJson),
        broken("a NUL", as_json(b"\0"), Rule::NotJson),
        broken("deep JSON that never closes", as_json(&unclosed), Rule::NotJson),
        broken("deep content", as_json(&deep("\"content\"", 20_000)), Rule::MalformedResult),
        broken(
            "a deep result in an event",
            in_event(&deep("\"content\"", 9_000)),
            Rule::MalformedResult,
        ),
        broken(
            "a deep id",
            as_json(br#"{"jsonrpc":"2.0","id":[[[[]]]],"result":{"content":[]}}"#),
            Rule::NotJsonRpc,
        ),
    ]
}

fn elsewhere() -> Vec<Case> {
    let to = [
        (301, "http://evil.test/mcp"),
        (302, "http://127.0.0.1:1/"),
        (303, "http://10.0.0.1/"),
        (307, "http://169.254.169.254/latest"),
        (308, "//[::1]/"),
        (308, "file:///etc/passwd"),
    ];
    let to = to.map(|(status, to)| {
        let headers = format!("location: {to}\r\ncontent-length: 0\r\n");
        broken("a redirect", head(status, &headers), Rule::Redirect)
    });
    to.into()
}

/// Nothing here was asked for: nothing of it is unpacked, or waited for.
fn coded() -> Vec<Case> {
    let bombs = ["application/json", "text/event-stream"].into_iter().flat_map(|media| {
        ["gzip", "br", "GZIP, gzip"].map(|coding| {
            let headers = format!("content-type: {media}\r\ncontent-encoding: {coding}\r\n");
            let script = vec![Do::Write(head(200, &headers)), Do::Flood(0x1f)];
            Case { most: SLACK, ..case("a bomb", script, Outcome::Violation(Rule::UnaskedCoding)) }
        })
    });
    bombs.collect()
}

fn odd_heads() -> Vec<Case> {
    let long = "x".repeat(60_000);
    let authenticate = format!("www-authenticate: Bearer {long}\r\ncontent-length: 0\r\n");
    let wait = "retry-after: 18446744073709551615\r\ncontent-length: 0\r\n";
    let throttle = |wait| Throttle { signal: Signal::Http429, retry_after: wait };
    let for_ever = Outcome::Throttled(throttle(Some(Duration::from_secs(u64::MAX))));
    let in_head = |line: &str| {
        let not_http = Outcome::Connect(ConnectFailure::NotHttp);
        let script = vec![Do::Write(head(200, line)), Do::Hang];
        case("no header line", script, not_http)
    };
    vec![
        case(
            "a long challenge",
            vec![Do::Write(head(401, &authenticate))],
            Outcome::Unauthorised(401),
        ),
        case("a wait for ever", vec![Do::Write(head(429, wait))], for_ever),
        case(
            "a wait beyond all numbers",
            vec![Do::Write(head(429, &wait.replace("5\r", "5999\r")))],
            Outcome::Throttled(throttle(None)),
        ),
        in_head("mcp-session-id: a\u{1}b\r\n"),
        in_head("mcp-session-id: \u{1b}[2J\r\n"),
        in_head("x: a\0b\r\n"),
        in_head("\u{7f}: x\r\n"),
    ]
}

#[tokio::test(start_paused = true)]
async fn whatever_answers_a_call_is_bounded_and_has_a_name() {
    let mut wrong = Vec::new();
    let cases = [never_ending(), unreadable(), elsewhere(), coded(), odd_heads()];
    for Case { what, script, expected, within, most } in cases.into_iter().flatten() {
        let hostile = std::sync::atomic::AtomicBool::new(true);
        let server = Server::new(move |seen| {
            let now = seen.what() == "tools/call" && hostile.swap(false, Ordering::SeqCst);
            if now { script.clone() } else { otherwise(seen) }
        });
        let client = client(&server, pooled(plain()));
        client.call(ms(0), ASK).await;
        let between = client.common.wire.clock.now();
        client.call(between, ASK).await;
        let told = told(&client);
        let [hostile, next] = &told.calls[..] else { panic!("{what}: {:?}", told.calls) };
        let calls = server.heard().iter().filter(|what| *what == "tools/call").count();
        let violations = &told.violations;
        let evidence = |rule| violations.iter().find(|told| told.rule == rule);
        let is_named = match expected {
            Outcome::Violation(rule) => {
                evidence(rule).is_some_and(|told| (1..=400).contains(&told.evidence.len()))
            }
            _ => violations.is_empty(),
        };
        let holds = [
            ("outcome", hostile.outcome == expected),
            ("time", hostile.instants.service() <= Some(within)),
            ("bytes", server.written() <= most),
            ("the next call", next.outcome == Outcome::Ok),
            ("evidence", is_named),
            ("how often it is told", violations.len() <= 1_001),
            ("nothing is asked twice", calls == 2),
        ];
        for (which, _) in holds.iter().filter(|(_, holds)| !holds) {
            let (outcome, service) = (hostile.outcome, hostile.instants.service());
            let written = server.written();
            wrong.push(format!("{what}, {which}: {outcome:?}, {service:?}, {written} bytes"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// How a call ends at a server that does this with one method, and what was told.
async fn at(
    profile: Profile,
    method: &'static str,
    sound: fn(&Seen) -> Vec<Do>,
    hostile: impl Fn(&Seen) -> Vec<Do> + Send + Sync + 'static,
) -> (Server, Arc<Client>, Told) {
    let script = move |seen: &Seen| if seen.what() == method { hostile(seen) } else { sound(seen) };
    let server = Server::new(script);
    let client = client(&server, profile);
    client.call(ms(0), ASK).await;
    client.common.wire.clock.sleep(ms(2_000)).await;
    let told = told(&client);
    (server, client, told)
}

#[tokio::test(start_paused = true)]
async fn a_handshake_cannot_hurt() {
    let named = |id: &str| {
        head(200, &format!("mcp-session-id: {id}\r\ncontent-type: application/json\r\n"))
    };
    let whole = |seen: &Seen, head: Vec<u8>, name: &str| {
        let result = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
            "serverInfo": { "name": name, "version": name } });
        vec![Do::Write([head, answer(seen, &result).into_bytes()].concat()), Do::Close]
    };
    let bad = Outcome::Violation(Rule::BadSessionId);
    for id in ["a b", "\u{e9}", "a\tb", ""] {
        let head = named(id);
        let (server, _, told) =
            at(plain(), "initialize", sound, move |seen| whole(seen, head.clone(), "x")).await;
        assert_eq!(told.calls[0].outcome, bad, "{id:?}");
        assert_eq!(told.violations[0].rule, Rule::BadSessionId);
        assert_eq!(server.heard(), ["initialize"], "it is sent nowhere");
    }
    let long = "n".repeat(2_000_000);
    let server = Server::new(move |seen| match seen.what().as_str() {
        "initialize" => whole(seen, named("s"), &long),
        _ => sound(seen),
    });
    let scouted = client(&server, plain()).scout().await.unwrap();
    assert_eq!(scouted.server.len(), 401, "what it calls itself is cut");
}

#[tokio::test(start_paused = true)]
async fn slow_pages_end_in_time() {
    let page = |seen: &Seen| {
        let next = seen.at.as_millis().to_string();
        let page = json!({ "tools": [], "nextCursor": next });
        vec![Do::After(ms(9_000)), Do::Write(json_reply(&answer(seen, &page)))]
    };
    let server = Server::new(move |seen| match seen.what().as_str() {
        "tools/list" => page(seen),
        _ => sound(seen),
    });
    let client = client(&server, plain());
    let refusal = client.scout().await.unwrap_err();
    assert_eq!((refusal.outcome, refusal.operation), (Outcome::Timeout, Operation::ToolsList));
    assert!(client.common.wire.clock.now() <= ms(121_000));
}

#[tokio::test(start_paused = true)]
async fn the_questions_of_a_modern_server_are_bounded() {
    let asked = |state: serde_json::Value, requests: serde_json::Value| {
        move |seen: &Seen| {
            let result = json!({ "resultType": "input_required", "requestState": state,
                "inputRequests": requests });
            vec![Do::Write(typed(seen, result))]
        }
    };
    let profile = || Profile {
        input_rounds: 3,
        capabilities: r#"{"elicitation":{}}"#.into(),
        server_requests: ServerRequests::Answer(Elicitation::AcceptDefaults),
        ..modern()
    };
    let large = json!("x".repeat(1_000_000));
    let (server, _, told) =
        at(profile(), "tools/call", sound_modern, asked(large, json!({}))).await;
    assert_eq!(told.calls[0].outcome, Outcome::Violation(Rule::TooManyRounds));
    assert_eq!(server.heard().iter().filter(|what| *what == "tools/call").count(), 4);
    let question = json!({ "method": "elicitation/create", "params": {} });
    let many: serde_json::Map<_, _> =
        (0..20_000).map(|key| (key.to_string(), question.clone())).collect();
    let many = asked(json!("s"), json!(many));
    let (_, _, told) = at(profile(), "tools/call", sound_modern, many).await;
    assert_eq!(told.calls[0].outcome, Outcome::Violation(Rule::TooLarge));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_never_ends_is_polled_as_long_as_patience_lasts() {
    let task = |seen: &Seen| {
        let result = json!({ "resultType": "task", "taskId": "t", "status": "working",
            "createdAt": "2026-11-21T00:00:00Z", "pollIntervalMs": 0 });
        vec![Do::Write(typed(seen, result))]
    };
    let script = move |seen: &Seen| match seen.what().as_str() {
        "tools/call" | "tasks/get" => task(seen),
        _ => sound_modern(seen),
    };
    let server = Server::new(script);
    let capabilities = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#.into();
    let call_timeout = ms(60_000);
    let client = client(&server, Profile { capabilities, call_timeout, ..modern() });
    client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!(told.calls[0].outcome, Outcome::Timeout);
    assert!(told.calls[0].instants.service() <= Some(call_timeout));
    let polls = server.heard().iter().filter(|what| *what == "tasks/get").count();
    assert!((1_000..=1_200).contains(&polls), "every 50 ms at most: {polls}");
}

#[tokio::test(start_paused = true)]
async fn lists_that_hold_for_no_time_are_asked_for_once_a_run() {
    let stale = |seen: &Seen| {
        let tool = json!({ "name": "echo", "inputSchema": { "type": "object" } });
        let result = json!({ "resultType": "complete", "tools": [tool], "ttlMs": 0,
            "cacheScope": "public" });
        vec![Do::Write(json_reply(&answer(seen, &result)))]
    };
    let server = Server::new(move |seen| match seen.what().as_str() {
        "tools/list" => stale(seen),
        _ => sound_modern(seen),
    });
    let client = client(&server, Profile { honours_ttl: true, ..modern() });
    // The first call finds out the era; of those at once, each would list for itself.
    client.begin_run(0);
    client.call(ms(0), ASK).await;
    for run in 1..=3 {
        client.begin_run(run);
        let calls = (0..20).map(|_| client.call(ms(0), ASK));
        futures_util::future::join_all(calls).await;
    }
    let lists = server.heard().iter().filter(|what| *what == "tools/list").count();
    assert_eq!((lists, told(&client).calls.len()), (4, 61), "one for each run, whatever it calls");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_speaks_a_million_versions_is_asked_once_in_each_era() {
    let many = |seen: &Seen| {
        let versions: Vec<_> = (0..1_000_000).map(|number| number.to_string()).collect();
        let result = json!({ "supportedVersions": versions, "capabilities": {} });
        vec![Do::Write(typed(seen, result))]
    };
    let (server, _, told) = at(modern(), "server/discover", sound_modern, many).await;
    let outcome = told.calls[0].outcome;
    assert_eq!(of(&told, Operation::Discover), Outcome::Ok, "it says what it speaks");
    assert!(outcome != Outcome::Ok, "{outcome:?}");
    assert!(server.heard().len() <= 3, "{:?}", server.heard());
}

/// What the one exchange of an operation came to.
fn of(told: &Told, operation: Operation) -> Outcome {
    let found: Vec<_> = told.exchanges.iter().filter(|told| told.operation == operation).collect();
    assert_eq!(found.len(), 1, "{operation:?}");
    found[0].outcome
}
