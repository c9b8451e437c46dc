//! What one call cost, and what its exchanges met: kept where an aborted exchange can say it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::kept::nanos;
use crate::model::event::Echo;
use crate::model::fault::Touched;

/// What one call cost, and when its own request left; kept where an aborted exchange can say it.
#[derive(Debug, Default)]
pub(super) struct Cost {
    pub(super) exchanges: AtomicU32,
    /// Nanoseconds plus one; 0 is not yet.
    pub(super) sent: AtomicU64,
    /// It was the first call that carried its access token.
    pub(super) first_with_token: AtomicBool,
    /// The faults that its exchanges met.
    pub(super) touched: AtomicU64,
    /// The faults that make it anew: each exchange from now on meets them.
    pub(super) made_by: AtomicU64,
    /// What its answer echoed.
    echo: AtomicU8,
    /// The print of its answer, where that is wanted; 0 is none yet.
    print: Option<AtomicU64>,
}

impl Cost {
    /// Of a call whose answer's print is wanted.
    pub(super) fn printing() -> Self {
        Self { print: Some(AtomicU64::default()), ..Self::default() }
    }

    /// Whether the print of its answer is wanted.
    pub(super) fn wants_print(&self) -> bool {
        self.print.is_some()
    }

    /// Notes the print of its answer.
    pub(super) fn printed(&self, print: Option<u64>) {
        if let (Some(cell), Some(print)) = (&self.print, print) {
            cell.store(print.max(1), Ordering::Relaxed);
        }
    }

    /// The print of its answer.
    pub(super) fn print(&self) -> Option<u64> {
        let print = self.print.as_ref()?.load(Ordering::Relaxed);
        (print > 0).then_some(print)
    }

    /// HTTP exchanges so far.
    pub(super) fn exchanges(&self) -> u16 {
        u16::try_from(self.exchanges.load(Ordering::Relaxed)).unwrap_or(u16::MAX)
    }

    /// The faults that its exchanges met.
    pub(super) fn touched(&self) -> Touched {
        Touched(self.touched.load(Ordering::Relaxed))
    }

    /// It meets a fault.
    pub(super) fn meets(&self, fault: u8) {
        self.touched.fetch_or(Touched::by(fault).0, Ordering::Relaxed);
    }

    /// What its answer echoed, or that something is to be.
    pub(super) fn echoes(&self, echo: Echo) {
        self.echo.fetch_max(echo as u8, Ordering::Relaxed);
    }

    /// What its answer echoed.
    pub(super) fn echo(&self) -> Echo {
        Echo::of(self.echo.load(Ordering::Relaxed))
    }

    /// A fault makes it cost more from now on.
    pub(super) fn makes_more(&self, fault: u8) {
        self.meets(fault);
        self.made_by.fetch_or(Touched::by(fault).0, Ordering::Relaxed);
    }

    /// The faults that make it anew.
    pub(super) fn made_by(&self) -> Touched {
        Touched(self.made_by.load(Ordering::Relaxed))
    }

    /// Notes when the first byte of the call's own request left.
    pub(super) fn note_sent(&self, at: Duration) {
        self.sent.store(nanos(at) + 1, Ordering::Relaxed);
    }

    /// When the first byte of the call's own request left.
    pub(super) fn sent(&self) -> Option<Duration> {
        self.sent.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_nanos)
    }
}
