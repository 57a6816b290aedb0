//! Transports: how a stream of bytes is opened and kept alive. They know sockets and bytes, and nothing of what the
//! bytes say.

pub mod tcp;
