use proptest::prelude::*;

use super::*;
use crate::frame::Size;
use crate::param::{Fps, Moment};

fn moment() -> Moment<'static> {
    Moment { tick: 12, length: Some(48), fps: Fps::new(24, 1), size: Size::new(768, 432), seed: 7, ..Moment::default() }
}

fn value(text: &str) -> f64 {
    Expr::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}")).eval(&Env::new(&moment()))
}

fn fault(text: &str) -> (&str, Fault) {
    let fault = Expr::parse(text).expect_err(text);
    (text.get(fault.at.clone()).unwrap_or(""), fault)
}

#[test]
fn precedence_is_that_of_python() {
    let cases = [
        ("1 + 2*3", 7.0),
        ("-2**2", -4.0),
        ("2**-1", 0.5),
        ("2**3**2", 512.0),
        ("2*-3", -6.0),
        ("7 % 3 * 2", 2.0),
        ("1/2*t", 6.0),
        ("10 - 2 - 3", 5.0),
        ("7 // 2", 3.0),
        ("not 1 > 2", 1.0),
        ("1 > 2 or 2 > 1 and 0", 0.0),
        ("(t>3) & (t<13)", 1.0),
        ("~(t>3)", 0.0),
        ("t & 8", 8.0),
        ("1 << 4 | 1", 17.0),
        ("~5", -6.0),
        ("1 if t>5 else 0", 1.0),
        ("1 if t>50 else 2 if t>5 else 3", 2.0),
        ("(t>3)*(t<8)*2.5", 0.0),
        ("5.", 5.0),
        (".5e1", 5.0),
        ("+ 3", 3.0),
    ];
    for (text, wanted) in cases {
        assert_eq!(value(text), wanted, "{text}");
    }
}

#[test]
fn remainders_have_the_sign_of_the_divisor() {
    assert_eq!(value("(t - 17) % 4"), 3.0);
    assert_eq!(value("(t - 17.5) % 4"), 2.5);
    assert_eq!(value("-7 % -4"), -3.0);
    assert_eq!(value("t % 0"), 0.0);
    assert!(value("t % 0.0").is_nan());
    // As numexpr has it; the exact remainder is 0.3.
    assert!(value("(t*0.075) % 0.3").abs() < 1e-9);
}

#[test]
fn values_of_the_run_are_known_by_name() {
    let cases = [
        ("t", 12.0),
        ("f", 12.0),
        ("max_f", 47.0),
        ("s", 7.0),
        ("fps", 24.0),
        ("w/h", 768.0 / 432.0),
        ("seconds", 0.5),
        ("beat", 1.0),
        ("4s", 96.0),
        ("2b", 24.0),
        ("2*pi", std::f64::consts::TAU),
    ];
    for (text, wanted) in cases {
        assert!((value(text) - wanted).abs() < 1e-12, "{text}");
    }
}

#[test]
fn functions_take_positions_names_and_defaults() {
    let cases = [
        ("sin(0.5)", 0.5f64.sin()),
        ("sin(p=48)", 1.0),
        ("sin(a=2, period=48, c=1)", 3.0),
        ("sin(48, 0, 2)", 2.0),
        ("where(t>5, 1, 0)", 1.0),
        ("if(t>50, 1, 0)", 0.0),
        ("min(3, 1, 2)", 1.0),
        ("clamp(5, 0, 4)", 4.0),
        ("lerp(0, 10, 0.25)", 2.5),
        ("round(2.5)", 2.0),
        ("tri(48)", 1.0),
        ("mod(-1, 4)", 3.0),
        ("max(3)", 3.0),
        ("round(2.345, 1)", 2.3),
        ("hypot(3, 4)", 5.0),
        ("isnan(sqrt(-t))", 1.0),
        ("if (t > 5) 1 else 2", 1.0),
        ("1 + if (t > 50) 1 else if (t > 5) 2 else 3", 3.0),
        ("slide(0, 47)", 12.0),
        ("active_keyframe + next_keyframe", 47.0),
    ];
    for (text, wanted) in cases {
        assert!((value(text) - wanted).abs() < 1e-12, "{text}");
    }
    assert!((2.0..=3.0).contains(&value("rand(2, 3)")));
    assert_eq!(value("rand(hold=20)"), value("rand(0, 1, hold=14)"));
    assert_ne!(value("rand(1)"), value("rand(2)"));
}

#[test]
fn streams_are_named_once_and_read_by_name() {
    let expr = Expr::parse("1 + 0.05*drums.level + drums.level*bass.beat").unwrap();
    assert_eq!(expr.streams(), ["drums.level", "bass.beat"]);
    let streams = [("bass.beat".to_owned(), 10.0), ("drums.level".to_owned(), 2.0)];
    let moment = Moment { streams: &streams, ..Moment::default() };
    assert!((expr.eval(&Env::new(&moment)) - 21.1).abs() < 1e-12);
}

