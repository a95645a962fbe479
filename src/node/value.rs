//! What flows along links: the types of ports and the values of streams.

use std::fmt;

use crate::frame::{Depth, Flow, Frame, Grain, Latent, Mask, Motion, Size, Track};

/// The type of a port. A link joins two ports of the same type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortType {
    /// A colour picture.
    Frame,
    /// How near each pixel is.
    Depth,
    /// Where something holds.
    Mask,
    /// Forward displacement between two pictures.
    Flow,
    /// Where each pixel of a moved picture came from.
    Motion,
    /// One number a tick.
    Scalar,
    /// A clip's sound.
    Audio,
    /// A clip's subtitles.
    Subtitles,
    /// What a picture is inside a diffusion model.
    Latents,
    /// Which noise lies under each pixel.
    Grain,
}

impl PortType {
    /// The word used in messages and documentation.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Frame => "image",
            Self::Depth => "depth",
            Self::Mask => "mask",
            Self::Flow => "flow",
            Self::Motion => "motion",
            Self::Scalar => "scalar",
            Self::Audio => "audio",
            Self::Subtitles => "subtitles",
            Self::Latents => "latents",
            Self::Grain => "grain",
        }
    }

    /// How many planes a raster of this type has; 0 for what is no raster.
    #[must_use]
    pub fn planes(self) -> usize {
        match self {
            Self::Frame => 3,
            Self::Depth | Self::Mask => 1,
            Self::Flow | Self::Motion | Self::Grain => 2,
            Self::Latents => 4,
            Self::Scalar | Self::Audio | Self::Subtitles => 0,
        }
    }
}

impl fmt::Display for PortType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A clip's sound, as a value of a port; nothing for a silent clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Audio(pub Option<Track>);

/// A clip's subtitles, as a value of a port; nothing for a clip without.
#[derive(Debug, Clone, PartialEq)]
pub struct Subtitles(pub Option<Track>);

/// A type that a port can carry.
pub trait PortValue: Sized + Send + Sync + 'static {
    /// The port's type.
    const TYPE: PortType;
    /// Takes it out of a value; `None` when the value is of another type.
    fn from_value(value: Value) -> Option<Self>;
    /// Puts it into a value.
    fn into_value(self) -> Value;
}

macro_rules! values {
    ($($variant:ident($type:ty)),* $(,)?) => {
        /// One value of a stream. Cheap to clone: rasters share their storage.
        #[derive(Debug, Clone)]
        pub enum Value {
            $(#[doc = concat!("A value of type [`PortType::", stringify!($variant), "`].")] $variant($type)),*
        }

        impl Value {
            /// The type of port that carries it.
            #[must_use]
            pub fn port_type(&self) -> PortType {
                match self { $(Self::$variant(_) => PortType::$variant),* }
            }
        }

        $(impl PortValue for $type {
            const TYPE: PortType = PortType::$variant;
            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::$variant(inner) => Some(inner),
                    _ => None,
                }
            }
            fn into_value(self) -> Value {
                Value::$variant(self)
            }
        })*
    };
}

values! {
    Frame(Frame), Depth(Depth), Mask(Mask), Flow(Flow), Motion(Motion), Scalar(f64), Audio(Audio), Subtitles(Subtitles),
    Latents(Latent), Grain(Grain),
}

impl Value {
    /// Storage in bytes, shared or not.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.raster.bytes(),
            Self::Depth(Depth(r)) | Self::Mask(Mask(r)) | Self::Flow(Flow(r)) | Self::Motion(Motion(r)) => r.bytes(),
            Self::Latents(Latent(raster)) => raster.bytes(),
            Self::Grain(grain) => size_of_val(grain.cells()),
            Self::Scalar(_) | Self::Audio(_) | Self::Subtitles(_) => 0,
        }
    }
}

/// The shape of a stream's values, agreed before anything runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Width and height; 0x0 for what is no raster.
    pub size: Size,
    /// Planes of `f32`; 0 for what is no raster.
    pub planes: usize,
}

impl Format {
    /// The usual shape of a port of type `of` at `size`.
    #[must_use]
    pub fn new(of: PortType, size: Size) -> Self {
        match of.planes() {
            0 => Self { size: Size::new(0, 0), planes: 0 },
            planes => Self { size, planes },
        }
    }

    /// Storage of one value in bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.size.area() * self.planes * size_of::<f32>()
    }
}
