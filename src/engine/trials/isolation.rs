//! `check-isolation`: calls at once that have one id, in one session, in several and of several users;
//! and calls with ids that are rare.

mod ids;
mod known;

use futures_util::future::join_all;

use self::known::Known;
use super::{Opened, Stand};
use crate::engine::client::{Answer, Tail};
use crate::model::behaviour::{Ask, IsolationTrials};
use crate::model::chance::Purpose;
use crate::model::nonce::Nonce;
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::model::trial::What;
use crate::model::trial::isolation::{Among, Trial, Whose};

/// The id of the first calls at once; the next ones have the next one.
const FIRST: u32 = 7_001;
/// The id of the first of those that have one each.
const APART: u32 = 1_001;
/// So many times longer than one after another may calls at once take.
const SLOWER: u32 = 2;

pub(super) async fn play(knobs: &IsolationTrials, stand: &Stand<'_>) {
    let mut ids = FIRST..;
    let offered = u32::from(stand.first.common.tool_count());
    for tool in 0..offered.min(knobs.tools) {
        let Ok(tool) = u16::try_from(tool) else { return };
        let Some((known, took)) = known::learn(knobs, stand, tool).await else { continue };
        // Who serves one call after another takes so long for all of them, and that is no hanging.
        let patience = knobs.patience.max(took * knobs.calls * SLOWER);
        let knobs = &IsolationTrials { patience, ..*knobs };
        for among in [Among::Apart, Among::Session, Among::Sessions, Among::Users] {
            if among == Among::Users && !knobs.has_users {
                continue;
            }
            let seats = seats(knobs, stand, among).await;
            let is_one = seats.iter().any(has_one_stream);
            if among == Among::Apart {
                let id = APART + u32::from(tool) * knobs.calls;
                let asking = Asking { knobs, stand, among, known: &known, tool };
                if !is_one {
                    asking.together(&seats, id).await;
                }
            } else if among == Among::Session && is_one {
                let said = "all answers of a session come on one stream, by their ids".to_owned();
                let what_to_do = "nothing: no client can use an id twice there";
                stand.untried(Operation::ToolsCall, said, what_to_do);
            } else {
                for id in ids.by_ref().take(knobs.rounds as usize) {
                    let asking = Asking { knobs, stand, among, known: &known, tool };
                    asking.together(&seats, id).await;
                }
            }
            for Opened { client, session } in &seats {
                client.end_apart(session).await;
            }
        }
    }
    ids::play(knobs, stand).await;
}

fn has_one_stream(opened: &Opened) -> bool {
    opened.session.footing.mailbox().is_some()
}

/// Sessions from which calls come at once.
async fn seats(knobs: &IsolationTrials, stand: &Stand<'_>, among: Among) -> Vec<Opened> {
    let users = match among {
        Among::Apart | Among::Session => vec![0],
        Among::Sessions => vec![0; knobs.calls as usize],
        Among::Users => (0..knobs.calls.max(knobs.users)).map(|at| at % knobs.users).collect(),
    };
    let mut seats = Vec::new();
    for user in users {
        match open(stand, user).await {
            Ok(seat) => seats.push(seat),
            Err(tail) => {
                let how = tail.outcome.class().name();
                let said = format!("user {user} could not open a session ({how})");
                let what_to_do = "a grant for each of load.isolation.users";
                stand.untried(Operation::Initialize, said, what_to_do);
            }
        }
    }
    seats
}

/// A session of this user's, by a client of its own.
async fn open(stand: &Stand<'_>, user: u32) -> Result<Opened, Tail> {
    let client = stand.client(user, user);
    let (tail, session) = client.open_apart().await;
    session.map(|session| Opened { client, session }).ok_or(tail)
}

/// How calls are made at once.
struct Asking<'a> {
    knobs: &'a IsolationTrials,
    stand: &'a Stand<'a>,
    among: Among,
    known: &'a Known,
    tool: u16,
}

