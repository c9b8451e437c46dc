//! A person who logs in before the load: the browser comes back to a port of this machine, and its
//! one grant serves all users.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use url::Url;

use crate::chromium::Browser;
use crate::http;
use crate::practice::Practice;
use crate::secrets::{leaks_of, overheard, secrets_in};
use crate::squall::{Order, Place, Running};
use crate::storm::QUICK;

/// What comes before the URL.
const ASKS: &str = "a person has to log in before the load";

/// A short load of users who all have the person's grant.
fn asking<'a>(place: &'a Place, url: &str) -> Order<'a> {
    let order = place.run("steady").short_closed().target(url).env("BROWSER", "");
    let order = order.set("auth.kind", r#""oauth""#).set("auth.consent", r#""browser""#);
    order.set("tools.allow", QUICK).set("load.steady.think", r#""200ms""#)
}

/// The URL that a person is to open.
fn asked(running: &mut Running) -> Url {
    running.until(ASKS);
    let printed = running.line_with("http");
    Url::parse(printed.trim()).unwrap()
}

fn address(url: &Url) -> SocketAddr {
    url.socket_addrs(|| None).unwrap()[0]
}

fn target(url: &Url) -> String {
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

/// Where a server that consents at once sends the browser.
fn followed(url: &Url) -> Url {
    let (status, head) = http::head(address(url), "GET", &target(url), "", "").unwrap();
    assert_eq!(status, 302, "{head}");
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut places = lines.filter(|(name, _)| name.eq_ignore_ascii_case("location"));
    Url::parse(places.next().unwrap().1).unwrap()
}

/// What squall shows a browser that comes back so.
fn shown(callback: &Url) -> (u16, String) {
    http::ask(address(callback), "GET", &target(callback), "").unwrap()
}

fn authorizations(practice: &Practice) -> u64 {
    practice.counted("practice_auth_authorizations_total")
}

#[test]
fn one_login_serves_all_users_and_the_next_run() {
    let practice = Practice::with(&["--auth", r#"{ access = "2s", grace = "0s" }"#]);
    let place = Place::new();
    let run = |practice: &Practice| {
        asking(&place, &practice.url()).set("auth.grants", r#""grants.jsonl""#)
    };
    let mut first = run(&practice).start();
    let authorize = asked(&mut first);
    let back = followed(&authorize);
    assert_eq!((back.host_str(), back.path()), (Some("127.0.0.1"), "/callback"));
    let (status, page) = shown(&back);
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("You are logged in. You can close this window."), "{page}");
    // Once more, as a browser that is reloaded: nobody waits for it, and it changes nothing.
    let again = http::ask(address(&back), "GET", &target(&back), "");
    assert!(again.is_err() || again.is_ok_and(|(status, _)| status == 404));
    let report = first.end().exits(0).report();
    assert!(report.count("/summary/grants/refreshed") > 0, "it is renewed during the load");
    for never in ["authorised", "registered", "lost", "locked_out"] {
        assert_eq!(report.count(&format!("/summary/grants/{never}")), 0, "{never}");
    }
    assert_eq!(report.count("/receipt/logged_in_before_the_load"), 1);
    assert_eq!(report.at("/receipt/login"), "browser");
    assert_eq!(report.at("/receipt/one_grant"), "shared");
    assert_eq!(report.count("/receipt/grants/authorised"), 1);
    assert_eq!(report.count("/receipt/legs/oauth~1token/count"), 1);
    assert_eq!((authorizations(&practice), report.count("/summary/users")), (1, 3));

    let kept = place.path().join("grants.jsonl");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&kept).unwrap().lines().count(), 1);
    fs::remove_dir_all(place.path().join("report")).unwrap();
    let second = run(&practice).go();
    assert!(!second.exits(0).stderr.contains(ASKS), "{}", second.stderr);
    assert_eq!(authorizations(&practice), 1, "nobody was asked");

    // What was kept is dead: a person is asked again.
    fs::remove_dir_all(place.path().join("report")).unwrap();
    let mut dead: Value = serde_json::from_str(&fs::read_to_string(&kept).unwrap()).unwrap();
    (dead["access"], dead["refresh"]) = ("dead".into(), "dead".into());
    fs::write(&kept, format!("{dead}\n")).unwrap();
    let mut third = run(&practice).start();
    let authorize = asked(&mut third);
    assert_eq!(shown(&followed(&authorize)).0, 200);
    third.end().exits(0);

    // What one server's users have is not sent to another.
    fs::remove_dir_all(place.path().join("report")).unwrap();
    let other = Practice::with(&["--auth", "{}"]);
    let refused = run(&other).go();
    refused.refused(2, &place);
    assert!(refused.stderr.contains("grants.jsonl under [auth] has grants for http://127.0.0.1"));
    assert_eq!(other.counted("practice_auth_tokens_total"), 0);
    assert_eq!(authorizations(&practice), 2);
}

/// Of copies the first that is renewed takes the refresh token from the others.
#[test]
fn copies_race_and_who_shares_does_not() {
    for (one, grace, lost) in [("shared", "0s", 0), ("cloned", "0s", 2), ("cloned", "60s", 0)] {
        let practice =
            Practice::with(&["--auth", &format!(r#"{{ access = "2s", grace = "{grace}" }}"#)]);
        let place = Place::new();
        let order = asking(&place, &practice.url()).set("auth.one_grant", &format!("\"{one}\""));
        let mut running = order.set("expect.thresholds", r#"["errors <= 1"]"#).start();
        assert_eq!(shown(&followed(&asked(&mut running))).0, 200);
        let report = running.end().report();
        let count = |what: &str| report.count(&format!("/summary/grants/{what}"));
        assert!(count("lost") >= lost, "{one} {grace}: {}", report.at("/summary/grants"));
        assert_eq!(count("lost") > 0, lost > 0, "{one} {grace}: {}", report.at("/summary/grants"));
        assert_eq!(count("locked_out") > 0, lost > 0, "{one} {grace}");
        assert_eq!((authorizations(&practice), count("authorised")), (1, 0), "{one} {grace}");
    }
}

type Bad<'a> = (&'a str, &'a dyn Fn(&Url) -> Url, &'a str, Option<&'a str>);

#[test]
fn a_login_that_goes_wrong_is_said_in_the_browser_and_ends_the_run() {
    let without = |url: &Url, name: &str| {
        let pairs = url.query_pairs().into_owned().filter(|(key, _)| key != name);
        let pairs: Vec<_> = pairs.collect();
        let mut url = url.clone();
        url.query_pairs_mut().clear().extend_pairs(pairs);
        url
    };
    let other_state = |url: &Url| {
        let mut url = without(url, "state");
        url.query_pairs_mut().append_pair("state", "x");
        url
    };
    let no_code = |url: &Url| without(url, "code");
    let denied = |url: &Url| {
        let mut url = no_code(url);
        let said = [("error", "access_denied"), ("error_description", "<script>no</script>")];
        url.query_pairs_mut().extend_pairs(said);
        url
    };
    let same = Url::clone;
    let stray = "came back without the state that was sent";
    // The wait goes on, in vain.
    let in_vain = Some("within 4s with the state that was sent; 1 visit came without it");
    let table: [Bad<'_>; 5] = [
        ("{}", &other_state, stray, in_vain),
        ("{}", &denied, "refused: access_denied", None),
        ("{}", &no_code, "neither code nor error", None),
        (r#"{ defects = ["iss-wrong"] }"#, &same, "came back with iss https://other.example", None),
        (r#"{ defects = ["state-dropped"] }"#, &same, stray, in_vain),
    ];
    for (auth, change, expected, at_last) in table {
        let practice = Practice::with(&["--auth", auth]);
        let place = Place::new();
        let order =
            asking(&place, &practice.url()).set("clients.override.oauth.checks_iss", "true");
        let within = if at_last.is_some() { r#""4s""# } else { r#""5m""# };
        let mut running = order.set("auth.login_within", within).start();
        let (status, page) = shown(&change(&followed(&asked(&mut running))));
        assert_eq!(status, 400, "{page}");
        assert!(page.contains(expected), "{page}");
        assert!(!page.contains("<script"), "{page}");
        let done = running.end();
        done.refused(3, &place);
        assert!(done.stderr.contains(at_last.unwrap_or(expected)), "{}", done.stderr);
        assert!(done.stderr.contains("OAuth, authorize: "), "{}", done.stderr);
        assert_eq!(practice.counted("practice_auth_tokens_total"), 0);
    }
}

/// Browsers look ahead, and anybody on this machine may come.
#[test]
fn a_visit_of_no_login_of_ours_ends_nothing() {
    let practice = Practice::with(&["--auth", "{}"]);
    let place = Place::new();
    let mut running = asking(&place, &practice.url()).start();
    let back = followed(&asked(&mut running));
    for query in [None, Some("code=made-up&state=made-up"), Some("error=access_denied")] {
        let mut stray = back.clone();
        stray.set_query(query);
        let (status, page) = shown(&stray);
        assert_eq!(status, 400, "{page}");
        assert!(page.contains("not the end of the login that squall waits for"), "{page}");
        assert!(!page.contains("made-up"), "{page}");
    }
    assert_eq!(shown(&back).0, 200);
    running.end().exits(0);
}

#[test]
fn another_path_is_nothing_and_the_login_goes_on() {
    let practice = Practice::with(&["--auth", "{}"]);
    let place = Place::new();
    let mut running = asking(&place, &practice.url()).start();
    let back = followed(&asked(&mut running));
    for path in ["/", "/callback/", "/favicon.ico"] {
        let mut other = back.clone();
        other.set_path(path);
        let (status, page) = shown(&other);
        assert!(status == 404 && !page.contains("code"), "{path}: {page}");
    }
    assert_eq!(shown(&back).0, 200);
    running.end().exits(0);
}

#[test]
fn nobody_who_comes_in_time_ends_the_run_and_so_does_ctrl_c() {
    let practice = Practice::with(&["--auth", "{}"]);
    let place = Place::new();
    let order = asking(&place, &practice.url()).set("auth.login_within", r#""200ms""#);
    let done = order.go();
    done.refused(3, &place);
    for words in
        ["OAuth, authorize: http://127.0.0.1:", "/callback within 200ms", "auth.login_within"]
    {
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
    let mut running = asking(&place, &practice.url()).start();
    asked(&mut running);
    running.interrupt();
    let done = running.end();
    done.refused(130, &place);
    assert!(done.stderr.contains("stopped before the load"), "{}", done.stderr);
}

#[test]
fn a_callback_can_be_given_and_its_port_must_be_free() {
    let practice = Practice::with(&["--auth", "{}"]);
    let (place, elsewhere) = (Place::new(), Place::new());
    let port = http::free_address().port();
    let callback = format!(r#""http://localhost:{port}/cb""#);
    let order = |place| asking(place, &practice.url()).set("auth.callback", &callback);
    let mut running = order(&place).start();
    let back = followed(&asked(&mut running));
    assert_eq!(back.as_str().split('?').next(), Some(callback.trim_matches('"')));
    let second = order(&elsewhere).go();
    second.refused(2, &elsewhere);
    assert!(second.stderr.contains("a browser cannot come back to"), "{}", second.stderr);
    let loopback = SocketAddr::from(([127, 0, 0, 1], port));
    assert_eq!(http::ask(loopback, "GET", &target(&back), "").unwrap().0, 200);
    running.end().exits(0);
}

#[test]
fn a_person_is_announced_by_check() {
    let place = Place::new();
    let file = crate::squall::root().join("scenarios/steady.toml");
    let check = |sets: &[(&str, &str)]| {
        let order = place.squall().args(["check", file.to_str().unwrap()]);
        order.set("auth.kind", r#""oauth""#).sets(sets.iter().copied()).go().exits(0).stdout.clone()
    };
    let each = "\nlogin      each user consents, and the server redirects at once; with its first \
                request, which is measured\n";
    assert!(check(&[]).contains(each));
    let browser = ("auth.consent", r#""browser""#);
    let text = check(&[browser]);
    assert!(
        text.contains("\nlogin      a person is asked before the load, in a browser"),
        "{text}"
    );
    assert!(text.contains("its grant is shared by all users"), "{text}");
    let text = check(&[browser, ("auth.one_grant", r#""cloned""#)]);
    assert!(text.contains("each user gets a copy of its grant"), "{text}");
}

#[test]
fn one_line_of_a_file_does_for_all_where_the_scenario_says_so() {
    let practice = Practice::with(&["--auth", r#"{ access = "2s" }"#]);
    let place = Place::new();
    let mut first = asking(&place, &practice.url()).set("auth.grants", r#""grants.jsonl""#).start();
    assert_eq!(shown(&followed(&asked(&mut first))).0, 200);
    first.end().exits(0);
    let kept = fs::read_to_string(place.path().join("grants.jsonl")).unwrap();
    place.file("two.jsonl", &kept.repeat(2));
    let run = |file: &str, one: &[(&str, &str)]| {
        let _none = fs::remove_dir_all(place.path().join("report")).is_ok();
        let order = place.run("steady").short_closed().target(&practice.url());
        let order = order.set("auth.kind", r#""tokens""#).set("auth.file", &format!("\"{file}\""));
        order.set("tools.allow", QUICK).sets(one.iter().copied()).go()
    };
    let few = run("grants.jsonl", &[]);
    assert!(few.exits(2).stderr.contains("let one line do for all"), "{}", few.stderr);
    let shared = [("auth.one_grant", r#""shared""#)];
    let many = run("two.jsonl", &shared);
    assert!(many.exits(2).stderr.contains("has 2 grants"), "{}", many.stderr);
    assert_eq!(run("grants.jsonl", &shared).exits(0).report().count("/summary/users"), 3);
}

/// A real browser: logs in, consents, comes back. Of what went over the wire meanwhile nothing is
/// shown but the URL that a person has to open.
#[test]
fn a_real_browser_logs_in_and_nothing_secret_is_shown() {
    let practice = Practice::with(&["--auth", r#"{ consent = "form", access = "2s" }"#]);
    let (relay, heard) = overheard(&practice);
    let (place, browsing) = (Place::new(), Place::new());
    let mut running = asking(&place, &relay.url()).start();
    let url = asked(&mut running);
    let mut browser = Browser::at(&browsing, url.as_str());
    browser.until("Log in");
    browser.compute(
        "document.querySelector('[name=username]').value = 'somebody';
         document.querySelector('[name=password]').value = 'pass-w0rd-of-the-test';
         document.querySelector('button').click()",
    );
    browser.until("Consent");
    browser.compute("document.querySelector('[value=allow]').click()");
    browser.until("squall");
    let said = browser.compute("document.body.innerText");
    assert!(said.as_str().unwrap().contains("You are logged in."), "{said}");
    drop(browser);
    let done = running.end();
    let report = done.exits(0).report();
    assert_eq!((authorizations(&practice), report.count("/summary/users")), (1, 3));
    assert!(report.count("/summary/grants/refreshed") > 0);
    let mut secrets = secrets_in(&heard.lock().unwrap());
    assert!(secrets.len() > 8, "{}", secrets.len());
    secrets.insert("pass-w0rd-of-the-test".to_owned());
    assert_eq!(leaks_of(&place, &done, &secrets), [""; 0]);
    assert!(done.stderr.contains("code_challenge="), "{}", done.stderr);
}
