//! The file that users' grants are kept in, or come from: a line a user, and whose they are.

use std::time::{Duration, SystemTime};

use url::Url;

use super::failure::RunError;
use crate::edge::clock::{Clock, wall};
use crate::edge::files::{self, FilesError};
use crate::engine::holder::Wallet;
use crate::model::plan::Plan;
use crate::model::plan::auth::{Flow, Granted};
use crate::model::secret::Secret;
use crate::protocol::oauth::client::Identity;
use crate::protocol::oauth::exchange;
use crate::protocol::oauth::saved::{self, Kept, NONE};

/// The grants of a file, a line a user; `None`: that user has none.
pub(super) type Lines = Vec<Option<Kept>>;

/// The files that users' grants come from. What was kept is newer than what was brought: servers
/// replace refresh tokens, and some take a second use of one for a theft.
pub(super) fn files_of(granted: &Granted) -> Vec<&String> {
    let kept = granted.keep.as_ref().filter(|file| files::exists(file));
    let brought = brought(granted).filter(|file| kept != Some(file));
    kept.into_iter().chain(brought).collect()
}

/// The file of tokens that its author has from elsewhere.
const fn brought(granted: &Granted) -> Option<&String> {
    match &granted.flow {
        Flow::Tokens(file) => Some(file),
        Flow::Code(_) | Flow::ClientCredentials => None,
    }
}

/// Users have the first of two files' grants, and who has none there that of the second.
pub(super) fn filled_up(first: Lines, second: Lines) -> Lines {
    let mut second = second.into_iter();
    let own = first.into_iter().map(|kept| {
        let other = second.next().flatten();
        kept.or(other)
    });
    let mut lines: Lines = own.collect();
    lines.extend(second);
    lines
}

/// The grants of a file.
///
/// # Errors
/// When it cannot be read, or holds none.
pub(super) fn in_file(file: &str, identity: Option<&Identity>) -> Result<Lines, RunError> {
    let text = Secret::new(files::read(file).map_err(RunError::GrantsFile)?);
    let lines = text.expose().lines().zip(1u32..).filter(|(line, _)| !line.trim().is_empty());
    let read = |(line, number): (&str, u32)| {
        let unreadable = |error| RunError::GrantsLine { file: file.to_owned(), number, error };
        Kept::read(line, identity).map_err(unreadable)
    };
    let kept = lines.map(read).collect::<Result<Lines, _>>()?;
    if kept.iter().flatten().next().is_none() {
        return Err(RunError::NoGrants { file: file.to_owned() });
    }
    Ok(kept)
}

/// Each of so many users has a grant.
///
/// # Errors
/// When one has none.
pub(super) fn do_for(users: u32, file: &str, given: &Lines) -> Result<(), RunError> {
    let own = given.iter().take(users as usize).flatten().count();
    if own < users as usize {
        return Err(RunError::TooFewTokens { file: file.to_owned(), given: own, users });
    }
    Ok(())
}

/// What one server's users have is nobody else's to see. A line says which server it was kept for;
/// one that does not is known by its resource, and where that is unknown, too, its author vouches for
/// what stands in `file`, and nobody for what was kept.
///
/// # Errors
/// When a grant is another server's, or may be.
pub(super) fn are_of(
    target: &Url,
    granted: &Granted,
    (file, given): (&String, &Lines),
) -> Result<(), RunError> {
    let this = saved::target(target);
    let is_brought = brought(granted) == Some(file);
    for kept in given.iter().flatten() {
        let resource = kept.granted.known.resource.as_ref().map(|known| known.resource.as_str());
        let other = match (&kept.target, resource) {
            (Some(named), _) => Some(named.as_str()).filter(|named| **named != this),
            (None, Some(named)) => Some(named).filter(|named| is_elsewhere(named, target)),
            (None, None) if is_brought => None,
            (None, None) => {
                let (file, target) = (file.clone(), exchange::shown(target));
                return Err(RunError::NobodysGrants { file, target });
            }
        };
        if let Some(other) = other {
            let other =
                Url::parse(other).map_or_else(|_| "no URL".to_owned(), |url| exchange::shown(&url));
            let (file, target) = (file.clone(), exchange::shown(target));
            return Err(RunError::OtherTarget { file, other, target });
        }
    }
    Ok(())
}

fn is_elsewhere(resource: &str, target: &Url) -> bool {
    Url::parse(resource).map_or(true, |url| url.origin() != target.origin())
}

/// Keeps what users have for the next run, if the plan wants that.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn save(plan: &Plan, wallet: &Wallet, clock: &Clock) -> Result<(), FilesError> {
    let Some(granted) = plan.auth.granted() else { return Ok(()) };
    let Some(file) = &granted.keep else { return Ok(()) };
    let kept = wallet.kept(times(clock));
    // Grants that are lost leave nothing: whether those before them are dead, the next run finds.
    if kept.iter().flatten().next().is_none() {
        return Ok(());
    }
    files::replace_private(file, written(&kept).expose().as_bytes())
}

