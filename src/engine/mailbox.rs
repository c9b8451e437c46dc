//! Where the answers of revision 2024-11-05 come: one stream a session, for every question asked.
//!
//! ```text
//! call ── POST ──> server          call waits for its id
//!   └──────── mail, by id <──────── stream (one task reads it)
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::wire::line::Address;
use crate::model::outcome::Rule;
use crate::protocol::progress::{self, Progress};

/// Ids nobody waits for any more are kept in mind, so many of them.
const KEPT_IN_MIND: usize = 64;

/// What came for a question, and when it was whole.
#[derive(Debug)]
pub struct Mail {
    /// The message.
    pub data: Vec<u8>,
    /// When its event was whole.
    pub at: Duration,
}

/// For whom a message was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// Somebody waited for it.
    Taken,
    /// Whoever asked was answered before.
    Again,
    /// Whoever asked has gone away.
    TooLate,
    /// Whoever asked has said that the answer is no longer awaited, and the server took note.
    Cancelled,
    /// Nobody ever asked.
    Unknown,
}

/// The mail of one session.
#[derive(Debug)]
pub struct Mailbox {
    /// Where questions go.
    pub to: Arc<Address>,
    waiting: Mutex<Waiting>,
    reader: AbortHandle,
}

/// A question that waits.
#[derive(Debug)]
struct Asked {
    answer: oneshot::Sender<Mail>,
    progress: Progress,
}

#[derive(Debug, Default)]
struct Waiting {
    by_id: HashMap<u64, Asked>,
    /// Those nobody waits for any more, and what is said to another answer.
    done: VecDeque<(u64, Delivered)>,
    /// The highest id ever asked with: clients count upwards.
    highest: Option<u64>,
    /// The highest of those that asked for progress.
    highest_token: Option<u64>,
    closed: bool,
}

/// One question's place; given up when dropped.
#[derive(Debug)]
pub struct Place<'m> {
    mailbox: &'m Mailbox,
    id: u64,
    mail: oneshot::Receiver<Mail>,
}

impl Mailbox {
    /// The mail that `reader` brings, for questions that go to `to`.
    pub fn new(to: Arc<Address>, reader: AbortHandle) -> Self {
        Self { to, waiting: Mutex::default(), reader }
    }

    /// Waits for the answer to `id` from now on; if it asks for progress, under the same number. Of two questions with the same id in flight the
    /// later one would be answered, as the stream cannot tell them apart: sessions that share one
    /// count their ids.
    pub fn expect(&self, id: u64, progress: Option<u64>) -> Place<'_> {
        let (answer, mail) = oneshot::channel();
        let mut waiting = self.lock();
        waiting.highest_token = waiting.highest_token.max(progress);
        let progress = Progress::of(progress);
        waiting.highest = waiting.highest.max(Some(id));
        if !waiting.closed {
            waiting.by_id.insert(id, Asked { answer, progress });
        }
        Place { mailbox: self, id, mail }
    }

    /// A message that answers `id` came.
    pub fn deliver(&self, id: u64, mail: Mail) -> Delivered {
        let mut waiting = self.lock();
        match waiting.by_id.remove(&id) {
            Some(asked) => {
                let is_taken = asked.answer.send(mail).is_ok();
                waiting.note(id, if is_taken { Delivered::Again } else { Delivered::TooLate });
                if is_taken { Delivered::Taken } else { Delivered::TooLate }
            }
            None => match waiting.done.iter().rev().find(|(done, _)| *done == id) {
                Some((_, delivered)) => *delivered,
                // Asked so long ago that it is no longer kept in mind.
                None if waiting.highest >= Some(id) => Delivered::TooLate,
                None => Delivered::Unknown,
            },
        }
    }

    /// Progress came, with these parameters: for the question whose token they name.
    ///
    /// # Errors
    /// What [`Progress::hear`] finds. What comes for a question that no longer waits is let pass:
    /// it may have crossed its cancellation.
    pub fn progress(&self, params: Option<&RawValue>) -> Result<(), Rule> {
        let about = progress::token(params);
        let mut waiting = self.lock();
        let was_asked = about.is_some() && about <= waiting.highest_token;
        match about.and_then(|id| waiting.by_id.get_mut(&id)) {
            Some(asked) => asked.progress.hear(params).map(drop),
            None if was_asked => Ok(()),
            None => Progress::of(None).hear(params).map(drop),
        }
    }

    /// The server has taken note that the answer to `id` is no longer awaited.
    pub fn cancelled(&self, id: u64) {
        self.lock().note(id, Delivered::Cancelled);
    }

    /// The id of the only question that waits for an answer, if there is just one.
    pub fn only(&self) -> Option<u64> {
        let waiting = self.lock();
        let mut ids = waiting.by_id.keys();
        ids.next().copied().filter(|_| ids.next().is_none())
    }

    /// The stream has ended: nothing will come any more.
    pub fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.by_id.clear();
    }

    /// Whether the stream has ended.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Ends the stream.
    pub fn hang_up(&self) {
        self.reader.abort();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.hang_up();
    }
}

