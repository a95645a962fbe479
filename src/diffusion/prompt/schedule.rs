//! Prompts that change from step to step: `[from:to:when]` and `[one|other]`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fancy_regex::Regex;

/// Brackets within brackets that are still read; what lies deeper is text.
const DEEPEST: usize = 64;

#[expect(clippy::expect_used, reason = "the pattern is a constant and a test compiles it")]
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*$").expect("a valid pattern"));

/// A text and how long it is in effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stage {
    /// The last evaluation, counted from 0, for which it is in effect. A change at 10 thus shows at the twelfth, as in A1111.
    pub until: usize,
    /// The text.
    pub text: String,
}

/// What the number of `[from:to:when]` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum When {
    /// With a point in it a share of all steps, without one a step.
    #[default]
    Written,
    /// Below 1 a share of all steps, else a step: A1111 before version 1.6.
    Small,
}

impl When {
    /// The step that `number` names, of `steps`.
    fn step(self, number: &str, steps: usize) -> usize {
        let value: f64 = number.parse().unwrap_or(0.0);
        let share = match self {
            Self::Written => number.contains('.'),
            Self::Small => value < 1.0,
        };
        // Casting cuts, and holds what is out of range to its end.
        ((if share { value * steps as f64 } else { value }) as usize).min(steps)
    }
}

/// The stages of `text` over `steps` evaluations of the network, at least one, the last until `steps`: A1111's rules.
///
/// `[from:to:when]` is `from` up to step `when` and then `to`; `[to:when]` adds, `[from::when]` takes away; `[a|b|c]` changes with
/// every step. They may stand in each other and in round brackets. Brackets that are none of these are left as they are, for the
/// emphasis; and a text with a `|` that is in no such brackets, or with a backslash at its end, is left alone altogether.
#[must_use]
pub fn schedule(text: &str, steps: usize, when: When) -> Vec<Stage> {
    let Some(nodes) = Reader { when, steps, done: Vec::new(), open: Vec::new() }.read(text) else {
        return vec![Stage { until: steps, text: text.to_owned() }];
    };
    let mut ends = BTreeSet::from([steps]);
    collect(&nodes, steps, &mut ends);
    let stage = |until| {
        let mut text = String::new();
        write(&nodes, until, &mut text);
        Stage { until, text }
    };
    ends.into_iter().map(stage).collect()
}

/// The stage of `stages` that is in effect at the evaluation `at`, counted from 0. Past the end it is the first, as in A1111.
#[must_use]
pub fn in_effect(stages: impl IntoIterator<Item = usize>, at: usize) -> usize {
    stages.into_iter().position(|until| at <= until).unwrap_or(0)
}

/// A part of a text.
enum Node {
    Text(String),
    /// `before` up to `when`, then `after`.
    Change {
        before: Vec<Node>,
        after: Vec<Node>,
        when: usize,
    },
    /// One each step, in turn.
    Turns(Vec<Vec<Node>>),
}

fn collect(nodes: &[Node], steps: usize, ends: &mut BTreeSet<usize>) {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Change { before, after, when } => {
                ends.extend(Some(*when).filter(|when| *when >= 1));
                collect(before, steps, ends);
                collect(after, steps, ends);
            }
            Node::Turns(all) => {
                ends.extend(1..=steps);
                for nodes in all {
                    collect(nodes, steps, ends);
                }
            }
        }
    }
}

/// Appends what `nodes` are at `step`, counted from 1.
fn write(nodes: &[Node], step: usize, out: &mut String) {
    for node in nodes {
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Change { before, after, when } => write(if step <= *when { before } else { after }, step, out),
            Node::Turns(all) => write(&all[step.saturating_sub(1) % all.len()], step, out),
        }
    }
}

/// Brackets that wait for their end: what stands between their separators so far.
struct Open {
    round: bool,
    slots: Vec<Vec<Node>>,
    separators: Vec<char>,
}

impl Open {
    fn sign(&self) -> &'static str {
        if self.round { "(" } else { "[" }
    }

    /// Back to signs and what stands between them; nothing if a `|` is among them, which cannot be text.
    fn loose(self) -> Option<Vec<Node>> {
        let mut out = vec![Node::Text(self.sign().to_owned())];
        let mut separators = self.separators.into_iter();
        for (index, slot) in self.slots.into_iter().enumerate() {
            if index > 0 {
                out.push(Node::Text(separators.next().filter(|sign| *sign != '|')?.to_string()));
            }
            out.extend(slot);
        }
        Some(out)
    }
}

/// A text that is a number and nothing else.
fn number(slot: &[Node]) -> Option<String> {
    let mut text = String::new();
    for node in slot {
        let Node::Text(part) = node else { return None };
        text.push_str(part);
    }
    NUMBER.captures(&text).ok()??.get(1).map(|found| found.as_str().to_owned())
}

/// Goes through a text once, with a stack of open brackets. A sign that fits nowhere makes text of itself and of all brackets that
/// are open then: only outside of brackets may such signs stand.
struct Reader {
    when: When,
    steps: usize,
    done: Vec<Node>,
    open: Vec<Open>,
}

