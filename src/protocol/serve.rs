//! Our answers to what a server asks.
