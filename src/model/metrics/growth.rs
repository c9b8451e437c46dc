//! How much one counter of the target's grew over each window of a fault, summed over its labels.
//!
//! A page says what a counter stands at when it is asked, about once a second. What a window is
//! credited with lies between the last page before it and the first one after it:
//!
//! ```text
//! pages      │        │        │        │        │        │
//! window            ├───────────────────┤
//! counted           ◄────────────────────────────► both ends up to a second beyond the window's
//! ```

use std::collections::HashMap;
use std::time::Duration;

use super::{MOST_SERIES, Sample};
use crate::model::fault::Window;

/// Follows one counter from page to page.
#[derive(Debug)]
pub struct Growth {
    name: String,
    /// What each of its series stood at, by its labels.
    last: HashMap<String, f64>,
    /// How much all of them have grown, falls taken as restarts from 0.
    total: f64,
    has_begun: bool,
    /// It has more series than are followed.
    is_lost: bool,
    spans: Vec<Span>,
}

/// One window, and what the counter had grown to around it.
#[derive(Debug)]
struct Span {
    from: Duration,
    until: Option<Duration>,
    before: Option<f64>,
    after: Option<f64>,
}

impl Growth {
    /// Of the counter of this name, over these windows.
    pub fn of(name: String, windows: &[Window]) -> Self {
        let span = |window: &Window| {
            let Window { from, until, .. } = *window;
            Span { from, until, before: None, after: None }
        };
        let spans = windows.iter().map(span).collect();
        let (last, total) = (HashMap::new(), 0.0);
        Self { name, last, total, has_begun: false, is_lost: false, spans }
    }

    /// The counter's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether any page had it.
    pub fn was_seen(&self) -> bool {
        !self.last.is_empty()
    }

    /// Takes a page that was answered at this instant. Instants do not go back.
    pub fn page(&mut self, at: Duration, samples: &[Sample<'_>]) {
        for sample in samples {
            if sample.name == self.name && sample.value.is_finite() {
                self.sample(sample);
            }
        }
        self.has_begun = true;
        for span in &mut self.spans {
            if at <= span.from {
                span.before = Some(self.total);
            } else if span.until.is_some_and(|until| at >= until) {
                span.after = span.after.or(Some(self.total));
            }
        }
    }

    fn sample(&mut self, sample: &Sample<'_>) {
        let Sample { labels, value, .. } = *sample;
        if let Some(last) = self.last.get_mut(labels) {
            let grown = value - *last;
            self.total += if grown < 0.0 { value } else { grown };
            *last = value;
        } else if self.last.len() == MOST_SERIES {
            self.is_lost = true;
        } else {
            // What appears later stood at 0 until then.
            self.total += if self.has_begun { value } else { 0.0 };
            self.last.insert(labels.to_owned(), value);
        }
    }

    /// How much it grew over each window, in their order; nothing where no page says so. A window that
    /// the run ended in ends with the last page, if that came after the load.
    pub fn end(&self, is_last_after_load: bool) -> Vec<Option<u64>> {
        let is_known = self.was_seen() && !self.is_lost;
        let grown = |span: &Span| {
            let after = span.after.or(is_last_after_load.then_some(self.total))?;
            Some((after - span.before?).round() as u64).filter(|_| is_known)
        };
        self.spans.iter().map(grown).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metrics::Kind;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn windows(spans: &[(u64, Option<u64>)]) -> Vec<Window> {
        let window = |(from, until): &(u64, Option<u64>)| Window {
            fault: 0,
            turn: 0,
            from: ms(*from),
            until: until.map(ms),
        };
        spans.iter().map(window).collect()
    }

    /// Pages at these instants, each with these values of a series without labels and one with.
    fn grown(
        spans: &[(u64, Option<u64>)],
        pages: &[(u64, &[f64])],
        ends: bool,
    ) -> Vec<Option<u64>> {
        let mut growth = Growth::of("again_total".to_owned(), &windows(spans));
        for (at, values) in pages {
            let series = ["", "tool=\"a\""].iter().zip(*values);
            let of = |name| {
                move |(labels, value): (&&'static str, &f64)| Sample {
                    name,
                    labels,
                    kind: Kind::Counter,
                    value: *value,
                }
            };
            let mut samples: Vec<_> = series.clone().map(of("again_total")).collect();
            samples.extend(series.map(of("other_total")));
            growth.page(ms(*at), &samples);
        }
        growth.end(ends)
    }

    #[test]
    fn a_window_is_credited_with_what_lies_between_the_pages_around_it() {
        let pages: [(u64, &[f64]); 5] = [
            (0, &[5.0]),
            (1_000, &[7.0]),
            (2_000, &[8.0, 2.0]),
            (3_000, &[8.0, 2.0]),
            (4_000, &[9.0]),
        ];
        let spans = [(500, Some(1_500)), (1_000, Some(2_000)), (2_100, Some(2_900)), (3_500, None)];
        assert_eq!(grown(&spans, &pages, true), [Some(5), Some(3), Some(0), Some(1)]);
        // A page that is missing makes it wider, and one that never came leaves it unknown.
        assert_eq!(grown(&spans[1..2], &[pages[0], pages[3]], true), [Some(5)]);
        assert_eq!(grown(&spans[3..], &pages, false), [None]);
    }

    #[test]
    fn a_counter_that_falls_began_anew_and_one_that_nobody_saw_is_unknown() {
        let spans = [(500, Some(2_500))];
        let fell: [(u64, &[f64]); 4] =
            [(0, &[5.0]), (1_000, &[7.0]), (2_000, &[1.0]), (3_000, &[2.0])];
        assert_eq!(grown(&spans, &fell, true), [Some(4)]);
        let late: [(u64, &[f64]); 2] = [(0, &[]), (3_000, &[3.0])];
        assert_eq!(grown(&spans, &late, true), [Some(3)], "it stood at 0 until it was there");
        assert_eq!(grown(&spans, &[(0, &[]), (3_000, &[])], true), [None]);
        assert_eq!(grown(&spans, &[(0, &[f64::NAN]), (3_000, &[f64::INFINITY])], true), [None]);
    }

    #[test]
    fn a_target_that_invents_labels_fills_nothing() {
        let labels: Vec<String> =
            (0..=MOST_SERIES).map(|number| format!("a=\"{number}\"")).collect();
        let samples: Vec<_> = labels
            .iter()
            .map(|labels| Sample { name: "a", labels, kind: Kind::Counter, value: 1.0 })
            .collect();
        let mut growth = Growth::of("a".to_owned(), &windows(&[(0, None)]));
        growth.page(ms(0), &samples);
        assert_eq!((growth.last.len(), growth.end(true)), (MOST_SERIES, vec![None]));
    }
}
