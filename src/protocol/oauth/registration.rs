//! Dynamic registration: the body that the profile's client sends, and its answers (RFC 7591).

use serde_json::{Value, json};
use url::Url;

use super::client::{Authentication, Client, Method, Origin};
use super::exchange::{Exchange, Response};
use super::metadata::{self, Server, text};
use super::refusal::What;
use super::token;
use crate::model::leg::Leg;
use crate::model::profile::oauth::{Member, OAuth, RegistrationAuthentication};
use crate::model::secret::Secret;

const RULE: &str = "RFC 7591 section 3.2.1";

/// The request to register, for these scopes.
pub(super) fn request(
    profile: &OAuth,
    server: &Server,
    target: &Url,
    endpoint: &Url,
    scopes: &[String],
) -> Exchange {
    let body = body(profile, server, target, scopes).into_bytes();
    Exchange::post(
        Leg::Registration,
        endpoint.clone(),
        &profile.user_agent,
        &profile.token_headers,
        ("application/json", body),
    )
}

/// Members in the profile's own order, as some servers have logged and compared them.
fn body(profile: &OAuth, server: &Server, target: &Url, scopes: &[String]) -> String {
    let members = profile.registration_body.iter().filter_map(|&member| {
        let value = match member {
            Member::RedirectUris => json!([profile.callback]),
            Member::TokenEndpointAuthMethod => json!(method(profile, server).name()),
            Member::GrantTypes => json!(["authorization_code", "refresh_token"]),
            Member::ResponseTypes => json!(["code"]),
            Member::Scope => Value::String(token::scope_text(scopes)?),
            Member::ClientName => {
                let host = target.host_str().unwrap_or_default();
                Value::String(profile.client_name.replace("{server}", host))
            }
            Member::ApplicationType => json!(profile.application_type.name()),
        };
        Some(format!("\"{}\":{value}", member.name()))
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// How it asks to be known at the token endpoint.
fn method(profile: &OAuth, server: &Server) -> Method {
    let listed = server.authentication.as_deref();
    match (profile.registration_authentication, listed) {
        (RegistrationAuthentication::None, _) | (_, None) => Method::None,
        (RegistrationAuthentication::Supported, Some(listed)) => {
            let lists = |method: &Method| listed.iter().any(|name| name == method.name());
            let order = [Method::None, Method::SecretBasic, Method::SecretPost];
            order.into_iter().find(lists).unwrap_or(Method::None)
        }
    }
}

/// Reads the answer: 201, or 200 as some servers have it.
pub(super) fn read(response: &Response<'_>, server: &Server) -> Result<Client, What> {
    if !(200..300).contains(&response.status) {
        return Err(token::refused(response, RULE));
    }
    let document = metadata::document(response, RULE)?;
    let id = text(&document, "client_id").ok_or(What::Missing("client_id", RULE))?;
    let secret = text(&document, "client_secret").map(Secret::new);
    let wanted = text(&document, "token_endpoint_auth_method");
    let listed = server.authentication.as_deref().filter(|listed| !listed.is_empty());
    let lists = |name: &String| listed.is_none_or(|listed| listed.contains(name));
    // What the server does not support it cannot have meant (TypeScript SDK, client/auth.ts).
    let wanted = wanted.filter(lists).and_then(|name| Method::named(&name));
    Ok(Client {
        id,
        origin: Origin::Registered,
        issuer: server.issuer.clone(),
        authentication: Authentication::chosen(wanted, listed, secret.as_ref(), None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::sample;
    use crate::model::profile::oauth::ApplicationType;
    use crate::protocol::oauth::rehearsal::{headers, server, url};

    fn scopes(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// The registration of hosted Claude captured on 9 August 2026, byte for byte.
    #[test]
    fn the_body_is_the_one_that_was_captured() {
        let profile = OAuth {
            callback: "https://claude.ai/api/mcp/auth_callback".to_owned(),
            registration_authentication: RegistrationAuthentication::None,
            client_name: "Claude".to_owned(),
            application_type: ApplicationType::Web,
            ..sample::oauth()
        };
        let target = url("https://tools.test/mcp");
        let found = body(&profile, &server(""), &target, &scopes(&["read", "write"]));
        assert_eq!(
            found,
            r#"{"redirect_uris":["https://claude.ai/api/mcp/auth_callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"scope":"read write","client_name":"Claude","application_type":"web"}"#
        );
        let members = vec![Member::ClientName, Member::Scope];
        let client_name = "Claude Code ({server})".to_owned();
        let other = OAuth { registration_body: members, client_name, ..profile };
        let found = body(&other, &server(""), &target, &[]);
        assert_eq!(found, r#"{"client_name":"Claude Code (tools.test)"}"#);
    }

    #[test]
    fn it_asks_for_what_is_supported() {
        let cases = [
            ("", "none"),
            (
                r#""token_endpoint_auth_methods_supported":["client_secret_post"],"#,
                "client_secret_post",
            ),
            (
                r#""token_endpoint_auth_methods_supported":["client_secret_post","client_secret_basic"],"#,
                "client_secret_basic",
            ),
            (r#""token_endpoint_auth_methods_supported":["client_secret_basic","none"],"#, "none"),
            (r#""token_endpoint_auth_methods_supported":["tls_client_auth"],"#, "none"),
        ];
        for (more, expected) in cases {
            assert_eq!(method(&sample::oauth(), &server(more)).name(), expected, "{more}");
        }
    }

    #[test]
    fn answers_are_taken_with_tolerance() {
        let heard = |status, body: &str| {
            let headers = headers(&[]);
            let response = Response { status, headers: &headers, body: body.as_bytes() };
            read(&response, &server(""))
        };
        let cases = [
            (201, r#"{"client_id":"c"}"#, Method::None),
            (200, r#"{"client_id":"c","client_secret":null,"scope":null}"#, Method::None),
            (201, r#"{"client_id":"c","client_secret":"s"}"#, Method::SecretBasic),
            (
                201,
                r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":0,
                    "token_endpoint_auth_method":"client_secret_post"}"#,
                Method::SecretPost,
            ),
            (
                201,
                r#"{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"none"}"#,
                Method::None,
            ),
            (
                201,
                r#"{"client_id":"c","token_endpoint_auth_method":"client_secret_basic"}"#,
                Method::None,
            ),
        ];
        for (status, body, expected) in cases {
            let client = heard(status, body).unwrap();
            assert_eq!(client.authentication.method(), expected, "{body}");
            assert_eq!((client.id.as_str(), client.issuer.as_str()), ("c", "https://as.test"));
            assert_eq!(client.origin, Origin::Registered);
        }
        let wrong = [
            (400, r#"{"error":"invalid_redirect_uri"}"#, "refused: invalid_redirect_uri"),
            (
                400,
                r#"{"error":"invalid_client_metadata","error_description":"no"}"#,
                "refused: invalid_client_metadata (no)",
            ),
            (429, r#"{"error":"too_many_requests"}"#, "answered 429 and asks to wait"),
            (403, "", "answered 403: RFC 7591 section 3.2.1"),
            (201, "{}", "answered without a usable \"client_id\": RFC 7591 section 3.2.1"),
        ];
        for (status, body, expected) in wrong {
            assert_eq!(heard(status, body).unwrap_err().to_string(), expected, "{body}");
        }
    }
}
