//! Base64 in a JSON string, looked through without being decoded.
//!
//! Rules: RFC 4648, section 4: the standard alphabet, padded.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// How many bytes a JSON string of base64 stands for; none if it is not base64.
pub(super) fn decoded_bytes(raw: &RawValue) -> Option<u64> {
    let text: Cow<'_, str> = match raw.get().strip_prefix('"')?.strip_suffix('"')? {
        // Some servers write a solidus as `\/`, which JSON allows.
        escaped if escaped.contains('\\') => Cow::Owned(serde_json::from_str(raw.get()).ok()?),
        plain => Cow::Borrowed(plain),
    };
    let bytes = text.as_bytes();
    let padding = bytes.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
    let digits = &bytes[..bytes.len() - padding];
    let is_sound = bytes.len().is_multiple_of(4) && digits.iter().all(|&byte| is_digit(byte));
    is_sound.then(|| (bytes.len() / 4 * 3 - padding) as u64)
}

const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    fn looked(text: &str) -> Option<u64> {
        decoded_bytes(&serde_json::value::to_raw_value(text).unwrap())
    }

    #[test]
    fn what_is_base64() {
        let good = [("", 0), ("AAAA", 3), ("AAA=", 2), ("AA==", 1), ("+/9z", 3)];
        for (text, bytes) in good {
            assert_eq!(looked(text), Some(bytes), "{text}");
        }
        let escaped: &RawValue = serde_json::from_str(r#""AA\/A""#).unwrap();
        assert_eq!(decoded_bytes(escaped), Some(3));
        for text in ["A", "AA", "AAA", "=", "A===", "====", "AA=A", "A-_A", "AAAA\n", " AAA", "é=="]
        {
            assert_eq!(looked(text), None, "{text}");
        }
        assert_eq!(decoded_bytes(serde_json::from_str("5").unwrap()), None);
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_is_base64(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(looked(&STANDARD.encode(&bytes)), Some(bytes.len() as u64));
        }
    }
}
