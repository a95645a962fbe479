//! What numexpr refuses though expressions here take it, in its own words: for Deforum's reading of a schedule.

use std::ops::Range;

use super::Fault;
use super::lexer::Token;
use super::ops::Op;
use super::parser::Kind;

/// The functions of one argument; more a schedule cannot call, since it is cut at its commas.
const FUNCTIONS: [&str; 25] = [
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "log", "log10", "log1p",
    "exp", "expm1", "sqrt", "abs", "floor", "ceil", "sum", "prod", "min", "max",
];

/// What Deforum has in reach: `i` by accident.
const NAMES: [&str; 6] = ["t", "i", "max_f", "s", "True", "False"];

const BOOLEANS: &str = "You can't use Python's standard boolean operators in NumExpr expressions";

fn refusal(at: &Range<usize>, error: impl Into<String>, label: &str) -> Fault {
    Fault::new(at.clone(), error, label)
}

/// What a value begins with.
pub fn start(token: Token<'_>, called: bool, at: &Range<usize>) -> Result<(), Fault> {
    match token {
        Token::Seconds(_) | Token::Beats(_) => Err(refusal(at, "invalid syntax", "no units of time")),
        Token::Name("not") => Err(refusal(at, BOOLEANS, "`~` there")),
        Token::Name(name) if called && FUNCTIONS.contains(&name) => Ok(()),
        Token::Name(_) if called => Err(refusal(at, "'VariableNode' object is not callable", "no such function")),
        Token::Name(name) if !NAMES.contains(&name) => Err(refusal(at, format!("KeyError: '{name}'"), "knows only `t`, `max_f` and `s`")),
        _ => Ok(()),
    }
}

/// An operator, whatever it joins.
pub fn word(sign: &str, at: &Range<usize>) -> Result<(), Fault> {
    match sign {
        "if" | "and" | "or" => Err(refusal(at, BOOLEANS, "no such operator")),
        "//" => Err(refusal(at, "unsupported operand type(s) for //", "no such operator")),
        "<>" => Err(refusal(at, "invalid syntax", "no such operator")),
        _ => Ok(()),
    }
}

/// A sign before a value.
pub fn sign(sign: &str, kind: Kind, at: &Range<usize>) -> Result<(), Fault> {
    match (sign, kind) {
        ("-", Kind::Truth) => Err(refusal(at, "couldn't find matching opcode for 'neg_bb'", "not before a condition")),
        ("~", Kind::Whole) => Err(refusal(at, "couldn't find matching opcode for 'invert_ll'", "only before a condition")),
        _ => Ok(()),
    }
}

/// An operator and what it joins; `ops` end with the right side.
pub fn kinds(sign: &str, left: Kind, right: Kind, ops: &[Op], at: &Range<usize>) -> Result<(), Fault> {
    let truths = usize::from(left == Kind::Truth) + usize::from(right == Kind::Truth);
    let opcode = |name: &str, label: &str| Err(refusal(at, format!("couldn't find matching opcode for '{name}'"), label));
    match sign {
        "*" if truths == 2 => opcode("mul_bbb", "not between conditions"),
        "+" if truths == 2 => opcode("add_bbb", "not between conditions"),
        "-" if truths == 2 => opcode("sub_bbb", "not between conditions"),
        "%" if truths == 2 => opcode("mod_bbb", "not between conditions"),
        "**" if left == Kind::Truth => opcode("pow_bbb", "not of a condition"),
        "&" if truths < 2 => opcode("and_bll", "only between conditions"),
        "|" if truths < 2 => opcode("or_bll", "only between conditions"),
        "**" if left == Kind::Whole
            && matches!(ops, [.., before, Op::Const(power)] if *power < 0.0 && right == Kind::Whole && !matches!(before, Op::Const(_))) =>
        {
            Err(refusal(at, "Integers to negative integer powers are not allowed.", "write the number with a point"))
        }
        _ => Ok(()),
    }
}
