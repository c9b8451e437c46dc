//! Rules that answers broke because a fault of the scenario changed their bytes, or took some: none of
//! them is the target's doing. Whose answer it is stays the target's, whatever else befell it.

use crate::model::event::Violation;
use crate::model::fault::{Effect, Fault, Network, Touched, What, Window};
use crate::model::outcome::Rule;

/// The faults of a scenario that spoil bytes.
#[derive(Debug)]
pub struct Spoilt {
    /// Those that change bytes, or take some.
    all: Touched,
    /// When bytes are changed: what is heard then is not told by connection alone.
    changing: Vec<Window>,
}

impl Spoilt {
    /// Of these faults and their windows.
    pub fn new(faults: &[Fault], windows: &[Window]) -> Self {
        let with = |is: fn(&Effect) -> bool| {
            let has = |fault: &Fault| match &fault.what {
                What::Network(Network::Lane(lane)) => lane.iter().any(|(_, effect)| is(effect)),
                _ => false,
            };
            let numbered = (0..).zip(faults).filter(|(_, fault)| has(fault));
            numbered.fold(Touched::default(), |all, (number, _)| all.and(Touched::by(number)))
        };
        let changing = with(|effect| matches!(effect, Effect::Corruption(_)));
        let taking = with(|effect| {
            matches!(effect, Effect::Limit { .. } | Effect::EndAfter(..) | Effect::Discard(_))
        });
        let is_changing = |window: &&Window| changing.has(window.fault);
        Self {
            all: changing.and(taking),
            changing: windows.iter().filter(is_changing).copied().collect(),
        }
    }

    /// Whether a fault is why the rule was broken.
    pub fn explains(&self, violation: &Violation) -> bool {
        let is_whose = matches!(
            violation.rule,
            Rule::OtherCallsAnswer | Rule::OtherSessionsAnswer | Rule::OtherUsersAnswer
        );
        let is_met = Touched(violation.touched.0 & self.all.0).is_any();
        let in_window = || self.changing.iter().any(|window| window.is_open(violation.at));
        !is_whose && violation.user.is_some() && (is_met || in_window())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::distribution::Distribution;
    use crate::model::fault::{Direction, Scope, When, windows};
    use crate::model::operation::Operation;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fault(effect: Effect) -> Fault {
        let when = When { at: s(5), lasts: Some(s(5)), every: None, repeat: None };
        let what = What::Network(Network::Lane(vec![(Direction::Downstream, effect)]));
        let scope = Scope::default();
        Fault { name: String::new(), kind: "", when, share: 1.0, scope, what }
    }

    #[test]
    fn what_a_fault_changed_or_took_is_none_of_the_targets() {
        let late = Effect::Latency(Distribution::constant(s(1)));
        let faults = [fault(late), fault(Effect::Corruption(0.1)), fault(Effect::Discard(9))];
        let spoilt = Spoilt::new(&faults, &windows(&faults, s(60)));
        let explains = |rule, at, touched| {
            let (user, operation, evidence) = (Some(0), Operation::ToolsCall, String::new());
            spoilt.explains(&Violation { rule, at, user, operation, evidence, touched })
        };
        let none = Touched::default();
        assert!(explains(Rule::NotJson, s(11), Touched::by(1)), "it came after the window");
        assert!(explains(Rule::NotJson, s(6), none), "bytes are changed then");
        assert!(explains(Rule::NotJson, s(11), Touched::by(2)));
        assert!(!explains(Rule::NotJson, s(11), none));
        assert!(!explains(Rule::SecondAnswer, s(11), Touched::by(0)), "late is not changed");
        assert!(!explains(Rule::OtherUsersAnswer, s(6), Touched::by(1)));
    }
}
