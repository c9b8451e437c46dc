//! Ctrl-C: squall's, before any library takes it.

/// Another handler is there already.
#[derive(Debug, thiserror::Error)]
#[error("cannot handle Ctrl-C: {0}")]
pub struct SignalsTaken(#[from] ctrlc::Error);

/// Calls `on_signal`, on a thread of its own, at every SIGINT, SIGTERM and SIGHUP.
///
/// To be called before a load starts: goose takes these signals where nobody has, and ends the
/// process at the second one. Works once in a process.
pub fn claim_ctrl_c(on_signal: impl FnMut() + Send + 'static) -> Result<(), SignalsTaken> {
    Ok(ctrlc::set_handler(on_signal)?)
}
