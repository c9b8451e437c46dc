//! The way to a target through squall's own proxy on a Toxiproxy server: a toxic there that is on every
//! connection befalls whatever is under way while it is set.
//!
//! ```text
//! asked to set ──► set ... removed ──► answered      in force from the first to the last: what is
//!                                                    under way in between met it
//! ```

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::edge::mark::Forces;
use crate::edge::net::{Connect, Link};
use crate::model::fault::Touched;
use crate::model::outcome::ConnectFailure;

/// The same way with these forces on it, if there are any.
pub fn across(way: Arc<dyn Connect>, forces: Option<&Arc<Forces>>) -> Arc<dyn Connect> {
    match forces {
        Some(forces) => Arc::new(Across { way, forces: Arc::clone(forces) }),
        None => way,
    }
}

#[derive(Debug)]
struct Across {
    way: Arc<dyn Connect>,
    forces: Arc<Forces>,
}

impl Across {
    /// The connection, with what lies on its way.
    fn marked(&self, link: Link) -> Link {
        let mark = link.mark.unwrap_or_default();
        mark.lies_on(&self.forces);
        Link { mark: Some(mark), ..link }
    }
}

impl Connect for Across {
    fn connect(&self) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(async move { Ok(self.marked(self.way.connect().await?)) })
    }

    fn connect_from(&self, from: Option<IpAddr>) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(async move { Ok(self.marked(self.way.connect_from(from).await?)) })
    }

    fn connect_narrow(&self, from: Option<IpAddr>) -> BoxFuture<'_, Result<Link, ConnectFailure>> {
        Box::pin(async move { Ok(self.marked(self.way.connect_narrow(from).await?)) })
    }

    fn in_the_way(&self, since: Duration) -> Touched {
        self.way.in_the_way(since).and(self.forces.since(since))
    }

    fn may_multiplex(&self) -> bool {
        self.way.may_multiplex()
    }
}
