use std::fmt;

/// Why a node could not open or fire. The executor adds the node's name and the tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The fact, in one line.
    pub message: String,
    /// What to do about it, in the imperative.
    pub help: Option<String>,
}

impl Fault {
    /// A fault without advice.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), help: None }
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// The errors of the layers below become faults as they are: their messages already name the thing and the place.
impl<E: std::error::Error> From<E> for Fault {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = inner.source();
        }
        Self::new(message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Why a firing made nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// A source has no frame at this tick: the clip ends here.
    End,
    /// Something went wrong.
    Fault(Fault),
}

impl<T: Into<Fault>> From<T> for Halt {
    fn from(fault: T) -> Self {
        Self::Fault(fault.into())
    }
}
