//! How the users of a plan come to what they present: the same for all, or tokens of their own.

use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderValue;
use url::{Host, Url};

use super::endpoint::Endpoint;
use super::failure::RunError;
use super::kept::{self, Lines};
use super::login;
use super::person;
use super::run::Around;
use crate::chaos::across::across;
use crate::chaos::path::Path;
use crate::edge::clock::Clock;
use crate::edge::dial::{Dial, Route};
use crate::edge::files;
use crate::edge::mark::Forces;
use crate::edge::net::Connect;
use crate::edge::tls::Tls;
use crate::engine::grant::Grant;
use crate::engine::holder::{Habit, Source, Wallet};
use crate::engine::legs::{Legs, Reach};
use crate::engine::realm::{Consenting, Flow, Realm, Shared};
use crate::engine::wire::Wire;
use crate::model::behaviour::{Check, Foreign, WrongAudience};
use crate::model::leg::Leg;
use crate::model::plan::auth::{self, Consent, FormStep, GivenClient, GivenKey, Granted};
use crate::model::plan::{self, Http, Plan};
use crate::model::secret::Secret;
use crate::practice::knobs;
use crate::protocol::oauth::assertion::Key;
use crate::protocol::oauth::client::{Identity, Method};
use crate::protocol::oauth::consent::Act;
use crate::protocol::oauth::endpoint::Network;
use crate::protocol::oauth::saved::Kept;
use crate::protocol::oauth::scope;

/// What users present, by the plan alone: nothing is asked.
///
/// # Errors
/// When the plan names a credential or a key that cannot be used.
pub(super) fn checked(plan: &Plan) -> Result<Wallet, RunError> {
    if let Some(granted) = plan.auth.granted() {
        let identity = identity(granted)?;
        let given = given(granted, identity.as_ref(), None)?;
        if let Some(file) = &granted.keep {
            files::writable_beside(file).map_err(RunError::GrantsFile)?;
        }
        let users = login::users(plan);
        if let (auth::Flow::Tokens(file), Some(given)) = (&granted.flow, &given)
            && granted.one.is_none()
        {
            kept::do_for(users, file, given)?;
        }
        if let Some(Check::WrongAudience(WrongAudience {
            foreign: Foreign::Tokens(file), ..
        })) = plan.load.behaviour.check()
        {
            kept::do_for(users, file, &kept::in_file(file, identity.as_ref())?)?;
        }
    }
    Ok(Wallet::of(&plan.auth, &plan.environment)?)
}

/// What the users of a plan do with their tokens.
fn habit(plan: &Plan, target: &Url, identity: Option<&Identity>) -> Result<Habit, RunError> {
    let Some(check) = plan.load.behaviour.check() else { return Ok(Habit::Renewing) };
    Ok(match check {
        Check::ExpiredToken(_) => Habit::Clinging,
        Check::RegistrationFlood | Check::RateLimit(_) | Check::Script(_) => Habit::Renewing,
        Check::WrongAudience(knobs) => Habit::Straying(match &knobs.foreign {
            Foreign::Resource(resource) => Source::Resource(resource.clone()),
            Foreign::Tokens(file) => Source::Given(kept::in_file(file, identity)?),
            Foreign::Elsewhere => {
                let elsewhere = knobs::elsewhere_url(target);
                Source::Resource(elsewhere)
            }
        }),
    })
}

