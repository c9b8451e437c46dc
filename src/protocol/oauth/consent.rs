//! A person's way through login and consent pages: the form that is on a page, filled and sent.

use std::collections::BTreeMap;

use http::Method;
use url::Url;

use crate::model::secret::Secret;

/// One step of a consent script: which form is filled how, and which button is pressed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Act {
    /// Fields to fill, by their names.
    pub fields: BTreeMap<String, Secret>,
    /// The button to press: its name, its value or what is written on it; `None`: the first, or
    /// none where the form has none.
    pub button: Option<String>,
}

/// What pressing the button sends; cookies are the caller's.
#[derive(Clone, PartialEq, Eq)]
pub struct Submission {
    /// GET or POST.
    pub method: Method,
    /// The form's action, with its fields for GET.
    pub url: Url,
    /// The fields, form-encoded, for POST.
    pub body: Vec<u8>,
}

/// Why nothing can be sent; what is there is named, values never.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// There is no form.
    #[error("there is no form on the page (its title is {0:?})")]
    NoForm(String),
}

/// Fills the form of a page and presses its button. `base` is the URL of the page.
///
/// # Errors
/// What the page lacks.
pub fn submit(_page: &[u8], base: &Url, _act: &Act) -> Result<Submission, Misfit> {
    let _ = base;
    Err(Misfit::NoForm(String::new()))
}
