//! A question whose answer comes on the session's own stream (HTTP+SSE, 2024-11-05): posted, and
//! awaited there. Whichever comes first, an answer or a refusal of the POST, ends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderMap, Method};

use super::Client;
use super::cost::Cost;
use super::hear::Ear;
use super::post::{Answered, Judge, Lent, Question, head_of, quoted};
use crate::engine::mailbox::{Mail, Mailbox};
use crate::engine::session::Footing;
use crate::engine::wire::{Flow, Reply, Request, Watch};
use crate::model::fault::Touched;
use crate::model::nonce::Nonce;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::protocol::answer::Session as Named;
use crate::protocol::http_sse;
use crate::protocol::media::Media;
use crate::protocol::sse;

/// What a POST costs that may go on when the call it was made for has ended.
#[derive(Debug, Default)]
struct Sending {
    cost: Cost,
    watch: Watch,
}

/// Puts what a POST has cost by now to its call's account, whatever becomes of either.
struct Account<'a> {
    sending: Arc<Sending>,
    cost: &'a Cost,
    is_call: bool,
}

/// A POST on its own: nothing of it is borrowed.
struct Posting {
    client: Arc<Client>,
    operation: Operation,
    request: Request,
    deadline: Duration,
    sending: Arc<Sending>,
    is_call: bool,
    tool: Option<Box<str>>,
}

impl Client {
    /// Posts a question and waits for its answer on the stream, or for the POST's own failure. A
    /// POST that is slower than the answer, or than the stream's end, goes on beside.
    pub(super) async fn ask_by_mail<R, T, J>(
        self: &Arc<Self>,
        question: Question<'_>,
        mailbox: &Arc<Mailbox>,
        judge: &J,
    ) -> Answered<T>
    where
        R: Lent,
        T: Send,
        J: Judge<R, T>,
    {
        let Question { operation, footing, id, body, deadline, cost, .. } = question;
        let Question { progress, is_call, tool, nonce, .. } = question;
        let tool = tool.filter(|_| self.common.weather.is_some()).map(Box::from);
        let mut request =
            Request::new(operation, Method::POST, footing.headers.clone(), body.into());
        request.to = Some(Arc::clone(&mailbox.to));
        let sending = Arc::<Sending>::default();
        let _account = Account { sending: Arc::clone(&sending), cost, is_call };
        let client = Arc::clone(self);
        let posting = Posting { client, operation, request, deadline, sending, is_call, tool };
        let Some(id) = id else { return posting.post().await.with(None) };
        let mut place = mailbox.expect(id, progress);
        let mut posting = Box::pin(posting.post());
        let first = tokio::select! {
            biased;
            posted = &mut posting => Ok(posted),
            mail = place.mail() => Err(mail),
        };
        let posted = match first {
            Ok(posted) => posted,
            Err(mail) => {
                let client = Arc::clone(self);
                self.errands.begin(async move {
                    client.tell_violation(operation, &posting.await, Touched::default());
                });
                return match mail {
                    Some(mail) => self.read_mail::<R, T, J>(
                        footing,
                        (operation, id),
                        (&mail, nonce, cost),
                        judge,
                    ),
                    None => Answered::broken(Outcome::CutStream, String::new()),
                };
            }
        };
        let is_taken = posted.outcome == Outcome::Ok;
        // Where it was refused, only an answer that is already there counts.
        let by = if is_taken { deadline } else { Duration::ZERO };
        match self.common.wire.clock.by(by, place.mail()).await {
            Some(Some(mail)) => {
                self.read_mail::<R, T, J>(footing, (operation, id), (&mail, nonce, cost), judge)
            }
            _ if !is_taken => posted.with(None),
            Some(None) => Answered::broken(Outcome::CutStream, String::new()),
            None => Answered::broken(Outcome::Timeout, String::new()),
        }
    }

    fn read_mail<R: Lent, T, J: Judge<R, T>>(
        self: &Arc<Self>,
        footing: &Footing,
        (operation, id): (Operation, u64),
        (mail, nonce, cost): (&Mail, Option<Nonce>, &Cost),
        judge: &J,
    ) -> Answered<T> {
        // It came as a stream's event does, whatever the POST was answered with.
        let (headers, media) = (HeaderMap::new(), Media::EventStream);
        let reply = Reply { status: 200, headers, media, answered: true };
        let ear = Ear::new(self, footing, operation, Some(id), None).told_by(nonce);
        let mut ear = ear.printing(cost.wants_print());
        let heard = ear.message::<R, T, J>(&head_of(&reply, footing), &mail.data, judge);
        cost.echoes(ear.echo);
        cost.printed(ear.print);
        let broken = || Answered::broken(Outcome::CutStream, String::new());
        Answered { at: Some(mail.at), reply: Some(reply), ..heard.unwrap_or_else(broken) }
    }
}

impl Posting {
    /// Posts it; says how it was taken.
    async fn post(self) -> Answered<()> {
        let Self { client, operation, request, deadline, sending, is_call, tool } = self;
        let mut trail = client.trail_of(operation, tool.as_deref(), &sending.cost);
        trail.note_sent_in(&sending.cost.sent);
        if is_call {
            trail.note_first_in(&sending.cost.first_with_token);
        }
        trail.show_to(&sending.watch);
        let mut whole = Vec::new();
        // What a POST is answered with says nothing: a stream is not waited for.
        let mut on_event = |_: &Reply, _: &sse::Event<'_>| Flow::Answered;
        let came = client.carry(&mut trail, request, deadline, &mut whole, &mut on_event).await;
        let answered = match came {
            Err(outcome) => Answered::unread(outcome),
            Ok(reply) => {
                let head = head_of(
                    &reply,
                    &Footing { named: Named::Named, ..Footing::bare(HeaderMap::new()) },
                );
                let outcome = http_sse::posted(&head, &whole);
                let said = if outcome == Outcome::Ok { String::new() } else { quoted(&whole) };
                Answered { reply: Some(reply), ..Answered::broken(outcome, said) }
            }
        };
        trail.finish(answered.outcome);
        answered
    }
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        let Sending { cost, watch } = &*self.sending;
        let exchanges = cost.exchanges.load(Ordering::Relaxed);
        self.cost.exchanges.fetch_add(exchanges, Ordering::Relaxed);
        self.cost.touched.fetch_or(cost.touched().0, Ordering::Relaxed);
        if cost.first_with_token.load(Ordering::Relaxed) {
            self.cost.first_with_token.store(true, Ordering::Relaxed);
        }
        if let Some(sent) = cost.sent().or_else(|| watch.sent()).filter(|_| self.is_call) {
            self.cost.note_sent(sent);
        }
    }
}
