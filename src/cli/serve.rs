//! `squall serve`: the practice target alone, with its knobs as flags.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};

use super::terminal;
use crate::edge::health;
use crate::edge::process::ANNOUNCEMENT;
use crate::model::distribution::Distribution;
use crate::model::duration;
use crate::model::plan::{
    Answers, Authorization, Catalogue, Defect, Flaw, Limit, Practice, Sessions, Way,
};
use crate::practice::{knobs, server};
use crate::scenario::nearest::nearest;
use crate::scenario::practice::{LONGEST_IDLE, SHORTEST_IDLE};
use crate::scenario::{authorization, limits};

/// Connections that may wait to be accepted; a storm opens hundreds in one instant.
const BACKLOG: u32 = 4096;

/// What `squall serve` is told.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The eras and transports spoken, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WAY,..",
          default_values_t = Way::ALL.map(WayWord::from))]
    pub speaks: Vec<WayWord>,
    /// What is offered
    #[arg(long, value_enum, default_value_t = Practice::default().catalogue.into())]
    pub catalogue: CatalogueWord,
    /// Service time of a tool call, such as `40ms` or `lognormal 40ms 0.6`
    #[arg(long, value_name = "DISTRIBUTION", default_value_t = Practice::default().latency)]
    pub latency: Distribution,
    /// Tool calls worked on at once, the rest queue; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = Practice::default().workers,
          value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub workers: u32,
    /// How requests are answered
    #[arg(long, value_enum, default_value_t = Practice::default().answers.into())]
    pub answers: AnswersWord,
    /// Whether session ids are issued and demanded
    #[arg(long, value_enum, default_value_t = Practice::default().sessions.into())]
    pub sessions: SessionsWord,
    /// Whether a session's event streams have event ids and can be resumed
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true",
          default_value_t = Practice::default().resumable)]
    pub resumable: bool,
    /// A session that nobody used for so long is ended: a duration, or `off`
    #[arg(long, value_name = "DURATION", value_parser = idle, default_value = knobs::OFF)]
    pub idle: IdleWord,
    /// What a resumable stream asks its client to wait before it comes back
    #[arg(long, value_name = "DURATION", value_parser = retry, default_value = "500ms")]
    pub retry: Duration,
    /// Median size of a search or fetch result in bytes; the tail is heavy
    #[arg(long, value_name = "BYTES", default_value_t = Practice::default().result_bytes,
          value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub result_bytes: u32,
    /// Seed of service times and sizes
    #[arg(long, value_name = "N", default_value_t = Practice::default().seed)]
    pub seed: u64,
    /// What is wrong with it, by the words that --list-defects prints, separated by commas or given
    /// several times
    #[arg(long, visible_alias = "defect", value_name = "NAME,..", value_delimiter = ',',
          value_parser = flaw, default_value = knobs::SOUND)]
    pub defects: Vec<FlawWord>,
    /// The authorization server: `off`, or a scenario's `practice.auth` as a table, such as
    /// `{ access = "30s", defects = ["slow-token"] }`; with its defaults if nothing is given
    #[arg(long, value_name = "TABLE", num_args = 0..=1, default_missing_value = "{}",
          default_value = "off", value_parser = auth)]
    pub auth: AuthWord,
    /// The rate limit: `off`, or a scenario's `practice.limit` as a table, such as
    /// `{ allow = "60/min", burst = 10, per = "user" }`
    #[arg(long, value_name = "TABLE", default_value = "off", value_parser = limit)]
    pub limit: LimitWord,
    /// Print every defect with what it does, and end
    #[arg(long)]
    pub list_defects: bool,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// End when standard input closes: for the process that started this one
    #[arg(long, hide = true)]
    pub until_stdin_closes: bool,
}

/// `--defects`; nothing where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlawWord(Option<Flaw>);

/// `--idle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleWord(Option<Duration>);

/// `--auth`.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthWord(Option<Box<Authorization>>);

/// `--limit`.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitWord(Option<Box<Limit>>);

/// `--speaks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WayWord {
    /// Streamable HTTP with a handshake, 2024-11-05 to 2025-11-25
    Legacy,
    /// Streamable HTTP without one, 2026-07-28
    Modern,
    /// The two endpoints of 2024-11-05, /sse and /messages
    #[value(name = "http+sse")]
    HttpSse,
}

