//! Numbers within a schema's bounds, as whole steps of a power of ten so that they print exactly.
//!
//! A candidate is `k * step / 10^places`. Bounds are compared with the very value that the printed
//! text is read back as, never with a rounded product.

use serde_json::{Map, Value};

use crate::model::chance::Chance;

/// Numerators stay below this, so that a reader with 64-bit floats reads them exactly (RFC 8259,
/// section 6).
const EXACT: f64 = 4_503_599_627_370_496.0;

/// Steps that make a range look varied.
const VARIED: i64 = 100;

/// Evenly drawn: every `k` from `from` to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    from: i64,
    to: i64,
    grid: Grid,
}

/// Where candidates lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grid {
    step: i64,
    places: u32,
}

/// A bound, and whether the value itself is outside.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bound {
    value: f64,
    exclusive: bool,
}

impl Decimal {
    /// Integers of a schema; fails with the keyword that leaves none.
    pub(super) fn integer(schema: &Map<String, Value>) -> Result<Self, &'static str> {
        let step = match multiple_of(schema)? {
            None => 1,
            // The least common multiple with 1, both counted in units of 10^-places.
            Some(Grid { step, places }) => step / gcd(step, 10_i64.pow(places)),
        };
        Self::within(schema, Grid { step, places: 0 }).ok_or("minimum")
    }

    /// Any numbers of a schema: two decimal places, more where the bounds are close together, none
    /// where they are so far out that places are lost.
    pub(super) fn number(schema: &Map<String, Value>) -> Result<Self, &'static str> {
        if let Some(grid) = multiple_of(schema)? {
            return Self::within(schema, grid).ok_or("multipleOf");
        }
        let candidates =
            (2..=9).filter_map(|places| Self::within(schema, Grid { step: 1, places }));
        let mut finest = Self::within(schema, Grid { step: 1, places: 0 });
        for candidate in candidates {
            finest = Some(candidate);
            if candidate.to - candidate.from >= VARIED {
                break;
            }
        }
        finest.ok_or("minimum")
    }

    /// The steps inside the bounds. A side without a bound is open for a hundred steps (a hundred
    /// whole numbers, when a step is smaller).
    fn within(schema: &Map<String, Value>, grid: Grid) -> Option<Self> {
        let lower = bound(schema, "minimum", "exclusiveMinimum", f64::max);
        let upper = bound(schema, "maximum", "exclusiveMaximum", f64::min);
        let width = grid.value(1).max(1.0);
        let span = VARIED as f64 * width;
        let from = match (lower, upper) {
            (Some(lower), _) => lower.value,
            (None, Some(upper)) if upper.value < width => upper.value - span,
            (None, _) => width,
        };
        let to = upper.map_or(from + span, |upper| upper.value);
        let near = |value| grid.nearest(value) - 2..=grid.nearest(value) + 2;
        let from = match lower {
            Some(bound) => near(from).find(|k| grid.value(*k) >= bound.least())?,
            None => grid.nearest(from),
        };
        let to = match upper {
            Some(bound) => near(to).rev().find(|k| grid.value(*k) <= bound.most())?,
            None => grid.nearest(to),
        };
        (from <= to).then_some(Self { from, to, grid })
    }

    /// Most characters of a number.
    pub(super) const fn longest() -> u64 {
        24
    }

    pub(super) fn make(self, chance: &mut Chance, out: &mut Vec<u8>) {
        let offset = chance.between(0, self.to.abs_diff(self.from));
        let units = self.from.saturating_add_unsigned(offset) * self.grid.step;
        let scale = 10_u64.pow(self.grid.places);
        if units < 0 {
            out.push(b'-');
        }
        super::text::integer(units.unsigned_abs() / scale, out);
        if self.grid.places > 0 {
            out.push(b'.');
            let fraction = units.unsigned_abs() % scale;
            for place in (0..self.grid.places).rev() {
                out.push(b'0' + (fraction / 10_u64.pow(place) % 10) as u8);
            }
        }
    }
}

impl Grid {
    /// What the printed k-th candidate is read back as: both operands are exact, so the quotient is
    /// the float nearest to the decimal.
    fn value(self, k: i64) -> f64 {
        (k * self.step) as f64 / 10_f64.powi(self.places.cast_signed())
    }

    fn nearest(self, value: f64) -> i64 {
        let units = (value * 10_f64.powi(self.places.cast_signed())).clamp(-EXACT, EXACT);
        (units / self.step as f64).round() as i64
    }
}

impl Bound {
    fn least(self) -> f64 {
        if self.exclusive { self.value.next_up() } else { self.value }
    }

    fn most(self) -> f64 {
        if self.exclusive { self.value.next_down() } else { self.value }
    }
}

