//! One exchange under a spell: what it suffers, and when, to the millisecond.

use super::*;
use crate::engine::weather::{By, Hold, Leave, Spell};
use crate::model::fault::{Cut, Parting, Point, Touched};

/// Of fault 5.
#[expect(clippy::unnecessary_wraps, reason = "it stands where a spell has an option")]
fn by<T>(what: T) -> Option<By<T>> {
    Some(By { fault: 5, what })
}

type Script = fn(&Seen) -> Vec<Do>;

fn cut(point: Point) -> Spell {
    Spell { cut: by(Cut { point, parting: Parting::Reset }), ..Spell::default() }
}

/// Two events, one whose end comes later than its beginning, and the answer: 10 ms from each to the
/// next.
fn talking(_: &Seen) -> Vec<Do> {
    let note = event("{\"method\":\"note\"}");
    let (beginning, end) = note.split_at(20);
    let said = [&note, &note, beginning, end, &event(ANSWER), ""];
    let pieces = said.iter().flat_map(|said| [Do::After(ms(10)), Do::Write(chunk(said))]);
    [Do::Write(stream_head())].into_iter().chain(pieces).collect()
}

async fn under(spell: Spell, script: fn(&Seen) -> Vec<Do>) -> (Stand, Came) {
    let stand = Stand { spell: Some(spell), ..Stand::new(script) };
    let came = stand.ask().await;
    // A scripted server notices with its next word.
    stand.wire.clock.sleep(ms(100)).await;
    (stand, came)
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_cut_where_it_is_to_be() {
    let cases = [
        (Point::AfterEvents(0), 0, 0),
        (Point::AfterEvents(1), 1, 10),
        (Point::AfterEvents(2), 2, 20),
        (Point::InEvent(0), 0, 10),
        (Point::InEvent(2), 2, 30),
        (Point::BeforeAnswer, 3, 50),
    ];
    for (point, events, at) in cases {
        let (stand, came) = under(cut(point), talking).await;
        assert_eq!(came.reply.map(|_| ()), Err(Outcome::CutStream), "{point:?}");
        assert_eq!((came.events.len(), came.told.end), (events, ms(at)), "{point:?}");
        assert_eq!(came.told.outcome, Outcome::CutStream);
        assert_eq!((came.told.touched, came.told.answer), (Touched::by(5), None));
        assert_eq!(stand.server.closed(), 1, "{point:?}");
        let next = Stand { spell: None, ..stand };
        assert_eq!(next.ask().await.told.outcome, Outcome::Ok, "a connection of its own");
        assert_eq!(next.server.connections(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_brought_its_answer_is_not_cut() {
    for point in [Point::AfterEvents(4), Point::InEvent(4), Point::AfterEvents(9)] {
        let (_, came) = under(cut(point), talking).await;
        assert_eq!((came.told.outcome, came.told.touched), (Outcome::Ok, Touched::default()));
    }
    let (_, came) = under(cut(Point::BeforeAnswer), |_| vec![Do::Write(json_reply(ANSWER))]).await;
    assert_eq!((came.told.outcome, came.told.touched), (Outcome::Ok, Touched::default()));
}

#[tokio::test(start_paused = true)]
async fn comments_are_no_events_to_be_cut() {
    fn script(_: &Seen) -> Vec<Do> {
        vec![
            Do::Write(open_stream(": wait\n\n: wa")),
            Do::After(ms(9)),
            Do::Write(chunk("it\n\n")),
            Do::Write(chunk(&event(ANSWER))),
        ]
    }
    let (_, came) = under(cut(Point::InEvent(0)), script).await;
    assert_eq!((came.told.outcome, came.told.end), (Outcome::CutStream, ms(9)));
}

/// A stream that opens after 10 ms and brings nothing.
fn late(_: &Seen) -> Vec<Do> {
    vec![Do::After(ms(10)), Do::Write(open_stream(": x\n\n")), Do::Hang]
}

#[tokio::test(start_paused = true)]
async fn a_client_leaves_when_it_is_to() {
    let leave = |after: Option<Duration>| {
        let leave = Leave { after, parting: Parting::Closed };
        Spell { leave: by(leave), ..Spell::default() }
    };
    for (after, at, status) in
        [(Some(ms(3)), 3, None), (Some(ms(300)), 300, Some(200)), (None, 10, Some(200))]
    {
        let (stand, came) = under(leave(after), late).await;
        let told = came.told;
        assert_eq!(came.reply.map(|_| ()), Err(Outcome::Cancelled));
        assert_eq!((told.end, told.status, told.touched), (ms(at), status, Touched::by(5)));
        assert_eq!((told.outcome, stand.server.closed()), (Outcome::Cancelled, 1));
    }
    let (_, came) = under(leave(Some(ms(50))), |_| vec![Do::Write(json_reply(ANSWER))]).await;
    assert_eq!((came.told.outcome, came.told.touched), (Outcome::Ok, Touched::default()));
}

#[tokio::test(start_paused = true)]
async fn what_is_read_slowly_comes_late() {
    const SIZE: u64 = 100;
    fn stream_of(_: &Seen) -> Vec<Do> {
        let answer = event(ANSWER);
        let filler = ":".repeat(SIZE as usize - answer.len() - 1);
        vec![Do::Write(stream(&format!("{filler}\n{answer}")))]
    }
    fn body(_: &Seen) -> Vec<Do> {
        vec![Do::Write(json_reply(&" ".repeat(SIZE as usize)))]
    }
    let touched = Touched::by(5);
    let slow = |rate| Spell { slow: by(rate), ..Spell::default() };
    let drip = |rate| Spell { drip: by(rate), ..Spell::default() };
    let hold = |hold| Spell { hold: by(hold), ..Spell::default() };
    let (second, none) = (ms(1_000), Touched::default());
    let rows: [(Spell, Script, Duration, Touched); 9] = [
        (slow(SIZE), body, second, touched),
        (slow(SIZE * 4), stream_of, second / 4, touched),
        (drip(SIZE), stream_of, second, touched),
        (drip(SIZE), body, ms(0), none),
        (Spell { slow: by(SIZE), ..drip(SIZE / 2) }, stream_of, second * 2, touched),
        (hold(Hold::For(second)), stream_of, second, touched),
        (hold(Hold::Until(second * 3)), stream_of, second * 3, touched),
        (hold(Hold::For(second)), body, ms(0), none),
        (Spell { drip: by(SIZE), ..hold(Hold::For(second)) }, stream_of, second * 2, touched),
    ];
    for (spell, script, at, touched) in rows {
        let (_, came) = under(spell, script).await;
        assert_eq!(came.told.answer, Some(at), "{spell:?}");
        assert_eq!((came.told.outcome, came.told.touched), (Outcome::Ok, touched));
    }
    for (spell, script) in [(slow(0), body as Script), (hold(Hold::Ever), stream_of)] {
        let (_, came) = under(spell, script).await;
        assert_eq!((came.told.outcome, came.told.end), (Outcome::Timeout, BUDGET));
        assert_eq!(came.told.touched, touched);
    }
}

#[tokio::test(start_paused = true)]
async fn who_goes_alone_leaves_nothing_behind() {
    let from = Some([127, 0, 1, 9].into());
    let spell = Spell { alone: by(from), ..Spell::default() };
    let (stand, came) = under(spell, |_| vec![Do::Write(json_reply(ANSWER))]).await;
    assert_eq!((came.told.outcome, came.told.touched), (Outcome::Ok, Touched::by(5)));
    stand.ask().await;
    assert_eq!((stand.server.connections(), stand.server.closed()), (2, 1));
    assert_eq!(stand.server.source(2), from);
}
