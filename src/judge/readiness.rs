//! The readiness list: what reviewers of connectors, and Claude's clients, want of a server. Facts
//! in, a list of checks out.

mod authorization;
mod protocol;
mod tools;
mod transport;

use std::time::Duration;

use super::rule::Rule;
use crate::model::figure;
use crate::model::finding::BrokenRule;
use crate::model::outcome::Outcome;
use crate::model::probe::facts::{Answer, Facts, Tried};
use crate::model::probe::{Check, CheckResult};

pub use protocol::NEVER;

/// Hosted clients give up what takes longer.
const BUDGET: Duration = Duration::from_secs(10);
/// What refuses or answers without asking anybody takes no longer.
const AT_ONCE: Duration = Duration::from_secs(5);
/// An origin that no server can know.
pub const FOREIGN: &str = "https://squall.invalid";

/// One entry of the list.
struct Entry {
    rule: Rule,
    judge: fn(&Facts) -> Judged,
}

/// What a check came to, and why.
enum Judged {
    Passed(String),
    Failed(String),
    NotApplicable(String),
}

/// The list about these facts, in its order.
pub fn judge(facts: &Facts) -> Vec<Check> {
    entries().map(|entry| entry.check(facts)).collect()
}

/// The ids of all checks, in their order.
pub fn ids() -> impl Iterator<Item = &'static str> {
    entries().map(|entry| entry.rule.id)
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    let families = [transport::LIST, authorization::LIST, protocol::LIST, tools::LIST];
    families.into_iter().flatten()
}

impl Entry {
    fn check(&self, facts: &Facts) -> Check {
        let (result, why) = match (self.judge)(facts) {
            Judged::Passed(why) => (CheckResult::Passed, why),
            Judged::Failed(why) => (CheckResult::Failed, why),
            Judged::NotApplicable(why) => (CheckResult::NotApplicable, why),
        };
        let Rule { id, severity, title, text, source, provenance, what_to_do } = self.rule;
        let rule = BrokenRule { text: text.to_owned(), source: source.to_owned(), provenance };
        let what_to_do = (result == CheckResult::Failed).then_some(what_to_do);
        Check { id, severity, title, result, why, rule, what_to_do }
    }
}

/// Judges an answer; without one the attempt fails, or says nothing if it was not made.
fn of_answer(tried: &Tried, judge: impl FnOnce(&Answer) -> Judged) -> Judged {
    match tried {
        Tried::Not(why) => Judged::NotApplicable((*why).to_owned()),
        Tried::Answer(answer) => judge(answer),
        Tried::Nothing { .. } => Judged::Failed(said(tried)),
    }
}

/// The same, where a status of 500 and above, a redirect and a page for people have failed already.
fn of_sound_answer(tried: &Tried, judge: impl FnOnce(&Answer) -> Judged) -> Judged {
    of_answer(tried, |answer| match answer.status {
        500.. => Judged::Failed(said(tried)),
        _ if answer.is_redirect() => Judged::Failed(said(tried)),
        _ => judge(answer),
    })
}

/// What came of an attempt, in words.
fn said(tried: &Tried) -> String {
    match tried {
        Tried::Not(why) => (*why).to_owned(),
        Tried::Nothing { status: Some(status), after, .. } => {
            format!("HTTP {status}, and then no answer within {}", seconds(*after))
        }
        Tried::Nothing { outcome: Outcome::Timeout, after, .. } => {
            format!("no answer within {}", seconds(*after))
        }
        Tried::Nothing { .. } => "the connection ended without an answer".to_owned(),
        Tried::Answer(answer) => {
            let kind = match (&answer.rpc, answer.media.as_str()) {
                (Some(rpc), _) => match &rpc.body {
                    Ok(_) => " with a result".to_owned(),
                    Err((code, message)) => format!(" with JSON-RPC error {code} {message:?}"),
                },
                (None, "") => String::new(),
                (None, media) => format!(" with {media}"),
            };
            let to = answer.headers.get("location").filter(|_| answer.is_redirect());
            let to = to.map_or_else(String::new, |to| format!(" to {to}"));
            format!("HTTP {}{kind}{to}", answer.status)
        }
    }
}

/// A time as a person reads it.
fn seconds(time: Duration) -> String {
    figure::duration(time)
}

