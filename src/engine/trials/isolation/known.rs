//! How the answers of a tool are told apart: by the nonces that they echo, or by what each of several
//! arguments was answered twice while nobody else asked anything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Asking, Call, is_crossed, open, variation};
use crate::engine::trials::{Opened, Stand};
use crate::model::behaviour::{Ask, IsolationTrials};
use crate::model::nonce::Nonce;
use crate::model::trial::What;
use crate::model::trial::isolation::{Means, Trial};

/// So much of arguments is shown, in characters.
const SHOWN: usize = 120;
/// An argument is looked for so often among those that are alike.
const LOOKED_FOR: u32 = 4;

/// How a tool's answers are told apart.
pub(super) enum Known {
    /// They echo a nonce.
    Echo,
    /// By their prints.
    Prints(Prints),
}

/// What arguments are answered.
pub(super) struct Prints {
    variations: Vec<u64>,
    /// By user and variation.
    of: BTreeMap<(u32, u64), u64>,
}

/// Learns how a tool's answers are told apart, and tells that; nothing if they are not. With how long
/// one call alone took.
pub(super) async fn learn(
    knobs: &IsolationTrials,
    stand: &Stand<'_>,
    tool: u16,
) -> Option<(Known, Duration)> {
    let name = stand.first.common.tools[usize::from(tool)].name.clone();
    let tell = |client, means, tail| {
        stand.tell(client, What::Isolation(Trial::Learnt(name.clone(), means)), tail);
    };
    let opened = match open(stand, 0).await {
        Ok(opened) => opened,
        Err(tail) => {
            tell(stand.first, Means::Failing, tail);
            return None;
        }
    };
    let Opened { client, session } = &opened;
    let ask = Ask { tool, ..stand.ask() };
    let nonce = client.nonce_in(session, ask);
    let mut answer = client.answer_apart(session, (ask, nonce), knobs.patience).await;
    if answer.print.is_none() && !is_crossed(answer.tail.outcome) {
        // Once more: what failed may have been chance.
        answer = client.answer_apart(session, (ask, nonce), knobs.patience).await;
    }
    let (means, known) = if answer.is_own || is_crossed(answer.tail.outcome) {
        (Means::Echo, Some(Known::Echo))
    } else if answer.print.is_none() {
        (Means::Failing, None)
    } else {
        let (means, prints) = Prints::learn(knobs, stand, (tool, &opened)).await;
        (means, prints.map(Known::Prints))
    };
    tell(client, means, answer.tail);
    client.end_apart(session).await;
    let took = answer.tail.done.saturating_sub(answer.tail.sent);
    known.map(|known| (known, took))
}

impl Prints {
    async fn learn(
        knobs: &IsolationTrials,
        stand: &Stand<'_>,
        (tool, opened): (u16, &Opened),
    ) -> (Means, Option<Self>) {
        let mut prints = Self { variations: different(knobs, stand, tool), of: BTreeMap::new() };
        prints.look(knobs, stand, (tool, opened)).await;
        let stable = prints.of.len();
        if stable < 2 {
            return (Means::Changing, None);
        }
        prints.forget_alike();
        let known: BTreeSet<u64> = prints.of.keys().map(|(_, variation)| *variation).collect();
        prints.variations.retain(|variation| known.contains(variation));
        if known.len() < 2 {
            return (Means::Alike, None);
        }
        if knobs.has_users {
            for user in 1..knobs.users {
                if let Ok(opened) = open(stand, user).await {
                    prints.look(knobs, stand, (tool, &opened)).await;
                    opened.client.end_apart(&opened.session).await;
                }
            }
        }
        (Means::Prints(known.len()), Some(prints))
    }

    /// Asks each of the arguments twice; what is not answered the same twice is of no use.
    async fn look(
        &mut self,
        knobs: &IsolationTrials,
        stand: &Stand<'_>,
        (tool, opened): (u16, &Opened),
    ) {
        let Opened { client, session } = opened;
        let mut twice = [Vec::new(), Vec::new()];
        for round in &mut twice {
            for variation in &self.variations {
                let ask = Ask { tool, variation: *variation };
                let asked = (ask, nonce(stand, *variation));
                round.push(client.answer_apart(session, asked, knobs.patience).await.print);
            }
        }
        let [first, second] = twice;
        for ((variation, first), second) in self.variations.iter().zip(first).zip(second) {
            if let Some(print) = first.filter(|_| first == second) {
                self.of.insert((client.user, *variation), print);
            }
        }
    }

    /// What several arguments of one user are answered tells none of them.
    fn forget_alike(&mut self) {
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        for print in self.of.values() {
            *counts.entry(*print).or_default() += 1;
        }
        self.of.retain(|_, print| counts.get(print) == Some(&1));
    }

    /// The number of a question that no other user asks, where there are enough of them: what is
    /// answered tells the user, too.
    pub(super) fn of_user(&self, user: u32, users: u32, at: usize) -> usize {
        let (user, users) = (user as usize, users as usize);
        match self.variations.len() / users {
            0 => at,
            each => user * each + at / users % each,
        }
    }

