//! Who comes when: the seam between two ways of bringing users and what every user does.

use std::time::Duration;

/// What a crowd brings users to: it knows nothing of MCP.
pub trait Stage: Send + Sync + 'static {
    /// One simulated user.
    type User: Send + 'static;

    /// A user appears; nothing is sent yet. Numbers are unique within a run of squall.
    fn enter(&self, number: u32) -> Self::User;

    /// One run of this user, due at `due`. Returns when the run ended or was cut.
    fn turn(&self, user: &mut Self::User, due: Duration) -> impl Future<Output = ()> + Send;

    /// The user leaves and ends what it held.
    fn leave(&self, user: Self::User) -> impl Future<Output = ()> + Send;

    /// An arrival found the ceiling reached.
    fn dropped(&self, due: Duration);

    /// A user panicked: squall's own fault, said in the report.
    fn panicked(&self, message: &str);
}
