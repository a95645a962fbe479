//! Text to trees, by precedence climbing.
//!
//! ```text
//! mask    = mask OPERATOR mask | ("not" | "!") mask | "(" mask ")" | source
//! source  = WORD | WORD "(" arguments ")" | "[" file "]" | "{" WORD "}"
//! ```
//!
//! From the tightest: `not`, `and`, `or`, `xor`, `minus` (in signs `!` `&` `|` `^` `\`), the order in which Deforum does them; those of
//! one kind from left to right.

use std::ops::Range;
use std::path::Path;

use super::super::PathParam;
use super::super::expr::{Expr, Fault};
use super::tree::{Join, MaskTree};
use super::words::{Lead, Parts, Word, all};
use crate::diag;

type Tree = MaskTree<Expr>;

/// How deeply brackets may nest.
const DEPTH: usize = 64;

/// The operators between masks: how tightly they bind, and how they are written.
const OPERATORS: [(u8, Join, &[&str]); 4] = [
    (1, Join::Minus, &["minus", "\\", "-"]),
    (2, Join::Xor, &["xor", "^"]),
    (3, Join::Or, &["or", "||", "|", "+"]),
    (4, Join::And, &["and", "&&", "&"]),
];
const NOT: [&str; 3] = ["not", "!", "~"];
const TIGHTEST: u8 = 5;

/// Colours by name.
const COLORS: [(&str, u32); 8] = [
    ("black", 0x0000_0000),
    ("white", 0x00ff_ffff),
    ("red", 0x00ff_0000),
    ("green", 0x0000_ff00),
    ("blue", 0x0000_00ff),
    ("yellow", 0x00ff_ff00),
    ("cyan", 0x0000_ffff),
    ("magenta", 0x00ff_00ff),
];

