//! Text to tokens.

use std::ops::Range;

use super::Fault;

/// A word of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Token<'a> {
    /// `1`, `.5`, `1e-3`; and whether it is written as a whole number.
    Number(f64, bool),
    /// `4s`.
    Seconds(f64),
    /// `8b`.
    Beats(f64),
    /// A name, or two and more joined by points: `t`, `drums.level`.
    Name(&'a str),
    /// An operator, bracket or comma.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// Longest first, so that `**` is not two stars.
const SIGNS: [&str; 28] = [
    "**", "//", "<=", ">=", "==", "!=", "<>", "<<", ">>", "&&", "||", "+", "-", "*", "/", "%", "(", ")", ",", "<", ">", "&", "|", "~", "^",
    "=", "!", "?",
];

/// Splits `text` into tokens, the last of which is [`Token::End`].
///
/// # Errors
/// The first character that begins no token.
pub fn tokens(text: &str) -> Result<Vec<(Token<'_>, Range<usize>)>, Fault> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) = if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            number(rest, at)?
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = name_length(rest);
            (Token::Name(&rest[..length]), length)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err(strange(first, at));
        };
        found.push((token, at..at + length));
        at += length;
    }
    found.push((Token::End, text.trim_end().len()..text.trim_end().len() + 1));
    Ok(found)
}

/// Bytes at the start of `text` that satisfy `is`.
fn run(text: &str, is: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| is(*byte)).count()
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The length of the name at the start of `text`, points included.
fn name_length(text: &str) -> usize {
    let mut length = run(text, in_name);
    while text[length..].starts_with('.') && text[length + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        length += 1 + run(&text[length + 1..], in_name);
    }
    length
}

/// The number at the start of `text`, with its unit if it has one, and its length.
fn number(text: &str, at: usize) -> Result<(Token<'static>, usize), Fault> {
    let digits = |from: usize| from + run(&text[from..], |byte| byte.is_ascii_digit());
    let mut end = digits(0);
    let mut whole = true;
    if text[end..].starts_with('.') {
        end = digits(end + 1);
        whole = false;
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = end + 1 + usize::from(text[end + 1..].starts_with(['+', '-']));
        if digits(sign) > sign {
            end = digits(sign);
            whole = false;
        }
    }
    let after = run(&text[end..], in_name);
    let wrong = || {
        let word = &text[..end + after];
        Fault::new(at..at + word.len(), format!("`{word}` is not a number"), "not a number")
            .help("write seconds as `4s`, beats as `8b`, and a product with `*`")
    };
    let value: f64 = text[..end].parse().map_err(|_| wrong())?;
    match &text[end..end + after] {
        "" => Ok((Token::Number(value, whole), end)),
        "s" => Ok((Token::Seconds(value), end + 1)),
        "b" => Ok((Token::Beats(value), end + 1)),
        _ => Err(wrong()),
    }
}

/// A character that begins nothing.
fn strange(character: char, at: usize) -> Fault {
    let fault = Fault::new(at..at + character.len_utf8(), format!("`{character}` has no meaning in an expression"), "not understood");
    match character {
        '−' | '–' | '—' => fault.help("write `-`"),
        '×' | '·' => fault.help("write `*`"),
        '÷' => fault.help("write `/`"),
        '[' | ']' | '{' | '}' => fault.help("write round brackets"),
        '"' | '\'' | '“' | '”' => fault.help("leave the quotes out"),
        ';' => fault.help("write `,`"),
        _ => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_as_long_as_possible() {
        let found: Vec<_> = tokens("2**.5e1 drums.level 4s").unwrap().into_iter().map(|(token, _)| token).collect();
        let wanted = [
            Token::Number(2.0, true),
            Token::Sign("**"),
            Token::Number(5.0, false),
            Token::Name("drums.level"),
            Token::Seconds(4.0),
            Token::End,
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn strange_characters_are_underlined() {
        let fault = tokens("1 − 2").unwrap_err();
        assert_eq!((fault.at, fault.help.as_deref()), (2..5, Some("write `-`")));
        assert_eq!(tokens("1 + 3x").unwrap_err().at, 4..6);
    }
}
