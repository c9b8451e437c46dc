//! Asks a person to log in: prints the URL to open, and has the system open it.
#![expect(clippy::disallowed_methods, reason = "BROWSER is read here and handed down")]

use std::sync::Arc;

use super::terminal;
use crate::edge::process;
use crate::engine::realm::Ask;

/// Prints on standard error, whether or not that is a terminal; BROWSER says what opens the page.
pub(super) fn ask() -> Ask {
    let browser = std::env::var("BROWSER").ok();
    Arc::new(move |url| {
        terminal::say(&format!(
            "squall: a person has to log in before the load. If no browser opens, open this on this \
             machine:\n\n{url}\n"
        ));
        process::open(browser.as_deref(), url.as_str());
    })
}
