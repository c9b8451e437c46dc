//! `check-abort-liveness`: clients leave in the middle of answers; then others come.
//!
//! ```text
//! before    handshake, list, call   ── the slowest step says what to expect
//! left      call ✂  call ✂ ...      in one session, and in sessions of their own beside it
//! after     handshake, list, call   and calls in the session in which calls were cut
//! ```

use std::time::Duration;

use super::{Opened, Stand};
use crate::engine::client::{Client, Ended, Signs, Tail, Watched};
use crate::engine::weather::Leave;
use crate::model::behaviour::AbortTrials;
use crate::model::fault::Parting;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::trial::What;
use crate::model::trial::aborts::{Left, Step, Trial};

/// Right after the request was sent: by then it has left, and hardly anything can have been done.
const AT_ONCE: Duration = Duration::from_millis(1);
/// What was left is given so much time at most.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// After so many steps in a row that brought nothing, the rest is not tried.
const ENOUGH: u32 = 3;

pub(super) async fn play(knobs: &AbortTrials, stand: &Stand<'_>) {
    let mut slowest = Duration::ZERO;
    for _ in 0..knobs.fresh {
        let all = Box::pin(fresh(stand, Trial::Before, Duration::MAX)).await;
        let Some(took) = all else { return };
        slowest = slowest.max(took);
    }
    let patience = knobs.patience(slowest);
    let client = stand.client(0, 0);
    let (tail, session) = client.open_apart().await;
    let Some(session) = session else {
        stand.tell(&client, What::Abort(Trial::Before(Step::Handshake)), tail);
        return;
    };
    if session.footing.mailbox().is_some() {
        let said = "over HTTP+SSE every answer comes on the session's one stream".to_owned();
        return stand.untried(Operation::ToolsCall, said, "nothing: to cut it ends the session");
    }
    let kept = Opened { client, session };
    let own = knobs.aborts / 2;
    tokio::join!(
        leave_in_kept(stand, &kept, knobs.aborts - own, patience),
        leave_apart(stand, own, patience)
    );
    if !Box::pin(others(knobs, stand, patience)).await {
        // What was left may still be worked on, by few hands.
        let clock = &stand.first.common.wire.clock;
        let (began, rest) = (clock.now(), (slowest * knobs.aborts).min(LONGEST_REST));
        clock.sleep(rest).await;
        let tail = Tail { outcome: Outcome::Ok, status: None, sent: began, done: clock.now() };
        stand.tell(stand.first, What::Abort(Trial::Rested(rest)), tail);
        Box::pin(others(knobs, stand, patience)).await;
    }
    let mut in_vain = 0;
    for _ in 0..knobs.fresh {
        let call = Box::pin(kept.client.call_apart(&kept.session, stand.ask()));
        let served = within(stand, &kept.client, Trial::Kept, patience, call).await;
        in_vain = if served.is_some() { 0 } else { in_vain + 1 };
        if in_vain == ENOUGH {
            return;
        }
    }
    kept.client.end_apart(&kept.session).await;
}

/// Clients that come after that; whether all of them are served.
async fn others(knobs: &AbortTrials, stand: &Stand<'_>, patience: Duration) -> bool {
    let (mut in_vain, mut are_served) = (0, true);
    for _ in 0..knobs.fresh {
        let is_served = Box::pin(fresh(stand, Trial::After, patience)).await.is_some();
        are_served &= is_served;
        in_vain = if is_served { 0 } else { in_vain + 1 };
        if in_vain == ENOUGH {
            break;
        }
    }
    are_served
}

/// A client that comes, looks and calls; the slowest step, if all were served.
async fn fresh(
    stand: &Stand<'_>,
    trial: fn(Step) -> Trial,
    patience: Duration,
) -> Option<Duration> {
    let client = stand.client(0, 0);
    let mut session = None;
    let opening = Box::pin(async {
        let (tail, opened) = client.open_apart().await;
        session = opened;
        tail
    });
    let first = within(stand, &client, trial(Step::Handshake), patience, opening).await?;
    let session = session?;
    let list = Box::pin(client.list_apart(&session));
    let second = within(stand, &client, trial(Step::List), patience, list).await?;
    let call = Box::pin(client.call_apart(&session, stand.ask()));
    let third = within(stand, &client, trial(Step::Call), patience, call).await?;
    client.end_apart(&session).await;
    Some(first.max(second).max(third))
}

/// A step, given up after so long; how long it took, if it was served.
async fn within(
    stand: &Stand<'_>,
    client: &Client,
    trial: Trial,
    patience: Duration,
    step: impl Future<Output = Tail>,
) -> Option<Duration> {
    let tail = client.within(patience, step).await;
    let took = tail.done.saturating_sub(tail.sent);
    stand.tell(client, What::Abort(trial), tail).then_some(took)
}

async fn leave_in_kept(stand: &Stand<'_>, kept: &Opened, count: u32, patience: Duration) {
    for number in 0..count {
        leave(stand, kept, (number, true), patience).await;
    }
}

async fn leave_apart(stand: &Stand<'_>, count: u32, patience: Duration) {
    for number in 0..count {
        let client = stand.client(0, 0);
        let opened = client.common.wire.clock.now().saturating_add(patience);
        let opened = client.common.wire.clock.by(opened, client.open_apart()).await;
        // Whether others can still come is asked when all have left.
        let Some((_, Some(session))) = opened else { return };
        leave(stand, &Opened { client, session }, (number, false), patience).await;
    }
}

/// A call that its client leaves: every other one with RST, two at once and two with the head.
async fn leave(
    stand: &Stand<'_>,
    opened: &Opened,
    (number, in_kept): (u32, bool),
    patience: Duration,
) {
    let Opened { client, session } = opened;
    let parting = if number % 2 == 0 { Parting::Reset } else { Parting::Closed };
    let at_head = number % 4 >= 2;
    let left = Left { in_kept, at_head, parting };
    let leave = Some(Leave { after: (!at_head).then_some(AT_ONCE), parting });
    let until = client.common.wire.clock.now().saturating_add(patience);
    let (id, ask) = (session.next_id(), stand.ask_any(number / 4));
    let call = Watched { session, id, ask, arguments: None, progress: true, until, leave };
    let Ended { outcome, status, sent, done, .. } = client.watch(call, &Signs::default()).await;
    stand.tell(client, What::Abort(Trial::Left(left)), Tail { outcome, status, sent, done });
}
