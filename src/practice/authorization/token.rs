//! The token endpoint and the revocation endpoint. (RFC 6749, RFC 7009, OAuth 2.1.)

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::super::id::Id;
use super::authorize::audience;
use super::clients::Client;
use super::codes::{Taken, is_verified};
use super::counts::one;
use super::form::Form;
use super::grants::{Granted, NoRefresh, Refreshed, Rules};
use super::identity::Named;
use super::place::Place;
use super::refused::{Refused, answered};
use super::tokens::Claims;
use super::{Authority, Reply};
use crate::model::chance::{Key, Purpose};
use crate::model::plan::Defect;

/// For the defect of parallel refreshes: how long each one takes.
const REFRESHING: Duration = Duration::from_millis(50);

/// Tokens that were granted, before they are written.
struct Issue {
    granted: Arc<Granted>,
    /// `None`: a client's own.
    grant: Option<Id>,
    opened: Duration,
    scope: Box<str>,
    refresh: Option<String>,
    is_lost: bool,
}

impl Authority {
    /// Answers a request at the token endpoint.
    pub(super) async fn token(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        place: &Place,
        from: IpAddr,
    ) -> Reply {
        match self.tokens(headers, body, place, from).await {
            Ok(Issue { is_lost: true, .. }) => {
                one(&self.counts.lost);
                Reply::Cut
            }
            Ok(issue) => Reply::Whole(self.written(issue, place)),
            Err(refused) => Reply::Whole(refused.respond()),
        }
    }

    async fn tokens(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        place: &Place,
        from: IpAddr,
    ) -> Result<Issue, Refused> {
        self.limited(self.token_limit.take(from, self.now()))?;
        self.is_up()?;
        self.service_time().await;
        let form = Form::read(body)?;
        let named = Named::read(headers, &form)?;
        let client = self.identified(&named, place).await?;
        let grant_type = form.need("grant_type")?;
        let issued = match grant_type {
            _ if !client.uses(grant_type) && super::clients::GRANT_TYPES.contains(&grant_type) => {
                let not = "the client did not register for this grant type";
                Err(Refused::new("unauthorized_client", not))
            }
            "authorization_code" => self.exchange(&client, &form, place),
            "refresh_token" => self.refresh(&client, &form, place).await,
            "client_credentials" => self.own(&client, &form, place),
            _ => Err(Refused::new("unsupported_grant_type", "the metadata does not list it")),
        };
        issued.map_err(|refused| named.told(refused))
    }

    async fn identified(&self, named: &Named, place: &Place) -> Result<Arc<Client>, Refused> {
        let audiences = [place.endpoint("/token"), place.issuer()];
        let client = self.client(&named.id).await;
        let checked = client.and_then(|client| {
            let now = self.unix(self.now()).as_secs();
            self.proofs.check(&client, &named.proof, &audiences, now).map(|()| client)
        });
        checked.map_err(|refused| named.told(refused))
    }

    /// An outage answers before anything is looked at.
    fn is_up(&self) -> Result<(), Refused> {
        let Some(outage) = self.knobs.outage else { return Ok(()) };
        let (now, end) = (self.now(), outage.at + outage.lasts);
        if now < outage.at || now >= end {
            return Ok(());
        }
        let down = Refused::new("temporarily_unavailable", "the token endpoint is down");
        Err(down.with(StatusCode::SERVICE_UNAVAILABLE).after(end.saturating_sub(now)))
    }

    async fn service_time(&self) {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut chance = Key::of_run(self.seed, number).draw(Purpose::Service);
        let slow = if self.knobs.has(Defect::SlowToken) { self.knobs.slow } else { Duration::ZERO };
        let time = self.knobs.latency.draw(&mut chance).saturating_add(slow);
        if !time.is_zero() {
            self.clock.sleep(time).await;
        }
    }