/// Reads `text`, in which relative paths start from `base`.
///
/// # Errors
/// The first thing that is wrong, and where in `text`.
pub fn parse(text: &str, base: &Path) -> Result<Tree, Fault> {
    let mut parser = Parser { text, at: 0, depth: 0, base };
    let tree = parser.mask(0)?;
    match parser.next_char() {
        None => Ok(tree),
        Some(')') => Err(parser.here("this bracket was never opened", "nothing to close")),
        Some(_) => Err(parser.here("an operator is missing", "expected before this").help("write `and`, `or`, `xor` or `minus`")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    base: &'a Path,
}

impl<'a> Parser<'a> {
    /// The next character that is no space; it stays.
    fn next_char(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    /// The name that comes next, or nothing.
    fn name(&mut self) -> &'a str {
        self.next_char();
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if rest.starts_with(|c: char| c.is_ascii_digit()) { "" } else { &rest[..end] }
    }

    /// Takes one of `spellings` if it comes next.
    fn takes(&mut self, spellings: &[&str]) -> bool {
        let name = self.name();
        let rest = &self.text[self.at..];
        let is_next = |sign: &&&str| if sign.starts_with(|c: char| c.is_alphabetic()) { **sign == name } else { rest.starts_with(**sign) };
        let found = spellings.iter().find(is_next);
        self.at += found.map_or(0, |sign| sign.len());
        found.is_some()
    }

    /// A fault about the word or character that comes next.
    fn here(&mut self, message: impl Into<String>, label: &str) -> Fault {
        let length = match self.next_char() {
            None => 1,
            Some(first) => self.name().len().max(first.len_utf8()),
        };
        Fault::new(self.at..self.at + length, message, label)
    }

    fn expect(&mut self, sign: &str, message: &str, opened: usize) -> Result<(), Fault> {
        if self.takes(&[sign]) {
            return Ok(());
        }
        if self.next_char().is_none() {
            return Err(Fault::new(opened..opened + 1, "this bracket is never closed", "opened here").help(format!("add `{sign}`")));
        }
        Err(self.here(message, "not expected here"))
    }

    /// A mask whose operators all bind tighter than `floor`.
    fn mask(&mut self, floor: u8) -> Result<Tree, Fault> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.here("the expression nests too deeply", "too many brackets around this"));
        }
        let mut left = self.operand()?;
        'more: loop {
            for (power, join, spellings) in OPERATORS {
                if power > floor && self.takes(spellings) {
                    let right = self.mask(power)?;
                    left = MaskTree::Join(join, Box::new([left, right]));
                    continue 'more;
                }
            }
            break;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Tree, Fault> {
        if self.takes(&NOT) {
            return Ok(MaskTree::Not(Box::new(self.mask(TIGHTEST)?)));
        }
        let start = {
            self.next_char();
            self.at
        };
        match self.next_char() {
            Some('(') => {
                self.at += 1;
                let inner = self.mask(0)?;
                self.expect(")", "an operator or `)` is missing", start)?;
                Ok(inner)
            }
            Some('[') => {
                let path = self.enclosed('[', ']')?;
                Ok(MaskTree::File(self.path(path)?))
            }
            Some('{') => {
                let inside = self.enclosed('{', '}')?;
                braced(self.text, inside)
            }
            Some('<') => Err(self
                .here("masks by description are not known here", "a description")
                .help("link a mask from a segmentation model to `a` and write `a`, or write `model(\"FILE.onnx\")`")),
            Some(_) => self.word(),
            None => Err(self.here("the expression ends too soon", "a mask belongs here")),
        }
    }

    /// A word, with its arguments if it has brackets.
    fn word(&mut self) -> Result<Tree, Fault> {
        let name = self.name();
        let place = self.at..self.at + name.len();
        if name.is_empty() || OPERATORS.iter().any(|(.., spellings)| spellings.contains(&name)) {
            return Err(self.here("a mask is missing", "expected before this").help("write a source such as `luma`, `a` or `[mask.png]`"));
        }
        let Some(word) = Word::find(name) else { return Err(unknown(name, place)) };
        self.at = place.end;
        let parts = if self.next_char() == Some('(') { self.arguments(word)? } else { bare(word, place.clone())? };
        word.make(parts).ok_or_else(|| Fault::new(place, format!("`{name}` cannot be used so"), "write it as").help(usage(word)))
    }

    /// What stands between the brackets that open here.
    fn arguments(&mut self, word: &Word) -> Result<Parts, Fault> {
        let opened = self.at;
        self.at += 1;
        let mut parts = Parts { given: self.next_char() != Some(')'), ..Parts::default() };
        let mut first = true;
        match word.lead {
            Lead::None => {}
            Lead::Masks(count) => {
                for index in 0..count {
                    if index > 0 {
                        self.expect(",", &format!("`{}` takes {count} masks", word.name), opened)?;
                    }
                    parts.masks.push(self.mask(0)?);
                }
                first = false;
            }
            Lead::Path => {
                let inside = match self.next_char() {
                    Some(quote @ ('"' | '\'')) => self.enclosed(quote, quote)?,
                    _ => self.argument(),
                };
                parts.path = Some(self.path(inside)?);
                first = false;
            }
            Lead::Color => {
                let inside = self.argument();
                parts.color = Some(color(self.text[inside.clone()].trim(), inside)?);
                first = false;
            }
        }
        parts.numbers = self.numbers(word, opened, first)?;
        Ok(parts)
    }

    /// The numbers up to the closing bracket, in the order of the declaration. `first`: nothing stands before them.
    fn numbers(&mut self, word: &Word, opened: usize, mut first: bool) -> Result<Vec<Expr>, Fault> {
        let mut given: Vec<Option<Expr>> = vec![None; word.numbers.len()];
        let mut next = 0;
        while !self.takes(&[")"]) {
            if !std::mem::take(&mut first) {
                self.expect(",", "a comma or `)` is missing", opened)?;
            }
            let place = self.argument();
            let (index, value) = self.named(word, place.clone(), next)?;
            let Some(slot) = given.get_mut(index) else {
                return Err(Fault::new(place, format!("`{}` takes fewer numbers", word.name), "one too many").help(usage(word)));
            };
            *slot = Some(Expr::parse(&self.text[value.clone()]).map_err(|fault| fault.shifted(value.start))?);
            next = index + 1;
        }
        filled(word, given, opened..self.at)
    }

    /// Which number stands at `place`, `level` or `soft = level`, and where its value is.
    fn named(&self, word: &Word, place: Range<usize>, next: usize) -> Result<(usize, Range<usize>), Fault> {
        let text = &self.text[place.clone()];
        let Some((name, value)) = text.split_once('=').filter(|(_, value)| !value.starts_with('=')) else { return Ok((next, place)) };
        if !name.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Ok((next, place));
        }
        let index = word.numbers.iter().position(|(known, _)| *known == name.trim());
        let names = word.numbers.iter().map(|(name, _)| *name);
        let fault = || {
            let fault = Fault::new(
                place.start..place.start + name.trim_end().len(),
                format!("`{}` has no `{}`", word.name, name.trim()),
                "not known",
            );
            let near = diag::nearest(name.trim(), names);
            fault.help(near.map_or_else(|| usage(word), |near| format!("write `{near} = …`")))
        };
        index.map(|index| (index, place.end - value.len()..place.end)).ok_or_else(fault)
    }

    /// The bytes up to the comma or bracket that ends an argument; they are taken.
    fn argument(&mut self) -> Range<usize> {
        self.next_char();
        let (start, mut depth) = (self.at, 0usize);
        let rest = &self.text[start..];
        let ends = |c: char| {
            let ends = depth == 0 && (c == ',' || c == ')');
            depth = if c == '(' { depth + 1 } else { depth.saturating_sub(usize::from(c == ')')) };
            ends
        };
        let end = start + rest.find(ends).unwrap_or(rest.len());
        self.at = end;
        start..start + self.text[start..end].trim_end().len()
    }

    /// The bytes between `open`, which comes next, and `close`; they are taken.
    fn enclosed(&mut self, open: char, close: char) -> Result<Range<usize>, Fault> {
        let start = self.at + open.len_utf8();
        let Some(length) = self.text[start..].find(close) else {
            return Err(Fault::new(self.at..start, format!("this `{open}` is never closed"), "opened here").help(format!("add `{close}`")));
        };
        self.at = start + length + close.len_utf8();
        Ok(start..start + length)
    }

    fn path(&self, inside: Range<usize>) -> Result<PathParam, Fault> {
        let text = self.text[inside.clone()].trim().trim_matches(['"', '\'']);
        if text.is_empty() {
            let around = inside.start.saturating_sub(1)..inside.end + 1;
            return Err(Fault::new(around, "the path is empty", "no file is named here"));
        }
        Ok(PathParam::new(text, self.base))
    }
}

