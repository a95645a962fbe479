use std::ops::Range;

use super::super::Data;
use crate::diag::{Diagnostic, Span};

/// What is wrong with a text, and at which of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The bytes to underline.
    pub at: Range<usize>,
    /// The fact.
    pub message: String,
    /// What stands there.
    pub label: String,
    /// What to type instead.
    pub help: Option<String>,
}

impl Fault {
    /// `message` about bytes `at`.
    pub fn new(at: Range<usize>, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { at, message: message.into(), label: label.into(), help: None }
    }

    /// Says what to type instead.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// The same, for a text that begins `by` bytes further into its whole.
    pub fn shifted(mut self, by: usize) -> Self {
        self.at = self.at.start + by..self.at.end + by;
        self
    }

    /// As a diagnostic about the text of `data`.
    pub fn diagnose(self, code: &'static str, data: &Data) -> Diagnostic {
        let span = data.part(self.at.clone());
        self.diagnose_at(code, span)
    }

    /// As a diagnostic at `span`.
    pub fn diagnose_at(self, code: &'static str, span: Span) -> Diagnostic {
        let found = Diagnostic::error(code, self.message).at(span, self.label);
        match self.help {
            Some(help) => found.help(help),
            None => found,
        }
    }
}
