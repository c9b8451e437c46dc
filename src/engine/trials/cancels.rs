//! `check-cancel`: calls that are cancelled in the middle, and about the instant of their answer.
//!
//! ```text
//! call ─────────────✕ cancelled, watched ─────── its answer would have come
//!                   └ a request of the same session, at once
//! call ──────(✕)│(✕) a sweep about the answer │, and a request after each
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Opened, Stand};
use crate::engine::client::{Client, Ended, Signs, Tail, Watched};
use crate::engine::session::Session;
use crate::engine::weather::Leave;
use crate::model::behaviour::{Ask, CancelTrials};
use crate::model::fault::Parting;
use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::trial::What;
use crate::model::trial::cancels::{Seen, Trial};

/// So many tools are measured to find the slowest.
const MOST_TOOLS: u16 = 8;
/// How often a tool is measured that is raced.
const MEASURED: usize = 7;
/// A tool that is raced takes so long at least, so that the sweep begins after its request left,
const RACED_LEAST: Duration = Duration::from_millis(8);
/// and no longer than this.
const RACED_MOST: Duration = Duration::from_secs(2);
/// A raced call that has no answer by then has none.
const RACED_WAIT: Duration = Duration::from_millis(500);
/// What is cancelled is given so long to end before somebody else comes.
const SETTLING: Duration = Duration::from_millis(300);
/// Calls behind others: one behind calls that are left alone, and so many behind cancelled ones.
const BEHIND: u32 = 3;
/// Calls that others wait behind take so long at least.
const BEHIND_LEAST: Duration = Duration::from_secs(1);
/// After so many sessions that died of it, a race is over.
const ENOUGH: u32 = 3;

/// What is called, and how long it takes.
#[derive(Debug, Clone, Copy)]
struct Measured {
    tool: u16,
    takes: Duration,
}

pub(super) async fn play(knobs: &CancelTrials, stand: &Stand<'_>) {
    let client = stand.client(0, 0);
    let (tail, session) = client.open_apart().await;
    let Some(session) = session else {
        stand.tell(&client, What::Cancel(Trial::Alone), tail);
        return;
    };
    let opened = Opened { client: Arc::clone(&client), session };
    if opened.session.footing.mailbox().is_some() {
        stand.tell(&client, What::Cancel(Trial::After), tail);
        let said = "over HTTP+SSE there is no stream of a call that could be watched".to_owned();
        return stand.untried(Operation::ToolsCall, said, "nothing: late answers are violations");
    }
    if opened.session.id.is_none() && !opened.session.footing.is_modern() {
        // That was tried, and there is nothing more to be done.
        stand.tell(&client, What::Cancel(Trial::After), tail);
        let said =
            "the target issues no session ids, so that no request can name another".to_owned();
        return stand.untried(Operation::ToolsCall, said, "nothing: there is nothing to cancel by");
    }
    let measured = measured(knobs, stand, &opened).await;
    let slow = match &knobs.tool {
        Some(name) => measured.iter().find(|one| stand.tool_name(one.tool) == Some(name)),
        None => measured.iter().max_by_key(|one| one.takes),
    };
    let cheap = measured.iter().min_by_key(|one| one.takes).map(|one| one.tool);
    match slow {
        Some(slow) if slow.takes >= CancelTrials::SLOW => {
            let play = Play { knobs, stand, slow: *slow, cheap: cheap.unwrap_or(slow.tool) };
            Box::pin(play.cancels(&opened)).await;
            let can_wait = slow.takes >= BEHIND_LEAST && cheap != Some(slow.tool);
            if knobs.workers > 0 && can_wait {
                Box::pin(play.behind(false)).await;
                for _ in 0..BEHIND {
                    Box::pin(play.behind(true)).await;
                }
            }
        }
        slow => {
            let said = slow.map_or("no such tool may be called".to_owned(), |slow| {
                format!("the slowest call took {}", figure::duration(slow.takes))
            });
            let what = "name a tool that takes 300 ms or more: load.cancel.tool, tools.allow";
            stand.untried(Operation::ToolsCall, said, what);
        }
    }
    let raced = measured.iter().filter(|one| (RACED_LEAST..=RACED_MOST).contains(&one.takes));
    if let Some(one) = raced.min_by_key(|one| one.takes) {
        Box::pin(race(knobs, stand, one.tool)).await;
    } else {
        let all = measured.iter().map(|one| figure::duration(one.takes));
        let said = format!(
            "the answer of a tool is met if that takes between 8 ms and 2 s; those that may be called \
             took {}",
            all.collect::<Vec<_>>().join(", ")
        );
        stand.untried(Operation::ToolsCall, said, "allow one that does: tools.allow");
    }
    opened.client.end_apart(&opened.session).await;
}

