//! Text made from a regular expression: its parse tree with every repetition bounded.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use crate::model::chance::Chance;

use super::ecma::Matcher;

/// Characters a class draws from, at most.
const ALPHABET: usize = 128;

/// Classes with more printable characters than this draw letters and digits only.
const WIDE: usize = 64;

/// How many repetitions an open one is given beyond its least, as long as they fit.
const EXTRAS: [usize; 5] = [8, 4, 2, 1, 0];

/// Longest text made from a pattern.
const LONGEST: usize = 4096;

/// What writes a text that matches, and whether the text must be asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    piece: Piece,
    /// Not certain from its form alone: anchors inside, lookaheads, lengths that may not fit.
    pub(super) uncertain: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Class(Vec<char>),
    /// Drawn from `from` to `to`; the pattern allows as many as `limit`.
    Repeat {
        piece: Box<Piece>,
        from: usize,
        to: usize,
        limit: usize,
    },
    Concat(Vec<Piece>),
    Either(Vec<Piece>),
}

impl Pattern {
    /// `None` when no text can be made that is short enough and has these lengths.
    pub(super) fn new(matcher: &Matcher, min: usize, max: usize) -> Option<Self> {
        let hir = regex_syntax::parse(&matcher.body).ok()?;
        let pieces = EXTRAS.into_iter().map(|extra| {
            let mut uncertain = matcher.has_lookaheads();
            let mut piece = padded(piece(&hir, extra, (true, true), &mut uncertain)?, &hir, extra);
            piece.stretch(min);
            uncertain |= piece.least() < min || piece.most() > max;
            Some(Self { piece, uncertain })
        });
        let usable = |found: &Self| found.piece.most() >= min && found.piece.least() <= max;
        let mut found: Vec<Self> = pieces
            .flatten()
            .filter(|found| usable(found) && found.piece.most() <= LONGEST)
            .collect();
        let certain = found.iter().position(|found| !found.uncertain).unwrap_or(0);
        (!found.is_empty()).then(|| found.swap_remove(certain))
    }

    /// Most bytes in JSON, without quotes.
    pub(super) fn largest_bytes(&self) -> u64 {
        self.piece.most().saturating_mul(6) as u64
    }

    /// Appends the text, escaped as JSON (RFC 8259, section 7).
    pub(super) fn make(&self, chance: &mut Chance, out: &mut Vec<u8>) {
        self.piece.make(chance, out);
    }
}

impl Piece {
    fn least(&self) -> usize {
        match self {
            Self::Text(text) => text.chars().count(),
            Self::Class(_) => 1,
            Self::Repeat { piece, from, .. } => piece.least().saturating_mul(*from),
            Self::Concat(pieces) => pieces.iter().map(Self::least).fold(0, usize::saturating_add),
            Self::Either(pieces) => pieces.iter().map(Self::least).min().unwrap_or(0),
        }
    }

    fn most(&self) -> usize {
        match self {
            Self::Text(text) => text.chars().count(),
            Self::Class(_) => 1,
            Self::Repeat { piece, to, .. } => piece.most().saturating_mul(*to),
            Self::Concat(pieces) => pieces.iter().map(Self::most).fold(0, usize::saturating_add),
            Self::Either(pieces) => pieces.iter().map(Self::most).max().unwrap_or(0),
        }
    }

    /// Raises the last repetition, if it is of single characters, until the least length is enough.
    fn stretch(&mut self, min: usize) {
        let missing = min.saturating_sub(self.least());
        let last = match self {
            Self::Concat(pieces) => {
                pieces.iter_mut().rev().find(|piece| matches!(piece, Self::Repeat { .. }))
            }
            single => Some(single),
        };
        if let Some(Self::Repeat { piece, from, to, limit }) = last
            && missing > 0
            && matches!(**piece, Self::Class(_))
        {
            let room = *to - *from;
            *from = (*from + missing).min(*limit);
            *to = (*from + room).min(*limit);
        }
    }

    fn make(&self, chance: &mut Chance, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => text.chars().for_each(|character| escaped(character, out)),
            Self::Class(characters) => {
                let last = characters.len() as u64 - 1;
                escaped(characters[chance.between(0, last) as usize], out);
            }
            Self::Repeat { piece, from, to, .. } => {
                for _ in 0..chance.between(*from as u64, *to as u64) {
                    piece.make(chance, out);
                }
            }
            Self::Concat(pieces) => pieces.iter().for_each(|piece| piece.make(chance, out)),
            Self::Either(pieces) => {
                let last = pieces.len() as u64 - 1;
                pieces[chance.between(0, last) as usize].make(chance, out);
            }
        }
    }
}