    /// What the call of this number among those at once asks.
    pub(super) fn asked(&self, stand: &Stand<'_>, tool: u16, at: usize) -> (Ask, Nonce) {
        let variation = self.variations[at % self.variations.len()];
        (Ask { tool, variation }, nonce(stand, variation))
    }

    /// Whether this is what the user is answered who asks so.
    pub(super) fn is_own(&self, user: u32, ask: Ask, print: u64) -> bool {
        self.of.get(&(user, ask.variation)) == Some(&print)
    }

    /// Who asked what is answered so, if it is another question, and it is known what this one is
    /// answered.
    pub(super) fn whose(&self, user: u32, ask: Ask, print: u64) -> Option<(u32, u64)> {
        self.of.get(&(user, ask.variation))?;
        let mut all =
            self.of.iter().filter(|(at, known)| **known == print && at.1 != ask.variation);
        all.next().map(|(at, _)| *at)
    }

    /// Whether either question is still answered as it was learnt: else what the tool knows has
    /// changed, and nothing was exchanged.
    pub(super) async fn holds(
        &self,
        asking: &Asking<'_>,
        call: &Call<'_>,
        (user, variation): (u32, u64),
    ) -> bool {
        let Asking { knobs, stand, .. } = *asking;
        let mine = (call.seat.client.user, call.ask.variation);
        for (user, variation) in [mine, (user, variation)] {
            let Ok(opened) = open(stand, user - stand.first.user).await else { return false };
            let asked = (Ask { variation, ..call.ask }, nonce(stand, variation));
            let Opened { client, session } = &opened;
            let print = client.answer_apart(session, asked, knobs.patience).await.print;
            client.end_apart(session).await;
            if print.is_none() || print != self.of.get(&(user, variation)).copied() {
                return false;
            }
        }
        true
    }
}

/// That a user got what another question is answered, for a person.
pub(super) fn evidence(stand: &Stand<'_>, user: u32, mine: Ask, its: Ask) -> String {
    let shown = |ask: Ask| {
        let made = stand.first.arguments_of(ask, nonce(stand, ask.variation));
        String::from_utf8_lossy(&made).chars().take(SHOWN).collect::<String>()
    };
    format!("user {user} asked with {} and got what {} is answered", shown(mine), shown(its))
}

/// The same for whoever asks: arguments are to be answered the same each time.
fn nonce(stand: &Stand<'_>, variation: u64) -> Nonce {
    Nonce::new(stand.first.common.seed, stand.first.user, 0, variation)
}

/// Variations whose arguments differ.
fn different(knobs: &IsolationTrials, stand: &Stand<'_>, tool: u16) -> Vec<u64> {
    let (mut variations, mut seen) = (Vec::new(), BTreeSet::new());
    for number in 0..knobs.calls * LOOKED_FOR {
        let variation = variation(stand, number);
        // One nonce for all, so that it is no difference.
        let made = stand.first.arguments_of(Ask { tool, variation }, nonce(stand, 0));
        if variations.len() < knobs.calls as usize && seen.insert(made) {
            variations.push(variation);
        }
    }
    variations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_ask_tells_them_apart_where_there_is_enough() {
        let prints = |count: u64| Prints { variations: (0..count).collect(), of: BTreeMap::new() };
        let asked = |count, user| {
            let all = (0..12).filter(|at| at % 3 == user);
            let all = all.map(|at| prints(count).of_user(user as u32, 3, at) % count as usize);
            all.collect::<BTreeSet<_>>()
        };
        assert_eq!([0, 1, 2].map(|user| asked(8, user)), [0, 2, 4].map(|at| [at, at + 1].into()));
        assert_eq!([0, 1, 2].map(|user| asked(3, user)), [0, 1, 2].map(|at| [at].into()));
        assert_eq!(asked(2, 0), [0, 1].into(), "too few to go round");
    }

    #[test]
    fn a_print_is_known_by_whose_it_is_and_one_that_two_have_is_none() {
        let of = [((0, 1), 10), ((0, 2), 20), ((0, 3), 10), ((1, 2), 21)].into();
        let mut prints = Prints { variations: vec![1, 2, 3], of };
        prints.forget_alike();
        assert_eq!(prints.of.len(), 2);
        let ask = |variation| Ask { tool: 0, variation };
        assert!(prints.is_own(0, ask(2), 20) && !prints.is_own(0, ask(2), 21));
        prints.of.insert((0, 4), 40);
        assert_eq!(prints.whose(0, ask(2), 40), Some((0, 4)));
        assert_eq!(prints.whose(0, ask(2), 21), None, "the same question of another user");
        assert_eq!(prints.whose(0, ask(2), 99), None, "nobody's");
        assert_eq!(prints.whose(1, ask(4), 20), None, "its own is not known");
    }
}
