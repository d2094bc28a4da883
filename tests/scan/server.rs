//! Servers on loopback, honest and not, that a test opens and that end with the test's process.

use std::{
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

/// A loopback address that no other process that runs these tests uses.
pub(crate) fn address(last: u8) -> Ipv4Addr {
    let [.., high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 | high & 63, low, last)
}

/// How often a server was called, or what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<AtomicUsize>);

impl Asked {
    pub(crate) fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn once_more(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A TCP server. Each conversation has a thread of its own, and what goes wrong in it is the other end's affair.
pub(crate) fn tcp(
    address: Ipv4Addr,
    port: u16,
    talk: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> Asked {
    let listener = TcpListener::bind((address, port)).unwrap();
    let (asked, talk) = (Asked::default(), Arc::new(talk));
    let count = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            count.once_more();
            let talk = Arc::clone(&talk);
            thread::spawn(move || talk(stream));
        }
    });
    asked
}

/// A UDP server, and every question that it was asked.
pub(crate) fn udp(
    address: Ipv4Addr,
    port: u16,
    answer: impl Fn(&UdpSocket, &[u8], SocketAddr) -> io::Result<()> + Send + 'static,
) -> Arc<Mutex<Vec<Vec<u8>>>> {
    let socket = UdpSocket::bind((address, port)).unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&asked);
    thread::spawn(move || {
        let mut bytes = vec![0; 65_535];
        while let Ok((length, from)) = socket.recv_from(&mut bytes) {
            keep.lock().unwrap().push(bytes[..length].to_vec());
            let _ = answer(&socket, &bytes[..length], from);
        }
    });
    asked
}

/// Reads what is asked: up to an empty line, or whatever came at once.
pub(crate) fn question(stream: &mut impl io::Read) -> io::Result<Vec<u8>> {
    let (mut all, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut part)?;
        all.extend_from_slice(&part[..length]);
        let is_request = all.starts_with(b"GET ") || all.starts_with(b"POST ");
        if length == 0 || !is_request || all.windows(4).any(|four| four == b"\r\n\r\n") {
            return Ok(all);
        }
    }
}

/// Says something, then hears the other end out.
pub(crate) fn say(mut stream: TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    hear_out(stream)
}

/// Says that nothing more is said, and waits for the other end to end.
pub(crate) fn hear_out(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown(std::net::Shutdown::Write)?;
    io::copy(&mut stream, &mut io::sink()).map(drop)
}

/// Never says anything, and never hangs up.
pub(crate) fn silent(mut stream: TcpStream) -> io::Result<()> {
    io::copy(&mut stream, &mut io::sink()).map(drop)
}

/// Says `first`, then the same again and again for as long as anybody listens.
pub(crate) fn endless(
    first: &'static [u8],
    piece: Vec<u8>,
    every: Duration,
) -> impl Fn(TcpStream) -> io::Result<()> {
    move |mut stream| {
        let mut reading = stream.try_clone()?;
        thread::spawn(move || io::copy(&mut reading, &mut io::sink()));
        stream.write_all(first)?;
        loop {
            stream.write_all(&piece)?;
            thread::sleep(every);
        }
    }
}

/// Answers each request by what `page` makes of its path: everything from the status line on.
pub(crate) fn web(
    page: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
) -> impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static {
    move |mut stream| {
        let asked = question(&mut stream)?;
        if !asked.starts_with(b"GET ") {
            return say(stream, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
        stream.write_all(&page(&path(&asked)))?;
        hear_out(stream)
    }
}

fn path(asked: &[u8]) -> String {
    let line = String::from_utf8_lossy(asked);
    line.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// A page with these header lines and this body, its length told.
pub(crate) fn page(headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// A web server inside TLS with a certificate of `fixtures/networks/keys`.
pub(crate) fn secure(
    certificate: &str,
    version: &'static SupportedProtocolVersion,
    answer: impl Fn(&mut dyn io::Write, &str) -> io::Result<()> + Send + Sync + 'static,
) -> impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static {
    let file = |name: &str| format!("fixtures/networks/keys/{name}");
    let chain = CertificateDer::from_pem_file(file(&format!("{certificate}.crt"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("simulation.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    let config = Arc::new(config);
    move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut inside = StreamOwned::new(connection, stream);
        let asked = question(&mut inside)?;
        answer(&mut inside, &path(&asked))?;
        inside.conn.send_close_notify();
        inside.flush()?;
        hear_out(inside.sock)
    }
}

/// Breaks the conversation off.
pub(crate) fn reset(stream: &TcpStream) -> io::Result<()> {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

/// A gibibyte of nothing in a mebibyte: a block that stands for a mebibyte, again and again.
pub(crate) fn bomb() -> Vec<u8> {
    let mut packer = flate2::Compress::new(flate2::Compression::best(), false);
    let mut block = Vec::with_capacity(8 << 10);
    let emptiness = vec![b'a'; 1 << 20];
    packer.compress_vec(&emptiness, &mut block, flate2::FlushCompress::Full).unwrap();
    assert!(packer.total_in() == 1 << 20 && block.len() < 2048, "{} bytes", block.len());
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    bomb.extend(block.repeat(1024));
    bomb
}
