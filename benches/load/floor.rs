//! The floors: what fan-out costs if a server does nothing else. A bare epoll loop hands every byte it reads from one
//! connection to all others; it knows no names, no lines, no order, no limits.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// Which floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    /// One `send` for each reader and read.
    Plain,
    /// Everything read in one pass of the loop is sent to each reader at once.
    Coalescing,
}

const LISTENER: Token = Token(usize::MAX);

struct Connection {
    stream: TcpStream,
    /// What the socket did not take.
    owed: VecDeque<u8>,
}

/// Serves until the process is killed, after it has printed its port.
pub fn serve(floor: Floor) -> io::Result<()> {
    let mut listener = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
    println!("127.0.0.1 {}", listener.local_addr()?.port());
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 64 * 1024];
    // what was read in this pass, and from whom
    let mut pass: Vec<u8> = Vec::new();
    let mut parts: Vec<(usize, std::ops::Range<usize>)> = Vec::new();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let token = Token(connections.len());
                    poll.registry().register(&mut stream, token, Interest::READABLE)?;
                    connections.push(Some(Connection { stream, owed: VecDeque::new() }));
                }
                continue;
            }
            let index = event.token().0;
            if event.is_writable()
                && let Some(connection) = &mut connections[index]
                && settle(connection).is_ok_and(|is_settled| is_settled)
            {
                poll.registry().reregister(&mut connection.stream, Token(index), Interest::READABLE)?;
            }
            while let Some(connection) = &mut connections[index] {
                match connection.stream.read(&mut buffer) {
                    Ok(0) => connections[index] = None,
                    Ok(read) => {
                        parts.push((index, pass.len()..pass.len() + read));
                        pass.extend_from_slice(&buffer[..read]);
                        if floor == Floor::Plain {
                            send_pass(&poll, &mut connections, &pass, &parts)?;
                            pass.clear();
                            parts.clear();
                        }
                        // less than there was room for: nothing more is there
                        if read < buffer.len() {
                            break;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => connections[index] = None,
                }
            }
        }
        if !pass.is_empty() {
            send_pass(&poll, &mut connections, &pass, &parts)?;
            pass.clear();
            parts.clear();
        }
    }
}

/// Hands everybody what was read, but nobody what came from themselves.
fn send_pass(
    poll: &Poll,
    connections: &mut [Option<Connection>],
    pass: &[u8],
    parts: &[(usize, std::ops::Range<usize>)],
) -> io::Result<()> {
    let mut own = vec![false; connections.len()];
    parts.iter().for_each(|(from, _)| own[*from] = true);
    for (index, slot) in connections.iter_mut().enumerate() {
        let Some(connection) = slot else { continue };
        if own[index] {
            let others: Vec<u8> = parts
                .iter()
                .filter(|(from, _)| *from != index)
                .flat_map(|(_, part)| &pass[part.clone()])
                .copied()
                .collect();
            send(poll, index, connection, &others)?;
        } else {
            send(poll, index, connection, pass)?;
        }
    }
    Ok(())
}

fn send(poll: &Poll, index: usize, connection: &mut Connection, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    if !connection.owed.is_empty() {
        connection.owed.extend(bytes);
        return Ok(());
    }
    let sent = match connection.stream.write(bytes) {
        Ok(sent) => sent,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(_) => return Ok(()),
    };
    if sent < bytes.len() {
        connection.owed.extend(&bytes[sent..]);
        poll.registry().reregister(&mut connection.stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
    }
    Ok(())
}

/// Sends what is owed; whether that was everything.
fn settle(connection: &mut Connection) -> io::Result<bool> {
    while !connection.owed.is_empty() {
        match connection.stream.write(connection.owed.make_contiguous()) {
            Ok(sent) => drop(connection.owed.drain(..sent)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
