//! What a user costs that holds its session and its connection: memory, and whether calls stay as
//! cheap as there are more users.
//!
//! The rate of calls is the same however many users there are: each thinks the longer. A call at a
//! low rate costs more than one in a closed loop, for it wakes a processor; so only figures of the
//! same rate say what users cost. Think times are exponential, so that calls come one by one: users
//! who think equally long would go on calling in step, the fewer the more.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::measuring::{cpu_us, resident_kb};
use super::target::{Order, Target, sound};

/// Users, few first: squall with those is what squall takes without users, and what calls cost.
const USERS: [u32; 3] = [100, 1_000, 10_000];
/// Calls a second, all users together.
const RATE: u32 = 2_000;
const RAMP: Duration = Duration::from_secs(10);
/// After the ramp, until the figures are taken: every user has called at least once.
const SETTLING: Duration = Duration::from_secs(6);
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
    let stay = SETTLING + HOLD + Duration::from_secs(2);
    let stages = format!(
        "[{{ over = \"{}s\", to = {users} }}, {{ over = \"{}s\", to = {users} }}]",
        RAMP.as_secs(),
        stay.as_secs()
    );
    let think = format!("\"exponential {}ms\"", users * 1000 / RATE);
    let order = Order::new("users.toml", &target).set("load.stages", &stages);
    let order = order.set("load.steady.think", &think);
    let child = Command::new(&order.command[0])
        .args(&order.command[1..])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("squall run starts");
    sleep(RAMP + SETTLING);
    let (cpu_before, calls_before) = (cpu_us(child.id()), target.calls());
    sleep(HOLD);
    let held = Held {
        users,
        kb: resident_kb(child.id()),
        cpu_us: cpu_us(child.id()) - cpu_before,
        calls: (target.calls() - calls_before) as f64,
    };
    let output = child.wait_with_output().expect("it ends");
    let summary = sound(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(summary["users"], users, "{summary}");
    held
}
