//! Tokens to steps, by precedence climbing with Python's precedences (which are numexpr's).

use std::ops::Range;

use super::Fault;
use super::call::{self, Given};
use super::functions;
use super::lexer::{Token, tokens};
use super::numexpr;
use super::ops::{Bin, Env, Op, STACK, Var};
use crate::param::Moment;

/// How deeply brackets and signs may nest; far beyond what anyone writes, and far from the end of the program's stack.
const DEPTH: usize = 100;

/// What kind of value a part yields, as far as it decides what an operator means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A condition.
    Truth,
    /// A whole number.
    Whole,
    /// Any other number.
    Real,
}

/// Names of the run's values. `f` is `t` as Parseq spells it, `i` as Deforum's own code does.
const VARS: [(&str, Var); 13] = [
    ("t", Var::Frame),
    ("f", Var::Frame),
    ("i", Var::Frame),
    ("max_f", Var::Last),
    ("s", Var::Seed),
    ("fps", Var::Fps),
    ("w", Var::Width),
    ("h", Var::Height),
    ("seconds", Var::Seconds),
    ("beat", Var::Beat),
    ("bpm", Var::Bpm),
    ("active_keyframe", Var::Key),
    ("next_keyframe", Var::NextKey),
];

const CONSTANTS: [(&str, f64); 7] = [
    ("pi", std::f64::consts::PI),
    ("tau", std::f64::consts::TAU),
    ("e", std::f64::consts::E),
    ("true", 1.0),
    ("false", 0.0),
    ("True", 1.0),
    ("False", 0.0),
];

/// How tightly an operator binds, and which it is. Comparisons are at [`COMPARE`] and do not chain.
fn infix(token: Token<'_>) -> Option<(u8, &'static str)> {
    let sign = match token {
        Token::Sign(sign) => sign,
        Token::Name("if") => "if",
        Token::Name("or") => "or",
        Token::Name("and") => "and",
        _ => return None,
    };
    let power = match sign {
        "if" => 1,
        "or" | "||" => 2,
        "and" | "&&" => 3,
        "<" | "<=" | ">" | ">=" | "==" | "!=" | "<>" => COMPARE,
        "|" => 6,
        "^" => 7,
        "&" => 8,
        "<<" | ">>" => 9,
        "+" | "-" => 10,
        "*" | "/" | "//" | "%" => 11,
        "**" => 13,
        _ => return None,
    };
    Some((power, sign))
}

const NOT: u8 = 4;
const COMPARE: u8 = 5;
const SIGNED: u8 = 12;

/// The steps of an expression and the streams it names.
pub struct Parsed {
    /// In the order to run.
    pub ops: Vec<Op>,
    /// By the index that [`Op::Stream`] holds.
    pub streams: Vec<String>,
    /// Whether the value is a whole number by its making.
    pub whole: bool,
}

/// Reads `text`; with `strict`, only what numexpr 2.10 takes with one variable of whole numbers, in its own words.
///
/// # Errors
/// The first thing that is wrong, and where.
pub fn parse(text: &str, strict: bool) -> Result<Parsed, Fault> {
    let tokens = tokens(text)?;
    if tokens.len() == 1 {
        return Err(Fault::new(0..text.len().max(1), "the expression is empty", "a number or an expression belongs here"));
    }
    let mut parser = Parser { tokens, next: 0, depth: 0, ops: Vec::new(), streams: Vec::new(), strict };
    let kind = parser.expression(0)?;
    let (token, at) = parser.peek();
    match token {
        Token::End => {}
        Token::Sign(")") => return Err(Fault::new(at, "this bracket was never opened", "nothing to close")),
        Token::Sign(",") => return Err(Fault::new(at, "a comma outside a function's brackets", "not expected here")),
        Token::Sign("=") => return Err(Fault::new(at, "`=` is no comparison", "not expected here").help("write `==`")),
        _ => return Err(parser.unexpected("an operator is missing before this").help("write `*` for a product")),
    }
    if deepest(&parser.ops) > STACK {
        return Err(Fault::new(0..text.len(), "the expression nests too deeply", "too many values are held at once"));
    }
    Ok(Parsed { ops: parser.ops, streams: parser.streams, whole: kind != Kind::Real })
}