impl Waiting {
    fn note(&mut self, id: u64, again: Delivered) {
        if self.done.len() == KEPT_IN_MIND {
            self.done.pop_front();
        }
        self.done.push_back((id, again));
    }
}

impl Place<'_> {
    /// The mail, or nothing if the stream ended before.
    pub async fn mail(&mut self) -> Option<Mail> {
        (&mut self.mail).await.ok()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.mailbox.lock();
        // A later question with the same id may wait there by now.
        self.mail.close();
        if waiting.by_id.get(&self.id).is_some_and(|asked| asked.answer.is_closed()) {
            waiting.by_id.remove(&self.id);
            waiting.note(self.id, Delivered::TooLate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Uri;

    fn mailbox() -> Mailbox {
        let uri = Uri::from_static("/messages");
        let to = Arc::new(Address { path: uri.clone(), whole: uri });
        Mailbox::new(to, tokio::spawn(std::future::pending::<()>()).abort_handle())
    }

    fn mail(text: &str) -> Mail {
        Mail { data: text.into(), at: Duration::ZERO }
    }

    #[tokio::test]
    async fn mail_goes_to_who_asked() {
        let mailbox = mailbox();
        let (mut one, mut two) = (mailbox.expect(1, None), mailbox.expect(2, None));
        assert_eq!(mailbox.deliver(2, mail("b")), Delivered::Taken);
        assert_eq!(mailbox.deliver(1, mail("a")), Delivered::Taken);
        assert_eq!(one.mail().await.unwrap().data, b"a");
        assert_eq!(two.mail().await.unwrap().data, b"b");
        assert_eq!(mailbox.deliver(1, mail("again")), Delivered::Again);
        assert_eq!(mailbox.deliver(3, mail("never asked")), Delivered::Unknown);
    }

    #[tokio::test]
    async fn who_went_away_is_remembered_and_a_later_place_is_not_taken() {
        let mailbox = mailbox();
        drop(mailbox.expect(1, None));
        assert_eq!(mailbox.deliver(1, mail("late")), Delivered::TooLate);
        (100..200).for_each(|id| drop(mailbox.expect(id, None)));
        assert_eq!(mailbox.deliver(1, mail("later still")), Delivered::TooLate);
        assert_eq!(mailbox.deliver(200, mail("never asked")), Delivered::Unknown);
        let first = mailbox.expect(7, None);
        let mut second = mailbox.expect(7, None);
        drop(first);
        assert_eq!(mailbox.deliver(7, mail("for the second")), Delivered::Taken);
        assert!(second.mail().await.is_some());
    }

    #[tokio::test]
    async fn a_stream_that_ended_leaves_nobody_waiting() {
        let mailbox = mailbox();
        let mut before = mailbox.expect(1, None);
        mailbox.close();
        let mut after = mailbox.expect(2, None);
        assert!(before.mail().await.is_none() && after.mail().await.is_none());
        assert!(mailbox.is_closed());
    }

    #[tokio::test]
    async fn progress_is_held_against_the_question_it_names() {
        let mailbox = mailbox();
        let _places = [mailbox.expect(1, Some(1)), mailbox.expect(2, Some(2))];
        drop(mailbox.expect(3, Some(3)));
        let _silent = [mailbox.expect(4, None), mailbox.expect(5, None)];
        let hear = |token: &str, progress: u32| {
            let params = format!(r#"{{"progressToken":{token},"progress":{progress}}}"#);
            let params: Box<RawValue> = serde_json::from_str(&params).unwrap();
            mailbox.progress(Some(&params))
        };
        let (back, foreign) = (Err(Rule::ProgressGoesBack), Err(Rule::ForeignProgress));
        assert_eq!([hear("1", 5), hear("2", 3), hear("1", 6), hear("2", 4)], [Ok(()); 4]);
        assert_eq!([hear("1", 6), hear("2", 4)], [back; 2], "each for itself");
        assert_eq!([hear("3", 1), hear("3", 1)], [Ok(()); 2], "nobody waits any more");
        assert_eq!([hear("4", 1), hear("5", 1), hear("\"1\"", 9), hear("1.5", 9)], [foreign; 4]);
        assert_eq!(hear("null", 1), Err(Rule::MalformedResult));
        assert_eq!(mailbox.progress(None), Err(Rule::MalformedResult));
    }
}
