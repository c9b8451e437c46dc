//! Servers that we did not write, and clients that do them wrong: what comes after is as before.

use super::{no_violation, receipts, together};
use crate::peer::{Kind, Peer};
use crate::squall::Place;

/// Five users with four calls each, one after the other.
const SCENARIO: &str = "name = 'mischief'\nseed = 7\n[target]\nurl = 'practice'\n\
    transport = 'streamable-http'\nprotocol = '2025-11-25'\n[clients]\nprofile = 'plain'\n\
    [load]\nbehaviour = 'steady'\nsteady = { calls = 4, think = '0s' }\nfrom = '5/s'\n\
    stages = [{ over = '1s', to = '5/s' }]\ndrain = '60s'\n[tools]\nallow = ['echo']\n";

/// Twenty answers are cut in the middle, by a reset and by a close; then a fresh session works.
#[test]
fn twenty_cut_answers_leave_a_server_that_works() {
    let kinds = [
        Kind::PythonV1("stateful"),
        Kind::PythonV2("stateful"),
        Kind::TypescriptV2("stateful"),
        Kind::TypescriptV2("handler"),
        Kind::Everything("streamableHttp"),
        Kind::Rmcp("stateful"),
    ];
    together(&kinds, |kind| {
        let peer = Peer::start(kind);
        let mut seen = 0;
        for (parting, outcome) in
            [("reset", "cut_stream"), ("", "ok"), ("close", "cut_stream"), ("", "ok")]
        {
            let fault = format!(
                "[[fault]]\nkind = 'cut-stream'\nat = '0s'\nparting = '{parting}'\n\
                 match.operation = 'tools/call'\n"
            );
            let fault = if parting.is_empty() { "" } else { fault.as_str() };
            let place = Place::new();
            place.file("mischief.toml", &format!("{SCENARIO}{fault}"));
            let order = place.run_file("mischief.toml", "report").target(&peer.url());
            let report = order.patient().go().report();
            assert_eq!(report.outcomes(), [outcome], "{kind:?} {parting}");
            assert_eq!(report.count("/summary/calls"), 20, "{kind:?} {parting}");
            no_violation(&report);
            seen += receipts(&peer, seen, &report).len();
        }
    });
}
