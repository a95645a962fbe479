//! Turning initializers of a foreign network into ones whose numbers are given when it is loaded.

use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use super::proto::{Entry, TensorMessage};

/// The numbers of the fields on the way to an initializer: of a model the graph, of a graph an initializer.
const WAY: [u32; 2] = [7, 5];

/// The network `bytes` with those initializers that are `given` declared to lie in `file`, a file beside it that is not read for them, so that ONNX Runtime takes what it is
/// handed for them before it optimises; all else stays byte for byte. `None` where `bytes` is no ONNX file.
#[must_use]
pub fn outside(bytes: &[u8], file: &str, given: &dyn Fn(&str) -> bool) -> Option<Vec<u8>> {
    rewritten(bytes, &WAY, (file, given))
}

/// The file that is named, and which initializers are said to lie there.
type Given<'a> = (&'a str, &'a dyn Fn(&str) -> bool);

fn rewritten(mut rest: &[u8], way: &[u32], given: Given<'_>) -> Option<Vec<u8>> {
    let Some((next, onwards)) = way.split_first() else { return tensor(rest, given) };
    let mut out = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let before = rest;
        let (field, wire) = decode_key(&mut rest).ok()?;
        let length = match wire {
            WireType::Varint => {
                decode_varint(&mut rest).ok()?;
                0
            }
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            WireType::LengthDelimited => usize::try_from(decode_varint(&mut rest).ok()?).ok()?,
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        rest = after;
        if field == *next && wire == WireType::LengthDelimited {
            let content = rewritten(content, onwards, given)?;
            encode_key(field, wire, &mut out);
            encode_varint(content.len() as u64, &mut out);
            out.extend(content);
        } else {
            out.extend_from_slice(&before[..before.len() - rest.len()]);
        }
    }
    Some(out)
}

/// An initializer, without its numbers where they are given.
fn tensor(bytes: &[u8], (file, given): Given<'_>) -> Option<Vec<u8>> {
    let message = TensorMessage::decode(bytes).ok()?;
    if !message.name.as_deref().is_some_and(given) {
        return Some(bytes.to_vec());
    }
    let width = if message.data_type == Some(super::Kind::F16 as i32) { 2 } else { 4 };
    let length = width * message.dims.iter().product::<i64>();
    let entry = |key: &str, value: String| Entry { key: Some(key.to_owned()), value: Some(value) };
    let external_data = vec![entry("location", file.to_owned()), entry("offset", "0".to_owned()), entry("length", length.to_string())];
    let (dims, data_type, name) = (message.dims, message.data_type, message.name);
    Some(TensorMessage { dims, data_type, name, external_data, data_location: Some(1), ..TensorMessage::default() }.encode_to_vec())
}