    fn exchange(&self, client: &Client, form: &Form, place: &Place) -> Result<Issue, Refused> {
        let now = self.now();
        let code = match self.codes.take(form.need("code")?, now) {
            Taken::Code(code) => code,
            Taken::Used(grant) => {
                one(&self.counts.reuses);
                self.end(grant);
                return Err(Refused::grant("the code was used before: what it gave is revoked"));
            }
            Taken::None => return Err(Refused::grant("no such code, or it is over a minute old")),
        };
        if code.granted.client != client.id {
            return Err(Refused::grant("the code was given to another client"));
        }
        if form.get("redirect_uri").is_some_and(|uri| uri != code.redirect) {
            return Err(Refused::grant("`redirect_uri` is not the one of the authorization"));
        }
        if !is_verified(form.need("code_verifier")?, &code.challenge) {
            return Err(Refused::grant("`code_verifier` is not the one of the challenge"));
        }
        self.same_audience(form, place, &code.granted)?;
        let refreshes = client.uses("refresh_token");
        let open = || self.grants.open(code.grant, Arc::clone(&code.granted), now);
        Ok(Issue {
            refresh: refreshes.then(open),
            scope: code.granted.scope.clone(),
            granted: code.granted,
            grant: Some(code.grant),
            opened: now,
            is_lost: false,
        })
    }

    async fn refresh(&self, client: &Client, form: &Form, place: &Place) -> Result<Issue, Refused> {
        let token = form.need("refresh_token")?;
        let _working = if self.knobs.has(Defect::ParallelRefresh500) {
            let alone = self.grants.work(token).ok_or_else(|| {
                let broken = Refused::new("server_error", "something went wrong");
                broken.with(StatusCode::INTERNAL_SERVER_ERROR)
            })?;
            self.clock.sleep(REFRESHING).await;
            Some(alone)
        } else {
            None
        };
        let refreshed = self.refreshed(client, token)?;
        self.same_audience(form, place, &refreshed.granted)?;
        let scope = narrowed(form, &refreshed.granted)?;
        one(&self.counts.refreshes);
        let is_lost = self.knobs.has(Defect::LosesAnswer) && self.loses(refreshed.number);
        let Refreshed { grant, granted, opened, token, .. } = refreshed;
        Ok(Issue { granted, grant: Some(grant), opened, scope, refresh: token, is_lost })
    }

    fn refreshed(&self, client: &Client, token: &str) -> Result<Refreshed, Refused> {
        let now = self.now();
        let refreshed = self.grants.refresh(token, &client.id, self.rules(), now);
        match refreshed {
            Ok(refreshed) if self.is_revoked_at_once(refreshed.opened, now) => {
                self.end(refreshed.grant);
                Err(Refused::grant("the grant was revoked"))
            }
            Ok(refreshed) => {
                if refreshed.is_graced {
                    one(&self.counts.graced);
                }
                Ok(refreshed)
            }
            Err(NoRefresh::Unknown) => Err(Refused::grant("no such refresh token, or it ended")),
            Err(NoRefresh::Expired) => Err(Refused::grant("the refresh token has expired")),
            Err(NoRefresh::Reused) => {
                one(&self.counts.reuses);
                one(&self.counts.revoked);
                Err(Refused::grant("the refresh token was used before: the grant is revoked"))
            }
        }
    }

    fn rules(&self) -> Rules {
        let has = |defect| self.knobs.has(defect);
        Rules {
            lifetime: self.knobs.refresh,
            rotate: self.knobs.rotate && !has(Defect::NoRotation),
            grace: if has(Defect::AcceptsOldRefresh) { Duration::MAX } else { self.knobs.grace },
            race_kills: has(Defect::RaceKillsGrant),
        }
    }

    fn loses(&self, number: u32) -> bool {
        match self.knobs.lose_every {
            0 => number == 1,
            every => self.counts.refreshes.load(Ordering::Relaxed).is_multiple_of(u64::from(every)),
        }
    }