/// What users present at this endpoint; their legs are measured as the exchanges of `wire` are. Who
/// may ask a person is `around`.
///
/// # Errors
/// As [`checked`], when the endpoint has no URL that others could be held to, and when no browser
/// could come back.
pub(super) fn wallet(
    plan: &Plan,
    endpoint: &Endpoint,
    wire: &Wire,
    around: &Around<'_>,
) -> Result<Wallet, RunError> {
    let wallet = Wallet::of(&plan.auth, &plan.environment)?;
    let Some(granted) = plan.auth.granted() else { return Ok(wallet) };
    let profile = &plan.clients.profile;
    let target = endpoint.url()?;
    let origins = Origins {
        target: target.clone(),
        route: endpoint.route.clone(),
        authority: endpoint.authority.clone(),
        tls: plan.target.reach.tls.clone(),
        is_inside: plan.target.is_loopback(),
        allowed: granted.servers.clone(),
        clock: wire.clock.clone(),
        path: around.path.clone(),
        forces: around.forces.clone(),
    };
    let identity = identity(granted)?.map(Arc::new);
    let mut oauth = profile.oauth.clone();
    let flow = match (&granted.flow, &identity) {
        (auth::Flow::Code(Consent::Browser(browser)), _) => match around.ask {
            Some(ask) => {
                Flow::Code(Consenting::Browser(person::awaited(browser, &mut oauth, ask)?))
            }
            None => Flow::Nobody("a person is asked before the load alone"),
        },
        (auth::Flow::Code(consent), _) => Flow::Code(consenting(consent)),
        (auth::Flow::ClientCredentials, Some(identity)) => {
            Flow::ClientCredentials(Arc::clone(identity))
        }
        // The scenario's reader sees to it that a client is given.
        (auth::Flow::ClientCredentials, None) | (auth::Flow::Tokens(_), _) => {
            Flow::Nobody("the tokens were given by the scenario")
        }
    };
    let habit = habit(plan, &target, identity.as_deref())?;
    let times = kept::times(&wire.clock);
    let own = |kept: Option<Kept>| {
        let grant = kept.map(|kept| Grant::of(kept, &profile.oauth, times)).transpose();
        grant.map_err(|_| RunError::UnfitToken)
    };
    let given = given(granted, identity.as_deref(), Some(&target))?;
    let given = given.map(|kept| kept.into_iter().map(own).collect::<Result<Vec<_>, _>>());
    let given = given.transpose()?;
    let dialled: Vec<_> = plan.target.reach.resolve.iter().map(SocketAddr::ip).collect();
    let mut wallet = wallet.granted_by(Realm {
        oauth: Arc::new(oauth),
        network: Network::of_url(&target, &dialled),
        target,
        identity,
        scopes: granted.scope.as_deref().map(scope::split),
        flow,
        legs: Legs::new(Arc::new(origins), wire),
        seed: plan.seed,
        clock: wire.clock.clone(),
        recorder: Arc::clone(&wire.recorder),
        shared: Shared::default(),
        habit,
        weather: around.weather.clone(),
    });
    match (granted.one, given) {
        (Some(one), given) => {
            wallet.give_one(one, given.and_then(|given| given.into_iter().flatten().next()));
        }
        (None, Some(given)) => wallet.give(given),
        (None, None) if granted.keep.is_some() || has_several_clients(plan) => wallet.keep(),
        (None, None) => {}
    }
    Ok(wallet)
}

/// Whether users have several clients, which have one grant together.
const fn has_several_clients(plan: &Plan) -> bool {
    matches!(plan.load.behaviour.check(), Some(Check::RateLimit(_) | Check::Script(_)))
}

/// Whether users have something from before the load without a login of theirs.
pub(super) fn go_on(plan: &Plan) -> bool {
    are_given(plan) || plan.auth.granted().is_some_and(|granted| granted.one.is_some())
}

/// Whether users have grants from before.
pub(super) fn are_given(plan: &Plan) -> bool {
    plan.auth.granted().is_some_and(|granted| match &granted.flow {
        auth::Flow::Tokens(_) => true,
        _ => granted.keep.as_deref().is_some_and(files::exists),
    })
}

/// What the files give, one grant a line, which have to be for this target where that is known;
/// nothing where none is named, or none is there yet.
fn given(
    granted: &Granted,
    identity: Option<&Identity>,
    target: Option<&Url>,
) -> Result<Option<Lines>, RunError> {
    let mut all: Option<Lines> = None;
    for file in kept::files_of(granted) {
        let lines = kept::in_file(file, identity)?;
        let given = lines.iter().flatten().count();
        if granted.one.is_some() && given > 1 {
            return Err(RunError::SeveralGrants { file: file.clone(), given });
        }
        if let Some(target) = target {
            kept::are_of(target, granted, (file, &lines))?;
        }
        all = Some(match all {
            Some(first) => kept::filled_up(first, lines),
            None => lines,
        });
    }
    Ok(all)
}

