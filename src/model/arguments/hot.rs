//! Identifiers come from a small hot set: some objects of a server are asked for again and again.

use crate::model::chance::Chance;

/// Objects that a property's identifiers name.
const OBJECTS: u64 = 1000;

/// Whether a property of this name names objects of the server: `id`, `page_id`, `userIds`, `uuid`.
pub(super) fn names_objects(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let whole = ["id", "ids", "uuid", "guid", "slug"].contains(&lower.as_str());
    let tails = ["_id", "_ids", "-id", "-ids", "_uuid", "_guid", "_slug", "Id", "Ids", "ID", "IDs"];
    whole || tails.iter().any(|tail| name.ends_with(tail))
}

/// What tells the identifiers of one name from those of another (FNV-1a); the same in every tool,
/// so that what one lists another reads.
pub(super) fn salt(name: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Rank of an object, from 0: Zipf with exponent 1 over [`OBJECTS`].
///
/// Drawn as the whole part of a log-uniform number, k with probability ln(1 + 1/k), and kept with
/// probability ln 2 / (k ln(1 + 1/k)): what is left is proportional to 1/k. Two in three are kept.
pub(super) fn rank(chance: &mut Chance) -> u64 {
    let spread = ((OBJECTS + 1) as f64).ln();
    loop {
        let drawn = (chance.unit() * spread).exp().floor().clamp(1.0, OBJECTS as f64);
        let kept = std::f64::consts::LN_2 / (drawn * (1.0 / drawn).ln_1p());
        if chance.happens(kept) {
            return drawn as u64 - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::chance::{Key, Purpose};
    use super::*;

    #[test]
    fn names_of_objects_are_told() {
        for name in ["id", "page_id", "userIds", "channelID", "UUID", "doc-id", "team_slug"] {
            assert!(names_objects(name), "{name}");
        }
        for name in ["query", "valid", "width", "idea", "grid", "paid", ""] {
            assert!(!names_objects(name), "{name}");
        }
        assert_ne!(salt("page_id"), salt("user_id"));
    }

    #[test]
    fn ranks_follow_zipf() {
        let mut counts = vec![0_u32; OBJECTS as usize];
        let mut chance = Key::of_run(1, 1).draw(Purpose::Arguments);
        let draws = 200_000;
        for _ in 0..draws {
            counts[rank(&mut chance) as usize] += 1;
        }
        let harmonic: f64 = (1..=OBJECTS).map(|rank| 1.0 / rank as f64).sum();
        for rank in [1, 2, 3, 10, 30] {
            let expected = f64::from(draws) / harmonic / f64::from(rank);
            let found = f64::from(counts[rank as usize - 1]);
            assert!((found / expected - 1.0).abs() < 0.15, "{rank}: {found} not {expected}");
        }
        assert!(counts[500..].iter().sum::<u32>() > 10_000);
    }
}
