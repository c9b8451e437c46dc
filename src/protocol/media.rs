//! What an answer's `Content-Type` promises, as far as an MCP client cares.

const KNOWN: [(&[u8], Media); 4] = [
    (b"application/json", Media::Json),
    (b"text/event-stream", Media::EventStream),
    (b"text/html", Media::Html),
    (b"", Media::Absent),
];

/// The media type of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/json`: one message.
    Json,
    /// `text/event-stream`: events.
    EventStream,
    /// `text/html`: a page of a proxy or a framework.
    Html,
    /// Any other type.
    Other,
    /// No `Content-Type` at all, or an empty one.
    Absent,
}

impl Media {
    /// The words of evidence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::EventStream => "text/event-stream",
            Self::Html => "text/html",
            Self::Other => "another media type",
            Self::Absent => "no media type",
        }
    }

    /// Reads the header, if there is one.
    pub fn of(content_type: Option<&http::HeaderValue>) -> Self {
        Self::parse(content_type.map(http::HeaderValue::as_bytes))
    }

    /// Reads a header value: case and parameters do not matter (RFC 9110, section 8.3.1).
    pub fn parse(content_type: Option<&[u8]>) -> Self {
        let value = content_type.unwrap_or_default();
        let essence = value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        let known = KNOWN.iter().find(|(name, _)| essence.eq_ignore_ascii_case(name));
        known.map_or(Self::Other, |&(_, media)| media)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_parameters_do_not_matter() {
        let cases = [
            (Some("application/json"), Media::Json),
            (Some("Application/JSON; charset=utf-8"), Media::Json),
            (Some(" application/json ;charset=\"a;b\""), Media::Json),
            (Some("text/event-stream;charset=UTF-8"), Media::EventStream),
            (Some("TEXT/HTML"), Media::Html),
            (Some("text/plain"), Media::Other),
            (Some("application/json-rpc"), Media::Other),
            (Some("application/problem+json"), Media::Other),
            (Some("json"), Media::Other),
            (Some(""), Media::Absent),
            (Some("; charset=utf-8"), Media::Absent),
            (None, Media::Absent),
        ];
        for (value, media) in cases {
            assert_eq!(Media::parse(value.map(str::as_bytes)), media, "{value:?}");
        }
        assert_eq!(Media::parse(Some(b"\xff\xfe")), Media::Other);
    }
}
