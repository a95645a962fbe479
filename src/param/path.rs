//! Files and folders.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Data, Moment, Param, ReadCx, Shape, wrong_type};
use crate::diag::Diagnostic;

/// A file or folder, relative to the file it is written in. Keeps the text as written, for messages and patterns such as
/// `frames/%05d.png`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathParam {
    text: String,
    path: PathBuf,
    base: PathBuf,
}

impl PathParam {
    /// `text` as seen from the folder `base`. An absolute path or a URL (`https://…`) stays as it is.
    #[must_use]
    pub fn new(text: impl Into<String>, base: &Path) -> Self {
        let text = text.into();
        let path = if text.contains("://") { PathBuf::from(&text) } else { base.join(&text) };
        Self { text, path, base: base.to_path_buf() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the file it is written in.
    #[must_use]
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// As the author wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl AsRef<Path> for PathParam {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// Relative to the current folder, for use from Rust.
impl From<&str> for PathParam {
    fn from(text: &str) -> Self {
        Self::new(text, Path::new(""))
    }
}

impl fmt::Display for PathParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Param for PathParam {
    type Now = Self;

    fn shape() -> Shape {
        Shape::Path
    }

    fn read(data: &Data, cx: &ReadCx) -> Result<Self, Diagnostic> {
        match data.text() {
            Some("") => Err(Diagnostic::error("empty-path", "the path is empty").at(data.span, "no file is named here")),
            Some(text) => Ok(Self::new(text, &cx.base)),
            None => Err(wrong_type(data, "a path")),
        }
    }

    fn now(&self, _at: &Moment<'_>) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::read_text;
    use super::*;

    #[test]
    fn paths_start_from_their_document_unless_absolute() {
        let path = |text: &str| read_text::<PathParam>(text).unwrap();
        assert_eq!(path("clips/a.mp4").path(), Path::new("/graphs/clips/a.mp4"));
        assert_eq!(path("/tmp/a.mp4").path(), Path::new("/tmp/a.mp4"));
        assert_eq!(path("rtsp://host/a").path(), Path::new("rtsp://host/a"));
        assert_eq!(path("clips/a.mp4").to_string(), "clips/a.mp4");
        assert_eq!(read_text::<PathParam>("").unwrap_err().code, "empty-path");
    }
}
