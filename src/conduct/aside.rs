//! Mischief that is nobody's exchange, done beside a load: half-open connections.

use std::sync::Arc;

use http::header::HOST;
use tokio::task::JoinSet;

use crate::engine::client::Common;
use crate::engine::half_open::{Stood, stand};
use crate::engine::stop::{Phase, Stop};
use crate::model::fault::{self, Mischief, What};
use crate::model::plan::Plan;

/// What goes on beside a load.
#[derive(Debug)]
pub(super) struct Aside(JoinSet<String>);

impl Aside {
    /// Begins what the plan's faults want, each at its time.
    pub(super) fn begin(plan: &Plan, common: &Arc<Common>, stop: &Stop) -> Self {
        let mut under_way = JoinSet::new();
        let end = plan.load.pace.length() + plan.load.drain;
        for window in fault::windows(&plan.faults, end) {
            let what = plan.faults.get(usize::from(window.fault)).map(|fault| &fault.what);
            let Some(What::Mischief(Mischief::HalfOpen(count))) = what else { continue };
            let (common, stop, count) = (Arc::clone(common), stop.clone(), *count);
            let name = window.name(&plan.faults);
            under_way.spawn(async move {
                let wire = &common.wire;
                tokio::select! {
                    () = wire.clock.sleep_until(window.from) => {}
                    () = stop.reached(Phase::Over) => {}
                }
                if stop.phase() == Phase::Over {
                    return format!("{name}: the run was over before it began");
                }
                let host = common.headers.get(HOST).and_then(|host| host.to_str().ok());
                let over = async {
                    tokio::select! {
                        () = stop.reached(Phase::Over) => {}
                        () = async {
                            match window.until {
                                Some(until) => wire.clock.sleep_until(until).await,
                                None => std::future::pending().await,
                            }
                        } => {}
                    }
                };
                said(&name, stand(wire, count, host.unwrap_or("localhost"), over).await)
            });
        }
        Self(under_way)
    }

    /// What became of it, a line each; the run must be over.
    pub(super) async fn end(mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.0.join_next().await {
            lines.extend(line);
        }
        lines.sort();
        lines
    }
}

fn said(name: &str, stood: Stood) -> String {
    let Stood { opened, failed, ended } = stood;
    format!(
        "{name}: {opened} half-open connections stood, {failed} could not be opened, {ended} were \
         ended by the target"
    )
}