/// The client that the scenario gives.
fn identity(granted: &Granted) -> Result<Option<Identity>, RunError> {
    let Some(GivenClient { id, authentication, secret, key }) = &granted.client else {
        return Ok(None);
    };
    let (name, pem) = match key {
        None => ("", None),
        Some(GivenKey::Pem(pem)) => ("what was given", Some(pem.clone())),
        Some(GivenKey::File(file)) => {
            let pem = files::read(file).map_err(RunError::KeyFile)?;
            (file.as_str(), Some(Secret::new(pem)))
        }
    };
    let unusable = |error| RunError::Key { file: name.to_owned(), error };
    let key = pem.map(|pem| Key::from_pem(&pem)).transpose().map_err(unusable)?;
    let method = authentication.and_then(Method::named);
    Ok(Some(Identity { id: id.clone(), method, secret: secret.clone(), key }))
}

fn consenting(consent: &Consent) -> Consenting {
    let act = |step: &FormStep| Act {
        fields: step.fill.iter().cloned().collect(),
        button: step.press.clone(),
    };
    match consent {
        // A person is asked elsewhere, or nobody is.
        Consent::Redirect | Consent::Browser(_) => Consenting::Redirect,
        Consent::Form(steps) => Consenting::Form(steps.iter().map(act).collect()),
        Consent::Command(command) => Consenting::Command(command.clone()),
    }
}

/// The origins that legs may go to, and the ways there.
#[derive(Debug)]
struct Origins {
    target: Url,
    route: Route,
    authority: String,
    tls: plan::Tls,
    /// The target is on this machine, as is then whoever else is there.
    is_inside: bool,
    allowed: Vec<String>,
    clock: Clock,
    path: Option<Arc<Path>>,
    forces: Option<Arc<Forces>>,
}

impl Origins {
    fn connect(&self, route: Route, leg: Leg) -> Result<Arc<dyn Connect>, String> {
        let no_proxy = |error| RunError::NoProxy(error).to_string();
        match &self.path {
            Some(path) => path.through(route, Some(leg)).map_err(no_proxy),
            None => Ok(Arc::new(Dial::new(route, self.clock.clone()))),
        }
    }

    /// Load goes to whom the user authorised: the target's host, this machine if the target is
    /// there, and what the scenario names.
    fn permits(&self, url: &Url) -> bool {
        let is_loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        url.host() == self.target.host()
            || (self.is_inside && is_loopback)
            || self.allowed.contains(&url.origin().ascii_serialization())
    }
}

impl Reach for Origins {
    fn road(&self, leg: Leg) -> u64 {
        self.path.as_ref().map_or(0, |path| path.about(Some(leg)).0)
    }

    fn way(&self, url: &Url, leg: Leg) -> Result<(Arc<dyn Connect>, HeaderValue), String> {
        if !self.permits(url) {
            return Err(format!(
                "the scenario does not allow load on {0}; if you may load it, name it: \
                 authorization_servers = [\"{0}\"] under [auth]",
                url.origin().ascii_serialization()
            ));
        }
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
        if url.origin() == self.target.origin() {
            let way = self.connect(self.route.clone(), leg)?;
            return Ok((across(way, self.forces.as_ref()), value(&self.authority)?));
        }
        let host = url.host_str().unwrap_or_default();
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let dialled = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = plan::Tls { server_name: None, ..self.tls.clone() };
        let secure = url.scheme() == "https";
        let tls = secure.then(|| Tls::new(&tls, &dialled, Http::One)).transpose();
        let route = Route {
            host: dialled,
            port: url.port_or_known_default().unwrap_or(443),
            instead: None,
            tls: tls.map_err(|error| error.to_string())?,
            http: Http::One,
            public_only: !self.is_inside,
        };
        Ok((self.connect(route, leg)?, value(authority)?))
    }
}
