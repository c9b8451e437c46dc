//! Rate limits in a scenario: `[practice] limit`, which `squall serve --limit` takes as well, and
//! `[expect] rate_limit`.

use crate::model::plan::limits::{Allowance, Declared, Per, SUCH, Says};
use crate::model::plan::practice::limit::{COUNTED, Kind, Limit};

use super::authorization;
use super::document::Node;
use super::key::{Found, Key};
use super::reader::Table;
use super::scalar::{Wrong, text_of};

/// The most requests that a bucket holds.
const LARGEST: u32 = 1_000_000;

/// Reads `[practice] limit`.
pub fn practice(limit: &Table<'_>) -> Option<Limit> {
    let allow = allowance(limit.key("allow", "How much is allowed: so many in a time.")).required();
    let doc = "What the bucket holds, of kind bucket; default: as many as allow says.";
    let burst = limit.key("burst", doc).count(1..=LARGEST).optional();
    let doc = "What it counts by.";
    let per = limit.key("per", doc).word(&Per::WORDS, &[]).or_as(Per::User, "\"user\"");
    let doc = "How it counts: a token bucket, fixed windows, or a window that slides.";
    let kind = limit.key("kind", doc).word(&Kind::WORDS, &[]).or_as(Kind::Bucket, "\"bucket\"");
    let doc = "Methods that it counts and refuses.";
    let counts = limit
        .key("counts", doc)
        .each("a list of methods such as [\"tools/call\", \"initialize\"]", method)
        .or_as(vec![COUNTED.to_owned()], "[\"tools/call\"]");
    let doc = "How it refuses.";
    let signal = limit.key("signal", doc).word(&Says::WORDS, &[]).or_as(Says::Status429, "\"429\"");
    let doc = "Whether a refusal says when to come again.";
    let retry_after = limit.key("retry_after", doc).truth().or(true);
    if let Some(place) = limit.given("burst").filter(|_| kind != Kind::Bucket) {
        let found = format!("{}.burst is about kind = \"bucket\"", limit.path());
        limit.log().wrong(place, found, "remove it: a window serves as many at once as it allows");
    }
    let allow = allow?;
    let burst = burst.filter(|_| kind == Kind::Bucket).unwrap_or(allow.count);
    Some(Limit { allow, burst, per, kind, counts, signal, retry_after })
}

/// Reads `[expect] rate_limit`: one limit, or several in a list.
pub fn expected(expect: &Table<'_>) -> Vec<Declared> {
    let doc = "The rate limit that the target has; several in a list.";
    let all = expect.tables_or_one("rate_limit", doc, declared);
    all.unwrap_or_default()
}

fn declared(limit: &Table<'_>) -> Option<Declared> {
    let allow = allowance(limit.key("allow", "How much is allowed: so many in a time.")).required();
    let doc = "How many at once are served after a rest; needs check-rate-limit.";
    let burst = limit.key("burst", doc).count(1..=LARGEST).optional();
    let doc = "What it counts by; needs check-rate-limit.";
    let per = limit.key("per", doc).word(&Per::WORDS, &[]).optional();
    let doc = "Whether every refusal says when to come again, in a form that clients read.";
    let retry_after = limit.key("retry_after", doc).truth().or(false);
    let doc = "How it refuses.";
    let signal = limit.key("signal", doc).word(&Says::WORDS, &[]).optional();
    Some(Declared { allow: allow?, burst, per, retry_after, signal })
}

fn allowance(key: Key<'_>) -> Found<'_, Allowance> {
    let expected = || format!("expected {SUCH}");
    key.read(SUCH, |node| Allowance::parse(text_of(node)?).ok_or_else(expected))
}

fn method(node: &Node) -> Result<String, Wrong> {
    let text = text_of(node)?;
    let is_method = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'$');
    if !text.is_empty() && text.bytes().all(is_method) {
        Ok(text.to_owned())
    } else {
        Err("expected a method such as \"tools/call\"".to_owned())
    }
}

/// Reads a table as `squall serve --limit` has it; `off` is none.
///
/// # Errors
/// Every mistake, as it is shown to a person.
pub fn parse(text: &str) -> Result<Option<Limit>, String> {
    authorization::table_of(text, "limit", practice).map(Option::flatten)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_prints_as_it_is_read() {
        let texts = [
            "{ allow = \"20/2s\" }",
            "{ allow = \"60/min\", burst = 10, per = \"address\" }",
            "{ allow = \"60/min\", kind = \"fixed\", counts = [\"initialize\", \"tools/list\"], \
             signal = \"503\", retry_after = false, per = \"tool\" }",
            "{ allow = \"60/min\", kind = \"sliding\", signal = \"200-is-error\", per = \"all\" }",
        ];
        for text in texts {
            let limit = parse(text).unwrap().unwrap();
            assert_eq!(parse(&limit.to_string()), Ok(Some(limit)), "{text}");
        }
        assert_eq!(parse("off"), Ok(None));
        let limit = parse(texts[0]).unwrap().unwrap();
        assert_eq!(
            (limit.burst, limit.counts, limit.retry_after),
            (20, vec![COUNTED.into()], true)
        );
    }

    #[test]
    fn mistakes_are_shown_in_place() {
        let texts = [
            "{}",
            "{ allow = \"20\" }",
            "{ allow = \"20/2s\", kind = \"fixed\", burst = 3 }",
            "{ allow = \"20/2s\", per = \"users\", counts = [\"a b\"], signal = \"420\" }",
        ];
        let said = texts.map(|text| parse(text).unwrap_err()).join("\n");
        insta::assert_snapshot!(said);
    }
}
