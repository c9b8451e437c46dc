//! `check-isolation`: whether each of many calls with one id got its own answer, and whether answers
//! have the ids of their requests. An answer in the wrong hands is a rule of the protocol's
//! (`other-users-answer` and its like).

use std::collections::BTreeMap;
use std::time::Duration;

use super::tail::how;
use crate::judge::rule::Rule;
use crate::judge::said::Said;
use crate::model::behaviour::IsolationTrials;
use crate::model::figure;
use crate::model::finding::{Provenance, Severity};
use crate::model::outcome::{Class, ConnectFailure, Outcome};
use crate::model::plan::invariant::Invariant;
use crate::model::trial::isolation::{Among, Means, Numbered, ORDINARY, Trial, Whose};
use crate::model::trial::{Tried, What};

/// Fewer answers of one kind that tell whose they are show nothing.
const LEAST: u64 = 8;
/// A server that answers faster than this may have answered one call before it looks at the next.
const FAST: Duration = Duration::from_millis(20);
/// Faster than this, it has: what comes over a socket takes as long to be read.
const MET: Duration = Duration::from_micros(100);

pub(super) const UNANSWERED: Rule = Rule {
    id: "same-id-unanswered",
    severity: Severity::High,
    title: "Calls with an id that another call had at the same time were never answered.",
    text: "Every request is answered, with a result or an error: one whose id is in flight already is \
           refused (400 or 409), or served beside the other.",
    source: "JSON-RPC 2.0, section 5; observed: python-sdk issues 3060 and 3137, typescript-sdk issue \
             2433; hosted clients send one id for all calls (claude-ai-mcp issue 539)",
    provenance: Provenance::Observed,
    what_to_do: "Keep what waits for an answer by connection and request, not by its id; or answer 409 \
                 to an id that is in flight in the same session.",
};
pub(super) const CHANGED: Rule = Rule {
    id: "ids-changed",
    severity: Severity::High,
    title: "Answers came with another id than their requests had.",
    text: "An answer has the id of its request: the same value, of the same JSON type.",
    source: "JSON-RPC 2.0, section 5; MCP 2025-11-25, basic, \"Responses\"",
    provenance: Provenance::Spec,
    what_to_do: "Keep ids as they came: 9007199254740991 is no float to be rounded, and \"1\" is not 1.",
};
pub(super) const REFUSED: Rule = Rule {
    id: "ids-refused",
    severity: Severity::High,
    title: "Requests were not served because of their ids.",
    text: "An id is any string or integer, 0 and the empty string among them.",
    source: "JSON-RPC 2.0, section 4; MCP 2025-11-25, basic, \"Requests\"; observed: 0 taken for no id \
             (radare2-mcp issue 68)",
    provenance: Provenance::Spec,
    what_to_do: "Tell an id that is absent from one that is 0 or empty, and take strings and integers.",
};
pub(super) const REUSED: Rule = Rule {
    id: "reused-id-refused",
    severity: Severity::High,
    title: "A call whose id had been used before was refused, though that call was over.",
    text: "The specification forbids clients to use an id twice in a session. Hosted clients do it in \
           every session, so that a server that refuses it serves them one call.",
    source: "observed: turbomcp issue 25; claude-ai-mcp issue 539 (one id for all calls)",
    provenance: Provenance::Observed,
    what_to_do: "Forget an id when its answer is out; refuse it at most while the first call is in \
                 flight.",
};

/// What happens once may be chance.
const MORE_THAN_ONCE: u64 = 2;

/// What was seen.
#[derive(Debug)]
pub(super) struct Isolation {
    has_users: bool,
    /// With how long one call alone took.
    tools: Vec<(String, Means, Duration)>,
    together: BTreeMap<Among, Seen>,
    numbered: Vec<(Numbered, Outcome, Option<u16>)>,
}

/// Calls at once of one kind.
#[derive(Debug, Default)]
struct Seen {
    own: u64,
    other: u64,
    refused: u64,
    unanswered: u64,
    /// Nothing came that says anything.
    untold: u64,
}

impl Seen {
    fn add(&mut self, whose: Whose, outcome: Outcome) {
        let count = match (whose, outcome.class()) {
            (Whose::Own, _) => &mut self.own,
            (Whose::Other, _) => &mut self.other,
            (_, Class::Timeout | Class::CutStream) => &mut self.unanswered,
            _ if outcome == Outcome::Connect(ConnectFailure::Closed) => &mut self.unanswered,
            (_, Class::SessionLost | Class::Status | Class::RpcError) => &mut self.refused,
            _ => &mut self.untold,
        };
        *count += 1;
    }

