//! Sessions that get lost: what each server answers to a session it does not know, and that the
//! clients go on from there as their profile says.

use crate::peer::{Forgetful, Kind, Peer};
use crate::squall::{Place, Report};

use super::{ECHO, PLAIN, Speaking, receipts, storm, together};

/// A storm in which every seventh call meets a server that does not know its session any more.
struct Lost {
    report: Report,
    /// How many calls were lost.
    lost: u64,
}

fn lost(kind: Kind, speaking: Speaking, status: u16, on_400: &str) -> Lost {
    let peer = Peer::start(kind);
    let way = Forgetful::to(peer.address(), 7);
    let place = Place::new();
    let order = storm(&place, &way.url(kind.path()), speaking, PLAIN).set("tools.allow", ECHO);
    let done = order.set("clients.override.on_session_400", on_400).go();
    let report = done.report();
    let lost = way.lost();
    assert!(lost > 0, "{kind:?}: nothing was lost");
    let log = receipts(&peer, 0, &report);
    let refused = format!(" tools/call {status}");
    assert_eq!(log.iter().filter(|line| line.ends_with(&refused)).count(), lost, "{log:#?}");
    Lost { report, lost: lost as u64 }
}

/// The calls are made once more, in new sessions; a burst that lost one session makes one.
fn goes_on(kind: Kind, speaking: Speaking, status: u16) {
    let Lost { report, lost } = lost(kind, speaking, status, r#""reinitialise""#);
    assert_eq!(report.outcomes(), ["ok"], "{kind:?}");
    let sessions = report.count("/summary/sessions/lost");
    assert!((1..=lost).contains(&sessions), "{kind:?}: {sessions} sessions and {lost} calls");
    assert_eq!(report.count("/summary/sessions/opened"), 4 + sessions, "{kind:?}");
    assert_eq!(report.count("/summary/sessions/closed"), 4, "{kind:?}");
}

#[test]
fn servers_that_say_404() {
    let kinds = [
        Kind::PythonV1("stateful"),
        Kind::PythonV2("stateful-json"),
        Kind::TypescriptV2("stateful"),
        // In plain text.
        Kind::Rmcp("stateful"),
    ];
    together(&kinds, |kind| goes_on(kind, Speaking::Legacy, 404));
}

#[test]
fn a_server_that_says_400() {
    goes_on(Kind::Everything("streamableHttp"), Speaking::Legacy, 400);
}

/// Who gives up loses the call, and the next call makes a new session.
#[test]
fn a_client_that_gives_up() {
    let Lost { report, lost } =
        lost(Kind::Everything("streamableHttp"), Speaking::Legacy, 400, r#""give-up""#);
    assert_eq!(report.outcomes(), ["ok", "session_lost"]);
    assert_eq!(report.count("/summary/outcomes/session_lost"), lost);
    assert!((1..=lost).contains(&report.count("/summary/sessions/lost")));
}

/// The transport of 2024-11-05 names its session in the URL. (server-everything never answers to
/// one that it does not know.)
pub(super) fn over_http_sse() {
    let kinds = [Kind::PythonV1("sse"), Kind::PythonV2("sse")];
    together(&kinds, |kind| goes_on(kind, Speaking::HttpSse, 404));
}