#[test]
fn what_is_constant_folds() {
    assert_eq!(Expr::parse("1 + 2*sin(0)").unwrap().as_constant(), Some(1.0));
    assert_eq!(Expr::parse("max(1, 2)*t").unwrap().ops.len(), 3);
    assert_eq!(Expr::parse("rand(1)").unwrap().as_constant(), None);
    assert_eq!(Expr::parse("4s").unwrap().as_constant(), None);
}

#[test]
fn errors_underline_the_very_token_and_say_what_to_type() {
    let cases = [
        ("1 + maxf", "maxf", "write `max_f`"),
        ("sine(t)", "sine", "write `sin`"),
        ("atan(t)", "atan", "write `arctan`"),
        ("t^2", "^", "write `**`"),
        ("t>1 && t<5", "&&", "write `and`"),
        ("0 < t < 5", "<", "write each in its own brackets: `(0 < t) and (t < 5)`"),
        ("t>3 & t<8", "<", "write each in its own brackets: `(0 < t) and (t < 5)`"),
        ("(t/2) & 1", "&", "put comparisons in brackets, or write `and`"),
        ("(1 + 2", "(", "write `)` at its end"),
        ("2 t", "t", "write `*` for a product"),
        ("clamp(t, 1)", "clamp(t, 1)", "write `clamp(x, low, high)`"),
        ("sqrt(t, 1)", "1", "write `sqrt(x)`"),
        ("tri(p=4, q=2)", "q", "write `tri(period, phase=0, amplitude=1, centre=0, limit=0)`"),
        ("sin", "sin", "write `sin(x)`"),
        ("t == 1 if 2", "", "write `a if condition else b`"),
        ("!t", "!", "write `not`"),
        ("t = 1", "=", "write `==`"),
    ];
    for (text, under, help) in cases {
        let (underlined, fault) = fault(text);
        assert_eq!(underlined, under, "{text}");
        assert_eq!(fault.help.as_deref(), Some(help), "{text}");
    }
    assert_eq!(fault("1 +").1.message, "the expression ends too soon");
    assert_eq!(fault("1, 2").1.message, "a comma outside a function's brackets");
    assert_eq!(fault("  ").1.message, "the expression is empty");
}

#[test]
fn depth_is_bounded() {
    assert!(Expr::parse(&"(".repeat(100_000)).is_err());
    assert!(Expr::parse(&"-".repeat(100_000)).is_err());
    assert!(Expr::parse(&("1+(t*".repeat(60) + "1" + &")".repeat(60))).is_err());
    let long = vec!["t"; 50_000].join("+");
    assert_eq!(value(&long), 600_000.0);
}

proptest! {
    #[test]
    fn any_text_parses_or_fails_within_itself(text in ".{0,60}") {
        if let Err(fault) = Expr::parse(&text) {
            prop_assert!(fault.at.start <= fault.at.end && fault.at.end <= text.len() + 1);
        }
    }

    #[test]
    fn likely_text_parses_or_fails_and_never_panics(words in prop::collection::vec(
        prop::sample::select(vec!["t", "1", ".5", "2s", "(", ")", ",", "+", "-", "**", "%", "<", "&", "~", "not", "and", "if", "else",
            "sin(", "rand(", "min(", "p=", "a.b", "max_f", "<<", "1e9", "where(", "noise("]), 0..24)) {
        let text = words.join(" ");
        if let Ok(expr) = Expr::parse(&text) {
            let _ = expr.eval(&Env::new(&moment()));
        }
    }

    #[test]
    fn printed_numbers_read_back(number in prop::num::f64::NORMAL) {
        prop_assert_eq!(Expr::parse(&format!("{number:e}")).unwrap().as_constant(), Some(number));
        prop_assert_eq!(Expr::parse(&format!("{number}")).unwrap().as_constant(), Some(number));
    }

    #[test]
    fn folding_changes_nothing(a in -9..9i32, b in -9..9i32, c in 1..9i32) {
        // `x` keeps the right side from folding.
        for (op, other) in [("+", "*"), ("-", "/"), ("%", "-"), ("<", "+")] {
            let folded = value(&format!("({a}) {op} ({b}) {other} ({c})"));
            let run = value(&format!("({a} + 0*t) {op} ({b} + 0*t) {other} ({c} + 0*t)"));
            prop_assert!(folded == run || (folded.is_nan() && run.is_nan()));
        }
    }
}
