//! How users came to tokens and what became of those, in sentences: during the load, and before it.

use super::percentile::{P50, P99, Times};
use crate::model::figure;
use crate::model::operation::Operation;
use crate::model::report::Report;
use crate::model::report::figures::{Counts, Figures, OperationFigures};
use crate::model::report::receipt::Receipt;
use crate::model::summary::races::Races;

const REFRESHES: [&str; 2] = ["refresh", "refreshes"];

/// Whether a run had anything to do with logins or tokens.
pub fn had_any(report: &Report) -> bool {
    !report.summary.grants.is_empty()
        || report.receipt.as_ref().is_some_and(|receipt| receipt.login.is_some())
}

/// What authorization servers gave the users during the load; nothing without OAuth.
pub fn during(summary: &Figures) -> Vec<String> {
    let count = |name: &str| of(&summary.grants, name);
    if summary.grants.is_empty() {
        return Vec::new();
    }
    let mut said = vec![
        format!(
            "{} ({} of users that had consented before), {}; {} and {} forgotten by the \
             authorization server, {} refused after their time and {} before, more scope asked for \
             {}, a user left without tokens {}.",
            some(count("authorised"), ["consent", "consents"]),
            figure::count(count("authorised_again")),
            registered(count("registered")),
            some(count("lost"), ["grant", "grants"]),
            some(count("clients_forgotten"), ["client", "clients"]),
            some(count("expired"), ["token", "tokens"]),
            figure::count(count("refused_early")),
            figure::times(count("scope_refused")),
            figure::times(count("locked_out")),
        ),
        refreshes(summary),
    ];
    said.extend(summary.first_call_with_token_us.map(|first| {
        let (p50, p99) = (figure::micros(first.p50), figure::micros(first.p99));
        let ended = match &summary.first_call {
            Some(ends) if ends.errors > 0 => format!(
                "; {} of {} ended in an error",
                figure::count(ends.errors),
                figure::count(ends.count)
            ),
            _ => String::new(),
        };
        format!("The first call with a new token took {p50} at p50, {p99} at p99{ended}.")
    }));
    said.extend(
        races(summary)
            .map(|races| format!("Processes that refreshed one token, {}.", races.said())),
    );
    said
}

/// What counts as a refresh, beside what the leg counts.
fn refreshes(summary: &Figures) -> String {
    let (refreshed, rotated) = (of(&summary.grants, "refreshed"), of(&summary.grants, "rotated"));
    let requests = of(&summary.exchanges, Operation::OauthRefresh.name());
    let raced = summary.refresh_races.iter();
    let raced: u64 =
        raced.map(|race| race.granted + race.refused + race.broken + race.failed).sum();
    let said = format!(
        "{} brought tokens to the process that uses them, {} with a new refresh token",
        some(refreshed, REFRESHES),
        figure::count(rotated),
    );
    if requests == refreshed {
        return format!("{said}.");
    }
    let others = requests.saturating_sub(refreshed + raced);
    let further = match raced {
        0 => String::new(),
        _ => format!(", {} of further processes in races", figure::count(raced)),
    };
    format!(
        "{said}. The leg {} counts every request, {}: these{further}, and {} that brought no \
         tokens or came when its race was decided.",
        Operation::OauthRefresh.name(),
        figure::count(requests),
        figure::count(others),
    )
}

/// Races for a refresh token, where there was one.
fn races(summary: &Figures) -> Option<Races> {
    let mut races = Races::default();
    for figures in &summary.refresh_races {
        races.put(figures.gap_ms, figures.went());
    }
    (!summary.refresh_races.is_empty()).then_some(races)
}

/// What was asked before the load and is counted nowhere else.
pub fn before(report: &Report) -> Vec<String> {
    let Some(receipt) = &report.receipt else { return Vec::new() };
    let asked = figure::count(receipt.exchanges_before_the_load);
    let Some(way) = &receipt.login else {
        return vec![format!(
            "The look before the load, at how the target speaks and what it offers, took {asked} \
             more."
        )];
    };
    let who = logged_in(receipt, way);
    let mut said = vec![format!(
        "Before the load {asked} more requests were made: by the look at how the target speaks and \
         what it offers, and by logins."
    )];
    said.push(who);
    let count = |name: &str| of(&receipt.grants, name);
    if !receipt.grants.is_empty() {
        said.push(format!(
            "Before the load there were, the look's own among them, {}, {}, {}, and \
             somebody came to no tokens {}.",
            some(count("authorised"), ["consent", "consents"]),
            registered(count("registered")),
            some(count("refreshed"), REFRESHES),
            figure::times(count("locked_out")),
        ));
    }
    said
}

/// Who had logged in when the load began, and how.
fn logged_in(receipt: &Receipt, way: &str) -> String {
    let is_consented = of(&receipt.grants, "authorised") > 0;
    let by = match way {
        "redirect" => "consent at once",
        "form" => "forms",
        "command" => "a command",
        "browser" => "a person in a browser",
        "client-credentials" => "client credentials",
        _ => "tokens that were given",
    };
    let one = receipt.one_grant.as_deref().map(|one| match one {
        "cloned" => "each of all users has a copy of",
        _ => "all users share",
    });
    match (one, receipt.logged_in_before_the_load) {
        (Some(then), _) if is_consented => {
            format!("One login, by {by}, brought the grant that {then}.")
        }
        (Some(then), _) => format!("The grant that {then} was there before: nobody logged in."),
        (None, _) if way == "tokens" => "Users began with tokens that were given.".to_owned(),
        (None, None) => {
            let look = if is_consented { "; the look did so for itself" } else { "" };
            format!("Users log in during the load, with their first request, by {by}{look}.")
        }
        (None, Some(0)) if !is_consented => {
            "Users began with the grants that were kept: nobody logged in.".to_owned()
        }
        (None, Some(users)) => {
            format!(
                "{} had logged in when the load began, by {by}.",
                some(users.into(), ["user", "users"])
            )
        }
    }
}

/// A leg of OAuth before the load: its name, requests, errors, and response at p50 and p99.
pub fn legs(report: &Report) -> Vec<[String; 5]> {
    let Some(receipt) = &report.receipt else { return Vec::new() };
    let row = |leg: Operation| {
        let figures: &OperationFigures = receipt.legs.get(leg.name())?;
        let response = Times::exact(figures.response_us);
        Some([
            leg.name().to_owned(),
            figure::count(figures.count),
            figure::count(figures.errors + figures.throttled),
            response.cell(P50),
            response.cell(P99),
        ])
    };
    Operation::LEGS.into_iter().filter_map(row).collect()
}

/// Handshakes that were answered 401 because a login begins with that, of those that were refused.
pub fn begun(summary: &Figures) -> u64 {
    let again = of(&summary.grants, "authorised_again");
    let first = of(&summary.grants, "authorised").saturating_sub(again);
    let handshakes = summary.operations.get(Operation::Initialize.name());
    handshakes.map_or(0, |handshakes| handshakes.unauthorised).min(first)
}

fn of(counts: &Counts, name: &str) -> u64 {
    counts.get(name).copied().unwrap_or(0)
}

fn some(number: u64, [one, many]: [&str; 2]) -> String {
    let what = if number == 1 { one } else { many };
    format!("{} {what}", figure::count(number))
}

fn registered(number: u64) -> String {
    format!("{} registered", some(number, ["client", "clients"]))
}
