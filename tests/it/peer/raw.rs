//! Questions asked by hand, without any of squall's own code, and what was answered to them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A question, to be sent on a connection of its own.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    patience: Duration,
}

impl Question {
    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path, "").header("accept", "text/event-stream")
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self::new("DELETE", path, "")
    }

    pub(crate) fn post(path: &str, body: &str) -> Self {
        let question = Self::new("POST", path, body);
        let question = question.header("accept", "application/json, text/event-stream");
        question.header("content-type", "application/json")
    }

    fn new(method: &'static str, path: &str, body: &str) -> Self {
        let (path, body) = (path.to_owned(), body.to_owned());
        Self { method, path, body, headers: Vec::new(), patience: Duration::from_secs(30) }
    }

    /// Waits no longer than this for what comes next.
    pub(crate) fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The same at another path.
    pub(crate) fn at(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The answer; of a stream of events it is the first that carries data, and of the stream that
    /// a GET opens only the head.
    pub(crate) fn ask(&self, address: SocketAddr) -> io::Result<Answer> {
        let mut answer = self.opened(address)?;
        answer.text = match (self.method, answer.media()) {
            ("GET", "sse") => String::new(),
            (_, "sse") => answer.event().map_or(String::new(), |(_, data)| data),
            _ => answer.stream.rest()?,
        };
        Ok(answer)
    }

    /// Sends it and reads the head of the answer.
    pub(crate) fn opened(&self, address: SocketAddr) -> io::Result<Answer> {
        let Self { method, path, headers, body, patience } = self;
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(*patience))?;
        let headers: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        write!(
            socket,
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut reader = BufReader::new(socket);
        let head = head(&mut reader)?;
        let is_chunked = header(&head, "transfer-encoding").is_some();
        let stream = Stream(BufReader::new(Body { reader, is_chunked, left: 0, begun: false }));
        Ok(Answer { head, stream, text: String::new() })
    }
}

/// What was answered.
pub(crate) struct Answer {
    head: String,
    stream: Stream,
    /// The body, or the data of the first event.
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        let status = self.head.split(' ').nth(1).and_then(|digits| digits.parse().ok());
        status.unwrap_or_else(|| panic!("no status: {}", self.head))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The media type, in a word.
    pub(crate) fn media(&self) -> &str {
        match self.header("content-type").map(|media| media.split(';').next().unwrap_or(media)) {
            Some("application/json") => "json",
            Some("text/event-stream") => "sse",
            Some("text/html") => "html",
            Some("text/plain") => "text",
            Some(other) => other,
            None => "-",
        }
    }

    /// The next event with data: its name and the data.
    pub(crate) fn event(&mut self) -> Option<(String, String)> {
        self.stream.event().ok().flatten()
    }
}

/// The head of a message, to its empty line; empty at the end of the connection.
pub(super) fn head(reader: &mut impl BufRead) -> io::Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(String::new());
        }
    }
    Ok(head)
}

pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut named = fields.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    named.next().map(|(_, value)| value.trim())
}

/// A body, out of its chunks.
struct Body {
    reader: BufReader<TcpStream>,
    is_chunked: bool,
    left: usize,
    begun: bool,
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !self.is_chunked {
            return self.reader.read(into);
        }
        if self.left == 0 {
            let mut line = String::new();
            if self.begun {
                self.reader.read_line(&mut line)?;
            }
            line.clear();
            self.reader.read_line(&mut line)?;
            self.left = usize::from_str_radix(line.trim_end(), 16).unwrap_or_default();
            self.begun = true;
        }
        let most = into.len().min(self.left);
        let read = self.reader.read(&mut into[..most])?;
        self.left -= read;
        Ok(read)
    }
}

struct Stream(BufReader<Body>);

impl Stream {
    fn event(&mut self) -> io::Result<Option<(String, String)>> {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            match line.trim_end().split_once(':') {
                Some(("event", value)) => value.trim().clone_into(&mut name),
                Some(("data", value)) => data.push_str(value.trim()),
                None if !data.is_empty() => return Ok(Some((name, data))),
                _ => {}
            }
        }
    }

    fn rest(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.0.read_to_string(&mut text)?;
        Ok(text)
    }
}
