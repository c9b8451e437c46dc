//! Streams that do not do what streams are for, in each era and on the old transport.

use super::super::streams::{left, old, two_ended};
use super::*;

/// A profile that takes streams up again.
fn resuming() -> Profile {
    Profile { resumes: 3, ..pooled(plain()) }
}

#[tokio::test(start_paused = true)]
async fn streams_are_taken_up_again_only_as_far_as_patience_goes() {
    let ends = |text: String| {
        move |_: &Seen| vec![Do::Write([stream_head(), chunk(&text), chunk("")].concat())]
    };
    for retry in ["99999999999", "18446744073709551615", "60001"] {
        let text = format!("id: 1\nretry: {retry}\ndata:\n\n");
        let (server, client, told) = at(resuming(), "tools/call", sound, ends(text)).await;
        assert_eq!(told.calls[0].outcome, Outcome::Timeout, "{retry}");
        let service = told.calls[0].instants.service().unwrap();
        let patience = client.common.profile.call_timeout;
        assert_eq!(service + ms(50), patience, "less what the handshake took");
        assert!(!server.heard().contains(&"GET".to_owned()), "{retry}");
    }
    let text = "id: 1\nretry: 0\ndata:\n\n".to_owned();
    let (server, _, told) = at(resuming(), "tools/call", sound, ends(text)).await;
    assert_eq!(told.calls[0].outcome, Outcome::CutStream);
    let gets = server.heard().iter().filter(|what| *what == "GET").count();
    assert_eq!(gets, 1, "the server says that it has no such streams");
    let long = "x".repeat(2_000_000);
    for id in ["\u{1}", "a\u{1b}[2Jb", "a\u{7f}", &long] {
        let text = format!("id: {id}\nretry: 1\ndata:\n\n");
        let (server, _, told) = at(resuming(), "tools/call", sound, ends(text)).await;
        let bad = Rule::BadEventId;
        assert_eq!(told.calls[0].outcome, Outcome::Violation(bad));
        let [violation] = &told.violations[..] else { panic!("{:?}", told.violations) };
        assert_eq!((violation.rule, violation.operation), (bad, Operation::ToolsCall));
        assert!(!server.heard().contains(&"GET".to_owned()), "it is sent nowhere");
    }
}

