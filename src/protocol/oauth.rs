//! OAuth as MCP clients do it: bytes in, values out; no I/O, no clock.
//!
//! Three machines say what to send and are told what came: [`authorization`] carries a user from a
//! 401 to tokens, [`refresh`] from a refresh token to new ones, [`client_credentials`] a program
//! without a user; [`lookup`] only finds out where tokens from elsewhere are refreshed. Everything
//! else here is what they are made of.
//!
//! ```text
//! 401 ── Challenge ──► resource metadata ──► authorization-server metadata
//!                                                     │
//!   Tokens ◄── token endpoint ◄── callback ◄── consent ◄── client identity
//! ```
//!
//! Rules: MCP specification, basic/authorization (2025-03-26 to 2026-07-28); RFC 6749, 7523, 7591,
//! 7636, 8252, 8414, 8707, 9207, 9728. How strict a client is, is a value of its profile.

pub mod assertion;
pub mod audience;
pub mod authorization;
pub mod authorize;
pub mod callback;
pub mod challenge;
pub mod chance;
pub mod client;
pub mod client_credentials;
pub mod consent;
pub mod discovery;
pub mod endpoint;
pub mod exchange;
pub mod grant;
pub mod lookup;
pub mod metadata;
pub mod reading;
pub mod refresh;
pub mod refusal;
pub mod registration;
#[cfg(test)]
pub(crate) mod rehearsal;
pub mod resource;
pub mod saved;
pub mod scope;
pub mod token;
