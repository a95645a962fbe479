//! What an unquoted scalar means: YAML 1.2's core schema, so `yes`, `no`, `on` and `off` are text and `0777` is decimal.

use crate::diag::{Diagnostic, Span};
use crate::param::Value;

/// A spelling that YAML takes for a number and that no parameter can use: `.inf`, `.nan`, `1e999`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotFinite(String);

impl NotFinite {
    /// The finding, at `span`.
    pub(super) fn diagnostic(self, span: Span) -> Diagnostic {
        Diagnostic::error("yaml", format!("`{}` is not a finite number", self.0))
            .at(span, "")
            .help("write a number, or put it in quotes if text is meant")
    }
}

/// The value of an unquoted scalar.
///
/// # Errors
/// A number that is not finite.
pub(super) fn plain(text: &str) -> Result<Value, NotFinite> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(NotFinite(text.to_owned()));
    }
    if let Some(whole) = integer(text, unsigned) {
        return Ok(Value::Integer(whole));
    }
    if !is_decimal(unsigned) {
        return Ok(Value::Text(text.to_owned()));
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Value::Number(number)),
        Ok(_) => Err(NotFinite(text.to_owned())),
        Err(_) => Ok(Value::Text(text.to_owned())),
    }
}

/// A whole number that fits: decimal with a sign, `0x` or `0o` without.
fn integer(text: &str, unsigned: &str) -> Option<i64> {
    let digits = |digits: &str, radix| {
        let all = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        all.then(|| i64::from_str_radix(digits, radix).ok()).flatten()
    };
    if let Some(hex) = text.strip_prefix("0x") {
        return digits(hex, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    let all = !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// Whether `text` is `12`, `1.5`, `.5`, `2.`, each with or without an exponent.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let sign_free = exponent.map(|e| e.strip_prefix(['+', '-']).unwrap_or(e));
    digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty()) && sign_free.is_none_or(|e| !e.is_empty() && digits(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let text = |s: &str| Ok(Value::Text(s.to_owned()));
        assert_eq!(plain("12"), Ok(Value::Integer(12)));
        assert_eq!(plain("-0012"), Ok(Value::Integer(-12)));
        assert_eq!(plain("0x1F"), Ok(Value::Integer(31)));
        assert_eq!(plain("1.5"), Ok(Value::Number(1.5)));
        assert_eq!(plain("-.5e-3"), Ok(Value::Number(-0.0005)));
        assert_eq!(plain("2."), Ok(Value::Number(2.0)));
        assert_eq!(plain("99999999999999999999"), Ok(Value::Number(1e20)));
        assert_eq!(plain("True"), Ok(Value::Bool(true)));
        assert_eq!(plain("~"), Ok(Value::Null));
        for word in ["yes", "no", "on", "off", "4s", "8b", "1:02.5", "1_000", ".", "-", "e3", "1e", "0x", "nan", "inf", "0: (1)"] {
            assert_eq!(plain(word), text(word));
        }
        assert!(plain("-.inf").is_err() && plain(".nan").is_err() && plain("1e999").is_err());
    }
}
