//! Inner loops compiled for the instructions that the machine has.

/// Declares a function whose body is compiled as it stands, once more with AVX2 and once more with AVX-512, and chosen when it is
/// called. All do the same operations in the same order (nothing is contracted), so they give the same numbers. What the body
/// calls has to be inlined to gain: a `for` loop is, while `for_each` or `array::map` with a long closure stays a call that is
/// compiled for any machine.
macro_rules! wide {
    ($(#[$meta:meta])* $vis:vis fn $name:ident$(<$($g:ident: $bound:path),+>)?($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code, clippy::too_many_arguments, reason = "a `Level` is proof that the machine has them; a loop reads what it reads")]
        $vis fn $name$(<$($g: $bound),+>)?($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, reason = "as the function itself")]
            fn body$(<$($g: $bound),+>)?($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
                #[allow(clippy::too_many_arguments, reason = "as the function itself")]
                fn avx512$(<$($g: $bound),+>)?($($arg: $ty),*) $(-> $ret)? {
                    body($($arg),*)
                }
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments, reason = "as the function itself")]
                fn avx2$(<$($g: $bound),+>)?($($arg: $ty),*) $(-> $ret)? {
                    body($($arg),*)
                }
                match $crate::kernel::cpu::Level::best().set() {
                    // SAFETY: a level's instructions are there.
                    $crate::kernel::cpu::Set::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::kernel::cpu::Set::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::kernel::cpu::Set::Plain => {}
                }
            }
            body($($arg),*)
        }
    };
}
pub(super) use wide;
