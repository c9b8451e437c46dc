//! New tokens for a refresh token: one exchange, and what its answer means (RFC 6749, section 6).

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::assertion::Occasion;
use super::authorization::Step;
use super::chance::Chance;
use super::exchange::Heard;
use super::grant::{Granted, Known};
use super::refusal::{Refusal, What};
use super::resource;
use super::token::{self, Ask, Asked};
use crate::model::leg::Leg;
use crate::model::profile::oauth::OAuth;
use crate::model::secret::Secret;

/// A refresh under way.
#[derive(Debug, Clone)]
pub struct Refresh {
    profile: Arc<OAuth>,
    target: Url,
    known: Known,
    token: Secret,
    scopes: Vec<String>,
    chance: Chance,
    end: Option<Result<Box<Granted>, Refusal>>,
}

impl Refresh {
    /// Begins with the grant's refresh token and the scopes it has.
    pub fn begin(
        profile: Arc<OAuth>,
        target: Url,
        known: Known,
        token: Secret,
        scopes: Vec<String>,
        chance: Chance,
    ) -> Self {
        Self { profile, target, known, token, scopes, chance, end: None }
    }

    /// What to do next: [`Step::Send`], then [`Step::Done`] or [`Step::Failed`]. `unix` is the time
    /// since 1970: only a signed assertion holds it.
    pub fn step(&self, unix: Duration) -> Step {
        match &self.end {
            Some(Ok(granted)) => return Step::Done(granted.clone()),
            Some(Err(refusal)) => return Step::Failed(refusal.clone()),
            None => {}
        }
        let (Some(server), Some(client)) = (&self.known.server, &self.known.client) else {
            return Step::Failed(self.refused(What::NoClient));
        };
        let found = self.known.resource.as_deref();
        let resource = resource::parameter(&self.profile, found, &self.target);
        let asked = Asked {
            profile: &self.profile,
            client,
            endpoint: &server.token,
            resource: resource.as_deref(),
            occasion: Occasion { unix, jti: &self.chance.jti(0) },
        };
        asked.step(Leg::Refresh, &Ask::Refresh { token: &self.token })
    }

    /// Takes what came of it. A refresh token that is absent from the answer stays the old one.
    pub fn heard(&mut self, heard: &Heard<'_>) {
        let end = match token::heard(heard) {
            Ok(mut tokens) => {
                tokens.refresh.get_or_insert_with(|| self.token.clone());
                let scopes = tokens.scopes.clone().unwrap_or_else(|| self.scopes.clone());
                Ok(Box::new(Granted { tokens, scopes, known: self.known.clone() }))
            }
            Err(what) => Err(self.refused(what)),
        };
        self.end.get_or_insert(end);
    }

    fn refused(&self, what: What) -> Refusal {
        let at = self.known.server.as_ref().map_or(&self.target, |server| &server.token);
        Refusal::new(Leg::Refresh, at, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::sample;
    use crate::protocol::oauth::client::{Authentication, Client, Origin};
    use crate::protocol::oauth::exchange::Lost;
    use crate::protocol::oauth::refusal::Reaction;
    use crate::protocol::oauth::rehearsal::{CHANCE, TARGET, answer, server, url};
    use crate::protocol::oauth::resource::Resource;

    fn refresh(authentication: Authentication) -> Refresh {
        let client = Client {
            id: "c".to_owned(),
            origin: Origin::Registered,
            issuer: "https://as.test".to_owned(),
            authentication,
        };
        let resource = Resource { resource: TARGET.to_owned(), ..Resource::default() };
        let known = Known {
            resource: Some(Arc::new(resource)),
            server: Some(Arc::new(server(""))),
            client: Some(Arc::new(client)),
        };
        let scopes = vec!["read".to_owned()];
        let token = Secret::new("old");
        Refresh::begin(Arc::new(sample::oauth()), url(TARGET), known, token, scopes, CHANCE)
    }

    fn end(heard: impl FnOnce(&mut Refresh)) -> Step {
        let mut refresh = refresh(Authentication::None);
        heard(&mut refresh);
        refresh.step(Duration::ZERO)
    }

    #[test]
    fn what_is_sent() {
        let secret = || Secret::new("s&s");
        let cases = [
            (Authentication::None, "&client_id=c", None),
            (Authentication::SecretPost(secret()), "&client_id=c&client_secret=s%26s", None),
            (Authentication::SecretBasic(secret()), "", Some("Basic YzpzJTI2cw==")),
        ];
        for (authentication, proof, header) in cases {
            let Step::Send(sent) = refresh(authentication).step(Duration::ZERO) else { panic!() };
            assert_eq!(sent.leg, Leg::Refresh);
            assert_eq!(sent.url.as_str(), "https://as.test/token");
            let expected = format!(
                "grant_type=refresh_token&refresh_token=old{proof}&resource=https%3A%2F%2Ftools.test%2Fa%2Fmcp"
            );
            assert_eq!(String::from_utf8(sent.body.clone()).unwrap(), expected);
            let found = sent.headers.get("authorization").map(|it| it.to_str().unwrap().to_owned());
            assert_eq!(found.as_deref(), header);
            assert_eq!(format!("{sent:?}"), "refresh POST https://as.test/token");
        }
    }

    #[test]
    fn a_rotated_token_replaces_the_old_one_and_an_absent_one_does_not() {
        let cases = [
            (r#"{"access_token":"a","refresh_token":"new"}"#, "new", "read"),
            (r#"{"access_token":"a"}"#, "old", "read"),
            (r#"{"access_token":"a","refresh_token":null,"scope":"less"}"#, "old", "less"),
        ];
        for (body, expected, scope) in cases {
            let Step::Done(granted) = end(|it| answer(200, body, |heard| it.heard(heard))) else {
                panic!("{body}")
            };
            assert_eq!(granted.tokens.refresh.unwrap().expose(), expected);
            assert_eq!(granted.scopes, [scope]);
            assert_eq!(granted.known.client.unwrap().id, "c");
        }
    }

    #[test]
    fn what_a_refusal_means() {
        let refused =
            |body: &'static str| move |it: &mut Refresh| answer(400, body, |heard| it.heard(heard));
        let reaction = |step| match step {
            Step::Failed(refusal) => (refusal.leg, refusal.reaction()),
            step => panic!("{step:?}"),
        };
        let dead = end(refused(r#"{"error":"invalid_grant"}"#));
        assert_eq!(reaction(dead), (Leg::Refresh, Reaction::Dead));
        let forgotten = end(refused(r#"{"error":"invalid_client"}"#));
        assert_eq!(reaction(forgotten), (Leg::Refresh, Reaction::Forgotten));
        let lost = end(|it| it.heard(&Heard::Lost(Lost::Cut)));
        assert_eq!(reaction(lost), (Leg::Refresh, Reaction::Later(None)));
    }
}
