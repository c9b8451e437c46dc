//! A person's way through login and consent pages: the form that is on a page, filled and sent.
//!
//! What a browser would send is sent: hidden fields with what the server put there, defaults of
//! everything that is not filled, the button that is pressed (HTML Standard, section 4.10.21).
//! Cookies and redirects are the caller's, as are pages that need scripts.

mod page;

use std::collections::BTreeMap;
use std::fmt;

use http::Method;
use url::{Url, form_urlencoded};

use self::page::{Button, Control, Form, Kind, Page};
use super::exchange::shown;
use super::reading::cut;
use crate::model::secret::Secret;

/// Most characters of a name in a message, and most names.
const MOST_CHARS: usize = 60;
const MOST_NAMES: usize = 20;

/// One step of a consent script: which form is filled how, and which button is pressed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Act {
    /// Fields to fill, by their names. A checkbox is unchecked by an empty text and checked by any
    /// other, several of one name by the value of one; of radio buttons and options the one of this
    /// value or, for options, of this text is chosen.
    pub fields: BTreeMap<String, Secret>,
    /// The button to press: what is written on it, its name or its value; `None`: the first, or
    /// none where the form has none.
    pub button: Option<String>,
}

/// What pressing the button sends. It holds secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Submission {
    /// GET or POST.
    pub method: Method,
    /// The form's action, with its fields for GET. The caller holds it to `endpoint::fit`.
    pub url: Url,
    /// The fields, form-encoded, for POST; empty for GET.
    pub body: Vec<u8>,
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, shown(&self.url))
    }
}

/// Why nothing can be sent; what is there is named, values never.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// There is no form.
    #[error("there is no form on the page{}", titled(_0))]
    NoForm(String),
    /// No form has all the fields.
    #[error("no form on the page has a field {field:?}; there are {}", list(found))]
    NoField {
        /// The field.
        field: String,
        /// The fields of all forms.
        found: Vec<String>,
    },
    /// No form has the button.
    #[error("no form with these fields has a button {button:?}; there are {}", list(found))]
    NoButton {
        /// The button.
        button: String,
        /// What is written on those that are there.
        found: Vec<String>,
    },
    /// A field has no such choice.
    #[error("the field {field:?} has no such choice; there are {}", list(found))]
    NoChoice {
        /// The field.
        field: String,
        /// Values of its choices.
        found: Vec<String>,
    },
    /// A form that is sent in a way no consent needs.
    #[error("the form is sent as {0:?}; GET and POST, form-encoded, are what squall sends")]
    Encoding(String),
    /// A form that leads nowhere.
    #[error("the form leads to {0:?}, which is no http or https URL")]
    Action(String),
}

fn titled(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!(" {title:?}") }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Fills the form of a page and presses its button. `base` is the URL of the page. Of several forms
/// the first is taken that has all the fields and the button.
///
/// # Errors
/// What the page lacks.
pub fn submit(page: &[u8], base: &Url, act: &Act) -> Result<Submission, Misfit> {
    let page = Page::read(page);
    let form = chosen(&page, act)?;
    let button = pressed(form, act.button.as_deref());
    let pairs = pairs(form, button, &act.fields)?;
    let base = page.base.as_deref().and_then(|href| base.join(href).ok()).unwrap_or(base.clone());
    send(form, button.map(|(_, button)| button), &base, &pairs)
}

fn chosen<'p>(page: &'p Page, act: &Act) -> Result<&'p Form, Misfit> {
    let forms = || page.forms.iter();
    if page.forms.is_empty() {
        return Err(Misfit::NoForm(cut(page.title.trim(), MOST_CHARS)));
    }
    let has = |form: &Form, field: &str| form.controls.iter().any(|it| it.is_field(field));
    let lacks = |form: &Form| act.fields.keys().find(|field| !has(form, field)).cloned();
    let filled: Vec<&Form> = forms().filter(|form| lacks(form).is_none()).collect();
    let Some(first) = filled.first() else {
        let field = forms().find_map(lacks).unwrap_or_default();
        let controls = forms().flat_map(|form| &form.controls);
        let found = names(controls.filter(|it| it.is_field(&it.name)).map(|it| it.name.as_str()));
        return Err(Misfit::NoField { field, found });
    };
    match &act.button {
        None => {
            // A search box on top of every page has often no button.
            let sends = |form: &&&Form| pressed(form, None).is_some();
            Ok(filled.iter().find(sends).unwrap_or(first))
        }
        Some(button) => {
            filled.iter().find(|form| pressed(form, Some(button)).is_some()).copied().ok_or_else(
                || {
                    let buttons = filled.iter().flat_map(|form| buttons(form));
                    let found = names(buttons.map(|(_, button)| button.label.as_str()));
                    Misfit::NoButton { button: button.clone(), found }
                },
            )
        }
    }
}

