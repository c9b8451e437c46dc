//! The documents that discovery finds. (RFC 9728, RFC 8414, `OpenID` Connect Discovery 1.0.)

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::super::http_sse::STREAM_PATH;
use super::super::response::{empty, page};
use super::Authority;
use super::clients::{GRANT_TYPES, Method};
use super::identity::ALGORITHMS;
use super::place::Place;
use crate::model::plan::{Defect, Way};

pub(super) const RESOURCE: &str = "/.well-known/oauth-protected-resource";
pub(super) const SERVER: &str = "/.well-known/oauth-authorization-server";
pub(super) const OPENID: &str = "/.well-known/openid-configuration";

/// Longer than anybody should read: twice a mebibyte.
const OVERSIZED_BYTES: usize = 2 << 20;
const HTML: &str = "<!doctype html><html><title>Sign in</title><p>Please sign in.</p></html>";

impl Authority {
    /// A document, as it is or as a defect has it.
    pub(super) fn document(&self, document: &Value, path: &str) -> Response {
        let has = |defect| self.knobs.has(defect);
        if has(Defect::MetadataHtml) {
            return page("text/html; charset=utf-8", HTML);
        }
        if has(Defect::MetadataLoops)
            && let Ok(path) = HeaderValue::from_str(path)
        {
            let mut response = empty(StatusCode::FOUND);
            response.headers_mut().insert(header::LOCATION, path);
            return response;
        }
        let mut text = document.to_string();
        if has(Defect::MetadataOversized) {
            text.insert_str(1, &format!("\"padding\":\"{}\",", "x".repeat(OVERSIZED_BYTES)));
        }
        page("application/json", text)
    }

    /// The protected resource's, at this path.
    pub(super) fn resource_metadata(&self, place: &Place, path: &str) -> Value {
        let other = self.knobs.has(Defect::MetadataOtherResource);
        let resource = if other { "https://other.example/mcp".to_owned() } else { place.at(path) };
        json!({
            "resource": resource,
            "authorization_servers": [place.issuer()],
            "scopes_supported": self.knobs.scopes,
            "bearer_methods_supported": ["header"],
            "resource_name": "the practice target",
        })
    }

    /// The path of the resource that the root form speaks of.
    pub(super) fn first_resource(&self) -> &'static str {
        let has_mcp = self.speaks.has(Way::Legacy) || self.speaks.has(Way::Modern);
        if has_mcp { "/mcp" } else { STREAM_PATH }
    }

    /// The authorization server's.
    pub(super) fn server_metadata(&self, place: &Place) -> Value {
        let methods: Vec<_> = Method::WORDS.iter().map(|(word, _)| *word).collect();
        let mut document = json!({
            "issuer": place.issuer(),
            "authorization_endpoint": place.endpoint("/authorize"),
            "token_endpoint": place.endpoint("/token"),
            "revocation_endpoint": place.endpoint("/revoke"),
            "jwks_uri": place.endpoint("/jwks"),
            "scopes_supported": self.knobs.scopes,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": GRANT_TYPES,
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS.map(|(word, _)| word),
            "revocation_endpoint_auth_methods_supported": methods,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": self.knobs.documents,
            // OpenID Connect Discovery 1.0 section 3 demands these.
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        if self.knobs.registration {
            document["registration_endpoint"] = json!(place.endpoint("/register"));
        }
        for (defect, name, value) in [
            (Defect::MetadataOtherIssuer, "issuer", "https://other.example"),
            (Defect::MetadataPrivateAddress, "token_endpoint", "http://10.0.0.1/token"),
            (Defect::MetadataPlainHttp, "token_endpoint", "http://other.example/token"),
        ] {
            if self.knobs.has(defect) {
                document[name] = json!(value);
            }
        }
        document
    }
}
