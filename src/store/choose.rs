//! Which of a source's files Frameloom runs, and how they lie in the store.

use super::StoreError;
use super::name::ending;

/// Folders of a pipeline that hold no network but are needed.
const SETTINGS: [&str; 4] = ["scheduler", "tokenizer", "tokenizer_2", "feature_extractor"];

/// Endings of weights in the forms of other programs.
const FOREIGN: [&str; 14] =
    ["bin", "ckpt", "pt", "pth", "safetensors", "msgpack", "h5", "xml", "tflite", "gguf", "mlmodel", "npz", "png", "jpg"];

/// Endings of pickles.
const PICKLES: [&str; 4] = ["ckpt", "bin", "pt", "pth"];

/// A file of the source and its place in the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Its path in the source.
    pub from: String,
    /// Its path in the model.
    pub to: String,
}

/// Those of `paths` that `wanted` names, or, where it is empty, those that Frameloom runs: the networks of a pipeline in ONNX form; a
/// single network in that form; a checkpoint in a single file.
pub(super) fn choose(paths: &[String], wanted: &[String]) -> Result<Vec<Chosen>, StoreError> {
    let files: Vec<&str> = paths.iter().map(String::as_str).filter(|path| is_within(path)).collect();
    let chosen = if wanted.is_empty() { by_kind(&files)? } else { by_name(&files, wanted)? };
    Ok(arranged(&chosen))
}

/// Whether a path stays in the folder that it starts from.
pub(super) fn is_within(path: &str) -> bool {
    !path.contains(['\\', ':']) && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

fn by_name<'a>(files: &[&'a str], wanted: &[String]) -> Result<Vec<&'a str>, StoreError> {
    if let Some(nothing) = wanted.iter().find(|pattern| !files.iter().any(|file| fits(pattern, file))) {
        return Err(choice(format!("no file fits `{nothing}`; choose with `--files`"), files));
    }
    let chosen: Vec<&str> = files.iter().copied().filter(|file| wanted.iter().any(|pattern| fits(pattern, file))).collect();
    if let Some(pickle) = chosen.iter().find(|file| has_ending(file, &PICKLES)) {
        return Err(StoreError::Unfit(format!("`{pickle}` is not taken: {PICKLED}")));
    }
    if chosen.iter().any(|file| ending(file).is_some()) {
        Ok(chosen)
    } else {
        Err(choice("none of the files that were chosen is a model; choose an `.onnx` or `.safetensors` file too".to_owned(), files))
    }
}

/// Why pickles are refused.
pub(super) const PICKLED: &str = "it is a pickled PyTorch file, which can run any program when it is read; take the `.safetensors` \
                                  edition of the model, or convert it with a tool you trust";

fn by_kind<'a>(files: &[&'a str]) -> Result<Vec<&'a str>, StoreError> {
    let parts: Vec<&str> = files.iter().filter_map(|file| file.strip_suffix("/model.onnx")).collect();
    let roots: Vec<&str> = parts.iter().filter_map(|part| if *part == "unet" { Some("") } else { part.strip_suffix("unet") }).collect();
    match roots[..] {
        [root] => return Ok(pipeline(files, root)),
        [] => {}
        _ => return Err(choice("it holds several pipelines; choose one with `--files 'FOLDER/*'`".to_owned(), files)),
    }
    let networks: Vec<&str> = files.iter().copied().filter(|file| ending(file) == Some("onnx")).collect();
    match networks[..] {
        [only] => return Ok(vec![only]),
        [] => {}
        _ => return Err(choice("it holds several networks; choose one with `--files`".to_owned(), &networks)),
    }
    // Inside of folders lie the parts of a pipeline, not whole checkpoints.
    let whole: Vec<&str> = files.iter().copied().filter(|file| ending(file) == Some("safetensors") && !file.contains('/')).collect();
    match whole[..] {
        [only] => Ok(vec![only]),
        [] => Err(unusable(files)),
        _ => Err(choice("it holds several checkpoints; choose one with `--files`".to_owned(), &whole)),
    }
}