/// `--catalogue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CatalogueWord {
    /// A few tools that cost like others' do
    Usual,
    /// Everything, as the official conformance suite calls it
    Full,
}

/// `--answers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswersWord {
    /// application/json
    Json,
    /// text/event-stream
    Sse,
}

/// `--sessions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SessionsWord {
    /// Issued and demanded
    Stateful,
    /// Never issued
    Stateless,
}

impl From<Way> for WayWord {
    fn from(way: Way) -> Self {
        match way {
            Way::Legacy => Self::Legacy,
            Way::Modern => Self::Modern,
            Way::HttpSse => Self::HttpSse,
        }
    }
}

impl From<WayWord> for Way {
    fn from(word: WayWord) -> Self {
        match word {
            WayWord::Legacy => Self::Legacy,
            WayWord::Modern => Self::Modern,
            WayWord::HttpSse => Self::HttpSse,
        }
    }
}

impl From<Catalogue> for CatalogueWord {
    fn from(catalogue: Catalogue) -> Self {
        match catalogue {
            Catalogue::Usual => Self::Usual,
            Catalogue::Full => Self::Full,
        }
    }
}

impl From<Answers> for AnswersWord {
    fn from(answers: Answers) -> Self {
        match answers {
            Answers::Json => Self::Json,
            Answers::Sse => Self::Sse,
        }
    }
}

impl From<Sessions> for SessionsWord {
    fn from(sessions: Sessions) -> Self {
        match sessions {
            Sessions::Stateful => Self::Stateful,
            Sessions::Stateless => Self::Stateless,
        }
    }
}

impl From<&ServeArgs> for Practice {
    fn from(args: &ServeArgs) -> Self {
        Self {
            speaks: args.speaks.iter().map(|way| Way::from(*way)).collect(),
            catalogue: match args.catalogue {
                CatalogueWord::Usual => Catalogue::Usual,
                CatalogueWord::Full => Catalogue::Full,
            },
            latency: args.latency,
            workers: args.workers,
            answers: match args.answers {
                AnswersWord::Json => Answers::Json,
                AnswersWord::Sse => Answers::Sse,
            },
            sessions: match args.sessions {
                SessionsWord::Stateful => Sessions::Stateful,
                SessionsWord::Stateless => Sessions::Stateless,
            },
            resumable: args.resumable,
            idle: args.idle.0,
            retry: args.retry,
            result_bytes: args.result_bytes,
            seed: args.seed,
            defects: args.defects.iter().filter_map(|word| word.0).collect(),
            auth: args.auth.0.as_deref().cloned(),
            limit: args.limit.0.as_deref().cloned(),
        }
    }
}

fn flaw(text: &str) -> Result<FlawWord, String> {
    if text == knobs::SOUND {
        return Ok(FlawWord(None));
    }
    let known = Flaw::WORDS.iter().find(|(word, _)| *word == text);
    known.map(|(_, flaw)| FlawWord(Some(*flaw))).ok_or_else(|| {
        match nearest(text, Flaw::WORDS.map(|(word, _)| word)) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "`squall serve --list-defects` prints them all".to_owned(),
        }
    })
}

fn auth(text: &str) -> Result<AuthWord, String> {
    authorization::parse(text).map(|auth| AuthWord(auth.map(Box::new)))
}

fn limit(text: &str) -> Result<LimitWord, String> {
    limits::parse(text).map(|limit| LimitWord(limit.map(Box::new)))
}

fn idle(text: &str) -> Result<IdleWord, String> {
    if text == knobs::OFF {
        return Ok(IdleWord(None));
    }
    let idle = duration::parse(text).map_err(|error| error.to_string())?;
    let is_fit = (SHORTEST_IDLE..=LONGEST_IDLE).contains(&idle);
    is_fit
        .then_some(IdleWord(Some(idle)))
        .ok_or_else(|| "expected a duration, 1ms to 24h, or off".to_owned())
}

