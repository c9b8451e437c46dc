//! Server-sent events out of bytes that arrive in any pieces.
//!
//! Rules: WHATWG HTML, section 9.2.6 "Interpreting an event stream". A line that lies whole in a
//! chunk is read in place; only what a chunk's end cuts off is copied, into buffers that live as
//! long as the reader. Every byte is searched once, however the stream is split.
//!
//! ```text
//! chunk   id: 7⏎data: {"a":1}⏎⏎data: {"b
//!         └──── event ──────┘  └─ kept ─┘   the next chunk goes on behind what is kept
//! ```

use memchr::{memchr, memchr2};

const BOM: &[u8] = b"\xEF\xBB\xBF";
/// Buffers that have become larger than this are given back.
const KEPT_BYTES: usize = 64 * 1024;

/// One event of a stream, with data; bytes as sent, UTF-8 not yet checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'r> {
    /// Its name; `message` if the stream gave none.
    pub name: &'r [u8],
    /// Its data lines, joined with LF; never empty.
    pub data: &'r [u8],
    /// The id given within this event, empty if the stream took its ids back.
    pub id: Option<&'r [u8]>,
    /// The reconnection time given within this event, in milliseconds.
    pub retry: Option<u64>,
}

/// A line or an event beyond the bound: the stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than the {limit_bytes} bytes this client reads")]
pub struct TooLarge {
    /// The bound that was exceeded.
    pub limit_bytes: usize,
}

/// Reads one stream, piece by piece.
#[derive(Debug)]
pub struct Reader {
    limit_bytes: usize,
    /// A line whose end has not arrived.
    line: Vec<u8>,
    block: Block,
    last_id: Vec<u8>,
    last_retry: Option<u64>,
    begun: bool,
    /// The last line ended with CR: an LF right behind it belongs to that end.
    after_cr: bool,
    /// The block was handed out as an event and is to be forgotten.
    dispatched: bool,
}

/// The event under way, as far as it is kept.
#[derive(Debug, Default)]
struct Block {
    /// Its data lines are `data[data_from..]`, joined with LF.
    data: Vec<u8>,
    data_from: usize,
    has_data: bool,
    name: Vec<u8>,
    id: Vec<u8>,
    has_id: bool,
    retry: Option<u64>,
}

/// What a line did.
enum Step<'c> {
    /// A field that is kept, a comment, or nothing known.
    Noted,
    /// A data line that lies in the chunk.
    Data(&'c [u8]),
    /// A blank line: the event is whole.
    Dispatch,
}

