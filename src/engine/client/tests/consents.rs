//! What is said of a consent that comes to nothing, and of servers whose endpoints are guessed.

use super::*;
use crate::engine::realm::{Consenting, Flow};
use crate::engine::rehearsal::authority::{Authority, granted, granted_as, guarded};
use crate::model::event::Refused;
use crate::model::profile::oauth::{OAuth, WithoutResourceMetadata};
use crate::model::secret::Secret;
use crate::protocol::oauth::consent::Act;

/// The page that asks for a name and a password.
const LOGIN: &str = "<form method=post action=/login><input name=user><input name=password \
                     type=password><button>Sign in</button></form>";

fn page(status: u16, body: &str) -> Vec<Do> {
    vec![Do::Write(reply(status, &["content-type: text/html"], body))]
}

fn act(fields: &[(&str, &str)], button: Option<&str>) -> Act {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
    Act { fields: fields.collect(), button: button.map(str::to_owned) }
}

/// Why the first call of a client came to no tokens.
async fn refused(client: &Arc<Client>) -> Refused {
    client.call(ms(0), ASK).await;
    told(client).refused.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_login_page_that_comes_again_is_told_from_one_page_too_many() {
    let login = act(&[("user", "u"), ("password", "hush")], None);
    let allow = act(&[], Some("allow"));
    for (status, acts, expected) in [
        (200, vec![login.clone()], "shows the form again that step 1 of auth.forms filled in"),
        (200, vec![login.clone(), allow], "shows the form again that step 1 of auth.forms filled"),
        (401, vec![login], "answered 401: shows the form again that step 1 of auth.forms filled"),
    ] {
        let server =
            guarded(&Authority::new(3600), move |seen| match seen.path.split('?').next() {
                Some("/authorize") => Some(page(200, LOGIN)),
                Some("/login") => Some(page(status, LOGIN)),
                _ => None,
            });
        let flow = Flow::Code(Consenting::Form(acts));
        let client = Client::new(granted_as(&server, pooled(plain()), Some(flow)), 0);
        let Refused { said, .. } = refused(&client).await;
        assert!(said.contains(expected), "{said}");
        assert!(
            said.contains("(\"password\", \"user\"): it was not taken, as with a wrong"),
            "{said}"
        );
        assert!(!said.contains("hush"), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_where_none_was_expected_names_every_way_to_go_on() {
    let server = guarded(&Authority::new(3600), |seen| {
        seen.path.starts_with("/authorize").then(|| page(200, LOGIN))
    });
    let Refused { said, .. } = refused(&Client::new(granted(&server, pooled(plain())), 0)).await;
    for way in ["\"form\"", "\"command\"", "\"browser\""] {
        assert!(said.contains(way), "{way} in {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_were_guessed_are_said_to_be() {
    let without_resource_metadata = WithoutResourceMetadata::Origin;
    let oauth = OAuth { without_resource_metadata, ..pooled(plain()).oauth };
    let profile = Profile { oauth, ..pooled(plain()) };
    let server = guarded(&Authority::new(3600), |seen| {
        let is_absent = seen.path.contains("/.well-known/") || seen.path == "/register";
        is_absent.then(|| page(404, "not here"))
    });
    let refused = refused(&Client::new(granted(&server, profile), 0)).await;
    let expected = "registration: http://localhost/register answered with a web page, expected JSON: RFC 7591 section 3.2.1; no \
                    metadata were found at \
                    http://localhost/.well-known/oauth-protected-resource/mcp, \
                    http://localhost/.well-known/oauth-protected-resource, \
                    http://localhost/.well-known/oauth-authorization-server: the default paths of \
                    MCP 2025-03-26 were guessed";
    assert_eq!(refused.said, expected);
    assert!(refused.what_to_do.starts_with("serve metadata at one of these URLs"));
}
