//! From a network in half precision to the same in single precision, for those whose numbers grow too large for the former.
//!
//! ONNX files are protocol buffers; this walks them field by field and leaves what it does not know as it is.

use std::path::Path;

use half::f16;

/// ONNX's numbers of the element types.
const FLOAT: u64 = 1;
const FLOAT16: u64 = 10;

/// A field's content as it lies in the file.
#[derive(Clone, Copy)]
enum Content<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes.
    Fixed(&'a [u8]),
}

type Field<'a> = (u64, Content<'a>);

/// The model in `bytes` with single in the place of half precision throughout; nothing where it has no half precision, or is no
/// model. Tensors in other files are read from `folder`.
pub(super) fn widen(bytes: &[u8], folder: &Path) -> Option<Vec<u8>> {
    let mut widener = Widener { folder, changed: false };
    let model = widener.message(bytes, |w, field, bytes| if field == 7 { w.graph(bytes) } else { Some(bytes.to_vec()) })?;
    widener.changed.then_some(model)
}

struct Widener<'a> {
    folder: &'a Path,
    changed: bool,
}

impl Widener<'_> {
    /// A message in which `f` replaces the fields that are bytes.
    fn message(&mut self, bytes: &[u8], f: impl Fn(&mut Self, u64, &[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(bytes.len());
        for (field, content) in fields(bytes)? {
            match content {
                Content::Bytes(inner) => put(&mut out, field, Content::Bytes(&f(self, field, inner)?)),
                other => put(&mut out, field, other),
            }
        }
        Some(out)
    }

    fn graph(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.message(bytes, |w, field, bytes| match field {
            1 => w.node(bytes),
            5 => w.tensor(bytes),
            11..=13 => w.info(bytes),
            _ => Some(bytes.to_vec()),
        })
    }

    fn node(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.message(bytes, |w, field, bytes| if field == 5 { w.attribute(bytes) } else { Some(bytes.to_vec()) })
    }

    /// Tensors and graphs inside, and the number of an element type in `to` and `dtype`.
    fn attribute(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let all = fields(bytes)?;
        let names_type = all.iter().any(|(field, content)| *field == 1 && matches!(content, Content::Bytes(b"to" | b"dtype")));
        let mut out = Vec::with_capacity(bytes.len());
        for (field, content) in all {
            match (field, content) {
                (3, Content::Number(FLOAT16)) if names_type => {
                    self.changed = true;
                    put(&mut out, field, Content::Number(FLOAT));
                }
                (5 | 10, Content::Bytes(inner)) => put(&mut out, field, Content::Bytes(&self.tensor(inner)?)),
                (6 | 11, Content::Bytes(inner)) => put(&mut out, field, Content::Bytes(&self.graph(inner)?)),
                (_, other) => put(&mut out, field, other),
            }
        }
        Some(out)
    }

    /// The element type of an input, an output or a value in between.
    fn info(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.message(bytes, |w, field, bytes| if field == 2 { w.message(bytes, Self::tensor_type) } else { Some(bytes.to_vec()) })
    }

    fn tensor_type(&mut self, field: u64, bytes: &[u8]) -> Option<Vec<u8>> {
        if field != 1 {
            return Some(bytes.to_vec());
        }
        let mut out = Vec::with_capacity(bytes.len());
        for (field, content) in fields(bytes)? {
            let half = field == 1 && matches!(content, Content::Number(FLOAT16));
            self.changed |= half;
            put(&mut out, field, if half { Content::Number(FLOAT) } else { content });
        }
        Some(out)
    }

    fn tensor(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let all = fields(bytes)?;
        let number =
            |wanted: u64| all.iter().find_map(|(f, c)| if let Content::Number(n) = c { (*f == wanted).then_some(*n) } else { None });
        if number(2) != Some(FLOAT16) {
            return Some(bytes.to_vec());
        }
        self.changed = true;
        let values = if number(14) == Some(1) { self.outside(&all)? } else { inside(&all)? };
        let wide: Vec<u8> = values.iter().flat_map(|half| half.to_f32().to_le_bytes()).collect();
        let mut out = Vec::with_capacity(wide.len() + 64);
        // The lengths of the axes, the type, and the name.
        all.iter().filter(|(field, _)| matches!(field, 1 | 8)).for_each(|(field, content)| put(&mut out, *field, *content));
        put(&mut out, 2, Content::Number(FLOAT));
        put(&mut out, 9, Content::Bytes(&wide));
        Some(out)
    }

    /// The values of a tensor that lies in another file.
    fn outside(&self, all: &[Field<'_>]) -> Option<Vec<f16>> {
        let entry = |key: &str| all.iter().filter(|(field, _)| *field == 13).find_map(|(_, content)| text_entry(*content, key));
        let file = std::fs::read(self.folder.join(entry("location")?)).ok()?;
        let number = |key: &str| entry(key).and_then(|text| text.parse::<usize>().ok());
        let start = number("offset").unwrap_or(0);
        let end = number("length").map_or(file.len(), |length| start + length);
        Some(halves(file.get(start..end)?))
    }
}

/// The values of a tensor in the file itself: as bytes, or as numbers whose low halves are the bits.
fn inside(all: &[Field<'_>]) -> Option<Vec<f16>> {
    let mut values = Vec::new();
    for (field, content) in all {
        match (field, content) {
            (9, Content::Bytes(raw)) => return Some(halves(raw)),
            (5, Content::Number(bits)) => values.push(f16::from_bits(*bits as u16)),
            (5, Content::Bytes(packed)) => {
                let mut packed = *packed;
                while !packed.is_empty() {
                    values.push(f16::from_bits(number(&mut packed)? as u16));
                }
            }
            _ => {}
        }
    }
    Some(values)
}

fn halves(raw: &[u8]) -> Vec<f16> {
    raw.as_chunks::<2>().0.iter().map(|pair| f16::from_le_bytes(*pair)).collect()
}

/// The value of `key` if `content` is an entry of that key.
fn text_entry(content: Content<'_>, key: &str) -> Option<String> {
    let Content::Bytes(bytes) = content else { return None };
    let all = fields(bytes)?;
    let text = |wanted: u64| {
        let found = all.iter().find_map(|(f, c)| if let Content::Bytes(b) = c { (*f == wanted).then_some(*b) } else { None });
        found.and_then(|bytes| std::str::from_utf8(bytes).ok())
    };
    (text(1) == Some(key)).then(|| text(2).map(str::to_owned)).flatten()
}

/// The fields of a message; nothing where it is broken.
fn fields(mut bytes: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let key = number(&mut bytes)?;
        let content = match key & 7 {
            0 => Content::Number(number(&mut bytes)?),
            1 => Content::Fixed(take(&mut bytes, 8)?),
            2 => {
                let length = usize::try_from(number(&mut bytes)?).ok()?;
                Content::Bytes(take(&mut bytes, length)?)
            }
            5 => Content::Fixed(take(&mut bytes, 4)?),
            _ => return None,
        };
        all.push((key >> 3, content));
    }
    Some(all)
}

fn take<'a>(bytes: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (head, tail) = bytes.split_at_checked(n)?;
    *bytes = tail;
    Some(head)
}

/// A number of seven bits a byte, the lowest first.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put(out: &mut Vec<u8>, field: u64, content: Content<'_>) {
    let kind = match content {
        Content::Number(_) => 0,
        Content::Fixed(bytes) if bytes.len() == 8 => 1,
        Content::Bytes(_) => 2,
        Content::Fixed(_) => 5,
    };
    put_number(out, field << 3 | kind);
    match content {
        Content::Number(value) => put_number(out, value),
        Content::Fixed(bytes) => out.extend_from_slice(bytes),
        Content::Bytes(bytes) => {
            put_number(out, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Session, SessionOptions, Tensor, Weights};

    fn model(name: &str) -> Vec<u8> {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)).unwrap()
    }

    #[test]
    fn half_becomes_single_precision() {
        let wide = widen(&model("invert_fp16.onnx"), Path::new(".")).unwrap();
        let session = Session::from_bytes(Path::new("wide"), &wide, &Weights::default(), &SessionOptions::default()).unwrap();
        assert_eq!(session.inputs()[0].element.to_string(), "f32");
        let third = ndarray::Array4::from_elem((1, 3, 1, 1), 1.0_f32 / 3.0);
        let output = session.run(&[("image", third.view().into())]).unwrap().remove(0);
        assert_eq!(output, Tensor::from(1.0 - third), "no longer rounded to half precision");
    }

    #[test]
    fn what_is_single_or_no_model_is_left() {
        assert!(widen(&model("invert.onnx"), Path::new(".")).is_none());
        assert!(widen(b"this is no model at all", Path::new(".")).is_none());
    }
}