#[tokio::test(start_paused = true)]
async fn a_standing_stream_is_given_up_when_too_much_on_it_is_wrong() {
    let foreign = event(r#"{"jsonrpc":"2.0","id":9,"result":{}}"#);
    let cases = [
        (foreign.repeat(10), Rule::WrongStream),
        ("data: {\n\n".repeat(10), Rule::NotJson),
        (ping().repeat(10), Rule::RequestFlood),
    ];
    for (text, rule) in cases {
        let flood = move |_: &Seen| endless(&text, ms(1));
        let (server, client, told) = at(plain(), "GET", otherwise, flood).await;
        assert_eq!(told.calls[0].outcome, Outcome::Ok, "{rule:?}");
        assert_eq!(of(&told, Operation::Stream), Outcome::Violation(rule));
        assert!((1_000..1_050).contains(&told.violations.len()), "{}", told.violations.len());
        assert!(server.written() < SLACK, "{rule:?}: {}", server.written());
        client.call(ms(0), ASK).await;
        assert_eq!(super::told(&client).calls[0].outcome, Outcome::Ok, "{rule:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_standing_stream_that_breaks_with_a_bad_id_is_not_taken_up() {
    let text = "id: \u{1}\nretry: 1\ndata:\n\n";
    let ends = move |_: &Seen| vec![Do::Write([stream_head(), chunk(text), chunk("")].concat())];
    let profile = Profile { resumes: 3, ..plain() };
    let (server, _, told) = at(profile, "GET", sound, ends).await;
    assert_eq!(told.violations[0].rule, Rule::BadEventId);
    assert_eq!(server.heard().iter().filter(|what| *what == "GET").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_changes_is_given_up_when_too_much_on_it_is_wrong() {
    let foreign = event(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    for (text, rule) in [(foreign, Rule::ForeignSubscription), (ping(), Rule::ModernServerRequest)]
    {
        let profile = Profile { stream_share: 1.0, ..modern() };
        let flood = move |_: &Seen| endless(&text.repeat(10), ms(1));
        let (server, _, told) = at(profile, "subscriptions/listen", sound_modern, flood).await;
        assert_eq!(told.calls[0].outcome, Outcome::Ok);
        assert_eq!(of(&told, Operation::Listen), Outcome::Violation(rule));
        assert!(told.violations.len() < 1_050 && server.written() < SLACK);
        let lists = server.heard().iter().filter(|what| *what == "tools/list").count();
        assert!(lists <= 1, "a change told is no list asked for: {lists}");
    }
}

/// What a client of HTTP+SSE comes to whose stream is this.
async fn on_stream(script: Vec<Do>) -> (Server, Told) {
    let server = Server::new(move |seen| match seen.what().as_str() {
        "GET" => script.clone(),
        "answer" => vec![Do::Hang],
        _ => two_ended(seen),
    });
    let client = old(&server, plain());
    client.call(ms(0), ASK).await;
    let told = left(&client).await;
    (server, told)
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_names_no_good_endpoint_is_left() {
    let bad = Outcome::Violation(Rule::BadEndpoint);
    let endpoint = |data: &str| {
        let text = format!("event: endpoint\ndata: {data}\n\n");
        vec![Do::Write(stream_head()), Do::Write(chunk(&text)), Do::Hang]
    };
    let cases = [
        ("a control character", endpoint("/a\u{1}b"), bad),
        ("a terminal's", endpoint("/\u{1b}[2J"), bad),
        ("megabytes", endpoint(&format!("/{}", "x".repeat(2_000_000))), bad),
        (
            "another origin",
            endpoint("http://10.0.0.1/x"),
            Outcome::Violation(Rule::ForeignEndpoint),
        ),
        ("messages before it", endless(&note().repeat(10), ms(1)), bad),
        ("comments for ever", endless(": x\n\n", ms(100)), Outcome::Timeout),
        ("unknown events for ever", endless("event: x\ndata: y\n\n", ms(100)), Outcome::Timeout),
    ];
    for (what, script, expected) in cases {
        let (server, told) = on_stream(script).await;
        assert_eq!(told.calls[0].outcome, expected, "{what}");
        assert_eq!(server.heard(), ["GET"], "{what}: nothing is posted");
        assert!(server.written() < 3 * MIB && told.violations.len() <= 1_050, "{what}");
        let end = told.exchanges[0].end;
        assert!(end <= plain().connect_timeout + ms(1), "{what}: {end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_asked_for_end_their_stream() {
    let endpoint = "event: endpoint\ndata: /messages\n\n";
    let foreign = event(r#"{"jsonrpc":"2.0","id":"me","result":{}}"#);
    let cases = [
        (foreign, Rule::WrongId),
        (endpoint.to_owned(), Rule::BadEndpoint),
        (ping(), Rule::RequestFlood),
    ];
    for (text, rule) in cases {
        let text = text.repeat(10);
        let script = vec![
            Do::Write(stream_head()),
            Do::Write(chunk(endpoint)),
            Do::After(ms(1)),
            Do::Endless(chunk(&text), ms(1)),
        ];
        let (server, told) = on_stream(script).await;
        assert_eq!(told.calls[0].outcome, Outcome::CutStream, "{rule:?}");
        assert_eq!(of(&told, Operation::Stream), Outcome::Violation(rule));
        assert!((1_000..1_050).contains(&told.violations.len()), "{}", told.violations.len());
        assert!(server.written() < SLACK, "{rule:?}: {}", server.written());
    }
}
