//! JSON written straight into a request's body: nothing is built in between.

use serde_json::{Map, Value};

/// A string as JSON text, with quotes.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => {
                let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain_from..]);
    out.push(b'"');
}

/// A whole number as JSON text.
pub fn number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// An object as JSON text.
pub fn map(out: &mut Vec<u8>, map: &Map<String, Value>) {
    // Values and text keys always serialise, and a vector takes every byte.
    if serde_json::to_writer(&mut *out, map).is_err() {
        out.extend_from_slice(b"{}");
    }
}

/// An object under way: each member brings its own comma.
#[derive(Debug)]
pub struct Members<'o> {
    out: &'o mut Vec<u8>,
    begun_at: usize,
}

impl<'o> Members<'o> {
    /// Opens an object.
    pub fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        let begun_at = out.len();
        Self { out, begun_at }
    }

    /// Names the next member, whose value is to be appended to what this gives; `name` needs no
    /// escapes.
    pub fn member(&mut self, name: &str) -> &mut Vec<u8> {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// As [`Members::member`], with a name that may need escapes.
    pub fn text_member(&mut self, name: &str) -> &mut Vec<u8> {
        self.separate();
        string(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// Appends whole members written elsewhere; none is fine.
    pub fn members(&mut self, written: &[u8]) {
        if !written.is_empty() {
            self.separate();
            self.out.extend_from_slice(written);
        }
    }

    /// Whether it has no member yet.
    pub fn is_empty(&self) -> bool {
        self.out.len() == self.begun_at
    }

    /// Closes the object.
    pub fn end(self) {
        self.out.push(b'}');
    }

    fn separate(&mut self) {
        if !self.is_empty() {
            self.out.push(b',');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn members_are_separated() {
        let written = |write: &dyn Fn(&mut Members<'_>)| {
            let mut out = b"[".to_vec();
            let mut object = Members::begin(&mut out);
            write(&mut object);
            object.end();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(&|_| {}), "[{}");
        assert_eq!(written(&|object| number(object.member("a"), 1)), r#"[{"a":1"#.to_owned() + "}");
        let three = written(&|object| {
            number(object.member("a"), -1);
            object.members(b"");
            object.members(br#""b":{},"c":[]"#);
            string(object.member("d"), "e");
        });
        assert_eq!(three, r#"[{"a":-1,"b":{},"c":[],"d":"e"}"#);
    }

    proptest! {
        #[test]
        fn strings_read_back(text in any::<String>()) {
            let mut out = Vec::new();
            string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
