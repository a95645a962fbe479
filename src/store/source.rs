//! What a user gives to be added: a path, an address, or a repository of Hugging Face.

use std::path::{Path, PathBuf};

use super::StoreError;

/// The public server of Hugging Face, and its short name.
const PUBLIC: [&str; 2] = ["https://huggingface.co", "https://hf.co"];

/// A source that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// A file or folder.
    Path(PathBuf),
    /// An http or https address of a file.
    Address(String),
    /// A repository.
    Hub(Repository),
}

/// A repository of Hugging Face, and what the source says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repository {
    /// `owner/name`.
    pub id: String,
    /// A branch, tag or commit.
    pub revision: Option<String>,
    /// The one file that is meant.
    pub file: Option<String>,
}

impl Source {
    /// What `text` means: a path that exists goes before a repository of the same look. `endpoint` is the server whose pages are
    /// repositories, besides Hugging Face's own.
    pub(super) fn parse(text: &str, endpoint: &str) -> Result<Self, StoreError> {
        if let Some(id) = text.strip_prefix("hf:") {
            let odd = || StoreError::Source(format!("`{id}` is no repository; write `hf:owner/name`"));
            return repository(id).map(Self::Hub).ok_or_else(odd);
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            let page = std::iter::once(endpoint).chain(PUBLIC).find_map(|server| page(text.strip_prefix(server)?));
            return Ok(page.map_or_else(|| Self::Address(text.to_owned()), Self::Hub));
        }
        if text.contains("://") {
            return Err(StoreError::Source(format!("`{text}` cannot be fetched; give an http or https address, or a path")));
        }
        if Path::new(text).exists() {
            return Ok(Self::Path(PathBuf::from(text)));
        }
        match repository(text).filter(|_| super::name::ending(text).is_none()) {
            Some(repository) => Ok(Self::Hub(repository)),
            None => Err(StoreError::Source(format!(
                "there is no file or folder `{text}`; give a path, an http(s) address, or a repository of Hugging Face as `owner/name`"
            ))),
        }
    }
}

/// `owner/name`, of the signs that Hugging Face allows.
fn repository(text: &str) -> Option<Repository> {
    let word = |word: &str| {
        !word.is_empty()
            && !word.starts_with(['.', '-'])
            && !word.contains("..")
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let (owner, name) = text.split_once('/')?;
    (word(owner) && word(name)).then(|| Repository { id: text.to_owned(), revision: None, file: None })
}

/// The repository that a page of the server shows: `/owner/name`, `…/tree/revision`, `…/blob/revision/file`.
fn page(path: &str) -> Option<Repository> {
    let path = path.split(['?', '#']).next()?.trim_matches('/');
    let decoded = decoded(path);
    let parts: Vec<&str> = decoded.split('/').collect();
    let [owner, name, rest @ ..] = parts.as_slice() else { return None };
    let known = !["datasets", "spaces", "api", "docs", "papers", "collections"].contains(owner);
    let found = repository(&format!("{owner}/{name}")).filter(|_| known)?;
    match rest {
        [] => Some(found),
        ["tree", revision] => Some(Repository { revision: Some((*revision).to_owned()), ..found }),
        ["blob" | "resolve", revision, file @ ..] if !file.is_empty() => {
            Some(Repository { revision: Some((*revision).to_owned()), file: Some(file.join("/")), ..found })
        }
        _ => None,
    }
}

/// The last part of an address's path, without escapes.
pub(super) fn file_name(address: &str) -> String {
    let path = address.split_once("://").map_or(address, |(_, rest)| rest).split(['?', '#']).next().unwrap_or_default();
    decoded(path.split_once('/').and_then(|(_, path)| path.rsplit('/').next()).unwrap_or_default())
}

/// The address of `file` beside that which `address` leads to.
pub(super) fn beside(address: &str, file: &str) -> String {
    let (path, query) = address.find(['?', '#']).map_or((address, ""), |at| address.split_at(at));
    let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
    format!("{folder}/{}{query}", encoded(file))
}

/// `text` with escapes for what a path of an address cannot hold; slashes stay.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// `text` without escapes.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The scheme, host and port of an address.
pub(super) fn server(address: &str) -> &str {
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find(['/', '?', '#']).map_or(address.len(), |at| start + at);
    &address[..end]
}

/// `address` without what may be a password: the user before the host, and tokens and keys after the question mark.
pub(super) fn without_secrets(address: &str) -> String {
    let start = address.find("://").map_or(0, |at| at + 3);
    let host_end = server(address).len();
    let host = address[start..host_end].rsplit('@').next().unwrap_or_default();
    let (path, query) = address[host_end..].split_once('?').unwrap_or((&address[host_end..], ""));
    let secret = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default().to_lowercase();
        !["token", "key", "secret", "password", "sig", "credential", "auth"].iter().any(|word| name.contains(word))
    };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).filter(secret).collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    format!("{}{host}{path}{query}", &address[..start])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart() {
        let parse = |text: &str| Source::parse(text, "https://mirror.test");
        let hub = |id: &str, revision: Option<&str>, file: Option<&str>| {
            Source::Hub(Repository { id: id.into(), revision: revision.map(str::to_owned), file: file.map(str::to_owned) })
        };
        assert_eq!(parse("src").unwrap(), Source::Path("src".into()));
        assert_eq!(parse("src/store").unwrap(), Source::Path("src/store".into()), "what exists goes before a repository");
        assert_eq!(parse("hf:src/store").unwrap(), hub("src/store", None, None));
        assert_eq!(parse("Some/Dream_1.5").unwrap(), hub("Some/Dream_1.5", None, None));
        assert_eq!(parse("https://huggingface.co/a/b/").unwrap(), hub("a/b", None, None));
        assert_eq!(parse("https://mirror.test/a/b/tree/onnx").unwrap(), hub("a/b", Some("onnx"), None));
        let file = "https://huggingface.co/a/b/blob/main/sub/x%20y.safetensors?download=true";
        assert_eq!(parse(file).unwrap(), hub("a/b", Some("main"), Some("sub/x y.safetensors")));
        assert!(matches!(parse("https://huggingface.co/datasets/a/b").unwrap(), Source::Address(_)));
        assert!(matches!(parse("http://host.test/x.onnx").unwrap(), Source::Address(_)));
        for wrong in ["ftp://a/b", "nowhere", "../a/b", "a/b/c", "owner/x.safetensors", "hf:x"] {
            assert!(matches!(parse(wrong), Err(StoreError::Source(_))), "{wrong}");
        }
    }

    #[test]
    fn parts_of_addresses() {
        assert_eq!(file_name("https://h.test/a/b%20c.onnx?x=1/2"), "b c.onnx");
        assert_eq!(file_name("https://h.test"), "");
        assert_eq!(beside("https://h.test/a/b.onnx?t=1", "c d.bin"), "https://h.test/a/c%20d.bin?t=1");
        assert_eq!(server("http://h.test:80/a"), "http://h.test:80");
        assert_eq!(without_secrets("https://me:word@h.test/x?token=1&type=m&X-Amz-Signature=2"), "https://h.test/x?type=m");
        assert_eq!(without_secrets("https://h.test/x?token=1"), "https://h.test/x");
        assert_eq!(decoded("100%"), "100%");
    }
}