/// The most numbers that `ops` hold at once.
fn deepest(ops: &[Op]) -> usize {
    let mut depth = 0;
    let grow = |op: &Op| {
        depth = depth + 1 - op.takes();
        depth
    };
    ops.iter().map(grow).max().unwrap_or(0)
}

struct Parser<'a> {
    tokens: Vec<(Token<'a>, Range<usize>)>,
    next: usize,
    depth: usize,
    ops: Vec<Op>,
    streams: Vec<String>,
    strict: bool,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> (Token<'a>, Range<usize>) {
        self.tokens[self.next.min(self.tokens.len() - 1)].clone()
    }

    fn take(&mut self) -> (Token<'a>, Range<usize>) {
        let token = self.peek();
        self.next += 1;
        token
    }

    /// Takes `sign` if it is next.
    fn takes(&mut self, sign: &str) -> bool {
        let there = matches!(self.peek().0, Token::Sign(found) if found == sign);
        self.next += usize::from(there);
        there
    }

    fn unexpected(&self, label: &str) -> Fault {
        let (token, at) = self.peek();
        match token {
            Token::End => Fault::new(at, "the expression ends too soon", label),
            Token::Sign(sign) => Fault::new(at, format!("unexpected `{sign}`"), label),
            Token::Name(name) => Fault::new(at, format!("unexpected `{name}`"), label),
            _ => Fault::new(at, "unexpected number", label),
        }
    }

    /// Adds a step, doing it at once if everything it takes is known.
    fn emit(&mut self, op: Op) {
        let from = self.ops.len() - op.takes();
        let known = |op: &Op| if let Op::Const(value) = op { Some(*value) } else { None };
        match self.ops[from..].iter().map(known).collect::<Option<Vec<_>>>() {
            Some(taken) if op.is_pure() => {
                let value = op.apply(&taken, &Env::new(&Moment::default()), &[]);
                self.ops.truncate(from);
                self.ops.push(Op::Const(value));
            }
            _ => self.ops.push(op),
        }
    }

    /// An expression whose operators all bind tighter than `floor`.
    fn expression(&mut self, floor: u8) -> Result<Kind, Fault> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Fault::new(self.peek().1, "the expression nests too deeply", "too many brackets"));
        }
        let mut kind = self.prefix()?;
        while let Some((power, sign)) = infix(self.peek().0) {
            if power <= floor {
                break;
            }
            let at = self.take().1;
            kind = self.infix(kind, power, sign, at)?;
        }
        self.depth -= 1;
        Ok(kind)
    }

    /// What follows a left side and the operator `sign`.
    fn infix(&mut self, left: Kind, power: u8, sign: &'static str, at: Range<usize>) -> Result<Kind, Fault> {
        match sign {
            "^" => return Err(Fault::new(at, "`^` is not a power here", "not an operator").help("write `**`")),
            "&&" => return Err(Fault::new(at, "`&&` is not an operator", "not an operator").help("write `and`")),
            "||" => return Err(Fault::new(at, "`||` is not an operator", "not an operator").help("write `or`")),
            _ => {}
        }
        if self.strict {
            numexpr::word(sign, &at)?;
        }
        if sign == "if" {
            return self.pick(left);
        }
        // A power binds to the right, and more loosely on its right than a sign: 2**-1.
        let right = self.expression(if sign == "**" { SIGNED - 1 } else { power })?;
        if power == COMPARE && infix(self.peek().0).is_some_and(|(power, _)| power == COMPARE) {
            return Err(Fault::new(self.peek().1, "comparisons do not chain", "a second comparison")
                .help("write each in its own brackets: `(0 < t) and (t < 5)`"));
        }
        if self.strict {
            numexpr::kinds(sign, left, right, &self.ops, &at)?;
        }
        let (op, kind) = joined(sign, left, right, at)?;
        self.emit(Op::Bin(op));
        Ok(kind)
    }

    /// The rest of `a if c else b`.
    fn pick(&mut self, left: Kind) -> Result<Kind, Fault> {
        self.expression(1)?;
        self.otherwise(left)
    }

    /// `else b`.
    fn otherwise(&mut self, left: Kind) -> Result<Kind, Fault> {
        if !matches!(self.peek().0, Token::Name("else")) {
            return Err(self.unexpected("`else` is missing before this").help("write `a if condition else b`"));
        }
        self.take();
        let right = self.expression(0)?;
        self.emit(Op::Pick);
        Ok(if left == right { left } else { Kind::Real })
    }

    /// A value, with the signs before it.
    fn prefix(&mut self) -> Result<Kind, Fault> {
        let (token, at) = self.take();
        if self.strict {
            numexpr::start(token, matches!(self.peek().0, Token::Sign("(")), &at)?;
        }
        match token {
            Token::Number(value, whole) => {
                self.emit(Op::Const(value));
                Ok(if whole { Kind::Whole } else { Kind::Real })
            }
            Token::Seconds(seconds) => Ok(self.real(Op::Seconds(seconds))),
            Token::Beats(beats) => Ok(self.real(Op::Beats(beats))),
            Token::Sign("(") => self.bracketed(at),
            Token::Sign("+") => self.expression(SIGNED),
            Token::Sign("-") => {
                let kind = self.expression(SIGNED)?;
                if self.strict {
                    numexpr::sign("-", kind, &at)?;
                }
                self.emit(Op::Neg);
                Ok(if kind == Kind::Truth { Kind::Whole } else { kind })
            }
            Token::Sign("~") => self.flipped(at),
            Token::Sign("!") => Err(Fault::new(at, "`!` is not an operator", "not an operator").help("write `not`")),
            Token::Name("not") => {
                self.expression(NOT)?;
                self.emit(Op::Not);
                Ok(Kind::Truth)
            }
            Token::Name(name) if self.takes("(") => self.call(name, at),
            Token::Name(name) => self.name(name, at),
            _ => {
                self.next -= 1;
                Err(self.unexpected("a value belongs here"))
            }
        }
    }

    fn real(&mut self, op: Op) -> Kind {
        self.emit(op);
        Kind::Real
    }

    fn bracketed(&mut self, open: Range<usize>) -> Result<Kind, Fault> {
        let kind = self.expression(0)?;
        if self.takes(")") { Ok(kind) } else { Err(self.unclosed(open)) }
    }

    fn unclosed(&self, open: Range<usize>) -> Fault {
        match self.peek().0 {
            Token::End => Fault::new(open, "this bracket is never closed", "opened here").help("write `)` at its end"),
            Token::Sign(",") => Fault::new(self.peek().1, "a comma outside a function's brackets", "not expected here"),
            _ => self.unexpected("an operator or `)` is missing before this"),
        }
    }

    /// `~x`: not, for a condition; all bits flipped, for a whole number.
    fn flipped(&mut self, at: Range<usize>) -> Result<Kind, Fault> {
        let kind = self.expression(SIGNED)?;
        if self.strict {
            numexpr::sign("~", kind, &at)?;
        }
        match kind {
            Kind::Truth => self.emit(Op::Not),
            Kind::Whole => self.emit(Op::BitNot),
            Kind::Real => return Err(only_conditions("~", at)),
        }
        Ok(kind)
    }

    fn name(&mut self, name: &str, at: Range<usize>) -> Result<Kind, Fault> {
        if let Some((_, var)) = VARS.iter().find(|(known, _)| *known == name) {
            let whole = matches!(var, Var::Frame | Var::Last | Var::Seed | Var::Width | Var::Height);
            self.emit(Op::Var(*var));
            return Ok(if whole { Kind::Whole } else { Kind::Real });
        }
        if let Some((_, value)) = CONSTANTS.iter().find(|(known, _)| *known == name) {
            self.emit(Op::Const(*value));
            return Ok(if name.eq_ignore_ascii_case("true") || name.eq_ignore_ascii_case("false") { Kind::Truth } else { Kind::Real });
        }
        if name.contains('.') {
            let index = self.streams.iter().position(|known| known == name).unwrap_or_else(|| {
                self.streams.push(name.to_owned());
                self.streams.len() - 1
            });
            return Ok(self.real(Op::Stream(index as u16)));
        }
        Err(unknown(name, at))
    }

    /// The arguments of `name` and the call itself; the bracket is open.
    fn call(&mut self, name: &str, at: Range<usize>) -> Result<Kind, Fault> {
        if functions::named(name).next().is_none() {
            return Err(call::unknown(name, at));
        }
        let mut given = Vec::new();
        while !self.takes(")") {
            let label = self.label();
            let start = self.ops.len();
            let from = self.peek().1.start;
            self.expression(0)?;
            let ops = self.ops.split_off(start);
            given.push(Given { label, ops, at: from..self.tokens[self.next - 1].1.end });
            if !self.takes(",") && !matches!(self.peek().0, Token::Sign(")")) {
                return Err(self.unclosed(at.end..at.end + 1));
            }
        }
        // `if (c) a else b`, as Parseq writes it.
        if let ("if", [Given { label: None, .. }]) = (name, given.as_slice()) {
            let left = self.expression(1)?;
            self.ops.extend(given.into_iter().flat_map(|condition| condition.ops));
            return self.otherwise(left);
        }
        let whole = at.start..self.tokens[self.next - 1].1.end;
        let (index, slots) = call::choose(name, given, whole)?;
        let count = slots.len() as u8;
        self.ops.extend(slots.into_iter().flatten());
        self.emit(Op::Call(index as u8, count));
        Ok(if matches!(name, "floor" | "ceil" | "round" | "trunc" | "sign") { Kind::Whole } else { Kind::Real })
    }

    /// `p=` before an argument.
    fn label(&mut self) -> Option<(&'a str, Range<usize>)> {
        match (self.peek(), self.tokens.get(self.next + 1)) {
            ((Token::Name(name), at), Some((Token::Sign("="), _))) => {
                self.next += 2;
                Some((name, at))
            }
            _ => None,
        }
    }
}