/// Names as messages show them: each once, cut.
fn names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        let name = format!("{:?}", cut(&squeezed(name), MOST_CHARS));
        if kept.len() < MOST_NAMES && !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

fn buttons(form: &Form) -> impl Iterator<Item = (&Control, &Button)> {
    form.controls.iter().filter_map(|control| match &control.kind {
        Kind::Button(button) => Some((control, button)),
        _ => None,
    })
}

/// The button of a form: the first, or the one of this text, name or value.
fn pressed<'f>(form: &'f Form, wanted: Option<&str>) -> Option<(&'f Control, &'f Button)> {
    let Some(wanted) = wanted else { return buttons(form).next() };
    let by = |is: fn(&Control, &Button, &str) -> bool| {
        buttons(form).find(|(control, button)| is(control, button, wanted))
    };
    by(|_, button, wanted| squeezed(&button.label).eq_ignore_ascii_case(wanted.trim()))
        .or_else(|| by(|control, _, wanted| control.name == wanted))
        .or_else(|| by(|_, button, wanted| button.value == wanted))
}

/// A text as it is seen: runs of white space are one blank.
fn squeezed(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// The entry list of the form (HTML Standard, section 4.10.21.4), in the page's order.
fn pairs(
    form: &Form,
    pressed: Option<(&Control, &Button)>,
    fields: &BTreeMap<String, Secret>,
) -> Result<Vec<(String, String)>, Misfit> {
    let mut pairs = Vec::new();
    for control in form.controls.iter().filter(|control| !control.name.is_empty()) {
        let given = fields.get(&control.name).map(Secret::expose);
        let name = control.name.clone();
        match &control.kind {
            Kind::Text(value) => pairs.push((name, given.unwrap_or(value).to_owned())),
            Kind::Choice { value, on, radio } => {
                let alone =
                    !radio && form.controls.iter().filter(|it| it.name == name).count() == 1;
                let on = given.map_or(*on, |given| given == value || (alone && !given.is_empty()));
                if on {
                    pairs.push((name, value.clone()));
                }
            }
            Kind::Select { .. } => {
                pairs.extend(control.selected(given).map(|value| (name.clone(), value)));
            }
            Kind::Button(button) => {
                if pressed.is_some_and(|(_, it)| std::ptr::eq(it, button)) {
                    pairs.extend(button.pairs(&name));
                }
            }
            Kind::Idle => {}
        }
    }
    all_chosen(form, fields).map(|()| pairs)
}

/// Whether every choice that was to be made could be made.
fn all_chosen(form: &Form, fields: &BTreeMap<String, Secret>) -> Result<(), Misfit> {
    for (field, given) in fields {
        let given = given.expose();
        let of_field = || form.controls.iter().filter(|control| control.name == *field);
        let alone = of_field().count() == 1;
        let mut can = of_field().map(|control| match &control.kind {
            Kind::Choice { value, radio, .. } => {
                value == given || (!radio && (alone || given.is_empty()))
            }
            Kind::Select { .. } => control.selected(Some(given)).next().is_some(),
            _ => true,
        });
        if !can.any(|can| can) {
            let found = names(of_field().flat_map(Control::choices));
            return Err(Misfit::NoChoice { field: field.clone(), found });
        }
    }
    Ok(())
}

impl Control {
    /// Whether a script can fill it.
    fn is_field(&self, name: &str) -> bool {
        !name.is_empty() && self.name == name && !matches!(self.kind, Kind::Button(_) | Kind::Idle)
    }

    /// The values that a `select` sends.
    fn selected<'c>(&'c self, given: Option<&'c str>) -> impl Iterator<Item = String> + 'c {
        let (options, several) = match &self.kind {
            Kind::Select { options, several } => (options.as_slice(), *several),
            _ => (&[][..], false),
        };
        let default = options.iter().rposition(|option| option.on);
        let default = default.or_else(|| options.iter().position(|option| !option.disabled));
        let is_on = move |&(at, option): &(usize, &page::Choice)| match given {
            Some(given) => option.value() == given || squeezed(&option.label) == given,
            None if several => option.on,
            None => Some(at) == default,
        };
        let most = if several { usize::MAX } else { 1 };
        let usable = options.iter().enumerate().filter(|(_, option)| !option.disabled);
        usable.filter(is_on).map(|(_, option)| option.value()).take(most)
    }

    fn choices(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Choice { value, .. } => vec![value],
            Kind::Select { options, .. } => {
                options.iter().map(|it| it.value.as_ref().unwrap_or(&it.label).as_str()).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl page::Choice {
    /// Its `value`, or else its text.
    fn value(&self) -> String {
        self.value.clone().unwrap_or_else(|| squeezed(&self.label))
    }
}

impl Button {
    fn pairs(&self, name: &str) -> Vec<(String, String)> {
        if self.image {
            return ["x", "y"].map(|axis| (format!("{name}.{axis}"), "0".to_owned())).into();
        }
        vec![(name.to_owned(), self.value.clone())]
    }
}

fn send(
    form: &Form,
    button: Option<&Button>,
    base: &Url,
    pairs: &[(String, String)],
) -> Result<Submission, Misfit> {
    let method = button.and_then(|it| it.method.as_deref()).unwrap_or(&form.method);
    let action = button.and_then(|it| it.action.as_deref()).unwrap_or(&form.action);
    let nowhere = || Misfit::Action(cut(action, MOST_CHARS));
    let mut url = base.join(action).map_err(|_| nowhere())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(nowhere());
    }
    url.set_fragment(None);
    let fields = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    match (method, form.encoding.as_str()) {
        ("post", "" | "application/x-www-form-urlencoded") => {
            Ok(Submission { method: Method::POST, url, body: fields.into_bytes() })
        }
        ("post", other) => Err(Misfit::Encoding(cut(other, MOST_CHARS))),
        ("dialog", _) => Err(Misfit::Encoding("dialog".to_owned())),
        _ => {
            url.set_query(Some(&fields));
            Ok(Submission { method: Method::GET, url, body: Vec::new() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: &str = "https://as.test/interaction/7?x=1";

    fn act(fields: &[(&str, &str)], button: Option<&str>) -> Act {
        let fields = fields.iter().map(|&(name, value)| (name.to_owned(), Secret::new(value)));
        Act { fields: fields.collect(), button: button.map(str::to_owned) }
    }

    /// Method, URL and body of what is sent.
    fn sent(page: &str, act: &Act) -> String {
        let sent = submit(page.as_bytes(), &Url::parse(AT).unwrap(), act).unwrap();
        format!("{} {} {}", sent.method, sent.url, String::from_utf8(sent.body).unwrap())
    }

    fn wrong(page: &str, act: &Act) -> String {
        submit(page.as_bytes(), &Url::parse(AT).unwrap(), act).unwrap_err().to_string()
    }

    const LOGIN: &str = r#"<!doctype html><title>Sign in</title>
        <form action="/search"><input name=q></form>
        <form autocomplete="off" action="/interaction/7/login" method="post">
          <input type="hidden" name="_csrf" value="a&amp;b=&#39;c"/>
          <input required type="text" name="login" placeholder="Enter any login">
          <input required type="password" name="password">
          <button type="submit" class="login">Sign-in</button>
        </form>"#;

    const CONSENT: &str = r#"<form method=POST>
          <script>document.write("<input name=evil>")</script>
          <template><input name=inert value=1></template>
          <input type=hidden name=txn value=1><input type=hidden name=txn value=2>
          <input type=checkbox name=scope value=read checked> <input type=checkbox name=scope value=write>
          <input type=checkbox name=remember>
          <input type=radio name=account value=one checked><input type=radio name=account value=two>
          <input name=gone value=1 disabled><input value=nameless><input type=file name=file>
          <select name=org><option value=a>Ay</option><option selected> Bee
             Cee </option></select>
          <textarea name=note> &lt;b&gt; </textarea>
          <button type=button name=help>Help</button>
          <button name=decision value=deny>  No,
            thanks </button>
          <button name=decision value=allow formaction="/allow?keep=1">Allow <b>access</b></button>
          <input type=image name=go alt=Go>
        </form><input form=late name=outside value=o>"#;

    #[test]
    fn what_a_browser_would_send() {
        let login: &[_] = &[("login", "ann"), ("password", "p&w ä")];
        let base = "&scope=read&account=one&org=Bee+Cee&note=+%3Cb%3E+";
        let cases = [
            (
                LOGIN,
                act(login, None),
                "POST https://as.test/interaction/7/login \
                 _csrf=a%26b%3D%27c&login=ann&password=p%26w+%C3%A4"
                    .to_owned(),
            ),
            (
                LOGIN,
                act(&[], Some("sign-IN")),
                "POST https://as.test/interaction/7/login _csrf=a%26b%3D%27c&login=&password="
                    .to_owned(),
            ),
            // The first button is the default one.
            (CONSENT, act(&[], None), format!("POST {AT} txn=1&txn=2{base}&decision=deny")),
            (
                CONSENT,
                act(&[], Some("Allow access")),
                format!("POST https://as.test/allow?keep=1 txn=1&txn=2{base}&decision=allow"),
            ),
            (
                CONSENT,
                act(&[], Some("allow")),
                format!("POST https://as.test/allow?keep=1 txn=1&txn=2{base}&decision=allow"),
            ),
            (CONSENT, act(&[], Some("Go")), format!("POST {AT} txn=1&txn=2{base}&go.x=0&go.y=0")),
            (
                CONSENT,
                act(
                    &[
                        ("account", "two"),
                        ("remember", "yes"),
                        ("scope", "write"),
                        ("org", "Ay"),
                        ("note", "n"),
                    ],
                    Some("No, thanks"),
                ),
                format!(
                    "POST {AT} txn=1&txn=2&scope=write&remember=on&account=two&org=a&note=n&decision=deny"
                ),
            ),
            (
                CONSENT,
                act(&[("scope", ""), ("org", "a")], None),
                format!("POST {AT} txn=1&txn=2&account=one&org=a&note=+%3Cb%3E+&decision=deny"),
            ),
            (
                "<base href='https://other.test/p/'><form action='go?old=1#f'><input name=a value=1></form>",
                act(&[], None),
                "GET https://other.test/p/go?a=1 ".to_owned(),
            ),
            (
                "<form id=f method=post></form><input form=f name=a value=1><button form=f>Go</button>",
                act(&[("a", "2")], Some("Go")),
                format!("POST {AT} a=2"),
            ),
            (
                "<form method=post><select multiple name=s><option selected>1<option>2<option selected>3</select>",
                act(&[], None),
                format!("POST {AT} s=1&s=3"),
            ),
            // A page that would send itself, had it scripts.
            (
                "<body onload='document.forms[0].submit()'><form method=post action=/cb>\
                 <input type=hidden name=code value=k><noscript><button>Continue</button></noscript></form>",
                act(&[], Some("Continue")),
                "POST https://as.test/cb code=k".to_owned(),
            ),
        ];
        for (page, act, expected) in cases {
            assert_eq!(sent(page, &act), expected, "{act:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        let cases = [
            (
                "<title>Just a\nmoment...</title>",
                act(&[], None),
                "there is no form on the page \"Just a?moment...\"",
            ),
            ("{\"error\":1}", act(&[], None), "there is no form on the page"),
            (
                LOGIN,
                act(&[("user", "ann")], None),
                "no form on the page has a field \"user\"; there are \
                 \"q\", \"_csrf\", \"login\", \"password\"",
            ),
            (
                CONSENT,
                act(&[], Some("Yes")),
                "no form with these fields has a button \"Yes\"; there are \
                 \"No, thanks\", \"Allow access\", \"Go\"",
            ),
            (
                CONSENT,
                act(&[("account", "three")], None),
                "the field \"account\" has no such choice; there are \"one\", \"two\"",
            ),
            (
                CONSENT,
                act(&[("org", "z")], None),
                "the field \"org\" has no such choice; there are \"a\", \"Bee Cee\"",
            ),
            (
                "<form method=post enctype=multipart/form-data>",
                act(&[], None),
                "the form is sent as \"multipart/form-data\"; GET and POST, form-encoded, are what squall sends",
            ),
            (
                "<form action='javascript:alert(1)'>",
                act(&[], None),
                "the form leads to \"javascript:alert(1)\", which is no http or https URL",
            ),
        ];
        for (page, act, expected) in cases {
            assert_eq!(wrong(page, &act), expected, "{act:?}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let act = act(&[("login", "ann"), ("password", "hunter2")], None);
        let sent = submit(LOGIN.as_bytes(), &Url::parse(AT).unwrap(), &act).unwrap();
        assert_eq!(format!("{sent:?}"), "POST https://as.test/interaction/7/login");
        assert!(!format!("{act:?}").contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_page_is_too_strange(parts in prop::collection::vec(prop::sample::select(vec![
            "<form", " id=a", ">", "<input", " name=x", " type=radio", " type=submit", "<select name=s>",
            "<option", "</select>", "<textarea name=t>", "</form>", "<button>", "\"", "'", "<template>",
            "</template>", "<title>", "<!--", "<![CDATA[", "&", "&#0;", "ä", "<script>", "<plaintext>",
        ]), 0..40), bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let page = [parts.concat().as_bytes(), &bytes].concat();
            let _any = submit(&page, &Url::parse(AT).unwrap(), &Act::default());
        }
    }
}
