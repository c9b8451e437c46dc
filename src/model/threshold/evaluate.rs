//! What a threshold says of a summary.

use std::sync::LazyLock;
use std::time::Duration;

use super::{About, Limit, Metric, Operator, PerCall, Share, Statistic, Threshold, Time};
use crate::model::figure;
use crate::model::histogram::Histogram;
use crate::model::histogram::bound::Span;
use crate::model::operation::Operation;
use crate::model::outcome::Class;
use crate::model::summary::Summary;
use crate::model::summary::calls::Tally;
use crate::model::summary::runs::Completion;

/// What a threshold's metric came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Whether it kept to the limit.
    pub held: Held,
    /// The value, as a person reads it.
    pub value: String,
}

/// Whether a limit was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It held, and would have held had what was never answered taken for ever.
    Yes,
    /// What was seen is enough to break it.
    No,
    /// What was seen is within it, but not if what was never answered took long enough. It counts
    /// as not passed.
    Unproven,
}

/// Nothing was measured that the threshold speaks of. That is a failure, not a pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("never measured: {0}")]
pub struct NeverMeasured(pub String);

impl Threshold {
    /// Compares what was measured with the limit.
    pub fn evaluate(&self, summary: &Summary) -> Result<Measured, NeverMeasured> {
        match &self.metric {
            Metric::Time(statistic, time, about) => {
                self.time(times(summary, *time, about)?, *statistic)
            }
            Metric::Completion(percent) => self.completion(summary, *percent),
            Metric::Share(share, tool) => {
                let (count, total) = counted(summary, *share, tool.as_deref())?;
                Ok(self.share(count, total))
            }
            Metric::Harm(harm, fault) => self.harm(&summary.damages, *harm, fault.as_deref()),
            Metric::PerCall(what) => {
                let per_call = match what {
                    PerCall::Exchanges => summary.exchanges_per_call(),
                    PerCall::Handshakes => summary.handshakes_per_call(),
                };
                let per_call = per_call.ok_or_else(|| never("no tool call was sent"))?;
                Ok(self.measured(per_call, figure::number(per_call)))
            }
        }
    }

    fn time(
        &self,
        (times, unanswered): (&Histogram, &Histogram),
        statistic: Statistic,
    ) -> Result<Measured, NeverMeasured> {
        if times.count() == 0 {
            return Err(never(&format!("no {} was seen", self.metric)));
        }
        let span = match statistic {
            Statistic::Percentile(percent) => times.span(percent / 100.0, unanswered),
            Statistic::Mean => times.span_of_mean(unanswered),
            Statistic::Max => times.span_of_max(unanswered),
        };
        let why = self.unanswered(unanswered.count(), times.count());
        Ok(self.bounded(span, &why))
    }

    /// A value of which only bounds are known, and why.
    pub(super) fn bounded(&self, span: Span, why: &str) -> Measured {
        let held = self.held_within(span);
        Measured { held, value: told(held, span, why) }
    }

    /// That calls, or exchanges of another operation, were never answered.
    fn unanswered(&self, count: u64, total: u64) -> String {
        let operation = self.refers_to().operation.unwrap_or(Operation::ToolsCall);
        let what = if operation == Operation::ToolsCall { "calls" } else { "exchanges" };
        let were = if count == 1 { "was" } else { "were" };
        format!("{count} of {total} {what} {were} never answered")
    }

    /// Whether a limit holds whatever became of the calls that nobody waited for: one that is not
    /// to be passed is held against the most the value can be, one to be reached against the least.
    fn held_within(&self, span: Span) -> Held {
        let most = span.most.unwrap_or(f64::INFINITY);
        match (self.holds(span.least), self.holds(most)) {
            (true, true) => Held::Yes,
            (false, false) if !self.lies_between(span.least, most) => Held::No,
            _ => Held::Unproven,
        }
    }

    /// Whether values between these two keep to a limit that neither of them keeps to.
    fn lies_between(&self, least: f64, most: f64) -> bool {
        let limit = self.limit_value();
        self.operator == Operator::Equal && least < limit && limit < most
    }

