//! Several processes with copies of one grant, that refresh without asking each other.
//!
//! Hosted clients were seen to do that: from two addresses, with gaps of up to 76 s (fastmcp#4264,
//! opik#8286). The first one's tokens are those in use, so that what a server does to them shows;
//! the others only learn what they are answered. A process that is refused reads its user's tokens
//! again, or logs the user out and in (claude-code#65408), as the profile's `loser` says.
//!
//! A second one that is refused may have ended the whole grant with that, as RFC 9700 section 4.14.2
//! has it. What others are refused until a refresh shows that the grant lives is no trial of a gap.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::errands::Errand;
use super::process::Process;
use crate::engine::grant::Standing;
use crate::model::chance::{Key, Purpose};
use crate::model::event::{Event, Race, Second};
use crate::model::profile::oauth::Loser;
use crate::model::secret::Secret;
use crate::protocol::oauth::challenge::Challenge;
use crate::protocol::oauth::refusal::{Reaction, Refusal, What};

/// Races of one user's grant.
#[derive(Debug, Default)]
pub(super) struct Races(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Counts the user's consents: each gives a grant that nothing of an earlier one touches.
    grant: u64,
    /// Counts the races that were run.
    run: u64,
    /// Those whose winner has not yet been put to the test.
    untested: Vec<(u64, Race)>,
    /// The first refusal of a second one since the grant was last seen alive.
    suspect: Option<u64>,
    /// The tokens in use were refused, and the grant has not been seen alive since.
    is_dead: bool,
}

impl Races {
    /// Which of the user's grants it is.
    pub(super) fn grant(&self) -> u64 {
        self.lock().grant
    }

    /// How many races there were: what a refresh that begins now says something about.
    pub(super) fn run(&self) -> u64 {
        self.lock().run
    }

    /// A second process was answered; what is known at once of this race or of others.
    fn add(&self, grant: u64, race: Race) -> Option<Race> {
        let mut state = self.lock();
        let is_refused = race.second == Second::Refused;
        if state.grant != grant || (is_refused && state.suspect.is_some()) {
            return None;
        }
        state.run += 1;
        let number = state.run;
        if is_refused {
            state.suspect = Some(number);
        }
        if state.is_dead {
            return Some(Race { first_alive: Some(false), ..race });
        }
        state.untested.push((number, race));
        None
    }

    /// A refresh went well that began after so many races.
    fn alive(&self, after: u64) -> Vec<Race> {
        let mut state = self.lock();
        state.is_dead = false;
        state.suspect = state.suspect.filter(|refusal| *refusal > after);
        let tested = state.untested.extract_if(.., |(number, _)| *number <= after);
        tested.map(|(_, race)| Race { first_alive: Some(true), ..race }).collect()
    }

    /// The tokens in use were refused.
    fn dead(&self) -> Vec<Race> {
        let mut state = self.lock();
        state.is_dead = true;
        let dead = state.untested.drain(..);
        dead.map(|(_, race)| Race { first_alive: Some(false), ..race }).collect()
    }

