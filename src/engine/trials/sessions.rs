//! `check-sessions`: calls in sessions that are over, and handshakes without end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Opened, Stand};
use crate::engine::client::{Client, Tail};
use crate::engine::session::Session;
use crate::model::behaviour::SessionTrials;
use crate::model::chance::Purpose;
use crate::model::outcome::{Class, Outcome};
use crate::model::trial::What;
use crate::model::trial::sessions::Trial;

/// Between two looks at a target that restarts.
const AGAIN: Duration = Duration::from_millis(100);

/// Ids of fewer characters are counted, or guessed.
const SHORTEST_ID: usize = 8;

pub(super) async fn play(knobs: &SessionTrials, stand: &Stand<'_>) {
    let client = stand.client(0, 0);
    let Some(first) = open(stand, &client, Trial::Live).await else { return };
    if first.session.echoed().is_none() {
        call(stand, &first, Trial::Nameless).await;
        return;
    }
    if let Some(restart) = knobs.restart {
        restarted(knobs, restart, stand).await;
    }
    // Those that are to be left alone begin their silence now.
    let silent = match knobs.idle {
        Some(_) => opened(stand, &client, knobs.tries).await,
        None => Vec::new(),
    };
    let since = client.common.wire.clock.now();
    for _ in 0..knobs.tries {
        unknown(stand, &first).await;
        if let Some(ended) = open(stand, &client, Trial::Live).await {
            end(stand, &ended).await;
        }
    }
    if knobs.has_users {
        let other = stand.client(1, 1);
        // Its own session first, so that what follows is about the session alone.
        if open(stand, &other, Trial::Live).await.is_some() {
            for _ in 0..knobs.tries {
                let foreign =
                    Opened { client: Arc::clone(&other), session: Arc::clone(&first.session) };
                call(stand, &foreign, Trial::Foreign).await;
            }
        }
    }
    let half = knobs.cycles.div_ceil(2);
    for number in [0, 1] {
        let client = stand.client(0, 0);
        for session in series(stand, &client, half, Trial::Opened(number)).await {
            client.end_apart(&session).await;
        }
    }
    series(stand, &stand.client(0, 0), half, Trial::OpenedAndEnded).await;
    if let Some(idle) = knobs.idle {
        client.common.wire.clock.sleep_until(since + idle).await;
        for session in &silent {
            call(stand, session, Trial::Expired).await;
        }
    }
    client.end_apart(&first.session).await;
}

/// Sessions that are open while the target restarts, each of a client of its own.
async fn restarted(knobs: &SessionTrials, restart: (Duration, Duration), stand: &Stand<'_>) {
    let mut open_before = Vec::new();
    for place in 0..knobs.survivors {
        open_before.extend(open(stand, &stand.client(0, place), Trial::Live).await);
    }
    stand.first.common.wire.clock.sleep_until(restart.0).await;
    join_all(open_before.iter().map(|opened| survived(knobs, restart, stand, opened))).await;
}

/// Asks in a session until it is known what the restart did to it, and begins anew if it ended it.
async fn survived(
    knobs: &SessionTrials,
    (from, over): (Duration, Duration),
    stand: &Stand<'_>,
    opened: &Opened,
) {
    let Opened { client, session } = opened;
    let clock = &client.common.wire.clock;
    let by = over + knobs.patience;
    loop {
        let tail = client.call_apart(session, stand.ask()).await;
        // As long as it may still be about to restart, a good answer says nothing.
        let is_settled =
            if tail.outcome == Outcome::Ok { tail.sent >= over } else { !is_down(&tail) };
        if !is_settled && clock.now() < by {
            clock.sleep(AGAIN).await;
            continue;
        }
        if stand.tell(client, What::Session(Trial::Survivor), tail) {
            return;
        }
        break;
    }
    loop {
        let (mut tail, session) = client.open_apart().await;
        if let Some(session) = session {
            tail = client.call_apart(&session, stand.ask()).await;
        }
        if tail.outcome == Outcome::Ok || clock.now() >= by {
            let tail = Tail { sent: from, ..tail };
            stand.tell(client, What::Session(Trial::Reopened), tail);
            return;
        }
        clock.sleep(AGAIN).await;
    }
}

