//! How the users of a plan will come to tokens, and what is expected of those: what it needs, and what
//! no load of this kind can show.

use crate::model::figure;
use crate::model::plan::Plan;
use crate::model::plan::auth::{Consent, Flow, Granted, Login, One};
use crate::model::profile::oauth::{Loser, OAuth, Registration};
use crate::render::visible;

/// Lines by their names; none where users get no tokens of their own.
pub(super) fn lines(plan: &Plan) -> Vec<(&'static str, String)> {
    let Some(granted) = plan.auth.granted() else { return Vec::new() };
    let oauth = &plan.clients.profile.oauth;
    let mut lines = vec![("login", login(granted))];
    lines.extend(client(granted, oauth).map(|client| ("client", client)));
    lines.push(("processes", processes(oauth)));
    lines.extend(kept(granted).map(|kept| ("grants", kept)));
    lines.extend(expected(plan).into_iter().map(|expected| ("expected", expected)));
    lines.extend(unchecked(plan).into_iter().map(|unchecked| ("expected", unchecked)));
    lines
}

/// By which way, and when.
fn login(granted: &Granted) -> String {
    if let Some(one) = granted.one {
        return one_grant(granted, one);
    }
    let way = match &granted.flow {
        Flow::Code(Consent::Redirect) => "each user consents, and the server redirects at once",
        Flow::Code(Consent::Form(steps)) => {
            let steps = match steps.len() {
                1 => "1 page".to_owned(),
                many => format!("{many} pages"),
            };
            return format!("each user consents with forms, {steps}; {}", when(granted.login));
        }
        Flow::Code(Consent::Command(command)) => {
            let program = command.first().map(|program| visible::line(program));
            let program = program.unwrap_or_default();
            return format!("{program} consents for each user; {}", when(granted.login));
        }
        Flow::Code(Consent::Browser(_)) => "a person, in a browser",
        Flow::ClientCredentials => "client credentials: the client itself is trusted",
        Flow::Tokens(file) => {
            return format!("none: {} has tokens, a line a user", visible::line(file));
        }
    };
    format!("{way}; {}", when(granted.login))
}

fn when(login: Login) -> String {
    match login {
        Login::OnArrival => "with its first request, which is measured".to_owned(),
        Login::Before { over } if over.is_zero() => "all at once, before the load".to_owned(),
        Login::Before { over } => format!("before the load, over {}", figure::duration(over)),
    }
}

/// How all users come to one grant; a person must know before it is asked.
fn one_grant(granted: &Granted, one: One) -> String {
    let then = match one {
        One::Shared => "its grant is shared by all users",
        One::Cloned => "each user gets a copy of its grant",
    };
    let who = match &granted.flow {
        Flow::Code(Consent::Browser(browser)) => {
            let kept = match &granted.keep {
                Some(file) => format!(", unless {} has a grant that is good", visible::line(file)),
                None => String::new(),
            };
            let within = figure::duration(browser.within);
            format!("a person is asked before the load, in a browser, for up to {within}{kept}")
        }
        Flow::Tokens(file) => format!("none: {} has tokens", visible::line(file)),
        _ => "one before the load".to_owned(),
    };
    format!("{who}; {then}")
}

/// Who the client is at the authorization server.
fn client(granted: &Granted, oauth: &OAuth) -> Option<String> {
    if let Some(client) = &granted.client {
        let how = client.authentication.unwrap_or("as the server supports it");
        let id = visible::line(&client.id);
        return Some(format!("{id}, registered by hand; authenticates: {how}"));
    }
    if matches!(granted.flow, Flow::Tokens(_)) {
        return None;
    }
    let registers = match oauth.registration {
        Registration::PerConnection => "registers anew for each connection",
        Registration::PerUser => "registers once for each user",
        Registration::Once => "registers once for all users",
    };
    Some(match &oauth.metadata_document {
        Some(document) => {
            let document = visible::line(document);
            format!("{document} where the server takes it (on loopback), else it {registers}")
        }
        None => registers.to_owned(),
    })
}

/// How many renew a grant.
fn processes(oauth: &OAuth) -> String {
    if oauth.holders <= 1 {
        return "1 renews a user's grant: no race for its refresh token".to_owned();
    }
    let loser = match oauth.loser {
        Loser::Reads => "reads the other's tokens",
        Loser::LogsOut => "logs its user in anew",
    };
    format!(
        "{} present each refresh token, {} apart; one that is refused {loser}",
        oauth.holders, oauth.holder_gap
    )
}

