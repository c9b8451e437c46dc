//! What users present, and how they come to it.

use std::time::Duration;

use crate::model::secret::Secret;

/// What a user presents with every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Nothing.
    None,
    /// `Authorization: Bearer`.
    Bearer(Secret),
    /// A header of its own.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// `Authorization: Basic`.
    Basic {
        /// User name.
        user: String,
        /// Password.
        password: Secret,
    },
    /// An access token of its own.
    Granted(Box<Granted>),
}

impl Credential {
    /// How users come to tokens of their own, if they do.
    pub const fn granted(&self) -> Option<&Granted> {
        match self {
            Self::Granted(granted) => Some(granted),
            Self::None | Self::Bearer(_) | Self::Header { .. } | Self::Basic { .. } => None,
        }
    }

    /// Whether a server can tell users apart by what they present.
    pub fn tells_apart(&self) -> bool {
        self.granted()
            .is_some_and(|granted| granted.one.is_none() && granted.flow != Flow::ClientCredentials)
    }
}

/// How each user comes to an access token of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// By which grant of OAuth.
    pub flow: Flow,
    /// The client that is registered by hand; none: it registers as the profile says.
    pub client: Option<GivenClient>,
    /// Scope to ask for instead of what the server names.
    pub scope: Option<String>,
    /// When.
    pub login: Login,
    /// A file that grants are kept in from one run to the next.
    pub keep: Option<String>,
    /// Origins of authorization servers that may be loaded besides the target's own host.
    pub servers: Vec<String>,
    /// What users do with the one grant there is for all of them; none: each has its own.
    pub one: Option<One>,
}

impl Granted {
    /// What is lost with tokens that were brought and are not kept: a server replaces refresh tokens.
    pub fn lost_for(&self) -> Option<String> {
        match (&self.flow, &self.keep) {
            (Flow::Tokens(file), None) => Some(format!(
                "not kept: where the server replaces refresh tokens, those of {file} are good for \
                 one run alone; name a file for the newer ones (auth.grants)"
            )),
            _ => None,
        }
    }
}

/// One grant for all users, got before the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum One {
    /// All present the same tokens, and one of them renews at a time: users behind one service.
    Shared,
    /// Each has a copy and renews it alone: whoever comes second presents a refresh token that may
    /// have been replaced.
    Cloned,
}

impl One {
    /// As a scenario has it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Cloned => "cloned",
        }
    }
}

impl Flow {
    /// As a scenario has it: its kind, and for `oauth` the consent.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Code(Consent::Redirect) => "redirect",
            Self::Code(Consent::Form(_)) => "form",
            Self::Code(Consent::Command(_)) => "command",
            Self::Code(Consent::Browser(_)) => "browser",
            Self::ClientCredentials => "client-credentials",
            Self::Tokens(_) => "tokens",
        }
    }
}

/// A grant of OAuth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flow {
    /// Each user consents (RFC 6749, section 4.1).
    Code(Consent),
    /// The client itself is trusted (RFC 6749, section 4.4).
    ClientCredentials,
    /// Tokens that the scenario's author has: a file with one JSON object a line.
    Tokens(String),
}

/// How a user consents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// The authorization server redirects at once.
    Redirect,
    /// Pages with forms are filled in, one step a page.
    Form(Vec<FormStep>),
    /// A program is given the URL and prints the callback.
    Command(Vec<String>),
    /// A person does, once and before the load, in a browser on this machine.
    Browser(Browser),
}

/// A person's login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// Where the browser comes back to: http on a loopback address; without a port, or where it is
    /// not given, on a free one.
    pub callback: Option<String>,
    /// How long the person has.
    pub within: Duration,
}

/// What is done on one page of a consent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FormStep {
    /// Fields by name, `{user}` standing for the user's number.
    pub fill: Vec<(String, Secret)>,
    /// The button, by its name, value or words; none: the form's first.
    pub press: Option<String>,
}

/// A client that is registered by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenClient {
    /// `client_id`.
    pub id: String,
    /// How it authenticates (RFC 7591, section 2); none: as the server supports it.
    pub authentication: Option<&'static str>,
    /// `client_secret`.
    pub secret: Option<Secret>,
    /// Its private key.
    pub key: Option<GivenKey>,
}

/// A private key in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenKey {
    /// A file of it.
    File(String),
    /// The key itself.
    Pem(Secret),
}

/// When users log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// With their first request, as somebody who has just added the connector.
    OnArrival,
    /// Before the load, spread over this time, as users who added it long ago: so many grants as
    /// there are users at most.
    Before {
        /// From the first login to the last.
        over: Duration,
    },
}
