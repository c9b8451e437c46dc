//! What a threshold says of the windows of faults.

use super::evaluate::{Measured, NeverMeasured, never};
use super::{Harm, Threshold};
use crate::model::damage::{Damage, Recovery};
use crate::model::figure;
use crate::model::histogram::bound::Span;

impl Threshold {
    /// Compares the windows of this fault, or of all, with the limit.
    pub(super) fn harm(
        &self,
        damages: &[Damage],
        harm: Harm,
        fault: Option<&str>,
    ) -> Result<Measured, NeverMeasured> {
        let meant =
            |damage: &&Damage| fault.is_none_or(|name| damage.fault == name || damage.name == name);
        let windows: Vec<_> = damages.iter().filter(meant).collect();
        if windows.is_empty() {
            return Err(never("no fault was in force"));
        }
        let sum = |of: fn(&Damage) -> u64| windows.iter().map(|damage| of(damage)).sum::<u64>();
        match harm {
            Harm::Recovery => self.recovery(&windows),
            Harm::Errors => match sum(|damage| damage.inside.calls) {
                0 => Err(never("no call was due while it was in force")),
                calls => Ok(self.share(sum(|damage| damage.inside.errors), calls)),
            },
            Harm::LostSessions => {
                let lost = sum(|damage| damage.sessions_lost);
                Ok(self.measured(lost as f64, figure::count(lost)))
            }
            Harm::Amplification => {
                let few = "too few calls were due before it, or while it was in force";
                let ratios = windows.iter().map(|damage| damage.amplification);
                let ratios = ratios.collect::<Option<Vec<_>>>().ok_or_else(|| never(few))?;
                let most = ratios.into_iter().fold(0.0, f64::max);
                Ok(self.measured(most, figure::number(most)))
            }
        }
    }

    /// The longest recovery.
    fn recovery(&self, windows: &[&Damage]) -> Result<Measured, NeverMeasured> {
        let mut longest = (0, None);
        for damage in windows {
            let name = &damage.name;
            match damage.recovery {
                Recovery::Recovered { after_us } => {
                    if after_us >= longest.0 && longest.1.is_none() {
                        longest.0 = after_us;
                    }
                }
                Recovery::NotSeen { watched_us } => {
                    longest = (longest.0.max(watched_us), Some(name));
                }
                Recovery::Unwatched if damage.open => {
                    return Err(NeverMeasured(format!("{name} was still in force at the end")));
                }
                Recovery::Unwatched => {
                    let why = format!("too few calls came after {name} to see a recovery");
                    return Err(NeverMeasured(why));
                }
                Recovery::NoBaseline => {
                    let why = format!("too few calls came before {name} to compare with");
                    return Err(NeverMeasured(why));
                }
            }
        }
        let (least, unseen) = longest;
        let Some(name) = unseen else {
            return Ok(self.measured(least as f64, figure::micros(least)));
        };
        let why = format!("after {name} it was not seen");
        Ok(self.bounded(Span { least: least as f64, most: None }, &why))
    }
}

#[cfg(test)]
mod tests {
    use super::super::evaluate::Held;
    use super::*;
    use crate::model::damage::Stretch;
    use crate::model::summary::sample;

    fn window(name: &str, recovery: Recovery, errors: u64) -> Damage {
        let inside = Stretch { calls: 100, errors, ..Stretch::default() };
        let (name, fault) = (format!("{name} #1"), name.to_owned());
        let (sessions_lost, amplification) = (errors / 10, Some(errors as f64));
        Damage { name, fault, inside, sessions_lost, recovery, amplification, ..Damage::default() }
    }

    fn judged(text: &str, damages: &[Damage]) -> Result<(Held, String), String> {
        let threshold: Threshold = text.parse().unwrap();
        let mut summary = sample::empty();
        summary.damages = damages.to_vec();
        let measured = threshold.evaluate(&summary).map_err(|error| error.to_string())?;
        Ok((measured.held, measured.value))
    }

    #[test]
    fn windows_are_held_to_their_limits() {
        let quick = window("slow", Recovery::Recovered { after_us: 2_000_000 }, 10);
        let never = window("gone", Recovery::NotSeen { watched_us: 5_000_000 }, 60);
        let both = [quick.clone(), never];
        let table = [
            ("recovery(window \"slow\") < 3s", Held::Yes, "2s"),
            ("recovery(window \"slow #1\") < 2s", Held::No, "2s"),
            ("recovery < 4s", Held::No, "at least 5s: after gone #1 it was not seen"),
            ("recovery < 9s", Held::Unproven, "after gone #1 it was not seen (at least 5s)"),
            ("errors(window \"slow\") < 20%", Held::Yes, "10% (10 of 100)"),
            ("errors(window \"gone\") <= 20", Held::No, "60% (60 of 100)"),
            ("lost_sessions <= 6", Held::No, "7"),
            ("lost_sessions(window \"slow\") <= 1", Held::Yes, "1"),
            ("amplification < 30", Held::No, "60"),
            ("amplification(window \"slow\") < 30", Held::Yes, "10"),
        ];
        for (text, held, value) in table {
            assert_eq!(judged(text, &both), Ok((held, value.to_owned())), "{text}");
        }
        let unknown = Damage { amplification: None, ..both[0].clone() };
        let said = judged("amplification < 30", &[unknown, both[1].clone()]).unwrap_err();
        assert!(said.contains("too few calls were due before it"), "{said}");
        for (recovery, why) in [
            (Recovery::Unwatched, "too few calls came after slow #1"),
            (Recovery::NoBaseline, "too few calls came before slow #1"),
        ] {
            let said = judged("recovery < 9s", &[window("slow", recovery, 0)]).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        let open = Damage { open: true, ..window("slow", Recovery::Unwatched, 0) };
        let said = judged("recovery < 9s", &[open]).unwrap_err();
        assert!(said.contains("slow #1 was still in force at the end"), "{said}");
        assert!(judged("recovery(window \"other\") < 9s", &[quick]).is_err());
    }
}