    fn told(&self) -> u64 {
        self.own + self.other
    }

    fn all(&self) -> u64 {
        self.told() + self.refused + self.unanswered + self.untold
    }
}

impl Isolation {
    pub(super) fn new(knobs: &IsolationTrials) -> Self {
        let (tools, together, numbered) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self { has_users: knobs.has_users, tools, together, numbered }
    }

    pub(super) fn add(&mut self, tried: &Tried) {
        let What::Isolation(trial) = &tried.what else { return };
        match trial {
            Trial::Learnt(tool, means) => self.tools.push((tool.clone(), *means, tried.took())),
            Trial::Together(among, whose) => {
                self.together.entry(*among).or_default().add(*whose, tried.outcome);
            }
            Trial::Numbered(numbered) => {
                self.numbered.push((numbered.clone(), tried.outcome, tried.status));
            }
        }
    }

    pub(super) fn said(&self, invariant: Invariant) -> Said {
        match invariant {
            Invariant::IdFidelity => self.ids(),
            Invariant::Delivery => self.delivery(),
            _ => self.isolation(),
        }
    }

    fn isolation(&self) -> Said {
        let told: u64 = self.together.values().map(Seen::told).sum();
        let other: u64 = self.together.values().map(|seen| seen.other).sum();
        let parts = self.together.iter().map(|(among, seen)| {
            let crossed = match seen.other {
                0 => String::new(),
                other => format!(", {other} of them not the call's own"),
            };
            let refused = match seen.refused {
                0 => String::new(),
                refused => format!(", {refused} calls refused"),
            };
            format!("{}: {} told{crossed}{refused}", name(*among), seen.told())
        });
        let mut parts: Vec<String> = parts.collect();
        if self.has_one_stream() {
            parts.push("in one session: not tried, as its answers come by their ids".to_owned());
        }
        if !self.has_users {
            parts.push("of several users: nothing tells users apart here".to_owned());
        }
        parts.extend(self.tools.iter().filter_map(|(tool, means, took)| {
            let is_fast = other == 0 && *took < FAST;
            untold(tool, *means).or_else(|| is_fast.then(|| fast(tool, *took)))
        }));
        let value = parts.join("; ");
        if other > 0 {
            // The finding is the protocol's own.
            return Said {
                held: Some(false),
                ..Said::held(format!(
                    "{other} of {told} answers that tell whose they are were another call's ({value})"
                ))
            };
        }
        match self.too_few().or_else(|| self.too_fast()) {
            Some(few) => Said::too_little(format!("{few} ({value})")),
            None => Said::held(format!("{told} answers told whose they are ({value})")),
        }
    }

    /// Whether calls of one session were left out, as their answers come by their ids.
    fn has_one_stream(&self) -> bool {
        !self.together.is_empty() && !self.together.contains_key(&Among::Session)
    }

    /// Why calls at once were hardly under way at once.
    fn too_fast(&self) -> Option<String> {
        let telling = self.tools.iter().filter(|(tool, means, _)| untold(tool, *means).is_none());
        let slowest = telling.map(|(_, _, took)| *took).max()?;
        (slowest < MET).then(|| {
            format!(
                "every call was answered within {}, before the next one came: allow a tool that takes \
                 some milliseconds and echoes what it is asked",
                figure::duration(slowest)
            )
        })
    }

    /// Of which kind of calls too few answers told whose they are.
    fn too_few(&self) -> Option<String> {
        let needed = [Among::Sessions, Among::Users];
        let needed = needed.into_iter().filter(|among| *among != Among::Users || self.has_users);
        let in_one = self.together.get(&Among::Session);
        let in_one = in_one.filter(|seen| seen.told() + seen.refused + seen.unanswered < LEAST);
        let mut few = in_one.map(|seen| (Among::Session, seen.told()));
        for among in needed {
            let told = self.together.get(&among).map_or(0, Seen::told);
            few = few.or((told < LEAST).then_some((among, told)));
        }
        let (among, told) = few?;
        let kind = name(among);
        Some(format!("{told} answers to calls {kind} told whose they are; {LEAST} are needed"))
    }

