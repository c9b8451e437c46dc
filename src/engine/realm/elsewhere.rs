//! Ways that only checks go: to a token for another resource, and to a registration and no further.

use std::sync::Arc;

use super::{Realm, Way, way};
use crate::engine::grant::Standing;
use crate::engine::legs::Journey;
use crate::model::leg::Leg;
use crate::model::profile::oauth::{OAuth, ResourceParameter};
use crate::protocol::oauth::authorization::{Authorization, Begin, Step};
use crate::protocol::oauth::challenge::Challenge;
use crate::protocol::oauth::grant::{Granted, Known};
use crate::protocol::oauth::refusal::{Refusal, What};
use crate::protocol::oauth::resource::Resource;

impl Realm {
    /// Tokens for another resource, of the authorization server that is known by now.
    ///
    /// # Errors
    /// The leg it ended at, and why: `invalid_target` where it issues no such token.
    pub async fn authorise_elsewhere(
        &self,
        journey: &mut Journey,
        resource: &str,
        standing: Standing,
    ) -> Result<Granted, Refusal> {
        let Standing { known, .. } = standing;
        if known.server.is_none() {
            let said = "led to no authorization server, so there is none to ask for another token";
            return Err(Refusal::new(Leg::Discovery, &self.target, What::Consent(said.to_owned())));
        }
        let scopes = known.resource.as_ref().map(|known| known.scopes.clone());
        let elsewhere = Resource {
            resource: resource.to_owned(),
            servers: Vec::new(),
            scopes: scopes.unwrap_or_default(),
        };
        let known = Known { resource: Some(Arc::new(elsewhere)), ..known };
        // What metadata name is sent as it stands.
        let profile = OAuth { resource: ResourceParameter::Named, ..(*self.oauth).clone() };
        let begin = self.begin(Challenge::default(), Vec::new(), known);
        let begin = Begin { profile: Arc::new(profile), ..begin };
        let way = self.way(begin)?;
        self.go(journey, way).await
    }

    /// Registers a new client, whatever the profile has instead, and asks for no token.
    ///
    /// # Errors
    /// The leg it ended at, and why.
    pub async fn register(&self, journey: &mut Journey) -> Result<(), Refusal> {
        let profile = OAuth { metadata_document: None, ..(*self.oauth).clone() };
        let begin = self.begin(Challenge::default(), Vec::new(), Known::default());
        let begin = Begin { profile: Arc::new(profile), identity: None, ..begin };
        let mut way = Way::Authorization(Box::new(Authorization::begin(begin)));
        loop {
            match way.step() {
                Step::Done(_) | Step::Consent(_) => return Ok(()),
                Step::Failed(refusal) => return Err(way::hidden(refusal, journey)),
                Step::Send(exchange) => {
                    let came = self.send(journey, exchange).await?;
                    way.heard(&way::heard(&came));
                }
            }
        }
    }
}
