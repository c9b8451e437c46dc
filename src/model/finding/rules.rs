//! The protocol's rules as findings: how bad, what the rule demands, where it stands, what to do.

mod bounds;
mod content;
mod isolation;
mod media;
mod message;
mod modern;
mod session;
mod stream;

use super::{Provenance, Severity};
use crate::model::outcome::Rule;

/// One rule, described.
pub(super) struct Described {
    pub(super) id: &'static str,
    pub(super) severity: Severity,
    pub(super) title: &'static str,
    pub(super) demands: &'static str,
    pub(super) source: &'static str,
    pub(super) provenance: Provenance,
    pub(super) what_to_do: &'static str,
}

/// What is said of a broken rule.
pub(super) const fn described(rule: Rule) -> Described {
    match rule {
        Rule::WrongId
        | Rule::NotOneOfResultAndError
        | Rule::NotJson
        | Rule::NotJsonRpc
        | Rule::MalformedResult => message::message(rule),
        Rule::WrongMediaType | Rule::AcceptedRequest | Rule::NotificationNotAccepted => {
            media::media(rule)
        }
        Rule::UnknownVersion | Rule::BadSessionId => session::session(rule),
        Rule::TooLarge
        | Rule::UnaskedCoding
        | Rule::RequestFlood
        | Rule::Redirect
        | Rule::EndlessPages => bounds::bounds(rule),
        Rule::SecondAnswer
        | Rule::AnswerAfterCancel
        | Rule::WrongStream
        | Rule::ForeignSubscription
        | Rule::NotAcknowledged
        | Rule::BadEventId
        | Rule::ProgressGoesBack
        | Rule::ForeignProgress
        | Rule::ForeignEndpoint
        | Rule::BadEndpoint => stream::stream(rule),
        Rule::ModernServerRequest
        | Rule::ForbiddenCode
        | Rule::UnknownResultType
        | Rule::UnaskedInput
        | Rule::EmptyInputRequired
        | Rule::UndeclaredInput
        | Rule::TooManyRounds
        | Rule::NoCacheHints
        | Rule::InvalidParamHeader => modern::modern(rule),
        Rule::OutputMissing
        | Rule::InvalidOutputSchema
        | Rule::OutputMismatch
        | Rule::InvalidBase64
        | Rule::TooManyCompletions => content::content(rule),
        Rule::OtherCallsAnswer | Rule::OtherSessionsAnswer | Rule::OtherUsersAnswer => {
            isolation::isolation(rule)
        }
    }
}

/// A rule that a specification demands: breaking it is high.
const fn must(
    id: &'static str,
    title: &'static str,
    demands: &'static str,
    source: &'static str,
    what_to_do: &'static str,
) -> Described {
    let (severity, provenance) = (Severity::High, Provenance::Spec);
    Described { id, severity, title, demands, source, provenance, what_to_do }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_readme_names_every_rule_and_no_other() {
        let readme = include_str!("../../../README.md");
        let section = readme.split("## What a server is held to").nth(1).unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| "));
        let named = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
        let named: Vec<_> = named.collect();
        let all: BTreeSet<_> = Rule::ALL.map(|rule| described(rule).id).into();
        assert_eq!(named.iter().copied().collect::<BTreeSet<_>>(), all);
        assert_eq!(named.len(), all.len(), "each stands there once");
    }

    #[test]
    fn every_rule_has_a_name_and_words_of_its_own() {
        let all = Rule::ALL.map(described);
        let ids: BTreeSet<_> = all.iter().map(|rule| rule.id).collect();
        let titles: BTreeSet<_> = all.iter().map(|rule| rule.title).collect();
        assert_eq!((ids.len(), titles.len()), (Rule::ALL.len(), Rule::ALL.len()));
        for rule in &all {
            let is_kebab = rule
                .id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit());
            assert!(is_kebab, "{}", rule.id);
            for sentence in [rule.demands, rule.what_to_do] {
                assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
            }
            assert!(!rule.source.is_empty() && !rule.title.ends_with('.'), "{}", rule.id);
        }
    }
}