/// One of several calls.
struct Call<'a> {
    seat: &'a Opened,
    ask: Ask,
    nonce: Nonce,
}

impl Asking<'_> {
    /// So many calls at once, all with this id.
    async fn together(&self, seats: &[Opened], id: u32) {
        let calls: Vec<Call<'_>> = match (self.among, seats) {
            (Among::Apart | Among::Session, [seat, ..]) => {
                (0..self.knobs.calls as usize).map(|at| self.call(seat, at)).collect()
            }
            _ => seats.iter().enumerate().map(|(at, seat)| self.call(seat, at)).collect(),
        };
        let answers = join_all(calls.iter().zip(0..).map(|(call, at)| async move {
            let Call { seat: Opened { client, session }, ask, nonce } = call;
            let own = if self.among == Among::Apart { id + at } else { id };
            let session = session.numbered(own);
            client.answer_apart(&session, (*ask, *nonce), self.knobs.patience).await
        }));
        for (call, answer) in calls.iter().zip(answers.await) {
            self.tell(call, &calls, answer).await;
        }
    }

    fn call<'s>(&self, seat: &'s Opened, at: usize) -> Call<'s> {
        match self.known {
            Known::Echo => {
                let ask = Ask { tool: self.tool, ..self.stand.ask() };
                Call { seat, ask, nonce: seat.client.nonce_in(&seat.session, ask) }
            }
            Known::Prints(prints) => {
                let user = match self.among {
                    Among::Apart | Among::Session | Among::Sessions => None,
                    Among::Users => Some(seat.client.user - self.stand.first.user),
                };
                let at = user.map_or(at, |user| prints.of_user(user, self.knobs.users, at));
                let (ask, nonce) = prints.asked(self.stand, self.tool, at);
                Call { seat, ask, nonce }
            }
        }
    }

    async fn tell(&self, call: &Call<'_>, calls: &[Call<'_>], answer: Answer) {
        let client = &call.seat.client;
        let mut tail = answer.tail;
        let mut whose = match tail.outcome {
            outcome if is_crossed(outcome) => Whose::Other,
            _ if answer.is_own => Whose::Own,
            _ => Whose::Untold,
        };
        if let (Known::Prints(prints), Some(print)) = (self.known, answer.print) {
            if prints.is_own(client.user, call.ask, print) {
                whose = Whose::Own;
            } else if let Some((user, variation)) = prints.whose(client.user, call.ask, print)
                && prints.holds(self, call, (user, variation)).await
            {
                let rule = self.rule(call, calls, variation);
                let (mine, its) = (call.ask, Ask { variation, ..call.ask });
                client.tell_crossed(rule, known::evidence(self.stand, client.user, mine, its));
                tail.outcome = Outcome::Violation(rule);
                whose = Whose::Other;
            }
        }
        self.stand.tell(client, What::Isolation(Trial::Together(self.among, whose)), tail);
    }

    /// The rule that is broken where a call got what this other variation is answered.
    fn rule(&self, call: &Call<'_>, calls: &[Call<'_>], variation: u64) -> Rule {
        let asked = calls.iter().filter(|other| other.ask.variation == variation);
        let mut users = asked.map(|other| other.seat.client.user);
        match self.among {
            Among::Apart | Among::Session => Rule::OtherCallsAnswer,
            Among::Sessions => Rule::OtherSessionsAnswer,
            Among::Users if users.any(|user| user == call.seat.client.user) => {
                Rule::OtherSessionsAnswer
            }
            Among::Users => Rule::OtherUsersAnswer,
        }
    }
}

const fn is_crossed(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Violation(
            Rule::OtherCallsAnswer | Rule::OtherSessionsAnswer | Rule::OtherUsersAnswer
        )
    )
}

/// A variation of arguments that no other number gives.
fn variation(stand: &Stand<'_>, number: u32) -> u64 {
    stand.key.of_subagent(number).draw(Purpose::Variation).bits()
}
