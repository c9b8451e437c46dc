//! What a storm came to of the invariants that its scenario names.

use super::{Blocking, Delivery, Flowing, Isolation, Sessions};
use crate::judge::said::Said;
use crate::model::plan::invariant::Invariant;
use crate::model::report::Expectations;

/// The invariants that are named, those that every storm shows.
#[derive(Debug, Default)]
pub(super) struct Expected(pub(super) Vec<Invariant>);

impl Expected {
    /// What each of them came to. What did not hold is a finding elsewhere.
    pub(super) fn put(
        &self,
        isolation: &Isolation,
        delivery: &Delivery,
        sessions: &Sessions,
        (flowing, blocking): (&Flowing, &Blocking),
        expectations: &mut Expectations,
    ) {
        for invariant in &self.0 {
            let said = match invariant {
                Invariant::Isolation => of_isolation(isolation),
                Invariant::Delivery => of_delivery(delivery),
                Invariant::SessionsStay => of_sessions(sessions),
                Invariant::StreamsFlow => flowing.said(),
                Invariant::Starvation => blocking.said(),
                _ => continue,
            };
            said.put(invariant.written(), expectations);
        }
    }
}

/// Fewer answers, or calls, show nothing.
const LEAST: u64 = 20;
/// The same of sessions.
const FEW: u64 = 5;

fn of_isolation(isolation: &Isolation) -> Said {
    let (answers, own, crossed) = isolation.told();
    let untold = match answers - own {
        0 => String::new(),
        untold => format!(", {untold} did not"),
    };
    if crossed > 0 {
        return Said::unheld(format!(
            "{crossed} answers were another call's; {own} were the call's own"
        ));
    }
    match own {
        0 => Said::too_little(format!("none of {answers} answers told whose they are")),
        1..LEAST => Said::too_little(format!(
            "{own} answers told whose they are{untold}; {LEAST} are needed"
        )),
        own => Said::held(format!("{own} answers told whose they are{untold}")),
    }
}

fn of_delivery(delivery: &Delivery) -> Said {
    let (calls, cut, hung, wrong) = delivery.counted();
    if wrong > 0 {
        return Said::unheld(format!(
            "{wrong} messages came that no call waited for, or came otherwise than they have to; of \
             {calls} calls {cut} were cut, and {hung} never answered"
        ));
    }
    match (calls, cut + hung) {
        (0, _) => Said::too_little("no call ended that met no fault"),
        (1..LEAST, 0) => {
            Said::too_little(format!("{calls} calls were answered; {LEAST} are needed"))
        }
        (calls, 0) => Said::held(format!("{calls} calls were answered, whole")),
        (calls, _) => {
            Said::unheld(format!("of {calls} calls {cut} were cut, and {hung} never answered"))
        }
    }
}

fn of_sessions(sessions: &Sessions) -> Said {
    let (opened, lost) = sessions.counted();
    match (opened, lost) {
        (0, 0) => Said::moot("no session with an id was opened, or none before the first fault"),
        (1..FEW, 0) => Said::too_little(format!("{opened} sessions with an id; {FEW} are needed")),
        (opened, 0) => Said::held(format!("{opened} sessions, of which none was gone")),
        (opened, lost) => {
            Said::unheld(format!("{lost} sessions were gone, of {opened} with an id"))
        }
    }
}
