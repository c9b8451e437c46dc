//! One HTTP request at a time, without any of squall's own code.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tokio::net::TcpSocket;

/// The header of a JSON body.
pub(crate) const JSON: &str = "content-type: application/json\r\n";

/// Status and body of an answer; an error when there was none.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> io::Result<(u16, String)> {
    ask_with(address, method, path, JSON, body)
}

/// As [`ask`], with other headers, each with its line break.
pub(crate) fn ask_with(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> io::Result<(u16, String)> {
    let mut stream = sent_with(address, method, path, headers, body)?;
    let status = status_of(&mut stream)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, body.to_owned()))
}

/// Status and head of an answer; `headers` end in a line break each.
pub(crate) fn head(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> io::Result<(u16, String)> {
    let mut stream = sent_with(address, method, path, headers, body)?;
    let status = status_of(&mut stream)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    Ok((status, answer.split("\r\n\r\n").next().unwrap_or_default().to_owned()))
}

/// The status alone: some servers leave the stream of an answer open.
pub(crate) fn status(address: SocketAddr, method: &str, path: &str, body: &str) -> io::Result<u16> {
    status_of(&mut sent(address, method, path, body)?)
}

fn sent(address: SocketAddr, method: &str, path: &str, body: &str) -> io::Result<TcpStream> {
    sent_with(address, method, path, JSON, body)
}

fn sent_with(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         accept: application/json, text/event-stream\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    )?;
    Ok(stream)
}

fn status_of(stream: &mut TcpStream) -> io::Result<u16> {
    let mut line = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut line)?;
    let status = std::str::from_utf8(&line[9..]).ok().and_then(|digits| digits.parse().ok());
    status.ok_or_else(|| io::Error::other(format!("no status: {line:?}")))
}

/// The body of a page that must be there.
#[track_caller]
pub(crate) fn page(address: SocketAddr, path: &str) -> String {
    let (status, body) = ask(address, "GET", path, "").unwrap();
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// An address where nothing listens.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A port of 127.0.0.1 that is given to nobody who asks for any, though a server can listen there.
pub(crate) struct Port(TcpSocket);

impl Port {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        Self(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}
