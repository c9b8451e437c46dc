//! Clients of a script that sit in sessions of their own, and the tool that they are to call.

use std::sync::Arc;
use std::time::Duration;

use super::{Opened, Stand};
use crate::engine::client::Tail;
use crate::model::operation::Operation;

/// So many tools are called to find one.
const MOST_TOOLS: u16 = 100;

/// What one call of a tool came to.
pub(super) struct Looked {
    pub(super) tool: u16,
    pub(super) tail: Tail,
    /// Of its answer.
    pub(super) bytes: usize,
}

impl Looked {
    pub(super) fn took(&self) -> Duration {
        self.tail.done.saturating_sub(self.tail.sent)
    }
}

impl Stand<'_> {
    /// A session of a client of the run's own user; what it said instead is told.
    pub(super) async fn seat(&self, place: u32) -> Option<Opened> {
        let client = self.client(0, place);
        let (Tail { outcome, .. }, session) = client.open_apart().await;
        if session.is_none() {
            let said = format!("no session could be begun: {}", outcome.class().name());
            self.untried(Operation::Initialize, said, "find out first why sessions are refused");
        }
        session.map(|session| Opened { client, session })
    }

    /// So many of them, of clients behind different places; fewer if one is refused.
    pub(super) async fn seats(&self, count: u32) -> Vec<Opened> {
        let mut seats = Vec::new();
        for place in 1..=count {
            let Some(seat) = self.seat(place).await else { break };
            seats.push(seat);
        }
        seats
    }

    /// Ends their sessions.
    pub(super) async fn leave(&self, seats: Vec<Opened>) {
        for Opened { client, session } in seats {
            if let Some(mailbox) = session.footing.mailbox() {
                mailbox.hang_up();
            } else if session.echoed().is_some() {
                client.end_apart(&session).await;
            }
        }
    }

    /// Calls each tool once, one after another; those that failed are left out.
    pub(super) async fn look(&self, seat: &Opened) -> Vec<Looked> {
        let mut looked = Vec::new();
        for tool in 0..seat.client.common.tool_count().min(MOST_TOOLS) {
            looked.extend(self.look_at(seat, tool).await);
        }
        looked
    }

    /// Calls this tool once.
    pub(super) async fn look_at(&self, seat: &Opened, tool: u16) -> Option<Looked> {
        let by = self.now() + seat.client.common.profile.call_timeout;
        let (tail, bytes) = seat.client.call_by(&seat.session, self.ask_of(tool), by).await;
        let is_served = tail.outcome.class() == crate::model::outcome::Class::Ok;
        is_served.then_some(Looked { tool, tail, bytes })
    }

    /// The tool of this name.
    pub(super) fn named(&self, name: &str) -> Option<u16> {
        let mut tools = self.first.common.tools.iter();
        let at = tools.position(|tool| tool.name == name);
        let tool = at.and_then(|at| u16::try_from(at).ok());
        if tool.is_none() {
            let said = format!("the tool {name} is none of those that may be called");
            self.untried(Operation::ToolsCall, said, "name one of tools.allow");
        }
        tool
    }

    /// The tool of this name, or else the slowest one, after one call of it or of each.
    pub(super) async fn slowest(&self, seat: &Opened, name: Option<&str>) -> Option<Looked> {
        let found = match name {
            Some(name) => self.look_at(seat, self.named(name)?).await,
            None => self.look(seat).await.into_iter().max_by_key(Looked::took),
        };
        if found.is_none() {
            let said = match name {
                Some(name) => format!("a call of {name} failed"),
                None => "a call of each tool failed".to_owned(),
            };
            let what = "give arguments that are served in [tools.arguments]";
            self.untried(Operation::ToolsCall, said, what);
        }
        found
    }

    /// What the tool is called.
    pub(super) fn name(&self, tool: u16) -> &str {
        self.first.common.tools.get(usize::from(tool)).map_or("", |tool| &tool.name)
    }

    pub(super) fn now(&self) -> Duration {
        self.first.common.wire.clock.now()
    }

    pub(super) async fn sleep_until(&self, then: Duration) {
        self.first.common.wire.clock.sleep_until(then).await;
    }

    /// What this comes to by then, if it has ended.
    pub(super) async fn by<T>(&self, then: Duration, what: impl Future<Output = T>) -> Option<T> {
        self.first.common.wire.clock.by(then, what).await
    }
}

/// So many instants, each so long after the one before, the first one then.
pub(super) fn evenly(
    from: Duration,
    every: Duration,
    count: u32,
) -> impl Iterator<Item = Duration> {
    (0..count).map(move |at| from + every * at)
}

/// The clients of some seats may be used at once.
pub(super) fn cycled(seats: &[Opened], count: usize) -> impl Iterator<Item = &Opened> {
    seats.iter().cycle().take(count)
}

impl Clone for Opened {
    fn clone(&self) -> Self {
        Self { client: Arc::clone(&self.client), session: Arc::clone(&self.session) }
    }
}
