//! What a user costs that holds its session and its connection: memory, and whether calls stay as
//! cheap as there are more users.
//!
//! The rate of calls is the same however many users there are: each thinks the longer. A call at a
//! low rate costs more than one in a closed loop, for it wakes a processor; so only figures of the
//! same rate say what users cost.

use std::thread::sleep;
use std::time::Duration;

use super::crowd::Crowd;
use super::target::{Order, Target};

/// Users, few first: squall with those is what squall takes without users, and what calls cost.
const USERS: [u32; 3] = [100, 1_000, 10_000];
/// How long what they use is looked at.
const HOLD: Duration = Duration::from_secs(10);

pub(crate) fn run() {
    println!("\n| users | kB a user | us CPU a call | to 100 users | calls a second |");
    println!("| ---: | ---: | ---: | ---: | ---: |");
    let mut few: Option<Held> = None;
    for users in USERS {
        let held = held(users);
        let (cost, rate) = (held.cost(), held.calls / HOLD.as_secs_f64());
        let (each, flat) = few.as_ref().map_or_else(
            || ("-".to_owned(), 1.0),
            |few| {
                let each = (held.kb - few.kb) / f64::from(users - few.users);
                (format!("{each:.1}"), cost / few.cost())
            },
        );
        println!("| {users} | {each} | {cost:.1} | {flat:.2} | {rate:.0} |");
        few.get_or_insert(held);
    }
}

/// What squall used while it held its users.
struct Held {
    users: u32,
    kb: f64,
    cpu_us: f64,
    calls: f64,
}

impl Held {
    fn cost(&self) -> f64 {
        self.cpu_us / self.calls
    }
}

fn held(users: u32) -> Held {
    let target = Target::serve(&[]);
    let crowd = Crowd {
        users,
        rate: 2_000,
        ramp: Duration::from_secs(10),
        settling: Duration::from_secs(6),
        hold: HOLD + Duration::from_secs(2),
    };
    let present = crowd.bring(Order::new("users.toml", &target));
    let (cpu_before, calls_before) = (present.cpu_us(), target.calls());
    sleep(HOLD);
    let held = Held {
        users,
        kb: present.kb(),
        cpu_us: present.cpu_us() - cpu_before,
        calls: (target.calls() - calls_before) as f64,
    };
    present.end();
    held
}