    /// The user consented anew, or left: nobody will know more of what was before.
    fn end(&self) -> Vec<Race> {
        let mut state = self.lock();
        let ended = State { grant: state.grant + 1, ..State::default() };
        let State { untested, .. } = std::mem::replace(&mut *state, ended);
        untested.into_iter().map(|(_, race)| race).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the first process of a race was answered.
#[derive(Debug, Default)]
pub(super) struct First(OnceLock<Duration>);

impl First {
    pub(super) fn answered(&self, at: Duration) {
        let _only_one = self.0.set(at).is_ok();
    }
}

/// What a further process has when it is about to race.
struct Copied {
    user: u32,
    grant: u64,
    began: Duration,
    first: Arc<First>,
    token: Secret,
    standing: Standing,
}

impl Process {
    /// The other processes that hold this refresh token present it, too, each one its gap later.
    pub(super) fn race(
        self: &Arc<Self>,
        user: u32,
        token: &Secret,
        standing: &Standing,
    ) -> Arc<First> {
        let oauth = &self.realm.oauth;
        let (generation, first) = (self.grant.generation(), Arc::<First>::default());
        let mut gap = Duration::ZERO;
        for holder in 1..oauth.holders {
            let key = Key { subagent: holder, ..Key::of_run(self.realm.seed, self.user.into()) };
            let mut draw = key.at_turn(generation as u32).draw(Purpose::HolderGap);
            gap += oauth.holder_gap.draw(&mut draw);
            let copied = Copied {
                user,
                grant: self.races.grant(),
                began: self.now(),
                first: Arc::clone(&first),
                token: token.clone(),
                standing: standing.clone(),
            };
            let process = Arc::clone(self);
            let racing = tokio::spawn(async move { process.second(holder, gap, copied).await });
            self.errand(racing, Errand::Racing);
        }
        first
    }

    async fn second(self: Arc<Self>, holder: u32, gap: Duration, copied: Copied) {
        let Copied { user, grant, began, first, token, standing } = copied;
        self.realm.clock.sleep(gap).await;
        let (at, mut journey) = (self.now(), self.realm.journey(user, holder));
        let came = self.realm.refresh(&mut journey, token, standing, Challenge::default()).await;
        let second = came.as_ref().map_or_else(answered, |_| Second::Granted);
        let least = first.0.get().map_or(Duration::ZERO, |answered| at.saturating_sub(*answered));
        let within = (least, self.now().saturating_sub(began));
        let race = Race { user, at, gap, within, second, first_alive: None };
        self.tell_races(self.races.add(grant, race));
        let logs_out = self.realm.oauth.loser == Loser::LogsOut;
        if logs_out && second == Second::Refused {
            self.log_out(journey, grant).await;
        }
    }

    /// A refresh that began after so many races went well: who won them kept the tokens.
    pub(super) fn races_won(&self, after: u64) {
        self.tell_races(self.races.alive(after));
    }

    /// The tokens were refused that came of the races so far.
    pub(super) fn races_lost(&self) {
        self.tell_races(self.races.dead());
    }

    /// Nobody will know what became of the tokens that came of the races so far.
    pub(super) fn races_over(&self) {
        self.tell_races(self.races.end());
    }

    fn tell_races(&self, races: impl IntoIterator<Item = Race>) {
        for race in races {
            self.realm.recorder.tell(race.user, Event::Race(race));
        }
    }
}

fn answered(refusal: &Refusal) -> Second {
    match &refusal.what {
        _ if refusal.reaction() == Reaction::Dead => Second::Refused,
        What::Unavailable { status: 500, .. } => Second::Broken,
        What::Denied { error, .. } if error == "server_error" => Second::Broken,
        _ => Second::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn race(gap: u64, second: Second) -> Race {
        let gap = Duration::from_millis(gap);
        Race { user: 0, at: gap, gap, within: (gap, gap), second, first_alive: None }
    }

    fn known(races: impl IntoIterator<Item = Race>) -> Vec<(u128, Option<bool>)> {
        races.into_iter().map(|race| (race.gap.as_millis(), race.first_alive)).collect()
    }

    #[test]
    fn a_refresh_that_began_later_shows_that_the_winner_lives() {
        let races = Races::default();
        assert_eq!(races.add(0, race(1, Second::Granted)), None);
        let before = races.run();
        assert_eq!(races.add(0, race(2, Second::Granted)), None);
        assert_eq!(known(races.alive(before)), [(1, Some(true))]);
        assert_eq!(known(races.dead()), [(2, Some(false))]);
    }

    #[test]
    fn what_is_refused_after_a_refusal_is_no_trial_until_the_grant_is_seen_alive() {
        let races = Races::default();
        assert_eq!(races.add(0, race(1, Second::Refused)), None);
        assert_eq!(races.add(0, race(2, Second::Refused)), None);
        assert_eq!(races.add(0, race(3, Second::Granted)), None);
        assert_eq!(known(races.alive(races.run())), [(1, Some(true)), (3, Some(true))]);
        assert_eq!(races.add(0, race(4, Second::Refused)), None);
        assert_eq!(known(races.end()), [(4, None)]);
        // It was a race of the grant before.
        assert_eq!(races.add(0, race(5, Second::Refused)), None);
        assert_eq!(known(races.end()), []);
    }

    #[test]
    fn a_refusal_that_is_heard_of_after_the_grants_death_is_the_one_that_killed_it() {
        let races = Races::default();
        assert_eq!(known(races.dead()), []);
        assert_eq!(known(races.add(0, race(1, Second::Refused))), [(1, Some(false))]);
        assert_eq!(known(races.add(0, race(2, Second::Refused))), []);
    }
}