/// A character inside a JSON string.
fn escaped(character: char, out: &mut Vec<u8>) {
    match character {
        '"' | '\\' => out.extend([b'\\', character as u8]),
        '\0'..='\x1f' => {
            out.extend_from_slice(b"\\u00");
            for nibble in [character as u8 >> 4, character as u8 & 0xf] {
                out.push(b"0123456789abcdef"[usize::from(nibble)]);
            }
        }
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// `edges`: whether the whole text begins before, and ends after, this part.
fn piece(hir: &Hir, extra: usize, edges: (bool, bool), uncertain: &mut bool) -> Option<Piece> {
    match hir.kind() {
        HirKind::Empty => Some(Piece::Text(String::new())),
        HirKind::Literal(literal) => String::from_utf8(literal.0.to_vec()).ok().map(Piece::Text),
        HirKind::Class(class) => alphabet(class).map(Piece::Class),
        HirKind::Look(look) => {
            let holds = matches!((look, edges), (Look::Start, (true, _)) | (Look::End, (_, true)));
            *uncertain |= !holds;
            Some(Piece::Text(String::new()))
        }
        HirKind::Repetition(repetition) => repeat(repetition, extra, uncertain),
        HirKind::Capture(capture) => piece(&capture.sub, extra, edges, uncertain),
        HirKind::Concat(parts) => {
            let last = parts.len() - 1;
            let pieces = parts.iter().enumerate().map(|(index, part)| {
                let edges = (edges.0 && index == 0, edges.1 && index == last);
                piece(part, extra, edges, uncertain)
            });
            pieces.collect::<Option<_>>().map(Piece::Concat)
        }
        HirKind::Alternation(parts) => {
            let pieces = parts.iter().map(|part| piece(part, extra, edges, uncertain));
            pieces.collect::<Option<_>>().map(Piece::Either)
        }
    }
}

/// With something before and after, where the pattern is not anchored: it is found inside.
fn padded(piece: Piece, hir: &Hir, extra: usize) -> Piece {
    let looks = hir.properties().look_set();
    let padding = || Piece::Repeat {
        piece: Box::new(Piece::Class(('a'..='z').collect())),
        from: 0,
        to: extra,
        limit: usize::MAX,
    };
    let mut pieces = vec![piece];
    if !looks.contains(Look::Start) {
        pieces.insert(0, padding());
    }
    if !looks.contains(Look::End) {
        pieces.push(padding());
    }
    if pieces.len() == 1 { pieces.swap_remove(0) } else { Piece::Concat(pieces) }
}

fn repeat(repetition: &Repetition, extra: usize, uncertain: &mut bool) -> Option<Piece> {
    let piece = piece(&repetition.sub, extra, (false, false), uncertain)?;
    let from = repetition.min as usize;
    let open = from + extra;
    let limit = repetition.max.map_or(usize::MAX, |max| max as usize);
    Some(Piece::Repeat { piece: Box::new(piece), from, to: open.min(limit), limit })
}

/// The characters of a class: printable ASCII if it has any, letters and digits if it is wide.
fn alphabet(class: &Class) -> Option<Vec<char>> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => {
            class.iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect()
        }
    };
    let has = |wanted: char| ranges.iter().any(|(from, to)| (*from..=*to).contains(&wanted));
    let printable: Vec<char> = (' '..='~').filter(|character| has(*character)).collect();
    let plain: Vec<char> = printable.iter().copied().filter(char::is_ascii_alphanumeric).collect();
    if printable.len() > WIDE && !plain.is_empty() {
        return Some(plain);
    }
    if !printable.is_empty() {
        return Some(printable);
    }
    let others: Vec<char> =
        ranges.iter().flat_map(|(from, to)| *from..=*to).take(ALPHABET).collect();
    (!others.is_empty()).then_some(others)
}

#[cfg(test)]
mod tests {
    use super::super::super::chance::{Key, Purpose};
    use super::*;

    fn made(pattern: &Pattern, seed: u64) -> String {
        let mut out = b"\"".to_vec();
        pattern.make(&mut Key::of_run(seed, 0).draw(Purpose::Arguments), &mut out);
        assert!(out.len() as u64 <= pattern.largest_bytes() + 1);
        out.push(b'"');
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn what_is_made_matches_and_has_its_length() {
        let table = [
            (r"^[A-Z]{2}-\d{4,6}$", 0, 99),
            (r"^(user|team)_[0-9a-f]{24}$", 0, 99),
            (r"^[a-z0-9]+(?:-[a-z0-9]+)*$", 0, 90),
            (r"^[^/]+/[^/]+$", 0, 255),
            (r"^.*$", 20, 30),
            (r"^[a-z]+$", 30, 64),
            (r"issue", 0, 99),
            (r"^\d+(\.\d+)?$|^latest$", 0, 99),
            (r#"^["\\\n]+é$"#, 0, 99),
            (r"^[α-ω]+$", 2, 4),
            (r"^(?i)abc\s$", 0, 99),
        ];
        for (source, min, max) in table {
            let matcher = Matcher::new(source).unwrap();
            let pattern = Pattern::new(&matcher, min, max).unwrap();
            assert!(!pattern.uncertain, "{source}");
            for seed in 0..200 {
                let text = made(&pattern, seed);
                assert!(matcher.matches(&text), "{source} {text}");
                assert!((min..=max).contains(&text.chars().count()), "{source} {text}");
            }
        }
    }

    #[test]
    fn doubts_and_impossible_lengths_are_told() {
        for source in [r"^a\b.c$", r"^(?!x)[a-z]+$", "a^b", r"^[ab]{2,9}[cd]{2,9}$"] {
            let pattern = Pattern::new(&Matcher::new(source).unwrap(), 0, 5);
            assert!(pattern.is_none_or(|pattern| pattern.uncertain) || source.contains("{2,9}"));
        }
        let matcher = Matcher::new("^[a-z]{5}$").unwrap();
        assert_eq!(Pattern::new(&matcher, 0, 4), None);
        assert_eq!(Pattern::new(&Matcher::new("^(a{90}){90}$").unwrap(), 0, 9000), None);
    }
}
