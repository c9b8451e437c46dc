//! The modern era: what a server says it speaks and offers, and the stream of its changes.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::Client;
use super::connect::{Opening, Refusal};
use super::post::{Answered, Cost, Lent, Question};
use crate::engine::session::{Footing, Offers, Session, Speech, first_id};
use crate::model::operation::Operation;
use crate::model::outcome::{Outcome, Rule};
use crate::protocol::answer::{Head, Session as Named};
use crate::protocol::introduction::Introduction;
use crate::protocol::message::Id;
use crate::protocol::modern::discover::DiscoverResult;
use crate::protocol::modern::result::Reply;
use crate::protocol::modern::write::{self, Meta};
use crate::protocol::modern::{self, Revision};

/// What a server says of itself.
struct Discovery;
impl Lent for Discovery {
    type Of<'a> = Reply<'a, DiscoverResult<'a>>;
}

/// What a server that speaks our revision offers.
struct Discovered {
    offers: Offers,
    server: String,
}

impl Client {
    /// Asks what the server speaks: there is nothing more to a connect of this era.
    pub(super) async fn discover(
        self: &Arc<Self>,
        revision: Revision,
        cost: &Cost,
    ) -> Result<(Session, Opening), Refusal> {
        let profile = &self.common.profile;
        let id = first_id(profile.ids);
        let meta = self.meta(revision);
        let mut body = Vec::with_capacity(512);
        write::discover(&mut body, Id::Number(id), meta.bytes());
        let footing = Footing {
            headers: self.modern_headers(revision),
            named: Named::Unnamed,
            speech: Speech::Modern(Arc::new(meta)),
        };
        let question = Question {
            operation: Operation::Discover,
            footing: &footing,
            also: vec![(
                HeaderName::from_static(modern::METHOD_HEADER),
                HeaderValue::from_static("server/discover"),
            )],
            id: Some(id),
            body,
            deadline: self.common.wire.clock.now() + profile.connect_timeout,
            cost,
            is_call: false,
        };
        let judge = |_: &Head<'_>, reply: Reply<'_, DiscoverResult<'_>>| {
            self.discovered(revision, reply)
        };
        let answered = self.ask::<Discovery, Discovered, _>(question, judge).await;
        let Answered { value: Some(discovered), .. } = answered else {
            return Err(Refusal::said(Operation::Discover, answered));
        };
        let Discovered { offers, server } = discovered;
        let session = Session::new(footing, None, offers, profile.ids);
        Ok((session, Opening { version: revision.name(), server }))
    }

    fn discovered(
        &self,
        revision: Revision,
        reply: Reply<'_, DiscoverResult<'_>>,
    ) -> (Outcome, Option<Discovered>) {
        let Reply::Complete(complete) = reply else {
            return (Outcome::Violation(Rule::UnknownResultType), None);
        };
        let operation = Operation::Discover;
        if !complete.is_typed {
            self.violated(Rule::MissingResultType, operation, "resultType is missing".to_owned());
        }
        if !complete.cache.are_complete() {
            let said = "ttlMs or cacheScope is missing".to_owned();
            self.violated(Rule::MissingCacheHints, operation, said);
        }
        let result = complete.result;
        if result.common(&[revision]).is_none() {
            return (Outcome::Violation(Rule::UnknownVersion), None);
        }
        let offers = Offers {
            resources: result.capabilities.resources,
            prompts: result.capabilities.prompts,
            completions: result.capabilities.completions,
        };
        let server = result.server.map(|server| format!("{} {}", server.name, server.version));
        (Outcome::Ok, Some(Discovered { offers, server: server.unwrap_or_default() }))
    }

    /// What every request says of this client.
    fn meta(&self, revision: Revision) -> Meta {
        let profile = &self.common.profile;
        Meta::new(&Introduction {
            protocol_version: revision.name(),
            capabilities: &profile.capabilities,
            client_name: &profile.identity.client_name,
            client_version: &profile.identity.client_version,
        })
    }

    /// Identity headers and those of every request of a revision.
    fn modern_headers(&self, revision: Revision) -> HeaderMap {
        let mut headers = self.common.headers.clone();
        for (name, value) in modern::constant_headers(revision) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }
}
