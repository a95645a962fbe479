//! Pieces of rows that fit a register, for the inner loops of flow.

/// Rows of planes with margins are worked on in pieces of this many pixels.
pub(super) const PIECE: usize = 8;

/// Some consecutive values.
pub(super) type Piece = [f32; PIECE];

/// The piece of `line` that begins at `at`.
#[inline(always)]
pub(super) fn piece(line: &[f32], at: usize) -> Piece {
    let mut piece = [0.0; PIECE];
    piece.copy_from_slice(&line[at..at + PIECE]);
    piece
}
