//! Models: the one room that knows ONNX Runtime.
//!
//! [`Session::open`] loads a model once per process and shares it; [`Session::run`] takes and gives small [`Tensor`]s; [`find_model`]
//! turns the name in a graph into a file; [`expect()`] says what is wrong with a model that does not fit its place.

mod advice;
mod arena;
mod device;
mod error;
mod expect;
mod find;
pub mod onnx;
mod picture;
mod record;
mod runtime;
mod session;
mod tensor;
mod value;
mod widen;

pub use device::Device;
pub use error::{ModelError, not_onnx};
pub use expect::{Dim, Element, Slot, TensorInfo, Want, expect};
pub use find::{FindError, find_model, model_folders, store_folder, use_store};
pub use picture::{Layout, PictureSlot, Range};
pub use record::{Origin, RECORD_ENDING, Record, RecordedFile};
pub use runtime::{Place, RuntimeReport, runtime_report};
pub use session::{Replacement, Session, SessionOptions, Weights};
pub use tensor::{Tensor, TensorRef, all_dark, first_bad};
