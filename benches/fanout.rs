//! How long a line takes from one member to the last of N others, over real loopback sockets.
//!
//! `cargo bench --bench fanout`. Beside papo, in the same group and run, stands a floor: a bare loop that writes the same
//! bytes to N sockets with one `write` each, and knows no names, no order, no limits. What counts is the ratio of
//! the two; the times are those of the machine. The codec and the registry are measured by themselves.
#![allow(
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark may panic; criterion's macro makes an undocumented item"
)]

use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use actix_rt::System;
use bytes::BytesMut;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use papo::chat::name::Name;
use papo::chat::registry::{Registry, SessionId};
use papo::config::{Config, Listen};
use papo::dialect::text::codec::TextCodec;
use papo::room::ChatRoom;
use papo::server::Server;
use tokio_util::codec::Decoder;

/// How many read.
const READERS: [usize; 3] = [10, 100, 1000];
/// What is said: 64 bytes with the line end.
const LINE: &str = "abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz 123456789\n";
/// What the others read.
const DELIVERED: &str = "Ana: abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz 123456789\n";

/// One who speaks and many who read.
struct Crowd {
    speaker: TcpStream,
    readers: Vec<TcpStream>,
}

impl Crowd {
    /// Says the line, and waits until everybody has read it.
    fn say(&mut self) {
        let mut delivered = [0; DELIVERED.len()];
        self.speaker.write_all(LINE.as_bytes()).expect("the server reads");
        for reader in &mut self.readers {
            reader.read_exact(&mut delivered).expect("the server writes");
        }
        debug_assert_eq!(delivered, DELIVERED.as_bytes());
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("a TCP socket");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a TCP socket");
    stream
}

/// A papo of its own, in a thread that ends with the process.
fn start_papo() -> SocketAddr {
    let (tell, address) = mpsc::channel();
    thread::spawn(move || {
        let system = System::new();
        let ended = system.stop_future();
        system.block_on(async move {
            let listen = vec![Listen::Address(([127, 0, 0, 1], 0).into())];
            // all connections come from one address, and send as fast as they can
            let free = Config { rate: 0, rate_bytes: 0, ..Config::default() };
            let config = Config { listen, max_per_address: 0, max_new_per_address: 0, ..free };
            let server = Server::bind(config).expect("a free port");
            tell.send(server.addresses()[0]).expect("the benchmark waits");
            let _running = server.start(ChatRoom::default());
            ended.await
        })
    });
    address.recv().expect("a server")
}

fn papo_crowd(readers: usize) -> Crowd {
    let address = start_papo();
    let join = |name: &str| {
        let mut stream = connect(address);
        writeln!(stream, "{name}").expect("the server reads");
        let mut welcome = String::new();
        BufReader::with_capacity(1, &stream).read_line(&mut welcome).expect("the server writes");
        assert!(welcome.starts_with("Bem-vindo"), "{welcome}");
        stream
    };
    let mut readers: Vec<TcpStream> = (0..readers).map(|i| join(&format!("leitor{i}"))).collect();
    let speaker = join("Ana");
    // the last notice that each of them is owed
    let last = "Ana entrou no chat.\n";
    for reader in &mut readers {
        let mut seen = String::new();
        let mut lines = BufReader::with_capacity(1, reader);
        while seen != last {
            seen.clear();
            lines.read_line(&mut seen).expect("the server writes");
        }
    }
    Crowd { speaker, readers }
}

/// The floor: reads from one socket and writes to all others.
fn floor_crowd(readers: usize) -> Crowd {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a listener");
    let mut far_ends = Vec::new();
    let mut accept = || {
        let near = connect(address);
        let (far, _) = listener.accept().expect("a connection");
        far.set_nodelay(true).expect("a TCP socket");
        far_ends.push(far);
        near
    };
    let speaker = accept();
    let readers = (0..readers).map(|_| accept()).collect();
    thread::spawn(move || {
        let (speaker, readers) = far_ends.split_first_mut().expect("at least one");
        let mut line = [0; LINE.len()];
        while speaker.read_exact(&mut line).is_ok() {
            for reader in readers.iter_mut() {
                if reader.write_all(DELIVERED.as_bytes()).is_err() {
                    return;
                }
            }
        }
    });
    Crowd { speaker, readers }
}

fn fanout(c: &mut Criterion) {
    // two ends of every connection are in this process
    rlimit::increase_nofile_limit(u64::MAX).expect("a limit of open files");
    let mut group = c.benchmark_group("fanout");
    for readers in READERS {
        group.throughput(Throughput::Elements(readers as u64));
        for (server, crowd) in [("floor", floor_crowd as fn(usize) -> Crowd), ("papo", papo_crowd)] {
            let mut crowd = crowd(readers);
            group.bench_function(BenchmarkId::new(server, readers), |b| b.iter(|| crowd.say()));
        }
    }
    group.finish();
}

fn codec(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec");
    let lines = LINE.repeat(1000);
    group.throughput(Throughput::Bytes(lines.len() as u64));
    group.bench_function("decode 1000 lines", |b| {
        b.iter_batched(
            || (TextCodec::new(4096, 0), BytesMut::from(lines.as_str())),
            |(mut codec, mut buffer)| {
                while let Ok(Some(line)) = codec.decode(&mut buffer) {
                    black_box(line);
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn registry(c: &mut Criterion) {
    let mut group = c.benchmark_group("registry");
    let names: Vec<Name> = (0..1000).map(|i| Name::parse(&format!("João_{i}")).expect("a name")).collect();
    let mut full = Registry::default();
    for (id, name) in (0..).zip(&names) {
        full.join(SessionId(id), name.clone()).expect("a free name");
    }
    group.bench_function("find one of 1000", |b| b.iter(|| full.find(black_box(&names[500]))));
    group.bench_function("leave and join among 1000", |b| {
        b.iter(|| {
            let name = full.leave(SessionId(500)).expect("a member");
            full.join(SessionId(500), name)
        });
    });
    group.bench_function("parse a name", |b| b.iter(|| Name::parse(black_box("João_da_Silva"))));
    group.bench_function("parse a name in ASCII", |b| b.iter(|| Name::parse(black_box("Maria_da_Silva"))));
    let too_long = "a\u{303}".repeat(1000);
    group.bench_function("refuse 3,000 bytes", |b| b.iter(|| Name::parse(black_box(&too_long))));
    group.finish();
}

criterion_group!(benches, fanout, codec, registry);
criterion_main!(benches);
