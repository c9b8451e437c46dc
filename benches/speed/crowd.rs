//! Users who come, stay and call at a rate, however many they are, while what squall uses for them
//! is looked at.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::measuring::{cpu_us, resident_kb};
use super::target::{Order, sound};

/// How many users, and when.
pub(crate) struct Crowd {
    pub(crate) users: u32,
    /// Calls a second, all users together.
    pub(crate) rate: u32,
    pub(crate) ramp: Duration,
    /// After the ramp, until every user has called at least once.
    pub(crate) settling: Duration,
    /// How long they stay after that.
    pub(crate) hold: Duration,
}

/// A squall with its crowd.
pub(crate) struct Present {
    child: Child,
    users: u32,
    /// Its report folder goes with it.
    _order: Order,
}

impl Crowd {
    /// Brings them; returns once all are there and have settled. The order's scenario is
    /// `users.toml`. Think times are exponential, so that calls come one by one: users who think
    /// equally long would go on calling in step, the fewer the more.
    pub(crate) fn bring(&self, order: Order) -> Present {
        let (ramp, stay) = (self.ramp.as_secs(), (self.settling + self.hold).as_secs());
        let users = self.users;
        let stages = format!(
            "[{{ over = \"{ramp}s\", to = {users} }}, {{ over = \"{stay}s\", to = {users} }}]"
        );
        let think = format!("\"exponential {}ms\"", users * 1000 / self.rate);
        let order = order.set("load.stages", &stages).set("load.steady.think", &think);
        let child = Command::new(&order.command[0])
            .args(&order.command[1..])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("squall run starts");
        sleep(self.ramp + self.settling);
        Present { child, users, _order: order }
    }
}

impl Present {
    /// Memory in use, in kB.
    pub(crate) fn kb(&self) -> f64 {
        resident_kb(self.child.id())
    }

    /// Processor time used so far, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        cpu_us(self.child.id())
    }

    /// Waits for the end; squall's summary, of a run in which every user came and every call was
    /// answered.
    pub(crate) fn end(self) -> serde_json::Value {
        let output = self.child.wait_with_output().expect("it ends");
        let summary = sound(&String::from_utf8_lossy(&output.stdout));
        assert_eq!(summary["users"], self.users, "{summary}");
        summary
    }
}
