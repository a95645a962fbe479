//! Inner loops compiled twice: for any processor, and for one with AVX2.

/// Declares a function whose body is compiled as it stands and once more with AVX2, and chosen when it is called. Both do the same
/// operations in the same order (nothing is contracted), so they give the same numbers.
macro_rules! wide {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::inline_always, clippy::too_many_arguments, reason = "so that both are compiled with their own instructions")]
            fn body($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments, reason = "as the function itself")]
                fn with_avx2($($arg: $ty),*) $(-> $ret)? {
                    body($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    #[allow(unsafe_code, reason = "the processor was asked on the line before")]
                    return unsafe { with_avx2($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}
pub(in crate::kernel) use wide;

/// Rows of planes with margins are worked on in pieces of this many pixels.
pub(super) const PIECE: usize = 8;

/// Some consecutive values.
pub(super) type Piece = [f32; PIECE];

/// The piece of `line` that begins at `at`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "so that it is compiled with its caller's instructions")]
pub(super) fn piece(line: &[f32], at: usize) -> Piece {
    let mut piece = [0.0; PIECE];
    piece.copy_from_slice(&line[at..at + PIECE]);
    piece
}
