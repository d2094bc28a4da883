//! A TLS client as a layer of a conversation: whoever is at the other end is accepted, and nobody trusted.
//!
//! It neither resumes nor shows a certificate, and it takes no secret of ours anywhere: what is said inside is what
//! anyone may ask.

use std::{
    fmt,
    io::{ErrorKind, Read as _, Write as _},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ProtocolVersion, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
    time_provider::TimeProvider,
};

use crate::wire::tls::{self, Flight, SERVER_HELLO};

/// How much of a server's first flight is kept to find its hello in, in bytes.
const MOST_KEPT: usize = 8 << 10;

/// How many certificates of a chain are shown.
const MOST_CERTIFICATES: usize = 4;

/// How much clear text one piece of ciphertext may make, in bytes.
const MOST_CLEAR: usize = 64 << 10;

/// What clients are made of.
pub(super) struct Clients {
    /// For HTTP and what hides in it.
    web: Arc<ClientConfig>,
    /// For everything else.
    plain: Arc<ClientConfig>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

impl Clients {
    /// Clients that accept every certificate.
    pub(super) fn new() -> Self {
        let provider = Arc::new(ring::default_provider());
        let schemes = provider.signature_verification_algorithms.supported_schemes();
        let config = |alpn: &[&[u8]]| {
            let builder =
                ClientConfig::builder_with_details(Arc::clone(&provider), Arc::new(NoClock));
            let mut config = builder
                .with_safe_default_protocol_versions()
                .expect("the provider has suites for TLS 1.2 and 1.3")
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(schemes.clone())))
                .with_no_client_auth();
            config.resumption = Resumption::disabled();
            config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
            Arc::new(config)
        };
        Self { web: config(&[b"http/1.1"]), plain: config(&[]) }
    }

    /// A client that begins. `name` is the server's, where it is known.
    pub(super) fn begin(
        &self,
        web: bool,
        address: std::net::IpAddr,
        name: Option<&str>,
    ) -> Option<Layer> {
        let named = name.and_then(|name| ServerName::try_from(name.to_owned()).ok());
        let server = named.unwrap_or_else(|| ServerName::IpAddress(address.into()));
        let config = if web { &self.web } else { &self.plain };
        let connection = ClientConnection::new(Arc::clone(config), server).ok()?;
        Some(Layer { connection, first: Vec::new(), began: false })
    }
}

/// One client.
pub(super) struct Layer {
    connection: ClientConnection,
    /// What the server said first, until the handshake is over.
    first: Vec<u8>,
    /// The handshake is over.
    began: bool,
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer").field("began", &self.began).finish_non_exhaustive()
    }
}

/// What came of a piece of ciphertext.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Goes to the other end.
    pub(super) out: Vec<u8>,
    /// What the other end said in clear.
    pub(super) clear: Vec<u8>,
    /// The handshake has just ended; what may be said begins now.
    pub(super) begins: bool,
    /// The other end ended the stream, or the two do not understand each other.
    pub(super) ended: bool,
}

impl Layer {
    /// What goes to the other end now.
    pub(super) fn out(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while self.connection.wants_write() {
            if self.connection.write_tls(&mut out).is_err() {
                break;
            }
        }
        out
    }

    /// Encrypts.
    pub(super) fn say(&mut self, clear: &[u8]) -> Vec<u8> {
        // It fails only where its own buffer is full, and what is said is small.
        let _ = self.connection.writer().write_all(clear);
        self.out()
    }

    /// Says goodbye.
    pub(super) fn close(&mut self) -> Vec<u8> {
        self.connection.send_close_notify();
        self.out()
    }

    /// Decrypts.
    pub(super) fn heard(&mut self, bytes: &[u8]) -> Heard {
        let mut heard = Heard::default();
        if !self.began {
            let room = MOST_KEPT.saturating_sub(self.first.len());
            self.first.extend(bytes.iter().take(room));
        }
        let mut rest = bytes;
        while !rest.is_empty() && !heard.ended {
            let taken = self.connection.read_tls(&mut rest);
            let understood = self.connection.process_new_packets();
            heard.ended = !matches!(taken, Ok(1..)) || understood.is_err();
            self.drain(&mut heard);
        }
        if !self.began && !self.connection.is_handshaking() {
            self.began = true;
            heard.begins = true;
        }
        heard.out = self.out();
        heard
    }

    fn drain(&mut self, heard: &mut Heard) {
        let mut reader = self.connection.reader();
        let mut part = [0; 4096];
        loop {
            match reader.read(&mut part) {
                Ok(length @ 1..) if heard.clear.len() < MOST_CLEAR => {
                    heard.clear.extend(part.iter().take(length));
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(_) | Err(_) => heard.ended = true,
            }
            return;
        }
    }

    /// Whether the handshake is over.
    pub(super) fn has_begun(&self) -> bool {
        self.began
    }

    /// The server's hello and certificates in the form of TLS 1.2, where they were encrypted.
    pub(super) fn hidden_certificate(&mut self) -> Option<Vec<u8>> {
        let first = std::mem::take(&mut self.first);
        if self.connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
            return None;
        }
        let flight = Flight::parse(&first, MOST_KEPT).ok()?;
        let hello = flight.messages().find(|message| message.kind == SERVER_HELLO)?;
        let length = hello.is_whole().then(|| hello.length + 4)?;
        let chain: Vec<&[u8]> =
            self.connection.peer_certificates()?.iter().map(AsRef::as_ref).collect();
        let chain = chain.get(..MOST_CERTIFICATES).unwrap_or(&chain);
        Some(tls::show(flight.handshake.get(..length)?, chain))
    }
}

/// Accepts every certificate: who answers is what is to be found out.
#[derive(Debug)]
struct Anybody(Vec<SignatureScheme>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
}

/// No certificate is judged by its dates, so that no clock is needed.
#[derive(Debug)]
struct NoClock;

impl TimeProvider for NoClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::ZERO))
    }
}
