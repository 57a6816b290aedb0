//! Dialects: how commands and events are written on the wire. Each knows one format, and none knows sockets, actors
//! or the other dialects. [`sniff`] tells them apart by a peer's first bytes, and [`foreign`] answers those who speak
//! none of them.

pub mod foreign;
pub mod sniff;
pub mod text;