/// Whether nobody is there yet: no connection, none that lasted, or a gateway without a server.
fn is_down(tail: &Tail) -> bool {
    matches!(tail.outcome.class(), Class::Connect | Class::CutStream | Class::Timeout)
        || matches!(tail.status, Some(502..=504))
}

/// One more session, in which a call is made.
async fn open(stand: &Stand<'_>, client: &Arc<Client>, trial: Trial) -> Option<Opened> {
    let (tail, session) = client.open_apart().await;
    let Some(session) = session else {
        stand.tell(client, What::Session(trial), tail);
        return None;
    };
    let opened = Opened { client: Arc::clone(client), session };
    call(stand, &opened, trial).await.then_some(opened)
}

async fn opened(stand: &Stand<'_>, client: &Arc<Client>, count: u32) -> Vec<Opened> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.extend(open(stand, client, Trial::Live).await);
    }
    all
}

async fn call(stand: &Stand<'_>, opened: &Opened, trial: Trial) -> bool {
    let tail = opened.client.call_apart(&opened.session, stand.ask()).await;
    stand.tell(&opened.client, What::Session(trial), tail)
}

/// A call with an id that looks like those that are issued, and is none of them.
async fn unknown(stand: &Stand<'_>, like: &Opened) {
    let Some(id) = like.session.id.as_deref() else { return };
    let mut chance = stand.key.of_subagent(stand.ask().variation as u32).draw(Purpose::Variation);
    let other: String = id.chars().map(|letter| other(letter, chance.bits())).collect();
    // A short one may be another session's.
    if other == id || id.len() < SHORTEST_ID {
        return;
    }
    let session = Arc::new(like.session.under(&other));
    call(stand, &Opened { client: Arc::clone(&like.client), session }, Trial::Unknown).await;
}

/// Another letter or digit of the same kind.
fn other(letter: char, bits: u64) -> char {
    let among = match letter {
        '0'..='9' => "0123456789",
        'a'..='f' => "abcdef",
        'A'..='F' => "ABCDEF",
        'g'..='z' => "ghijklmnopqrstuvwxyz",
        'G'..='Z' => "GHIJKLMNOPQRSTUVWXYZ",
        _ => return letter,
    };
    let at = (bits % among.len() as u64) as usize;
    among.chars().nth(at).unwrap_or(letter)
}

/// DELETE, and a call after it, if it was taken.
async fn end(stand: &Stand<'_>, opened: &Opened) {
    let tail = opened.client.end_apart(&opened.session).await;
    if stand.tell(&opened.client, What::Session(Trial::Delete), tail) {
        call(stand, opened, Trial::Deleted).await;
    }
}

/// Handshakes one after another, by a client that is alone; the sessions that are left.
async fn series(
    stand: &Stand<'_>,
    client: &Arc<Client>,
    cycles: u32,
    trial: Trial,
) -> Vec<Arc<Session>> {
    let mut left = Vec::new();
    for _ in 0..cycles {
        let (tail, session) = client.open_apart().await;
        stand.tell(client, What::Session(trial), tail);
        let Some(session) = session else { continue };
        client.call_apart(&session, stand.ask()).await;
        if trial == Trial::OpenedAndEnded {
            client.end_apart(&session).await;
        } else {
            left.push(session);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_was_never_issued_looks_like_one_that_was() {
        let id = "3f0a-99B1_xyz";
        let mut bits = 7_u64;
        let made: String = id
            .chars()
            .map(|letter| {
                bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                other(letter, bits >> 33)
            })
            .collect();
        assert_ne!(made, id);
        for (was, is) in id.chars().zip(made.chars()) {
            assert_eq!(was.is_ascii_digit(), is.is_ascii_digit(), "{made}");
            assert_eq!(was.is_alphanumeric(), is.is_alphanumeric(), "{made}");
            assert_eq!(was.is_ascii_hexdigit(), is.is_ascii_hexdigit(), "{made}");
        }
    }
}
