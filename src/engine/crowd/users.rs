//! The closed crowd: so many users, each starting its next run when the last one ended, carried by goose.
//!
//! goose starts and ends users by its test plan and never sees MCP: one goose transaction is one
//! run of one user. Of goose's own only the dashboard is used; the rest is switched off here. Two
//! things cannot be: the line "N users launched." that a test plan prints to standard output, and
//! a Ctrl-C handler where there is none yet. The command line sees to both before a load.

mod seat;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{Scenario, Transaction, TransactionFunction};
use goose::test_plan::TestPlan;
use goose::{GooseAttack, GooseError};

use self::seat::Crowd;
use super::Stage;
use crate::edge::clock::Clock;
use crate::edge::scratch::Scratch;
use crate::engine::stop::{Phase, Stopper};
use crate::model::pace::Users;

/// goose wants the address of what it tests. Nothing is ever sent there (RFC 2606 section 2).
const NOBODY: &str = "http://target.invalid/";

/// How often goose is watched for the end of its load.
const WATCH: Duration = Duration::from_millis(50);

/// Why the users could not be brought.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// No stage has a user.
    #[error("no stage has any users: at least one must lead to 1 user or more")]
    Nobody,
    /// goose ramps users up and down in whole steps of its loop.
    #[error("stage {stage} takes {over:?}: a stage of users takes at least 1s")]
    ShortStage {
        /// Its place in the list, from 1.
        stage: usize,
        /// What it takes.
        over: Duration,
    },
    /// Whoever reaches the dashboard controls the load; it has no password.
    #[error(
        "the dashboard controls the load without a password, so it listens on loopback addresses \
         only, not on {0}: leave the address out, and reach it from elsewhere through a tunnel"
    )]
    OpenDashboard(SocketAddr),
    /// The dashboard's address cannot be had.
    #[error("the dashboard cannot listen on {address}: {source}")]
    Dashboard {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// goose refused, which is squall's own fault.
    #[error("goose cannot carry the users: {0}")]
    Carrier(String),
}

/// Brings users by `users` and completes when the last one left.
///
/// Once the plan has ended, or a person has ended it on the dashboard, `end` is advanced to
/// `Draining`; runs may then still finish. When somebody else advances it, no run starts any more
/// and users leave: at once between runs, else after their run. A user that panics leaves, and
/// another one takes its place. With `dashboard` (a loopback address; port 0 is any free port)
/// goose's own page shows counts of runs and lets a person change users, plan and end.
///
/// One load of this kind runs at a time; a second one in the same process waits for its turn.
pub async fn run<S: Stage>(
    stage: Arc<S>,
    users: &Users,
    dashboard: Option<SocketAddr>,
    clock: &Clock,
    end: &Stopper,
) -> Result<(), UsersError> {
    let plan = plan(users)?;
    if let Some(address) = dashboard.filter(|address| !address.ip().is_loopback()) {
        return Err(UsersError::OpenDashboard(address));
    }
    let crowd = Arc::new(Crowd::new(stage, clock.clone(), end.told(), dashboard.is_some()));
    let driven = tokio::spawn(drive(crowd, plan, dashboard, end.clone()));
    // In a task of its own: whoever drops this future must not leave users that nobody ends.
    driven.await.unwrap_or_else(|error| Err(UsersError::Carrier(error.to_string())))
}

/// goose's test plan for the stages. It ends at 0 users: goose would hold any other number for ever.
fn plan(users: &Users) -> Result<TestPlan, UsersError> {
    let mut steps = Vec::with_capacity(users.stages.len() + 1);
    for (index, stage) in users.stages.iter().enumerate() {
        if stage.over < Duration::from_secs(1) {
            return Err(UsersError::ShortStage { stage: index + 1, over: stage.over });
        }
        steps.push((stage.to as usize, stage.over.as_millis() as usize));
    }
    if steps.iter().all(|(to, _)| *to == 0) {
        return Err(UsersError::Nobody);
    }
    if steps.last().is_some_and(|(to, _)| *to > 0) {
        steps.push((0, 0));
    }
    Ok(TestPlan { steps, current: 0 })
}

