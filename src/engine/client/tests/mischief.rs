//! Calls under the weather: cancelled together, made again, delivered twice, without their headers.

use super::*;
use crate::engine::stop;
use crate::engine::weather::{Again, By, Spell, Tag, Weather};
use crate::model::fault::{Skew, Touched};

/// Weather that is always the same.
#[derive(Debug)]
struct Sky {
    over: fn(&Tag<'_>) -> Option<Spell>,
    cancels: Option<By<Duration>>,
    retries: Option<By<Again>>,
}

const CLEAR: Sky = Sky { over: |_| None, cancels: None, retries: None };

impl Weather for Sky {
    fn over_exchange(&self, tag: &Tag<'_>) -> Option<Spell> {
        (self.over)(tag)
    }

    fn cancels(&self, _: &Tag<'_>) -> Option<By<Duration>> {
        self.cancels
    }

    fn retries(&self, _: &Tag<'_>) -> Option<By<Again>> {
        self.retries
    }

    fn skews(&self, _: u32) -> Option<By<Skew>> {
        None
    }
}

/// Of fault 3.
const fn by<T>(what: T) -> By<T> {
    By { fault: 3, what }
}

const TOUCHED: Touched = Touched::by(3);

fn under(sky: Sky, server: &Server, profile: Profile) -> Arc<Client> {
    let mut common = common(server, profile, &Credential::None);
    Arc::get_mut(&mut common).unwrap().weather = Some(Arc::new(sky));
    Client::new(common, 0)
}

async fn gone(client: &Arc<Client>) -> Told {
    let (_stopper, stop) = stop::stop();
    client.leave(&stop).await;
    client.common.wire.clock.sleep(ms(1)).await;
    told(client)
}

fn of(told: &Told, operation: Operation) -> Vec<(Outcome, Touched)> {
    let meant = told.exchanges.iter().filter(|exchange| exchange.operation == operation);
    meant.map(|exchange| (exchange.outcome, exchange.touched)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_herd_is_cancelled_at_one_instant() {
    let server = Server::new(sound);
    let sky = Sky { cancels: Some(by(ms(120))), ..CLEAR };
    let client = under(sky, &server, Profile { cancels: true, ..pooled(plain()) });
    let calls = (0..3).map(|_| client.call(ms(0), ASK));
    futures_util::future::join_all(calls).await;
    let told = gone(&client).await;
    let calls: Vec<_> = told.calls.iter().map(|call| (call.outcome, call.instants.done)).collect();
    assert_eq!(calls, [(Outcome::Cancelled, ms(120)); 3]);
    assert!(told.calls.iter().all(|call| call.touched == TOUCHED && call.instants.sent.is_some()));
    assert_eq!(of(&told, Operation::ToolsCall), [(Outcome::Cancelled, TOUCHED); 3]);
    assert_eq!(of(&told, Operation::Cancelled), [(Outcome::Ok, Touched::default()); 3]);
    assert_eq!(of(&told, Operation::Initialize), [(Outcome::Ok, Touched::default())]);
    assert_eq!(told.sent(), server.seen().len());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ended_before_the_herd_is_not_cancelled() {
    let sky = Sky { cancels: Some(by(ms(151))), ..CLEAR };
    let client = under(sky, &Server::new(sound), pooled(plain()));
    client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!((told.calls[0].outcome, told.calls[0].touched), (Outcome::Ok, Touched::default()));
}

#[tokio::test(start_paused = true)]
async fn failures_are_made_again_a_bounded_number_of_times() {
    for (good_after, outcome, calls) in [(2, Outcome::Ok, 3), (9, Outcome::Status(500), 4)] {
        let tried = Mutex::new(0);
        let server = answering(move |seen| {
            let mut tried = tried.lock().unwrap();
            *tried += 1;
            if *tried > good_after { sound(seen) } else { vec![Do::Write(reply(500, &[], ""))] }
        });
        let again = by(Again { times: 3, pause: ms(1_000) });
        let client = under(Sky { retries: Some(again), ..CLEAR }, &server, pooled(plain()));
        client.call(ms(0), ASK).await;
        let told = told(&client);
        let call = told.calls[0];
        assert_eq!((call.outcome, call.touched), (outcome, TOUCHED));
        assert_eq!(usize::from(call.exchanges), 2 + calls);
        let made = of(&told, Operation::ToolsCall);
        let touched: Vec<_> = made.iter().map(|(_, touched)| touched.is_any()).collect();
        assert_eq!((made.len(), touched[0]), (calls, false), "the first was nobody's fault");
        assert!(touched[1..].iter().all(|touched| *touched));
        let took = ms(50) + ms(1_000) * (calls as u32 - 1);
        let answer = if outcome == Outcome::Ok { ms(100) } else { ms(0) };
        assert_eq!(call.instants.done, took + answer);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_delivered_twice_and_counted_twice() {
    let over = |tag: &Tag<'_>| {
        let is_call = tag.operation == Operation::ToolsCall && tag.tool == Some("echo");
        is_call.then(|| Spell { twice: Some(by(())), ..Spell::default() })
    };
    let server = Server::new(sound);
    let client = under(Sky { over, ..CLEAR }, &server, pooled(plain()));
    client.call(ms(0), ASK).await;
    let told = gone(&client).await;
    assert_eq!(of(&told, Operation::ToolsCall), [(Outcome::Ok, TOUCHED); 2]);
    assert_eq!((told.calls.len(), told.calls[0].touched), (1, TOUCHED));
    let seen = server.seen();
    let twice: Vec<_> = seen.iter().filter(|seen| seen.what() == "tools/call").collect();
    assert_eq!(twice[0].body, twice[1].body);
    assert_ne!(twice[0].connection, twice[1].connection);
    assert_eq!((told.sent(), client.exchanges_of_run() as usize), (seen.len(), seen.len()));
}

#[tokio::test(start_paused = true)]
async fn idle_streams_are_opened_beside_calls_and_closed() {
    let over = |tag: &Tag<'_>| {
        let is_call = tag.operation == Operation::ToolsCall;
        is_call.then(|| Spell { idle: Some(by(ms(30))), ..Spell::default() })
    };
    let server = Server::new(|seen| match seen.what().as_str() {
        "GET" => vec![Do::Write(stream_head()), Do::Hang],
        _ => sound(seen),
    });
    let client = under(Sky { over, ..CLEAR }, &server, pooled(plain()));
    client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!(of(&told, Operation::Stream), [(Outcome::Ok, TOUCHED)]);
    let stream = told.exchanges.iter().find(|told| told.operation == Operation::Stream).unwrap();
    assert_eq!((stream.sent, stream.end), (Some(ms(50)), ms(80)));
    assert_eq!(told.calls[0].touched, Touched::default());
    assert_eq!(server.closed(), 1);
}

#[tokio::test(start_paused = true)]
async fn headers_are_left_out_and_initialized_strays() {
    let over = |tag: &Tag<'_>| {
        let spell = Spell::default();
        match tag.operation {
            Operation::ToolsCall => Some(Spell { no_version: Some(by(())), ..spell }),
            Operation::Initialized => {
                Some(Spell { no_session: Some(by(())), alone: Some(by(None)), ..spell })
            }
            _ => None,
        }
    };
    let server = Server::new(sound);
    let client = under(Sky { over, ..CLEAR }, &server, pooled(plain()));
    client.call(ms(0), ASK).await;
    let told = told(&client);
    assert_eq!(told.calls[0].touched, TOUCHED);
    let seen = server.seen();
    let what = |what: &str| seen.iter().find(|seen| seen.what() == what).unwrap();
    let (session, version) = ("mcp-session-id", "mcp-protocol-version");
    let (stray, call) = (what("notifications/initialized"), what("tools/call"));
    assert_eq!((stray.header(session), stray.header(version)), (None, Some("2025-11-25")));
    assert_eq!((call.header(session), call.header(version)), (Some("s0"), None));
    assert_ne!(stray.connection, what("initialize").connection);
    assert_eq!(call.connection, what("initialize").connection);
}