fn kept(granted: &Granted) -> Option<String> {
    match (&granted.keep, granted.lost_for()) {
        (Some(file), _) => {
            Some(format!("kept in {}, and begun with where it has some", visible::line(file)))
        }
        (None, lost) => lost.map(|lost| visible::line(&lost)),
    }
}

/// Each expectation that this load can show, with what has to happen for that.
fn expected(plan: &Plan) -> Vec<String> {
    let limits = plan.expect.tokens;
    let races = match plan.clients.profile.oauth.holders {
        0 | 1 => "needs races: clients.override.oauth.holders above 1",
        _ => "needs refreshes, for which processes race",
    };
    let ends = "needs tokens that end, or are refused, in the load";
    let refreshes = "needs refreshes in the load";
    let mut said: Vec<String> = limits
        .written()
        .map(|text| {
            let name = text.trim_start_matches("tokens.").split(' ').next().unwrap_or_default();
            let needs = match name {
                "grace" | "winner" => races,
                "rotation" => refreshes,
                "refused_early" => "needs tokens whose expires_in is said",
                _ => ends,
            };
            format!("{text}: {needs}")
        })
        .collect();
    let checks = plan.expect.checks;
    said.extend(
        checks.lifetime_written().map(|text| format!("{text}: needs expires_in, and calls")),
    );
    let made = checks.active(&plan.load.behaviour).into_iter().filter(|active| active.is_made);
    said.extend(made.map(|active| format!("{}: {} shows it", active.text, active.needs)));
    said
}

/// Each that it cannot.
fn unchecked(plan: &Plan) -> Vec<String> {
    let all = plan.expect.checks.active(&plan.load.behaviour).into_iter();
    let unmade = all.filter(|active| !active.is_made);
    let said = |text: String, needs: &str| {
        format!("{text}: not checked, it needs load.behaviour = \"{needs}\"")
    };
    unmade.map(|active| said(active.text, active.needs)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::behaviour::{Behaviour, Chat};
    use crate::model::pace::{Arrivals, Pace};
    use crate::model::plan::auth::{Credential, FormStep, GivenClient};
    use crate::model::plan::checks::CheckLimits;
    use crate::model::plan::tokens::{Most, TokenLimits};
    use crate::model::plan::{Load, sample};

    fn said(granted: Granted, change: impl FnOnce(&mut Plan)) -> String {
        let pace = Pace::Open(Arrivals::default());
        let (behaviour, drain) = (Behaviour::Chat(Chat::default()), Duration::ZERO);
        let load = Load { behaviour, speed: 1.0, pace, drain, ceiling: 1 };
        let mut plan = sample::plan(load, sample::plain());
        plan.auth = Credential::Granted(Box::new(granted));
        change(&mut plan);
        let lines = lines(&plan).into_iter().map(|(name, said)| format!("{name}: {said}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn how_users_log_in_and_what_is_expected_of_their_tokens() {
        let forms = Flow::Code(Consent::Form(vec![FormStep::default(), FormStep::default()]));
        let kept = Granted { keep: Some("grants.jsonl".to_owned()), ..sample::granted(forms) };
        let limits = TokenLimits {
            lost: Some(Most::Users(0)),
            grace: Some(Duration::ZERO),
            rotation: true,
            ..TokenLimits::default()
        };
        let asked = CheckLimits { expired: true, ..CheckLimits::default() };
        let text = said(kept, |plan| (plan.expect.tokens, plan.expect.checks) = (limits, asked));
        insta::assert_snapshot!("kept", text);
        let (id, authentication) = ("squall".to_owned(), Some("none"));
        let client = GivenClient { id, authentication, secret: None, key: None };
        let given = Granted {
            client: Some(client),
            login: Login::OnArrival,
            ..sample::granted(Flow::Code(Consent::Redirect))
        };
        let text = said(given, |plan| {
            plan.clients.profile.oauth.holders = 3;
            plan.expect.tokens.winner_alive = true;
        });
        insta::assert_snapshot!("raced for", text);
        let tokens = sample::granted(Flow::Tokens("t.jsonl".to_owned()));
        insta::assert_snapshot!("given", said(tokens, |_| {}));
    }
}
