//! What a server's authorization is, for tokens that were got elsewhere: discovery and no more.

use std::sync::Arc;

use super::authorization::{Begin, introduced};
use super::discovery::Discovery;
use super::exchange::{Exchange, Heard};
use super::grant::Known;
use super::refusal::Refusal;

/// A lookup under way.
#[derive(Debug, Clone)]
pub struct Lookup {
    begin: Begin,
    discovery: Discovery,
}

impl Lookup {
    /// Begins with the target and what it said; the client is the one given or known, or that of
    /// the profile's metadata document.
    ///
    /// # Errors
    /// The challenge names a URL that is not gone to.
    pub fn begin(begin: Begin) -> Result<Self, Refusal> {
        let discovery = Discovery::begin(&begin)?;
        Ok(Self { begin, discovery })
    }

    /// What is sent next; `None` at the end.
    pub fn exchange(&self) -> Option<Exchange> {
        self.discovery.exchange()
    }

    /// Takes what came of it; at the end this is what is known. Without a client in it nothing can
    /// be refreshed.
    ///
    /// # Errors
    /// Why it ends here.
    pub fn heard(&mut self, heard: &Heard<'_>) -> Result<Option<Known>, Refusal> {
        Ok(self.discovery.heard(heard)?.map(|(resource, server)| Known {
            client: introduced(&self.begin, &server),
            resource,
            server: Some(Arc::clone(&server)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::sample;
    use crate::protocol::oauth::client::Identity;
    use crate::protocol::oauth::rehearsal::{RESOURCE, SERVER, answer, begin};

    #[test]
    fn it_finds_where_to_refresh_and_sends_nothing_else() {
        let id = "given".to_owned();
        let identity = Arc::new(Identity { id, method: None, secret: None, key: None });
        let begin = Begin { identity: Some(identity), ..begin(sample::oauth()) };
        let mut lookup = Lookup::begin(begin).unwrap();
        let mut found = None;
        for document in [RESOURCE, SERVER] {
            assert!(lookup.exchange().is_some() && found.is_none());
            answer(200, document, |heard| found = lookup.heard(heard).unwrap());
        }
        assert!(lookup.exchange().is_none());
        let known = found.unwrap();
        assert_eq!(known.server.unwrap().token.as_str(), "https://as.test/token");
        assert_eq!(known.client.unwrap().id, "given");
    }
}
