//! What a window of a fault did to a load, and how the target came back.

use serde::{Deserialize, Serialize};

use super::fault::outside::{HookReport, ToxicReport};

/// One window, from its beginning to when the target was well again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Damage {
    /// The window's name: its fault's, and a number where that comes several times.
    pub name: String,
    /// The fault's name.
    pub fault: String,
    /// The fault's kind.
    pub kind: String,
    /// Its beginning, since the start of the load, in microseconds.
    pub from_us: u64,
    /// Its end, in microseconds: the end of the run where that came first.
    pub until_us: u64,
    /// The run ended before it did.
    pub open: bool,
    /// What went on before it; `None` where too little did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Stretch>,
    /// What went on in it.
    pub inside: Stretch,
    /// Nobody can tell which calls met it: it acts outside of squall, and not on all that is on the way
    /// to the target.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub untold: bool,
    /// Calls that met the fault on their connection or at the client's end, whenever they were due.
    pub met: u64,
    /// Errors among these.
    pub explained: u64,
    /// Errors of calls that were due in the window and met no fault at all; none are counted while
    /// a fault is in force of which nobody can tell who met it.
    pub unexplained: u64,
    /// Calls due in it that nobody answered before the client's patience, or the run, ended.
    pub hung: u64,
    /// Sessions that the target no longer knew, until the next window began.
    pub sessions_lost: u64,
    /// Runs of which no call ended well, and that were under way in it.
    pub runs_lost: u64,
    /// Grants that users lost, until the next window began.
    pub grants_lost: u64,
    /// Calls that the target says it carried out twice, from its last page of metrics before the window
    /// to its first one after it, which come about once a second; `None` where nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<u64>,
    /// Whether and when it was as before.
    pub recovery: Recovery,
    /// What went on from twice its length after its end on, while it was not as before by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub still: Option<Stretch>,
    /// Users of whom a call failed in it.
    pub users_hit: u64,
    /// Those that were not served again before the run ended.
    pub users_unserved: u64,
    /// From its end until the last of the others was served again, in microseconds.
    pub served_us: u64,
    /// HTTP exchanges a call from its beginning until the target was as before, over those in the
    /// baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amplification: Option<f64>,
    /// The same of handshakes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake_amplification: Option<f64>,
    /// What became of a hook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<HookReport>,
    /// What became of a toxic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toxic: Option<ToxicReport>,
}

/// What went on in a stretch of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Stretch {
    /// Calls that were due in it and sent.
    pub calls: u64,
    /// Errors among these.
    pub errors: u64,
    /// Throttled among these.
    pub throttled: u64,
    /// Good answers a second.
    pub good_per_second: f64,
    /// Median response, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<u64>,
    /// 95th percentile of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_us: Option<u64>,
    /// HTTP exchanges.
    pub exchanges: u64,
    /// Handshakes among these.
    pub handshakes: u64,
}

/// Whether and when errors and p95 were back within 1.2 times the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Recovery {
    /// So long after the window's end.
    Recovered {
        /// In microseconds.
        after_us: u64,
    },
    /// Not as long as it was watched: until the run ended, or the next window began.
    NotSeen {
        /// So long after its end, in microseconds.
        watched_us: u64,
    },
    /// The run ended before the window did, or too few calls came after it.
    #[default]
    Unwatched,
    /// There is nothing to compare with: too few calls were due before it.
    NoBaseline,
}

impl Stretch {
    /// Errors among calls sent, 0 to 1.
    pub fn error_share(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.errors as f64 / self.calls as f64)
    }

    /// HTTP exchanges for each call.
    pub fn exchanges_per_call(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.exchanges as f64 / self.calls as f64)
    }

    /// Handshakes for each call.
    pub fn handshakes_per_call(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.handshakes as f64 / self.calls as f64)
    }
}

impl Damage {
    /// How long it lasted, in microseconds.
    pub const fn length_us(&self) -> u64 {
        self.until_us.saturating_sub(self.from_us)
    }

    /// Whether the target was watched for twice as long as the window lasted, and had not come back
    /// by then: it may be held down by its own load.
    pub const fn is_metastable(&self) -> bool {
        let most = self.length_us().saturating_mul(2);
        match self.recovery {
            Recovery::Recovered { after_us } => after_us > most,
            Recovery::NotSeen { watched_us } => watched_us >= most,
            Recovery::Unwatched | Recovery::NoBaseline => false,
        }
    }
}
