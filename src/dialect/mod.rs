//! Dialects: how commands and events are written on the wire. Each knows one format, and none knows sockets, actors
//! or the other dialects.

pub mod text;
