//! `chat`: one turn of a conversation. One agent thinks, calls, thinks, calls, and writes.

use crate::model::chance::{Key, Purpose};
use crate::model::outcome::Class;

use super::caller::Caller;
use super::{Chat, Step, hurried};

#[derive(Debug)]
pub(super) struct Machine {
    chat: Chat,
    caller: Caller,
    key: Key,
    speed: f64,
    left: u32,
    next: Next,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Think,
    Call,
    End,
}

impl Machine {
    pub(super) fn new(chat: &Chat, key: Key, tools: u16, speed: f64) -> Self {
        let (fewest, most) = chat.calls;
        let left = key.draw(Purpose::Calls).between(fewest.into(), most.into()) as u32;
        let caller = Caller::new(key, chat.reaction, tools);
        Self { chat: chat.clone(), caller, key, speed, left, next: Next::Think }
    }

    pub(super) fn next(&mut self, outcomes: &[Class]) -> Step {
        self.caller.hear(outcomes);
        match self.next {
            Next::Think => self.think(),
            Next::Call => {
                self.next = Next::Think;
                Step::Burst(self.call())
            }
            Next::End => Step::End,
        }
    }

    /// Thinks before the next call, or writes the answer when there is none.
    fn think(&mut self) -> Step {
        let wants = self.left > 0 || self.caller.owes() > 0;
        let (think, key, purpose) = if wants && !self.caller.is_stuck() {
            self.next = Next::Call;
            (self.chat.think, self.caller.key(), Purpose::Think)
        } else {
            self.next = Next::End;
            (self.chat.answer, self.key, Purpose::Synthesis)
        };
        Step::Think(hurried(think.draw(&mut key.draw(purpose)), self.speed))
    }

    /// One call at a time: a failed one is made good before the next planned one.
    fn call(&mut self) -> Vec<super::Ask> {
        if self.caller.owes() > 0 {
            return self.caller.burst(0, 1);
        }
        self.left -= 1;
        self.caller.burst(1, 0)
    }
}
