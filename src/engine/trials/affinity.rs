//! `check-affinity`: one session on connections that are all new, from every address there is.

use std::sync::Arc;

use super::{Opened, Stand};
use crate::engine::client::Client;
use crate::engine::session::Session;
use crate::model::behaviour::AffinityTrials;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::trial::What;
use crate::model::trial::affinity::Trial;

/// Calls of the client that opened a session.
const KEPT: u32 = 5;
/// Sessions that begin on two connections.
const HALVES: u32 = 5;
/// A session is told so often that it is there, until that is heard: behind some proxies each
/// request goes elsewhere.
const CONFIRMED: u32 = 8;

pub(super) async fn play(knobs: &AffinityTrials, stand: &Stand<'_>) {
    for _ in 0..knobs.sessions {
        let Some(opened) = open(stand).await else { return };
        let Opened { client, session } = &opened;
        if session.echoed().is_none() && session.footing.mailbox().is_none() {
            let said = "the target issues no session ids".to_owned();
            let what_to_do = "nothing: any replica can answer";
            return stand.untried(Operation::Initialize, said, what_to_do);
        }
        for place in 0..knobs.addresses {
            for _ in 0..knobs.tries {
                let fresh = stand.fresh(place);
                call(stand, (&fresh, session), Trial::Fresh(place)).await;
            }
        }
        for _ in 0..KEPT {
            call(stand, (client, session), Trial::Kept).await;
        }
        client.end_apart(session).await;
    }
    for _ in 0..HALVES {
        halves(stand).await;
    }
}

/// A session, of which the server has heard that it is there.
async fn open(stand: &Stand<'_>) -> Option<Opened> {
    let client = stand.fresh(0);
    let (tail, session) = client.open_half().await;
    stand.tell(&client, What::Affinity(Trial::Opened), tail);
    let session = session?;
    if has_halves(&session) {
        for _ in 0..CONFIRMED {
            if client.confirm_apart(&session).await.outcome == Outcome::Ok {
                break;
            }
        }
    }
    Some(Opened { client, session })
}

/// Whether its handshake has a second half that another connection can bring: over HTTP+SSE both
/// were sent.
fn has_halves(session: &Session) -> bool {
    !session.footing.is_modern() && session.footing.mailbox().is_none()
}

async fn call(stand: &Stand<'_>, (client, session): (&Arc<Client>, &Session), trial: Trial) {
    let tail = client.call_apart(session, stand.ask()).await;
    stand.tell(client, What::Affinity(trial), tail);
}

/// A session that begins on two connections.
async fn halves(stand: &Stand<'_>) {
    let (client, other) = (stand.fresh(0), stand.fresh(0));
    let (_, session) = client.open_half().await;
    let Some(session) = session.filter(|session| has_halves(session)) else { return };
    let tail = other.confirm_apart(&session).await;
    stand.tell(&other, What::Affinity(Trial::Confirmed), tail);
    call(stand, (&client, &session), Trial::Begun).await;
    client.end_apart(&session).await;
}