impl Reader {
    /// The parts of `text`, or nothing if it cannot be read.
    fn read(mut self, text: &str) -> Option<Vec<Node>> {
        let mut signs = text.chars();
        while let Some(sign) = signs.next() {
            match sign {
                '(' | '[' if self.open.len() < DEEPEST => {
                    self.open.push(Open { round: sign == '(', slots: vec![Vec::new()], separators: Vec::new() });
                }
                ')' | ']' => self.close(sign)?,
                '(' | '[' => self.stray(sign)?,
                ':' | '|' => self.separate(sign)?,
                '\\' => {
                    let escaped = signs.next().filter(|sign| *sign != '\n')?;
                    self.push_sign('\\');
                    self.push_sign(escaped);
                }
                sign => self.push_sign(sign),
            }
        }
        self.loosen()?;
        Some(self.done)
    }

    fn top(&mut self) -> &mut Vec<Node> {
        self.open.last_mut().and_then(|open| open.slots.last_mut()).unwrap_or(&mut self.done)
    }

    fn push_sign(&mut self, sign: char) {
        match self.top().last_mut() {
            Some(Node::Text(text)) => text.push(sign),
            _ => self.top().push(Node::Text(sign.to_string())),
        }
    }

    /// Makes text of all open brackets.
    fn loosen(&mut self) -> Option<()> {
        for open in std::mem::take(&mut self.open) {
            self.done.extend(open.loose()?);
        }
        Some(())
    }

    fn stray(&mut self, sign: char) -> Option<()> {
        self.loosen()?;
        self.push_sign(sign);
        (sign != '|').then_some(())
    }

    fn separate(&mut self, sign: char) -> Option<()> {
        let fits = |open: &Open| match (open.round, sign) {
            (true, ':') => open.separators.is_empty(),
            (true, _) => false,
            (false, sign) => open.separators.iter().all(|other| *other == sign) && (sign == '|' || open.separators.len() < 2),
        };
        match self.open.last_mut().filter(|open| fits(open)) {
            Some(open) => {
                open.separators.push(sign);
                open.slots.push(Vec::new());
                Some(())
            }
            None => self.stray(sign),
        }
    }

    fn close(&mut self, sign: char) -> Option<()> {
        let Some(open) = self.open.pop_if(|open| open.round == (sign == ')')) else { return self.stray(sign) };
        match self.closed(open) {
            Ok(nodes) => {
                self.top().extend(nodes);
                Some(())
            }
            Err(open) => {
                self.open.push(open);
                self.stray(sign)
            }
        }
    }

    /// What whole brackets mean; they come back if they mean nothing.
    fn closed(&self, mut open: Open) -> Result<Vec<Node>, Open> {
        match (open.round, open.separators.first()) {
            (true, _) | (false, None) => {
                let end = if open.round { ")" } else { "]" };
                match open.loose() {
                    Some(mut nodes) => {
                        nodes.push(Node::Text(end.to_owned()));
                        Ok(nodes)
                    }
                    None => Ok(Vec::new()),
                }
            }
            (false, Some('|')) => Ok(vec![Node::Turns(open.slots)]),
            (false, Some(_)) => {
                let Some(when) = open.slots.last().and_then(|slot| number(slot)) else { return Err(open) };
                open.slots.pop();
                let after = open.slots.pop().unwrap_or_default();
                let before = open.slots.pop().unwrap_or_default();
                Ok(vec![Node::Change { before, after, when: self.when.step(&when, self.steps) }])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(usize, String)> {
        schedule(text, 10, When::Written).into_iter().map(|stage| (stage.until, stage.text)).collect()
    }

    fn stages(expected: &[(usize, &str)]) -> Vec<(usize, String)> {
        expected.iter().map(|(until, text)| (*until, (*text).to_owned())).collect()
    }

    #[test]
    fn changes_nest() {
        assert_eq!(read("a[b:[c:d:2]:1]e"), stages(&[(1, "abe"), (2, "ace"), (10, "ade")]));
        assert_eq!(read("[[a|b]:c:3]")[..4], stages(&[(1, "a"), (2, "b"), (3, "a"), (4, "c")])[..]);
        assert_eq!(read("[a|(b:1.1)]")[..2], stages(&[(1, "a"), (2, "(b:1.1)")])[..]);
    }

    #[test]
    fn what_is_no_change_is_text() {
        for text in ["a [unbalanced", "(a:b:3)", "[a:b]", "[a:b:c:5]", "a | b", "[a:b:2] \\", "[a|b:0.5]", "(a|b)", "[(a|b):c:3]", "[]"] {
            assert_eq!(read(text), stages(&[(10, text)]));
        }
        assert_eq!(read("((a][:b:c [d:3]"), stages(&[(3, "((a][:b:c "), (10, "((a][:b:c d")]));
        assert_eq!(read("[x:[a:b:0.5]:c:5]"), stages(&[(5, "[x:a:c:5]"), (10, "[x:b:c:5]")]));
    }

    #[test]
    fn depth_and_size_do_no_harm() {
        let deep = "[".repeat(50_000) + "a" + &"|b]".repeat(50_000);
        assert!(!schedule(&deep, 20, When::Written).is_empty());
        assert_eq!(read("[a:b:1e99]"), stages(&[(10, "a")]));
        assert_eq!(read("[a:b:-3]"), stages(&[(10, "b")]));
    }

    #[test]
    fn the_stage_in_effect_changes_after_its_end() {
        assert_eq!([0, 3, 4, 10, 11].map(|at| in_effect([3, 10], at)), [0, 0, 1, 1, 0]);
    }
}
