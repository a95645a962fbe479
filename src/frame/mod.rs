//! Pictures and fields: planar `f32`, shared cheaply, edited in place when nobody else holds them.
//!
//! A [`Frame`] is display-referred, 0 black to 1 white; values outside survive until an 8-bit sink rounds and clips them.

mod grain;
mod pool;
mod raster;
mod tags;
mod track;

pub use grain::Grain;
pub use pool::{idle_bytes, trim};
pub use raster::{Raster, Size};
pub use tags::ColorTags;
pub use track::Track;

/// A colour picture: three planes R, G, B, or four with straight alpha.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The planes.
    pub raster: Raster,
    /// What the numbers mean as light.
    pub tags: ColorTags,
}

impl Frame {
    /// A frame over `raster`, which has three or four planes.
    #[must_use]
    pub fn new(raster: Raster, tags: ColorTags) -> Self {
        debug_assert!(matches!(raster.planes(), 3 | 4), "a frame has three or four planes");
        Self { raster, tags }
    }

    /// A frame of one colour.
    #[must_use]
    pub fn filled(size: Size, rgb: [f32; 3]) -> Self {
        let mut raster = Raster::uninit(size, 3);
        for (plane, value) in raster.planes_mut().zip(rgb) {
            plane.fill(value);
        }
        Self::new(raster, ColorTags::default())
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.raster.size()
    }

    /// Whether it has a fourth plane.
    #[must_use]
    pub fn has_alpha(&self) -> bool {
        self.raster.planes() == 4
    }
}

macro_rules! field {
    ($(#[$doc:meta])* $name:ident, $planes:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Raster);

        impl $name {
            /// How many planes the field has.
            pub const PLANES: usize = $planes;

            /// Wraps `raster`, which has exactly [`Self::PLANES`] planes.
            #[must_use]
            pub fn new(raster: Raster) -> Self {
                debug_assert_eq!(raster.planes(), $planes);
                Self(raster)
            }

            /// Width and height.
            #[must_use]
            pub fn size(&self) -> Size {
                self.0.size()
            }
        }
    };
}

field!(
    /// How near each pixel is: 0 the farthest, 1 the nearest.
    Depth, 1
);
field!(
    /// Where something holds: 0 nowhere, 1 fully.
    Mask, 1
);
field!(
    /// Forward displacement (dx, dy) in pixels: the content at `p` of one picture lies at `p + flow(p)` in the other.
    Flow, 2
);
field!(
    /// Where each pixel came from, (dx, dy) in pixels: a moved picture is `out(p) = in(p + motion(p))`.
    Motion, 2
);

/// What a picture is inside a diffusion model: planes at a fraction of its size. Only that model can read them.
#[derive(Debug, Clone)]
pub struct Latent(pub Raster);