/// Runs goose to its end, telling it ours and telling ours by it.
async fn drive<S: Stage>(
    crowd: Arc<Crowd<S>>,
    plan: TestPlan,
    dashboard: Option<SocketAddr>,
    end: Stopper,
) -> Result<(), UsersError> {
    // goose's kill switch is one static for the process.
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _alone = TURN.lock().await;
    if crowd.draining() {
        return Ok(());
    }
    let failed = |error| failure(error, dashboard);
    // goose saves a report of its own for its page, wherever it is told to.
    let scratch = dashboard.map(|_| Scratch::new()).transpose().map_err(|e| failed(e.into()))?;
    let configuration = configuration(&plan, dashboard, scratch.as_ref()).map_err(failed)?;
    let mut attack = pin!(attack(&crowd, configuration).map_err(failed)?.execute());
    loop {
        tokio::select! {
            ended = &mut attack => {
                end.advance(Phase::Draining);
                goose::reset_killswitch();
                return ended.map(drop).map_err(failed);
            }
            () = crowd.clock().sleep(WATCH) => {
                if crowd.load_ended() {
                    end.advance(Phase::Draining);
                }
                // Again and again: goose forgets it when a load starts, and after an end on the
                // dashboard it would wait for the next start.
                if crowd.draining() {
                    goose::trigger_killswitch("squall ends the load");
                }
            }
        }
    }
}

fn failure(error: GooseError, dashboard: Option<SocketAddr>) -> UsersError {
    match (error, dashboard) {
        (GooseError::Io(source), Some(address)) => UsersError::Dashboard { address, source },
        (error, _) => UsersError::Carrier(format!("{error:?}")),
    }
}

/// goose with everything off that is not the carrying of users.
fn configuration(
    plan: &TestPlan,
    dashboard: Option<SocketAddr>,
    scratch: Option<&Scratch>,
) -> Result<GooseConfiguration, GooseError> {
    // Only its serialised form takes a test plan in milliseconds; everything else is in seconds.
    let mut fields = serde_json::to_value(GooseConfiguration::default())?;
    fields["test_plan"] = serde_json::to_value(plan)?;
    let mut configuration: GooseConfiguration = serde_json::from_value(fields)?;
    configuration.host = Some(NOBODY.to_owned());
    configuration.quiet = 1;
    configuration.no_telnet = true;
    configuration.no_print_metrics = true;
    configuration.no_error_summary = true;
    configuration.no_metrics = dashboard.is_none();
    // Throttles nothing, for goose sends nothing: see `Crowd::load_ended`. Looked at 20 times a second.
    configuration.throttle_requests = Some(20);
    if let (Some(address), Some(scratch)) = (dashboard, scratch) {
        configuration.dashboard = true;
        configuration.dashboard_control = true;
        configuration.dashboard_no_auth = true;
        configuration.dashboard_host = Some(address.ip().to_string());
        configuration.dashboard_port = Some(address.port());
        configuration.output_dir = Some(scratch.path().join("run").display().to_string());
    }
    Ok(configuration)
}

/// goose with our two transactions: a run, and the leaving at the end of a user.
fn attack<S: Stage>(
    crowd: &Arc<Crowd<S>>,
    configuration: GooseConfiguration,
) -> Result<GooseAttack, GooseError> {
    // goose installs a global logger where there is none, and it writes to standard output. The
    // silent one that is in force anyway takes its place; a logger of the product's own stays.
    let _already_ours = log::set_logger(log::logger()).is_err();
    let (running, leaving) = (Arc::clone(crowd), Arc::clone(crowd));
    let run: TransactionFunction = Arc::new(move |user| {
        let crowd = Arc::clone(&running);
        Box::pin(async move { crowd.turn(user).await })
    });
    let leave: TransactionFunction = Arc::new(move |user| {
        let crowd = Arc::clone(&leaving);
        Box::pin(async move {
            crowd.leave(user).await;
            Ok(())
        })
    });
    let scenario = Scenario::new("users")
        .register_transaction(Transaction::new(run).set_name("run"))
        .register_transaction(Transaction::new(leave).set_name("leave").set_on_stop());
    // One HTTP client, never used, for all users; otherwise goose makes one for each (5 ms, 115 kB).
    GooseAttack::initialize_with_config(configuration)?
        .register_scenario(scenario)
        .set_client_builder_without_cookies(GooseClientBuilder::new().without_cookies())
}

#[cfg(test)]
mod tests {
    use super::super::rehearsal::Rehearsal;
    use super::*;
    use crate::engine::stop::stop;
    use crate::model::pace::UserStage;