/// A word without brackets.
fn bare(word: &Word, place: Range<usize>) -> Result<Parts, Fault> {
    if !word.bare {
        return Err(Fault::new(place, format!("`{}` needs to know more", word.name), "brackets are missing").help(usage(word)));
    }
    Ok(Parts { numbers: filled(word, vec![None; word.numbers.len()], place)?, ..Parts::default() })
}

/// `given` with what is usual where nothing was written.
fn filled(word: &Word, given: Vec<Option<Expr>>, place: Range<usize>) -> Result<Vec<Expr>, Fault> {
    let number = |(given, (name, usual)): (Option<Expr>, &(&str, Option<f64>))| {
        given
            .or_else(|| usual.map(Expr::constant))
            .ok_or_else(|| Fault::new(place.clone(), format!("`{}` needs `{name}`", word.name), "not given").help(usage(word)))
    };
    given.into_iter().zip(word.numbers).map(number).collect()
}

/// Deforum's names in braces: `{everywhere}`, `{video_mask}`, and any word of ours that stands alone.
fn braced(text: &str, inside: Range<usize>) -> Result<Tree, Fault> {
    let name = text[inside.clone()].trim();
    let name = match name {
        "video_mask" => "video",
        // A1111's name for the mask painted in its init tab.
        "init_mask" => "a",
        other => other,
    };
    let Some(word) = Word::find(name).filter(|word| word.bare) else { return Err(unknown(name, inside)) };
    let place = inside.clone();
    word.make(bare(word, inside)?).ok_or_else(|| unknown(name, place))
}

fn unknown(name: &str, place: Range<usize>) -> Fault {
    let fault = Fault::new(place, format!("there is no mask `{name}`"), "not known");
    let deforum = ["video_mask", "init_mask"];
    let words = all().map(|word| word.name).chain(deforum);
    match diag::nearest(name, words) {
        Some(near) if deforum.contains(&near) => fault.help(format!("write `{{{near}}}`")),
        Some(near) => fault.help(format!("write `{near}`")),
        None => fault.help("link a mask to `a` and write `a`, or name a file: `[mask.png]`"),
    }
}

fn usage(word: &Word) -> String {
    format!("write `{}`", word.signature())
}

/// `#rgb`, `#rrggbb`, or a name.
fn color(text: &str, place: Range<usize>) -> Result<[f32; 3], Fault> {
    let hex = text.strip_prefix('#').unwrap_or(text);
    let number = || u32::from_str_radix(hex, 16).ok();
    let named = COLORS.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    let number = match (named, hex.len()) {
        (Some(number), _) => Some(number),
        (None, 6) => number(),
        (None, 3) => number().map(|n| [n >> 8, n >> 4 & 15, n & 15].iter().fold(0, |sum, digit| (sum << 8) | (digit * 17))),
        _ => None,
    };
    let wrong = || Fault::new(place, format!("`{text}` is not a colour"), "not a colour").help("write `#00ff00` or `green`");
    number.map(|n| [n >> 16, n >> 8 & 255, n & 255].map(|part| part as f32 / 255.0)).ok_or_else(wrong)
}