    fn completion(&self, summary: &Summary, percent: f64) -> Result<Measured, NeverMeasured> {
        let (runs, share) = (&summary.runs, percent / 100.0);
        let count = runs.count();
        match runs.completion(share) {
            None => Err(never("no run ended")),
            Some(Completion::Reached(us)) => {
                let (shown, seen) = (figure::micros(us), runs.seen_by(us));
                let shown = if runs.is_estimated(us, share) {
                    format!("about {shown}: by then {seen} of {count} runs were seen to complete")
                } else {
                    shown
                };
                Ok(self.measured(us as f64, shown))
            }
            Some(Completion::AtLeast(us)) => {
                // Only a lower bound is known: it can prove "above", never "below".
                let mut held = self.held_within(Span { least: us as f64, most: None });
                let can_be_reached = (count - runs.failed) as f64 >= share * count as f64 - 1e-9;
                if held == Held::Unproven && self.is_upper() && !can_be_reached {
                    held = Held::No;
                }
                let unseen = count - runs.completed;
                let why = format!("{unseen} of {count} runs were not seen to complete");
                let span = Span { least: us as f64, most: None };
                Ok(Measured { held, value: told(held, span, &why) })
            }
        }
    }

    /// Whether it is a limit to stay below.
    fn is_upper(&self) -> bool {
        matches!(self.operator, Operator::Below | Operator::AtMost)
    }

    pub(super) fn share(&self, count: u64, total: u64) -> Measured {
        let share = count as f64 / total as f64;
        let value = format!("{} ({count} of {total})", figure::share(share));
        match self.limit {
            Limit::Percent(_) => self.measured(share * 100.0, value),
            _ => self.measured(count as f64, value),
        }
    }

    pub(super) fn measured(&self, value: f64, shown: String) -> Measured {
        let held = if self.holds(value) { Held::Yes } else { Held::No };
        Measured { held, value: shown }
    }

    /// Whether a value (microseconds, percent or a number, as the limit is) keeps to the limit.
    fn holds(&self, value: f64) -> bool {
        let limit = self.limit_value();
        match self.operator {
            Operator::Below => value < limit,
            Operator::AtMost => value <= limit,
            Operator::Above => value > limit,
            Operator::AtLeast => value >= limit,
            Operator::Equal => (value - limit).abs() < 1e-9,
        }
    }

    /// The limit in microseconds, percent or as it is.
    fn limit_value(&self) -> f64 {
        match self.limit {
            Limit::Duration(limit) => limit.as_nanos() as f64 / 1e3,
            Limit::Percent(limit) | Limit::Number(limit) => limit,
        }
    }

    /// The limit as a duration, for drawing it into a chart of that operation's response.
    pub fn response_limit(&self) -> Option<Duration> {
        match (&self.metric, self.limit) {
            (
                Metric::Time(_, Time::Response, About::Operation(Operation::ToolsCall)),
                Limit::Duration(limit),
            ) => Some(limit),
            _ => None,
        }
    }
}

/// A value as a person reads it, with why no more is known of it.
fn told(held: Held, span: Span, why: &str) -> String {
    let micros = |us: f64| figure::micros(us.round() as u64);
    let least = micros(span.least);
    if span.is_exact() {
        return least;
    }
    let most = span.most.map(|most| format!(" and at most {}", micros(most))).unwrap_or_default();
    match held {
        Held::Unproven => format!("{why} (at least {least}{most})"),
        Held::Yes | Held::No => format!("at least {least}{most}: {why}"),
    }
}

pub(super) fn never(what: &str) -> NeverMeasured {
    NeverMeasured(what.to_owned())
}