impl Reader {
    /// A reader for one stream whose lines and events may have `limit_bytes` each.
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            line: Vec::new(),
            block: Block::default(),
            last_id: Vec::new(),
            last_retry: None,
            begun: false,
            after_cr: false,
            dispatched: false,
        }
    }

    /// The next event, taken off the front of `chunk`; `None` once the chunk is used up. What an
    /// event leaves in `chunk` is to be given again; an event that never ends is never told.
    ///
    /// # Errors
    /// [`TooLarge`] for a line, or the data of an event, beyond the bound.
    pub fn next<'r, 'c: 'r>(
        &'r mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<Event<'r>>, TooLarge> {
        if std::mem::take(&mut self.dispatched) {
            self.block.clear();
        }
        // The only data line so far, while the chunk it lies in is at hand.
        let mut in_place: Option<&'c [u8]> = None;
        while let Some(step) = self.step(chunk, in_place.map_or(0, <[u8]>::len))? {
            match step {
                Step::Noted => {}
                Step::Data(line) if in_place.is_none() && !self.block.has_data => {
                    in_place = Some(line);
                }
                Step::Data(line) => {
                    self.block.keep(in_place.take());
                    self.block.keep(Some(line));
                }
                Step::Dispatch => {
                    self.take_id();
                    if in_place.is_some_and(|data| !data.is_empty()) || self.block.len() > 0 {
                        self.dispatched = true;
                        return Ok(Some(self.event(in_place)));
                    }
                    in_place = None;
                    self.block.clear();
                }
            }
        }
        self.block.keep(in_place);
        Ok(None)
    }

    /// The id to resume behind, given by the last block that ended, with data or without; `None`
    /// if there is none or the stream took it back.
    pub fn last_event_id(&self) -> Option<&[u8]> {
        (!self.last_id.is_empty()).then_some(&*self.last_id)
    }

    /// Makes the event that was told last one that never came: a stream is resumed before it.
    pub fn take_back(&mut self) {
        if self.dispatched && std::mem::take(&mut self.block.has_id) {
            std::mem::swap(&mut self.last_id, &mut self.block.id);
        }
    }

    /// What is kept of a line or block that has not ended, as memory in bytes.
    pub fn kept(&self) -> usize {
        let Block { data, name, id, .. } = &self.block;
        let all = [&self.line, &self.last_id, data, name, id];
        all.into_iter().map(Vec::capacity).sum()
    }

    /// Whether what came last is the beginning of an event, and not its end.
    pub fn is_within(&self) -> bool {
        self.block.has_data || self.line.first().is_some_and(|first| *first != b':')
    }

    /// The reconnection time last asked for, in milliseconds.
    pub const fn retry(&self) -> Option<u64> {
        self.last_retry
    }

    /// Takes one line off the chunk and reads it; keeps it and gives `None` if its end is missing.
    fn step<'c>(
        &mut self,
        chunk: &mut &'c [u8],
        in_place_bytes: usize,
    ) -> Result<Option<Step<'c>>, TooLarge> {
        if self.after_cr && !chunk.is_empty() {
            self.after_cr = false;
            *chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
        }
        let end = memchr2(b'\n', b'\r', chunk);
        let line = &chunk[..end.unwrap_or(chunk.len())];
        if in_place_bytes + self.block.len() + self.line.len() + line.len() > self.limit_bytes {
            return Err(TooLarge { limit_bytes: self.limit_bytes });
        }
        let Some(end) = end else {
            self.line.extend_from_slice(line);
            *chunk = &[];
            return Ok(None);
        };
        self.after_cr = chunk[end] == b'\r';
        *chunk = &chunk[end + 1..];
        if self.line.is_empty() {
            return Ok(Some(self.read(line)));
        }
        self.line.extend_from_slice(line);
        Ok(Some(self.read_kept()))
    }

    /// Reads a line that lies whole in the chunk.
    fn read<'c>(&mut self, line: &'c [u8]) -> Step<'c> {
        let line = if self.begun { line } else { line.strip_prefix(BOM).unwrap_or(line) };
        self.begun = true;
        if line.is_empty() {
            return Step::Dispatch;
        }
        let data = self.block.field(line);
        self.last_retry = self.block.retry.or(self.last_retry);
        data.map_or(Step::Noted, Step::Data)
    }

    /// Reads the line that arrived in pieces. As the first data line it becomes the data by an
    /// exchange of buffers, so that a large event is copied once.
    fn read_kept(&mut self) -> Step<'static> {
        let mut line = std::mem::take(&mut self.line);
        let step = match self.read(&line) {
            Step::Noted => Step::Noted,
            Step::Dispatch => Step::Dispatch,
            Step::Data(value) if self.block.has_data => {
                self.block.keep(Some(value));
                Step::Noted
            }
            Step::Data(value) => {
                self.block.data_from = line.len() - value.len();
                self.block.has_data = true;
                std::mem::swap(&mut line, &mut self.block.data);
                Step::Noted
            }
        };
        emptied(&mut line);
        self.line = line;
        step
    }

    /// An id counts once its block ended, also without data. The one before stays in the block.
    fn take_id(&mut self) {
        if self.block.has_id {
            std::mem::swap(&mut self.last_id, &mut self.block.id);
        }
    }

    fn event<'r>(&'r self, in_place: Option<&'r [u8]>) -> Event<'r> {
        let block = &self.block;
        Event {
            name: if block.name.is_empty() { b"message" } else { &block.name },
            data: in_place.unwrap_or(&block.data[block.data_from..]),
            id: block.has_id.then_some(&*self.last_id),
            retry: block.retry,
        }
    }
}

