//! Repositories of Hugging Face, and of mirrors that answer as it does.

use serde::Deserialize;

use super::StoreError;
use super::network::{Network, Trouble, connection};
use super::source::encoded;

/// What a repository holds at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    /// The commit.
    pub commit: String,
    /// The licence that its card names.
    pub license: Option<String>,
    /// Its files.
    pub files: Vec<HubFile>,
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HubFile {
    /// Its path.
    pub path: String,
    /// Its length in bytes.
    pub size: Option<u64>,
    /// The SHA-256 of its bytes, which large files have.
    pub sha256: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
    #[serde(default, rename = "cardData")]
    card: Option<Card>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: Option<String>,
    oid: Option<String>,
    size: Option<u64>,
}

#[derive(Deserialize)]
struct Card {
    license: Option<serde_json::Value>,
    license_name: Option<String>,
}

/// The longest list of files that is read.
const LONGEST: u64 = 64 << 20;

/// What the repository `id` holds at `revision`.
pub(super) fn list(network: &Network, id: &str, revision: &str) -> Result<Listing, StoreError> {
    let revision = encoded(revision).replace('/', "%2F");
    let address = format!("{}/api/models/{id}/revision/{revision}?blobs=true", network.endpoint);
    let text = ask(network, &address)?;
    let answer: Answer =
        serde_json::from_str(&text).map_err(|error| connection(&address, format!("the answer is not that of Hugging Face ({error})")))?;
    Ok(listing(answer))
}

/// The text at `address`; asks again where that may help.
fn ask(network: &Network, address: &str) -> Result<String, StoreError> {
    let mut failures = 0;
    loop {
        let answer = network.get(address, &[]).and_then(|mut response| {
            let text = response.body_mut().with_config().limit(LONGEST).read_to_string();
            text.map_err(|error| Trouble::Passing { why: error.to_string(), wait: None })
        });
        let (why, wait) = match answer {
            Ok(text) => return Ok(text),
            Err(Trouble::Lasting(error)) => return Err(error),
            Err(Trouble::Unreachable(why)) => return Err(connection(address, why)),
            Err(Trouble::Passing { why, wait }) => (why, wait),
        };
        failures += 1;
        if failures >= network.patience.tries {
            return Err(connection(address, why));
        }
        std::thread::sleep(wait.unwrap_or_else(|| network.patience.wait(failures)));
    }
}

fn listing(answer: Answer) -> Listing {
    let tagged = || answer.tags.iter().find_map(|tag| tag.strip_prefix("license:")).map(str::to_owned);
    let named = |card: &Card| match card.license.as_ref()? {
        // Of several the first; of one that is on no list its own name.
        serde_json::Value::Array(all) => all.first()?.as_str().map(str::to_owned),
        other => other.as_str().map(|name| if name == "other" { card.license_name.as_deref().unwrap_or(name) } else { name }.to_owned()),
    };
    let file = |sibling: Sibling| {
        let (sha256, size) = sibling.lfs.map_or((None, None), |lfs| (lfs.sha256.or(lfs.oid), lfs.size));
        let sha256 = sha256.map(|hash| hash.trim_start_matches("sha256:").to_lowercase()).filter(|hash| super::hash::is_hash(hash));
        HubFile { path: sibling.rfilename, size: size.or(sibling.size), sha256 }
    };
    Listing {
        license: answer.card.as_ref().and_then(named).or_else(tagged),
        commit: answer.sha,
        files: answer.siblings.into_iter().map(file).collect(),
    }
}

/// Where a file of a repository is fetched.
pub(super) fn address(network: &Network, id: &str, commit: &str, path: &str) -> String {
    format!("{}/{id}/resolve/{commit}/{}", network.endpoint, encoded(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let hash = "ab".repeat(32);
        let text = format!(
            r#"{{"id": "a/b", "sha": "c0ffee", "cardData": {{"license": "other", "license_name": "my-licence"}}, "tags": ["license:other"],
            "siblings": [{{"rfilename": "x.onnx", "size": 9, "lfs": {{"sha256": "{hash}", "size": 9, "pointerSize": 130}}}},
                         {{"rfilename": "config.json", "size": 2, "blobId": "1"}}, {{"rfilename": "old"}}]}}"#
        );
        let found = listing(serde_json::from_str(&text).unwrap());
        assert_eq!((found.commit.as_str(), found.license.as_deref()), ("c0ffee", Some("my-licence")));
        assert_eq!(found.files[0], HubFile { path: "x.onnx".into(), size: Some(9), sha256: Some(hash) });
        assert_eq!((found.files[1].size, &found.files[1].sha256, found.files[2].size), (Some(2), &None, None));
        let bare = listing(serde_json::from_str(r#"{"sha": "1", "tags": ["license:mit"]}"#).unwrap());
        assert_eq!(bare.license.as_deref(), Some("mit"));
    }
}
