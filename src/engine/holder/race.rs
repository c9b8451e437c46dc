//! Several processes with copies of one grant, that refresh without asking each other.
//!
//! Hosted clients were seen to do that: from two addresses, with gaps of up to 76 s (fastmcp#4264,
//! opik#8286). The first one's tokens are those in use, so that what a server does to them shows;
//! the others only learn what they are answered. That a process which is refused reads its user's
//! tokens again, and does not log the user out, is modelled: the race itself is what is judged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::process::Process;
use crate::engine::grant::Standing;
use crate::engine::legs::Journey;
use crate::model::chance::{Key, Purpose};
use crate::model::event::{Event, Race, Second};
use crate::model::secret::Secret;
use crate::protocol::oauth::challenge::Challenge;
use crate::protocol::oauth::refusal::Reaction;

/// Races whose winner has not yet been put to the test.
#[derive(Debug, Default)]
pub(super) struct Races(Mutex<Vec<(u64, Race)>>);

impl Process {
    /// The other processes that hold this refresh token present it, too, each one its gap later.
    pub(super) fn race(self: &Arc<Self>, user: u32, token: &Secret, standing: &Standing) {
        let oauth = &self.realm.oauth;
        let generation = self.grant.generation();
        let mut gap = Duration::ZERO;
        for holder in 1..oauth.holders {
            let key = Key { subagent: holder, ..Key::of_run(self.realm.seed, self.user.into()) };
            let mut draw = key.at_turn(generation as u32).draw(Purpose::HolderGap);
            gap += oauth.holder_gap.draw(&mut draw);
            let (process, token, standing) = (Arc::clone(self), token.clone(), standing.clone());
            self.errand(tokio::spawn(async move {
                process.second((user, generation, gap), token, standing).await;
            }));
        }
    }

    async fn second(
        self: Arc<Self>,
        (user, generation, gap): (u32, u64, Duration),
        token: Secret,
        standing: Standing,
    ) {
        self.realm.clock.sleep(gap).await;
        let (at, mut journey) = (self.now(), Journey::new(user));
        let came = self.realm.refresh(&mut journey, token, standing, Challenge::default()).await;
        let second = match came {
            Ok(_) => Second::Granted,
            Err(refusal) if refusal.reaction() == Reaction::Dead => Second::Refused,
            Err(_) => Second::Failed,
        };
        let race = Race { user, at, gap, second, first_alive: None };
        self.races.0.lock().unwrap_or_else(PoisonError::into_inner).push((generation, race));
    }

    /// It is known now whether the tokens are good that came of the races up to this generation's.
    pub(super) fn settle(&self, up_to: u64, first_alive: Option<bool>) {
        let mut races = self.races.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, race) in races.extract_if(.., |(generation, _)| *generation <= up_to) {
            let race = Race { first_alive, ..race };
            self.realm.recorder.tell(race.user, Event::Race(race));
        }
    }
}
