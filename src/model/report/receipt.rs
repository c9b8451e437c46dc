//! What was asked of a target before the load: the look at it, and the logins of users that come with
//! tokens. No figure of the load counts any of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::figures::{Counts, Figures, OperationFigures};
use crate::model::operation::Operation;
use crate::model::plan::auth::{Credential, Granted, One};
use crate::model::summary::Summary;

/// What happened before the load.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Receipt {
    /// HTTP exchanges that the look and the logins took.
    pub exchanges_before_the_load: u64,
    /// Users that had logged in when the load began; absent where they log in during it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logged_in_before_the_load: Option<u32>,
    /// By which way users come to tokens: `redirect`, `form`, `command`, `browser`,
    /// `client-credentials` or `tokens`, the words of a scenario; absent without OAuth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// What users do with the one grant of all, `shared` or `cloned`; absent where each has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_grant: Option<String>,
    /// What became of grants, as in the summary, the look's own login among them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub grants: Counts,
    /// Each leg of OAuth with its times.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub legs: BTreeMap<String, OperationFigures>,
}

impl Receipt {
    /// Of everything that was told before a load with this credential.
    pub fn of(auth: &Credential, told: &Summary, exchanges: u64, logged_in: Option<u32>) -> Self {
        let Figures { grants, mut operations, .. } = Figures::of(told);
        operations.retain(|name, _| Operation::LEGS.iter().any(|leg| leg.name() == name));
        let granted = auth.granted();
        Self {
            exchanges_before_the_load: exchanges,
            logged_in_before_the_load: logged_in,
            login: granted.map(|granted| granted.flow.word().to_owned()),
            one_grant: granted.and_then(one).map(str::to_owned),
            grants,
            legs: operations,
        }
    }
}

fn one(granted: &Granted) -> Option<&'static str> {
    granted.one.map(One::word)
}
