//! What there is to see while a model is added or checked.

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// What there is to do altogether.
    Begin {
        /// Files.
        files: usize,
        /// Their bytes, where all are known.
        bytes: Option<u64>,
    },
    /// A file begins.
    File {
        /// Its name.
        name: String,
        /// Its length in bytes, where it is known.
        size: Option<u64>,
    },
    /// So many bytes of the file are there.
    At(u64),
    /// Something to tell: that the connection is made anew, that a part is there already.
    Note(String),
}

/// Who is told.
pub type Watch<'a> = dyn FnMut(Event) + 'a;
