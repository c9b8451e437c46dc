//! What an authorization ends with: tokens, and all that a refresh or the next one needs to know.

use std::sync::Arc;

use super::client::Client;
use super::metadata::Server;
use super::resource::Resource;
use super::token::Tokens;

/// What a client knows of a server's authorization. Given to the next authorization, it spares
/// what it holds; a part taken out is asked for again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Metadata of the protected resource; absent also where the server has none.
    pub resource: Option<Arc<Resource>>,
    /// Metadata of the authorization server. Without them everything is discovered anew.
    pub server: Option<Arc<Server>>,
    /// The client as that server knows it. It is never used at another server.
    pub client: Option<Arc<Client>>,
}

/// Tokens, and what was learnt on the way to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The tokens.
    pub tokens: Tokens,
    /// Scopes of the grant: those of the answer, else those asked for.
    pub scopes: Vec<String>,
    /// Everything else.
    pub known: Known,
}
