//! The forms of a page as a browser without scripts sees them.
//!
//! Only the tokens of the page are looked at (HTML Standard, section 13.2.5), not its tree: which
//! control belongs to which form is all that matters, and that follows from the order of tags and
//! from `form="id"`.

use std::cell::RefCell;

use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer,
};

/// Most forms that are looked at.
const MOST_FORMS: usize = 100;
/// Most controls, and most options of one.
const MOST_CONTROLS: usize = 2_000;
/// Most bytes of what is written on a button.
const MOST_TEXT_BYTES: usize = 1_000;

/// What of a page matters.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) title: String,
    /// `href` of the first `base`.
    pub(super) base: Option<String>,
    pub(super) forms: Vec<Form>,
}

/// A form; values in it may be secrets.
#[derive(Debug, Default)]
pub(super) struct Form {
    id: Option<String>,
    pub(super) action: String,
    pub(super) method: String,
    pub(super) encoding: String,
    pub(super) controls: Vec<Control>,
}

/// A control that is not disabled.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Holds a text: every sort of `input` not named below, and `textarea`.
    Text(String),
    /// A checkbox or a radio button.
    Choice { value: String, on: bool, radio: bool },
    /// A `select`.
    Select { options: Vec<Choice>, several: bool },
    /// Sends the form.
    Button(Button),
    /// Neither holds a value nor sends the form.
    Idle,
}

/// An option of a `select`.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) value: Option<String>,
    pub(super) label: String,
    pub(super) on: bool,
    pub(super) disabled: bool,
}

#[derive(Debug, Default)]
pub(super) struct Button {
    pub(super) value: String,
    pub(super) label: String,
    /// Whether it sends where it was pressed instead of its value.
    pub(super) image: bool,
    /// `formaction`, in the form's place.
    pub(super) action: Option<String>,
    /// `formmethod`, in the form's place.
    pub(super) method: Option<String>,
}

impl Page {
    /// Reads a page; bytes that are no UTF-8 are replaced.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let input = BufferQueue::default();
        input.push_back(String::from_utf8_lossy(bytes).as_ref().into());
        let tokenizer =
            Tokenizer::new(Sink::default(), html5ever::tokenizer::TokenizerOpts::default());
        let _no_script_is_run = tokenizer.feed(&input);
        tokenizer.end();
        tokenizer.sink.0.into_inner().end()
    }
}

#[derive(Debug, Default)]
struct Sink(RefCell<Reader>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut reader = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => reader.tag(&tag),
            Token::CharacterTokens(text) => {
                reader.text(&text);
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

/// What text is being collected for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collecting {
    Nothing,
    Title,
    /// What the last control's text area holds.
    Area,
    /// What is written on the last control, a button.
    Button,
    /// What the last option of the last control says.
    Option,
}

#[derive(Debug)]
struct Reader {
    page: Page,
    /// The form that is open.
    open: Option<usize>,
    /// Controls that name a form elsewhere, and those outside any form.
    stray: Vec<(Option<String>, Control)>,
    /// Where the last control went, while more of it may come.
    last: Last,
    collecting: Collecting,
    /// Templates that are open: what is in them is not on the page.
    templates: u32,
    controls: usize,
}

#[derive(Debug, Clone, Copy)]
enum Last {
    InForm(usize),
    Stray,
    None,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            page: Page::default(),
            open: None,
            stray: Vec::new(),
            last: Last::None,
            collecting: Collecting::Nothing,
            templates: 0,
            controls: 0,
        }
    }
}

