//! The question a scenario asks, in its own words: the comment it begins with.

use crate::render::visible;

/// A question is cut to so many characters.
const LONGEST: usize = 300;

/// What stands after `# Question:` in a scenario's first lines, up to the end of that paragraph.
pub(super) fn of(scenario: &str) -> Option<String> {
    let mut comment = scenario.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    let first = comment.next()?.strip_prefix("Question:")?.trim();
    let more = comment.take_while(|line| !line.is_empty());
    let question = std::iter::once(first).chain(more).collect::<Vec<_>>().join(" ");
    let end = question.char_indices().nth(LONGEST).map_or(question.len(), |(end, _)| end);
    (!first.is_empty()).then(|| visible::line(&question[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_first_comment_that_asks_is_a_question() {
        let table = [
            ("# Question: does it\n# hold?\n#\n# More.\nname = \"a\"\n", Some("does it hold?")),
            ("# Question: is it quick?\nname = \"a\"\n# Question: no\n", Some("is it quick?")),
            ("# A storm.\n# Question: no\n", None),
            ("name = \"a\"\n# Question: no\n", None),
            ("# Question:\n#\n", None),
            ("", None),
        ];
        for (scenario, question) in table {
            assert_eq!(of(scenario).as_deref(), question, "{scenario}");
        }
        let long = of(&format!("# Question: {}", "é".repeat(LONGEST + 1)));
        assert_eq!(long.map(|question| question.chars().count()), Some(LONGEST));
    }
}
