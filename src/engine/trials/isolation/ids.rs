//! Calls one after another with ids that some servers do not give back as they came, and with ids
//! that were used before.

use std::time::Duration;

use serde_json::Value;

use super::super::{Opened, Stand};
use crate::engine::client::Tail;
use crate::engine::session::first_id;
use crate::model::behaviour::IsolationTrials;
use crate::model::operation::Operation;
use crate::model::outcome::Outcome;
use crate::model::trial::What;
use crate::model::trial::isolation::{Numbered, ORDINARY, Trial};

/// Each in its turn, as JSON.
const IDS: [&str; 7] = [ORDINARY, "0", "1", "\"a\"", "9007199254740991", "1", "\"a\""];
/// Before a call with an id that was used before: whoever keeps a list has crossed it out by then.
const PAUSE: Duration = Duration::from_millis(200);
/// So many times longer is waited for what did not come at first.
const LONGER: u32 = 4;

pub(super) async fn play(knobs: &IsolationTrials, stand: &Stand<'_>) {
    let Ok(opened) = super::open(stand, 0).await else { return };
    if super::has_one_stream(&opened) {
        let said = "answers come on a stream of the session's, by their ids".to_owned();
        let what_to_do = "nothing: an answer with another id would reach nobody";
        return stand.untried(Operation::ToolsCall, said, what_to_do);
    }
    let Opened { client, session } = &opened;
    let mut used = Vec::new();
    if !session.footing.is_modern() {
        used.push(first_id(client.common.profile.ids).to_string());
    }
    for id in IDS {
        let again = used.iter().any(|used| used == id);
        if again {
            client.common.wire.clock.sleep(PAUSE).await;
        }
        let value: Value = serde_json::from_str(id).unwrap_or_default();
        let asked = (stand.ask(), &value);
        let mut heard = client.call_numbered(session, asked, knobs.patience).await;
        if heard.0.outcome == Outcome::Timeout {
            // Once more, elsewhere and with more patience: the machine may have been busy.
            heard = once_more(knobs, stand, (&value, again)).await.unwrap_or(heard);
        }
        let (tail, answer) = heard;
        used.push(id.to_owned());
        let numbered = Numbered { id, again, answer };
        stand.tell(client, What::Isolation(Trial::Numbered(numbered)), tail);
    }
    client.end_apart(session).await;
}

/// The same in a session of its own.
async fn once_more(
    knobs: &IsolationTrials,
    stand: &Stand<'_>,
    (id, again): (&Value, bool),
) -> Option<(Tail, Option<String>)> {
    let Opened { client, session } = super::open(stand, 0).await.ok()?;
    let patience = knobs.patience * LONGER;
    if again {
        client.call_numbered(&session, (stand.ask(), id), patience).await;
        client.common.wire.clock.sleep(PAUSE).await;
    }
    let heard = client.call_numbered(&session, (stand.ask(), id), patience).await;
    client.end_apart(&session).await;
    Some(heard)
}
