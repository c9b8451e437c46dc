//! A number to stay under, as scenarios write it: `p99(response, tools/call) < 2s`.
//!
//! ```text
//! threshold  = metric operator limit
//! metric     = statistic "(" time [ "," operation ] [ "," tool ] ")"    limit: duration
//!            | percentile "(" "completion" ")"                          limit: duration
//!            | share [ "(" tool ")" ]                                   limit: percent or count
//!            | "exchanges_per_call" | "handshakes_per_call"             limit: number
//!            | "recovery" [ window ]                                    limit: duration
//!            | "errors" window                                          limit: percent or count
//!            | "lost_sessions" [ window ]                               limit: count
//!            | "amplification" [ window ]                               limit: number
//! window     = "(" "window" '"' any text '"' ")"
//! statistic  = percentile | "mean" | "max"
//! percentile = "p" digit digit { digit } | "p" digit digit "." digit { digit }
//! time       = "response" | "service" | "preparation" | "held" | "lag"
//! operation  = "tools/call" | "initialize" | ... as model::operation names them
//! tool       = [ "tool" ] ( name | '"' any text '"' )
//! share      = "errors" | "throttled" | "never_sent" | "dropped" | "runs_cut"
//! operator   = "<" | "<=" | ">" | ">=" | "=="
//! ```
//!
//! Without an operation `tools/call` is meant. `p999` is 99.9. The parts of one tool are response
//! and service, of operations other than `tools/call` response, service and preparation. A share of
//! one tool is `errors`, `throttled` or `never_sent`.

/// What a threshold compares with what was measured.
pub mod evaluate;
/// The same of the windows of faults.
mod harm;
/// The reader of one threshold.
mod parser;

use std::fmt;
use std::time::Duration;

use super::duration::Shown;
use super::operation::Operation;

pub use parser::NotAThreshold;

/// One threshold, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// As its author wrote it.
    pub text: String,
    /// What is measured.
    pub metric: Metric,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub limit: Limit,
}

/// What is measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Metric {
    /// A statistic of one of a call's times.
    Time(Statistic, Time, About),
    /// A percentile (0 to 100) of runs' time to completion.
    Completion(f64),
    /// How many of something, or which share.
    Share(Share, Option<String>),
    /// How many of these for each call sent.
    PerCall(PerCall),
    /// What the windows of this fault did, or of all.
    Harm(Harm, Option<String>),
}

/// What calls cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerCall {
    /// HTTP exchanges, handshakes and lists included.
    Exchanges,
    /// `initialize`.
    Handshakes,
}

impl PerCall {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Exchanges, Self::Handshakes];

    /// Its name in a threshold.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exchanges => "exchanges_per_call",
            Self::Handshakes => "handshakes_per_call",
        }
    }
}

/// What windows of faults do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// The longest time from a window's end until the target was as before.
    Recovery,
    /// Calls that were due in a window and ended in an error, of those sent.
    Errors,
    /// Sessions that the target no longer knew.
    LostSessions,
    /// The most HTTP exchanges a call cost, over those before.
    Amplification,
}

/// A statistic of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// A percentile, above 0 and below 100.
    Percentile(f64),
    /// The arithmetic mean.
    Mean,
    /// The largest value.
    Max,
}

/// The times of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of model::event::Instants")]
pub enum Time {
    Response,
    Service,
    Preparation,
    Held,
    Lag,
}

/// Whose times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// Every call or exchange of this operation.
    Operation(Operation),
    /// The calls of this tool.
    Tool(String),
}

/// Things that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Calls that ended in an error, of calls sent.
    Errors,
    /// Calls refused for "too much", of calls sent.
    Throttled,
    /// Calls the client's own cap never let go, of calls due.
    NeverSent,
    /// Arrivals dropped at the ceiling of users, of arrivals.
    Dropped,
    /// Runs the end of the load cut, of runs.
    RunsCut,
}

/// How a measured value is compared with its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the mathematical signs")]
pub enum Operator {
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
}

/// What a measured value is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// A time.
    Duration(Duration),
    /// A share, in percent.
    Percent(f64),
    /// A number or a count.
    Number(f64),
}

