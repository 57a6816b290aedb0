//! TCP sockets: listening, and the options of an accepted connection. What only some systems have is behind `cfg`
//! here and nowhere else.

use std::io;
use std::net::SocketAddr;

use log::debug;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};

use crate::config::Config;

/// Opens a listening socket. Must be called inside a runtime.
///
/// An IPv6 address listens to IPv6 only, so that peers keep their own kind of address and each family can be had or
/// left out by itself.
///
/// # Errors
/// Those of the system: the port is in use, the address is not this machine's, the family does not exist here.
pub fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // a restarted server takes its port back at once; elsewhere than on Unix the option means something else
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

/// Accepts a connection and sets its options: no delay of small writes, and the ways to find out that the other side is
/// gone ([`Config::keepalive`], [`Config::user_timeout`]), and a short queue in the kernel ([`Config::unsent`]).
///
/// # Errors
/// Those of accepting. Without its options a connection still works, and if it is broken, reading from it will tell.
pub async fn accept(listener: &TcpListener, config: &Config) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = listener.accept().await?;
    if let Err(error) = configure(&stream, config) {
        debug!("peer={peer} {error}");
    }
    Ok((stream, peer))
}

fn configure(stream: &TcpStream, config: &Config) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = config.keepalive;
    if !keepalive.idle.is_zero() {
        let options = TcpKeepalive::new().with_time(keepalive.idle).with_interval(keepalive.interval);
        #[cfg(not(windows))]
        let options = options.with_retries(keepalive.count);
        socket.set_tcp_keepalive(&options)?;
    }
    #[cfg(target_os = "linux")]
    if !config.user_timeout.is_zero() {
        socket.set_tcp_user_timeout(Some(config.user_timeout))?;
    }
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    if config.unsent > 0 {
        socket.set_tcp_notsent_lowat(config.unsent)?;
    }
    Ok(())
}

/// Has the kernel acknowledge now what was read, if it waits for something to go along with, and wait again the next time: it
/// would acknowledge some reads before they return, which takes as long as to send something. Linux and Android only.
pub(super) fn send_ack(stream: &TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let socket = SockRef::from(stream);
        if let Err(error) = socket.set_tcp_quickack(true).and_then(|()| socket.set_tcp_quickack(false)) {
            debug!("cannot acknowledge what was read: {error}");
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = stream;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[actix_rt::test]
    async fn an_accepted_connection_has_its_options() {
        let config = Config::default();
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into(), config.backlog).unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = accept(&listener, &config).await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(stream.nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_keepalive_time().unwrap(), config.keepalive.idle);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), config.keepalive.interval);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), config.keepalive.count);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(config.user_timeout));
            assert_eq!(socket.tcp_notsent_lowat().unwrap(), config.unsent);
        }
    }
}
