//! What was seen of tokens, said: each expectation as one that held, one that did not, or one of
//! which too little was seen to say, and a finding for each that did not.

use std::time::Duration;

use super::rules::{AMPLIFIED, BROKEN, EARLY, GRACE, KILLED, LOST, SERVED, STAYS};
use super::{Tokens, Told, Traffic};
use crate::judge::rule::Rule;
use crate::model::figure;
use crate::model::plan::tokens::Most;
use crate::model::report::{Expectations, Judged};

/// Fewer requests or tokens than these are no ratio.
const LEAST: u64 = 10;

/// What one expectation came to.
struct Said {
    held: Option<bool>,
    value: String,
    rule: &'static Rule,
    count: u64,
    evidence: Vec<String>,
}

impl Tokens {
    /// What each expectation came to.
    pub fn end(&self) -> Expectations {
        let limits = &self.limits;
        let said = [
            limits.lost.map(|most| self.lost_said(most)),
            limits.served_again.map(|most| self.served_said(most)),
            limits.amplification.map(|most| amplified(&self.traffic, most)),
            limits.refused_early.map(|most| self.early_said(most)),
            limits.grace.map(|_| self.grace_said()),
            limits.rotation.then(|| rotation_said(&self.traffic)),
            limits.winner_alive.then(|| self.winner_said()),
        ];
        let mut expectations = Expectations::default();
        for (text, said) in limits.written().zip(said.into_iter().flatten()) {
            if said.held == Some(false) {
                expectations
                    .findings
                    .push(said.rule.finding(said.count, said.evidence.iter().cloned()));
            }
            let (passed, unproven) = (said.held == Some(true), said.held.is_none());
            expectations.judged.push(Judged {
                text,
                passed,
                value: said.value,
                unproven,
                unchecked: false,
            });
        }
        expectations
    }

    fn lost_said(&self, most: Most) -> Said {
        let (lost, all) = (self.lost.count(), self.users.count());
        let share = if all == 0 { 0.0 } else { lost as f64 / all as f64 };
        let value = format!("{lost} of {all} users ({}) needed a new login", figure::share(share));
        let is_over = most.is_passed(lost, all);
        let held = is_over.then_some(false).or((self.traffic.turns() > 0).then_some(true));
        let evidence = self.logins_lost.first.iter().map(told).collect();
        Said { held, value, rule: &LOST, count: lost, evidence }.or_too_little()
    }

    fn served_said(&self, most: Duration) -> Said {
        let (mut over, mut open) = (Vec::new(), self.unfollowed);
        if let Some((waited, user, since)) = self.longest.filter(|(waited, ..)| *waited > most) {
            over.push((since, user, format!("served again after {}", figure::duration(waited))));
        }
        let mut longest = self.longest.map_or(Duration::ZERO, |(waited, ..)| waited);
        for (user, wait) in &self.waiting {
            let Some(failed) = wait.failed else { continue };
            open += 1;
            let waited = failed.saturating_sub(wait.since);
            longest = longest.max(waited);
            if waited > most {
                let words = format!("not served again within {}", figure::duration(waited));
                over.push((wait.since, *user, words));
            }
        }
        over.sort();
        let is_seen = self.recoveries > 0 || self.traffic.turns() > 0;
        let held = match (over.is_empty(), open) {
            (false, _) => Some(false),
            (true, 0) if is_seen => Some(true),
            _ => None,
        };
        let longest = figure::duration(longest);
        let value = match (self.recoveries, open) {
            (0, 0) => "nobody had to wait".to_owned(),
            (0, open) => format!("{open} not served again, after {longest}"),
            (times, open) => {
                let served = self.longest.map_or(Duration::ZERO, |(waited, ..)| waited);
                let (times, served) = (figure::times(times), figure::duration(served));
                let still = match open {
                    0 => "0 not served again".to_owned(),
                    _ => format!("{open} not served again, after {longest} at most"),
                };
                format!("served again {times} after {served} at most, {still}")
            }
        };
        let count = over.len() as u64;
        let evidence = over.iter().take(5).map(|(at, user, what)| line(*at, *user, what)).collect();
        Said { held, value, rule: &SERVED, count, evidence }.or_too_little()
    }

    fn early_said(&self, most: u32) -> Said {
        let early = self.early.count;
        let is_over = early > u64::from(most);
        let is_seen = self.traffic.brought + self.traffic.ended > 0;
        let held = is_over.then_some(false).or(is_seen.then_some(true));
        let value = format!("{} refused before their end", tokens(early));
        let evidence = self.early.first.iter().map(told).collect();
        Said { held, value, rule: &EARLY, count: early, evidence }.or_too_little()
    }