/// A session, or nothing that could be done.
async fn open(stand: &Stand<'_>, client: &Arc<Client>, trial: Trial) -> Option<Opened> {
    let (tail, session) = client.open_apart().await;
    let Some(session) = session else {
        stand.tell(client, What::Cancel(trial), tail);
        return None;
    };
    Some(Opened { client: Arc::clone(client), session })
}

/// How long the tools take that may be meant, of those that answer.
async fn measured(knobs: &CancelTrials, stand: &Stand<'_>, opened: &Opened) -> Vec<Measured> {
    let mut all = Vec::new();
    let mut others = 0;
    for tool in 0..opened.client.common.tool_count() {
        let is_named = knobs.tool.as_deref() == stand.tool_name(tool);
        others += u16::from(!is_named);
        if !is_named && others > MOST_TOOLS {
            continue;
        }
        let tail = opened.client.call_apart(&opened.session, stand.ask_of(tool)).await;
        let takes = tail.done.saturating_sub(tail.sent);
        if stand.tell(&opened.client, What::Cancel(Trial::Alone), tail) {
            all.push(Measured { tool, takes });
        }
    }
    all
}

/// What is done with a slow tool.
struct Play<'a> {
    knobs: &'a CancelTrials,
    stand: &'a Stand<'a>,
    slow: Measured,
    /// What others call.
    cheap: u16,
}

impl Play<'_> {
    /// So long after they were sent calls are cancelled.
    fn after(&self) -> Duration {
        self.knobs.after.min(self.slow.takes / 3)
    }

    /// So long they are watched: an answer would have come by then.
    fn watched(&self) -> Duration {
        self.slow.takes.mul_f64(1.5) + self.knobs.grace + self.knobs.budget
    }

    async fn cancels(&self, opened: &Opened) {
        for _ in 0..self.knobs.calls {
            let Opened { client, session } = opened;
            let clock = &client.common.wire.clock;
            let began = clock.now();
            let (id, signs) = (self.stand.id(), Signs::default());
            let ask = self.stand.ask_of(self.slow.tool);
            let watched = self.watch(session, id, ask, began);
            if session.footing.is_modern() {
                let Ended { outcome, status, sent, done, .. } = client.watch(watched, &signs).await;
                let tail = Tail { outcome, status, sent, done };
                self.stand.tell(client, What::Cancel(Trial::Closed), tail);
                self.after_cancel(opened).await;
                continue;
            }
            let cancelling = async {
                clock.sleep_until(began + self.after()).await;
                let taken = client.cancel_apart(session, id).await;
                self.after_cancel(opened).await;
                taken
            };
            let (ended, cancelled) = tokio::join!(client.watch(watched, &signs), cancelling);
            let Ended { outcome, status, sent, answered, done } = ended;
            let taken = (cancelled.outcome == Outcome::Ok).then_some(cancelled.sent);
            let (has_ended, left) =
                (outcome != Outcome::Timeout, self.slow.takes.saturating_sub(self.after()));
            let seen = Seen { taken, answered, has_ended, left };
            let tail = Tail { outcome, status, sent, done };
            self.stand.tell(client, What::Cancel(Trial::Cancelled(seen)), tail);
        }
    }

    async fn after_cancel(&self, opened: &Opened) {
        let ask = self.stand.ask_of(self.cheap);
        let call = Box::pin(opened.client.call_apart(&opened.session, ask));
        // Whoever waits for work that goes on is late, and served in the end.
        within(self.stand, &opened.client, Trial::After, self.watched(), call).await;
    }

    /// As many slow calls as there are workers, and one behind them.
    async fn behind(&self, cancelled: bool) {
        let (client, other) = (self.stand.client(0, 0), self.stand.client(0, 0));
        let Some(opened) = open(self.stand, &client, Trial::After).await else { return };
        let Some(others) = open(self.stand, &other, Trial::After).await else { return };
        let session = &opened.session;
        let clock = &client.common.wire.clock;
        let began = clock.now();
        let due = began + self.slow.takes;
        let ids: Vec<_> = (0..self.knobs.workers).map(|_| self.stand.id()).collect();
        let signs = Signs::default();
        let calls = join_all(ids.iter().map(|id| {
            let ask = self.stand.ask_of(self.slow.tool);
            let mut watched = self.watch(session, *id, ask, began);
            watched.leave = watched.leave.filter(|_| cancelled);
            client.watch(watched, &signs)
        }));
        let behind = async {
            clock.sleep_until(began + self.after()).await;
            if cancelled && !session.footing.is_modern() {
                join_all(ids.iter().map(|id| client.cancel_apart(session, *id))).await;
            }
            clock.sleep(SETTLING).await;
            let ask = self.stand.ask_of(self.cheap);
            let call = Box::pin(others.client.call_apart(&others.session, ask));
            let trial = Trial::Behind { cancelled, due };
            within(self.stand, &others.client, trial, self.watched(), call).await;
        };
        let mut calls = std::pin::pin!(calls);
        let mut behind = std::pin::pin!(behind);
        tokio::select! {
            () = &mut behind => {}
            _ = &mut calls => behind.await,
        }
        others.client.end_apart(&others.session).await;
        opened.client.end_apart(&opened.session).await;
    }

    fn watch<'s>(&self, session: &'s Session, id: u64, ask: Ask, began: Duration) -> Watched<'s> {
        let leaves = session.footing.is_modern();
        let leave = Leave { after: Some(self.after()), parting: Parting::Closed };
        let (until, leave) = (began + self.watched(), leaves.then_some(leave));
        Watched { session, id, ask, arguments: None, progress: false, until, leave }
    }
}