/// The files of the pipeline in the folder `root`.
fn pipeline<'a>(files: &[&'a str], root: &str) -> Vec<&'a str> {
    let belongs = |file: &&str| {
        let Some(inside) = file.strip_prefix(root) else { return false };
        match inside.split_once('/') {
            None => inside == "model_index.json" || is_paper(inside),
            Some((part, _)) if SETTINGS.contains(&part) => !has_ending(inside, &FOREIGN),
            Some((part, name)) => {
                files.contains(&format!("{root}{part}/model.onnx").as_str()) && !name.contains('/') && !has_ending(inside, &FOREIGN)
            }
        }
    };
    files.iter().copied().filter(belongs).collect()
}

/// Whether a file says what the model is and may be used for.
pub(super) fn is_paper(name: &str) -> bool {
    let upper = name.to_uppercase();
    upper == "README.MD" || upper.starts_with("LICENSE") || upper.starts_with("LICENCE")
}

fn unusable(files: &[&str]) -> StoreError {
    let parts = files.iter().any(|file| file.starts_with("unet/"));
    if parts {
        let advice = "its networks are in PyTorch's form alone, which Frameloom does not run; export it (`optimum-cli export onnx --model \
                      MODEL FOLDER`) and add that folder, or look for its edition in a single `.safetensors` file";
        return StoreError::Unfit(advice.to_owned());
    }
    match files.iter().find(|file| has_ending(file, &PICKLES)) {
        Some(pickle) => StoreError::Unfit(format!("`{pickle}` is not taken: {PICKLED}")),
        None => choice("there is no model in it: neither `.onnx` nor `.safetensors`; give another source".to_owned(), files),
    }
}

fn has_ending(file: &str, endings: &[&str]) -> bool {
    file.rsplit_once('.').is_some_and(|(_, found)| endings.iter().any(|ending| ending.eq_ignore_ascii_case(found)))
}

/// At most so many files are shown.
const SHOWN: usize = 40;

fn choice(why: String, files: &[&str]) -> StoreError {
    let mut shown: Vec<String> = files.iter().take(SHOWN).map(|file| (*file).to_owned()).collect();
    if files.len() > SHOWN {
        shown.push(format!("and {} more", files.len() - SHOWN));
    }
    StoreError::Choice { why, files: shown }
}

/// The places of files in the model: without the folders that all share, and the only network, if it lies in no folder of its own, as
/// `model.onnx` where there are more files than it.
fn arranged(chosen: &[&str]) -> Vec<Chosen> {
    let mut shared = chosen.first().and_then(|file| file.rsplit_once('/')).map_or("", |(folder, _)| folder);
    while !shared.is_empty() && !chosen.iter().all(|file| file.strip_prefix(shared).is_some_and(|rest| rest.starts_with('/'))) {
        shared = shared.rsplit_once('/').map_or("", |(folder, _)| folder);
    }
    let inside = |file: &str| if shared.is_empty() { file.to_owned() } else { file[shared.len() + 1..].to_owned() };
    let mut all: Vec<Chosen> = chosen.iter().map(|file| Chosen { from: (*file).to_owned(), to: inside(file) }).collect();
    let networks = all.iter().filter(|one| ending(&one.to) == Some("onnx")).count();
    if let Some(only) = all.iter_mut().find(|one| ending(&one.to) == Some("onnx") && !one.to.contains('/'))
        && networks == 1
        && chosen.len() > 1
    {
        "model.onnx".clone_into(&mut only.to);
    }
    all
}