/// Which operator `sign` is between these, and what it yields.
fn joined(sign: &str, left: Kind, right: Kind, at: Range<usize>) -> Result<(Bin, Kind), Fault> {
    let whole = left != Kind::Real && right != Kind::Real;
    let arithmetic = if whole { Kind::Whole } else { Kind::Real };
    let truths = left == Kind::Truth && right == Kind::Truth;
    let bits = |op: Bin, sign: &str| if whole { Ok((op, Kind::Whole)) } else { Err(only_conditions(sign, at)) };
    Ok(match sign {
        "+" => (Bin::Add, arithmetic),
        "-" => (Bin::Sub, arithmetic),
        "*" => (Bin::Mul, arithmetic),
        "**" => (Bin::Pow, arithmetic),
        "%" => (if whole { Bin::IntMod } else { Bin::Mod }, arithmetic),
        "/" => (Bin::Div, Kind::Real),
        "//" => (Bin::FloorDiv, arithmetic),
        "<" => (Bin::Less, Kind::Truth),
        "<=" => (Bin::LessEqual, Kind::Truth),
        ">" => (Bin::Greater, Kind::Truth),
        ">=" => (Bin::GreaterEqual, Kind::Truth),
        "==" => (Bin::Equal, Kind::Truth),
        "and" => (Bin::And, Kind::Truth),
        "or" => (Bin::Or, Kind::Truth),
        "&" if truths => (Bin::And, Kind::Truth),
        "|" if truths => (Bin::Or, Kind::Truth),
        "&" => bits(Bin::BitAnd, sign)?,
        "|" => bits(Bin::BitOr, sign)?,
        "<<" => bits(Bin::Shl, sign)?,
        ">>" => bits(Bin::Shr, sign)?,
        _ => (Bin::Unequal, Kind::Truth),
    })
}

fn only_conditions(sign: &str, at: Range<usize>) -> Fault {
    let word = match sign {
        "&" => "and",
        "|" => "or",
        "~" => "not",
        _ => return Fault::new(at, format!("`{sign}` moves the bits of whole numbers only"), "one side has a fraction"),
    };
    Fault::new(at, format!("`{sign}` joins conditions and whole numbers only"), "what it joins may have a fraction")
        .help(format!("put comparisons in brackets, or write `{word}`"))
}

/// A name that is neither a value nor a stream.
fn unknown(name: &str, at: Range<usize>) -> Fault {
    let fault = Fault::new(at, format!("`{name}` is not a value"), "not known here");
    if let Some((_, function)) = functions::named(name).next() {
        return fault.help(format!("write `{}`", function.signature()));
    }
    let names = VARS.iter().map(|(name, _)| *name).chain(CONSTANTS.iter().map(|(name, _)| *name));
    match crate::diag::nearest(name, names.filter(|known| known.len() > 1)) {
        Some(near) => fault.help(format!("write `{near}`")),
        None => fault.help("write `t` for the frame, `seconds`, `beat`, `max_f`, `fps`, or another node's value as `node.port`"),
    }
}
