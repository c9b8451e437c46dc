//! Where squall writes down what is to be put back: the user's state directory.
#![expect(clippy::disallowed_methods, reason = "the environment is read here and handed down")]

use std::env::var_os;
use std::path::PathBuf;

/// `$XDG_STATE_HOME/squall`, else `$HOME/.local/state/squall` (XDG Base Directory Specification 0.8);
/// nothing where neither is an absolute path.
pub(super) fn folder() -> Option<PathBuf> {
    let absolute = |name| var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME");
    let state = state.or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    state.map(|state| state.join("squall"))
}
