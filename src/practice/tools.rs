//! The tools: what each makes of its arguments. A wrong argument is a result with `isError`, so
//! that a model can mend its call. (MCP 2025-11-25, server/tools, "Error Handling".)

use std::sync::LazyLock;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, TextPart};
use crate::model::chance::{Chance, Key, Purpose};

/// The longest that `slow` takes, in seconds.
const MAX_SLOW_SECONDS: f64 = 60.0;

/// One in so many results of `search` and `fetch` is near [`LARGE_CHARS`], where Claude's clients
/// cut results.
const LARGE_SHARE: f64 = 0.03;
const LARGE_CHARS: usize = 150_000;

/// The spread of result sizes: sigma of the logarithm; p95 is about five medians.
const SIZE_SIGMA: f64 = 1.0;

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Finds documents; a heavy-tailed size.
    Search,
    /// Reads one document; a heavy-tailed size.
    Fetch,
    /// Says its message again.
    Echo,
    /// Takes its time.
    Slow,
    /// Annotated as destructive; destroys nothing.
    DeleteDocument,
}

/// A call that has been read: what it will be answered, and how much longer it takes than others.
#[derive(Debug)]
pub struct Work {
    /// The answer.
    pub answer: Answer,
    /// On top of the service time.
    pub extra: Duration,
}

#[derive(Deserialize, Default)]
struct Arguments<'a> {
    #[serde(borrow)]
    query: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    seconds: Option<&'a RawValue>,
}

impl Tool {
    /// All of them, in the order of the list.
    pub const ALL: [Self; 5] =
        [Self::Search, Self::Fetch, Self::Echo, Self::Slow, Self::DeleteDocument];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Fetch => "fetch",
            Self::Echo => "echo",
            Self::Slow => "slow",
            Self::DeleteDocument => "delete_document",
        }
    }

    /// The tool of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// Reads the arguments of one call; `key` decides the size of its result and
    /// `result_bytes` is the median.
    pub fn call(self, arguments: Option<&RawValue>, result_bytes: u32, key: Key) -> Work {
        match self.answer(arguments, result_bytes, key) {
            Ok(work) => work,
            Err(wrong) => {
                let parts = vec![TextPart::escaped(&wrong)];
                Work { answer: Answer::Text { parts, is_error: true }, extra: Duration::ZERO }
            }
        }
    }

    fn answer(
        self,
        arguments: Option<&RawValue>,
        result_bytes: u32,
        key: Key,
    ) -> Result<Work, String> {
        let arguments = read(arguments)?;
        let parts = match self {
            Self::Search => {
                let query = string(arguments.query, "query")?;
                found("Results for ", query, result_bytes, key)
            }
            Self::Fetch => {
                let id = string(arguments.id, "id")?;
                found("Document ", id, result_bytes, key)
            }
            Self::Echo => vec![inside(string(arguments.message, "message")?)],
            Self::Slow => {
                let extra = seconds(arguments.seconds)?;
                let parts = vec![TextPart::Made(format!("done after {} s", extra.as_secs_f64()))];
                return Ok(Work { answer: Answer::Text { parts, is_error: false }, extra });
            }
            Self::DeleteDocument => {
                let id = string(arguments.id, "id")?;
                let rest = TextPart::Fixed(": nothing is stored here, so nothing was deleted");
                vec![TextPart::Fixed("document "), inside(id), rest]
            }
        };
        Ok(Work { answer: Answer::Text { parts, is_error: false }, extra: Duration::ZERO })
    }
}

fn read(arguments: Option<&RawValue>) -> Result<Arguments<'_>, String> {
    let Some(raw) = arguments else { return Ok(Arguments::default()) };
    if !raw.get().starts_with('{') {
        return Err(format!("the arguments are {}; an object was expected", kind(raw)));
    }
    serde_json::from_str(raw.get()).map_err(|error| format!("the arguments: {error}"))
}

/// The argument as the JSON string that it is: it goes into answers as it came.
fn string<'a>(raw: Option<&'a RawValue>, name: &str) -> Result<&'a str, String> {
    match raw {
        Some(raw) if raw.get().starts_with('"') => Ok(raw.get()),
        Some(raw) => Err(format!("argument `{name}` is {}; a string was expected", kind(raw))),
        None => Err(format!("argument `{name}` is missing; a string was expected")),
    }
}

