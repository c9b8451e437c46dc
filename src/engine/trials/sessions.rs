//! `check-sessions`: calls in sessions that are over, and handshakes without end.

use std::sync::Arc;

use super::{Opened, Stand};
use crate::engine::client::Client;
use crate::model::behaviour::SessionTrials;
use crate::model::chance::Purpose;
use crate::model::operation::Operation;
use crate::model::trial::What;
use crate::model::trial::sessions::Trial;

pub(super) async fn play(knobs: &SessionTrials, stand: &Stand<'_>) {
    let client = stand.client(0, 0);
    let Some(first) = open(stand, &client, Trial::Live).await else { return };
    if first.session.echoed().is_none() {
        let said = "the target issues no session ids".to_owned();
        return stand.untried(
            Operation::Initialize,
            said,
            "nothing: there are no sessions to lose",
        );
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
    series(stand, knobs.cycles, false).await;
    series(stand, knobs.cycles, true).await;
    if let Some(idle) = knobs.idle {
        client.common.wire.clock.sleep_until(since + idle).await;
        for session in &silent {
            call(stand, session, Trial::Expired).await;
        }
    }
    client.end_apart(&first.session).await;
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

/// Handshakes one after another, by a client that is alone.
async fn series(stand: &Stand<'_>, cycles: u32, ends: bool) {
    let trial = if ends { Trial::OpenedAndEnded } else { Trial::Opened };
    let client = stand.client(0, 0);
    for _ in 0..cycles {
        let (tail, session) = client.open_apart().await;
        stand.tell(&client, What::Session(trial), tail);
        let Some(session) = session else { continue };
        client.call_apart(&session, stand.ask()).await;
        if ends {
            client.end_apart(&session).await;
        }
    }
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
