//! `steady`: calls one after another with a pause between them, whatever comes back.
//!
//! The pause is the pace of a steady user, not the thinking of a model: `speed` leaves it alone.

use crate::model::chance::{Key, Purpose};
use crate::model::distribution::Distribution;

use super::caller::Caller;
use super::{Reaction, Steady, Step};

#[derive(Debug)]
pub(super) struct Machine {
    caller: Caller,
    think: Distribution,
    left: u32,
    pauses: bool,
}

/// Never asked: the machine does not listen, so that nothing disturbs its pace.
const NO_REACTION: Reaction =
    Reaction { retry: 0.0, rephrase: 0.0, circuit_after: u32::MAX, circuit: 0.0 };

impl Machine {
    pub(super) const fn new(steady: &Steady, key: Key, tools: u16) -> Self {
        let left = if tools == 0 { 0 } else { steady.calls };
        let caller = Caller::new(key, NO_REACTION, tools);
        Self { caller, think: steady.think, left, pauses: false }
    }

    /// A pause of nothing is no step: a closed loop without think time costs one step a call.
    pub(super) fn next(&mut self) -> Step {
        if self.left == 0 {
            return Step::End;
        }
        if std::mem::take(&mut self.pauses) {
            let pause = self.think.draw(&mut self.caller.key().draw(Purpose::Think));
            if !pause.is_zero() {
                return Step::Think(pause);
            }
        }
        self.pauses = true;
        self.left -= 1;
        Step::Burst(self.caller.burst(1, 0))
    }
}
