//! Which tools' answers told whose they are. An answer in the wrong hands is a rule of the
//! protocol's (`other-users-answer` and its like); here is of which nobody can tell.

use crate::model::event::{Call, Echo};
use crate::model::outcome::Class;

/// How many answers of each tool told whose they are.
#[derive(Debug)]
pub(super) struct Isolation {
    tools: Vec<Tool>,
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
        Self { tools: tools.iter().map(tool).collect() }
    }

    pub(super) fn call(&mut self, call: &Call) {
        let tool = call.tool.and_then(|tool| self.tools.get_mut(usize::from(tool)));
        let Some(tool) = tool.filter(|_| call.outcome.class() == Class::Ok) else { return };
        tool.answers += 1;
        tool.asked += u64::from(call.echo != Echo::Unasked);
        tool.own += u64::from(call.echo == Echo::Own);
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
