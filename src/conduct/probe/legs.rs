//! The legs of OAuth, as they were told while the client went them; and every broken rule.

use std::time::Duration;

use super::Prober;
use crate::engine::recorder::Observer;
use crate::model::event::{Event, Exchange, Refused, Violation};
use crate::model::operation::Operation;
use crate::model::plan::auth::{Consent, Flow};
use crate::model::probe::facts::NoTokens;
use crate::model::summary::Summary;

/// The steps that are legs.
const LEGS: [(&str, Operation); 4] = [
    ("discovery", Operation::OauthDiscovery),
    ("registration", Operation::OauthRegistration),
    ("authorization", Operation::OauthAuthorize),
    ("token", Operation::OauthToken),
];

/// What was told of a probe.
#[derive(Default)]
pub(super) struct Noted {
    /// Broken rules.
    pub(super) told: Box<Summary>,
    legs: Vec<(Operation, Duration)>,
    refused: Option<Box<Refused>>,
}

impl Observer for Noted {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::Violation(violation) => {
                let before = Violation { at: Duration::ZERO, user: None, ..(**violation).clone() };
                self.told.add(&Event::Violation(Box::new(before)));
            }
            Event::Exchange(Exchange { operation, began, end, .. })
                if Operation::LEGS.contains(operation) =>
            {
                self.legs.push((*operation, end.saturating_sub(*began)));
            }
            Event::Refused(refused) => self.refused = Some(refused.clone()),
            _ => {}
        }
    }
}

impl Prober<'_> {
    /// What all legs took that were told of by now.
    pub(super) fn noted_legs(&self) -> Duration {
        self.noted.legs.iter().map(|(_, took)| *took).sum()
    }

    /// Says what became of OAuth, once a session was asked for with what the client presents.
    pub(super) fn legs(&mut self) {
        self.note();
        self.facts.legs.clone_from(&self.noted.legs);
        self.facts.legs.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
        self.facts.no_tokens = self.noted.refused.as_deref().map(|refused| NoTokens {
            leg: step_of(refused.operation),
            said: without_leg(&refused.said),
            what_to_do: refused.what_to_do,
        });
        let refused = self.facts.no_tokens.clone();
        let last = refused.as_ref().map(|refused| step_of(refused.leg));
        let mut is_over = false;
        for (name, leg) in LEGS {
            let gone: Vec<_> = self
                .noted
                .legs
                .iter()
                .filter(|(of, _)| step_of(*of) == leg)
                .map(|(_, took)| *took)
                .collect();
            let took = (!gone.is_empty()).then(|| gone.iter().sum());
            match &refused {
                Some(refused) if last == Some(leg) => {
                    self.failed(name, took, refused.said.clone(), self.what_helps(refused));
                    is_over = true;
                }
                _ if took.is_some() => self.ok(name, took, requests(gone.len())),
                _ if is_over => self.not_tried(name, "the leg before it failed"),
                _ if !self.facts.is_guarded => self.none(name, None, "no token is asked for"),
                _ if self.plan.auth.granted().is_none() => {
                    self.not_tried(name, "OAuth was not asked for");
                }
                _ if self.status_without_token() != Some(401) => {
                    self.not_tried(name, "no 401 asked for it");
                }
                _ => self.not_tried(name, "it was not come to"),
            }
        }
        if is_over {
            self.end("there is no token");
        }
    }

    /// What helps, by the options of a probe.
    fn what_helps(&self, refused: &NoTokens) -> String {
        let what_to_do = refused.what_to_do;
        let of_scenario = ["[auth]", "auth."].iter().any(|key| what_to_do.contains(key));
        let file = if of_scenario { " (--scenario FILE takes [auth] of a scenario)" } else { "" };
        let flow = self.plan.auth.granted().map(|granted| &granted.flow);
        let is_browser = matches!(flow, Some(Flow::Code(Consent::Browser(_))));
        match refused.leg {
            Operation::OauthAuthorize if !is_browser => {
                format!("log in yourself, in a browser, with --login; or {what_to_do}{file}")
            }
            Operation::OauthDiscovery | Operation::OauthRegistration => {
                format!("{what_to_do}{file}; if tokens are given out otherwise, --bearer-env NAME")
            }
            _ => format!("{what_to_do}{file}"),
        }
    }
}

/// The leg whose step a leg is told in: tokens that are renewed are tokens.
fn step_of(leg: Operation) -> Operation {
    if leg == Operation::OauthRefresh { Operation::OauthToken } else { leg }
}

/// What is said of a leg, where its name stands before it.
fn without_leg(said: &str) -> String {
    let rest = said.split_once(": ").filter(|(leg, _)| leg.bytes().all(|b| b.is_ascii_lowercase()));
    rest.map_or(said, |(_, rest)| rest).to_owned()
}

fn requests(count: usize) -> String {
    if count == 1 { "1 request".to_owned() } else { format!("{count} requests") }
}
