//! `squall chaos`: the fault proxy alone, driven through Toxiproxy's API.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use tokio::sync::Mutex;

use super::restore::{self, RestoreArgs};
use super::{serve, terminal};
use crate::chaos::collection::{Asked, Collection};
use crate::chaos::toxiproxy_api;
use crate::edge::clock::Clock;
use crate::edge::net;

/// The name of the proxy that the arguments ask for.
const NAME: &str = "squall";

/// Which proxy, and where it is driven from.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ChaosArgs {
    /// Something else than to serve.
    #[command(subcommand)]
    pub task: Option<Task>,
    /// Where the proxy listens; port 0 takes a free one. It is named `squall`.
    #[arg(long, value_name = "ADDR", requires = "upstream")]
    pub listen: Option<SocketAddr>,
    /// Where it leads, such as `127.0.0.1:8000`
    #[arg(long, value_name = "HOST:PORT", requires = "listen")]
    pub upstream: Option<String>,
    /// Where Toxiproxy's HTTP API is served; port 0 takes a free one. Whoever reaches it can open
    /// proxies from this machine to anywhere
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8474")]
    pub api: SocketAddr,
    /// Seed of every chance.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Stop when standard input ends, as it does when whoever started this ends.
    #[arg(long)]
    pub until_stdin_closes: bool,
}

/// What else there is to do.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Put back what a run changed that was killed: toxics and proxies of a Toxiproxy server, and
    /// what hooks were to clean up. Does nothing where everything is as it was.
    Restore(RestoreArgs),
}

/// Serves until Ctrl-C, SIGTERM or, if so told, the end of standard input.
pub fn run(args: &ChaosArgs) -> anyhow::Result<ExitCode> {
    match &args.task {
        Some(Task::Restore(args)) => restore::run(args),
        None => serve::to_its_end(serve(args)),
    }
}

async fn serve(args: &ChaosArgs) -> anyhow::Result<ExitCode> {
    let stop = serve::stopped(args.until_stdin_closes)?;
    let listener = match net::listen(args.api).await {
        Ok(listener) => listener,
        Err(error) => {
            let api = args.api;
            terminal::say(&format!(
                "squall: cannot listen on {api}: {error}; choose another with --api"
            ));
            return Ok(ExitCode::from(2));
        }
    };
    let mut collection = Collection::new(Clock::real(), args.seed);
    let mut announced = String::new();
    if let (Some(listen), Some(upstream)) = (args.listen, &args.upstream) {
        let asked = Asked::new(NAME, &listen.to_string(), upstream);
        match collection.create(&asked).await {
            Ok(shown) => {
                let address = shown["listen"].as_str().unwrap_or_default();
                announced = format!("proxy on {address} to {upstream}\n");
            }
            Err(refused) => {
                terminal::say(&format!(
                    "squall: {}; choose others with --listen and --upstream",
                    refused.error
                ));
                return Ok(ExitCode::from(2));
            }
        }
    }
    let api = listener.local_addr()?;
    terminal::result(&format!("{announced}api on http://{api}\n"))?;
    tokio::select! {
        served = toxiproxy_api::serve(listener, Arc::new(Mutex::new(collection))) => served?,
        () = stop => {}
    }
    Ok(ExitCode::SUCCESS)
}
