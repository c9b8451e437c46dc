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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::sample;
    use crate::protocol::oauth::rehearsal::{self, CHANCE};

    fn at(endpoint: &str, scopes: &[&str], resource: Option<&str>) -> String {
        let scopes: Vec<String> = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let endpoint = rehearsal::url(endpoint);
        url(&endpoint, &sample::oauth(), "c d", &CHANCE, &scopes, resource).into()
    }

    #[test]
    fn a_query_that_is_there_stays() {
        let rest = "response_type=code&client_id=c+d\
                    &redirect_uri=http%3A%2F%2F127.0.0.1%3A33418%2Fcallback\
                    &code_challenge=VtX6czP210fbQsI5QH5dpMMvTHnzXQkrE0_TWkAtnFw\
                    &code_challenge_method=S256&state=AgICAgICAgICAgICAgICAg";
        assert_eq!(at("https://as.test/a", &[], None), format!("https://as.test/a?{rest}"));
        assert_eq!(
            at("https://as.test/a?tenant=7&x", &["r", "w"], Some("https://h/mcp")),
            format!("https://as.test/a?tenant=7&x&{rest}&scope=r+w&resource=https%3A%2F%2Fh%2Fmcp")
        );
        assert_eq!(
            at("https://as.test/a", &["r", "offline_access"], None),
            format!("https://as.test/a?{rest}&scope=r+offline_access&prompt=consent")
        );
    }
}
