//! Files that appear whole or not at all.

use std::path::Path;
use std::{fs, io};

/// Writes `text` beside `path` and gives it its name when all of it is there.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this names no file"))?.to_os_string();
    name.push(".partial");
    let aside = path.with_file_name(name);
    fs::write(&aside, text).and_then(|()| fs::rename(&aside, path)).inspect_err(|_| {
        // It may not exist; and when it cannot be removed, the first error is the one to tell.
        let _ = fs::remove_file(&aside);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_replaces_another_and_failure_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.svg");
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        fs::create_dir(folder.path().join("b.svg")).unwrap();
        assert!(write(&folder.path().join("b.svg"), "three").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(write(Path::new("/"), "x").is_err());
    }
}
