//! Who comes when: the seam between two ways of bringing users and what every user does.

pub mod arrivals;
pub mod users;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

/// What a crowd brings users to: it knows nothing of MCP.
pub trait Stage: Send + Sync + 'static {
    /// One simulated user.
    type User: Send + 'static;

    /// A user appears; nothing is sent yet. Numbers are unique within a run of squall.
    fn enter(&self, number: u32) -> Self::User;

    /// One run of this user, due at `due`. Returns when the run ended or was cut.
    fn turn(&self, user: &mut Self::User, due: Duration) -> impl Future<Output = ()> + Send;

    /// The user leaves and ends what it held. Called once for every user that entered.
    fn leave(&self, user: Self::User) -> impl Future<Output = ()> + Send;

    /// An arrival found the ceiling reached.
    fn dropped(&self, due: Duration);

    /// A user panicked: squall's own fault, said in the report.
    fn panicked(&self, message: &str);
}

/// Completes with the work's value, or with `None` if it panicked, which the stage is told.
///
/// Not an `async fn`: that would keep room for the work twice, in every user.
fn guarded<S: Stage, T>(
    stage: &S,
    work: impl Future<Output = T>,
) -> impl Future<Output = Option<T>> {
    AssertUnwindSafe(work).catch_unwind().map(|ended| match ended {
        Ok(value) => Some(value),
        Err(panic) => {
            stage.panicked(message(panic.as_ref()));
            None
        }
    })
}

/// What `panic!` was given: a literal is a `&str`, a formatted message a `String`.
fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

#[cfg(test)]
mod rehearsal;