/// The tighter of both keywords. Draft 4 wrote `exclusiveMinimum: true` beside `minimum`.
fn bound(
    schema: &Map<String, Value>,
    inclusive: &str,
    exclusive: &str,
    tighter: fn(f64, f64) -> f64,
) -> Option<Bound> {
    let number = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let is_exclusive = schema.get(exclusive) == Some(&Value::Bool(true));
    match (number(inclusive), number(exclusive)) {
        (None, None) => None,
        (Some(value), None) => Some(Bound { value, exclusive: is_exclusive }),
        (None, Some(value)) => Some(Bound { value, exclusive: true }),
        (Some(at), Some(beyond)) => {
            let value = tighter(at, beyond);
            Some(Bound { value, exclusive: value.total_cmp(&beyond).is_eq() })
        }
    }
}

/// `multipleOf` as a grid; fails when it is no decimal of at most nine places.
fn multiple_of(schema: &Map<String, Value>) -> Result<Option<Grid>, &'static str> {
    let Some(multiple) = schema.get("multipleOf") else { return Ok(None) };
    let multiple = multiple.as_f64().filter(|multiple| *multiple > 0.0).ok_or("multipleOf")?;
    (0..=9)
        .map(|places| (multiple * 10_f64.powi(places), places))
        .find(|(units, places)| {
            let whole = units.round();
            (1.0..=1e15).contains(&whole)
                && (whole / 10_f64.powi(*places)).total_cmp(&multiple).is_eq()
        })
        .map(|(units, places)| {
            Some(Grid { step: units.round() as i64, places: places.cast_unsigned() })
        })
        .ok_or("multipleOf")
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::chance::{Key, Purpose};
    use super::*;

    fn made(decimal: Decimal) -> Vec<f64> {
        let mut out = Vec::new();
        let numbers = (0..500).map(|seed| {
            out.clear();
            decimal.make(&mut Key::of_run(seed, 0).draw(Purpose::Arguments), &mut out);
            assert!(out.len() as u64 <= Decimal::longest());
            std::str::from_utf8(&out).unwrap().parse().unwrap()
        });
        let mut numbers: Vec<f64> = numbers.collect();
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        numbers
    }

    #[test]
    fn integers_are_all_those_inside() {
        let table = [
            (json!({"minimum": 3, "maximum": 5}), vec![3.0, 4.0, 5.0]),
            (json!({"exclusiveMinimum": 3, "exclusiveMaximum": 5}), vec![4.0]),
            (json!({"minimum": 3, "exclusiveMinimum": true, "maximum": 4}), vec![4.0]),
            (json!({"minimum": -2.5, "maximum": -0.5}), vec![-2.0, -1.0]),
            (json!({"minimum": 1, "maximum": 30, "multipleOf": 10}), vec![10.0, 20.0, 30.0]),
            (json!({"minimum": 1, "maximum": 8, "multipleOf": 1.5}), vec![3.0, 6.0]),
            (json!({"minimum": 7, "maximum": 7}), vec![7.0]),
            (json!({"minimum": 5, "exclusiveMinimum": 5, "maximum": 6}), vec![6.0]),
        ];
        for (schema, numbers) in table {
            assert_eq!(
                made(Decimal::integer(schema.as_object().unwrap()).unwrap()),
                numbers,
                "{schema}"
            );
        }
    }

    #[test]
    fn numbers_keep_their_bounds_exactly() {
        let table = [
            json!({"minimum": 0, "maximum": 1}),
            json!({"minimum": 0.07, "maximum": 0.29}),
            json!({"minimum": 0.1, "maximum": 0.1}),
            json!({"exclusiveMinimum": 0, "exclusiveMaximum": 0.01}),
            json!({"minimum": -1e300, "maximum": 1e300}),
            json!({"minimum": 1e14, "maximum": 1e15}),
            json!({"minimum": 0, "maximum": 1, "multipleOf": 0.1}),
            json!({"maximum": -5}),
            json!({"minimum": 90}),
            json!({}),
        ];
        for schema in table {
            let numbers = made(Decimal::number(schema.as_object().unwrap()).unwrap());
            let limit = |keyword| schema.get(keyword).and_then(Value::as_f64);
            for number in numbers {
                assert!(limit("minimum").is_none_or(|bound| number >= bound), "{schema} {number}");
                assert!(limit("maximum").is_none_or(|bound| number <= bound), "{schema} {number}");
                assert!(limit("exclusiveMinimum").is_none_or(|bound| number > bound));
                assert!(limit("exclusiveMaximum").is_none_or(|bound| number < bound));
            }
        }
    }

    #[test]
    fn impossible_bounds_are_told() {
        let table = [
            (json!({"minimum": 5, "maximum": 4}), "minimum"),
            (json!({"minimum": 0.2, "maximum": 0.8}), "minimum"),
            (json!({"minimum": 1e300}), "minimum"),
            (json!({"multipleOf": 0}), "multipleOf"),
            (json!({"multipleOf": 1e-12}), "multipleOf"),
        ];
        for (schema, keyword) in table {
            assert_eq!(Decimal::integer(schema.as_object().unwrap()), Err(keyword), "{schema}");
        }
    }
}
