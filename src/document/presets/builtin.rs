//! The presets that come with the program: the files of `nodes/` at the root of the repository.

/// Name and text of each, by name; listed by `build.rs`.
pub(super) const BUILTIN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/presets.rs"));

#[cfg(test)]
mod tests {
    use super::BUILTIN;

    #[test]
    fn every_file_in_nodes_is_built_in_and_says_what_it_is_for() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("nodes");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut names: Vec<_> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        assert_eq!(names, BUILTIN.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        assert!(BUILTIN.iter().all(|(_, text)| text.starts_with("# ")));
    }
}
