//! What Deforum writes into one text: `a cat --neg blurry`.

/// Begins the negative part.
const NEGATIVE: &str = "--neg";

/// What to paint and what not: the text before the first `--neg`, and what stands after it without further such words.
#[must_use]
pub fn split_negative(text: &str) -> (String, String) {
    match text.split_once(NEGATIVE) {
        Some((positive, negative)) => (positive.trim_end().to_owned(), negative.replace(NEGATIVE, "")),
        None => (text.to_owned(), String::new()),
    }
}
