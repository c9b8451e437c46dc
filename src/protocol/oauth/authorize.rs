//! The URL at which a person consents (RFC 6749, section 4.1.1; RFC 7636, section 4.3).

use url::Url;

use super::chance::Chance;
use super::scope::OFFLINE_ACCESS;
use super::token::scope_text;
use crate::model::profile::oauth::OAuth;

/// The authorization endpoint with everything the client asks; a query it already has stays.
pub(super) fn url(
    endpoint: &Url,
    profile: &OAuth,
    client_id: &str,
    chance: &Chance,
    scopes: &[String],
    resource: Option<&str>,
) -> Url {
    let mut url = endpoint.clone();
    let prompts = profile.prompt_consent && scopes.iter().any(|scope| scope == OFFLINE_ACCESS);
    let mut query = url.query_pairs_mut();
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", &profile.callback)
        .append_pair("code_challenge", &chance.challenge())
        .append_pair("code_challenge_method", "S256")
        .append_pair("state", &chance.state());
    if let Some(scope) = scope_text(scopes) {
        query.append_pair("scope", &scope);
    }
    if prompts {
        query.append_pair("prompt", "consent");
    }
    if let Some(resource) = resource {
        query.append_pair("resource", resource);
    }
    drop(query);
    url
}