/// Empties a buffer for what comes next; one that has become large is given back.
fn emptied(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEPT_BYTES { *buffer = Vec::new() } else { buffer.clear() }
}

impl Block {
    /// Bytes of data kept.
    fn len(&self) -> usize {
        self.data.len() - self.data_from
    }

    fn keep(&mut self, line: Option<&[u8]>) {
        let Some(line) = line else { return };
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(line);
    }

    fn clear(&mut self) {
        emptied(&mut self.data);
        self.data_from = 0;
        self.has_data = false;
        emptied(&mut self.name);
        self.has_id = false;
        self.retry = None;
    }

    /// Notes the field of a line; gives the value, the line's end, if it is data.
    fn field<'l>(&mut self, line: &'l [u8]) -> Option<&'l [u8]> {
        let colon = memchr(b':', line);
        let name = &line[..colon.unwrap_or(line.len())];
        let value = colon.map_or(&line[line.len()..], |colon| &line[colon + 1..]);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => return Some(value),
            b"event" => {
                emptied(&mut self.name);
                self.name.extend_from_slice(value);
            }
            b"id" if memchr(0, value).is_none() => {
                emptied(&mut self.id);
                self.id.extend_from_slice(value);
                self.has_id = true;
            }
            b"retry" => self.retry = milliseconds(value).or(self.retry),
            _ => {}
        }
        None
    }
}

