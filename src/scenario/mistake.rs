//! A mistake in a scenario: where it is, what was found, what is right; drawn with a caret.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// A text that mistakes point into: a file, or one argument of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file's name as it was given; `None` for an argument, which is shown whole.
    pub file: Option<String>,
    /// The text, byte for byte as it was read.
    pub text: String,
}

/// A stretch of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index of the source.
    pub source: usize,
    /// First byte and the byte after the last; `None` is the source as a whole.
    pub span: Option<(usize, usize)>,
}

impl Place {
    /// Whether two stretches have something in common.
    pub fn touches(self, other: Self) -> bool {
        let overlap =
            |((from, to), (start, end)): ((_, usize), (_, usize))| from < end && start < to;
        self.source == other.source && self.span.zip(other.span).is_some_and(overlap)
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is.
    pub place: Place,
    /// What was found.
    pub found: String,
    /// What would be right there, beside the caret.
    pub right: String,
    /// What to do, when that takes a sentence.
    pub help: Option<String>,
}

/// Every mistake of a scenario, in the order of the text; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    sources: Vec<Source>,
    list: Vec<Mistake>,
}

impl Mistakes {
    /// Puts mistakes in the order in which they stand.
    pub(super) fn new(sources: Vec<Source>, mut list: Vec<Mistake>) -> Self {
        list.sort_by_key(|mistake| mistake.place);
        list.dedup();
        Self { sources, list }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// The mistakes, in the order of the text.
    pub fn list(&self) -> &[Mistake] {
        &self.list
    }

    /// Draws them for a person, in colour if `colour`.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut page = String::new();
        for mistake in &self.list {
            page.push_str(&renderer.render(&[self.group(mistake)]));
            page.push_str("\n\n");
        }
        match self.list.len() {
            1 => page + "1 mistake, nothing was started",
            count => page + &format!("{count} mistakes, nothing was started"),
        }
    }

    fn group<'a>(&'a self, mistake: &'a Mistake) -> Group<'a> {
        let source = &self.sources[mistake.place.source];
        let title = Level::ERROR.primary_title(visible(&mistake.found));
        let group = if let Some(span) = mistake.place.span {
            title.element(snippet(source, span, &mistake.right))
        } else {
            let origin = Origin::path(source.file.as_deref().unwrap_or(&source.text));
            title.element(origin).element(Level::NOTE.message(visible(&mistake.right)))
        };
        match &mistake.help {
            Some(help) => group.element(Level::HELP.message(visible(help))),
            None => group,
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Mistakes {}

fn snippet<'a>(
    source: &'a Source,
    span: (usize, usize),
    right: &'a str,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let start = boundary(&source.text, span.0);
    let end = boundary(&source.text, span.1).max(start);
    // A caret under the first line says where a table begins; the rest of it would drown it.
    let line = source.text[start..end].find('\n').map_or(end, |length| start + length);
    let caret = AnnotationKind::Primary.span(start..line).label(visible(right));
    Snippet::source(source.text.as_str()).path(source.file.as_deref()).annotation(caret)
}

/// The last character boundary at or before a byte.
fn boundary(text: &str, byte: usize) -> usize {
    let byte = byte.min(text.len());
    (0..=byte).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Text for a terminal: control characters of a scenario are shown, not obeyed.
fn visible(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.into() };
    text.chars().map(escape).collect()
}