/// The times a threshold is about, and those of them that nobody waited out.
fn times<'a>(
    summary: &'a Summary,
    time: Time,
    about: &About,
) -> Result<(&'a Histogram, &'a Histogram), NeverMeasured> {
    static WAITED_OUT: LazyLock<Histogram> = LazyLock::new(Histogram::default);
    let (times, unanswered) = match about {
        About::Operation(Operation::ToolsCall) => {
            let times = &summary.calls.times;
            let of = match time {
                Time::Response => &times.response,
                Time::Service => &times.service,
                Time::Preparation => &times.preparation,
                Time::Held => &times.held,
                Time::Lag => &times.lag,
            };
            (of, &times.unanswered)
        }
        About::Operation(operation) => {
            let exchanges = summary.wire.operations.get(operation);
            let exchanges = exchanges
                .ok_or_else(|| never(&format!("no {} was performed", operation.name())))?;
            let of = match time {
                Time::Response => &exchanges.response,
                Time::Service => &exchanges.service,
                _ => &exchanges.preparation,
            };
            (of, &exchanges.unanswered)
        }
        About::Tool(name) => {
            let tool = summary.tools.iter().find(|tool| tool.name == *name);
            let tool = tool.ok_or_else(|| never(&format!("no tool `{name}` was called")))?;
            let response = time == Time::Response;
            (if response { &tool.response } else { &tool.service }, &tool.unanswered)
        }
    };
    let unanswered = match time {
        Time::Response => &unanswered.response,
        Time::Service => &unanswered.service,
        // What is not over when a call is given up is not counted among these at all.
        Time::Preparation | Time::Held | Time::Lag => &WAITED_OUT,
    };
    Ok((times, unanswered))
}

/// How many, of how many.
fn counted(
    summary: &Summary,
    share: Share,
    tool: Option<&str>,
) -> Result<(u64, u64), NeverMeasured> {
    let (count, total, whole) = match share {
        Share::Dropped => {
            (summary.dropped, summary.dropped + summary.runs.count(), "no run was due")
        }
        Share::RunsCut => (summary.runs.cut, summary.runs.count(), "no run ended"),
        Share::Errors | Share::Throttled | Share::NeverSent => {
            let tally = tally(summary, tool)?;
            match share {
                Share::Errors => (tally.errors(), tally.sent(), "no call was sent"),
                Share::Throttled => (tally.of(Class::Throttled), tally.sent(), "no call was sent"),
                _ => (tally.of(Class::NeverSent), tally.count(), "no call was due"),
            }
        }
    };
    if total == 0 { Err(never(whole)) } else { Ok((count, total)) }
}

