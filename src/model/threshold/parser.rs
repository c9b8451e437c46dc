//! The reader of one threshold: a cursor over its text; the grammar stands in `threshold`.

use std::str::FromStr;

use super::{About, Harm, Limit, Metric, Operator, PerCall, Share, Statistic, Threshold, Time};
use crate::model::duration;
use crate::model::operation::Operation;

/// A text that is no threshold: what was found, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found {found} at byte {at}, expected {expected}")]
pub struct NotAThreshold {
    /// What stands there, quoted, or `the end`.
    pub found: String,
    /// Byte offset into the text.
    pub at: usize,
    /// What would be right.
    pub expected: String,
}

type Read<T> = Result<T, NotAThreshold>;

impl FromStr for Threshold {
    type Err = NotAThreshold;

    fn from_str(text: &str) -> Read<Self> {
        let mut cursor = Cursor { text, at: 0 };
        let metric = cursor.metric()?;
        let operator = cursor.operator()?;
        let limit = cursor.limit(&metric)?;
        Ok(Self { text: text.to_owned(), metric, operator, limit })
    }
}

fn mistake<T>(at: usize, found: &str, expected: impl Into<String>) -> Read<T> {
    let found = if found.is_empty() { "the end".to_owned() } else { format!("`{found}`") };
    Err(NotAThreshold { found, at, expected: expected.into() })
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Steps over white space and returns what is left.
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        rest.trim_start()
    }

    /// A name: letters, digits and `_ / . -`, or nothing. A name of two words (`GET stream`) is
    /// read by [`Cursor::operation`].
    fn word(&mut self) -> (usize, &'a str) {
        let rest = self.rest();
        let ends = |c: char| !c.is_alphanumeric() && !"_/.-".contains(c);
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let began = self.at;
        self.at += word.len();
        (began, word)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let taken = self.rest().starts_with(sign);
        self.at += if taken { sign.len() } else { 0 };
        taken
    }

    fn demand(&mut self, sign: &str) -> Read<()> {
        if self.takes(sign) {
            return Ok(());
        }
        let rest = self.rest();
        mistake(
            self.at,
            &rest[..rest.chars().next().map_or(0, char::len_utf8)],
            format!("`{sign}`"),
        )
    }

    fn metric(&mut self) -> Read<Metric> {
        let (at, word) = self.word();
        if let Some(what) = PerCall::ALL.into_iter().find(|what| what.name() == word) {
            return Ok(Metric::PerCall(what));
        }
        if let Some(harm) = self.harm(word)? {
            return Ok(harm);
        }
        if let Some(share) = Share::ALL.into_iter().find(|share| share.name() == word) {
            return self.share(share);
        }
        let statistic = match word {
            "mean" => Statistic::Mean,
            "max" => Statistic::Max,
            _ => match percentile(word) {
                Some(percent) => Statistic::Percentile(percent),
                None => return mistake(at, word, METRICS),
            },
        };
        self.demand("(")?;
        let metric = self.measured(statistic)?;
        self.demand(")")?;
        Ok(metric)
    }

    /// What windows of faults do; `errors` only where a window is named.
    fn harm(&mut self, word: &str) -> Read<Option<Metric>> {
        let Some(harm) = Harm::ALL.into_iter().find(|harm| harm.name() == word) else {
            return Ok(None);
        };
        let began = self.at;
        if self.takes("(") {
            let (at, word) = self.word();
            if word == "window"
                && let Some(fault) = self.quoted()?
            {
                self.demand(")")?;
                return Ok(Some(Metric::Harm(harm, Some(fault))));
            }
            if harm != Harm::Errors {
                return mistake(at, word, "`window \"the name of a fault\"`");
            }
        }
        self.at = began;
        Ok((harm != Harm::Errors).then_some(Metric::Harm(harm, None)))
    }

    fn share(&mut self, share: Share) -> Read<Metric> {
        let at = self.at;
        if !self.takes("(") {
            return Ok(Metric::Share(share, None));
        }
        if !share.is_kept_by_tool() {
            return mistake(
                at,
                "(",
                format!("an operator: `{}` is not counted by tool", share.name()),
            );
        }
        let tool = self.tool()?;
        self.demand(")")?;
        Ok(Metric::Share(share, Some(tool)))
    }

    fn measured(&mut self, statistic: Statistic) -> Read<Metric> {
        let (at, word) = self.word();
        if word == "completion" {
            return match statistic {
                Statistic::Percentile(percent) => Ok(Metric::Completion(percent)),
                _ => mistake(
                    at,
                    word,
                    "a percentile of `completion`: runs that were cut have no mean and no maximum",
                ),
            };
        }
        let Some(time) = Time::ALL.into_iter().find(|time| time.name() == word) else {
            return mistake(at, word, TIMES);
        };
        let about =
            if self.takes(",") { self.about()? } else { About::Operation(Operation::ToolsCall) };
        if time.is_kept_for(&about) {
            return Ok(Metric::Time(statistic, time, about));
        }
        let kept = match about {
            About::Tool(_) => "`response` or `service`, which are what is measured by tool",
            About::Operation(_) => {
                "`response`, `service` or `preparation`, which are what is measured of other operations than `tools/call`"
            }
        };
        mistake(at, word, kept)
    }

    fn about(&mut self) -> Read<About> {
        let began = self.at;
        let Some(operation) = self.operation() else {
            self.at = began;
            return Ok(About::Tool(self.tool()?));
        };
        let comma = self.at;
        if !self.takes(",") {
            return Ok(About::Operation(operation));
        }
        if operation != Operation::ToolsCall {
            return mistake(comma, ",", "`)`: only `tools/call` has tools");
        }
        Ok(About::Tool(self.tool()?))
    }

    fn operation(&mut self) -> Option<Operation> {
        let rest = self.rest();
        let ends = |name: &str| rest[name.len()..].trim_start().starts_with([',', ')']);
        let found = Operation::ALL
            .into_iter()
            .find(|operation| rest.starts_with(operation.name()) && ends(operation.name()))?;
        self.at += found.name().len();
        Some(found)
    }

    fn tool(&mut self) -> Read<String> {
        if let Some(quoted) = self.quoted()? {
            return Ok(quoted);
        }
        let (at, word) = self.word();
        if word == "tool" {
            if let Some(quoted) = self.quoted()? {
                return Ok(quoted);
            }
            let (_, name) = self.word();
            return Ok(if name.is_empty() { word } else { name }.to_owned());
        }
        if word.is_empty() {
            let rest = self.rest();
            let found = &rest[..rest.chars().next().map_or(0, char::len_utf8)];
            return mistake(at, found, "the name of a tool, in quotes if it is more than one word");
        }
        Ok(word.to_owned())
    }

    fn quoted(&mut self) -> Read<Option<String>> {
        let at = self.at;
        if !self.takes("\"") {
            return Ok(None);
        }
        let rest = &self.text[self.at..];
        let Some(end) = rest.find('"') else {
            return mistake(at, rest, "a closing `\"`");
        };
        self.at += end + 1;
        Ok(Some(rest[..end].to_owned()))
    }

    fn operator(&mut self) -> Read<Operator> {
        let found = self.rest();
        let operator = Operator::ALL.into_iter().find(|operator| self.takes(operator.sign()));
        operator.map_or_else(|| mistake(self.at, found, "`<`, `<=`, `>`, `>=` or `==`"), Ok)
    }

    fn limit(&mut self, metric: &Metric) -> Read<Limit> {
        let text = self.rest().trim_end();
        let number =
            |text: &str| text.trim_end().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
        let percent = |text: &str| text.strip_suffix('%').and_then(number);
        let (limit, expected) = match metric {
            Metric::Time(..) | Metric::Completion(_) | Metric::Harm(Harm::Recovery, _) => (
                duration::parse(text).ok().map(Limit::Duration),
                "a duration such as `300ms` or `2s`",
            ),
            Metric::PerCall(_) | Metric::Harm(Harm::Amplification, _) => {
                (number(text).map(Limit::Number), "a number such as `3` or `2.5`")
            }
            Metric::Harm(Harm::LostSessions, _) => {
                (number(text).map(Limit::Number), "a count such as `3`")
            }
            Metric::Share(..) | Metric::Harm(Harm::Errors, _) => (
                percent(text).map(Limit::Percent).or_else(|| number(text).map(Limit::Number)),
                "a share such as `1%` or a count such as `3`",
            ),
        };
        match limit {
            Some(limit) => Ok(limit),
            None => mistake(self.at, text, expected),
        }
    }
}

