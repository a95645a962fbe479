//! What goes into and comes out of a network, read without its weights: of gigabytes only a few pages are touched.

use std::collections::BTreeSet;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

use prost::Message;

use super::proto::{Dimension, Entry, TensorType, ValueInfo};
use super::read::element;
use crate::model::expect::{Dim, TensorInfo};

/// The face of a network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// What goes in, in the model's order.
    pub inputs: Vec<TensorInfo>,
    /// What comes out, in the model's order.
    pub outputs: Vec<TensorInfo>,
    /// The other files, beside the network's own, that hold its weights.
    pub outside: BTreeSet<String>,
}

impl Interface {
    /// Of the ONNX file that `from` holds.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] when it is no ONNX file, [`ErrorKind::UnexpectedEof`] when it is cut short, or what the disk says.
    pub fn read(mut from: impl Read + Seek) -> io::Result<Self> {
        let end = from.seek(SeekFrom::End(0))?;
        from.rewind()?;
        let mut skim = Skim { from: BufReader::new(from), at: 0, initializers: BTreeSet::new(), face: Self::default() };
        while let Some((field, length)) = skim.next(end)? {
            if field == 7 { skim.graph(length)? } else { skim.skip(length)? }
        }
        let Skim { mut face, initializers, .. } = skim;
        // Old files list their weights among the inputs.
        face.inputs.retain(|input| !initializers.contains(&input.name));
        if face.outputs.is_empty() { Err(ErrorKind::InvalidData.into()) } else { Ok(face) }
    }
}

/// A walk through the fields of nested messages.
struct Skim<R> {
    from: BufReader<R>,
    at: u64,
    initializers: BTreeSet<String>,
    face: Interface,
}

impl<R: Read + Seek> Skim<R> {
    /// The next field before `end` that has a length, and that; others are passed over.
    fn next(&mut self, end: u64) -> io::Result<Option<(u32, u64)>> {
        while self.at < end {
            let key = self.varint()?;
            match key & 7 {
                0 => drop(self.varint()?),
                1 => self.skip(8)?,
                5 => self.skip(4)?,
                2 => {
                    let length = self.varint()?;
                    if length > end.saturating_sub(self.at) {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    return Ok(Some(((key >> 3) as u32, length)));
                }
                _ => return Err(ErrorKind::InvalidData.into()),
            }
        }
        Ok(None)
    }

    fn graph(&mut self, length: u64) -> io::Result<()> {
        let end = self.at + length;
        while let Some((field, length)) = self.next(end)? {
            match field {
                5 => self.initializer(length)?,
                11 => {
                    let input = self.value(length)?;
                    self.face.inputs.push(input);
                }
                12 => {
                    let output = self.value(length)?;
                    self.face.outputs.push(output);
                }
                _ => self.skip(length)?,
            }
        }
        Ok(())
    }

    fn initializer(&mut self, length: u64) -> io::Result<()> {
        let end = self.at + length;
        while let Some((field, length)) = self.next(end)? {
            match field {
                8 => {
                    let name = String::from_utf8_lossy(&self.bytes(length)?).into_owned();
                    self.initializers.insert(name);
                }
                13 => {
                    let entry = Entry::decode(self.bytes(length)?.as_slice()).map_err(io::Error::other)?;
                    if entry.key.as_deref() == Some("location") {
                        self.face.outside.extend(entry.value);
                    }
                }
                _ => self.skip(length)?,
            }
        }
        Ok(())
    }

    fn value(&mut self, length: u64) -> io::Result<TensorInfo> {
        let info = ValueInfo::decode(self.bytes(length)?.as_slice()).map_err(|_| ErrorKind::InvalidData)?;
        let TensorType { element: kind, shape } = info.kind.and_then(|kind| kind.tensor).unwrap_or_default();
        let axes = shape.unwrap_or_default().dim;
        let axis = |axis: Dimension| match axis.value {
            Some(n) => usize::try_from(n).map_or(Dim::Dynamic(None), Dim::Fixed),
            None => Dim::Dynamic(axis.param.filter(|name| !name.is_empty())),
        };
        let shape = axes.into_iter().map(axis).collect();
        Ok(TensorInfo { name: info.name.unwrap_or_default(), element: element(kind.unwrap_or(0)), shape })
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.from.read_exact(&mut byte)?;
            self.at += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ErrorKind::InvalidData.into())
    }

    fn bytes(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&mut self.from).take(length).read_to_end(&mut bytes)?;
        self.at += length;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        self.at += length;
        self.from.seek_relative(i64::try_from(length).map_err(|_| ErrorKind::InvalidData)?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;

    use super::super::{Axis, Graph, Kind, Place};
    use super::*;
    use crate::model::{Session, SessionOptions};

    #[test]
    fn it_sees_what_a_session_says() {
        for name in ["invert", "invert_fp16", "add_style", "label", "fixed_size"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/models/{name}.onnx"));
            let face = Interface::read(std::fs::File::open(&path).unwrap()).unwrap();
            let session = Session::open(&path, &SessionOptions::default()).unwrap();
            assert_eq!((face.inputs.as_slice(), face.outputs.as_slice()), (session.inputs(), session.outputs()), "{name}");
        }
    }

    #[test]
    fn weights_in_other_files_are_told_and_half_a_file_is_none() {
        let mut graph = Graph::new("test");
        let x = graph.input("x", Kind::F32, &[Axis::Open("n")]);
        let w = graph.external("w", Kind::F32, &[1], Place { file: "w.data", offset: 0, length: 4 });
        let number = graph.lasting(2.0);
        let y = graph.add("Mul", &[&x, &w], &[]);
        let y = graph.add("Mul", &[&y, &number], &[]);
        graph.output("y", &y, Kind::F32, &[Axis::Open("n")]);
        let bytes = graph.into_bytes();
        let face = Interface::read(Cursor::new(&bytes)).unwrap();
        assert_eq!(face.outside, BTreeSet::from(["w.data".to_owned()]));
        assert_eq!(face.inputs.iter().map(ToString::to_string).collect::<Vec<_>>(), ["x: f32 [n]"]);
        for cut in [1, bytes.len() / 2, bytes.len() - 1] {
            assert!(Interface::read(Cursor::new(&bytes[..cut])).is_err());
        }
        assert!(Interface::read(Cursor::new(b"<!DOCTYPE html>")).is_err() && Interface::read(Cursor::new(b"")).is_err());
    }
}
