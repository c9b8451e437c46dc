//! The known word that somebody meant: the nearest by edit distance.

/// The nearest of `words`, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let measured = words.into_iter().map(|known| (distance(word, known), known));
    let best = measured.min_by_key(|(distance, _)| *distance)?;
    (best.0 <= limit).then_some(best.1)
}

/// How many characters must be added, dropped, changed or swapped with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut higher = above.clone();
    for (row, a) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, b) in right.iter().enumerate() {
            let changed = above[column] + usize::from(a != b);
            let mut best = changed.min(above[column + 1] + 1).min(line[column] + 1);
            let swapped = row > 0 && column > 0 && *a == right[column - 1] && left[row - 1] == *b;
            if swapped {
                best = best.min(higher[column - 1] + 1);
            }
            line.push(best);
        }
        higher = std::mem::replace(&mut above, line);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_of_the_finger_are_found_and_other_words_are_not() {
        let table = [
            ("behavior", Some("behaviour")),
            ("sped", Some("speed")),
            ("psede", None),
            ("spede", Some("speed")),
            ("Speed", Some("speed")),
            ("", None),
            ("threads", None),
        ];
        for (word, expected) in table {
            assert_eq!(nearest(word, ["behaviour", "speed", "stages"]), expected, "{word}");
        }
    }
}