impl Reader {
    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        if name == "template" {
            let opens = tag.kind == TagKind::StartTag;
            self.templates =
                if opens { self.templates + 1 } else { self.templates.saturating_sub(1) };
        }
        if tag.kind == TagKind::StartTag {
            if self.templates == 0 {
                self.start(name, tag);
            }
            return match name {
                "script" => TokenSinkResult::RawData(RawKind::ScriptData),
                "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
                    TokenSinkResult::RawData(RawKind::Rawtext)
                }
                "textarea" | "title" => TokenSinkResult::RawData(RawKind::Rcdata),
                _ => TokenSinkResult::Continue,
            };
        }
        match name {
            "form" if self.templates == 0 => self.open = None,
            "title" | "textarea" | "button" | "option" | "select" => {
                self.collecting = Collecting::Nothing;
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn start(&mut self, name: &str, tag: &Tag) {
        match name {
            "title" if self.page.title.is_empty() => self.collecting = Collecting::Title,
            "base" if self.page.base.is_none() => self.page.base = attribute(tag, "href"),
            // A form in a form is not one (HTML Standard, section 13.2.6.4.7).
            "form" if self.open.is_none() && self.page.forms.len() < MOST_FORMS => {
                self.open = Some(self.page.forms.len());
                let text = |name| attribute(tag, name).unwrap_or_default();
                self.page.forms.push(Form {
                    id: attribute(tag, "id"),
                    action: text("action").trim().to_owned(),
                    method: text("method").to_ascii_lowercase(),
                    encoding: text("enctype").to_ascii_lowercase(),
                    controls: Vec::new(),
                });
            }
            "input" => self.control(tag, input(tag), Collecting::Nothing),
            "textarea" => self.control(tag, Kind::Text(String::new()), Collecting::Area),
            "button" => {
                let sort = attribute(tag, "type").unwrap_or_default().to_ascii_lowercase();
                let sends = !matches!(sort.as_str(), "button" | "reset");
                let kind = if sends { Kind::Button(button(tag)) } else { Kind::Idle };
                self.control(tag, kind, Collecting::Button);
            }
            "select" => {
                let several = attribute(tag, "multiple").is_some();
                let kind = Kind::Select { options: Vec::new(), several };
                self.control(tag, kind, Collecting::Nothing);
            }
            "option" => self.option(tag),
            // An image on a button says what it shows.
            "img" if self.collecting == Collecting::Button => {
                let text = attribute(tag, "alt").unwrap_or_default();
                self.text(&text);
            }
            _ => {}
        }
    }

    fn control(&mut self, tag: &Tag, kind: Kind, collecting: Collecting) {
        (self.last, self.collecting) = (Last::None, Collecting::Nothing);
        self.controls += 1;
        if attribute(tag, "disabled").is_some() || self.controls > MOST_CONTROLS {
            return;
        }
        let control = Control { name: attribute(tag, "name").unwrap_or_default(), kind };
        self.collecting = collecting;
        let elsewhere = attribute(tag, "form");
        match self.open {
            Some(form) if elsewhere.is_none() => {
                self.page.forms[form].controls.push(control);
                self.last = Last::InForm(form);
            }
            _ => {
                self.stray.push((elsewhere, control));
                self.last = Last::Stray;
            }
        }
    }

    fn option(&mut self, tag: &Tag) {
        let choice = Choice {
            value: attribute(tag, "value"),
            label: String::new(),
            on: attribute(tag, "selected").is_some(),
            disabled: attribute(tag, "disabled").is_some(),
        };
        if let Some(Control { kind: Kind::Select { options, .. }, .. }) = self.last_control()
            && options.len() < MOST_CONTROLS
        {
            options.push(choice);
            self.collecting = Collecting::Option;
        }
    }

    fn last_control(&mut self) -> Option<&mut Control> {
        match self.last {
            Last::InForm(form) => self.page.forms.get_mut(form)?.controls.last_mut(),
            Last::Stray => self.stray.last_mut().map(|(_, control)| control),
            Last::None => None,
        }
    }

    fn text(&mut self, text: &str) {
        let (slot, most) = match self.collecting {
            Collecting::Nothing => return,
            Collecting::Title => (Some(&mut self.page.title), MOST_TEXT_BYTES),
            collecting => match (collecting, self.last_control().map(|it| &mut it.kind)) {
                (Collecting::Area, Some(Kind::Text(value))) => (Some(value), usize::MAX),
                (Collecting::Button, Some(Kind::Button(button))) => {
                    (Some(&mut button.label), MOST_TEXT_BYTES)
                }
                (Collecting::Option, Some(Kind::Select { options, .. })) => {
                    (options.last_mut().map(|option| &mut option.label), MOST_TEXT_BYTES)
                }
                _ => (None, 0),
            },
        };
        if let Some(slot) = slot
            && slot.len() + text.len() <= most
        {
            slot.push_str(text);
        }
    }

    /// The page with its stray controls where they belong.
    fn end(mut self) -> Page {
        for (owner, control) in self.stray {
            let owner = owner.and_then(|id| {
                self.page.forms.iter_mut().find(|form| form.id.as_ref() == Some(&id))
            });
            if let Some(form) = owner {
                form.controls.push(control);
            }
        }
        self.page
    }
}

fn input(tag: &Tag) -> Kind {
    let value = attribute(tag, "value");
    let sort = attribute(tag, "type").unwrap_or_default().to_ascii_lowercase();
    match sort.as_str() {
        "submit" | "image" => {
            let label = value.or_else(|| attribute(tag, "alt")).unwrap_or_default();
            Kind::Button(Button { label, image: sort == "image", ..button(tag) })
        }
        "button" | "reset" | "file" => Kind::Idle,
        "checkbox" | "radio" => Kind::Choice {
            value: value.unwrap_or_else(|| "on".to_owned()),
            on: attribute(tag, "checked").is_some(),
            radio: sort == "radio",
        },
        _ => Kind::Text(value.unwrap_or_default()),
    }
}

fn button(tag: &Tag) -> Button {
    Button {
        value: attribute(tag, "value").unwrap_or_default(),
        label: String::new(),
        image: false,
        action: attribute(tag, "formaction"),
        method: attribute(tag, "formmethod").map(|method| method.to_ascii_lowercase()),
    }
}

fn attribute(tag: &Tag, name: &str) -> Option<String> {
    tag.attrs
        .iter()
        .find(|attribute| &*attribute.name.local == name)
        .map(|attribute| attribute.value.to_string())
}
