//! Sessions that are lost, refused, or left when a call is given up.

use super::*;

/// A sound server that answers calls of the first `lost` sessions with `status`.
fn forgetful(status: u16, lost: usize) -> Server {
    let known = Mutex::new(Vec::new());
    answering(move |seen| {
        let session = seen.header("mcp-session-id").unwrap_or_default().to_owned();
        let mut known = known.lock().unwrap();
        if !known.contains(&session) {
            known.push(session.clone());
        }
        let number = known.iter().position(|one| *one == session).unwrap();
        if number < lost { vec![Do::Write(reply(status, &[], ""))] } else { sound(seen) }
    })
}

fn sessions_open(client: &Client) -> u32 {
    client.common.wire.recorder.gauges.sessions.load(Ordering::Relaxed)
}

const OPENED: SessionChange = SessionChange::Opened { with_id: true };
const HANDSHAKE: [&str; 2] = ["initialize", "notifications/initialized"];

#[tokio::test(start_paused = true)]
async fn a_lost_session_is_replaced_once_and_the_call_made_once_more() {
    let server = forgetful(404, 1);
    let client = client(&server, pooled(plain()));
    client.call(ms(0), ASK).await;
    let once = [&HANDSHAKE[..], &["tools/call"]].concat();
    assert_eq!(server.heard(), [once.clone(), once].concat());
    let told = told(&client);
    assert_eq!(told.sessions, [OPENED, SessionChange::Lost, OPENED]);
    let call = told.calls[0];
    assert_eq!((call.outcome, call.exchanges), (Outcome::Ok, 6));
    // Two handshakes of 50 ms, then the call of 100 ms, which was sent anew.
    assert_eq!((call.instants.sent, call.instants.done), (Some(ms(100)), ms(200)));
    assert_eq!(server.seen()[5].header("mcp-session-id"), Some("s50"));
}