/// Digits only; more of them than a `u64` holds count as no value.
fn milliseconds(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures_util::{StreamExt, stream};
    use proptest::prelude::*;

    /// Name, data, id, retry.
    type Told = (String, String, Option<String>, Option<u64>);

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn told(event: Event<'_>) -> Told {
        (text(event.name), text(event.data), event.id.map(text), event.retry)
    }

    fn feed(reader: &mut Reader, mut chunk: &[u8], events: &mut Vec<Told>) -> Result<(), TooLarge> {
        while let Some(event) = reader.next(&mut chunk)? {
            events.push(told(event));
        }
        Ok(())
    }

    /// Last id and reconnection time.
    type End = Result<(Option<String>, Option<u64>), TooLarge>;

    /// Everything a reader tells about a stream cut at `cuts`, and its state at the end.
    fn read(bytes: &[u8], cuts: &[usize], limit: usize) -> (Vec<Told>, End) {
        let mut reader = Reader::new(limit);
        let mut events = Vec::new();
        let mut from = 0;
        for &cut in cuts.iter().chain([&bytes.len()]) {
            if let Err(error) = feed(&mut reader, &bytes[from..cut], &mut events) {
                return (events, Err(error));
            }
            from = cut;
        }
        (events, Ok((reader.last_event_id().map(text), reader.retry())))
    }

    #[test]
    fn an_event_that_is_taken_back_is_resumed_before() {
        let cases: &[(&[u8], Option<&str>)] = &[
            (b"id: 0\ndata:\n\nid: 1\ndata: x\n\n", Some("0")),
            (b"id: 0\ndata:\n\ndata: x\n\n", Some("0")),
            (b"id: 1\ndata: x\n\n", None),
            (b"id: 0\ndata: w\n\nid\ndata: x\n\n", Some("0")),
        ];
        for &(mut stream, id) in cases {
            let mut reader = Reader::new(100);
            while reader.next(&mut stream).unwrap().is_some_and(|event| event.data != b"x") {}
            reader.take_back();
            reader.take_back();
            assert_eq!(reader.last_event_id().map(text).as_deref(), id);
            let mut next: &[u8] = b"data: y\n\n";
            assert_eq!(reader.next(&mut next).unwrap().map(told), Some(message("y")));
            assert_eq!(reader.last_event_id().map(text).as_deref(), id);
        }
    }

    fn message(data: &str) -> Told {
        ("message".into(), data.into(), None, None)
    }

    #[test]
    fn streams_as_servers_send_them() {
        let with_id = |data: &str, id: &str| (message(data).0, data.into(), Some(id.into()), None);
        let named = |name: &str, data: &str| (name.to_owned(), data.to_owned(), None, None);
        let cases: &[(&str, &str, Vec<Told>, Option<&str>)] = &[
            ("one line", "data: x\n\n", vec![message("x")], None),
            ("no blank after the colon", "data:x\n\n", vec![message("x")], None),
            ("only one blank is dropped", "data:  x\n\n", vec![message(" x")], None),
            ("CR", "data: x\r\rdata: y\r\r", vec![message("x"), message("y")], None),
            ("CRLF", "data: x\r\n\r\ndata: y\r\n\r\n", vec![message("x"), message("y")], None),
            ("mixed ends", "data: x\r\n\ndata: y\n\r\n", vec![message("x"), message("y")], None),
            ("several lines", "data: a\ndata:\ndata: c\n\n", vec![message("a\n\nc")], None),
            ("one BOM", "\u{feff}data: x\n\n", vec![message("x")], None),
            ("a second BOM is a name", "\u{feff}\u{feff}data: x\n\n", vec![], None),
            ("a BOM later is a name", "\n\u{feff}data: x\n\n", vec![], None),
            ("comments", ": ping\n\n:\ndata: x\n: y\n\n", vec![message("x")], None),
            ("unterminated", "data: x\n\ndata: y\n", vec![message("x")], None),
            ("unterminated id", "id: 1\ndata: x\n\nid: 2\n", vec![with_id("x", "1")], Some("1")),
            ("priming event", "id: 0/1\nretry: 3000\ndata:\n\n", vec![], Some("0/1")),
            ("id without data line", "id: 5\n\n", vec![], Some("5")),
            ("id taken back", "id: 5\n\nid\ndata: x\n\n", vec![with_id("x", "")], None),
            ("id with NUL", "id: 5\n\nid: a\0b\ndata: x\n\n", vec![message("x")], Some("5")),
            ("id lives on", "id: 5\n\ndata: x\n\n", vec![message("x")], Some("5")),
            ("name", "event: endpoint\ndata: /m\n\n", vec![named("endpoint", "/m")], None),
            ("name without data", "event: a\n\ndata: x\n\n", vec![message("x")], None),
            ("empty name", "event: a\nevent:\ndata: x\n\n", vec![message("x")], None),
            ("field without colon", "data\ndata\n\n", vec![message("\n")], None),
            ("unknown field", "datum: y\ndata: x\n data: z\n\n", vec![message("x")], None),
            ("colon in the data", "data: a: b\n\n", vec![message("a: b")], None),
        ];
        for (what, stream, events, id) in cases {
            let (found, end) = read(stream.as_bytes(), &[], 1000);
            assert_eq!(&found, events, "{what}");
            assert_eq!(end.unwrap().0.as_deref(), *id, "{what}");
        }
    }

    #[test]
    fn retry_is_digits_only() {
        let cases = [
            ("retry: 3000", Some(3000)),
            ("retry:0", Some(0)),
            ("retry: -1", None),
            ("retry: 1.5", None),
            ("retry: 1s", None),
            ("retry:", None),
            ("retry: 99999999999999999999999", None),
            ("retry: 7\nretry: x", Some(7)),
        ];
        for (line, retry) in cases {
            let (_, end) = read(format!("{line}\ndata\n\n").as_bytes(), &[], 100);
            assert_eq!(end.unwrap().1, retry, "{line}");
        }
        let (events, _) = read(b"retry: 9\ndata: x\n\ndata: y\n\n", &[], 100);
        assert_eq!(events.iter().map(|event| event.3).collect::<Vec<_>>(), [Some(9), None]);
    }

    #[test]
    fn the_caller_may_stop_and_go_on() {
        let mut reader = Reader::new(100);
        let mut chunk: &[u8] = b"data: 1\n\ndata: 2\n\ndata: 3";
        assert_eq!(reader.next(&mut chunk).unwrap().unwrap().data, b"1");
        assert_eq!(chunk, b"data: 2\n\ndata: 3");
        assert_eq!(reader.next(&mut chunk).unwrap().unwrap().data, b"2");
        assert_eq!(reader.next(&mut chunk).unwrap(), None);
        assert!(chunk.is_empty());
        let mut chunk: &[u8] = b"3\n\n";
        assert_eq!(reader.next(&mut chunk).unwrap().unwrap().data, b"33");
    }

    #[test]
    fn a_whole_event_is_not_copied() {
        let stream = b"id: 1\nevent: message\ndata: {\"a\":1}\n\n".to_vec();
        let mut chunk = &*stream;
        let mut reader = Reader::new(100);
        let event = reader.next(&mut chunk).unwrap().unwrap();
        assert!(stream.as_ptr_range().contains(&event.data.as_ptr()));
    }

    #[test]
    fn what_a_large_event_took_is_given_back() {
        let mut reader = Reader::new(10 * KEPT_BYTES);
        let (large, mut events) = ("x".repeat(5 * KEPT_BYTES), Vec::new());
        for field in ["data", "id", "event", ""] {
            feed(&mut reader, format!("{field}: {large}").as_bytes(), &mut events).unwrap();
            assert!(reader.kept() > 5 * KEPT_BYTES, "{field}");
            feed(&mut reader, b"\n\n", &mut events).unwrap();
            feed(&mut reader, b"id: 1\nevent: a\ndata: x\n\n", &mut events).unwrap();
            feed(&mut reader, b"id: 2\n\n", &mut events).unwrap();
            assert!(reader.kept() <= 5 * KEPT_BYTES, "{field}: {}", reader.kept());
        }
    }

    #[test]
    fn lines_and_events_are_bounded() {
        let cases = [
            ("line", "data: 1234\n\n", 10, true),
            ("line too long", "data: 12345\n\n", 10, false),
            ("event", "data: 1\ndata: 2\n\n", 8, true),
            ("event too long", "data: 1\ndata: 2\ndata: 3\n\n", 8, false),
            ("comment too long", ": 123456789\n", 10, false),
            ("many comments", ": 1234\n: 1234\n: 1234\n", 10, true),
            ("many events", "data: 1\n\ndata: 2\n\ndata: 3\n\n", 10, true),
        ];
        for (what, stream, limit, fits) in cases {
            assert_eq!(read(stream.as_bytes(), &[], limit).1.is_ok(), fits, "{what}");
        }
    }

    /// Streams of fields, junk and every kind of line end.
    fn streams() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => Just("data: ".to_owned()),
            1 => Just("data".to_owned()),
            2 => Just("id: ".to_owned()),
            1 => Just("event: ".to_owned()),
            1 => Just("retry: 12".to_owned()),
            1 => Just(": ".to_owned()),
            1 => Just("\u{feff}".to_owned()),
            1 => Just("\0".to_owned()),
            4 => "[a-zé{}\":0-9 ]{0,12}",
            4 => Just("\n".to_owned()),
            2 => Just("\r".to_owned()),
            2 => Just("\r\n".to_owned()),
            4 => Just("\n\n".to_owned()),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
    }

    /// Blocks with data, as the well-tried crate reads them.
    fn oracle(stream: &[u8]) -> Vec<Told> {
        let body = stream::iter([Ok::<_, std::io::Error>(Bytes::copy_from_slice(stream))]);
        let blocks = sse_stream::SseByteStream::new(body).map(Result::unwrap).collect::<Vec<_>>();
        let blocks = futures_util::FutureExt::now_or_never(blocks).unwrap();
        let told = blocks.into_iter().filter_map(|block| {
            let name = block.event.filter(|name| !name.is_empty());
            let data = block.data.filter(|data| !data.is_empty())?;
            Some((name.unwrap_or_else(|| "message".into()), data, block.id, block.retry))
        });
        told.collect()
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(
            stream in streams(),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
            limit in 5usize..200,
        ) {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.sort_unstable();
            let whole = read(&stream, &[], limit);
            prop_assert_eq!(&read(&stream, &cuts, limit), &whole);
            let bytes: Vec<_> = (0..stream.len()).collect();
            prop_assert_eq!(&read(&stream, &bytes, limit), &whole);
        }

        #[test]
        fn it_reads_as_another_reader_does(stream in streams()) {
            prop_assert_eq!(read(&stream, &[], usize::MAX).0, oracle(&stream));
        }
    }
}