    fn delivery(&self) -> Said {
        let (apart, alike): (Vec<_>, Vec<_>) =
            self.together.iter().partition(|(among, _)| **among == Among::Apart);
        let all: u64 = alike.iter().map(|(_, seen)| seen.all()).sum();
        let unanswered: u64 = alike.iter().map(|(_, seen)| seen.unanswered).sum();
        let apart: u64 = apart.iter().map(|(_, seen)| seen.unanswered).sum();
        if apart > 0 {
            return Said::too_little(format!(
                "{apart} calls at once were never answered though each had an id of its own: it is not \
                 the ids"
            ));
        }
        let all = all - alike.iter().map(|(_, seen)| seen.untold).sum::<u64>();
        if all < LEAST {
            return Said::too_little(format!("{all} calls at once; {LEAST} are needed"));
        }
        if unanswered == 0 {
            return Said::held(format!("{all} calls at once with one id were answered"));
        }
        if unanswered < MORE_THAN_ONCE {
            let value = format!("{unanswered} of {all} calls at once was never answered");
            return Said::too_little(format!("{value}; {MORE_THAN_ONCE} would be no chance"));
        }
        let parts = self.together.iter().filter(|(_, seen)| seen.unanswered > 0);
        let parts = parts.map(|(among, seen)| {
            format!("{}: {} of {}", name(*among), seen.unanswered, seen.all())
        });
        let parts: Vec<String> = parts.collect();
        Said::broken(&UNANSWERED, unanswered, format!("never answered {}", parts.join("; ")))
    }

    fn ids(&self) -> Said {
        let Some((_, control, status)) = self.numbered.first() else {
            if self.has_one_stream() {
                return Said::moot("no answer comes to its own request here");
            }
            return Said::too_little("no call with an id of its own was made");
        };
        if !matches!(control.class(), Class::Ok | Class::ToolError) {
            let how = how((*control, *status));
            let value = format!("a call with the id {ORDINARY} was not served ({how})");
            return Said::too_little(value);
        }
        let (mut changed, mut refused, mut reused) = (Vec::new(), Vec::new(), Vec::new());
        let mut sound = Vec::new();
        let serves_again = self
            .numbered
            .iter()
            .any(|(numbered, outcome, _)| numbered.again && *outcome == Outcome::Ok);
        for (Numbered { id, again, answer }, outcome, status) in &self.numbered {
            let is_void = matches!(
                outcome.class(),
                Class::Connect | Class::Throttled | Class::Unauthorised | Class::NeverSent
            );
            match answer {
                Some(other) if other != id => changed.push(format!("{id} came back as {other}")),
                _ if *outcome == Outcome::Ok => sound.push((*id).to_owned()),
                _ if is_void => {}
                // It was the use before that did it, unless nothing else speaks for that.
                _ if *again && (sound.iter().any(|served| served == id) || !serves_again) => {
                    reused.push(format!("{id}: {}", how((*outcome, *status))));
                }
                _ => refused.push(format!("{id}: {}", how((*outcome, *status)))),
            }
        }
        let count = |all: &[String]| all.len() as u64;
        let mut said = Said::held(format!("served with its own id: {}", sound.join(", ")));
        for (rule, seen) in [(&CHANGED, changed), (&REFUSED, refused), (&REUSED, reused)] {
            if !seen.is_empty() {
                said = said.and_broken(rule, count(&seen), seen.join(", "));
            }
        }
        match said.held {
            Some(true) if sound.len() < self.numbered.len() => {
                Said::too_little(format!("{}; the others were not answered", said.value))
            }
            _ => said,
        }
    }
}

const fn name(among: Among) -> &'static str {
    match among {
        Among::Apart => "in one session, with ids of their own",
        Among::Session => "in one session",
        Among::Sessions => "in several sessions",
        Among::Users => "of several users",
    }
}

/// That a tool may be too fast for its calls to be under way at once.
fn fast(tool: &str, took: Duration) -> String {
    let took = figure::duration(took);
    format!("{tool} answers within {took}: its calls hardly meet, and a slower tool shows more")
}

/// Why a tool's answers are not told apart, if they are not.
fn untold(tool: &str, means: Means) -> Option<String> {
    let why = match means {
        Means::Echo | Means::Prints(_) => return None,
        Means::Changing => "says nothing of what was asked, and the same is answered differently",
        Means::Alike => "says nothing of what was asked, and all is answered the same",
        Means::Failing => "does not answer well",
    };
    Some(format!("not checked: {tool}, which {why}"))
}
