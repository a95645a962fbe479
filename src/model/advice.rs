//! What to type when a graph names a model that is not there.

use std::path::Path;

use super::find::chosen_store;

/// What to do about the model `name` that is nowhere.
pub(super) fn advice(name: &str) -> String {
    let command = add_command(name);
    if is_address(name) || looks_like_repository(name) {
        return format!("type `{command}`");
    }
    match bare_name(name) {
        bare if bare == name || has_ending(name) && !name.contains(['/', '\\']) => format!("type `{command}`, or give its path"),
        bare => format!("check the path, or type `{command}` and name it `{bare}`"),
    }
}

/// The command that adds the model that a graph calls `name`.
fn add_command(name: &str) -> String {
    let place = chosen_store().map_or_else(String::new, |folder| format!(" --models-dir {}", quoted(&folder.display().to_string())));
    if is_address(name) || looks_like_repository(name) {
        format!("frameloom models add {}{place}", quoted(name))
    } else {
        format!("frameloom models add PATH|URL|owner/name --name {}{place}", quoted(bare_name(name)))
    }
}

/// `text` as one word of a shell's command.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-:@%+=,~".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Whether `name` is an address of the web.
pub(super) fn is_address(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

/// Whether `name` may be a repository of Hugging Face, `owner/name`, rather than a path.
pub(super) fn looks_like_repository(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphanumeric()) && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let own = ["models", "loras", "Lora", "graphs"];
    let parts: Vec<&str> = name.strip_prefix("hf:").unwrap_or(name).split('/').collect();
    matches!(parts[..], [owner, rest] if word(owner) && word(rest) && !own.contains(&owner) && !has_ending(rest))
}

fn has_ending(name: &str) -> bool {
    let ending = Path::new(name).extension().map(|e| e.to_string_lossy().to_lowercase());
    matches!(ending.as_deref(), Some("onnx" | "safetensors" | "ckpt" | "pt" | "pth" | "bin"))
}

/// The last part of `name`, without the ending of a model's file.
fn bare_name(name: &str) -> &str {
    let last = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(name);
    if has_ending(last) { last.rsplit_once('.').map_or(last, |(stem, _)| stem) } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_command() {
        let add = "frameloom models add PATH|URL|owner/name --name";
        assert_eq!(advice("dream"), format!("type `{add} dream`, or give its path"));
        assert_eq!(advice("midas.onnx"), format!("type `{add} midas`, or give its path"));
        assert_eq!(advice("my dream"), format!("type `{add} 'my dream'`, or give its path"));
        assert_eq!(advice("../m/x.onnx"), format!("check the path, or type `{add} x` and name it `x`"));
        assert_eq!(advice("models/x"), format!("check the path, or type `{add} x` and name it `x`"));
        assert_eq!(advice("some/dream-1.5"), "type `frameloom models add some/dream-1.5`");
        assert_eq!(advice("https://h.test/a?b&c"), "type `frameloom models add 'https://h.test/a?b&c'`");
    }
}
