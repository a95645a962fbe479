//! Several prompts at once: `a cat AND a dog :0.7`.

use std::sync::LazyLock;

use fancy_regex::Regex;

#[expect(clippy::expect_used, reason = "the pattern is a constant and a test compiles it")]
static AND: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bAND\b").expect("a valid pattern"));
#[expect(clippy::expect_used, reason = "the pattern is a constant and a test compiles it")]
static WEIGHT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)^(.*?)(?:\s*:\s*([-+]?(?:[0-9]+\.?|[0-9]*\.[0-9]+)))?\s*$").expect("a valid pattern"));

/// One of the prompts that pull at the same time.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its text.
    pub text: String,
    /// How strongly it pulls; less than 0 pushes away.
    pub weight: f64,
}

/// The parts of `text` between the words `AND`, at least one. Each may end in `: weight`; without one it is 1.
#[must_use]
pub fn parts(text: &str) -> Vec<Part> {
    let mut start = 0;
    let mut out = Vec::new();
    for found in AND.find_iter(text).filter_map(Result::ok) {
        out.push(part(&text[start..found.start()]));
        start = found.end();
    }
    out.push(part(&text[start..]));
    out
}

fn part(text: &str) -> Part {
    let found = WEIGHT.captures(text).ok().flatten();
    let group = |index| found.as_ref().and_then(|found| found.get(index)).map(|group| group.as_str());
    let weight = group(2).and_then(|number| number.parse().ok()).unwrap_or(1.0);
    Part { text: group(1).unwrap_or(text).to_owned(), weight }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_weights() {
        let read = |text: &str| parts(text).into_iter().map(|part| (part.text, part.weight)).collect::<Vec<_>>();
        assert_eq!(read("a :1.2 AND b: -.5\nAND"), [("a".into(), 1.2), (" b".into(), -0.5), (String::new(), 1.0)]);
        assert_eq!(read("BRAND and ANDROID"), [("BRAND and ANDROID".to_owned(), 1.0)]);
    }
}