    /// A client asks for itself. (RFC 6749 section 4.4.)
    fn own(&self, client: &Client, form: &Form, place: &Place) -> Result<Issue, Refused> {
        let scope: Box<str> = self.scopes(form.get("scope"))?.join(" ").into();
        let resource = audience(form, place)?.into();
        let (user, client) = (client.id.clone(), client.id.clone());
        let granted = Arc::new(Granted { user, client, scope: scope.clone(), resource });
        let (grant, refresh, opened) = (None, None, self.now());
        Ok(Issue { granted, grant, opened, scope, refresh, is_lost: false })
    }

    /// A resource named here is the one that was granted, or lies below it.
    fn same_audience(&self, form: &Form, place: &Place, granted: &Granted) -> Result<(), Refused> {
        if self.knobs.has(Defect::IgnoresResource) || form.get("resource").is_none() {
            return Ok(());
        }
        if *audience(form, place)? == *granted.resource {
            return Ok(());
        }
        Err(Refused::new("invalid_target", "another resource was granted"))
    }

    /// How long an access token of now is good.
    fn lifetime(&self, now: Duration) -> Duration {
        match self.knobs.expire_at {
            Some(at) if now < at => self.knobs.access.min(at.saturating_sub(now)),
            _ => self.knobs.access,
        }
    }

    fn written(&self, issue: Issue, place: &Place) -> Response {
        let now = self.now();
        let (began, lasts) = (self.unix(now), self.lifetime(now));
        let claims = Claims {
            iss: place.issuer(),
            aud: (!self.knobs.has(Defect::IgnoresResource))
                .then(|| issue.granted.resource.to_string()),
            sub: issue.granted.user.to_string(),
            client_id: issue.granted.client.to_string(),
            scope: issue.scope.to_string(),
            iat: began.as_secs(),
            // Whole seconds: never sooner than what `expires_in` says.
            exp: (began + lasts).as_millis().div_ceil(1_000) as u64,
            jti: self.grants.id().text(),
            grant: issue.grant.map(Id::text),
            granted_ms: issue.opened.as_millis() as u64,
        };
        let Some(token) = self.tokens.sign(&claims) else {
            let broken = Refused::new("server_error", "no random bytes to sign with");
            return broken.with(StatusCode::INTERNAL_SERVER_ERROR).respond();
        };
        let mut body = json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": lasts.as_millis().div_ceil(1_000) as u64,
            "scope": issue.scope,
        });
        if let Some(refresh) = issue.refresh {
            body["refresh_token"] = json!(refresh);
        }
        one(&self.counts.tokens);
        answered(StatusCode::OK, &body)
    }

    /// Revokes a token: with a refresh token the whole grant. (RFC 7009.)
    pub(super) async fn revoke(&self, headers: &HeaderMap, body: &[u8], place: &Place) -> Response {
        let revoked = async {
            let form = Form::read(body)?;
            let named = Named::read(headers, &form)?;
            let client = self.identified(&named, place).await?;
            let token = form.need("token")?;
            if self.grants.revoke(token, &client.id) {
                one(&self.counts.revoked);
            } else if let Some(claims) = self.tokens.verify(token)
                && *claims.client_id == *client.id
                && let Some(id) = Id::read(claims.jti.as_bytes())
            {
                self.grants.end(id);
            }
            Ok(())
        };
        match revoked.await {
            Ok(()) => answered(StatusCode::OK, &json!({})),
            Err(refused) => Refused::respond(&refused),
        }
    }

    fn end(&self, grant: Id) {
        one(&self.counts.revoked);
        self.grants.end(grant);
    }
}

/// The scope of a refresh: what was granted, or a part of it. (RFC 6749 section 6.)
fn narrowed(form: &Form, granted: &Granted) -> Result<Box<str>, Refused> {
    let Some(scope) = form.get("scope") else { return Ok(granted.scope.clone()) };
    let mut scopes = scope.split(' ').filter(|scope| !scope.is_empty());
    if scopes.all(|scope| granted.scope.split(' ').any(|has| has == scope)) {
        return Ok(scope.into());
    }
    Err(Refused::new("invalid_scope", "a refresh cannot widen what was granted"))
}
