//! squall: load testing for remote MCP servers.
//!
//! This file is the floor plan of the house. A floor uses only the floors its line names, and
//! `tests/it/architecture.rs` reads the sources and holds every file to it. Time, sockets, files,
//! environment, terminal and processes are touched in `edge` and `cli` only; clippy holds that.

/// Values, never actions: no I/O, no clock. Uses nothing of ours.
pub mod model {
    pub mod address;
    pub mod arguments;
    pub mod behaviour;
    pub mod chance;
    pub mod damage;
    pub mod distribution;
    pub mod duration;
    pub mod event;
    pub mod fault;
    pub mod figure;
    pub mod finding;
    pub mod histogram;
    pub mod leg;
    pub mod limit_probe;
    pub mod metrics;
    pub mod nonce;
    pub mod operation;
    pub mod outcome;
    pub mod outlook;
    pub mod pace;
    pub mod plan;
    pub mod probe;
    pub mod profile;
    pub mod rate;
    pub mod report;
    pub mod secret;
    pub mod summary;
    pub mod threshold;
    pub mod trial;
}

/// The scenario file as its author writes it, and every mistake it can contain. Uses `model`.
pub mod scenario {
    pub mod auth;
    pub mod authorization;
    pub mod behaviours;
    pub mod checks;
    pub mod clients;
    pub mod declared;
    pub mod document;
    pub mod environment;
    pub mod expect;
    pub mod faults;
    pub mod generator;
    pub mod key;
    pub mod limits;
    pub mod load;
    pub mod log;
    pub mod metrics;
    pub mod mistake;
    pub mod nearest;
    pub mod overrides;
    pub mod practice;
    pub mod profile;
    pub mod profiles;
    pub mod rate_limit;
    mod reach;
    pub mod read;
    pub mod reader;
    #[cfg(test)]
    mod rehearsal;
    pub mod research;
    pub mod scalar;
    pub mod schema;
    pub mod source;
    pub mod stages;
    pub mod target;
    pub mod tools;
    pub mod trials;
    pub mod written;

    pub use read::{Input, keys, read};
}

/// MCP and SSE as bytes in, values out; no I/O. Uses `model`.
pub mod protocol {
    pub mod answer;
    pub mod ask;
    pub mod course;
    pub mod era;
    pub mod exposition;
    pub mod http_sse;
    pub mod introduction;
    pub mod json;
    pub mod legacy;
    pub(crate) mod marked;
    pub mod media;
    pub mod message;
    pub mod modern;
    pub mod oauth;
    pub mod output;
    pub mod progress;
    pub mod results;
    pub mod serve;
    pub mod sse;
    pub mod throttle;
}

/// The world: clock, sockets, files, processes. Uses `model`.
pub mod edge {
    pub mod certificate;
    pub mod clock;
    pub mod dial;
    pub mod files;
    pub mod health;
    pub mod held;
    pub mod loopback;
    pub mod mark;
    pub mod net;
    pub mod process;
    pub mod scratch;
    pub mod tls;
}

/// Decides what must hold, event by event; pure. Uses `model`.
pub mod judge {
    pub mod checks;
    mod contrast;
    mod flow;
    mod middlebox;
    pub mod rate_limit;
    pub mod readiness;
    pub mod recovery;
    mod rule;
    mod said;
    pub mod spoilt;
    pub mod storm;
    pub mod tokens;
    mod trend;
    pub mod trials;
}

/// The network misbehaving, and clients. Uses `model`, `edge`, the seams of `engine`.
pub mod chaos {
    pub mod across;
    pub mod collection;
    pub mod hook;
    pub mod lane;
    pub mod outside;
    pub mod path;
    pub mod pipe;
    pub mod prepare;
    pub mod proxy;
    pub mod restore;
    pub mod state;
    pub mod toxic;
    pub mod toxiproxy;
    pub mod toxiproxy_api;
    pub mod weather;
}

/// Users and connections. Uses `model`, `protocol`, `edge`.
pub mod engine {
    pub mod client;
    pub mod control;
    pub mod crowd;
    pub mod gate;
    pub mod grant;
    pub mod half_open;
    pub mod holder;
    pub mod legs;
    pub mod mailbox;
    pub mod realm;
    pub mod recorder;
    #[cfg(test)]
    pub(crate) mod rehearsal;
    pub mod session;
    pub mod sources;
    pub mod stop;
    mod trials;
    pub mod user;
    pub mod weather;
    pub mod wire;
}

/// The practice target: a small real MCP server. Uses `model`, `protocol`, `edge`.
pub mod practice {
    pub mod answer;
    pub(crate) mod asks;
    pub mod authorization;
    pub(crate) mod calls;
    pub(crate) mod cancelling;
    pub mod catalogue;
    pub mod client;
    pub(crate) mod connections;
    pub mod era;
    pub mod exhibits;
    pub(crate) mod flawed;
    pub mod full;
    pub(crate) mod http_sse;
    pub mod id;
    mod idle;
    pub mod inquiry;
    pub mod knobs;
    mod left;
    pub(crate) mod legacy;
    mod limiter;
    pub mod metrics;
    pub(crate) mod mixups;
    pub(crate) mod modern;
    #[cfg(test)]
    pub(crate) mod rehearsal;
    pub mod replay;
    pub mod request;
    pub mod response;
    pub mod seal;
    pub mod server;
    pub mod sessions;
    pub mod stream;
    pub mod tools;
    pub(crate) mod voice;
    pub mod workers;
}

/// A report drawn; each file one pure function. Uses `model`.
pub mod render {
    pub mod chart;
    pub mod completion;
    pub mod drawing;
    pub mod faults;
    pub mod finding;
    pub mod gist;
    pub mod grants;
    pub mod health;
    pub mod html;
    pub mod junit;
    pub mod live;
    pub mod markdown;
    pub mod outlook;
    pub mod percentile;
    pub mod planned;
    pub mod png;
    pub mod probe;
    pub mod profiles;
    pub mod rate_limits;
    pub mod split;
    pub mod text;
    pub mod visible;
}

/// One whole undertaking, joined. Uses all of the above but `render`.
pub mod conduct {
    mod aside;
    pub mod before;
    mod beside;
    pub mod choice;
    pub mod conformance;
    mod described;
    mod diagnosis;
    pub mod endpoint;
    pub mod failure;
    #[cfg(test)]
    mod faithful;
    mod grants;
    pub(crate) mod health;
    mod kept;
    pub(crate) mod load;
    mod login;
    mod look;
    pub(crate) mod metrics;
    mod outside;
    mod person;
    pub mod probe;
    pub mod run;
    pub mod unreachable;
    pub mod watch;
}

/// The command line: terminal, signals, exit codes. Uses every floor.
pub mod cli {
    pub mod args;
    pub mod chaos;
    pub mod check;
    pub mod conformance;
    mod login;
    pub mod manual;
    pub mod plan;
    pub mod probe;
    pub mod profiles;
    pub mod report;
    pub mod restore;
    pub mod run;
    pub mod schema;
    pub mod serve;
    pub mod signals;
    mod state;
    pub mod stdout;
    pub mod terminal;
}