fn seconds(raw: Option<&RawValue>) -> Result<Duration, String> {
    let Some(raw) = raw else { return Ok(Duration::from_secs(1)) };
    let expected = format!("a number from 0 to {MAX_SLOW_SECONDS} was expected");
    let Ok(seconds) = raw.get().parse::<f64>() else {
        return Err(format!("argument `seconds` is {}; {expected}", kind(raw)));
    };
    if !(0.0..=MAX_SLOW_SECONDS).contains(&seconds) {
        return Err(format!("argument `seconds` is {seconds}; {expected}"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// What stands between the quotes of a JSON string.
fn inside(string: &str) -> TextPart {
    TextPart::Made(string[1..string.len() - 1].to_owned())
}

/// Names what was asked first, so that a reader can tell whose answer it holds.
fn found(what: &'static str, asked: &str, result_bytes: u32, key: Key) -> Vec<TextPart> {
    let mut chance = key.draw(Purpose::Size);
    let size = size(result_bytes, &mut chance);
    let start = chance.between(0, PAGE.len() as u64 - 1) as usize;
    let mut parts = vec![TextPart::Fixed(what), inside(asked), TextPart::Fixed(":\\n")];
    for at in (0..size).step_by(LARGE_CHARS) {
        let piece = LARGE_CHARS.min(size - at);
        parts.push(TextPart::Fixed(&TEXT[start..start + piece]));
    }
    parts
}

fn size(median: u32, chance: &mut Chance) -> usize {
    if chance.happens(LARGE_SHARE) {
        return chance.between(LARGE_CHARS as u64 * 9 / 10, LARGE_CHARS as u64) as usize;
    }
    let size = f64::from(median) * (SIZE_SIGMA * chance.normal()).exp();
    // The tail has no end of its own; a median that is large itself may still be exceeded.
    (size as usize).min(LARGE_CHARS.max(4 * median as usize))
}

/// Plain ASCII that needs no escaping, so that any piece of it is the inside of a JSON string.
const PAGE: &str = "The harbour office kept its ledgers by season, and the entries of each winter \
     mention ice on the inner basin, late mail and the price of lamp oil. A second hand added \
     sums in the margin; they do not always agree with the totals below. Visitors copied single \
     pages, which is how the years of the great storms came down to us in three versions. ";

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let pages = (LARGE_CHARS + PAGE.len()).div_ceil(PAGE.len());
    PAGE.repeat(pages)
});

#[cfg(test)]
mod tests {
    use super::*;

    fn called(tool: Tool, arguments: &str) -> (String, bool, Duration) {
        let raw = RawValue::from_string(arguments.to_owned()).unwrap();
        let work = tool.call(Some(&raw), 1_000, Key::of_run(7, 7));
        let response = written(&work.answer);
        let result = &response["result"];
        let text = result["content"][0]["text"].as_str().unwrap().to_owned();
        (text, result["isError"].as_bool().unwrap(), work.extra)
    }

    fn written(answer: &Answer) -> serde_json::Value {
        let mut bytes = Vec::new();
        answer.write("1", crate::practice::answer::Dress::Plain, &mut bytes);
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn tools_answer_what_they_were_asked() {
        for (tool, arguments, start, extra) in [
            (Tool::Search, r#"{"query":"a \"b\" \u00e9"}"#, "Results for a \"b\" é:\n", 0.0),
            (Tool::Fetch, r#"{"id":"doc-1"}"#, "Document doc-1:\n", 0.0),
            (Tool::Echo, r#"{"message":"tab\t","more":1}"#, "tab\t", 0.0),
            (Tool::Slow, r#"{"seconds":0.25}"#, "done after 0.25 s", 0.25),
            (Tool::Slow, "{}", "done after 1 s", 1.0),
            (Tool::DeleteDocument, r#"{"id":"x"}"#, "document x: nothing", 0.0),
        ] {
            let (text, is_error, took) = called(tool, arguments);
            assert!(text.starts_with(start), "{text}");
            assert_eq!((is_error, took.as_secs_f64()), (false, extra), "{text}");
        }
    }

    #[test]
    fn wrong_arguments_are_said() {
        for (tool, arguments, said) in [
            (Tool::Search, "{}", "argument `query` is missing; a string was expected"),
            (Tool::Fetch, r#"{"id":null}"#, "argument `id` is missing; a string was expected"),
            (Tool::Fetch, r#"{"id":[1]}"#, "argument `id` is an array; a string was expected"),
            (
                Tool::Echo,
                r#"{"message":5}"#,
                "argument `message` is a number; a string was expected",
            ),
            (Tool::Echo, "[]", "the arguments are an array; an object was expected"),
            (
                Tool::Slow,
                r#"{"seconds":61}"#,
                "argument `seconds` is 61; a number from 0 to 60 was expected",
            ),
            (
                Tool::Slow,
                r#"{"seconds":"1"}"#,
                "argument `seconds` is a string; a number from 0 to 60 was expected",
            ),
        ] {
            let (text, is_error, _) = called(tool, arguments);
            assert_eq!((text.as_str(), is_error), (said, true), "{arguments}");
        }
    }

    #[test]
    fn sizes_are_heavy_tailed_around_their_median() {
        let mut sizes: Vec<usize> = (0..10_000)
            .map(|call| size(4_000, &mut Key::of_run(1, call).draw(Purpose::Size)))
            .collect();
        sizes.sort_unstable();
        let large = sizes.iter().filter(|size| **size >= LARGE_CHARS * 9 / 10).count();
        assert!((200..400).contains(&large), "{large}");
        // 3% large ones push the median of the rest up by a twentieth at most.
        assert!((3_800..4_400).contains(&sizes[5_000]), "{}", sizes[5_000]);
        assert!(*sizes.last().unwrap() <= LARGE_CHARS);
        let huge = found("", "\"\"", 1_000_000, Key::of_run(1, 1));
        let answer = Answer::Text { parts: huge, is_error: false };
        let chars = written(&answer)["result"]["content"][0]["text"].as_str().unwrap().len();
        assert_eq!(chars, 2 + size(1_000_000, &mut Key::of_run(1, 1).draw(Purpose::Size)));
        assert!(chars > LARGE_CHARS);
    }
}