/// Whether `name` fits a pattern, in which `*` stands for any signs, slashes included, and `?` for one. A pattern for a folder stands
/// for all in it.
fn fits(pattern: &str, name: &str) -> bool {
    fn walk(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|skip| walk(rest, &name[skip..])),
            Some((sign, rest)) => name.split_first().is_some_and(|(first, after)| (*sign == '?' || sign == first) && walk(rest, after)),
        }
    }
    let name: Vec<char> = name.chars().collect();
    let mut pattern: Vec<char> = pattern.strip_prefix("./").unwrap_or(pattern).chars().collect();
    if pattern.last() == Some(&'/') {
        pattern.push('*');
    }
    // Stars in a row mean what one does, and would take long.
    pattern.dedup_by(|a, b| *a == '*' && *b == '*');
    walk(&pattern, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(files: &[&str], wanted: &[&str]) -> Result<Vec<String>, String> {
        let owned = |list: &[&str]| list.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>();
        let chosen = choose(&owned(files), &owned(wanted)).map_err(|error| error.to_string())?;
        Ok(chosen.into_iter().map(|one| if one.from == one.to { one.to } else { format!("{}={}", one.to, one.from) }).collect())
    }

    #[test]
    fn a_pipeline_goes_before_all_else() {
        let files = [
            "README.md",
            "v1.safetensors",
            "model_index.json",
            "scheduler/scheduler_config.json",
            "tokenizer/vocab.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
            "unet/model.onnx",
            "unet/weights.pb",
            "safety_checker/model.safetensors",
            "vae/config.json",
            "vae_decoder/model.onnx",
        ];
        let chosen = pick(&files, &[]).unwrap();
        let wanted = [0, 2, 3, 4, 5, 7, 8, 11].map(|i| files[i]);
        assert_eq!(chosen, wanted);
        let below: Vec<String> = files.iter().map(|file| format!("onnx/{file}")).collect();
        let below: Vec<&str> = below.iter().map(String::as_str).collect();
        assert_eq!(pick(&below, &[]).unwrap()[1], "model_index.json=onnx/model_index.json");
    }

    #[test]
    fn a_single_file_is_taken_where_there_is_one() {
        assert_eq!(pick(&["a.safetensors", "unet/b.safetensors", "x.ckpt"], &[]).unwrap(), ["a.safetensors"]);
        assert_eq!(pick(&["onnx/model.onnx", "model.safetensors"], &[]).unwrap(), ["model.onnx=onnx/model.onnx"]);
        let error = pick(&["a.safetensors", "b.safetensors"], &[]).unwrap_err();
        assert!(error.contains("several checkpoints; choose one with `--files`") && error.contains("\n  b.safetensors"), "{error}");
        assert!(pick(&["a.onnx", "b.onnx"], &[]).unwrap_err().contains("several networks"));
        assert!(pick(&["x.ckpt"], &[]).unwrap_err().contains("pickled"));
        assert!(pick(&["unet/x.safetensors"], &[]).unwrap_err().contains("optimum-cli"));
        assert!(pick(&["x.txt"], &[]).unwrap_err().contains("no model in it"));
    }

    #[test]
    fn files_are_chosen_by_patterns() {
        let files = ["onnx/a.onnx", "onnx/a.onnx_data", "onnx/b.onnx", "b.safetensors", "c.bin"];
        assert_eq!(pick(&files, &["onnx/a*"]).unwrap(), ["model.onnx=onnx/a.onnx", "a.onnx_data=onnx/a.onnx_data"]);
        assert_eq!(pick(&files, &["onnx/"]).unwrap().len(), 3);
        assert_eq!(pick(&files, &["b.safe????ors"]).unwrap(), ["b.safetensors"]);
        assert!(pick(&files, &["nothing*"]).unwrap_err().contains("no file fits `nothing*`"));
        assert!(pick(&files, &["c.bin"]).unwrap_err().contains("pickled"));
        assert!(pick(&files, &["onnx/a.onnx_data"]).unwrap_err().contains("none of the files"));
        assert!(fits("***a", "bba") && !fits("a?", "a"));
        assert!(pick(&["../../evil.onnx"], &[]).is_err());
    }
}
