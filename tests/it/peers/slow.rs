//! Clients that do not read what they asked for, and others beside them: those are served.

use std::thread;
use std::time::{Duration, Instant};

use crate::peer::{Kind, Peer};
use crate::squall::{Order, Place};
use crate::storm::adds_up;

use super::{no_violation, together};

const READERS: usize = 20;

/// Users who come within a second, each with so many calls that are answered with what they ask.
fn load<'a>(place: &'a Place, peer: &Peer, (users, calls, size): (usize, u32, usize)) -> Order<'a> {
    let message = "x".repeat(size);
    let text = format!(
        "name = 'slow'\nseed = 7\n[target]\nurl = 'practice'\ntransport = 'streamable-http'\n\
         protocol = '2025-11-25'\n[clients]\nprofile = 'plain'\noverride = {{ stream_share = 0.0 }}\n\
         [load]\nbehaviour = 'steady'\nsteady = {{ calls = {calls}, think = '0s' }}\n\
         from = '{users}/s'\nstages = [{{ over = '1s', to = '{users}/s' }}]\ndrain = '10m'\n\
         [tools]\nallow = ['echo']\n[tools.arguments]\necho = [{{ message = '{message}' }}]\n"
    );
    place.file("slow.toml", &text);
    place.run_file("slow.toml", "report").target(&peer.url()).patient()
}

/// Five others are served.
fn served(peer: &Peer) {
    let place = Place::new();
    let report = load(&place, peer, (5, 10, 10)).go().exits(0).report();
    adds_up(&report);
    no_violation(&report);
    assert_eq!(report.count("/summary/outcomes/ok"), 50, "{:?}", peer.kind());
}

#[test]
fn who_does_not_read_keeps_nobody_waiting() {
    let kinds = [
        Kind::PythonV1("stateful"),
        Kind::PythonV2("stateful"),
        Kind::TypescriptV2("stateful"),
        Kind::Everything("streamableHttp"),
        Kind::Rmcp("stateful"),
    ];
    together(&kinds, |kind| {
        let (peer, place) = (Peer::start(kind), Place::new());
        // As much as a server of Express takes; nothing of the answers is ever read.
        let order = load(&place, &peer, (READERS, 1, 90_000)).set(
            "fault",
            "[{ kind = 'slow-read', at = '0s', rate = '0B/s', match = { operation = 'tools/call' } }]",
        );
        let mut slow = order.set("clients.override.call_timeout", "'10m'").start();
        let answered = || {
            let log = peer.access_log_so_far();
            log.iter().filter(|line| *line == "POST /mcp tools/call 200").count()
        };
        let until = Instant::now() + Duration::from_secs(90);
        while answered() < READERS {
            assert!(Instant::now() < until, "{kind:?}: {} answers have begun", answered());
            thread::sleep(Duration::from_millis(20));
        }
        served(&peer);
        // A person has seen enough of it: those calls are still not read.
        slow.interrupt();
        slow.until("once more to report now");
        slow.interrupt();
        let report = slow.end().exits(130).report();
        adds_up(&report);
        no_violation(&report);
        assert_eq!(report.count("/summary/outcomes/unfinished"), READERS as u64, "{kind:?}");
        assert_eq!(report.count("/faults/0/met"), READERS as u64, "{kind:?}");
        served(&peer);
    });
}
