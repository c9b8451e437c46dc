//! A call that says something before its answer: what it says, in order, and the answer last.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;

use axum::body::{Body, Bytes};
use futures_util::stream::unfold;
use tokio::sync::mpsc;

/// Messages that may wait for a slow reader before a call waits, too.
const WAITING: usize = 16;

/// Something a call says.
#[derive(Debug)]
pub(super) enum Said {
    /// A JSON-RPC message.
    Message(String),
    /// That its stream is to break here: what comes is for who resumes it.
    HangUp,
}

/// How a call speaks while it works.
#[derive(Debug, Clone)]
pub(super) struct Voice(mpsc::Sender<Said>);

impl Voice {
    /// A voice, and what it will have said.
    pub(super) fn new(waiting: usize) -> (Self, mpsc::Receiver<Said>) {
        let (voice, said) = mpsc::channel(waiting);
        (Self(voice), said)
    }

    /// Says a message; once nobody listens any more, nothing happens.
    pub(super) async fn say(&self, message: String) {
        let _heard = self.0.send(Said::Message(message)).await.is_ok();
    }

    /// Says a notification.
    pub(super) async fn notify(&self, method: &str, params: &str) {
        self.say(notification(method, params)).await;
    }

    /// Breaks the stream, where it can be resumed.
    pub(super) async fn hang_up(&self) {
        let _heard = self.0.send(Said::HangUp).await.is_ok();
    }

    /// Completes when nobody listens any more.
    pub(super) async fn unheard(&self) {
        self.0.closed().await;
    }
}

/// A JSON-RPC notification; `params` are a JSON object.
pub(super) fn notification(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
}

/// A message as an event of a stream.
pub(super) fn event(message: &str) -> Bytes {
    Bytes::from(format!("event: message\ndata: {message}\n\n"))
}

/// A call at work, and what it says.
pub(super) struct Talk {
    /// Its outcome is the answer.
    work: Option<Pin<Box<dyn Future<Output = String> + Send>>>,
    said: mpsc::Receiver<Said>,
    answer: Option<String>,
}

impl Talk {
    /// Begins no work before [`Talk::next`] is polled; dropping it ends the work. An answer that is
    /// empty is none.
    pub(super) fn of<W>(work: impl FnOnce(Voice) -> W) -> Self
    where
        W: Future<Output = String> + Send + 'static,
    {
        let (voice, said) = Voice::new(WAITING);
        Self { work: Some(Box::pin(work(voice))), said, answer: None }
    }

    /// The next thing it says; the last is its answer.
    pub(super) async fn next(&mut self) -> Option<Said> {
        while let Some(work) = &mut self.work {
            tokio::select! {
                biased;
                Some(said) = self.said.recv() => return Some(said),
                answer = work => {
                    self.work = None;
                    self.answer = Some(answer).filter(|answer| !answer.is_empty());
                }
            }
        }
        match self.said.try_recv() {
            Ok(said) => Some(said),
            Err(_) => self.answer.take().map(Said::Message),
        }
    }

    /// A stream of events that cannot be resumed. `held` is dropped with it, and told if it came to
    /// its end.
    pub(super) fn into_body<H: Held>(self, held: H) -> Body {
        Body::from_stream(unfold(Some((self, held)), async |talking| {
            let (mut talk, held) = talking?;
            loop {
                match talk.next().await {
                    Some(Said::Message(message)) => {
                        let event = Ok::<_, Infallible>(event(&message));
                        return Some((event, Some((talk, held))));
                    }
                    Some(Said::HangUp) => {}
                    None => {
                        held.ended();
                        return None;
                    }
                }
            }
        }))
    }
}

/// What a stream holds for as long as it lasts.
pub(super) trait Held: Send + 'static {
    /// The stream came to its end.
    fn ended(self);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_said_comes_before_the_answer() {
        let mut talk = Talk::of(|voice| async move {
            for number in 0..2 * WAITING {
                voice.notify("n", &number.to_string()).await;
            }
            voice.hang_up().await;
            "answer".to_owned()
        });
        for number in 0..2 * WAITING {
            let Some(Said::Message(said)) = talk.next().await else { panic!("{number}") };
            assert_eq!(said, notification("n", &number.to_string()));
        }
        assert!(matches!(talk.next().await, Some(Said::HangUp)));
        let Some(Said::Message(answer)) = talk.next().await else { panic!("no answer") };
        assert_eq!(answer, "answer");
        assert!(talk.next().await.is_none());
    }
}
