//! Which tools' answers told whose they are. An answer in the wrong hands is a rule of the
//! protocol's (`other-users-answer` and its like); here is of which nobody can tell.

use crate::model::event::{Call, Echo};
use crate::model::outcome::{Class, Rule};

/// How many answers of each tool told whose they are.
#[derive(Debug)]
pub(super) struct Isolation {
    tools: Vec<Tool>,
    /// Answers that were another call's.
    crossed: u64,
}

#[derive(Debug)]
struct Tool {
    name: String,
    answers: u64,
    /// Calls whose arguments had a place for a nonce.
    asked: u64,
    own: u64,
}

impl Isolation {
    pub(super) fn new(tools: &[String]) -> Self {
        let tool = |name: &String| Tool { name: name.clone(), answers: 0, asked: 0, own: 0 };
        Self { tools: tools.iter().map(tool).collect(), crossed: 0 }
    }

    pub(super) fn call(&mut self, call: &Call) {
        let tool = call.tool.and_then(|tool| self.tools.get_mut(usize::from(tool)));
        let Some(tool) = tool.filter(|_| call.outcome.class() == Class::Ok) else { return };
        tool.answers += 1;
        tool.asked += u64::from(call.echo != Echo::Unasked);
        tool.own += u64::from(call.echo == Echo::Own);
    }

    /// A rule was broken.
    pub(super) fn violation(&mut self, rule: Rule) {
        let is_crossed = matches!(
            rule,
            Rule::OtherCallsAnswer | Rule::OtherSessionsAnswer | Rule::OtherUsersAnswer
        );
        self.crossed += u64::from(is_crossed);
    }

    /// How many answers there were, of these told to be the call's own, and how many that were told
    /// to be another's.
    pub(super) fn told(&self) -> (u64, u64, u64) {
        let sum = |of: fn(&Tool) -> u64| self.tools.iter().map(of).sum();
        (sum(|tool| tool.answers), sum(|tool| tool.own), self.crossed)
    }

    /// A sentence for each tool of which nothing could be told.
    pub(super) fn unchecked(&self) -> Vec<String> {
        let silent = self.tools.iter().filter(|tool| tool.answers > 0 && tool.own == 0);
        let said = silent.map(|Tool { name, answers, asked, .. }| {
            let why = if *asked > 0 {
                "they do not echo what was asked"
            } else {
                "its arguments have no place for a nonce; write one with {nonce} under \
                 [tools.arguments], if it echoes something"
            };
            format!("not checked: whose answers {name} gives ({answers} of them): {why}")
        });
        said.collect()
    }
}