#[tokio::test(start_paused = true)]
async fn a_session_lost_twice_fails_the_call_and_the_next_makes_another() {
    let server = forgetful(404, 2);
    let client = client(&server, pooled(plain()));
    client.call(ms(0), ASK).await;
    let first = told(&client);
    assert_eq!(first.calls[0].outcome, Outcome::SessionLost(404));
    assert_eq!(first.sessions, [OPENED, SessionChange::Lost, OPENED, SessionChange::Lost]);
    assert_eq!((server.seen().len(), sessions_open(&client)), (6, 0));
    client.call(ms(100), ASK).await;
    let second = told(&client);
    assert_eq!((second.calls[0].outcome, second.calls[0].exchanges), (Outcome::Ok, 3));
    assert_eq!(second.sessions, [OPENED]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_that_lost_its_session_makes_one_new_handshake() {
    let server = forgetful(404, 1);
    let client = client(&server, pooled(plain()));
    futures_util::future::join_all((0..5).map(|_| client.call(ms(0), ASK))).await;
    let told = told(&client);
    assert_eq!(told.sessions, [OPENED, SessionChange::Lost, OPENED]);
    assert!(told.calls.iter().all(|call| call.outcome == Outcome::Ok));
    assert_eq!(server.heard().iter().filter(|what| *what == "tools/call").count(), 10);
    let costs: u16 = told.calls.iter().map(|call| call.exchanges).sum();
    assert_eq!(usize::from(costs), server.seen().len());
}

#[tokio::test(start_paused = true)]
async fn a_400_is_taken_as_the_profile_says() {
    let server = forgetful(400, 1);
    let giving_up = client(&server, pooled(plain()));
    giving_up.call(ms(0), ASK).await;
    let first = told(&giving_up);
    assert_eq!(first.calls[0].outcome, Outcome::SessionLost(400));
    assert_eq!(first.sessions, [OPENED, SessionChange::Lost]);
    assert_eq!(server.seen().len(), 3);
    giving_up.call(ms(50), ASK).await;
    assert_eq!(
        told(&giving_up).calls[0].outcome,
        Outcome::Ok,
        "the next one makes a new handshake"
    );

    let profile = Profile { on_session_400: OnSessionLoss::Reinitialise, ..pooled(plain()) };
    let trying = client(&forgetful(400, 1), profile);
    trying.call(ms(0), ASK).await;
    assert_eq!(told(&trying).calls[0].outcome, Outcome::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_refused_handshake_is_the_calls_outcome_and_tried_by_the_next() {
    let server = Server::new(|seen| {
        if seen.at < ms(10) { vec![Do::Write(reply(503, &[], ""))] } else { sound(seen) }
    });
    let client = client(&server, pooled(plain()));
    client.call(ms(0), ASK).await;
    let refused = told(&client);
    assert_eq!(refused.calls[0].outcome, Outcome::Status(503));
    assert_eq!((refused.calls[0].instants.sent, refused.calls[0].exchanges), (None, 1));
    assert!(refused.sessions.is_empty());
    client.common.wire.clock.sleep_until(ms(10)).await;
    client.call(ms(10), ASK).await;
    assert_eq!(told(&client).calls[0].outcome, Outcome::Ok);
}

#[tokio::test(start_paused = true)]
async fn a_call_given_up_is_told_once_and_leaves_no_session_open() {
    let profiles = [
        ("fresh", fresh()),
        ("deleting", Profile { delete_share: 1.0, ..fresh() }),
        ("plain", plain()),
        ("pooled", pooled(plain())),
    ];
    for (what, profile) in profiles {
        for after in [0, 10, 50, 60, 149, 150, 151] {
            let slow = |seen: &Seen| match seen.verb.as_str() {
                "DELETE" => vec![Do::Hang],
                _ => sound(seen),
            };
            let server = Server::new(slow);
            let client = client(&server, profile.clone());
            client.ending.stopped();
            let ended = client.common.wire.clock.by(ms(after), client.call(ms(0), ASK)).await;
            let (stopper, stop) = stop::stop();
            stopper.advance(stop::Phase::Over);
            client.leave(&stop).await;
            // Errands end when their tasks next run.
            client.common.wire.clock.sleep(ms(1)).await;
            let told = told(&client);
            let what = format!("{what} after {after} ms: {told:#?}");
            assert_eq!(told.calls.len(), 1, "{what}");
            let call = told.calls[0];
            if ended.is_none() && call.instants.done == ms(after) && after < 150 {
                assert_eq!(call.outcome, Outcome::Cancelled, "{what}");
            }
            assert_eq!(told.sent(), server.seen().len(), "{what}");
            assert_eq!(sessions_open(&client), 0, "{what}");
            let opened = told.sessions.iter().filter(|change| **change == OPENED).count();
            assert_eq!(told.sessions.len(), 2 * opened, "each session ends once: {what}");
            assert_eq!(client.exchanges_of_run() as usize, told.sent(), "{what}");
        }
    }
}

/// What is said at a server whose calls never end, by a client whose run is stopped in the middle
/// of one that was sent after 50 ms.
async fn stopped(server: &Server, client: &Arc<Client>, after: u64) -> Vec<String> {
    let clock = &client.common.wire.clock;
    let mut call = Box::pin(client.call(ms(0), ASK));
    assert!(clock.by(ms(after), &mut call).await.is_none());
    client.ending.stopped();
    drop(call);
    let (_stopper, stop) = stop::stop();
    client.end_run(&stop).await;
    client.leave(&stop).await;
    clock.sleep(ms(1)).await;
    server.heard()
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_run_that_is_stopped_is_cancelled_before_its_session_ends() {
    let hanging = || answering(|_| vec![Do::Hang]);
    let profile = Profile { stream_share: 0.0, lists: Vec::new(), ..plain() };
    let says = Profile { cancels: true, ..profile.clone() };
    let call = [&HANDSHAKE[..], &["tools/call"]].concat();
    let cancelled = [&call[..], &["notifications/cancelled", "DELETE"]].concat();

    let server = hanging();
    let client = client(&server, says.clone());
    assert_eq!(stopped(&server, &client, 70).await, cancelled);
    let said = server.seen().into_iter().rfind(|seen| seen.what().ends_with("cancelled")).unwrap();
    assert_eq!((&said.json()["params"]["requestId"], said.at), (&serde_json::json!(1), ms(70)));
    let told = told(&client);
    assert_eq!(told.calls[0].outcome, Outcome::Cancelled);
    assert_eq!(told.sent(), server.seen().len());

    let server = hanging();
    let silent = super::client(&server, profile);
    assert_eq!(stopped(&server, &silent, 70).await, [&call[..], &["DELETE"]].concat());
    let server = hanging();
    let early = super::client(&server, says.clone());
    let heard = stopped(&server, &early, 20).await;
    assert_eq!(heard[..1], ["initialize"]);
    assert!(!heard.contains(&"notifications/cancelled".to_owned()), "there is nothing to cancel");
    let server = hanging();
    let cut = super::client(&server, says.clone());
    assert!(cut.common.wire.clock.by(ms(70), cut.call(ms(0), ASK)).await.is_none());
    cut.common.wire.clock.sleep(ms(1)).await;
    assert_eq!(server.heard(), call, "the load is over: nobody is there to say it");
    let pooled = Profile { sessions: pooled(plain()).sessions, ..says };
    let server = hanging();
    assert_eq!(stopped(&server, &super::client(&server, pooled), 70).await, cancelled);
}

#[tokio::test(start_paused = true)]
async fn last_words_wait_for_nobody_once_the_load_is_over() {
    let server = Server::new(|seen| match seen.what().as_str() {
        "tools/call" | "notifications/cancelled" => vec![Do::Hang],
        _ => sound(seen),
    });
    let profile = Profile { stream_share: 0.0, lists: Vec::new(), cancels: true, ..plain() };
    let client = client(&server, profile);
    let clock = &client.common.wire.clock;
    assert!(clock.by(ms(70), client.call(ms(0), ASK)).await.is_none());
    let mut call = Box::pin(client.call(ms(70), ASK));
    assert!(clock.by(ms(80), &mut call).await.is_none());
    client.ending.stopped();
    drop(call);
    let (stopper, stop) = stop::stop();
    let ending = client.end_run(&stop);
    let over = async {
        clock.sleep_until(ms(1_000)).await;
        stopper.advance(stop::Phase::Over);
    };
    futures_util::future::join(ending, over).await;
    assert_eq!(clock.now(), ms(1_000));
    assert_eq!(told(&client).sent(), server.seen().len());
}