const METRICS: &str = "a percentile such as `p99(...)`, `mean(...)`, `max(...)`, `errors`, `throttled`, \
    `never_sent`, `dropped`, `runs_cut`, `exchanges_per_call`, `handshakes_per_call`, `recovery`, `lost_sessions` or \
    `amplification`";
const TIMES: &str = "`response`, `service`, `preparation`, `held`, `lag` or `completion`";

/// `p50`, `p99.9` or `p999`: above 0, below 100.
fn percentile(word: &str) -> Option<f64> {
    let digits = word.strip_prefix('p')?;
    let whole = digits.get(..2).filter(|two| two.bytes().all(|byte| byte.is_ascii_digit()))?;
    let decimals = digits[2..].strip_prefix('.').unwrap_or(&digits[2..]);
    let plain = decimals.bytes().all(|byte| byte.is_ascii_digit()) && !digits.ends_with('.');
    // `p100` would be read as 10.0: whoever writes it means `max`.
    let percent: f64 = format!("{whole}.{decimals}0").parse().ok()?;
    (plain && percent > 0.0 && digits != "100").then_some(percent)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_scenarios_write() {
        let tools = || About::Operation(Operation::ToolsCall);
        let search = || Some("search".to_owned());
        let table = [
            (
                "p99(response, tools/call) < 2s",
                Metric::Time(Statistic::Percentile(99.0), Time::Response, tools()),
            ),
            ("p99.9(lag)<=5ms", Metric::Time(Statistic::Percentile(99.9), Time::Lag, tools())),
            ("p999(lag) < 5ms", Metric::Time(Statistic::Percentile(99.9), Time::Lag, tools())),
            (
                "mean(service, initialize) < 1s",
                Metric::Time(
                    Statistic::Mean,
                    Time::Service,
                    About::Operation(Operation::Initialize),
                ),
            ),
            (
                "max(response, GET stream) < 1s",
                Metric::Time(Statistic::Max, Time::Response, About::Operation(Operation::Stream)),
            ),
            (
                "p95(response, tools/call, search) < 1s",
                Metric::Time(
                    Statistic::Percentile(95.0),
                    Time::Response,
                    About::Tool("search".to_owned()),
                ),
            ),
            (
                "p95(response, search) < 1s",
                Metric::Time(
                    Statistic::Percentile(95.0),
                    Time::Response,
                    About::Tool("search".to_owned()),
                ),
            ),
            (
                "p95(service, tools/call, tool \"a b\") < 1s",
                Metric::Time(
                    Statistic::Percentile(95.0),
                    Time::Service,
                    About::Tool("a b".to_owned()),
                ),
            ),
            ("p95(completion) < 60s", Metric::Completion(95.0)),
            ("errors < 1%", Metric::Share(Share::Errors, None)),
            ("errors(search) < 1%", Metric::Share(Share::Errors, search())),
            ("dropped <= 3", Metric::Share(Share::Dropped, None)),
            ("runs_cut<10%", Metric::Share(Share::RunsCut, None)),
            ("exchanges_per_call < 3", Metric::PerCall(PerCall::Exchanges)),
            ("handshakes_per_call < 1.1", Metric::PerCall(PerCall::Handshakes)),
            ("recovery < 10s", Metric::Harm(Harm::Recovery, None)),
            (
                "errors(window \"slow net\") < 20%",
                Metric::Harm(Harm::Errors, Some("slow net".to_owned())),
            ),
            ("errors(window) < 20%", Metric::Share(Share::Errors, Some("window".to_owned()))),
            ("lost_sessions == 0", Metric::Harm(Harm::LostSessions, None)),
            (
                "amplification( window \"a\" ) < 2.5",
                Metric::Harm(Harm::Amplification, Some("a".to_owned())),
            ),
        ];
        for (text, metric) in table {
            assert_eq!(
                text.parse::<Threshold>().map(|threshold| threshold.metric),
                Ok(metric),
                "{text}"
            );
        }
    }

    #[test]
    fn mistakes_say_what_where_and_what_is_right() {
        let table = [
            ("", 0, "the end", "a percentile such as"),
            ("p100(response) < 1s", 0, "`p100`", "`max(...)`"),
            ("p99(answer) < 1s", 4, "`answer`", "`response`"),
            ("p99(response < 1s", 13, "`<`", "`)`"),
            ("p99(response) 1s", 14, "`1s`", "`<=`"),
            ("p99(response) < 1", 16, "`1`", "duration"),
            ("errors < 1s", 9, "`1s`", "`1%`"),
            ("errors < -1%", 9, "`-1%`", "`1%`"),
            ("dropped(search) < 1", 7, "`(`", "not counted by tool"),
            ("p95(held, tools/call, search) < 1s", 4, "`held`", "by tool"),
            ("p95(lag, initialize) < 1s", 4, "`lag`", "other operations"),
            ("mean(completion) < 1s", 5, "`completion`", "percentile"),
            ("p95(response, initialize, search) < 1s", 24, "`,`", "only `tools/call`"),
            ("errors(\"a < 1%", 7, "`a < 1%`", "closing"),
            ("recovery < 3", 11, "`3`", "duration"),
            ("recovery(slow) < 3s", 9, "`slow`", "window"),
            ("lost_sessions < 3%", 16, "`3%`", "count"),
        ];
        for (text, at, found, expected) in table {
            let mistake = text.parse::<Threshold>().unwrap_err();
            assert_eq!((mistake.at, mistake.found.as_str()), (at, found), "{text}");
            assert!(mistake.expected.contains(expected), "{text}: {mistake}");
        }
    }

    fn any_threshold() -> impl Strategy<Value = Threshold> {
        let percent = (1u32..9999).prop_map(|hundredths| f64::from(hundredths) / 100.0);
        let statistic = prop_oneof![
            percent.clone().prop_map(Statistic::Percentile),
            Just(Statistic::Mean),
            Just(Statistic::Max)
        ];
        let about = prop_oneof![
            prop::sample::select(Operation::ALL.to_vec()).prop_map(About::Operation),
            "[^\"]{0,12}".prop_map(About::Tool)
        ];
        let duration = (0u64..10_000_000).prop_map(|ms| Limit::Duration(Duration::from_millis(ms)));
        let number = (0u32..1_000_000).prop_map(|number| Limit::Number(f64::from(number) / 8.0));
        let share = prop_oneof![number.clone(), percent.clone().prop_map(Limit::Percent)];
        let metric = prop_oneof![
            (statistic, prop::sample::select(Time::ALL.to_vec()), about, duration.clone())
                .prop_filter_map("a time that is kept", |(statistic, time, about, limit)| time
                    .is_kept_for(&about)
                    .then_some((Metric::Time(statistic, time, about), limit))),
            (percent, duration).prop_map(|(percent, limit)| (Metric::Completion(percent), limit)),
            (prop::sample::select(Share::ALL.to_vec()), prop::option::of("[^\"]{0,12}"), share)
                .prop_map(|(share, tool, limit)| (
                    Metric::Share(share, tool.filter(|_| share.is_kept_by_tool())),
                    limit
                )),
            (prop::sample::select(PerCall::ALL.to_vec()), number.clone())
                .prop_map(|(what, limit)| (Metric::PerCall(what), limit)),
            (prop::sample::select(Harm::ALL.to_vec()), "[^\"]{0,12}", number).prop_map(
                |(harm, fault, limit)| {
                    let limit = match (harm, limit) {
                        (Harm::Recovery, Limit::Number(number)) => {
                            Limit::Duration(Duration::from_millis(number as u64))
                        }
                        (_, limit) => limit,
                    };
                    (Metric::Harm(harm, Some(fault)), limit)
                }
            ),
        ];
        (metric, prop::sample::select(Operator::ALL.to_vec())).prop_map(
            |((metric, limit), operator)| {
                let mut threshold = Threshold { text: String::new(), metric, operator, limit };
                threshold.text = threshold.to_string();
                threshold
            },
        )
    }

    proptest! {
        #[test]
        fn a_threshold_prints_and_parses_back(threshold in any_threshold()) {
            prop_assert_eq!(threshold.to_string().parse(), Ok(threshold));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Threshold>();
        }
    }
}
