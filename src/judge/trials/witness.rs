//! Which trials are the evidence of a finding: when they were, whose, and what came of them.

use std::collections::BTreeMap;

use super::tail::how;
use crate::model::figure;
use crate::model::finding::Finding;
use crate::model::outcome::{Class, Outcome};
use crate::model::summary::evidence::FirstFew;
use crate::model::trial::aborts::{Left, Trial as Abort};
use crate::model::trial::affinity::Trial as Affinity;
use crate::model::trial::cancels::Trial as Cancel;
use crate::model::trial::isolation::{Among, Trial as Isolation};
use crate::model::trial::parallel::Trial as Parallel;
use crate::model::trial::sessions::Trial as Session;
use crate::model::trial::silences::Trial as Silence;
use crate::model::trial::{Tried, What};

/// The first few of each kind.
#[derive(Debug, Default)]
pub(super) struct Witnesses(BTreeMap<&'static str, FirstFew<String>>);

impl Witnesses {
    pub(super) fn add(&mut self, tried: &Tried) {
        if tried.is_void() {
            return;
        }
        for (finding, what) in of(tried).into_iter().flatten() {
            let at = figure::duration(tried.sent);
            let took = figure::duration(tried.took());
            let came = how((tried.outcome, tried.status));
            let told = format!("at {at}, user {}: {what}: {came} after {took}", tried.user);
            self.0.entry(finding).or_default().add(told);
        }
    }

    /// Puts them beside what is said already.
    pub(super) fn testify(&self, finding: &mut Finding) {
        if let Some(seen) = self.0.get(finding.id.as_str()) {
            finding.evidence.extend(seen.first.iter().cloned());
        }
    }
}

/// What a trial is evidence of, if that was found, and what was done.
fn of(tried: &Tried) -> [Option<(&'static str, String)>; 2] {
    let served = tried.is_served();
    let is_404 = tried.status == Some(404);
    let one = |finding, what: &str| [Some((finding, what.to_owned())), None];
    match &tried.what {
        What::Session(trial) => of_session(*trial, served, is_404),
        What::Abort(Abort::Left(Left { .. })) => {
            let what = "a call whose client left";
            let either = ["aborts-kill-the-server", "aborts-kill-the-session"];
            either.map(|finding| Some((finding, what.to_owned())))
        }
        What::Abort(Abort::After(step)) if !served => {
            let what = format!("{step:?} of a client after that").to_lowercase();
            [Some(("aborts-kill-the-server", what)), None]
        }
        What::Abort(Abort::Kept) if !served => {
            one("aborts-kill-the-session", "a call in the session in which calls were left")
        }
        What::Cancel(Cancel::Cancelled(seen)) => {
            let what = match (seen.taken, seen.answered) {
                (Some(_), Some(_)) => "a cancelled call that was answered",
                (Some(_), None) => "a cancelled call",
                _ => return [None, None],
            };
            let either = ["answered-after-cancel", "cancelled-stream-open"];
            either.map(|finding| Some((finding, what.to_owned())))
        }
        What::Cancel(Cancel::After) if !served => {
            one("cancel-kills-session", "a request right after a cancellation")
        }
        What::Cancel(Cancel::Behind { cancelled: true, .. }) => {
            one("cancelled-work-goes-on", "a call behind cancelled ones")
        }
        What::Cancel(Cancel::AfterRace) if !served => {
            one("cancel-race", "a request after a cancellation that met its answer")
        }
        What::Silence(Silence::Held(held)) if tried.outcome == Outcome::CutStream => {
            let silence = figure::duration(held.silence);
            [
                Some(("idle-stream-cut", format!("{:?}, to be silent for {silence}", held.kind))),
                None,
            ]
        }
        What::Isolation(Isolation::Together(among, _))
            if *among != Among::Apart
                && matches!(tried.outcome.class(), Class::Timeout | Class::CutStream) =>
        {
            one("same-id-unanswered", "one of several calls at once with one id")
        }
        What::Affinity(Affinity::Fresh(place)) if is_404 => {
            let what = format!("a call on a new connection, from address {place}");
            let either = ["sessions-in-one-replica", "sessions-bound-to-address"];
            either.map(|finding| Some((finding, what.clone())))
        }
        What::Parallel(Parallel::Batch(at)) if !served && at.size > 1 => {
            let what = format!("one of {} calls at once", at.size);
            [Some(("parallel-calls-refused", what)), None]
        }
        _ => [None, None],
    }
}

fn of_session(trial: Session, served: bool, is_404: bool) -> [Option<(&'static str, String)>; 2] {
    let (finding, what) = match trial {
        Session::Unknown if served => {
            ("unknown-session-served", "a call with an id that was never issued")
        }
        Session::Unknown if !is_404 => {
            ("lost-session-otherwise", "a call with an id that was never issued")
        }
        Session::Deleted if served => ("ended-session-served", "a call after DELETE"),
        Session::Deleted if !is_404 => ("lost-session-otherwise", "a call after DELETE"),
        Session::Delete if !served => ("delete-fails", "DELETE"),
        Session::Foreign if served => ("foreign-session-served", "a call in another's session"),
        Session::Expired if served => ("idle-session-served", "a call in an idle session"),
        Session::Expired if !is_404 => ("lost-session-otherwise", "a call in an idle session"),
        Session::Survivor if !served && !is_404 => {
            ("restart-strands-clients", "a call in a session from before the restart")
        }
        Session::Reopened if !served => ("restart-not-survived", "a handshake and a call anew"),
        Session::Opened(_) if !served => ("sessions-exhausted", "a handshake"),
        _ => return [None, None],
    };
    [Some((finding, what.to_owned())), None]
}
