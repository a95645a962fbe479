/// Declares a kind: its typed inputs, outputs and parameters, with their documentation.
///
/// One declaration yields, in the module where it stands, the structs `Inputs`, `Outputs`, `Params` (as written) and `Now` (the
/// parameters at a tick), and [`Declared`](crate::node::Declared) for the named type. The author adds the type itself and
/// [`Node`](crate::node::Node) for it, which says what a firing does.
///
/// * Inputs: `Frame`, `Option<Frame>` (may be left unlinked), `Vec<Frame>` (a list of links), `Latest<Frame>` (with its age),
///   `Window<Frame, 1, 1>` (one tick before to one after), and the same for every other port type.
/// * Outputs: `Frame`, or `Option<Motion>` for one that is made only when [`Tick::wants`](crate::node::Tick::wants) it.
/// * Parameters: any [`Param`](crate::param::Param), with an optional default (a literal as it would stand in a graph) and
///   range. Without a default a parameter must be set, unless it is an `Option`.
///
/// ```
/// use frameloom::frame::Frame;
/// use frameloom::node::{Fault, Halt, Node, Open, Tick, node};
/// use frameloom::param::Curve;
///
/// node! {
///     /// Makes the picture brighter or darker.
///     "gain" => Gain
///     inputs {
///         /// The picture.
///         image: Frame,
///     }
///     outputs {
///         /// The picture, times `amount`.
///         image: Frame,
///     }
///     params {
///         /// What every value is multiplied by; 1 changes nothing.
///         amount: Curve = 1.0, in 0.0..=8.0;
///     }
/// }
///
/// /// The kind `gain`.
/// pub struct Gain;
///
/// impl Node for Gain {
///     type State = ();
///
///     fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
///         Ok((Gain, ()))
///     }
///
///     fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
///         let mut image = inputs.image;
///         for value in image.raster.data_mut() {
///             *value *= now.amount as f32;
///         }
///         Ok(Outputs { image })
///     }
/// }
/// # frameloom::node::Registry::default().add::<Gain>().unwrap();
/// ```
#[macro_export]
macro_rules! node {
    (
        $(#[doc = $doc:literal])*
        $name:literal => $type:ident
        $(inputs { $($(#[doc = $idoc:literal])* $input:ident : $ity:ty),* $(,)? })?
        $(outputs { $($(#[doc = $odoc:literal])* $output:ident : $oty:ty),* $(,)? })?
        $(params { $($(#[doc = $pdoc:literal])* $param:ident : $pty:ty $(= $default:expr)? $(, in $range:expr)? ;)* })?
    ) => {
        /// What a firing reads.
        #[derive(Debug)]
        pub struct Inputs { $($($(#[doc = $idoc])* pub $input: $ity,)*)? }

        /// What a firing makes.
        #[derive(Debug)]
        pub struct Outputs { $($($(#[doc = $odoc])* pub $output: $oty,)*)? }

        /// The parameters as written.
        pub struct Params { $($($(#[doc = $pdoc])* pub $param: $pty,)*)? }

        /// The parameters at one tick.
        pub struct Now { $($($(#[doc = $pdoc])* pub $param: <$pty as $crate::param::Param>::Now,)*)? }

        #[allow(unused_variables, unused_mut, clippy::needless_pass_by_value, clippy::unused_self, clippy::too_many_lines, reason = "a kind may have no inputs, outputs or parameters")]
        impl $crate::node::Declared for $type {
            type Inputs = Inputs;
            type Outputs = Outputs;
            type Params = Params;
            type Now = Now;

            fn spec() -> $crate::node::Spec {
                let lines: &[&'static str] = &[$($doc),*];
                $crate::node::Spec {
                    name: $name,
                    about: lines.first().copied().unwrap_or_default().trim(),
                    details: $crate::node::prose(lines.get(1..).unwrap_or_default()),
                    inputs: vec![$($($crate::node::InputSpec {
                        name: $crate::node::plain(stringify!($input)),
                        about: $crate::node::prose(&[$($idoc),*]),
                        shape: <$ity as $crate::node::Input>::SHAPE,
                    },)*)?],
                    outputs: vec![$($($crate::node::OutputSpec {
                        name: $crate::node::plain(stringify!($output)),
                        about: $crate::node::prose(&[$($odoc),*]),
                        ty: <$oty as $crate::node::Output>::TYPE,
                    },)*)?],
                    params: vec![$($($crate::node::ParamSpec {
                        name: $crate::node::plain(stringify!($param)),
                        about: $crate::node::prose(&[$($pdoc),*]),
                        shape: <$pty as $crate::param::Param>::shape(),
                        default: None$(.or(Some($crate::param::Value::from($default))))?,
                        range: None$(.or(Some($range)))?,
                        test: $crate::node::test::<$pty>,
                    },)*)?],
                    sequential: false,
                }
            }

            fn read(given: &$crate::node::Given<'_>) -> Result<Params, $crate::diag::Diagnostics> {
                let mut faults = $crate::diag::Diagnostics::default();
                $($(let $param = given.read::<$pty>(
                    $crate::node::plain(stringify!($param)),
                    None$(.or(Some($crate::param::Value::from($default))))?,
                    &mut faults,
                );)*)?
                match ($($($param,)*)?) {
                    ($($(Some($param),)*)?) if !faults.has_errors() => Ok(Params { $($($param,)*)? }),
                    #[allow(unreachable_patterns, reason = "a kind may have no parameters")]
                    _ => Err(faults),
                }
            }

            fn now(params: &Params, at: &$crate::param::Moment<'_>) -> Now {
                Now { $($($param: $crate::param::Param::now(&params.$param, at),)*)? }
            }

            fn out_of_range(params: &Params, at: &$crate::param::Moment<'_>) -> Vec<(&'static str, String)> {
                let mut found = Vec::new();
                $($($(
                    if let Err(sentence) = $crate::param::Param::check(&params.$param, &$range, at) {
                        found.push(($crate::node::plain(stringify!($param)), sentence));
                    }
                )?)*)?
                found
            }

            fn streams(params: &Params) -> Vec<(&'static str, String)> {
                let mut found = Vec::new();
                $($(found.extend(
                    $crate::param::Param::streams(&params.$param).into_iter().map(|stream| ($crate::node::plain(stringify!($param)), stream)),
                );)*)?
                found
            }

            fn take(feeds: Vec<$crate::node::Feed>, tick: u64) -> Option<Inputs> {
                let mut feeds = feeds.into_iter();
                Some(Inputs { $($($input: $crate::node::Input::take(feeds.next()?, tick)?,)*)? })
            }

            fn give(outputs: Outputs) -> Vec<Option<$crate::node::Value>> {
                vec![$($($crate::node::Output::give(outputs.$output),)*)?]
            }
        }
    };
}