/// A line a user.
fn written(kept: &Lines) -> Secret {
    let mut text = String::new();
    for kept in kept {
        match kept {
            Some(kept) => text += kept.write().expose(),
            None => text += NONE,
        }
        text.push('\n');
    }
    Secret::new(text)
}

/// Now, by a run's clock and since 1970.
pub(super) fn times(clock: &Clock) -> (Duration, Duration) {
    let unix = wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (clock.now(), unix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::auth::{Consent, Login};

    fn granted(flow: Flow, keep: Option<&str>) -> Granted {
        let (login, keep) = (Login::OnArrival, keep.map(str::to_owned));
        let (client, scope, servers, one) = (None, None, Vec::new(), None);
        Granted { flow, client, scope, login, keep, servers, one }
    }

    /// What is said of a line in a file that was kept, and in one that was brought.
    fn said(line: &str) -> [String; 2] {
        let target = Url::parse("https://h.test/mcp?key=k").unwrap();
        let given = vec![None, Kept::read(line, None).unwrap()];
        // It has to be there to be one that is read.
        let kept = granted(Flow::Code(Consent::Redirect), Some("Cargo.toml"));
        let brought = granted(Flow::Tokens("Cargo.toml".to_owned()), None);
        [kept, brought].map(|granted| {
            let said = are_of(&target, &granted, (&"Cargo.toml".to_owned(), &given));
            said.map_or_else(|error| error.to_string(), |()| "fine".to_owned())
        })
    }

    #[test]
    fn grants_are_for_the_server_that_they_were_kept_for() {
        let resource = |url: &str| {
            format!(
                r#"{{"access":"a","resource":{{"resource":"{url}","servers":[],"scopes":[]}}}}"#
            )
        };
        let target = |url: &str| format!(r#"{{"access":"a","target":"{url}"}}"#);
        for line in [target("https://h.test/mcp"), resource("https://h.test/")] {
            assert_eq!(said(&line), ["fine", "fine"], "{line}");
        }
        for line in [
            target("https://h.test/other"),
            target("https://other.test/mcp"),
            resource("https://other.test/mcp"),
            resource("other"),
        ] {
            for said in said(&line) {
                assert!(said.starts_with("Cargo.toml under [auth] has grants for "), "{said}");
                assert!(said.contains("the target is https://h.test/mcp: "), "{said}");
            }
        }
        let [kept, brought] = said(r#"{"access":"a"}"#);
        assert!(kept.contains("do not say which server they are for"), "{kept}");
        assert!(kept.contains(r#""target":"https://h.test/mcp""#), "{kept}");
        assert_eq!(brought, "fine");
    }

    #[test]
    fn what_was_kept_comes_before_what_was_brought() {
        let files = |keep: Option<&str>| {
            let granted = granted(Flow::Tokens("brought".to_owned()), keep);
            files_of(&granted).into_iter().cloned().collect::<Vec<_>>()
        };
        assert_eq!(files(Some("Cargo.toml")), ["Cargo.toml", "brought"]);
        assert_eq!(files(Some("not/there")), ["brought"]);
        assert_eq!(files(Some("brought")), ["brought"]);
        assert_eq!(files(None), ["brought"]);
        let [a, b, c, d] = ["a", "b", "c", "d"].map(own);
        let kept = vec![a.clone(), None];
        let all = filled_up(kept, vec![b, c.clone(), d.clone()]);
        assert_eq!(all, [a.clone(), c, d]);
        assert_eq!(filled_up(vec![None, a.clone()], vec![None]), [None, a]);
    }

    fn own(access: &str) -> Option<Kept> {
        Kept::read(&format!(r#"{{"access":"{access}"}}"#), None).unwrap()
    }

    #[test]
    fn each_user_has_its_line() {
        let kept = vec![own("a"), None, own("b")];
        let text = written(&kept);
        assert_eq!(text.expose(), "{\"access\":\"a\"}\n{\"grant\":\"none\"}\n{\"access\":\"b\"}\n");
        let scratch = crate::edge::scratch::Scratch::new().unwrap();
        let file = scratch.path().join("grants.jsonl").to_str().unwrap().to_owned();
        files::replace_private(&file, text.expose().as_bytes()).unwrap();
        let read = in_file(&file, None).unwrap();
        assert_eq!(read, kept);
        do_for(1, &file, &read).unwrap();
        let few = do_for(3, &file, &read).unwrap_err().to_string();
        assert!(few.contains("has tokens for 2 of the 3 users"), "{few}");
        files::replace_private(&file, NONE.as_bytes()).unwrap();
        assert!(matches!(in_file(&file, None), Err(RunError::NoGrants { .. })));
    }
}