/// What a threshold speaks of, so that one about a tool or operation that cannot occur is refused
/// before the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refers<'a> {
    /// The tool it names.
    pub tool: Option<&'a str>,
    /// The operation whose times it is about.
    pub operation: Option<Operation>,
    /// The fault it names, or that there is one.
    pub fault: Option<Option<&'a str>>,
}

impl Threshold {
    /// What it speaks of.
    pub fn refers_to(&self) -> Refers<'_> {
        match &self.metric {
            Metric::Time(_, _, About::Operation(operation)) => {
                Refers { operation: Some(*operation), ..Refers::default() }
            }
            Metric::Time(_, _, About::Tool(tool)) | Metric::Share(_, Some(tool)) => {
                let operation = Some(Operation::ToolsCall);
                Refers { tool: Some(tool), operation, fault: None }
            }
            Metric::Harm(_, fault) => Refers { fault: Some(fault.as_deref()), ..Refers::default() },
            Metric::Share(_, None) | Metric::Completion(_) | Metric::PerCall(_) => {
                Refers::default()
            }
        }
    }
}

impl Time {
    const ALL: [Self; 5] =
        [Self::Response, Self::Service, Self::Preparation, Self::Held, Self::Lag];

    const fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Service => "service",
            Self::Preparation => "preparation",
            Self::Held => "held",
            Self::Lag => "lag",
        }
    }

    /// Whether this time is kept for that subject.
    const fn is_kept_for(self, about: &About) -> bool {
        match (about, self) {
            (About::Operation(Operation::ToolsCall), _) | (_, Self::Response | Self::Service) => {
                true
            }
            (About::Operation(_), time) => matches!(time, Self::Preparation),
            (About::Tool(_), _) => false,
        }
    }
}

impl Share {
    const ALL: [Self; 5] =
        [Self::Errors, Self::Throttled, Self::NeverSent, Self::Dropped, Self::RunsCut];

    const fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Throttled => "throttled",
            Self::NeverSent => "never_sent",
            Self::Dropped => "dropped",
            Self::RunsCut => "runs_cut",
        }
    }

    const fn is_kept_by_tool(self) -> bool {
        matches!(self, Self::Errors | Self::Throttled | Self::NeverSent)
    }
}

impl Harm {
    const ALL: [Self; 4] = [Self::Recovery, Self::Errors, Self::LostSessions, Self::Amplification];

    const fn name(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Errors => "errors",
            Self::LostSessions => "lost_sessions",
            Self::Amplification => "amplification",
        }
    }
}

impl Operator {
    /// Every operator; longer signs before those they begin with.
    const ALL: [Self; 5] = [Self::AtMost, Self::AtLeast, Self::Equal, Self::Below, Self::Above];

    const fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
        }
    }
}

/// The canonical text: it parses back to the same threshold, apart from [`Threshold::text`].
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.metric, self.operator.sign(), self.limit)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(statistic, time, About::Operation(operation)) => {
                write!(f, "{statistic}({}, {})", time.name(), operation.name())
            }
            Self::Time(statistic, time, About::Tool(tool)) => {
                write!(f, "{statistic}({}, tools/call, tool \"{tool}\")", time.name())
            }
            Self::Completion(percent) => {
                write!(f, "{}(completion)", Statistic::Percentile(*percent))
            }
            Self::Share(share, None) => f.write_str(share.name()),
            Self::Share(share, Some(tool)) => write!(f, "{}(tool \"{tool}\")", share.name()),
            Self::PerCall(what) => f.write_str(what.name()),
            Self::Harm(harm, None) => f.write_str(harm.name()),
            Self::Harm(harm, Some(fault)) => write!(f, "{}(window \"{fault}\")", harm.name()),
        }
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percent) if *percent < 10.0 => write!(f, "p0{percent}"),
            Self::Percentile(percent) => write!(f, "p{percent}"),
            Self::Mean => f.write_str("mean"),
            Self::Max => f.write_str("max"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration(duration) => Shown(*duration).fmt(f),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}
