//! What is known of a file on its way, in a small file beside it: without it nobody could tell whether the rest still fits.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use ureq::http::HeaderMap;

use super::hash::hex;
use super::network::text;

/// The file `PART.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Guard {
    /// Where the bytes come from.
    pub address: String,
    /// By what the server knows this very edition of the file: a strong entity tag, or the date of its last change.
    pub validator: Option<String>,
    /// The SHA-256 that the server promises.
    pub sha256: Option<String>,
    /// The name that the server gives the file.
    pub name: Option<String>,
}

impl Guard {
    /// Of the beginning of a file from `address` that came with `headers`.
    pub(super) fn of(address: &str, headers: &HeaderMap, final_address: &str) -> Self {
        let tag = text(headers, "etag").filter(|tag| !tag.starts_with("W/"));
        let named = text(headers, "content-disposition").and_then(|header| file_name(&header));
        let last = super::source::file_name(final_address);
        Self {
            address: address.to_owned(),
            validator: tag.or_else(|| text(headers, "last-modified")),
            sha256: promised(headers),
            name: named.or(Some(last)).filter(|name| !name.is_empty()),
        }
    }

    /// That of the file `part`, if it is one of `address`.
    pub(super) fn read(part: &Path, address: &str) -> Option<Self> {
        let guard: Self = serde_json::from_slice(&std::fs::read(Self::path(part)).ok()?).ok()?;
        (guard.address == address).then_some(guard)
    }

    /// Writes it beside `part`.
    pub(super) fn write(&self, part: &Path) -> std::io::Result<()> {
        std::fs::write(Self::path(part), serde_json::to_vec(self).map_err(std::io::Error::other)?)
    }

    /// Where it lies.
    pub(super) fn path(part: &Path) -> PathBuf {
        let mut name = part.as_os_str().to_os_string();
        name.push(".json");
        PathBuf::from(name)
    }
}

/// The name in a `Content-Disposition`, without folders: `attachment; filename="a.onnx"`, or `filename*=UTF-8''a.onnx`.
fn file_name(header: &str) -> Option<String> {
    let value = |key: &str| header.split(';').find_map(|part| part.trim().strip_prefix(key)).map(str::trim);
    let extended = value("filename*=").and_then(|value| value.splitn(3, '\'').nth(2)).map(super::source::decoded);
    let name = extended.or_else(|| value("filename=").map(|value| value.trim_matches('"').to_owned()))?;
    name.rsplit(['/', '\\']).next().map(str::to_owned).filter(|name| !name.is_empty())
}

/// The SHA-256 of the whole file that a server promises: `Repr-Digest: sha-256=:BASE64:` (RFC 9530), or `Digest: SHA-256=BASE64`
/// (RFC 3230).
fn promised(headers: &HeaderMap) -> Option<String> {
    let list = text(headers, "repr-digest").or_else(|| text(headers, "digest"))?;
    let entry = list.split(',').map(str::trim).find(|entry| entry.get(..8).is_some_and(|key| key.eq_ignore_ascii_case("sha-256=")))?;
    let bytes = base64(entry[8..].trim_matches(':'))?;
    (bytes.len() == 32).then(|| hex(&bytes))
}

/// The bytes that base 64 (RFC 4648) stands for.
fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for sign in text.trim_end_matches('=').bytes() {
        let value = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (ureq::http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn what_servers_say_of_a_file() {
        let guard = |list: &[(&'static str, &str)]| Guard::of("http://h/x", &headers(list), "http://cdn/y/z.onnx?k=1");
        let strong = guard(&[("etag", "\"1\""), ("last-modified", "Mon"), ("content-disposition", "attachment; filename=\"a b.onnx\"")]);
        assert_eq!((strong.validator.as_deref(), strong.name.as_deref()), (Some("\"1\""), Some("a b.onnx")));
        let weak = guard(&[("etag", "W/\"1\""), ("last-modified", "Mon")]);
        assert_eq!((weak.validator.as_deref(), weak.name.as_deref()), (Some("Mon"), Some("z.onnx")));
        assert_eq!(file_name("attachment; filename*=UTF-8''d%C3%BC.onnx; filename=x").as_deref(), Some("dü.onnx"));
        assert_eq!(file_name("attachment; filename=\"../../x\"").as_deref(), Some("x"));
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let digest = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        assert_eq!(guard(&[("repr-digest", &format!("sha-256=:{digest}:"))]).sha256.as_deref(), Some(abc));
        assert_eq!(guard(&[("digest", &format!("md5=x,SHA-256={digest}"))]).sha256.as_deref(), Some(abc));
        assert_eq!(guard(&[("digest", "sha-256=?")]).sha256, None);
    }
}