fn tally<'a>(summary: &'a Summary, tool: Option<&str>) -> Result<&'a Tally, NeverMeasured> {
    let Some(name) = tool else { return Ok(&summary.calls.tally) };
    let tool = summary.tools.iter().find(|tool| tool.name == name);
    tool.map(|tool| &tool.tally).ok_or_else(|| never(&format!("no tool `{name}` was called")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Event, Fate};
    use crate::model::outcome::Outcome;
    use crate::model::summary::sample;

    fn evaluated(text: &str, summary: &Summary) -> Result<(Held, String), String> {
        let threshold: Threshold = text.parse().unwrap();
        let measured = threshold.evaluate(summary).map_err(|error| error.to_string())?;
        Ok((measured.held, measured.value))
    }

    #[test]
    fn nothing_measured_is_no_pass() {
        for text in [
            "p99(response) < 2s",
            "p99(response, initialize) < 2s",
            "errors < 1%",
            "errors(search) < 1%",
            "errors(missing) < 1%",
            "dropped < 1%",
            "runs_cut < 1%",
            "p50(completion) < 1s",
            "exchanges_per_call < 9",
            "handshakes_per_call < 9",
        ] {
            assert!(
                evaluated(text, &sample::empty()).unwrap_err().starts_with("never measured: no"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_storm_is_judged() {
        let storm = sample::storm();
        let passed = |text| evaluated(text, &storm).unwrap().0 == Held::Yes;
        assert!(
            passed("p50(response, tools/call) < 2s") && !passed("p50(response, tools/call) > 2s")
        );
        assert!(passed("max(lag) <= 2ms") && !passed("mean(service) < 1ms"));
        assert!(
            passed("exchanges_per_call == 3") && passed("dropped == 1") && !passed("dropped < 1%")
        );
        assert_eq!(evaluated("dropped <= 1", &storm).unwrap().1, "1.64% (1 of 61)");
        assert!(passed("p95(service, tools/call, search) < 5s"));
    }

    /// Ten calls of 10 to 100 ms, of which the one of 60 ms timed out.
    fn one_given_up(outcome: Outcome) -> Summary {
        let mut summary = sample::empty();
        for number in 1..=10 {
            let mut call = sample::call(0, 0, 50);
            call.instants.done = call.instants.due + Duration::from_millis(number * 10);
            call.outcome = if number == 6 { outcome } else { Outcome::Ok };
            summary.add(&Event::Call(call));
        }
        summary
    }

    #[test]
    fn what_nobody_waited_for_could_have_taken_for_ever() {
        let given_up = one_given_up(Outcome::Timeout);
        let why = "1 of 10 calls was never answered";
        let known = |what: &str| format!("at least {what}: {why}");
        let unproven = |what: &str| format!("{why} (at least {what})");
        let p60 = "60ms and at most 70ms";
        for (text, held, value) in [
            // Up to p50 the values are what they are.
            ("p50(response) < 51ms", Held::Yes, "50ms".to_owned()),
            ("p50(response) < 49ms", Held::No, "50ms".to_owned()),
            // p60 is 60 ms, or 70 ms if the call that was given up took longer than that.
            ("p60(response) < 55ms", Held::No, known(p60)),
            ("p60(response) < 65ms", Held::Unproven, unproven(p60)),
            ("p60(response) < 75ms", Held::Yes, known(p60)),
            ("p60(response) > 55ms", Held::Yes, known(p60)),
            ("p60(response) > 65ms", Held::Unproven, unproven(p60)),
            ("p60(response) > 75ms", Held::No, known(p60)),
            // The last tenth, the mean and the largest could be anything.
            ("p99(response) < 99ms", Held::No, known("100ms")),
            ("p99(response) < 1h", Held::Unproven, unproven("100ms")),
            ("p99(response) > 90ms", Held::Yes, known("100ms")),
            ("max(response) <= 1h", Held::Unproven, unproven("100ms")),
            ("mean(response) < 1h", Held::Unproven, unproven("55ms")),
            ("p60(response, tools/call, search) < 65ms", Held::Unproven, unproven(p60)),
            ("p99(service) < 1h", Held::Unproven, unproven("70ms")),
            ("max(preparation) < 1s", Held::Yes, "30ms".to_owned()),
        ] {
            assert_eq!(evaluated(text, &given_up), Ok((held, value)), "{text}");
        }
        // Whoever went away, or was told no, waited no longer.
        for outcome in [Outcome::Cancelled, Outcome::Status(500), Outcome::NeverSent] {
            let ended = one_given_up(outcome);
            assert_eq!(
                evaluated("max(response) < 1s", &ended),
                Ok((Held::Yes, "100ms".to_owned()))
            );
        }
    }

    #[test]
    fn an_unproven_percentile_is_no_pass() {
        let storm = sample::storm();
        let (held, value) = evaluated("p99.9(completion) < 1h", &storm).unwrap();
        assert_eq!(held, Held::Unproven);
        assert_eq!(value, "5 of 60 runs were not seen to complete (at least 25s)");
        assert_eq!(evaluated("p99.9(completion) < 2s", &storm).unwrap().0, Held::No);
        assert_eq!(evaluated("p99.9(completion) > 1s", &storm).unwrap().0, Held::Yes);
        assert_eq!(evaluated("p99.9(completion) > 1h", &storm).unwrap().0, Held::Unproven);
    }

    #[test]
    fn an_estimate_of_completion_says_what_was_seen() {
        let mut summary = sample::empty();
        let fates = [(1, Fate::Completed), (2, Fate::Cut), (2, Fate::Cut), (3, Fate::Completed)];
        for (seconds, fate) in fates {
            summary.add(&Event::Run(sample::run(1, 0, seconds * 1000, fate)));
        }
        let seen = "about 3s: by then 2 of 4 runs were seen to complete".to_owned();
        assert_eq!(evaluated("p95(completion) < 4s", &summary), Ok((Held::Yes, seen)));
        assert_eq!(evaluated("p25(completion) < 4s", &summary), Ok((Held::Yes, "1s".to_owned())));
        // A run that failed never completes, however long it is waited for.
        summary.add(&Event::Run(sample::run(1, 0, 0, Fate::Failed)));
        let value = "at least 3s: 3 of 5 runs were not seen to complete".to_owned();
        assert_eq!(evaluated("p95(completion) < 4s", &summary), Ok((Held::No, value)));
    }
}
