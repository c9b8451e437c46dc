//! Servers that we did not write, and clients that do them wrong: what comes after is as before.

use std::thread;

use super::{counted, no_violation, receipts};
use crate::peer::{Kind, Peer};
use crate::squall::Place;

/// Five users with four calls each, one after the other.
const SCENARIO: &str = "name = 'mischief'\nseed = 7\n[target]\nurl = 'practice'\n\
    transport = 'streamable-http'\nprotocol = '2025-11-25'\n[clients]\nprofile = 'plain'\n\
    [load]\nbehaviour = 'steady'\nsteady = { calls = 4, think = '0s' }\nfrom = '5/s'\n\
    stages = [{ over = '1s', to = '5/s' }]\ndrain = '60s'\n[tools]\nallow = ['echo']\n";

/// Twenty answers are cut in the middle, by a reset and by a close; then a fresh session works.
/// A client that does not take up streams has lost these calls for good; server-everything alone
/// gives what is asked for behind an event of it, and so loses none.
#[test]
fn twenty_cut_answers_leave_a_server_that_works() {
    let rows = [
        (Kind::PythonV1("stateful"), "2", "cut_stream"),
        (Kind::PythonV2("stateful"), "2", "cut_stream"),
        (Kind::TypescriptV2("stateful"), "2", "cut_stream"),
        (Kind::TypescriptV2("handler"), "2", "cut_stream"),
        (Kind::Everything("streamableHttp"), "0", "cut_stream"),
        (Kind::Everything("streamableHttp"), "2", "ok"),
        (Kind::Rmcp("stateful"), "0", "cut_stream"),
    ];
    thread::scope(|scope| {
        for row in rows {
            scope.spawn(move || cut_twenty(row));
        }
    });
}

/// Cuts them, by clients that take up a stream so often, whose calls then end so.
fn cut_twenty((kind, resumes, cut): (Kind, &str, &str)) {
    let peer = Peer::start(kind);
    let mut seen = 0;
    for (parting, outcome) in [("reset", cut), ("", "ok"), ("close", cut), ("", "ok")] {
        let fault = format!(
            "[[fault]]\nkind = 'cut-stream'\nat = '0s'\nparting = '{parting}'\n\
             match.operation = 'tools/call'\n"
        );
        let fault = if parting.is_empty() { "" } else { fault.as_str() };
        let place = Place::new();
        place.file("mischief.toml", &format!("{SCENARIO}{fault}"));
        let order = place.run_file("mischief.toml", "report").target(&peer.url()).patient();
        let report = order.set("clients.override.resumes", resumes).go().report();
        assert_eq!(report.outcomes(), [outcome], "{kind:?} {parting}");
        assert_eq!(report.count("/summary/calls"), 20, "{kind:?} {parting}");
        no_violation(&report);
        if parting.is_empty() || cut != "ok" {
            seen += receipts(&peer, seen, &report).len();
        } else {
            assert_eq!(report.count("/summary/exchanges/GET resume"), 20, "{kind:?} {parting}");
            seen += counted(&peer, seen, &report).len();
        }
    }
}
