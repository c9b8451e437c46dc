//! squall as its users meet it: the real binary, real sockets, real servers, and its sources.
#![expect(clippy::disallowed_methods, reason = "tests touch the world without ceremony")]
#![expect(clippy::print_stderr, reason = "what a failed start said belongs to the test's output")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod architecture;
mod before;
mod beside;
mod browser;
mod certificates;
mod chaos;
mod check;
mod check_defects;
mod chromium;
mod closed;
mod conformance;
mod defects;
mod expiring;
mod faults;
mod fuzz;
mod haproxy;
mod hostile;
mod hostile_http2;
mod http;
mod licences;
mod live;
mod manual;
mod memory;
mod mischief;
mod nginx;
mod oauth;
mod outside;
mod peer;
mod peers;
mod person;
mod practice;
mod practice_auth;
mod probe;
mod profiles;
mod rate_limit;
mod receipts;
mod refusals;
mod report;
mod resets;
mod schema;
mod secrets;
mod shut_out;
mod signals;
mod squall;
mod storm;
mod storm_defects;
mod stranger;
mod target_without_annotations;
mod tls;
mod token_checks;
mod token_defects;
mod workflow;
