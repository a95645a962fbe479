use std::fs;
use std::path::{Path, PathBuf};

use super::OutputError;

/// A file on its way: written beside its final name as `NAME.partial.EXT`, renamed when whole, removed when abandoned.
#[derive(Debug)]
pub(super) struct Partial {
    target: PathBuf,
    path: PathBuf,
    committed: bool,
}

impl Partial {
    /// Makes the folder of `target` if need be. Nothing is created at `target` or beside it yet.
    pub(super) fn new(target: &Path) -> Result<Self, OutputError> {
        let folder = folder_of(target);
        fs::create_dir_all(folder).map_err(OutputError::file("make the folder", folder))?;
        Ok(Self { target: target.to_path_buf(), path: beside(target), committed: false })
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What it will be called.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Gives the whole file its final name, in place of an older one. Returns its length in bytes.
    pub(super) fn commit(mut self) -> Result<u64, OutputError> {
        let bytes = fs::metadata(&self.path).map_err(OutputError::file("read back", &self.path))?.len();
        fs::rename(&self.path, &self.target).map_err(OutputError::file("rename the finished file to", &self.target))?;
        self.committed = true;
        Ok(bytes)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.committed {
            // It may not exist yet; and when it cannot be removed there is nobody left to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Writes a file that appears under its name only when it is whole; its folder is made if need be.
///
/// # Errors
/// When the disk refuses; nothing is left behind then.
pub fn write_whole(target: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let partial = Partial::new(target)?;
    fs::write(partial.path(), bytes).map_err(OutputError::file("write", target))?;
    partial.commit().map(drop)
}

/// The folder that `path` lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(target: &Path) -> PathBuf {
    let mut name = target.file_stem().unwrap_or_default().to_os_string();
    name.push(".partial");
    if let Some(extension) = target.extension() {
        name.push(".");
        name.push(extension);
    }
    target.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("deep/er/clip.final.mp4");
        let partial = Partial::new(&target).unwrap();
        assert_eq!(partial.path().file_name().unwrap(), "clip.final.partial.mp4");
        fs::write(partial.path(), b"half").unwrap();
        drop(partial);
        assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 0);

        let partial = Partial::new(&target).unwrap();
        fs::write(partial.path(), b"whole").unwrap();
        assert!(!target.exists());
        assert_eq!(partial.commit().unwrap(), 5);
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_whole_file_replaces_another_and_failure_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.svg");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        fs::create_dir(folder.path().join("b.svg")).unwrap();
        assert!(write_whole(&folder.path().join("b.svg"), b"three").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(write_whole(Path::new("/"), b"x").is_err());
    }
}
