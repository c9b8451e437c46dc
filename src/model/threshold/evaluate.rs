//! What a threshold says of a summary.

use std::sync::LazyLock;
use std::time::Duration;

use super::{About, Limit, Metric, Operator, Share, Statistic, Threshold, Time};
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
    pub passed: bool,
    /// The value, as a person reads it.
    pub value: String,
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
            Metric::ExchangesPerCall => {
                let per_call = summary.exchanges_per_call();
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
        let (count, total) = (unanswered.count(), times.count());
        Ok(Measured { passed: self.holds_within(span), value: told(span, count, total) })
    }

    /// Whether a limit holds whatever became of the calls that nobody waited for: one that is not
    /// to be passed is held against the most the value can be, one to be reached against the least.
    fn holds_within(&self, span: Span) -> bool {
        let most = span.most.unwrap_or(f64::INFINITY);
        self.holds(span.least) && self.holds(most)
    }

    fn completion(&self, summary: &Summary, percent: f64) -> Result<Measured, NeverMeasured> {
        match summary.runs.completion(percent / 100.0) {
            None => Err(never("no run ended")),
            Some(Completion::Reached(us)) => Ok(self.measured(us as f64, figure::micros(us))),
            Some(Completion::AtLeast(us)) => {
                // Only a lower bound is known: it can prove "above", never "below".
                let above = matches!(self.operator, Operator::Above | Operator::AtLeast);
                let passed = above && self.holds(us as f64);
                Ok(Measured { passed, value: format!("at least {}", figure::micros(us)) })
            }
        }
    }

    fn share(&self, count: u64, total: u64) -> Measured {
        let share = count as f64 / total as f64;
        let value = format!("{} ({count} of {total})", figure::share(share));
        match self.limit {
            Limit::Percent(_) => self.measured(share * 100.0, value),
            _ => self.measured(count as f64, value),
        }
    }

    fn measured(&self, value: f64, shown: String) -> Measured {
        Measured { passed: self.holds(value), value: shown }
    }

    /// Whether a value (microseconds, percent or a number, as the limit is) keeps to the limit.
    fn holds(&self, value: f64) -> bool {
        let limit = match self.limit {
            Limit::Duration(limit) => limit.as_nanos() as f64 / 1e3,
            Limit::Percent(limit) | Limit::Number(limit) => limit,
        };
        match self.operator {
            Operator::Below => value < limit,
            Operator::AtMost => value <= limit,
            Operator::Above => value > limit,
            Operator::AtLeast => value >= limit,
            Operator::Equal => (value - limit).abs() < 1e-9,
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

/// A value as a person reads it, with what is not known of it.
fn told(span: Span, unanswered: u64, total: u64) -> String {
    let micros = |us: f64| figure::micros(us.round() as u64);
    let least = micros(span.least);
    if span.is_exact() {
        return least;
    }
    let most = span.most.map(|most| format!(" and at most {}", micros(most))).unwrap_or_default();
    format!("at least {least}{most}: {unanswered} of {total} were not waited out")
}

fn never(what: &str) -> NeverMeasured {
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
    use crate::model::event::Event;
    use crate::model::outcome::Outcome;
    use crate::model::summary::sample;

    fn evaluated(text: &str, summary: &Summary) -> Result<(bool, String), String> {
        let threshold: Threshold = text.parse().unwrap();
        let measured = threshold.evaluate(summary).map_err(|error| error.to_string())?;
        Ok((measured.passed, measured.value))
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
        let passed = |text| evaluated(text, &storm).unwrap().0;
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
        let open = ": 1 of 10 were not waited out";
        for (text, passed, value) in [
            // Up to p50 the values are what they are.
            ("p50(response) < 51ms", true, "50ms".to_owned()),
            // p60 is 60 ms, or 70 ms if the call that was given up took longer than that.
            ("p60(response) < 65ms", false, format!("at least 60ms and at most 70ms{open}")),
            ("p60(response) < 75ms", true, format!("at least 60ms and at most 70ms{open}")),
            ("p60(response) > 55ms", true, format!("at least 60ms and at most 70ms{open}")),
            ("p60(response) > 65ms", false, format!("at least 60ms and at most 70ms{open}")),
            // The last tenth, the mean and the largest could be anything.
            ("p99(response) < 1h", false, format!("at least 100ms{open}")),
            ("p99(response) > 90ms", true, format!("at least 100ms{open}")),
            ("max(response) <= 1h", false, format!("at least 100ms{open}")),
            ("mean(response) < 1h", false, format!("at least 55ms{open}")),
            (
                "p60(response, tools/call, search) < 65ms",
                false,
                format!("at least 60ms and at most 70ms{open}"),
            ),
            ("p99(service) < 1h", false, format!("at least 70ms{open}")),
            ("max(preparation) < 1s", true, "30ms".to_owned()),
        ] {
            assert_eq!(evaluated(text, &given_up), Ok((passed, value)), "{text}");
        }
        // Whoever went away, or was told no, waited no longer.
        for outcome in [Outcome::Cancelled, Outcome::Status(500), Outcome::NeverSent] {
            let ended = one_given_up(outcome);
            assert_eq!(evaluated("max(response) < 1s", &ended), Ok((true, "100ms".to_owned())));
        }
    }

    #[test]
    fn an_unproven_percentile_is_no_pass() {
        let storm = sample::storm();
        let (passed, value) = evaluated("p99.9(completion) < 1h", &storm).unwrap();
        assert!(!passed && value.starts_with("at least"), "{value}");
        assert!(evaluated("p99.9(completion) > 1s", &storm).unwrap().0);
    }
}
