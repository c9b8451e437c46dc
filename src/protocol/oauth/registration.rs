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
    let wanted = wanted.and_then(|name| Method::named(&name));
    let listed = server.authentication.as_deref();
    Ok(Client {
        id,
        origin: Origin::Registered,
        issuer: server.issuer.clone(),
        authentication: Authentication::chosen(wanted, listed, secret.as_ref(), None),
    })
}
