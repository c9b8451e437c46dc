//! An exchange under a spell: the request it sends, the connection it takes, when its client leaves.

use super::line::{Line, Lines, Unsent};
use super::{Listener, Reply, Request, Trail, Wire};
use crate::engine::weather::{By, Leave, Spell};
use crate::model::fault::{Parting, Touched};
use crate::model::outcome::{ConnectFailure, Outcome};
use crate::protocol::legacy::{SESSION_HEADER, VERSION_HEADER};

impl Wire {
    /// The request as it is sent under what befalls it.
    pub(super) fn bewitch(trail: &mut Trail<'_>, request: &mut Request) {
        let Some(Spell { no_session, no_version, .. }) = trail.spell().copied() else { return };
        for (without, header) in [(no_session, SESSION_HEADER), (no_version, VERSION_HEADER)] {
            if let Some(fault) = without
                && request.headers.remove(header).is_some()
            {
                trail.touched(fault.touched());
            }
        }
    }

    /// The connection that an exchange takes under what befalls it.
    pub(super) async fn line_under(
        &self,
        lines: &Lines,
        trail: &mut Trail<'_>,
    ) -> Result<Line, ConnectFailure> {
        let Spell { alone, slow, .. } = trail.spell().copied().unwrap_or_default();
        if alone.is_none() && slow.is_none() {
            return lines.take(&*self.connect, &self.clock, self.connect_timeout).await;
        }
        trail.touched(alone.map_or(Touched::default(), |alone| alone.touched()));
        let from = alone.and_then(|alone| alone.what);
        let such = (self.connect_timeout, from, slow.is_some());
        lines.alone(&*self.connect, &self.clock, such).await
    }

    /// An exchange that its client leaves after a time.
    pub(super) async fn converse_until(
        &self,
        line: &mut Line,
        trail: &mut Trail<'_>,
        request: &mut Request,
        body: &mut Vec<u8>,
        on_event: Listener<'_>,
    ) -> Result<Reply, Unsent> {
        let leave = trail.spell().and_then(|spell| spell.leave);
        let after = leave.and_then(|leave| leave.what.after).unwrap_or_default();
        let by = self.clock.now().saturating_add(after);
        let whole = self.converse(line, trail, request, body, on_event);
        match (self.clock.by(by, whole).await, leave) {
            (Some(ended), _) => ended,
            (None, None) => Err(Unsent::Ended(Outcome::Cancelled)),
            (None, Some(leave)) => Err(left(leave, trail, || line.leave(leave.what.parting))),
        }
    }
}

/// The client leaves now, as `go` does it.
pub(super) fn left(leave: By<Leave>, trail: &mut Trail<'_>, go: impl FnOnce()) -> Unsent {
    trail.touched(leave.touched());
    go();
    Unsent::Ended(Outcome::Cancelled)
}

/// Whether the client leaves after a time.
pub(super) fn leaves_in_time(trail: &Trail<'_>) -> bool {
    let leave = trail.spell().and_then(|spell| spell.leave);
    leave.is_some_and(|leave| leave.what.after.is_some())
}

/// How the client leaves with the head of an answer, if it does.
pub(super) fn leaves_at_head(trail: &Trail<'_>) -> Option<(By<Leave>, Parting)> {
    let leave = trail.spell()?.leave.filter(|leave| leave.what.after.is_none())?;
    Some((leave, leave.what.parting))
}
