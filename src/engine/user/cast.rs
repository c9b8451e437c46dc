//! The users, sessions and addresses that one run of a check sends for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::engine::client::{Client, Made};
use crate::model::limit_probe::{Probe, Shot, What, Who};

/// Each a client of its own, made when it is first sent for.
pub(super) struct Cast {
    first: Arc<Client>,
    members: HashMap<Who, Arc<Client>>,
}

impl Cast {
    /// With the run's own client as the first of them; the users after it have the numbers after
    /// its own.
    pub(super) fn of(first: &Arc<Client>) -> Self {
        let members = HashMap::from([(Who::default(), Arc::clone(first))]);
        Self { first: Arc::clone(first), members }
    }

    fn member(&mut self, who: Who) -> Arc<Client> {
        let first = &self.first;
        let user = first.user.saturating_add(u32::from(who.user));
        let member = self.members.entry(who).or_insert_with(|| {
            Client::from_place(Arc::clone(&first.common), user, u32::from(who.place))
        });
        Arc::clone(member)
    }

    /// Sends all of them at once; what came of each, in their order.
    pub(super) async fn fire(&mut self, due: Duration, shots: &[Shot]) -> Vec<Probe> {
        let fired = shots.iter().map(|shot| {
            let (member, shot) = (self.member(shot.who), *shot);
            async move {
                let began = member.common.wire.clock.now();
                let Made { outcome, sent, done } = match shot.what {
                    What::Call => member.make(due, shot.ask).await,
                    What::Handshake => member.shake_hands().await,
                    What::List => member.list_tools().await,
                    What::Refresh => member.refresh().await,
                };
                Probe { shot, sent: sent.unwrap_or(began), done, outcome }
            }
        });
        let fired: Vec<_> = fired.collect();
        join_all(fired).await
    }
}