/// A few names, and how many more there are.
fn few<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 3;
    let names: Vec<_> = names.into_iter().collect();
    let some: Vec<_> = names.iter().take(MOST).map(|name| format!("{name:?}")).collect();
    let more = names.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", some.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::probe::facts::{Attempted, Link, Rpc};
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    #[test]
    fn every_check_has_a_name_of_its_own_and_says_what_helps() {
        let names: BTreeSet<_> = ids().collect();
        assert_eq!(names.len(), ids().count());
        for entry in entries() {
            let Rule { id, text, source, what_to_do, title, .. } = entry.rule;
            for (part, ends) in [(text, true), (what_to_do, true), (title, false)] {
                assert!(part.ends_with('.') == ends && !part.contains("  "), "{id}: {part}");
            }
            assert!(!source.is_empty(), "{id}");
        }
    }

    #[test]
    fn of_a_target_that_nobody_saw_nothing_is_said() {
        for check in judge(&Facts::default()) {
            assert_ne!(check.result, CheckResult::Passed, "{}: {}", check.id, check.why);
        }
    }

    /// What the check of this name says of facts.
    fn of(id: &str, facts: &Facts) -> CheckResult {
        judge(facts).into_iter().find(|check| check.id == id).unwrap().result
    }

    #[test]
    fn what_no_target_on_this_machine_can_fail_without_tls() {
        use CheckResult::{Failed, NotApplicable, Passed};
        for (link, days_left, https, certificate) in [
            (Link::Here, None, NotApplicable, NotApplicable),
            (Link::Plain, None, Failed, NotApplicable),
            (Link::Tls, Some(60), Passed, Passed),
            (Link::Tls, Some(14), Passed, Passed),
            (Link::Tls, Some(13), Passed, Failed),
            (Link::Tls, Some(-1), Passed, Failed),
        ] {
            let facts = Facts { link, days_left, ..Facts::default() };
            let found = (of("https", &facts), of("certificate", &facts));
            assert_eq!(found, (https, certificate), "{link:?} {days_left:?}");
        }
    }

    fn error(status: u16, code: i64) -> Tried {
        let body = Err((code, "no".to_owned()));
        let rpc = Some(Rpc { id: Value::Null, body });
        Tried::Answer(Box::new(Answer { status, rpc, ..Answer::default() }))
    }

    fn silent(outcome: Outcome, status: Option<u16>) -> Tried {
        Tried::Nothing { outcome, status, after: Duration::from_secs(10) }
    }

    #[test]
    fn servers_may_refuse_in_many_ways_and_break_in_none() {
        use CheckResult::{Failed, NotApplicable, Passed};
        for (tried, discover, method, code) in [
            (error(200, -32601), Passed, Passed, Passed),
            (error(404, -32601), Passed, Passed, Passed),
            (error(400, -32000), Passed, Passed, Failed),
            (error(500, -32603), Failed, Failed, Failed),
            (silent(Outcome::Timeout, None), Failed, Failed, NotApplicable),
            (silent(Outcome::Timeout, Some(200)), Failed, Failed, NotApplicable),
            (silent(Outcome::CutStream, None), Failed, Failed, NotApplicable),
            (Tried::Not("it is closed"), NotApplicable, NotApplicable, NotApplicable),
        ] {
            let attempts =
                [(Attempted::Anonymous, tried.clone()), (Attempted::UnknownMethod, tried.clone())];
            let facts = Facts { attempts: attempts.into(), ..Facts::default() };
            let found =
                ["discover", "unknown-method", "unknown-method-code"].map(|id| of(id, &facts));
            assert_eq!(found, [discover, method, code], "{tried:?}");
        }
    }

    #[test]
    fn an_id_comes_back_as_it_was_and_of_its_type() {
        for (asked, came, result) in [
            (json!("1"), json!("1"), CheckResult::Passed),
            (json!("1"), json!(1), CheckResult::Failed),
            (
                json!(9_007_199_254_740_991_i64),
                json!(9_007_199_254_740_992_i64),
                CheckResult::Failed,
            ),
            (json!(7), Value::Null, CheckResult::Failed),
        ] {
            let rpc = Some(Rpc { id: came, body: Ok(Value::Null) });
            let tried = Tried::Answer(Box::new(Answer { status: 200, rpc, ..Answer::default() }));
            let facts = Facts { ids: vec![(asked.clone(), tried)], ..Facts::default() };
            assert_eq!(of("id-echo", &facts), result, "{asked}");
        }
    }
}