/// A request, given up after so long.
async fn within(
    stand: &Stand<'_>,
    client: &Client,
    trial: Trial,
    patience: Duration,
    request: impl Future<Output = Tail>,
) -> bool {
    let tail = client.within(patience, request).await;
    stand.tell(client, What::Cancel(trial), tail)
}

/// Sweeps over the instant of a tool's answer.
async fn race(knobs: &CancelTrials, stand: &Stand<'_>, tool: u16) {
    let client = stand.client(0, 0);
    let Some(mut opened) = open(stand, &client, Trial::AfterRace).await else { return };
    let mut takes = Vec::new();
    for _ in 0..MEASURED {
        let tail = client.call_apart(&opened.session, stand.ask_of(tool)).await;
        takes.push(tail.done.saturating_sub(tail.sent));
    }
    takes.sort_unstable();
    let takes = takes[takes.len() / 2];
    let mut dead = 0;
    for _ in 0..knobs.sweeps {
        for offset in -CancelTrials::SWEEP..=CancelTrials::SWEEP {
            let by = Duration::from_millis(offset.unsigned_abs().into());
            let at = if offset < 0 { takes.saturating_sub(by) } else { takes + by };
            raced(stand, &opened, tool, at).await;
            if lives_on(knobs, stand, &opened, tool).await {
                continue;
            }
            dead += 1;
            if dead == ENOUGH {
                return;
            }
            let again = stand.client(0, 0);
            match open(stand, &again, Trial::AfterRace).await {
                Some(again) => opened = again,
                None => return,
            }
        }
    }
    opened.client.end_apart(&opened.session).await;
}

/// A call that is cancelled so long after it was sent.
async fn raced(stand: &Stand<'_>, opened: &Opened, tool: u16, at: Duration) {
    let Opened { client, session } = opened;
    let clock = &client.common.wire.clock;
    let (began, id, ask) = (clock.now(), stand.id(), stand.ask_of(tool));
    let leave = Leave { after: Some(at), parting: Parting::Closed };
    let leave = session.footing.is_modern().then_some(leave);
    let until = began + at + RACED_WAIT;
    let watched = Watched { session, id, ask, arguments: None, progress: false, until, leave };
    let signs = Signs::default();
    let cancelling = async {
        clock.sleep_until(began + at).await;
        let cancelled = clock.now();
        if !session.footing.is_modern() {
            let tail = client.cancel_apart(session, id).await;
            stand.tell(client, What::Cancel(Trial::Notice), tail);
        }
        cancelled
    };
    let (ended, cancelled) = tokio::join!(client.watch(watched, &signs), cancelling);
    let Ended { outcome, status, sent, answered, done } = ended;
    let apart = answered.map(|answered| answered.abs_diff(cancelled));
    let tail = Tail { outcome, status, sent, done };
    stand.tell(client, What::Cancel(Trial::Raced { apart }), tail);
}

/// Whether a session still serves: one request may fail.
async fn lives_on(knobs: &CancelTrials, stand: &Stand<'_>, opened: &Opened, tool: u16) -> bool {
    let Opened { client, session } = opened;
    let call = || Box::pin(client.call_apart(session, stand.ask_of(tool)));
    let patience = knobs.budget + RACED_MOST;
    let first = client.within(patience, call()).await;
    let tail = match first.outcome {
        Outcome::Ok => first,
        _ => client.within(patience, call()).await,
    };
    stand.tell(client, What::Cancel(Trial::AfterRace), tail)
}