fn retry(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Ok(time) if time <= Duration::from_secs(60) => Ok(time),
        Ok(_) => Err("expected a duration, 0ms to 60s".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Every defect, and what it does.
fn defects() -> String {
    let line = |(word, sentence): (&str, &str)| format!("  {word:<26} {sentence}\n");
    let own = Flaw::WORDS.map(|(word, flaw)| line((word, flaw.sentence()))).concat();
    let guard = Defect::WORDS.map(|(word, defect)| line((word, defect.sentence()))).concat();
    format!(
        "Of the target (--defect, or practice.defects in a scenario):\n{own}\n\
         Of its authorization server (--auth '{{ defects = [...] }}', or practice.auth.defects):\n\
         {guard}"
    )
}

/// Serves until Ctrl-C, SIGTERM or, if so told, the end of standard input.
pub fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    if args.list_defects {
        terminal::result(&defects())?;
        return Ok(ExitCode::SUCCESS);
    }
    to_its_end(serve(args))
}

/// Serves on a runtime of its own, with as many open files as there may be.
pub(super) fn to_its_end(
    serve: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    health::descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve);
    // A thread that still reads standard input would otherwise be waited for.
    runtime.shutdown_background();
    served
}

/// Ctrl-C, SIGTERM or, if so told, the end of standard input; from now on no other end is one.
///
/// # Errors
/// When the signals cannot be taken.
pub(super) fn stopped(until_stdin_closes: bool) -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stdin_closed(), if until_stdin_closes => {}
        }
    })
}

async fn serve(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let stop = stopped(args.until_stdin_closes)?;
    let listener = match listen(args.listen) {
        Ok(listener) => listener,
        Err(error) => {
            let address = args.listen;
            terminal::say(&format!(
                "squall: cannot listen on {address}: {error}; choose another with --listen"
            ));
            return Ok(ExitCode::from(2));
        }
    };
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        warn(address, args);
    }
    announce(address, args)?;
    server::serve(listener, args.into(), stop).await;
    Ok(ExitCode::SUCCESS)
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The one line of standard output; who started us reads it through a pipe and waits for it.
fn announce(address: SocketAddr, args: &ServeArgs) -> std::io::Result<()> {
    let only_http_sse = args.speaks.iter().all(|way| *way == WayWord::HttpSse);
    let path = if only_http_sse { "/sse" } else { "/mcp" };
    let mut output = std::io::stdout().lock();
    writeln!(output, "{ANNOUNCEMENT}http://{address}{path}")?;
    output.flush()
}

#[expect(clippy::print_stderr, reason = "a warning for the person who gave the address")]
fn warn(address: SocketAddr, args: &ServeArgs) {
    let asks = match args.auth.0 {
        Some(_) => "and whoever asks is given credentials",
        None => "and no credentials are asked for",
    };
    eprintln!(
        "warning: {address} is not loopback: whoever reaches it can load this machine, {asks}"
    );
}

async fn stdin_closed() {
    let mut ignored = [0; 256];
    let mut input = tokio::io::stdin();
    while matches!(input.read(&mut ignored).await, Ok(1..)) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, FromArgMatches};

    fn command() -> Command {
        ServeArgs::augment_args(Command::new("serve"))
    }

    fn parsed(arguments: &[String]) -> ServeArgs {
        let words = ["serve".to_owned()].into_iter().chain(arguments.iter().cloned());
        ServeArgs::from_arg_matches(&command().get_matches_from(words)).unwrap()
    }

    #[test]
    fn every_knob_is_a_flag_and_every_flag_a_knob() {
        let command = command();
        let flags: Vec<_> = command
            .get_arguments()
            .filter_map(clap::Arg::get_long)
            .filter(|flag| !["help", "list-defects", "listen", "until-stdin-closes"].contains(flag))
            .collect();
        assert_eq!(flags, knobs::words(&Practice::default()).map(|(flag, _)| flag));
    }

    #[test]
    fn knobs_survive_the_way_through_the_flags() {
        let turned = Practice {
            speaks: [Way::HttpSse, Way::Legacy].into_iter().collect(),
            catalogue: Catalogue::Full,
            latency: "lognormal 40ms 0.6".parse().unwrap(),
            workers: 32,
            answers: Answers::Sse,
            sessions: Sessions::Stateless,
            resumable: true,
            idle: Some(Duration::from_secs(9)),
            retry: Duration::from_secs(2),
            result_bytes: 9,
            seed: u64::MAX,
            defects: [Flaw::LostSession200].into_iter().collect(),
            auth: Some(Authorization { rotate: false, ..Authorization::default() }),
            limit: limits::parse(r#"{ allow = "60/min", burst = 10 }"#).unwrap(),
        };
        for practice in [turned, Practice::default()] {
            assert_eq!(Practice::from(&parsed(&knobs::arguments(&practice))), practice);
        }
        assert_eq!(Practice::from(&parsed(&[])), Practice::default());
    }
}
