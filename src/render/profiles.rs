//! Client profiles, for a person: which there are, what one holds, what tells two apart.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::visible;
use crate::model::profile::{Confidence, Profile, Source};

/// The profiles, a line each: how many of their values are modelled, and which client it is.
pub fn list(profiles: &[Profile]) -> String {
    let names: Vec<String> = profiles.iter().map(full).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let mut out = String::new();
    for (profile, name) in profiles.iter().zip(&names) {
        let [documented, observed, modelled] = counted(profile);
        let about = visible::line(&profile.about);
        line(
            &mut out,
            &format!(
                "{name:width$}  {documented:3} documented, {observed:3} observed, {modelled:3} \
                 modelled  {about}"
            ),
        );
    }
    out.push_str(
        "\nsquall profiles show NAME says where each value comes from. A profile of your own is a file: \
         inherits = \"NAME\", and what is different.\n",
    );
    out
}

/// Every value of a profile.
pub fn show(profile: &Profile) -> String {
    let mut out = String::new();
    line(&mut out, &format!("{}: {}", full(profile), visible::line(&profile.about)));
    if let Some(inherits) = &profile.inherits {
        line(&mut out, &format!("inherits from {}", visible::line(inherits)));
    }
    let [documented, observed, modelled] = counted(profile);
    line(&mut out, &format!("{documented} documented, {observed} observed, {modelled} modelled\n"));
    for (key, source) in &profile.sources {
        line(&mut out, &format!("{key} = {}", visible::line(&source.value.to_string())));
        line(&mut out, &format!("    {}: {}", said(source), visible::line(&source.reference)));
    }
    out
}

/// The same as JSON, with a line end.
pub fn json(profile: &Profile) -> String {
    let values = profile.sources.iter().map(|(key, source)| {
        let value = json!({
            "value": source.value,
            "confidence": source.confidence.name(),
            "date": source.date,
            "source": source.reference,
        });
        (key.clone(), value)
    });
    let document = json!({
        "name": profile.name,
        "date": profile.date,
        "about": profile.about,
        "inherits": profile.inherits,
        "values": Value::Object(values.collect::<Map<_, _>>()),
    });
    format!("{document:#}\n")
}

/// The values that two profiles do not share.
pub fn diff(one: &Profile, other: &Profile) -> String {
    let names = [full(one), full(other)];
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let keys: BTreeSet<&String> = one.sources.keys().chain(other.sources.keys()).collect();
    let mut out = String::new();
    let mut alike = 0;
    for key in keys {
        let both = [one, other].map(|profile| profile.sources.get(key));
        if both[0].map(|source| &source.value) == both[1].map(|source| &source.value) {
            alike += 1;
            continue;
        }
        line(&mut out, key);
        for (name, source) in names.iter().zip(both) {
            let value = source.map_or_else(
                || "nothing".to_owned(),
                |source| {
                    format!("{}  ({})", visible::line(&source.value.to_string()), said(source))
                },
            );
            line(&mut out, &format!("    {name:width$}  {value}"));
        }
    }
    let word = if alike == 1 { "value is" } else { "values are" };
    line(&mut out, &format!("{alike} {word} the same"));
    out
}

fn full(profile: &Profile) -> String {
    visible::line(&format!("{}@{}", profile.name, profile.date))
}

/// How sure a value is, and since when.
fn said(source: &Source) -> String {
    format!("{}, {}", source.confidence.name(), source.date)
}

/// How many values are documented, observed and modelled.
fn counted(profile: &Profile) -> [usize; 3] {
    [Confidence::Documented, Confidence::Observed, Confidence::Modelled].map(|confidence| {
        profile.sources.values().filter(|source| source.confidence == confidence).count()
    })
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _infallible = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::plan::sample;

    fn profile(name: &str, values: &[(&str, Value, Confidence)]) -> Profile {
        let source = |(key, value, confidence): &(&str, Value, Confidence)| {
            let reference = "somebody\u{202e} said so".to_owned();
            let (date, value) = ("2026-09".to_owned(), value.clone());
            ((*key).to_owned(), Source { confidence: *confidence, reference, date, value })
        };
        Profile {
            name: name.to_owned(),
            date: "2026-11".to_owned(),
            about: "A client.".to_owned(),
            sources: values.iter().map(source).collect(),
            ..sample::plain()
        }
    }

    #[test]
    fn what_tells_two_apart_and_nothing_else() {
        use Confidence::{Documented, Modelled, Observed};
        let one = profile("one", &[("cap", json!(7), Observed), ("ids", json!("x"), Modelled)]);
        let other = profile(
            "other-one",
            &[
                ("cap", json!(10), Documented),
                ("ids", json!("x"), Observed),
                ("more", json!(1), Modelled),
            ],
        );
        insta::assert_snapshot!(diff(&one, &other));
        assert_eq!(diff(&one, &one), "2 values are the same\n");
    }

    #[test]
    fn a_value_is_shown_with_where_it_comes_from() {
        let heir = profile("heir", &[("cap", json!(7), Confidence::Observed)]);
        let heir = Profile { inherits: Some("plain".to_owned()), ..heir };
        insta::assert_snapshot!(show(&heir) + &list(std::slice::from_ref(&heir)));
        let read: Value = serde_json::from_str(&json(&heir)).unwrap();
        assert_eq!(read["values"]["cap"]["value"], 7);
        assert_eq!(read["values"]["cap"]["confidence"], "observed");
    }
}