    fn grace_said(&self) -> Said {
        let races = &self.races;
        let within = races.granted + races.refused;
        let late = races.late_granted + races.late_refused;
        let edge = races.edge_granted + races.edge_refused;
        let wrong = races.refused + races.late_granted;
        let rotates = self.traffic.rotated > 0;
        let held = match (races.broken, wrong) {
            (1.., _) => Some(false),
            _ if !rotates => None,
            (0, 0) => (within > 0).then_some(true),
            _ => Some(false),
        };
        let mut value = match (rotates, within + late + edge + races.broken) {
            (_, 0) => "no race was tried".to_owned(),
            (false, _) => "the refresh token is never replaced: there is no old one".to_owned(),
            (true, _) => format!(
                "{}, {}{}; {}",
                match within {
                    0 => "within it none was tried".to_owned(),
                    _ => format!("within it {} of {within} accepted", races.granted),
                },
                match late {
                    0 => "after it none was tried".to_owned(),
                    _ => format!("after it {} of {late}", races.late_granted),
                },
                match edge {
                    0 => String::new(),
                    // A clock of whole seconds may do either.
                    _ => format!(
                        ", about its end {} of {edge}, which says nothing",
                        races.edge_granted
                    ),
                },
                races.gaps()
            ),
        };
        // What comes of a 500 is not the grace's fault.
        let rule = if races.broken > 0 { &BROKEN } else { &GRACE };
        if races.broken > 0 {
            value = format!("{} answered 500; {value}", races.broken);
        }
        let evidence = vec![value.clone()];
        let count = wrong + races.broken;
        Said { held, value, rule, count, evidence }.or_too_little()
    }

    fn winner_said(&self) -> Said {
        let (alive, killed) = (self.races.alive, self.races.killed);
        let held = if killed > 0 { Some(false) } else { (alive > 0).then_some(true) };
        let value = match alive + killed {
            0 => format!("no first one's tokens were used after a race; {}", self.races.gaps()),
            all => format!("{alive} of {all} kept their tokens; {}", self.races.gaps()),
        };
        let evidence = vec![value.clone()];
        Said { held, value, rule: &KILLED, count: killed, evidence }.or_too_little()
    }
}

fn rotation_said(traffic: &Traffic) -> Said {
    let (rotated, all) = (traffic.rotated, traffic.refreshed);
    let held = (all > 0).then_some(rotated == all);
    let value = match (rotated, all) {
        (_, 0) => "no token was refreshed".to_owned(),
        (0, all) => format!("the refresh token is never replaced, in {}", refreshes(all)),
        (rotated, all) => format!("{rotated} of {} replaced the refresh token", refreshes(all)),
    };
    let evidence = vec![value.clone()];
    Said { held, value, rule: &STAYS, count: all - rotated, evidence }.or_too_little()
}

/// Requests against those of a plain course.
fn amplified(traffic: &Traffic, most: f64) -> Said {
    let asked = traffic.asked.saturating_sub(traffic.raced);
    let at_tokens = ratio(asked, traffic.brought);
    // A first login begins with a 401, as it should.
    let plain = traffic.requests - traffic.refused + traffic.refused.min(traffic.logins);
    let at_mcp = ratio(traffic.requests, plain);
    let is_over = [at_tokens, at_mcp].into_iter().flatten().any(|times| times > most);
    let is_said = at_tokens.is_some() && at_mcp.is_some();
    let held = is_over.then_some(false).or(is_said.then_some(true));
    let shown = |times: Option<f64>| match times {
        Some(times) if times.is_finite() => format!("{times:.2}x"),
        Some(_) => "nothing but failures".to_owned(),
        None => "too few requests".to_owned(),
    };
    let value = format!("token endpoint {}, MCP endpoint {}", shown(at_tokens), shown(at_mcp));
    let evidence = vec![
        format!("{asked} requests at the token endpoint for {} tokens", traffic.brought),
        format!("{} requests at the MCP endpoint, {plain} of a plain course", traffic.requests),
    ];
    let count = asked + traffic.requests - traffic.brought.min(asked) - plain;
    Said { held, value, rule: &AMPLIFIED, count, evidence }.or_too_little()
}

fn ratio(sent: u64, plain: u64) -> Option<f64> {
    (sent >= LEAST).then(|| sent as f64 / plain as f64)
}

impl Said {
    fn or_too_little(mut self) -> Self {
        if self.held.is_none() {
            self.value = format!("not enough to say: {}", self.value);
        }
        self
    }
}

fn told((at, user, what): &Told) -> String {
    line(*at, *user, what)
}

fn line(at: Duration, user: u32, what: &str) -> String {
    format!("at {}, user {user}: {what}", figure::duration(at))
}

fn refreshes(count: u64) -> String {
    format!("{count} {}", if count == 1 { "refresh" } else { "refreshes" })
}

fn tokens(count: u64) -> String {
    format!("{count} {}", if count == 1 { "token" } else { "tokens" })
}
