//! A request on its way with the credential of the moment, and once more where that is refused and
//! there is another.

use std::time::Duration;

use http::HeaderMap;
use url::Url;

use super::Client;
use crate::engine::holder::{Lease, Patience};
use crate::engine::wire::{Listener, Reply, Request, Trail};
use crate::model::event::Challenged;
use crate::model::outcome::Outcome;
use crate::protocol::oauth::challenge::Challenge;

impl Client {
    /// Sends a request and reads its answer. A refusal that leads to another credential is told as
    /// an exchange of its own; `trail` goes on as the one that came after it.
    pub(super) async fn carry(
        &self,
        trail: &mut Trail<'_>,
        request: Request,
        deadline: Duration,
        whole: &mut Vec<u8>,
        on_event: Listener<'_>,
    ) -> Result<Reply, Outcome> {
        if self.holder.may_renew() {
            // Rare and large: in a box, so that other calls do not carry its room with them.
            return Box::pin(self.carry_renewing(trail, request, deadline, whole, on_event)).await;
        }
        let lease = self.holder.ready().ok_or(Outcome::Unauthorised(401))?;
        let wire = &self.common.wire;
        wire.exchange(&self.lines, trail, bearing(request, &lease), deadline, whole, on_event).await
    }

    async fn carry_renewing(
        &self,
        trail: &mut Trail<'_>,
        request: Request,
        deadline: Duration,
        whole: &mut Vec<u8>,
        on_event: Listener<'_>,
    ) -> Result<Reply, Outcome> {
        let mut patience = Patience::default();
        loop {
            let lent = self.holder.lend(&mut patience).await;
            trail.touched(std::mem::take(&mut patience.touched));
            let lease = lent?;
            trail.lent(&lease, std::mem::take(&mut patience.legs));
            let bearing = bearing(request.clone(), &lease);
            let wire = &self.common.wire;
            // A stream's end may be the user's own: it is told of what is known by then.
            if let Some(token) = lease.whose().filter(|_| self.holder.watches()) {
                trail.watch(token, Challenged::No);
            }
            let deadline = deadline + patience.waited;
            let reply =
                wire.exchange(&self.lines, trail, bearing, deadline, whole, on_event).await?;
            let status = reply.status;
            if let Some(token) = lease.whose().filter(|_| matches!(status, 401 | 403)) {
                trail.watch(token, challenged(&reply.headers));
            }
            if !matches!(status, 401 | 403)
                || !self.holder.refused(&lease, (status, &reply.headers), &mut patience).await
            {
                trail.touched(patience.touched);
                return Ok(reply);
            }
            trail.refused(Outcome::Unauthorised(status));
            whole.clear();
        }
    }
}

/// What a refusal says of the credential that it wants.
fn challenged(headers: &HeaderMap) -> Challenged {
    let challenge = Challenge::read(headers);
    let metadata = challenge.resource_metadata.filter(|url| Url::parse(url).is_ok());
    match (challenge.bearer, metadata) {
        (false, _) => Challenged::No,
        (true, None) => Challenged::Bearer,
        (true, Some(_)) => Challenged::WithMetadata,
    }
}

fn bearing(mut request: Request, lease: &Lease) -> Request {
    if let Some((name, value)) = lease.header() {
        request.headers.insert(name, value);
    }
    request
}