    const RUN: Duration = Duration::from_millis(50);

    fn users(stages: &[(u64, u32)]) -> Users {
        let stage =
            |(over, to): &(u64, u32)| UserStage { over: Duration::from_millis(*over), to: *to };
        Users { stages: stages.iter().map(stage).collect() }
    }

    /// Brings the users; the load is called off when so many turns have begun.
    async fn perform(stage: Rehearsal, stages: &[(u64, u32)], until: u32) -> Arc<Rehearsal> {
        let (end, _) = stop();
        if until == 0 {
            end.advance(Phase::Draining);
        }
        let stage = Arc::new(Rehearsal { call_off: Some((until, end.clone())), ..stage });
        run(Arc::clone(&stage), &users(stages), None, &Clock::real(), &end).await.unwrap();
        assert_eq!(end.phase(), Phase::Draining, "the end of the load is told");
        assert_eq!(stage.left(), stage.entered(), "whoever came has gone");
        stage
    }

    #[test]
    fn stages_become_a_plan_that_ends() {
        for (stages, steps) in [
            (vec![(1000, 3)], vec![(3, 1000), (0, 0)]),
            (vec![(1500, 3), (2000, 3), (1000, 0)], vec![(3, 1500), (3, 2000), (0, 1000)]),
            (vec![(1000, 0), (1000, 9)], vec![(0, 1000), (9, 1000), (0, 0)]),
        ] {
            assert_eq!(plan(&users(&stages)).unwrap().steps, steps);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_brought_is_refused() {
        let (clock, (end, _)) = (Clock::real(), stop());
        for (stages, dashboard, said) in [
            (vec![], None, "no stage has any users"),
            (vec![(1000, 0)], None, "no stage has any users"),
            (vec![(1000, 1), (999, 2)], None, "stage 2 takes 999ms"),
            (vec![(1000, 1)], Some("0.0.0.0:0"), "loopback addresses only, not on 0.0.0.0:0"),
        ] {
            let dashboard = dashboard.map(|address: &str| address.parse().unwrap());
            let stage = Arc::new(Rehearsal::default());
            let refused = run(stage, &users(&stages), dashboard, &clock, &end).await.unwrap_err();
            assert!(refused.to_string().contains(said), "{refused}");
            assert_eq!(end.phase(), Phase::Running);
        }
    }

    #[tokio::test]
    async fn users_come_take_turns_and_go_as_planned() {
        let stage = perform(Rehearsal::of(RUN), &[(1000, 3), (1000, 3), (1000, 0)], u32::MAX).await;
        assert_eq!(stage.numbers(), [0, 1, 2]);
        assert_eq!((stage.left(), stage.most_at_once()), (3, 3));
        assert_eq!(stage.turns() as usize, stage.dues().len());
        assert!(stage.turns() > 6, "each took several: {}", stage.turns());
        assert_eq!(stage.panics(), [""; 0]);
    }

    #[tokio::test]
    async fn one_load_after_another_in_one_process() {
        for _ in 0..2 {
            let stage = perform(Rehearsal::of(RUN), &[(1000, 2)], u32::MAX).await;
            assert_eq!((stage.entered(), stage.left()), (2, 2));
        }
    }

    #[tokio::test]
    async fn after_draining_no_run_starts() {
        let stage = perform(Rehearsal::of(RUN), &[(1000, 4), (600_000, 4)], 10).await;
        assert_eq!(stage.turns(), 10);
    }

    #[tokio::test]
    async fn a_load_called_off_before_it_begins_brings_nobody() {
        let stage = perform(Rehearsal::of(RUN), &[(600_000, 4)], 0).await;
        assert_eq!((stage.entered(), stage.turns()), (0, 0));
    }

    #[tokio::test]
    async fn the_end_is_told_while_the_last_runs_go_on() {
        let (clock, (end, told)) = (Clock::real(), stop());
        let stage = Arc::new(Rehearsal::of(Duration::from_secs(3)));
        let load = users(&[(1000, 2)]);
        let load = run(Arc::clone(&stage), &load, None, &clock, &end);
        let seen = async {
            told.reached(Phase::Draining).await;
            (stage.entered(), stage.left())
        };
        let (ended, seen) = tokio::join!(load, seen);
        ended.unwrap();
        assert_eq!(seen, (2, 0), "both were still at it");
        assert_eq!((stage.turns(), stage.left()), (2, 2));
    }

    #[tokio::test]
    async fn a_panic_is_told_and_another_user_takes_the_place() {
        let stage = Rehearsal { panic_every: Some(4), ..Rehearsal::of(RUN) };
        let stage = perform(stage, &[(1000, 2), (600_000, 2)], 20).await;
        assert_eq!(stage.panics(), ["turn 3", "turn 7", "turn 11", "turn 15", "turn 19"]);
        assert_eq!((stage.turns(), stage.most_at_once()), (20, 2));
        assert!((5..=7).contains(&stage.entered()), "{}", stage.entered());
    }

    #[tokio::test]
    async fn who_cannot_enter_is_told_and_does_not_spin() {
        let stage = Rehearsal { closed_door: true, ..Rehearsal::of(RUN) };
        let stage = perform(stage, &[(1000, 1)], u32::MAX).await;
        assert_eq!(stage.turns(), 0);
        assert!((1..=1000).contains(&stage.panics().len()), "{}", stage.panics().len());
    }

    #[tokio::test]
    async fn runs_that_never_wait_leave_goose_its_turn() {
        let stage = Rehearsal { clock: None, ..Rehearsal::default() };
        let stage = perform(stage, &[(1000, 2)], u32::MAX).await;
        assert_eq!((stage.entered(), stage.left()), (2, 2));
    }

    #[expect(clippy::disallowed_methods, reason = "goose itself must be given a free port")]
    fn free_port() -> SocketAddr {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    /// What a person does on the page: asks, and asks again until the answer is the expected one.
    struct Person {
        clock: Clock,
        page: String,
        client: reqwest::Client,
    }

    impl Person {
        async fn sees(&self, path: &str, expected: impl Fn(&str) -> bool) -> String {
            loop {
                if let Ok(answer) = self.client.get(format!("{}{path}", self.page)).send().await {
                    assert_eq!(answer.status(), 200);
                    let text = answer.text().await.unwrap();
                    if expected(&text) {
                        return text;
                    }
                }
                self.clock.sleep(WATCH).await;
            }
        }

        async fn orders(&self, command: &str, body: serde_json::Value) {
            let order = self.client.post(format!("{}api/v1/control/{command}", self.page));
            let answer = order.json(&body).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_person_watches_changes_and_ends_the_load_on_the_dashboard() {
        let (clock, (end, told), address) = (Clock::real(), stop(), free_port());
        let stage = Arc::new(Rehearsal::of(RUN));
        let load = users(&[(1000, 2), (600_000, 2)]);
        let load = run(Arc::clone(&stage), &load, Some(address), &clock, &end);
        let (page, client) = (format!("http://{address}/"), reqwest::Client::new());
        let person = Person { clock: clock.clone(), page, client };
        let person = async {
            person.sees("", |page| page.contains("<title>Goose Dashboard</title>")).await;
            let counted = |snapshot: &str| {
                let snapshot: serde_json::Value = serde_json::from_str(snapshot).unwrap();
                let row =
                    snapshot["requests"].as_array().unwrap().iter().find(|r| r["name"] == "runs");
                row.is_some_and(|row| row["request_count"].as_u64().unwrap() > 0)
            };
            person.sees("api/v1/snapshot", counted).await;
            let plan = serde_json::json!({ "test_plan": "5,1s;5,600s" });
            person.orders("settings", plan).await;
            while stage.entered() < 5 {
                clock.sleep(WATCH).await;
            }
            assert_eq!(told.phase(), Phase::Running);
            person.orders("stop", serde_json::json!({})).await;
        };
        let (ended, ()) = tokio::join!(load, person);
        ended.unwrap();
        assert_eq!(told.phase(), Phase::Draining);
        assert_eq!((stage.entered(), stage.left(), stage.most_at_once()), (5, 5, 5));
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "goose itself must find a port taken")]
    async fn a_dashboard_without_a_port_is_refused() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let (load, (end, _)) = (users(&[(1000, 1)]), stop());
        let stage = Arc::new(Rehearsal::of(RUN));
        let refused = run(stage, &load, Some(address), &Clock::real(), &end).await.unwrap_err();
        let said = refused.to_string();
        assert!(said.starts_with(&format!("the dashboard cannot listen on {address}: ")), "{said}");
    }
}
