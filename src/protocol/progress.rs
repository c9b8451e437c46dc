//! Progress of one request: its token, and numbers that only grow.
//!
//! Rules: MCP specification 2025-11-25, basic/utilities/progress; 2026-07-28, basic/patterns.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::message::{Id, IdView, Object};
use crate::model::outcome::Rule;

/// The method of these notifications.
pub const METHOD: &str = "notifications/progress";

/// What a request has been told of its progress.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    token: Option<u64>,
    last: Option<f64>,
    /// How many notifications came.
    pub heard: u32,
}

/// One notification.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told {
    /// How far it is; the unit is the server's.
    pub progress: f64,
    /// How far it will be in the end, if the server knows.
    pub total: Option<f64>,
}

impl Progress {
    /// Of a request that asked for progress under this token, or for none.
    pub const fn of(token: Option<u64>) -> Self {
        Self { token, last: None, heard: 0 }
    }

    /// Takes the parameters of a notification on the request's own stream.
    ///
    /// # Errors
    /// [`Rule::ForeignProgress`] for another token, or one of another JSON type;
    /// [`Rule::ProgressGoesBack`] for a number not above the one before;
    /// [`Rule::MalformedResult`] for parameters that are none.
    pub fn hear(&mut self, params: Option<&RawValue>) -> Result<Told, Rule> {
        self.heard = self.heard.saturating_add(1);
        let params = params.ok_or(Rule::MalformedResult)?;
        let Object(params) = serde_json::from_str::<Object<Params<'_>>>(params.get())
            .map_err(|_| Rule::MalformedResult)?;
        let token = IdView::of(params.progress_token).ok_or(Rule::MalformedResult)?;
        if !self.token.is_some_and(|ours| Id::Number(ours).matches(&token)) {
            return Err(Rule::ForeignProgress);
        }
        let Params { progress, total, .. } = params;
        if self.last.is_some_and(|last| progress <= last) {
            return Err(Rule::ProgressGoesBack);
        }
        self.last = Some(progress);
        Ok(Told { progress, total })
    }
}

/// The token that a notification names, where it may be one of ours: on a stream that many requests
/// share it says which of them is meant.
pub fn token(params: Option<&RawValue>) -> Option<u64> {
    let Object(params) = serde_json::from_str::<Object<Params<'_>>>(params?.get()).ok()?;
    params.progress_token.get().parse().ok()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    #[serde(borrow)]
    progress_token: &'a RawValue,
    progress: f64,
    #[serde(default)]
    total: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn heard(progress: &mut Progress, params: &str) -> Result<Told, Rule> {
        let raw: Box<RawValue> = serde_json::from_str(params).unwrap();
        progress.hear(Some(&raw))
    }

    #[test]
    fn progress_grows_under_its_token() {
        let told = |progress, total| Ok(Told { progress, total });
        let (foreign, broken) = (Err(Rule::ForeignProgress), Err(Rule::MalformedResult));
        let back = Err(Rule::ProgressGoesBack);
        let cases = [
            (r#"{"progressToken":7,"progress":0}"#, told(0.0, None)),
            (r#"{"progressToken":7,"progress":0.5,"total":2,"message":"m"}"#, told(0.5, Some(2.0))),
            (r#"{"progressToken":7,"progress":0.5}"#, back),
            (r#"{"progressToken":7,"progress":0.25}"#, back),
            (r#"{"progressToken":7,"progress":3e2,"total":null}"#, told(300.0, None)),
            (r#"{"progressToken":"7","progress":400}"#, foreign),
            (r#"{"progressToken":8,"progress":400}"#, foreign),
            (r#"{"progress":400}"#, broken),
            (r#"{"progressToken":null,"progress":400}"#, broken),
            (r#"{"progressToken":7,"progress":"400"}"#, broken),
            (r#"{"progressToken":7}"#, broken),
            ("[7,400]", broken),
            (r#"{"progressToken":7,"progress":301}"#, told(301.0, None)),
        ];
        let mut progress = Progress::of(Some(7));
        for (params, expected) in cases {
            assert_eq!(heard(&mut progress, params), expected, "{params}");
        }
        assert_eq!(progress.heard, 13);
        assert_eq!(progress.hear(None), Err(Rule::MalformedResult));
        let mut unasked = Progress::of(None);
        assert_eq!(heard(&mut unasked, r#"{"progressToken":7,"progress":0}"#), foreign);
    }

    proptest! {
        #[test]
        fn what_is_told_only_grows(numbers in prop::collection::vec(any::<i32>(), 0..20)) {
            let mut progress = Progress::of(Some(1));
            let told: Vec<_> = numbers
                .iter()
                .map(|number| format!(r#"{{"progressToken":1,"progress":{number}}}"#))
                .filter_map(|params| heard(&mut progress, &params).ok())
                .map(|told| told.progress)
                .collect();
            prop_assert!(told.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(told.is_empty(), numbers.is_empty());
        }
    }
}
