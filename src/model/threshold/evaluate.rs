//! What a threshold says of a summary.

use std::time::Duration;

use super::{About, Limit, Metric, Operator, Share, Statistic, Threshold, Time};
use crate::model::figure;
use crate::model::histogram::Histogram;
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
                self.time(histogram(summary, *time, about)?, *statistic, summary)
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
        times: &Histogram,
        statistic: Statistic,
        summary: &Summary,
    ) -> Result<Measured, NeverMeasured> {
        if times.count() == 0 {
            return Err(never(&format!("no {} was seen", self.metric)));
        }
        let us = match statistic {
            Statistic::Percentile(percent) => times.quantile(percent / 100.0) as f64,
            Statistic::Mean => times.mean(),
            Statistic::Max => times.max() as f64,
        };
        let open = summary.calls.tally.of(Class::Unfinished);
        let about_calls = self.refers_to().operation == Some(Operation::ToolsCall);
        let shown = figure::micros(us.round() as u64);
        let value = if open > 0 && about_calls {
            format!("{shown} ({open} calls were still open when the run ended)")
        } else {
            shown
        };
        Ok(self.measured(us, value))
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

fn never(what: &str) -> NeverMeasured {
    NeverMeasured(what.to_owned())
}

fn histogram<'a>(
    summary: &'a Summary,
    time: Time,
    about: &About,
) -> Result<&'a Histogram, NeverMeasured> {
    match about {
        About::Operation(Operation::ToolsCall) => {
            let times = &summary.calls.times;
            Ok(match time {
                Time::Response => &times.response,
                Time::Service => &times.service,
                Time::Preparation => &times.preparation,
                Time::Held => &times.held,
                Time::Lag => &times.lag,
            })
        }
        About::Operation(operation) => {
            let exchanges = summary.wire.operations.get(operation);
            let exchanges = exchanges
                .ok_or_else(|| never(&format!("no {} was performed", operation.name())))?;
            Ok(match time {
                Time::Response => &exchanges.response,
                Time::Service => &exchanges.service,
                _ => &exchanges.preparation,
            })
        }
        About::Tool(name) => {
            let tool = summary.tools.iter().find(|tool| tool.name == *name);
            let tool = tool.ok_or_else(|| never(&format!("no tool `{name}` was called")))?;
            Ok(if time == Time::Response { &tool.response } else { &tool.service })
        }
    }
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

    #[test]
    fn an_unproven_percentile_is_no_pass() {
        let storm = sample::storm();
        let (passed, value) = evaluated("p99.9(completion) < 1h", &storm).unwrap();
        assert!(!passed && value.starts_with("at least"), "{value}");
        assert!(evaluated("p99.9(completion) > 1s", &storm).unwrap().0);
    }
}
