//! Which era a request belongs to: decided by one header, before its body is read.
//! (MCP 2026-07-28, basic/transports, "Protocol Version Header".)

use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::request::Refusal;
use crate::model::plan::{Speaks, Way};
use crate::protocol::legacy::{Revision, VERSION_HEADER};

/// The modern revision that is spoken.
pub const MODERN: &str = "2026-07-28";

/// A request's era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era<'a> {
    /// The legacy one; what the header names, if it is there.
    Legacy(Named<'a>),
    /// The modern one; the header, if it is there.
    Modern(Option<&'a HeaderValue>),
}

/// The revision that a legacy request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'a> {
    /// None.
    Not,
    /// One that is spoken.
    Known(Revision),
    /// Any other.
    Unknown(&'a HeaderValue),
}

/// The era of a request to a target that speaks so. Only a legacy server takes a request without
/// the header, or with an older revision; what is unknown gets the newest era's refusal.
pub fn of(headers: &HeaderMap, speaks: Speaks) -> Era<'_> {
    let header = headers.get(VERSION_HEADER);
    let named = match header {
        None => Named::Not,
        Some(value) => match value.to_str().ok().and_then(Revision::named) {
            Some(revision) => Named::Known(revision),
            None => Named::Unknown(value),
        },
    };
    match (speaks.has(Way::Legacy), speaks.has(Way::Modern), named) {
        (true, true, Named::Unknown(_)) | (false, ..) => Era::Modern(header),
        (true, ..) => Era::Legacy(named),
    }
}

impl Named<'_> {
    /// The revision; an absent one means 2025-03-26 (MCP 2025-11-25, basic/transports).
    pub fn revision(self) -> Result<Revision, Refusal> {
        match self {
            Self::Not => Ok(Revision::V2025_03_26),
            Self::Known(revision) => Ok(revision),
            Self::Unknown(found) => {
                let found = String::from_utf8_lossy(found.as_bytes()).into_owned();
                let known = Revision::ALL.map(Revision::name);
                let message = format!("MCP-Protocol-Version `{found}`: expected one of {known:?}");
                Err(Refusal::new(StatusCode::BAD_REQUEST, message))
            }
        }
    }
}

/// The revisions that such a target speaks at its endpoint, newest first, as a JSON list.
pub fn supported(speaks: Speaks) -> &'static str {
    match (speaks.has(Way::Legacy), speaks.has(Way::Modern)) {
        (true, true) => r#"["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"]"#,
        (true, false) => r#"["2025-11-25","2025-06-18","2025-03-26","2024-11-05"]"#,
        (false, _) => r#"["2026-07-28"]"#,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_header_decides() {
        let all = Speaks::ALL;
        let only = |way| [way].into_iter().collect::<Speaks>();
        let known = Era::Legacy(Named::Known(Revision::V2025_06_18));
        for (header, speaks, legacy) in [
            (None, all, Some(true)),
            (Some("2025-06-18"), all, Some(true)),
            (Some("2026-07-28"), all, Some(false)),
            (Some("v999"), all, Some(false)),
            (None, only(Way::Modern), Some(false)),
            (Some("2025-06-18"), only(Way::Modern), Some(false)),
            (Some("2026-07-28"), only(Way::Legacy), Some(true)),
            (None, only(Way::Legacy), Some(true)),
        ] {
            let value = header.map(HeaderValue::from_static);
            let headers: HeaderMap =
                value.clone().into_iter().map(|v| (VERSION_HEADER.parse().unwrap(), v)).collect();
            let era = of(&headers, speaks);
            assert_eq!(Some(matches!(era, Era::Legacy(_))), legacy, "{header:?} {speaks:?}");
            if header == Some("2025-06-18") && speaks == all {
                assert_eq!(era, known);
            }
        }
    }

    #[test]
    fn what_is_supported_is_what_is_spoken() {
        for speaks in [Speaks::ALL, [Way::Legacy].into_iter().collect()] {
            let listed: Vec<String> = serde_json::from_str(supported(speaks)).unwrap();
            let mut known: Vec<_> = Revision::ALL.map(Revision::name).to_vec();
            known.extend(speaks.has(Way::Modern).then_some(MODERN));
            known.reverse();
            assert_eq!(listed, known);
        }
    }
}
